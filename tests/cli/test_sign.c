/*
 * sign: a person's signature by ssh-agent and by ssh-keygen, with software
 * keys and with a security key; what is found; and that nothing is handed
 * out which does not hold.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __APPLE__
#include <util.h>
#else
#include <pty.h>
#endif

#include "ca/base/sys.h"
#include "ca/ssh/sshsig.h"
#include "cli/sign.h"
#include "tests/ca/ssh/keygen.h"
#include "tests/cli/agents.h"
#include "tests/lib/run.h"

#define NS "request@jit-cert"
#define TEXT "jit-cert request 1\nrole: prod-db\n"
#define MS 10000
#define PIN "123456"

static char provider[PATH_MAX];

/* What the askpass program types. */
static void
typed(const char *s)
{
	(void)setenv("JIT_TYPED_PIN", s, 1);
}

static void
make_key(const char *path, const char *passphrase, const char *comment)
{
	assert_int_equal(kg_run(SPAN_NONE, NULL, "-q", "-t", "ed25519", "-N",
	    passphrase, "-C", comment, "-f", path, (char *)NULL), 0);
}

static struct ssh_key *
public_of(const char *path)
{
	char pub[600];
	struct ssh_key *k = NULL;

	(void)snprintf(pub, sizeof(pub), "%s.pub", path);
	JIT_DONE(buf_done) struct buf line = jt_file(pub);
	JT_OK(ssh_key_parse_line(BUF_SPAN(line), &k, NULL, NULL));
	return k;
}

static struct agent *
must_open(const char *sock)
{
	struct agent *a = NULL;
	struct jit_why why = { 0 };

	JT_WHY(agent_open(sock, MS, &a, &why), JIT_OK, &why);
	return a;
}

/* Does it hold for ssh-keygen -Y verify? */
static void
holds(struct span blob, const struct ssh_key *k)
{
	JIT_DONE(wr_done) struct wr armor = WR_INIT(65536);
	JIT_DONE(wr_done) struct wr allowed = WR_INIT(65536);
	const char *sig = ag_tmp("text", ".sig");
	const char *signers = ag_tmp("allowed", "");

	sshsig_put_armor(&armor, blob);
	jt_write(sig, wr_view(&armor));
	wr_str(&allowed, "alice ");
	ssh_key_put_line(&allowed, k, NULL);
	wr_str(&allowed, "\n");
	jt_write(signers, wr_view(&allowed));
	assert_int_equal(kg_run(span_str(TEXT), NULL, "-Y", "verify", "-f",
	    signers, "-I", "alice", "-n", NS, "-s", sig, (char *)NULL), 0);
}

struct seen {
	int calls;
	bool sk;
};

static void
before(void *arg, const struct hand *h)
{
	struct seen *s = arg;

	s->calls++;
	s->sk = ssh_key_is_sk(h->key);
}

/* ---- by the agent ---- */

