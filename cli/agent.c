#include <stdlib.h>
#include <string.h>

#include "ca/base/sys.h"
#include "ca/ssh/cert.h"
#include "cli/agent.h"

#define REQUEST_MAX (256u << 10)
#define SIGN_RSA_SHA2_512 4
#define CONSTRAIN_LIFETIME 1

enum message {
	FAILURE = 5, SUCCESS = 6,
	REQUEST_IDENTITIES = 11, IDENTITIES_ANSWER = 12,
	SIGN_REQUEST = 13, SIGN_RESPONSE = 14,
	REMOVE_IDENTITY = 18, ADD_ID_CONSTRAINED = 25,
	EXTENSION_FAILURE = 28
};

struct agent {
	int fd;			/* -1 once an answer did not come whole */
	int timeout_ms;
};

enum jit_err
agent_open(const char *path, int timeout_ms, struct agent **ret,
    struct jit_why *why)
{
	JIT_SCOPED(agent_free) struct agent *a = calloc(1, sizeof(*a));
	enum jit_err e;

	if (a == NULL)
		return JIT_E_NOMEM;
	a->fd = -1;
	a->timeout_ms = timeout_ms;
	e = sys_connect(path, timeout_ms, &a->fd, why);
	if (e != JIT_OK)
		return jit_at(why, e, "ssh-agent");
	*ret = a;
	a = NULL;
	return JIT_OK;
}

void
agent_free(struct agent *a)
{
	if (a == NULL)
		return;
	sys_close(&a->fd);
	free(a);
}

/* ---- one question and its answer ---- */

/* A whole answer without its length.  At first no more memory than came. */
static enum jit_err
receive(int fd, int64_t end, struct buf *ret, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(AGENT_ANSWER_MAX);
	uint8_t head[4], chunk[4096];
	struct rd r = rd_of(SPAN(head, sizeof(head)));
	size_t left;

	JIT_TRY(sys_recv(fd, head, sizeof(head), end, why));
	left = rd_u32(&r);
	if (left == 0)
		return jit_fail(why, JIT_E_PROTOCOL, "an empty answer");
	if (left > AGENT_ANSWER_MAX)
		return jit_fail(why, JIT_E_SIZE, "an answer of %zu bytes, "
		    "accepted are at most %u", left, AGENT_ANSWER_MAX);
	while (left > 0) {
		size_t n = left < sizeof(chunk) ? left : sizeof(chunk);

		JIT_TRY(sys_recv(fd, chunk, n, end, why));
		wr_raw(&w, chunk, n);
		left -= n;
	}
	return wr_take(&w, ret);
}

static enum jit_err
exchange(struct agent *a, const struct wr *question, int timeout_ms,
    struct buf *answer, struct jit_why *why)
{
	int64_t end = timeout_ms < 0 ? -1 : sys_mono_ms() + timeout_ms;
	enum jit_err e;

	if (question->err != JIT_OK)
		return jit_fail(why, question->err, "the question to "
		    "ssh-agent cannot be written");
	if (a->fd < 0)
		return jit_fail(why, JIT_E_UNREACHABLE, "ssh-agent: the "
		    "connection was given up after an earlier failure");
	e = sys_send(a->fd, wr_view(question), end, why);
	if (e == JIT_OK)
		e = receive(a->fd, end, answer, why);
	if (e == JIT_OK)
		return JIT_OK;
	/* A late answer must not be taken for that of the next question. */
	sys_close(&a->fd);
	return jit_at(why, e, "ssh-agent");
}

/*
 * Ask, and have an answer of the type want; *r reads its fields.  what names
 * the question: "list its keys".
 */
static enum jit_err
ask(struct agent *a, const struct wr *question, int timeout_ms,
    enum message want, const char *what, struct buf *answer, struct rd *r,
    struct jit_why *why)
{
	uint8_t type;

	JIT_TRY(exchange(a, question, timeout_ms, answer, why));
	*r = rd_of(BUF_SPAN(*answer));
	type = rd_u8(r);
	if ((type == FAILURE || type == EXTENSION_FAILURE) &&
	    rd_end(r) == JIT_OK)
		return jit_fail(why, JIT_E_AGENT, "ssh-agent refused to %s",
		    what);
	if (type != want)
		return jit_fail(why, JIT_E_PROTOCOL, "ssh-agent was asked to "
		    "%s and answered with message %u of %zu bytes", what,
		    (unsigned)type, answer->n);
	return JIT_OK;
}

