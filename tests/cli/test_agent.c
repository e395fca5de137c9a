/*
 * agent: the real ssh-agent lists, signs, takes and forgets; agents that
 * answer nonsense, too much, too little or never are each told apart.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/base/sys.h"
#include "cli/agent.h"
#include "tests/ca/ssh/keygen.h"
#include "tests/cli/agents.h"
#include "tests/lib/run.h"

#define OTHERS 8
#define MS 10000

static struct agent *
must_open(const char *sock)
{
	struct agent *a = NULL;
	struct jit_why why = { 0 };

	JT_WHY(agent_open(sock, MS, &a, &why), JIT_OK, &why);
	return a;
}

static const struct agent_entry *
entry_of(const struct agent_list *l, struct span blob)
{
	for (size_t i = 0; i < l->n; i++)
		if (span_eq(BUF_SPAN(l->at[i].blob), blob))
			return &l->at[i];
	return NULL;
}

/* ---- with keys of every sort, eight others among them ---- */

static void
add_others(void)
{
	for (int i = 0; i < OTHERS; i++) {
		char name[32];
		const char *path;

		(void)snprintf(name, sizeof(name), "other-%d", i);
		path = ag_tmp(name, "");
		if (access(path, R_OK) != 0)
			assert_int_equal(kg_run(SPAN_NONE, NULL, "-q", "-t",
			    "ed25519", "-N", "", "-C", name, "-f", path,
			    (char *)NULL), 0);
		assert_int_equal(ag_add(NULL, "-q", path, (char *)NULL), 0);
	}
}

static void
list_and_sign(void **state)
{
	const struct kg_sort *s = *state;
	JIT_SCOPED(ssh_key_free) struct ssh_key *k = kg_public(s);
	JIT_SCOPED(agent_free) struct agent *a = NULL;
	JIT_DONE(agent_list_done) struct agent_list l = { 0 };
	const char *sock = ag_tmp("real.s", "");
	const struct agent_entry *t;
	struct jit_why why = { 0 };
	pid_t pid = ag_start(sock, NULL);

	add_others();
	assert_int_equal(ag_add(NULL, "-q", kg_path(s), (char *)NULL), 0);
	a = must_open(sock);
	JT_WHY(agent_list(a, &l, &why), JIT_OK, &why);
	assert_int_equal(l.n, OTHERS + 1);
	assert_int_equal(l.skipped, 0);
	assert_true(span_eq_str(BUF_SPAN(l.at[3].comment), "other-3"));
	t = entry_of(&l, ssh_key_blob(k));
	assert_non_null(t);
	assert_true(ssh_key_eq(t->key, k));
	assert_true(span_eq_str(BUF_SPAN(t->comment), "a b"));
	/* ECDSA's numbers differ in length from time to time. */
	for (int i = 0; i < 8; i++) {
		JIT_DONE(buf_done) struct buf sig = { NULL, 0 };
		struct rd r;

		JT_WHY(agent_sign(a, k, span_str("data"), MS, &sig, &why),
		    JIT_OK, &why);
		JT_WHY(ssh_sig_verify(k, span_str("data"), BUF_SPAN(sig),
		    NULL, &why), JIT_OK, &why);
		JT_ERR(ssh_sig_verify(k, span_str("Data"), BUF_SPAN(sig),
		    NULL, NULL), JIT_E_SIG);
		r = rd_of(BUF_SPAN(sig));
		if (s->type == SSH_RSA)
			assert_true(span_eq_str(rd_string(&r, 64),
			    "rsa-sha2-512"));
	}
	ag_stop(pid);
	/* It has gone: an error, not SIGPIPE; and then it stays one. */
	JT_ERR(agent_remove(a, ssh_key_blob(k), &why), JIT_E_UNREACHABLE);
	JT_ERR(agent_remove(a, ssh_key_blob(k), &why), JIT_E_UNREACHABLE);
	assert_non_null(strstr(why.msg, "given up"));
}

/* ---- what it refuses ---- */