static void
by_agent(void **state)
{
	const struct kg_sort *s = *state;
	JIT_SCOPED(ssh_key_free) struct ssh_key *k = kg_public(s);
	JIT_SCOPED(agent_free) struct agent *a = NULL;
	JIT_DONE(hands_done) struct hands h = { 0 };
	JIT_DONE(buf_done) struct buf blob = { NULL, 0 };
	struct ssh_sig_facts facts = { 9, 9 };
	struct seen seen = { 0, true };
	const struct hand_ask ask = { before, &seen, MS, false };
	const char *sock = ag_tmp("real.s", "");
	struct jit_why why = { 0 };
	char fp[SSH_FP_TEXT];
	pid_t pid = ag_start(sock, NULL);

	for (int i = 0; i < 8; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "other-%d", i);
		if (access(ag_tmp(name, ""), R_OK) != 0)
			make_key(ag_tmp(name, ""), "", name);
		assert_int_equal(ag_add(NULL, "-q", ag_tmp(name, ""),
		    (char *)NULL), 0);
	}
	assert_int_equal(ag_add(NULL, "-q", kg_path(s), (char *)NULL), 0);
	a = must_open(sock);
	JT_WHY(hands_find(a, NULL, NULL, &h, &why), JIT_OK, &why);
	assert_int_equal(h.n, 9);
	ssh_key_fingerprint(k, fp);
	assert_non_null(hands_by_key(&h, k));
	assert_ptr_equal(hands_by_key(&h, k), hands_by_fingerprint(&h, fp));
	assert_null(hands_by_fingerprint(&h, "SHA256:none"));
	assert_null(hands_named(&h));
	JT_WHY(hand_sign(a, hands_by_key(&h, k), NS, span_str(TEXT), &ask,
	    &blob, &facts, &why), JIT_OK, &why);
	assert_int_equal(seen.calls, 1);
	assert_false(seen.sk);
	assert_int_equal(facts.flags, 0);
	holds(BUF_SPAN(blob), k);
	buf_done(&blob);
	/* Gone from the agent, and no agent at all. */
	assert_int_equal(ag_add(NULL, "-D", (char *)NULL), 0);
	JT_ERR(hand_sign(a, hands_by_key(&h, k), NS, span_str(TEXT), NULL,
	    &blob, NULL, &why), JIT_E_AGENT);
	JT_ERR(hand_sign(NULL, hands_by_key(&h, k), NS, span_str(TEXT), NULL,
	    &blob, NULL, &why), JIT_E_UNREACHABLE);
	ag_stop(pid);
	assert_null(blob.p);
}

/* ---- by ssh-keygen ---- */

static void
by_file(void **state)
{
	const struct kg_sort *s = *state;
	JIT_SCOPED(ssh_key_free) struct ssh_key *k = kg_public(s);
	JIT_DONE(hands_done) struct hands h = { 0 };
	JIT_DONE(buf_done) struct buf blob = { NULL, 0 };
	struct seen seen = { 0, true };
	const struct hand_ask ask = { before, &seen, MS, false };
	struct jit_why why = { 0 };

	JT_WHY(hands_find(NULL, NULL, kg_path(s), &h, &why), JIT_OK, &why);
	assert_int_equal(h.n, 1);
	assert_int_equal(h.at[0].route, HAND_FILE);
	assert_ptr_equal(hands_named(&h), &h.at[0]);
	assert_true(span_eq_str(BUF_SPAN(h.at[0].comment), "a b"));
	JT_WHY(hand_sign(NULL, h.at, NS, span_str(TEXT), &ask, &blob, NULL,
	    &why), JIT_OK, &why);
	assert_int_equal(seen.calls, 1);
	holds(BUF_SPAN(blob), k);
}

struct pass_row {
	const char *name, *passphrase, *typed;
	enum jit_err want;
};
static const struct pass_row passes[] = {
	{ "right passphrase", "correct horse", "correct horse", JIT_OK },
	{ "wrong passphrase", "correct horse", "wrong", JIT_E_AGENT },
	{ "empty passphrase", "correct horse", "", JIT_E_AGENT },
};

static void
passphrase(void **state)
{
	const struct pass_row *r = *state;
	const char *path = ag_tmp(r->name, "");
	JIT_DONE(hands_done) struct hands h = { 0 };
	JIT_DONE(buf_done) struct buf blob = { NULL, 0 };
	const struct hand_ask ask = { .timeout_ms = MS };
	struct jit_why why = { 0 };

	make_key(path, r->passphrase, "locked");
	typed(r->typed);
	JT_OK(hands_find(NULL, NULL, path, &h, &why));
	JT_WHY(hand_sign(NULL, h.at, NS, span_str(TEXT), &ask, &blob, NULL,
	    &why), r->want, &why);
	if (r->want != JIT_OK)
		assert_non_null(strstr(why.msg, path));
	assert_true((blob.p != NULL) == (r->want == JIT_OK));
}

/*
 * A person at a terminal is asked there, though the text is on standard
 * input and DISPLAY promises windows that nobody can open.
 */
