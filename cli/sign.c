#define _XOPEN_SOURCE 700
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/base/sys.h"
#include "ca/base/text.h"
#include "ca/ssh/sshsig.h"
#include "cli/sign.h"

#define PUB_MAX 16384		/* bytes of a FILE.pub */
#define FILES_MAX 256		/* id_*.pub that are looked at */

static void
hand_done(struct hand *h)
{
	ssh_key_free(h->key);
	buf_done(&h->comment);
	free(h->path);
	*h = (struct hand){ 0 };
}
JIT_SCOPED_OBJ(struct hand, hand_done);

void
hands_done(struct hands *h)
{
	for (size_t i = 0; i < h->n; i++)
		hand_done(&h->at[i]);
	free(h->at);
	*h = (struct hands){ 0 };
}

static struct hand *
find(const struct hands *h, const struct ssh_key *k)
{
	for (size_t i = 0; i < h->n; i++)
		if (ssh_key_eq(h->at[i].key, k))
			return &h->at[i];
	return NULL;
}

const struct hand *
hands_by_key(const struct hands *h, const struct ssh_key *k)
{
	return find(h, k);
}

const struct hand *
hands_by_fingerprint(const struct hands *h, const char *fp)
{
	char own[SSH_FP_TEXT];

	for (size_t i = 0; i < h->n; i++) {
		ssh_key_fingerprint(h->at[i].key, own);
		if (strcmp(own, fp) == 0)
			return &h->at[i];
	}
	return NULL;
}

const struct hand *
hands_named(const struct hands *h)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->at[i].named)
			return &h->at[i];
	return NULL;
}

/* Takes what *t holds, unless its key is there: then that one stays. */
static enum jit_err
add_hand(struct hands *h, struct hand *t)
{
	struct hand *same = find(h, t->key), *more;

	if (same != NULL) {
		same->named |= t->named;
		return JIT_OK;
	}
	more = realloc(h->at, (h->n + 1) * sizeof(*more));
	if (more == NULL)
		return JIT_E_NOMEM;
	h->at = more;
	h->at[h->n++] = *t;
	*t = (struct hand){ 0 };
	return JIT_OK;
}

/* ---- finding: the agent ---- */

static enum jit_err
add_agent_keys(struct hands *h, struct agent *a, struct jit_why *why)
{
	JIT_DONE(agent_list_done) struct agent_list l = { 0 };

	JIT_TRY(agent_list(a, &l, why));
	h->skipped += l.skipped;
	for (size_t i = 0; i < l.n; i++) {
		JIT_DONE(hand_done) struct hand t = { .route = HAND_AGENT };

		if (l.at[i].key == NULL)
			continue;
		t.key = l.at[i].key;
		l.at[i].key = NULL;
		t.comment = l.at[i].comment;
		l.at[i].comment = (struct buf){ NULL, 0 };
		JIT_TRY(add_hand(h, &t));
	}
	return JIT_OK;
}

/* ---- finding: files ---- */

/*
 * Links are followed and the owner is not asked for: nothing is believed
 * because it stands in a .pub, a signature must hold under it.
 */
static enum jit_err
read_pub(const char *path, struct buf *ret, struct jit_why *why)
{
	JIT_DONE(sys_close) int fd = open(path, O_RDONLY | O_CLOEXEC |
	    O_NOCTTY | O_NONBLOCK);
	struct stat st;
	enum jit_err e;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return jit_fail(why, JIT_E_UNKNOWN, "%s: there is no such "
		    "file", path);
	if (fd < 0 || fstat(fd, &st) != 0)
		return jit_fail(why, JIT_E_IO, "%s: %s", path,
		    strerror(errno));
	if (!S_ISREG(st.st_mode))
		return jit_fail(why, JIT_E_FORMAT, "%s: not a regular file",
		    path);
	if ((e = sys_read_fd(fd, PUB_MAX, ret, why)) != JIT_OK)
		return jit_at(why, e, "%s", path);
	return JIT_OK;
}