static void
refuses(void **state)
{
	JIT_SCOPED(ssh_key_free) struct ssh_key *k = kg_public(&kg_sorts[0]);
	JIT_SCOPED(agent_free) struct agent *a = NULL;
	JIT_DONE(agent_list_done) struct agent_list l = { 0 }, m = { 0 };
	JIT_DONE(buf_done) struct buf sig = { NULL, 0 };
	const char *sock = ag_tmp("real.s", "");
	struct jit_why why = { 0 };
	pid_t pid = ag_start(sock, NULL);

	(void)state;
	a = must_open(sock);
	JT_OK(agent_list(a, &l, &why));
	assert_int_equal(l.n, 0);
	JT_ERR(agent_sign(a, k, span_str("x"), MS, &sig, &why), JIT_E_AGENT);
	assert_string_equal(why.msg, "ssh-agent refused to sign");
	JT_ERR(agent_remove(a, ssh_key_blob(k), &why), JIT_E_AGENT);
	JT_ERR(agent_remove(a, span_str("garbage"), &why), JIT_E_AGENT);
	/* After a refusal the conversation goes on. */
	assert_int_equal(ag_add(NULL, "-q", kg_path(&kg_sorts[0]),
	    (char *)NULL), 0);
	JT_OK(agent_sign(a, k, span_str("x"), MS, &sig, &why));
	buf_done(&sig);
	/* Locked: it shows nothing, and signs nothing. */
	assert_int_equal(ag_add(NULL, "-x", (char *)NULL), 0);
	JT_OK(agent_list(a, &m, &why));
	assert_int_equal(m.n, 0);
	JT_ERR(agent_sign(a, k, span_str("x"), MS, &sig, &why), JIT_E_AGENT);
	ag_stop(pid);
	assert_null(sig.p);
}

static void
nobody(void **state)
{
	JIT_SCOPED(agent_free) struct agent *a = NULL;
	struct jit_why why = { 0 };
	char longer[200];

	(void)state;
	JT_ERR(agent_open(ag_tmp("none", ""), MS, &a, &why), JIT_E_UNREACHABLE);
	assert_non_null(strstr(why.msg, "ssh-agent: "));
	JT_ERR(agent_open("", MS, &a, &why), JIT_E_ARG);
	memset(longer, 'a', sizeof(longer));
	longer[199] = '\0';
	JT_ERR(agent_open(longer, MS, &a, &why), JIT_E_ARG);
	assert_null(a);
	agent_free(NULL);
}

/* ---- certificates ---- */

struct cert_row { const char *name; enum ssh_type type; const char *shown; };
static const struct cert_row certs[] = {
	{ "ed25519", SSH_ED25519, "(ED25519-CERT)" },
	{ "ecdsa p256", SSH_ECDSA_P256, "256 SHA256:" },
	{ "ecdsa p384", SSH_ECDSA_P384, "384 SHA256:" },
	{ "ecdsa p521", SSH_ECDSA_P521, "521 SHA256:" },
	{ "rsa", SSH_RSA, "(RSA-CERT)" },
};

static void
put_pub(const char *path, struct span cert)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(65536);

	ssh_cert_put_line(&w, cert, "x");
	JT_OK(w.err);
	jt_write(path, wr_view(&w));
}

/* Added, seen, usable by the agent, gone after its lifetime. */
static void
certificate(void **state)
{
	const struct cert_row *r = *state;
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *ca = ag_key(SSH_ED25519);
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *p = ag_key(r->type);
	JIT_DONE(buf_done) struct buf cert = ag_cert(ca, ssh_priv_public(p),
	    1);
	JIT_SCOPED(agent_free) struct agent *a = NULL;
	JIT_DONE(agent_list_done) struct agent_list l = { 0 }, m = { 0 };
	const char *sock = ag_tmp("real.s", ""), *pub = ag_tmp("test.pub", "");
	struct jit_why why = { 0 };
	pid_t pid = ag_start(sock, NULL);
	int64_t added;

	a = must_open(sock);
	put_pub(pub, BUF_SPAN(cert));
	JT_WHY(agent_add_cert(a, BUF_SPAN(cert), p, "jit-cert 9N2B", 1000,
	    &why), JIT_OK, &why);
	/* ssh-add -T signs with it, and verifies. */
	assert_int_equal(ag_add(NULL, "-T", pub, (char *)NULL), 0);
	JT_OK(agent_list(a, &l, &why));
	assert_int_equal(l.n, 1);
	assert_null(l.at[0].key);
	assert_true(span_eq(BUF_SPAN(l.at[0].blob), BUF_SPAN(cert)));
	assert_true(span_eq_str(BUF_SPAN(l.at[0].comment), "jit-cert 9N2B"));
	/* Again: it replaces, and the new lifetime holds. */
	JT_OK(agent_add_cert(a, BUF_SPAN(cert), p, "jit-cert again", 5, &why));
	added = sys_mono_ms();
	assert_true(ag_shows("jit-cert again"));
	assert_true(ag_shows("-CERT)"));
	assert_true(ag_shows(r->shown));
	assert_false(ag_shows("9N2B"));
	while (ag_shows("-CERT)") && sys_mono_ms() < added + 30000)
		(void)poll(NULL, 0, 100);
	assert_false(ag_shows("-CERT)"));
	assert_true(sys_mono_ms() >= added + 4000);
	JT_OK(agent_list(a, &m, &why));
	assert_int_equal(m.n, 0);
	ag_stop(pid);
}