static int
sign_on_terminal(const char *path)
{
	JIT_DONE(hands_done) struct hands h = { 0 };
	JIT_DONE(buf_done) struct buf blob = { NULL, 0 };
	const struct hand_ask ask = { .timeout_ms = -1, .terminal = true };

	(void)unsetenv("SSH_ASKPASS_REQUIRE");
	(void)setenv("SSH_ASKPASS", "/nonexistent", 1);
	(void)setenv("DISPLAY", ":99", 1);
	return hands_find(NULL, NULL, path, &h, NULL) == JIT_OK &&
	    hand_sign(NULL, h.at, NS, span_str(TEXT), &ask, &blob, NULL,
	    NULL) == JIT_OK ? 0 : 1;
}

static void
terminal(void **state)
{
	const char *path = ag_tmp("terminal", "");
	char seen[4096] = "";
	size_t n = 0;
	int tty = -1, status = -1;
	pid_t pid;

	(void)state;
	make_key(path, "correct horse", "locked");
	if ((pid = forkpty(&tty, NULL, NULL, NULL)) == 0)
		_exit(sign_on_terminal(path));
	assert_true(pid > 0);
	while (strstr(seen, "passphrase") == NULL && n + 1 < sizeof(seen)) {
		struct pollfd p = { .fd = tty, .events = POLLIN };
		ssize_t k;

		assert_int_equal(poll(&p, 1, MS), 1);
		if ((k = read(tty, seen + n, sizeof(seen) - 1 - n)) <= 0)
			break;
		n += (size_t)k;
		seen[n] = '\0';
	}
	assert_non_null(strstr(seen, "passphrase"));
	assert_int_equal(write(tty, "correct horse\n", 14), 14);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	(void)close(tty);
}

/* FILE.pub of another key: ssh-keygen compares as well. */
static void
foreign_pub(void **state)
{
	const char *a = ag_tmp("fa", ""), *b = ag_tmp("fb", "");
	JIT_DONE(hands_done) struct hands h = { 0 };
	JIT_DONE(buf_done) struct buf blob = { NULL, 0 };
	struct jit_why why = { 0 };

	(void)state;
	make_key(a, "", "a");
	make_key(b, "", "b");
	assert_int_equal(rename(ag_tmp("fb", ".pub"), ag_tmp("fa", ".pub")),
	    0);
	JT_OK(hands_find(NULL, NULL, a, &h, &why));
	JT_WHY(hand_sign(NULL, h.at, NS, span_str(TEXT), NULL, &blob, NULL,
	    &why), JIT_E_AGENT, &why);
	assert_non_null(strstr(why.msg, a));
	assert_null(blob.p);
}

/* PATH leads to a program that is not ssh-keygen; REAL is. */
struct liar_row {
	const char *name, *script;
	enum jit_err want;
};
static const struct liar_row liars[] = {
	{ "prints nothing", "exit 0\n", JIT_E_FORMAT },
	{ "prints garbage", "echo hello\n", JIT_E_FORMAT },
	{ "prints too much", "/usr/bin/head -c 100000 /dev/zero\n",
	    JIT_E_SIZE },
	{ "hangs", "exec /bin/sleep 100\n", JIT_E_UNREACHABLE },
	{ "signs with another key", "exec $REAL -q -Y sign -f $OTHER -n " NS
	    "\n", JIT_E_SIG },
	{ "signs another text", "echo x | $REAL -q -Y sign -f $OWN -n " NS
	    "\n", JIT_E_SIG },
	{ "signs for another purpose", "exec $REAL -q -Y sign -f $OWN -n git"
	    "\n", JIT_E_NAMESPACE },
	{ "signs, and says more", "$REAL -q -Y sign -f $OWN -n " NS
	    "; echo x\n", JIT_E_FORMAT },
	{ "signs, and fails", "$REAL -q -Y sign -f $OWN -n " NS
	    "; exit 1\n", JIT_E_AGENT },
	{ "signs", "exec $REAL -q -Y sign -f $OWN -n " NS "\n", JIT_OK },
	{ "dies", "kill -9 $$\n", JIT_E_AGENT },
	{ "is not there", NULL, JIT_E_UNKNOWN },
};