/* The hand of a private key file, which is not opened. */
static enum jit_err
load_file(const char *path, struct hand *ret, struct jit_why *why)
{
	JIT_DONE(hand_done) struct hand t = { .route = HAND_FILE };
	JIT_DONE(buf_done) struct buf line = { NULL, 0 };
	struct span comment = SPAN_NONE;
	char pub[PATH_MAX];
	enum jit_err e;

	if ((size_t)snprintf(pub, sizeof(pub), "%s.pub", path) >= sizeof(pub))
		return jit_fail(why, JIT_E_ARG, "%s: the path is too long",
		    path);
	JIT_TRY(read_pub(pub, &line, why));
	e = ssh_key_parse_line(BUF_SPAN(line), &t.key, &comment, why);
	if (e != JIT_OK)
		return jit_at(why, e, "%s", pub);
	JIT_TRY(buf_copy(&t.comment, comment));
	if ((t.path = strdup(path)) == NULL)
		return JIT_E_NOMEM;
	*ret = t;
	t = (struct hand){ 0 };
	return JIT_OK;
}

static bool
ends_in(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n > m && strcmp(s + n - m, suffix) == 0;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names id_*.pub of a directory, sorted; each is owned by the caller. */
static enum jit_err
pub_names(const char *dir, char *names[static FILES_MAX], size_t *n,
    struct jit_why *why)
{
	DIR *d = opendir(dir);
	enum jit_err e = JIT_OK;
	struct dirent *t;

	if (d == NULL && (errno == ENOENT || errno == ENOTDIR))
		return JIT_OK;
	if (d == NULL)
		return jit_fail(why, JIT_E_IO, "%s: %s", dir,
		    strerror(errno));
	while (e == JIT_OK && *n < FILES_MAX && (t = readdir(d)) != NULL) {
		if (strncmp(t->d_name, "id_", 3) != 0 ||
		    !ends_in(t->d_name, ".pub") ||
		    ends_in(t->d_name, "-cert.pub"))
			continue;
		if ((names[*n] = strdup(t->d_name)) == NULL)
			e = JIT_E_NOMEM;
		else
			*n += 1;
	}
	(void)closedir(d);
	qsort(names, *n, sizeof(names[0]), by_name);
	return e;
}

/* One of the directory; what cannot be used is counted, not an error. */
static enum jit_err
add_from_dir(struct hands *h, const char *dir, const char *name)
{
	JIT_DONE(hand_done) struct hand t = { 0 };
	char path[PATH_MAX];
	size_t stem = strlen(name) - strlen(".pub");
	enum jit_err e;

	if ((size_t)snprintf(path, sizeof(path), "%s/%.*s", dir, (int)stem,
	    name) >= sizeof(path))
		return JIT_E_ARG;
	/* A public key alone is somebody's note, or the agent's. */
	if (access(path, F_OK) != 0)
		return JIT_OK;
	if ((e = load_file(path, &t, NULL)) == JIT_E_NOMEM)
		return e;
	if (e != JIT_OK) {
		h->skipped++;
		return JIT_OK;
	}
	return add_hand(h, &t);
}

static enum jit_err
add_home_keys(struct hands *h, const char *home, struct jit_why *why)
{
	char dir[PATH_MAX], *names[FILES_MAX];
	size_t n = 0;
	enum jit_err e;

	if ((size_t)snprintf(dir, sizeof(dir), "%s/.ssh", home) >=
	    sizeof(dir))
		return jit_fail(why, JIT_E_ARG, "%s: the path is too long",
		    home);
	e = pub_names(dir, names, &n, why);
	for (size_t i = 0; i < n; i++) {
		if (e == JIT_OK)
			e = add_from_dir(h, dir, names[i]);
		free(names[i]);
	}
	return e;
}

static enum jit_err
add_named(struct hands *h, const char *file, struct jit_why *why)
{
	JIT_DONE(hand_done) struct hand t = { 0 };
	char path[PATH_MAX];
	size_t n = strlen(file) - (ends_in(file, ".pub") ? 4 : 0);

	if ((size_t)snprintf(path, sizeof(path), "%.*s", (int)n, file) >=
	    sizeof(path))
		return jit_fail(why, JIT_E_ARG, "%s: the path is too long",
		    file);
	JIT_TRY(load_file(path, &t, why));
	/* Of a key in the agent the public half is enough. */
	if (find(h, t.key) == NULL && access(path, F_OK) != 0)
		return jit_fail(why, JIT_E_UNKNOWN, "%s: there is no such "
		    "file, and the agent does not hold this key", path);
	t.named = true;
	return add_hand(h, &t);
}

enum jit_err
hands_find(struct agent *agent, const char *home, const char *file,
    struct hands *ret, struct jit_why *why)
{
	JIT_DONE(hands_done) struct hands h = { 0 };

	if (agent != NULL)
		JIT_TRY(add_agent_keys(&h, agent, why));
	if (home != NULL)
		JIT_TRY(add_home_keys(&h, home, why));
	if (file != NULL)
		JIT_TRY(add_named(&h, file, why));
	*ret = h;
	h = (struct hands){ 0 };
	return JIT_OK;
}

/* ---- signing ---- */

static enum jit_err
sign_by_agent(struct agent *a, const struct hand *h, const char *ns,
    struct span text, int timeout_ms, struct buf *ret, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr tbs = WR_INIT(512);
	JIT_DONE(wr_done) struct wr w = WR_INIT(SSHSIG_MAX);
	JIT_DONE(buf_done) struct buf sig = { NULL, 0 };

	if (a == NULL)
		return jit_fail(why, JIT_E_UNREACHABLE, "there is no "
		    "ssh-agent");
	JIT_TRY(sshsig_put_tbs(&tbs, ns, text));
	JIT_TRY(agent_sign(a, h->key, wr_view(&tbs), timeout_ms, &sig, why));
	sshsig_put(&w, h->key, ns, BUF_SPAN(sig));
	return wr_take(&w, ret);
}

static enum jit_err
sign_by_file(const struct hand *h, const char *ns, struct span text,
    const struct hand_ask *ask, struct buf *ret, struct jit_why *why)
{
	/*
	 * As its standard input is no terminal, ssh-keygen would rather open
	 * a window where DISPLAY is set, even when nothing can open one.
	 */
	const char *const argv[] = { "env", "SSH_ASKPASS_REQUIRE=never",
	    "ssh-keygen", "-q", "-Y", "sign", "-f", h->path, "-n", ns, NULL };
	JIT_DONE(buf_done) struct buf armor = { NULL, 0 };
	int status = 0;
	enum jit_err e;

	JIT_TRY(sys_run(ask->terminal ? argv : argv + 2, text,
	    SSHSIG_ARMOR_MAX, ask->terminal ? -1 : ask->timeout_ms, &armor,
	    &status, why));
	if (status == 127)
		return jit_fail(why, JIT_E_UNKNOWN, "there is no ssh-keygen");
	if (status != 0)
		return jit_fail(why, JIT_E_AGENT, "ssh-keygen did not sign "
		    "with %s (status %d)", h->path, status);
	if ((e = sshsig_get_armor(BUF_SPAN(armor), ret, why)) != JIT_OK)
		return jit_at(why, e, "ssh-keygen");
	return JIT_OK;
}

/* Is it a signature by this key over this text, and nothing else? */
static enum jit_err
check(const struct hand *h, const char *ns, struct span text,
    struct span blob, struct ssh_sig_facts *facts, struct jit_why *why)
{
	JIT_DONE(sshsig_done) struct sshsig s = { 0 };
	char want[SSH_FP_TEXT], got[SSH_FP_TEXT];

	JIT_TRY(sshsig_parse(blob, &s, why));
	if (!ssh_key_eq(s.key, h->key)) {
		ssh_key_fingerprint(h->key, want);
		ssh_key_fingerprint(s.key, got);
		return jit_fail(why, JIT_E_SIG, "the key that signed is %s, "
		    "asked was %s", got, want);
	}
	return sshsig_verify(&s, ns, text, facts, why);
}

enum jit_err
hand_sign(struct agent *agent, const struct hand *h, const char *ns,
    struct span text, const struct hand_ask *ask, struct buf *ret,
    struct ssh_sig_facts *facts, struct jit_why *why)
{
	static const struct hand_ask quiet = { .timeout_ms = -1 };
	JIT_DONE(buf_done) struct buf blob = { NULL, 0 };
	struct ssh_sig_facts f = { 0 };
	enum jit_err e;

	if (ask == NULL)
		ask = &quiet;
	if (ask->before != NULL)
		ask->before(ask->arg, h);
	if (h->route == HAND_AGENT)
		JIT_TRY(sign_by_agent(agent, h, ns, text, ask->timeout_ms,
		    &blob, why));
	else
		JIT_TRY(sign_by_file(h, ns, text, ask, &blob, why));
	e = check(h, ns, text, BUF_SPAN(blob), &f, why);
	if (e != JIT_OK)
		return jit_at(why, e, h->route == HAND_AGENT ?
		    "what ssh-agent returned" : "what ssh-keygen returned");
	if (facts != NULL)
		*facts = f;
	*ret = blob;
	blob = (struct buf){ NULL, 0 };
	return JIT_OK;
}
