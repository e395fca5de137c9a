#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "ca/grant/lines.h"
#include "cli/folder.h"
#include "cli/server.h"

#define FILE_BYTES 2048
#define TOKEN_BYTES 512

void
server_done(struct server *s)
{
	free(s->dir);
	*s = (struct server){ 0 };
}

/* ---- read ---- */

/* "-" is "". */
static void
take(struct lines *l, const char *name, char *ret, size_t size)
{
	struct span s = lines_ascii(l, name);

	if (span_eq_str(s, "-"))
		s = SPAN_NONE;
	if (s.n >= size)
		lines_fail(l, JIT_E_FORMAT, "%s: too long", name);
	else if (l->err == JIT_OK)
		(void)snprintf(ret, size, "%.*s", (int)s.n,
		    s.n > 0 ? (const char *)s.p : "");
}

static enum jit_err
read_profile(struct server *s, struct jit_why *why)
{
	JIT_DONE(buf_done) struct buf b = { NULL, 0 };
	struct lines l;
	char url[URL_TEXT] = "", tls[DIGEST_TEXT] = "";
	enum jit_err e;

	JIT_TRY(folder_read(s->dir, "server", FILE_BYTES, &b, why));
	if (b.n == 0)
		return JIT_OK;
	l = lines_open(BUF_SPAN(b), "server", why);
	take(&l, "url", url, sizeof(url));
	take(&l, "name", s->name, sizeof(s->name));
	take(&l, "tls", tls, sizeof(tls));
	take(&l, "log", s->log, sizeof(s->log));
	e = lines_end(&l);
	s->tls_pinned = strcmp(tls, "system") != 0;
	if (e == JIT_OK && s->tls_pinned)
		e = digest_parse(span_str(tls), &s->tls);
	if (e == JIT_OK && (url_parse(url, &s->url, why) != JIT_OK ||
	    (s->name[0] != '\0' && !text_is_name(span_str(s->name)))))
		e = JIT_E_FORMAT;
	s->set_up = true;
	return e == JIT_OK ? e : jit_fail(why, JIT_E_FORMAT, "%s/server is "
	    "damaged: remove it, and set it up again", s->dir);
}

static enum jit_err
read_who(struct server *s, struct jit_why *why)
{
	JIT_DONE(buf_done) struct buf b = { NULL, 0 };
	struct lines l;

	JIT_TRY(folder_read(s->dir, "who", FILE_BYTES, &b, why));
	if (b.n == 0)
		return JIT_OK;
	l = lines_open(BUF_SPAN(b), "who", NULL);
	take(&l, "person", s->person, sizeof(s->person));
	take(&l, "key", s->key, sizeof(s->key));
	/* A help only: what is damaged is not known. */
	if (lines_end(&l) != JIT_OK || (s->person[0] != '\0' &&
	    !text_is_name(span_str(s->person))))
		s->person[0] = s->key[0] = '\0';
	return JIT_OK;
}

static enum jit_err
read_all(const char *state, struct server *s, struct jit_why *why)
{
	struct url url = s->url;

	JIT_TRY(folder_open(state, url.text, &s->dir, why));
	JIT_TRY(read_profile(s, why));
	if (strcmp(s->url.text, url.text) != 0)
		return jit_fail(why, JIT_E_FORMAT, "%s/server is of another "
		    "server", s->dir);
	return read_who(s, why);
}

/* ---- find ---- */

static enum jit_err
default_url(const char *state, char ret[static URL_TEXT],
    struct jit_why *why)
{
	JIT_SCOPED(free) char *dir = NULL;
	JIT_DONE(buf_done) struct buf b = { NULL, 0 };
	struct span left, line;

	ret[0] = '\0';
	JIT_TRY(folder_open(state, NULL, &dir, why));
	JIT_TRY(folder_read(dir, "default", URL_TEXT, &b, why));
	left = BUF_SPAN(b);
	if (!span_take_line(&left, &line) || line.n >= URL_TEXT)
		return JIT_OK;
	(void)snprintf(ret, URL_TEXT, "%.*s", (int)line.n,
	    (const char *)line.p);
	return JIT_OK;
}

bool
server_has_default(const char *state)
{
	char url[URL_TEXT];

	return default_url(state, url, NULL) == JIT_OK && url[0] != '\0';
}

/* The profile of that name: among all folders. */
static enum jit_err
find_named(const char *state, const char *name, struct server *ret,
    struct jit_why *why)
{
	JIT_SCOPED(free) char *top = NULL;
	struct dirent *de;
	bool found = false;
	DIR *dir;