static void
liar(void **state)
{
	const struct liar_row *r = *state;
	JIT_DONE(hands_done) struct hands h = { 0 };
	JIT_DONE(buf_done) struct buf blob = { NULL, 0 };
	JIT_DONE(wr_done) struct wr w = WR_INIT(4096);
	const char *dir = ag_tmp(r->name, "-bin");
	const char *program = ag_tmp(r->name, "-bin/ssh-keygen");
	const struct hand_ask ask = { .timeout_ms = 500 };
	struct jit_why why = { 0 };
	char path[4096];
	enum jit_err e;

	JT_OK(hands_find(NULL, NULL, kg_path(&kg_sorts[0]), &h, &why));
	(void)setenv("OWN", kg_path(&kg_sorts[0]), 1);
	(void)setenv("OTHER", kg_path(&kg_sorts[1]), 1);
	assert_int_equal(mkdir(dir, 0700), 0);
	if (r->script != NULL) {
		wr_str(&w, "#!/bin/sh\n");
		wr_str(&w, r->script);
		jt_write(program, wr_view(&w));
		assert_int_equal(chmod(program, 0700), 0);
	}
	(void)snprintf(path, sizeof(path), "%s", getenv("PATH"));
	(void)setenv("PATH", dir, 1);
	e = hand_sign(NULL, h.at, NS, span_str(TEXT),
	    r->want == JIT_E_UNREACHABLE ? &ask : NULL, &blob, NULL, &why);
	(void)setenv("PATH", path, 1);
	JT_WHY(e, r->want, &why);
	assert_true((blob.p != NULL) == (r->want == JIT_OK));
}

/* ---- security keys ---- */

struct sk_row {
	const char *name, *type, *option, *typed;
	bool agent;
	enum jit_err want;
	uint8_t flags;
};
static const struct sk_row sks[] = {
	{ "agent, touch", "ed25519-sk", NULL, PIN, true, JIT_OK, 0x01 },
	{ "agent, ecdsa, touch", "ecdsa-sk", NULL, PIN, true, JIT_OK, 0x01 },
	{ "agent, PIN", "ed25519-sk", "verify-required", PIN, true, JIT_OK,
	    0x05 },
	{ "agent, no touch", "ed25519-sk", "no-touch-required", PIN, true,
	    JIT_OK, 0 },
	{ "agent, wrong PIN", "ed25519-sk", "verify-required", "1", true,
	    JIT_E_AGENT, 0 },
	{ "file, touch", "ed25519-sk", NULL, PIN, false, JIT_OK, 0x01 },
	{ "file, ecdsa, PIN", "ecdsa-sk", "verify-required", PIN, false,
	    JIT_OK, 0x05 },
	{ "file, wrong PIN", "ecdsa-sk", "verify-required", "1", false,
	    JIT_E_AGENT, 0 },
};

static void
security_key(void **state)
{
	const struct sk_row *r = *state;
	const char *path = ag_tmp(r->name, ""), *sock = ag_tmp("sk.s", "");
	JIT_SCOPED(ssh_key_free) struct ssh_key *k = NULL;
	JIT_SCOPED(agent_free) struct agent *a = NULL;
	JIT_DONE(hands_done) struct hands h = { 0 };
	JIT_DONE(buf_done) struct buf blob = { NULL, 0 };
	struct ssh_sig_facts facts = { 0 };
	struct seen seen = { 0, false };
	const struct hand_ask ask = { before, &seen, MS, false };
	struct jit_why why = { 0 };
	pid_t pid = 0;

	typed(PIN);
	assert_int_equal(kg_run(SPAN_NONE, NULL, "-q", "-t", r->type, "-w",
	    provider, "-N", "", "-C", "sk", "-f", path,
	    r->option != NULL ? "-O" : (char *)NULL, r->option,
	    (char *)NULL), 0);
	k = public_of(path);
	/* The agent's own askpass types what it was started with. */
	typed(r->typed);
	if (r->agent) {
		pid = ag_start(sock, provider);
		assert_int_equal(ag_add(NULL, "-q", "-S", provider, path,
		    (char *)NULL), 0);
		a = must_open(sock);
	}
	JT_WHY(hands_find(a, NULL, path, &h, &why), JIT_OK, &why);
	assert_int_equal(h.n, 1);
	assert_int_equal(h.at[0].route, r->agent ? HAND_AGENT : HAND_FILE);
	assert_true(h.at[0].named);
	JT_WHY(hand_sign(a, h.at, NS, span_str(TEXT), &ask, &blob, &facts,
	    &why), r->want, &why);
	if (pid > 0)
		ag_stop(pid);
	assert_int_equal(seen.calls, 1);
	assert_true(seen.sk);
	assert_int_equal(facts.flags, r->flags);
	if (r->want == JIT_OK)
		holds(BUF_SPAN(blob), k);
}