struct add_row {
	const char *name, *comment;
	dur_s life;
	bool other_key;
	int cut;	/* so many bytes are left; 0: all */
	enum jit_err want;
};
static const struct add_row adds[] = {
	{ "no prefix", "9N2B", 10, false, 0, JIT_E_ARG },
	{ "prefix without its space", "jit-cert", 10, false, 0,
	    JIT_E_ARG },
	{ "for ever", "jit-cert a", 0, false, 0, JIT_E_ARG },
	{ "negative", "jit-cert a", -1, false, 0, JIT_E_ARG },
	{ "more than a uint32", "jit-cert a", (dur_s)1 << 32, false, 0,
	    JIT_E_ARG },
	{ "of another key", "jit-cert a", 10, true, 0, JIT_E_ARG },
	{ "not a certificate", "jit-cert a", 10, false, 3, JIT_E_KEYTYPE },
	{ "its first half", "jit-cert a", 10, false, 200, JIT_E_FORMAT },
};

/* Nothing is sent: the connection has no agent behind it. */
static void
not_added(void **state)
{
	const struct add_row *r = *state;
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *p = ag_key(SSH_ED25519);
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *q = ag_key(SSH_ED25519);
	JIT_DONE(buf_done) struct buf cert = ag_cert(q, ssh_priv_public(
	    r->other_key ? q : p), 1);
	JIT_SCOPED(agent_free) struct agent *a = NULL;
	const char *sock = ag_tmp("fake.s", "");
	struct jit_why why = { 0 };
	pid_t pid = ag_fake(sock, NULL, 0);

	a = must_open(sock);
	JT_WHY(agent_add_cert(a, r->cut > 0 ?
	    SPAN(cert.p, (size_t)r->cut) : BUF_SPAN(cert), p,
	    r->comment, r->life, &why), r->want, &why);
	ag_stop(pid);
}

static bool
not_this(void *arg, struct span rest, struct span cert)
{
	(void)cert;
	return !span_eq_str(rest, arg);
}

/* Ours go, but for the one that is kept; what is not ours is left. */
static void
previous(void **state)
{
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *ca = ag_key(SSH_ED25519);
	JIT_SCOPED(agent_free) struct agent *a = NULL;
	const char *sock = ag_tmp("real.s", "");
	const char *theirs = ag_tmp("theirs", ""), *plain = ag_tmp("plain", "");
	char keep[] = "c", ca_path[600];
	struct jit_why why = { 0 };
	size_t n = 0;
	pid_t pid = ag_start(sock, NULL);

	(void)state;
	a = must_open(sock);
	for (const char *c = "abcd"; *c != '\0'; c++) {
		JIT_SCOPED(ssh_priv_free) struct ssh_priv *p =
		    ag_key(SSH_ED25519);
		JIT_DONE(buf_done) struct buf cert = ag_cert(ca,
		    ssh_priv_public(p), 5);
		char comment[] = { 'j', 'i', 't', '-', 'c', 'e', 'r', 't',
			' ', *c, '\0' };

		JT_OK(agent_add_cert(a, BUF_SPAN(cert), p, comment, 60,
		    &why));
	}
	/* A certificate of others, and a plain key that is named like ours. */
	(void)snprintf(ca_path, sizeof(ca_path), "%s", kg_path(&kg_sorts[1]));
	assert_int_equal(kg_run(SPAN_NONE, NULL, "-q", "-t", "ed25519", "-N",
	    "", "-C", "jit-certificate", "-f", theirs, (char *)NULL), 0);
	assert_int_equal(kg_run(SPAN_NONE, NULL, "-q", "-s", ca_path, "-I",
	    "theirs", "-n", "x", theirs, (char *)NULL), 0);
	assert_int_equal(ag_add(NULL, "-q", theirs, (char *)NULL), 0);
	assert_int_equal(kg_run(SPAN_NONE, NULL, "-q", "-t", "ed25519", "-N",
	    "", "-C", "jit-cert plain", "-f", plain, (char *)NULL), 0);
	assert_int_equal(ag_add(NULL, "-q", plain, (char *)NULL), 0);
	JT_WHY(agent_remove_ours(a, not_this, keep, &n, &why), JIT_OK, &why);
	assert_int_equal(n, 3);
	assert_false(ag_shows("jit-cert a"));
	assert_false(ag_shows("jit-cert b"));
	assert_true(ag_shows("jit-cert c"));
	assert_false(ag_shows("jit-cert d"));
	assert_true(ag_shows("jit-certificate (ED25519-CERT)"));
	assert_true(ag_shows("jit-certificate (ED25519)"));
	assert_true(ag_shows("jit-cert plain (ED25519)"));
	JT_OK(agent_remove_ours(a, not_this, keep, &n, &why));
	assert_int_equal(n, 0);
	ag_stop(pid);
}