static enum jit_err
malformed(const char *what, struct jit_why *why)
{
	return jit_fail(why, JIT_E_PROTOCOL, "ssh-agent was asked to %s; its "
	    "answer is malformed", what);
}

/* A question that is answered by success alone. */
static enum jit_err
tell(struct agent *a, const struct wr *question, const char *what,
    struct jit_why *why)
{
	JIT_DONE(buf_done) struct buf answer = { NULL, 0 };
	struct rd r;

	JIT_TRY(ask(a, question, a->timeout_ms, SUCCESS, what, &answer, &r,
	    why));
	return rd_end(&r) == JIT_OK ? JIT_OK : malformed(what, why);
}

/* ---- what it holds ---- */

static void
entry_done(struct agent_entry *t)
{
	ssh_key_free(t->key);
	buf_done(&t->blob);
	buf_done(&t->comment);
	*t = (struct agent_entry){ 0 };
}
JIT_SCOPED_OBJ(struct agent_entry, entry_done);

void
agent_list_done(struct agent_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		entry_done(&l->at[i]);
	free(l->at);
	*l = (struct agent_list){ 0 };
}

/* By the name of its type: it is to be removed, not to be understood. */
static bool
is_cert(struct span blob)
{
	static const char suffix[] = "-cert-v01@openssh.com";
	struct rd r = rd_of(blob);
	struct span type = rd_string(&r, 64);
	size_t n = sizeof(suffix) - 1;

	return type.n > n && memcmp(type.p + type.n - n, suffix, n) == 0;
}

static enum jit_err
add_entry(struct agent_list *l, struct span blob, struct span comment)
{
	JIT_DONE(entry_done) struct agent_entry t = { 0 };
	enum jit_err e;

	if (!is_cert(blob)) {
		e = ssh_key_parse(blob, &t.key, NULL);
		if (e == JIT_E_FORMAT || e == JIT_E_KEYTYPE ||
		    e == JIT_E_SIZE) {
			l->skipped++;
			return JIT_OK;
		}
		JIT_TRY(e);
	}
	JIT_TRY(buf_copy(&t.blob, blob));
	JIT_TRY(buf_copy(&t.comment, comment));
	l->at[l->n++] = t;
	t = (struct agent_entry){ 0 };
	return JIT_OK;
}

static enum jit_err
read_list(struct rd *r, struct agent_list *l, struct jit_why *why)
{
	uint32_t n = rd_u32(r);

	/* An entry has at least its two lengths. */
	if (r->err != JIT_OK || n > r->n / 8)
		return malformed("list its keys", why);
	if (n > 0 && (l->at = calloc(n, sizeof(*l->at))) == NULL)
		return JIT_E_NOMEM;
	for (uint32_t i = 0; i < n; i++) {
		struct span blob = rd_string(r, AGENT_ANSWER_MAX);
		struct span comment = rd_string(r, AGENT_ANSWER_MAX);

		if (r->err != JIT_OK)
			break;
		JIT_TRY(add_entry(l, blob, comment));
	}
	return rd_end(r) == JIT_OK ? JIT_OK : malformed("list its keys", why);
}

enum jit_err
agent_list(struct agent *a, struct agent_list *ret, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(REQUEST_MAX);
	JIT_DONE(buf_done) struct buf answer = { NULL, 0 };
	JIT_DONE(agent_list_done) struct agent_list l = { 0 };
	struct rd r;
	size_t mark = wr_string_begin(&w);

	wr_u8(&w, REQUEST_IDENTITIES);
	wr_string_end(&w, mark);
	JIT_TRY(ask(a, &w, a->timeout_ms, IDENTITIES_ANSWER, "list its keys",
	    &answer, &r, why));
	JIT_TRY(read_list(&r, &l, why));
	*ret = l;
	l = (struct agent_list){ 0 };
	return JIT_OK;
}

/* ---- signing ---- */

enum jit_err
agent_sign(struct agent *a, const struct ssh_key *k, struct span data,
    int timeout_ms, struct buf *ret, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(REQUEST_MAX);
	JIT_DONE(buf_done) struct buf answer = { NULL, 0 };
	struct rd r;
	struct span sig;
	size_t mark = wr_string_begin(&w);

	wr_u8(&w, SIGN_REQUEST);
	wr_string(&w, ssh_key_blob(k));
	wr_string(&w, data);
	wr_u32(&w, ssh_key_type(k) == SSH_RSA ? SIGN_RSA_SHA2_512 : 0);
	wr_string_end(&w, mark);
	JIT_TRY(ask(a, &w, timeout_ms, SIGN_RESPONSE, "sign", &answer, &r,
	    why));
	sig = rd_string(&r, SSH_SIG_MAX);
	if (rd_end(&r) != JIT_OK)
		return malformed("sign", why);
	return buf_copy(ret, sig);
}