/* ---- agents that lie ---- */

/* The answer to a question to sign: p's signature over data. */
static struct buf
signed_by(const struct ssh_priv *p, struct span data)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(8192);
	struct buf ret = { NULL, 0 };
	size_t mark;

	wr_u8(&w, 14);
	mark = wr_string_begin(&w);
	JT_OK(ssh_priv_sign(p, data, &w));
	wr_string_end(&w, mark);
	JT_OK(wr_take(&w, &ret));
	return ret;
}

static struct buf
tbs_of(const char *ns, const char *text)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(512);
	struct buf ret = { NULL, 0 };

	JT_OK(sshsig_put_tbs(&w, ns, span_str(text)));
	JT_OK(wr_take(&w, &ret));
	return ret;
}

enum whose { OWN, OTHER, ECDSA };
struct lie_row {
	const char *name;
	enum whose key;
	const char *ns, *text;	/* text NULL: over TEXT itself, not its tbs */
	enum jit_err want;
};
static const struct lie_row lies[] = {
	{ "the truth", OWN, NS, TEXT, JIT_OK },
	{ "by another key", OTHER, NS, TEXT, JIT_E_SIG },
	{ "by a key of another type", ECDSA, NS, TEXT, JIT_E_KEYTYPE },
	{ "over another text", OWN, NS, "role: root\n", JIT_E_SIG },
	{ "for another purpose", OWN, "git", TEXT, JIT_E_SIG },
	{ "over the bare text", OWN, NS, NULL, JIT_E_SIG },
};

static void
lie(void **state)
{
	const struct lie_row *r = *state;
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *own = ag_key(SSH_ED25519);
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *other = ag_key(
	    r->key == ECDSA ? SSH_ECDSA_P256 : SSH_ED25519);
	JIT_DONE(buf_done) struct buf tbs = tbs_of(r->ns, r->text != NULL ?
	    r->text : "");
	JIT_DONE(buf_done) struct buf body = signed_by(r->key == OWN ? own :
	    other, r->text != NULL ? BUF_SPAN(tbs) : span_str(TEXT));
	JIT_DONE(buf_done) struct buf frame = ag_frame(BUF_SPAN(body));
	JIT_DONE(buf_done) struct buf blob = { NULL, 0 };
	JIT_SCOPED(agent_free) struct agent *a = NULL;
	JIT_SCOPED(ssh_key_free) struct ssh_key *k = NULL;
	const struct ag_answer answer = { BUF_SPAN(frame), AG_NEXT };
	const char *sock = ag_tmp("fake.s", "");
	struct jit_why why = { 0 };
	pid_t pid = ag_fake(sock, &answer, 1);

	JT_OK(ssh_key_dup(ssh_priv_public(own), &k));
	const struct hand h = { .route = HAND_AGENT, .key = k };
	a = must_open(sock);
	JT_WHY(hand_sign(a, &h, NS, span_str(TEXT), NULL, &blob, NULL, &why),
	    r->want, &why);
	ag_stop(pid);
	assert_true((blob.p != NULL) == (r->want == JIT_OK));
	if (r->want != JIT_OK)
		assert_non_null(strstr(why.msg, "what ssh-agent returned"));
}