/* ---- agents that are none ---- */

#define F(s) { (const uint8_t *)(s), sizeof(s) - 1 }
#define OK_FRAME "\0\0\0\1\6"

enum call { LIST, SIGN, REMOVE };
struct fake_row {
	const char *name;
	enum call call;
	struct span bytes;
	enum ag_then then;
	enum jit_err want;
	const char *say;
};
static const struct fake_row fakes[] = {
	{ "hangs", LIST, F(""), AG_HANG, JIT_E_UNREACHABLE, "in time" },
	{ "hangs in the length", LIST, F("\0\0"), AG_HANG, JIT_E_UNREACHABLE,
	    "in time" },
	{ "hangs in the answer", LIST, F("\0\0\0\5\x0c\0"), AG_HANG,
	    JIT_E_UNREACHABLE, "in time" },
	{ "closes", LIST, F(""), AG_CLOSE, JIT_E_UNREACHABLE, "closed" },
	{ "closes in the length", LIST, F("\0\0\0"), AG_CLOSE,
	    JIT_E_UNREACHABLE, "closed" },
	{ "closes in the answer", LIST, F("\0\0\0\5\x0c\0\0"), AG_CLOSE,
	    JIT_E_UNREACHABLE, "closed" },
	{ "empty answer", LIST, F("\0\0\0\0"), AG_NEXT, JIT_E_PROTOCOL,
	    "empty" },
	{ "oversized", LIST, F("\0\4\0\1\x0c"), AG_HANG, JIT_E_SIZE,
	    "262145 bytes" },
	{ "four gigabytes", LIST, F("\xff\xff\xff\xff\x0c"), AG_HANG,
	    JIT_E_SIZE, "4294967295" },
	{ "another protocol", LIST, F("HTTP/1.1 400 Bad Request\r\n\r\n"),
	    AG_NEXT, JIT_E_SIZE, "accepted are at most" },
	{ "refuses to list", LIST, F("\0\0\0\1\5"), AG_NEXT, JIT_E_AGENT,
	    "refused to list" },
	{ "extension failure", SIGN, F("\0\0\0\1\x1c"), AG_NEXT, JIT_E_AGENT,
	    "refused to sign" },
	{ "refusal with more behind", LIST, F("\0\0\0\2\5\0"), AG_NEXT,
	    JIT_E_PROTOCOL, "message 5" },
	{ "success, where a list was asked", LIST, F(OK_FRAME), AG_NEXT,
	    JIT_E_PROTOCOL, "message 6" },
	{ "no number of keys", LIST, F("\0\0\0\1\x0c"), AG_NEXT,
	    JIT_E_PROTOCOL, "malformed" },
	{ "more keys than bytes", LIST, F("\0\0\0\5\x0c\xff\xff\xff\xff"),
	    AG_NEXT, JIT_E_PROTOCOL, "malformed" },
	{ "one key, no bytes", LIST, F("\0\0\0\5\x0c\0\0\0\1"), AG_NEXT,
	    JIT_E_PROTOCOL, "malformed" },
	{ "a blob longer than the answer", LIST,
	    F("\0\0\0\x0d\x0c\0\0\0\1\0\0\0\5abcd"), AG_NEXT, JIT_E_PROTOCOL,
	    "malformed" },
	{ "something behind the list", LIST, F("\0\0\0\6\x0c\0\0\0\0x"),
	    AG_NEXT, JIT_E_PROTOCOL, "malformed" },
	{ "a list, where a signature was asked", SIGN,
	    F("\0\0\0\5\x0c\0\0\0\0"), AG_NEXT, JIT_E_PROTOCOL,
	    "message 12" },
	{ "no signature in it", SIGN, F("\0\0\0\1\x0e"), AG_NEXT,
	    JIT_E_PROTOCOL, "malformed" },
	{ "a signature longer than the answer", SIGN,
	    F("\0\0\0\6\x0e\0\0\0\2x"), AG_NEXT, JIT_E_PROTOCOL,
	    "malformed" },
	{ "something behind the signature", SIGN,
	    F("\0\0\0\7\x0e\0\0\0\1xy"), AG_NEXT, JIT_E_PROTOCOL,
	    "malformed" },
	{ "hangs when it should sign", SIGN, F(""), AG_HANG,
	    JIT_E_UNREACHABLE, "in time" },
	{ "success with more behind", REMOVE, F("\0\0\0\2\6\0"), AG_NEXT,
	    JIT_E_PROTOCOL, "malformed" },
	{ "success", REMOVE, F(OK_FRAME), AG_NEXT, JIT_OK, NULL },
};

