#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "ca/base/sys.h"
#include "ca/base/text.h"
#include "signer/token/launch.h"
#include "signer/token/token_int.h"
#include "signer/token/uri.h"

#define END_MS 3000		/* for the helper to end with its workers */

/* ---- checking what we were told ---- */

/* URI and module as they go to the helper. */
static enum jit_err
check_uri(const struct token_key *k, struct uri *u, struct jit_why *why)
{
	struct span module = span_str(k->module == NULL ? "" : k->module);

	JIT_TRY(uri_parse(span_str(k->uri), u, why));
	/* What is to be listed need not be one key. */
	if (!k->later)
		JIT_TRY(uri_check_key(u, why));
	if (module.n == 0 && u->module[0] == '\0')
		return jit_fail(why, JIT_E_ARG, "no module: give "
		    "module-path in the URI, or the module beside it");
	if (module.n == 0)
		return JIT_OK;
	if (u->module[0] != '\0' && !span_eq_str(module, u->module))
		return jit_fail(why, JIT_E_ARG, "the URI's module-path is "
		    "another module than the one that was given beside it");
	if (module.n >= sizeof(u->module) || module.p[0] != '/' ||
	    text_check_plain(module, NULL) != JIT_OK)
		return jit_fail(why, JIT_E_ARG, "module: accepted is an "
		    "absolute path of less than %zu bytes",
		    sizeof(u->module));
	memcpy(u->module, module.p, module.n);
	u->module[module.n] = '\0';
	return JIT_OK;
}

static struct span
pin_of(const struct token_key *k)
{
	return k->pin == NULL ? SPAN_NONE : SPAN(k->pin->p, k->pin->n);
}

static enum jit_err
check_keys(const struct token_config *c, struct uri *u, struct jit_why *why)
{
	if (c->n == 0 || c->n > TOKEN_KEYS_MAX)
		return jit_fail(why, JIT_E_ARG, "%zu keys on tokens; accepted "
		    "are 1 to %d", c->n, TOKEN_KEYS_MAX);
	for (size_t i = 0; i < c->n; i++) {
		enum jit_err e = check_uri(&c->keys[i], &u[i], why);

		if (e != JIT_OK)
			return jit_at(why, e, "%s", c->keys[i].name);
		if (pin_of(&c->keys[i]).n > FRAME_PIN_MAX)
			return jit_fail(why, JIT_E_ARG, "%s: a PIN has at "
			    "most %d bytes", c->keys[i].name, FRAME_PIN_MAX);
		for (size_t j = 0; j < i; j++)
			if (uri_same_token(&u[i], &u[j]) &&
			    !secret_equal(pin_of(&c->keys[i]),
			    pin_of(&c->keys[j])))
				return jit_fail(why, JIT_E_ARG, "%s and %s "
				    "are on one token, but with two PINs",
				    c->keys[j].name, c->keys[i].name);
	}
	return JIT_OK;
}

/* ---- the start ---- */

static enum jit_err
send_config(struct token *t, const struct token_config *c,
    const struct uri *u, struct jit_why *why)
{
	struct frame f = { .kind = FRAME_CONFIG, .n = (uint32_t)c->n,
	    .timeout_ms = (uint32_t)t->timeout_ms,
	    .backoff_ms = c->backoff_ms > 0 ? (uint32_t)c->backoff_ms :
	    TOKEN_BACKOFF_MS };

	for (size_t i = 0; i < c->n; i++) {
		f.keys[i].module = span_str(u[i].module);
		f.keys[i].uri = span_str(c->keys[i].uri);
		f.keys[i].pin = pin_of(&c->keys[i]);
	}
	JIT_TRY(frame_io_put(&t->io, &f, why));
	return frame_io_drain(&t->io, sys_mono_ms() + t->timeout_ms, why);
}

static enum jit_err
fill(struct token *t, const struct token_config *c, struct jit_why *why)
{
	for (size_t i = 0; i < c->n; i++) {
		struct known *k = &t->keys[i];

		(void)snprintf(k->name, sizeof(k->name), "%s",
		    c->keys[i].name);
		k->err = jit_fail(&k->why, JIT_E_TOKEN, "not looked for yet");
		if (c->keys[i].expect == NULL)
			continue;
		JIT_TRY(form_check(c->keys[i].expect, why));
		JIT_TRY(ssh_key_dup(c->keys[i].expect, &k->expect));
		JIT_TRY(ssh_key_dup(c->keys[i].expect, &k->pub));
	}
	t->n = c->n;
	t->timeout_ms = c->timeout_ms > 0 ? c->timeout_ms : TOKEN_TIMEOUT_MS;
	return JIT_OK;
}

/* Until each was found or not. */
static void
look_for_all(struct token *t, const struct token_config *c)
{
	int64_t now = sys_mono_ms(), end = now + 2 * t->timeout_ms;

	for (size_t i = 0; i < c->n; i++)
		if (!c->keys[i].later)
			token_look(t, i, now);
	while (t->n_pending > 0 && now < end) {
		struct pollfd p = { t->io.fd, token_events(t), 0 };

		(void)poll(&p, 1, (int)(end - now));
		now = sys_mono_ms();
		token_pump(t, now);
	}
}