#define F(s) { (const uint8_t *)(s), sizeof(s) - 1 }
struct fake_row {
	const char *name;
	struct span bytes;
	enum ag_then then;
	enum jit_err want;
};
static const struct fake_row fakes[] = {
	{ "refuses", F("\0\0\0\1\5"), AG_NEXT, JIT_E_AGENT },
	{ "nobody touches", F(""), AG_HANG, JIT_E_UNREACHABLE },
	{ "goes away", F(""), AG_CLOSE, JIT_E_UNREACHABLE },
	{ "half an answer", F("\0\0\1\0\x0e"), AG_CLOSE, JIT_E_UNREACHABLE },
	{ "too much", F("\x7f\xff\xff\xff\x0e"), AG_NEXT, JIT_E_SIZE },
	{ "another message", F("\0\0\0\1\6"), AG_NEXT, JIT_E_PROTOCOL },
	{ "an empty signature", F("\0\0\0\5\x0e\0\0\0\0"), AG_NEXT,
	    JIT_E_FORMAT },
	{ "garbage", F("\0\0\0\x0c\x0e\0\0\0\7garbage"), AG_NEXT,
	    JIT_E_FORMAT },
};

static void
fake(void **state)
{
	const struct fake_row *r = *state;
	JIT_SCOPED(ssh_key_free) struct ssh_key *k = kg_public(&kg_sorts[0]);
	JIT_SCOPED(agent_free) struct agent *a = NULL;
	JIT_DONE(buf_done) struct buf blob = { NULL, 0 };
	const struct hand h = { .route = HAND_AGENT, .key = k };
	const struct hand_ask ask = { .timeout_ms = 300 };
	const struct ag_answer answer = { r->bytes, r->then };
	const char *sock = ag_tmp("fake.s", "");
	struct jit_why why = { 0 };
	pid_t pid = ag_fake(sock, &answer, 1);

	a = must_open(sock);
	JT_WHY(hand_sign(a, &h, NS, span_str(TEXT),
	    r->then == AG_HANG ? &ask : NULL, &blob, NULL, &why), r->want,
	    &why);
	ag_stop(pid);
	assert_null(blob.p);
}

/* A right signature with a bit or its end wrong is never handed out. */
static void
variants(void **state)
{
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *own = ag_key(SSH_ED25519);
	JIT_DONE(buf_done) struct buf tbs = tbs_of(NS, TEXT);
	JIT_DONE(buf_done) struct buf body = signed_by(own, BUF_SPAN(tbs));
	JIT_SCOPED(agent_free) struct agent *a = NULL;
	JIT_SCOPED(ssh_key_free) struct ssh_key *k = NULL;
	const char *sock = ag_tmp("fake.s", "");
	size_t n = ag_variants(BUF_SPAN(body));
	pid_t pid = ag_fake_variants(sock, BUF_SPAN(body));

	(void)state;
	JT_OK(ssh_key_dup(ssh_priv_public(own), &k));
	const struct hand h = { .route = HAND_AGENT, .key = k };
	a = must_open(sock);
	for (size_t i = 0; i < n; i++) {
		JIT_DONE(buf_done) struct buf blob = { NULL, 0 };
		enum jit_err e = hand_sign(a, &h, NS, span_str(TEXT), NULL,
		    &blob, NULL, NULL);

		assert_true(e == JIT_E_SIG || e == JIT_E_FORMAT ||
		    e == JIT_E_KEYTYPE || e == JIT_E_PROTOCOL);
		assert_null(blob.p);
	}
	ag_stop(pid);
}

/* ---- what is found ---- */