static enum jit_err
do_call(struct agent *a, enum call c, const struct ssh_key *k,
    struct jit_why *why)
{
	JIT_DONE(agent_list_done) struct agent_list l = { 0 };
	JIT_DONE(buf_done) struct buf sig = { NULL, 0 };

	if (c == LIST)
		return agent_list(a, &l, why);
	if (c == REMOVE)
		return agent_remove(a, ssh_key_blob(k), why);
	return agent_sign(a, k, span_str("x"), 300, &sig, why);
}

static void
fake(void **state)
{
	const struct fake_row *r = *state;
	const struct ag_answer answers[2] = {
		{ r->bytes, r->then }, { F(OK_FRAME), AG_NEXT },
	};
	JIT_SCOPED(ssh_key_free) struct ssh_key *k = kg_public(&kg_sorts[0]);
	JIT_SCOPED(agent_free) struct agent *a = NULL;
	const char *sock = ag_tmp("fake.s", "");
	struct jit_why why = { 0 };
	pid_t pid = ag_fake(sock, answers, 2);
	int64_t begun = sys_mono_ms();
	enum jit_err e;

	JT_OK(agent_open(sock, r->then == AG_HANG ? 300 : MS, &a, &why));
	e = do_call(a, r->call, k, &why);
	JT_WHY(e, r->want, &why);
	assert_true(sys_mono_ms() < begun + 5000);
	if (r->say != NULL && strstr(why.msg, r->say) == NULL)
		print_error("it said: %s\n", why.msg);
	assert_true(r->say == NULL || strstr(why.msg, r->say) != NULL);
	/* Out of step is the end; a strange but whole answer is not. */
	if (e == JIT_E_UNREACHABLE || e == JIT_E_SIZE)
		JT_ERR(do_call(a, REMOVE, k, &why), JIT_E_UNREACHABLE);
	else if (r->bytes.n > 4)
		JT_WHY(do_call(a, REMOVE, k, &why), JIT_OK, &why);
	ag_stop(pid);
}

static void
put_entry(struct wr *w, struct span blob, const char *comment)
{
	wr_string(w, blob);
	wr_cstring(w, comment);
}

/* Keys that we do not know are counted, certificates reported. */
static void
mixed(void **state)
{
	JIT_SCOPED(ssh_key_free) struct ssh_key *k = kg_public(&kg_sorts[0]);
	JIT_DONE(wr_done) struct wr w = WR_INIT(65536);
	JIT_DONE(agent_list_done) struct agent_list l = { 0 };
	JIT_SCOPED(agent_free) struct agent *a = NULL;
	const char *sock = ag_tmp("fake.s", "");
	struct ag_answer answer = { SPAN_NONE, AG_NEXT };
	struct jit_why why = { 0 };
	size_t all = wr_string_begin(&w);
	pid_t pid;

	(void)state;
	wr_u8(&w, 12);
	wr_u32(&w, 6);
	put_entry(&w, SPAN("\0\0\0\7ssh-dss\0\0\0\1x", 16), "dsa");
	put_entry(&w, ssh_key_blob(k), "known \x1b[2J");
	put_entry(&w, SPAN_NONE, "");
	put_entry(&w, span_str("garbage"), "garbage");
	put_entry(&w, SPAN("\0\0\0\x1cssh-dss-cert-v01@openssh.com", 32), "c");
	put_entry(&w, SPAN("\0\0\0\x15-cert-v01@openssh.com", 25), "no type");
	wr_string_end(&w, all);
	answer.bytes = wr_view(&w);
	pid = ag_fake(sock, &answer, 1);
	a = must_open(sock);
	JT_WHY(agent_list(a, &l, &why), JIT_OK, &why);
	assert_int_equal(l.n, 2);
	assert_int_equal(l.skipped, 4);
	assert_true(ssh_key_eq(l.at[0].key, k));
	assert_true(span_eq_str(BUF_SPAN(l.at[0].comment), "known \x1b[2J"));
	assert_null(l.at[1].key);
	assert_int_equal(l.at[1].blob.n, 32);
	ag_stop(pid);
}