/* ---- certificates, in and out ---- */

static enum jit_err
check_add(struct span cert, const struct ssh_priv *p, const char *comment,
    dur_s life, struct jit_why *why)
{
	JIT_SCOPED(ssh_cert_free) struct ssh_cert *c = NULL;

	if (strncmp(comment, AGENT_OURS, strlen(AGENT_OURS)) != 0)
		return jit_fail(why, JIT_E_ARG, "the comment of a certificate "
		    "begins with \"%s\"", AGENT_OURS);
	if (life < 1 || life > UINT32_MAX)
		return jit_fail(why, JIT_E_ARG, "a lifetime of %lld s, "
		    "accepted are 1 to %lu", (long long)life,
		    (unsigned long)UINT32_MAX);
	JIT_TRY(ssh_cert_parse(cert, &c, why));
	if (!ssh_key_eq(ssh_cert_subject(c), ssh_priv_public(p)))
		return jit_fail(why, JIT_E_ARG, "the certificate is for "
		    "another key");
	return JIT_OK;
}

enum jit_err
agent_add_cert(struct agent *a, struct span cert, const struct ssh_priv *p,
    const char *comment, dur_s life, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(REQUEST_MAX);
	size_t mark = wr_string_begin(&w);

	JIT_TRY(check_add(cert, p, comment, life, why));
	wr_u8(&w, ADD_ID_CONSTRAINED);
	wr_cstring(&w, ssh_type_cert_name(ssh_key_type(ssh_priv_public(p))));
	wr_string(&w, cert);
	(void)ssh_priv_put_agent(p, &w);
	wr_cstring(&w, comment);
	wr_u8(&w, CONSTRAIN_LIFETIME);
	wr_u32(&w, (uint32_t)life);
	wr_string_end(&w, mark);
	return tell(a, &w, "take a certificate", why);
}

enum jit_err
agent_remove(struct agent *a, struct span blob, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(REQUEST_MAX);
	size_t mark = wr_string_begin(&w);

	wr_u8(&w, REMOVE_IDENTITY);
	wr_string(&w, blob);
	wr_string_end(&w, mark);
	return tell(a, &w, "remove a key", why);
}

static bool
is_wanted(const struct agent_entry *t, agent_match *match, void *arg)
{
	struct span c = BUF_SPAN(t->comment);
	size_t n = strlen(AGENT_OURS);

	return t->key == NULL && c.n >= n &&
	    memcmp(c.p, AGENT_OURS, n) == 0 &&
	    match(arg, SPAN(c.p + n, c.n - n), BUF_SPAN(t->blob));
}

/*
 * Try each once.  *tried: found; *refused: of these the agent would not
 * remove.
 */
static enum jit_err
remove_round(struct agent *a, agent_match *match, void *arg, size_t *tried,
    size_t *refused, struct jit_why *why)
{
	JIT_DONE(agent_list_done) struct agent_list l = { 0 };

	*tried = *refused = 0;
	JIT_TRY(agent_list(a, &l, why));
	for (size_t i = 0; i < l.n; i++) {
		enum jit_err e;

		if (!is_wanted(&l.at[i], match, arg))
			continue;
		e = agent_remove(a, BUF_SPAN(l.at[i].blob), why);
		if (e != JIT_OK && e != JIT_E_AGENT)
			return e;
		*tried += 1;
		*refused += e == JIT_E_AGENT;
	}
	return JIT_OK;
}

enum jit_err
agent_remove_ours(struct agent *a, agent_match *match, void *arg,
    size_t *removed, struct jit_why *why)
{
	size_t found, refused, again = 0;

	JIT_TRY(remove_round(a, match, arg, &found, &refused, why));
	/* Expired between the list and the removal, or truly refused? */
	if (refused > 0) {
		JIT_TRY(remove_round(a, match, arg, &again, &refused, why));
		if (refused > 0)
			return jit_fail(why, JIT_E_AGENT, "ssh-agent refused "
			    "to remove %zu certificates of ours", refused);
	}
	if (removed != NULL)
		*removed = found;
	return JIT_OK;
}