static void
finds(void **state)
{
	const char *home = ag_tmp("home", ""), *sock = ag_tmp("real.s", "");
	JIT_SCOPED(agent_free) struct agent *a = NULL;
	JIT_DONE(hands_done) struct hands h = { 0 }, g = { 0 }, e = { 0 };
	struct jit_why why = { 0 };
	pid_t pid = ag_start(sock, NULL);

	(void)state;
	assert_int_equal(mkdir(home, 0700), 0);
	a = must_open(sock);
	/* No .ssh, and nothing in the agent. */
	JT_WHY(hands_find(a, home, NULL, &e, &why), JIT_OK, &why);
	assert_int_equal(e.n, 0);
	assert_int_equal(mkdir(ag_tmp("home/.ssh", ""), 0700), 0);
	make_key(ag_tmp("home/.ssh/id_b", ""), "", "b");
	make_key(ag_tmp("home/.ssh/id_a", ""), "x", "a");
	make_key(ag_tmp("home/.ssh/id_in_agent", ""), "", "in agent");
	make_key(ag_tmp("home/.ssh/id_gone", ""), "", "gone");
	make_key(ag_tmp("home/.ssh/work", ""), "", "not id_");
	assert_int_equal(unlink(ag_tmp("home/.ssh/id_gone", "")), 0);
	jt_write(ag_tmp("home/.ssh/id_bad", ""), span_str("x"));
	jt_write(ag_tmp("home/.ssh/id_bad", ".pub"), span_str("ssh-dss x\n"));
	jt_write(ag_tmp("home/.ssh/id_b-cert.pub", ""), span_str("x"));
	jt_write(ag_tmp("home/.ssh/id_b-cert", ""), span_str("x"));
	/* A link to where it really is. */
	assert_int_equal(rename(ag_tmp("home/.ssh/id_b", ".pub"),
	    ag_tmp("home/b", ".pub")), 0);
	assert_int_equal(symlink("../b.pub", ag_tmp("home/.ssh/id_b",
	    ".pub")), 0);
	assert_int_equal(ag_add(NULL, "-q", ag_tmp("home/.ssh/id_in_agent",
	    ""), (char *)NULL), 0);
	JT_WHY(hands_find(a, home, ag_tmp("home/.ssh/work", ".pub"), &h,
	    &why), JIT_OK, &why);
	assert_int_equal(h.n, 4);
	assert_int_equal(h.skipped, 1);
	assert_true(span_eq_str(BUF_SPAN(h.at[0].comment), "in agent"));
	assert_int_equal(h.at[0].route, HAND_AGENT);
	assert_true(span_eq_str(BUF_SPAN(h.at[1].comment), "a"));
	assert_string_equal(h.at[1].path, ag_tmp("home/.ssh/id_a", ""));
	assert_true(span_eq_str(BUF_SPAN(h.at[2].comment), "b"));
	assert_true(span_eq_str(BUF_SPAN(h.at[3].comment), "not id_"));
	assert_ptr_equal(hands_named(&h), &h.at[3]);
	/* The named one is in the agent; its file need not be there. */
	assert_int_equal(unlink(ag_tmp("home/.ssh/id_in_agent", "")), 0);
	JT_WHY(hands_find(a, NULL, ag_tmp("home/.ssh/id_in_agent", ""), &g,
	    &why), JIT_OK, &why);
	assert_int_equal(g.n, 1);
	assert_int_equal(g.at[0].route, HAND_AGENT);
	assert_true(g.at[0].named);
	ag_stop(pid);
}

struct named_row {
	const char *name, *private, *public;
	enum jit_err want;
};
static const struct named_row nameds[] = {
	{ "neither", NULL, NULL, JIT_E_UNKNOWN },
	{ "no public half", "x", NULL, JIT_E_UNKNOWN },
	{ "empty", "x", "", JIT_E_FORMAT },
	{ "garbage", "x", "garbage\n", JIT_E_FORMAT },
	{ "no base64", "x", "ssh-ed25519 !!!\n", JIT_E_FORMAT },
	{ "public half alone", NULL, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI"
	    "NdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea x\n",
	    JIT_E_UNKNOWN },
};