/* Every list with a bit or its end wrong: read or refused, never worse. */
static void
variants(void **state)
{
	JIT_SCOPED(ssh_key_free) struct ssh_key *k = kg_public(&kg_sorts[0]);
	JIT_DONE(wr_done) struct wr w = WR_INIT(65536);
	JIT_SCOPED(agent_free) struct agent *a = NULL;
	const char *sock = ag_tmp("fake.s", "");
	size_t n, read_ = 0;
	pid_t pid;

	(void)state;
	wr_u8(&w, 12);
	wr_u32(&w, 2);
	put_entry(&w, ssh_key_blob(k), "one");
	put_entry(&w, SPAN("\0\0\0\x1cssh-dss-cert-v01@openssh.com", 32), "c");
	n = ag_variants(wr_view(&w));
	pid = ag_fake_variants(sock, wr_view(&w));
	a = must_open(sock);
	for (size_t i = 0; i < n; i++) {
		JIT_DONE(agent_list_done) struct agent_list l = { 0 };
		struct jit_why why = { 0 };
		enum jit_err e = agent_list(a, &l, &why);

		if (e != JIT_OK)
			JT_WHY(e, JIT_E_PROTOCOL, &why);
		else
			assert_int_equal(l.n + l.skipped, 2);
		read_ += e == JIT_OK;
	}
	/* Bits of blobs and comments change no frame. */
	assert_true(read_ > n / 2);
	ag_stop(pid);
}

/* Says success, and keeps the certificate. */
static bool
every(void *arg, struct span rest, struct span cert)
{
	(void)arg;
	(void)rest;
	(void)cert;
	return true;
}

struct gone_row {
	const char *name;
	bool stays;
	enum jit_err want;
};
static const struct gone_row gones[] = {
	{ "expired between list and removal", false, JIT_OK },
	{ "refused, and still there", true, JIT_E_AGENT },
};

static void
gone(void **state)
{
	const struct gone_row *r = *state;
	JIT_DONE(wr_done) struct wr w = WR_INIT(65536);
	JIT_SCOPED(agent_free) struct agent *a = NULL;
	const char *sock = ag_tmp("fake.s", "");
	struct span none = F("\0\0\0\5\x0c\0\0\0\0"), no = F("\0\0\0\1\5");
	struct jit_why why = { 0 };
	size_t all = wr_string_begin(&w), n = 0;
	pid_t pid;

	wr_u8(&w, 12);
	wr_u32(&w, 1);
	put_entry(&w, SPAN("\0\0\0\x1cssh-dss-cert-v01@openssh.com", 32),
	    "jit-cert x");
	wr_string_end(&w, all);
	const struct ag_answer answers[4] = {
		{ wr_view(&w), AG_NEXT }, { no, AG_NEXT },
		{ r->stays ? wr_view(&w) : none, AG_NEXT }, { no, AG_NEXT },
	};
	pid = ag_fake(sock, answers, 4);
	a = must_open(sock);
	JT_WHY(agent_remove_ours(a, every, NULL, &n, &why), r->want, &why);
	if (r->want == JIT_OK)
		assert_int_equal(n, 1);
	ag_stop(pid);
}

int
main(void)
{
	const char *askpass = ag_tmp("askpass", "");

	/* For ssh-add -x. */
	jt_write(askpass, span_str("#!/bin/sh\necho locked\n"));
	if (chmod(askpass, 0700) != 0)
		return 1;
	(void)setenv("SSH_ASKPASS", askpass, 1);
	(void)setenv("SSH_ASKPASS_REQUIRE", "force", 1);
	return JT_ROWS("list and sign", list_and_sign, kg_sorts) +
	    jt_one("refuses", refuses) + jt_one("nobody", nobody) +
	    JT_ROWS("certificate", certificate, certs) +
	    JT_ROWS("not added", not_added, adds) +
	    jt_one("previous", previous) + JT_ROWS("fake", fake, fakes) +
	    jt_one("mixed", mixed) + jt_one("variants", variants) +
	    JT_ROWS("gone", gone, gones);
}