	JIT_TRY(folder_open(state, NULL, &top, why));
	if ((dir = opendir(top)) == NULL)
		return jit_fail(why, JIT_E_IO, "%s cannot be read", top);
	while (!found && (de = readdir(dir)) != NULL) {
		JIT_DONE(server_done) struct server s = { 0 };

		if (strlen(de->d_name) != 16 ||
		    folder_path(top, de->d_name, &s.dir) != JIT_OK ||
		    read_profile(&s, NULL) != JIT_OK || !s.set_up ||
		    strcmp(s.name, name) != 0)
			continue;
		ret->url = s.url;
		found = true;
	}
	(void)closedir(dir);
	return found ? JIT_OK : jit_fail(why, JIT_E_ARG, "no server is called "
	    "\"%.60s\" here: jit-cert setup https://HOST --name NAME", name);
}

enum jit_err
server_find(const char *state, const char *named, struct server *ret,
    struct jit_why *why)
{
	JIT_DONE(server_done) struct server s = { 0 };
	char url[URL_TEXT];

	if (named == NULL) {
		JIT_TRY(default_url(state, url, why));
		if (url[0] == '\0')
			return jit_fail(why, JIT_E_ARG, "which server?  Set "
			    "one up: jit-cert setup https://HOST; or give a "
			    "signer's socket by --signer SOCKET or "
			    "JIT_CERT_SIGNER");
		named = url;
	}
	if (url_looks_so(named))
		JIT_TRY(url_parse(named, &s.url, why));
	else if (text_is_name(span_str(named)))
		JIT_TRY(find_named(state, named, &s, why));
	else
		return jit_fail(why, JIT_E_ARG, "--server: neither an https "
		    "address nor a name that setup gave");
	JIT_TRY(read_all(state, &s, why));
	*ret = s;
	s = (struct server){ 0 };
	return JIT_OK;
}

/* ---- write ---- */

static void
put(struct wr *w, const char *name, const char *value)
{
	lines_put(w, name, span_str(value));
}

enum jit_err
server_save(const char *state, const struct server *s, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(FILE_BYTES);
	JIT_DONE(wr_done) struct wr line = WR_INIT(FILE_BYTES);
	JIT_SCOPED(free) char *top = NULL;
	char tls[DIGEST_TEXT] = "system";

	if (s->tls_pinned)
		digest_text(&s->tls, tls);
	lines_put_head(&w, "server");
	put(&w, "url", s->url.text);
	put(&w, "name", s->name);
	put(&w, "tls", tls);
	put(&w, "log", s->log);
	wr_fmt(&line, "%s\n", s->url.text);
	JIT_TRY(w.err);
	JIT_TRY(line.err);
	JIT_TRY(folder_write(s->dir, "server", wr_view(&w), why));
	JIT_TRY(folder_open(state, NULL, &top, why));
	return folder_write(top, "default", wr_view(&line), why);
}

enum jit_err
server_save_who(const struct server *s, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(FILE_BYTES);

	lines_put_head(&w, "who");
	put(&w, "person", s->person);
	put(&w, "key", s->key);
	JIT_TRY(w.err);
	return folder_write(s->dir, "who", wr_view(&w), why);
}

/* ---- the token ---- */

enum jit_err
server_token(const struct server *s, utc_s now, struct secret *ret,
    utc_s *expires, struct jit_why *why)
{
	JIT_DONE(buf_done) struct buf b = { NULL, 0 };
	struct lines l;
	struct span token;

	*expires = 0;
	JIT_TRY(folder_read(s->dir, "token", TOKEN_BYTES, &b, why));
	if (b.n == 0)
		return JIT_OK;
	l = lines_open(BUF_SPAN(b), "token", NULL);
	token = lines_ascii(&l, "token");
	*expires = lines_utc(&l, "expires");
	/* What is damaged is none: the next log-in writes it anew. */
	if (lines_end(&l) != JIT_OK || *expires <= now)
		return JIT_OK;
	return secret_copy(ret, token);
}

enum jit_err
server_save_token(const struct server *s, const struct secret *token,
    utc_s expires, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(TOKEN_BYTES);

	lines_put_head(&w, "token");
	lines_put(&w, "token", SPAN(token->p, token->n));
	lines_put_utc(&w, "expires", expires);
	JIT_TRY(w.err);
	return folder_write(s->dir, "token", wr_view(&w), why);
}

enum jit_err
server_drop_token(const struct server *s, struct jit_why *why)
{
	return folder_remove(s->dir, "token", why);
}