static void
named(void **state)
{
	const struct named_row *r = *state;
	JIT_DONE(hands_done) struct hands h = { 0 };
	const char *path = ag_tmp(r->name, "-named");
	struct jit_why why = { 0 };

	if (r->private != NULL)
		jt_write(path, span_str(r->private));
	if (r->public != NULL)
		jt_write(ag_tmp(r->name, "-named.pub"), span_str(r->public));
	JT_WHY(hands_find(NULL, NULL, path, &h, &why), r->want, &why);
	assert_non_null(strstr(why.msg, path));
	assert_int_equal(h.n, 0);
}

/* A FIFO does not make it wait, a directory and a large file are refused. */
static void
no_files(void **state)
{
	JIT_DONE(hands_done) struct hands h = { 0 };
	JIT_DONE(wr_done) struct wr w = WR_INIT(65536);
	struct jit_why why = { 0 };
	char longer[5000];

	(void)state;
	assert_int_equal(mkfifo(ag_tmp("fifo", ".pub"), 0600), 0);
	JT_ERR(hands_find(NULL, NULL, ag_tmp("fifo", ""), &h, &why),
	    JIT_E_FORMAT);
	assert_int_equal(mkdir(ag_tmp("dir", ".pub"), 0700), 0);
	JT_ERR(hands_find(NULL, NULL, ag_tmp("dir", ""), &h, &why),
	    JIT_E_FORMAT);
	for (int i = 0; i < 20000; i++)
		wr_u8(&w, 'x');
	jt_write(ag_tmp("large", ".pub"), wr_view(&w));
	JT_ERR(hands_find(NULL, NULL, ag_tmp("large", ""), &h, &why),
	    JIT_E_SIZE);
	memset(longer, 'a', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	JT_ERR(hands_find(NULL, NULL, longer, &h, &why), JIT_E_ARG);
	JT_ERR(hands_find(NULL, longer, NULL, &h, &why), JIT_E_ARG);
}

/* Where PATH leads now, for scripts that stand in its place. */
static void
find_real(void)
{
	const char *const argv[] = { "sh", "-c", "command -v ssh-keygen",
	    NULL };
	JIT_DONE(buf_done) struct buf out = { NULL, 0 };

	if (jt_run(argv, SPAN_NONE, &out) != 0 || out.n < 2)
		abort();
	out.p[out.n - 1] = '\0';
	(void)setenv("REAL", (const char *)out.p, 1);
}

int
main(void)
{
	const char *build = getenv("JIT_BUILD"), *askpass;
	char path[PATH_MAX];

	/* ssh-agent allows a provider by the path that realpath() gives. */
	(void)snprintf(path, sizeof(path), "%s/tests/lib/sk_provider.so",
	    build != NULL ? build : "build");
	if (realpath(path, provider) == NULL) {
		(void)fprintf(stderr, "no %s (set JIT_BUILD)\n", path);
		return 1;
	}
	askpass = ag_tmp("askpass", "");
	jt_write(askpass, span_str("#!/bin/sh\necho \"$JIT_TYPED_PIN\"\n"));
	if (chmod(askpass, 0700) != 0)
		return 1;
	find_real();
	(void)unsetenv("SSH_AUTH_SOCK");
	(void)setenv("SSH_ASKPASS", askpass, 1);
	(void)setenv("SSH_ASKPASS_REQUIRE", "force", 1);
	(void)setenv("SSH_SK_PROVIDER", provider, 1);
	(void)setenv("JIT_SK_PIN", PIN, 1);
	return JT_ROWS("by agent", by_agent, kg_sorts) +
	    JT_ROWS("by file", by_file, kg_sorts) +
	    JT_ROWS("passphrase", passphrase, passes) +
	    jt_one("terminal", terminal) +
	    jt_one("foreign pub", foreign_pub) +
	    JT_ROWS("liar", liar, liars) +
	    JT_ROWS("security key", security_key, sks) +
	    JT_ROWS("lie", lie, lies) + JT_ROWS("fake", fake, fakes) +
	    jt_one("variants", variants) + jt_one("finds", finds) +
	    JT_ROWS("named", named, nameds) + jt_one("no files", no_files);
}