static enum jit_err
start(struct token *t, const struct token_config *c, struct jit_why *why)
{
	const char *argv[3 + TOKEN_HIDDEN_MAX] = { "jit-signer-token",
	    "keeper" };
	JIT_SCOPED(free) struct uri *u = calloc(TOKEN_KEYS_MAX, sizeof(*u));
	int fd = -1;

	if (u == NULL)
		return JIT_E_NOMEM;
	if (c->n_hidden > TOKEN_HIDDEN_MAX)
		return jit_fail(why, JIT_E_ARG, "more than %d paths to hide",
		    TOKEN_HIDDEN_MAX);
	for (size_t i = 0; i < c->n_hidden; i++)
		argv[2 + i] = c->hidden[i];
	JIT_TRY(check_keys(c, u, why));
	JIT_TRY(fill(t, c, why));
	JIT_TRY(launch(c->program, argv, &t->pid, &fd, why));
	frame_io_init(&t->io, fd);
	enum jit_err e = send_config(t, c, u, why);

	if (e == JIT_OK)
		look_for_all(t, c);
	if (e == JIT_E_UNREACHABLE || t->gone)
		return jit_fail(why, JIT_E_TOKEN, "the token helper %s ended "
		    "at once; its words are on standard error", c->program);
	return e;
}

enum jit_err
token_start(const struct token_config *c, struct token **ret,
    struct jit_why *why)
{
	JIT_SCOPED(token_free) struct token *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return JIT_E_NOMEM;
	t->io = (struct frame_io)FRAME_IO_INIT;
	t->pid = -1;
	t->last = &t->first;
	JIT_TRY(start(t, c, why));
	*ret = t;
	t = NULL;
	return JIT_OK;
}

/* It ends by itself; in the jail we may not look, and it needs no look. */
static void
await_end(pid_t pid)
{
	int64_t end = sys_mono_ms() + END_MS;

	if (pid <= 0)
		return;
	while (sys_mono_ms() < end) {
		pid_t got = waitpid(pid, NULL, WNOHANG);

		if (got == pid || (got < 0 && errno != EINTR))
			return;
		(void)poll(NULL, 0, 5);
	}
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

void
token_free(struct token *t)
{
	struct done *d;

	if (t == NULL)
		return;
	frame_io_done(&t->io);
	await_end(t->pid);
	for (size_t i = 0; i < TOKEN_KEYS_MAX; i++) {
		ssh_key_free(t->keys[i].pub);
		ssh_key_free(t->keys[i].expect);
	}
	for (size_t i = 0; i < TOKEN_PENDING_MAX; i++) {
		buf_done(&t->pending[i].prepared);
		free(t->pending[i].done);
	}
	while ((d = t->first) != NULL) {
		t->first = d->next;
		token_done_free(d);
	}
	free(t);
}

/* ---- what is known ---- */

enum jit_err
token_check(const struct token *t, size_t i, struct jit_why *why)
{
	if (i >= t->n)
		return jit_fail(why, JIT_E_ARG, "no key %zu", i);
	if (t->gone)
		return jit_fail(why, JIT_E_TOKEN, "%s: %s", t->keys[i].name,
		    t->gone_why.msg);
	if (t->keys[i].err == JIT_OK)
		return JIT_OK;
	return jit_fail(why, t->keys[i].err, "%s: %s", t->keys[i].name,
	    jit_why_text(&t->keys[i].why, t->keys[i].err));
}

const struct ssh_key *
token_public(const struct token *t, size_t i)
{
	return i < t->n ? t->keys[i].pub : NULL;
}

bool
token_is_gone(const struct token *t)
{
	return t->gone;
}

int
token_fd(const struct token *t)
{
	return t->io.fd;
}

short
token_events(const struct token *t)
{
	return frame_io_events(&t->io);
}

size_t
token_pending(const struct token *t)
{
	return t->n_pending + t->n_done;
}

enum jit_err
token_gen_parse(const char *name, enum frame_gen *ret, struct jit_why *why)
{
	static const struct { const char *name; enum frame_gen g; } rows[] = {
		{ "ed25519", FRAME_G_ED25519 }, { "ecdsa-p256", FRAME_G_P256 },
		{ "ecdsa-p384", FRAME_G_P384 }, { "rsa-3072",
		FRAME_G_RSA3072 }, { "rsa", FRAME_G_RSA3072 },
	};
	char shown[TEXT_SHOWN];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].name, name) == 0) {
			*ret = rows[i].g;
			return JIT_OK;
		}
	return jit_fail(why, JIT_E_ARG, "key type \"%s\"; on a token accepted "
	    "are ed25519, ecdsa-p256, ecdsa-p384, rsa-3072",
	    text_shown(span_str(name), shown, sizeof(shown)));
}
