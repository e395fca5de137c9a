/* rights: who reads what; and logging in, attacked field by field. */
#include <stdio.h>
#include <string.h>

#include "api/auth/rights.h"
#include "ca/grant/login.h"
#include "tests/lib/world.h"

/*
 *	prod-db      sre asks, sre decides
 *	prod-db-ro   sre and dev ask, sre decides
 *	wiki         dev asks, dev decides, audit and ops read
 *
 * gone is a role that was; aud is in audit, ann in audit2: a read group of
 * every role, among them of the first two.
 */
static struct world w;
static const char *const roles[] = { "prod-db", "prod-db-ro", "wiki", "gone" };
enum { ROLES = 4 };

static const struct ssh_key *
key_of(enum world_key k)
{
	return ssh_priv_public(w.key[k]);
}

static struct digest
digest_of(const struct ssh_key *k)
{
	struct digest d;

	JT_OK(digest_sha256(ssh_key_blob(k), &d));
	return d;
}

static void
read_by(const char *role, const char *accounts, const char *rest)
{
	JIT_DONE(wr_done) struct wr t = WR_INIT(4096);

	world_without(&w, BLOCK_ROLE, role);
	wr_fmt(&t, "jit-cert role v1\nname: %s\naccount: %s\n"
	    "host-group: prod-db\nmax: 8h\nhorizon: 1d\nskew: -\n"
	    "reason: optional\nreason-pattern: -\n%s", role, accounts, rest);
	wr_u8(&t, 0);
	world_add(&w, (char *)t.p);
}

static void
set_up(void)
{
	static const enum world_key k[] = { K_STRANGER, K_SUBJECT };

	world_init(&w);
	world_person(&w, "aud", "group: audit\n", &k[0], 1);
	world_person(&w, "ann", "group: audit2\n", &k[1], 1);
	read_by("prod-db", "dba", "request-of: sre\nrequest-proof: sshsig\n"
	    "need: 2\napprove-of: sre\napprove-proof: sshsig\n"
	    "read: audit2\n");
	read_by("prod-db-ro", "ro", "request-of: dev\nrequest-of: sre\n"
	    "request-proof: sshsig\nneed: 1\napprove-of: sre\n"
	    "approve-proof: sshsig+touch\nread: audit2\n");
	read_by("wiki", "wiki", "request-of: dev\nrequest-proof: sshsig\n"
	    "need: 1\napprove-of: dev\napprove-proof: sshsig\nread: audit\n"
	    "read: audit2\nread: ops\n");
}

/* ---- who may read what ---- */

struct who {
	const char *name;
	enum world_key key;
	bool all, admin;
	/* Of roles[], in order: requests of others; and the role. */
	const char *sees, *knows;
};

static const struct who people[] = {
	{ "alice", K_ALICE, false, false, "yy--", "yy-" },
	{ "bob", K_BOB, false, false, "yy--", "yy-" },
	{ "bob", K_BOB2, false, false, "yy--", "yy-" },
	{ "carol", K_CAROL, false, false, "yy--", "yy-" },
	{ "dan", K_DAN, false, false, "yy--", "yy-" },
	{ "eve", K_EVE, false, false, "--y-", "-yy" },
	{ "dana", K_DANA, true, true, "yyyy", "yyy" },
	{ "aud", K_STRANGER, false, false, "--y-", "--y" },
	{ "ann", K_SUBJECT, true, false, "yyyy", "yyy" },
};
#define PEOPLE (sizeof(people) / sizeof(people[0]))

static struct reader
reader(const char *name, enum world_key k)
{
	struct reader r = { 0 };
	struct digest d = digest_of(key_of(k));
	struct jit_why why = { 0 };

	JT_WHY(reader_of(w.policy, span_str(name), &d, &r, &why), JIT_OK,
	    &why);
	return r;
}

static void
matrix(void **state)
{
	const struct who *who = *state;
	struct reader r = reader(who->name, who->key);

	assert_true(r.all == who->all && r.admin == who->admin);
	assert_true(span_eq_str(r.person->name, who->name));
	for (size_t i = 0; i < ROLES; i++) {
		struct span name = span_str(roles[i]);
		const struct role *role = policy_role(w.policy, name);

		assert_true((role != NULL) == (i != 3));
		if (role != NULL) {
			assert_true(reader_sees_role(&r, role) ==
			    (who->sees[i] == 'y'));
			assert_true(reader_knows_role(&r, role) ==
			    (who->knows[i] == 'y'));
		}
		for (size_t k = 0; k < PEOPLE; k++) {
			bool own = strcmp(people[k].name, who->name) == 0;

			assert_true(reader_sees(&r, span_str(people[k].name),
			    name) == (own || who->sees[i] == 'y'));
		}
		/* Of somebody who has left. */
		assert_true(reader_sees(&r, span_str("zoe"), name) ==
		    (who->sees[i] == 'y'));
	}
}

static void
names_of_roles(void **state)
{
	const struct who *who = *state;
	struct reader r = reader(who->name, who->key);
	struct span *v = (struct span *)&r;
	size_t n = 7, at = 0;

	JT_OK(reader_roles(&r, &v, &n));
	for (size_t i = 0; i < ROLES - 1; i++)
		if (who->sees[i] == 'y')
			assert_true(at < n && span_eq_str(v[at++], roles[i]));
	assert_int_equal(at, n);
	free(v);
}

/* Of a group that reads nothing and decides nothing. */
static void
sees_nothing(void **state)
{
	static const enum world_key k[] = { K_CA };
	struct reader r;
	struct span *v = (struct span *)&r;
	size_t n = 7;

	(void)state;
	world_person(&w, "ivy", "group: intern\n", k, 1);
	r = reader("ivy", K_CA);
	JT_OK(reader_roles(&r, &v, &n));
	assert_true(v == NULL && n == 0 && !r.all);
	assert_true(reader_sees(&r, span_str("ivy"), span_str("gone")));
	assert_false(reader_sees(&r, span_str("iv"), span_str("gone")));
	world_without(&w, BLOCK_PERSON, "ivy");
}

/* Without a role nobody is an auditor. */
static void
no_roles(void **state)
{
	struct reader r;
	struct span *v = (struct span *)&r;
	size_t n = 7;

	(void)state;
	world_done(&w);
	set_up();
	for (size_t i = 0; i < ROLES; i++)
		world_without(&w, BLOCK_ROLE, roles[i]);
	r = reader("ann", K_SUBJECT);
	assert_true(!r.all && !r.admin);
	r = reader("dana", K_DANA);
	assert_true(r.all && r.admin);
	JT_OK(reader_roles(&r, &v, &n));
	assert_true(v == NULL && n == 0);
	world_done(&w);
	set_up();
}

struct alias { const char *name, *person; size_t n; enum world_key key; };

#define A(name, person, key) { name, person, sizeof(person) - 1, key }
static const struct alias aliases[] = {
	A("nobody", "zoe", K_ALICE),
	A("empty", "", K_ALICE),
	A("capital", "Alice", K_ALICE),
	A("space behind", "alice ", K_ALICE),
	A("space before", " alice", K_ALICE),
	A("NUL behind", "alice\0", K_ALICE),
	A("NUL inside", "alice\0bob", K_ALICE),
	A("prefix", "alic", K_ALICE),
	A("longer", "alicea", K_ALICE),
	A("Cyrillic", "\xd0\xb0lice", K_ALICE),
	A("full width", "\xef\xbd\x81lice", K_ALICE),
	A("zero width", "ali\xe2\x80\x8b" "ce", K_ALICE),
	A("a group", "sre", K_ALICE),
	A("a role", "prod-db", K_ALICE),
	A("a host", "db1", K_HOST),
	A("another's key", "alice", K_BOB),
	A("another's second key", "alice", K_BOB2),
	A("the host's key", "alice", K_HOST),
	A("the CA's key", "alice", K_CA),
	A("the log's key", "alice", K_LOG),
};

static void
alias(void **state)
{
	const struct alias *a = *state;
	struct digest d = digest_of(key_of(a->key));
	struct reader r = { 0 }, alice;
	struct jit_why why = { 0 };

	JT_WHY(reader_of(w.policy, SPAN(a->person, a->n), &d, &r, &why),
	    JIT_E_LOGIN, &why);
	assert_string_equal(why.msg, "the person or the key that logged in is "
	    "not enrolled any more; log in again");
	assert_null(r.person);
	/* Nor is it the requester of one's own requests. */
	alice = reader("alice", K_ALICE);
	if (a->n != 5 || memcmp(a->person, "alice", 5) != 0)
		assert_false(reader_sees(&alice, SPAN(a->person, a->n),
		    span_str("wiki")));
}

/* Whoever leaves the policy, or whose key does, reads nothing. */
static void
gone(void **state)
{
	static const enum world_key first[] = { K_BOB };
	struct digest d = digest_of(key_of(K_BOB2));
	struct reader r = { 0 };

	(void)state;
	world_without(&w, BLOCK_PERSON, "bob");
	JT_ERR(reader_of(w.policy, span_str("bob"), &d, &r, NULL),
	    JIT_E_LOGIN);
	world_person(&w, "bob", "group: sre\n", first, 1);
	JT_ERR(reader_of(w.policy, span_str("bob"), &d, &r, NULL),
	    JIT_E_LOGIN);
	d = digest_of(key_of(K_BOB));
	JT_OK(reader_of(w.policy, span_str("bob"), &d, &r, NULL));
	world_done(&w);
	set_up();
}

/* Who is locked out reads nothing, with whatever key; the others do. */
static void
locked_out(void **state)
{
	static const enum world_key bobs[] = { K_BOB, K_BOB2 };
	const struct span names[] = { span_str("bob") };
	struct reader r = { 0 };
	struct jit_why why = { 0 };

	(void)state;
	policy_set_locked(w.policy, names, 1);
	for (size_t i = 0; i < 2; i++) {
		struct digest d = digest_of(key_of(bobs[i]));

		JT_WHY(reader_of(w.policy, span_str("bob"), &d, &r, &why),
		    JIT_E_LOGIN, &why);
		assert_non_null(strstr(why.msg, "locked out"));
		assert_null(r.person);
	}
	r = reader("alice", K_ALICE);
	assert_true(reader_sees(&r, span_str("bob"), span_str("prod-db")));
	policy_set_locked(w.policy, NULL, 0);
	r = reader("bob", K_BOB);
}

/* Whoever may revoke (judge.h) sees what they would. */
static void
who_ends_sees(void **state)
{
	(void)state;
	for (size_t i = 0; i < PEOPLE; i++) {
		struct reader r = reader(people[i].name, people[i].key);

		for (size_t k = 0; k < ROLES; k++) {
			struct span name = span_str(roles[k]);
			const struct role *role = policy_role(w.policy, name);
			struct span zoe = span_str("zoe");

			if (policy_is_admin(w.policy, r.person) ||
			    (role != NULL && role_may_approve(role, r.person,
			    zoe)))
				assert_true(reader_sees(&r, zoe, name));
			assert_true(reader_sees(&r, r.person->name, name));
		}
	}
}

/* ---- logging in ---- */

/* Signatures that were verified; linked with --wrap. */
static unsigned verified;
enum jit_err __real_ssh_sig_verify(const struct ssh_key *k, struct span data,
    struct span sig, struct ssh_sig_facts *facts, struct jit_why *why);
enum jit_err __wrap_ssh_sig_verify(const struct ssh_key *k, struct span data,
    struct span sig, struct ssh_sig_facts *facts, struct jit_why *why);

enum jit_err
__wrap_ssh_sig_verify(const struct ssh_key *k, struct span data,
    struct span sig, struct ssh_sig_facts *facts, struct jit_why *why)
{
	verified++;
	return __real_ssh_sig_verify(k, data, sig, facts, why);
}

static const char *const server_names[] = { "jit.example.com:8443",
	"192.0.2.1:8443", NULL };
static const struct digest tls = { { 7, 7, 7 } };

struct attempt {
	struct login l;
	enum world_key key;
	const char *ns;
	utc_s now;
	struct buf text, sig;
};

static struct login_here
here(void)
{
	return (struct login_here){ span_str(w.log_id), &tls, server_names };
}

static struct attempt
attempt(void)
{
	return (struct attempt){ .key = K_ALICE, .ns = NS_LOGIN, .now = w.now,
	    .l = { .log = span_str(w.log_id), .server = span_str(
	    server_names[0]), .tls = tls, .nonce = span_str("q83v"),
	    .person = span_str("alice"), .at = w.now,
	    .expires = w.now + LOGIN_LIFE } };
}

static void
attempt_make(struct attempt *a)
{
	JIT_DONE(wr_done) struct wr t = WR_INIT(LOGIN_MAX);

	login_put(&t, &a->l);
	JT_OK(wr_take(&t, &a->text));
	a->sig = world_sign(&w, a->key, a->ns, BUF_SPAN(a->text));
}

static void
attempt_done(struct attempt *a)
{
	buf_done(&a->text);
	buf_done(&a->sig);
}
JIT_SCOPED_OBJ(struct attempt, attempt_done);

static enum jit_err
check(const struct attempt *a, struct jit_why *why)
{
	struct login_here h = here();
	struct digest key = { { 0 } };
	struct span person = SPAN_NONE;
	enum jit_err e;

	verified = 0;
	e = login_check(w.policy, &h, BUF_SPAN(a->text), BUF_SPAN(a->sig),
	    a->now, &person, &key, why);
	if (e == JIT_OK) {
		struct digest d = digest_of(key_of(a->key));

		assert_true(digest_eq(&key, &d));
		assert_true(span_eq(person, a->l.person));
		assert_true(person.p > a->text.p &&
		    person.p < a->text.p + a->text.n);
	} else {
		assert_null(person.p);
	}
	return e;
}

/* Told to nobody who does not hold the key. */
static void
login_locked(void **state)
{
	const struct span names[] = { span_str("alice") };
	JIT_DONE(attempt_done) struct attempt a = attempt(), b = attempt();
	struct jit_why why = { 0 };

	(void)state;
	b.key = K_BOB;
	attempt_make(&a);
	attempt_make(&b);
	policy_set_locked(w.policy, names, 1);
	JT_WHY(check(&a, &why), JIT_E_LOCKEDOUT, &why);
	JT_WHY(check(&b, &why), JIT_E_LOGIN, &why);
	policy_set_locked(w.policy, NULL, 0);
	JT_OK(check(&a, &why));
}

static void as_is(struct attempt *a) { (void)a; }
static void
bobs_second(struct attempt *a)
{
	a->l.person = span_str("bob");
	a->key = K_BOB2;
}
static void
other_name(struct attempt *a)
{
	a->l.server = span_str(server_names[1]);
}
static void
last_second(struct attempt *a)
{
	a->now += LOGIN_LIFE - 1;
}
static void
fast_clock(struct attempt *a)
{
	a->now -= LOGIN_LIFE;
}
static void
other_log(struct attempt *a)
{
	a->l.log = span_str("jit.example.com+00000000");
}
static void
longer_log(struct attempt *a)
{
	static char log[TLOG_LOGID_TEXT + 1];

	(void)snprintf(log, sizeof(log), "%s0", w.log_id);
	a->l.log = span_str(log);
}
static void
other_server(struct attempt *a)
{
	a->l.server = span_str("jit.example.net:8443");
}
static void
other_port(struct attempt *a)
{
	a->l.server = span_str("jit.example.com:443");
}
static void
server_before(struct attempt *a)
{
	a->l.server = span_str("x.jit.example.com:8443");
}
static void
server_behind(struct attempt *a)
{
	a->l.server = span_str("jit.example.com.x:8443");
}
static void
other_tls(struct attempt *a)
{
	a->l.tls.b[31] ^= 1;
}
static void
over(struct attempt *a)
{
	a->now += LOGIN_LIFE;
}
static void
long_over(struct attempt *a)
{
	a->now += 86400;
}
static void
from_the_future(struct attempt *a)
{
	a->now -= LOGIN_LIFE + 1;
}
static void
other_namespace(struct attempt *a)
{
	a->ns = NS_REQUEST;
}
static void
no_namespace_of_ours(struct attempt *a)
{
	a->ns = "file";
}

struct login_row {
	const char *name;
	void (*change)(struct attempt *a);
	enum jit_err want;
	const char *says;
};

static const struct login_row logins[] = {
	{ "as it should be", as_is, JIT_OK, "" },
	{ "a second key", bobs_second, JIT_OK, "" },
	{ "another name of the server", other_name, JIT_OK, "" },
	{ "in its last second", last_second, JIT_OK, "" },
	{ "a clock that is fast", fast_clock, JIT_OK, "" },
	{ "another log", other_log, JIT_E_LOGNAME, "log: " },
	{ "a log with more", longer_log, JIT_E_LOGNAME, "log: " },
	{ "another server", other_server, JIT_E_LOGNAME, "server: " },
	{ "another port", other_port, JIT_E_LOGNAME, "server: " },
	{ "more before the server", server_before, JIT_E_LOGNAME, "server: " },
	{ "more behind the server", server_behind, JIT_E_LOGNAME, "server: " },
	{ "another TLS key", other_tls, JIT_E_LOGNAME, "tls: " },
	{ "expired", over, JIT_E_CLOCK, "accepted are 60 seconds" },
	{ "of yesterday", long_over, JIT_E_CLOCK, "here it is" },
	{ "from the future", from_the_future, JIT_E_CLOCK, "here it is" },
	{ "signed as a request", other_namespace, JIT_E_NAMESPACE,
	    "accepted is \"login.v1@jit-cert\"" },
	{ "signed as a file", no_namespace_of_ours, JIT_E_NAMESPACE, "file" },
};

static void
login_row(void **state)
{
	const struct login_row *r = *state;
	JIT_DONE(attempt_done) struct attempt a = attempt();
	struct jit_why why = { 0 };

	r->change(&a);
	attempt_make(&a);
	JT_WHY(check(&a, &why), r->want, &why);
	if (strstr(why.msg, r->says) == NULL)
		fail_msg("said: %s", why.msg);
}

/*
 * Whether a person exists must not be told: one error, the same words, and
 * one signature verified, each time.
 */
struct enumeration { const char *name, *person; enum world_key key; bool bad; };

static const struct enumeration enumerations[] = {
	{ "another's key", "alice", K_BOB, false },
	{ "a key of nobody", "alice", K_CA, false },
	{ "a host's key", "alice", K_HOST, false },
	{ "a bad signature", "alice", K_ALICE, true },
	{ "another's key, badly", "alice", K_BOB, true },
	{ "a key of nobody, badly", "alice", K_CA, true },
	{ "no such person", "zoe", K_ALICE, false },
	{ "no such person, a key of nobody", "zoe", K_CA, false },
	{ "no such person, badly", "zoe", K_ALICE, true },
	{ "no such person, a key of nobody, badly", "zoe", K_CA, true },
	{ "a host for a person", "db1", K_HOST, false },
	{ "an admin", "dana", K_ALICE, false },
	{ "one who left", "ivy", K_EVE, false },
};

static void
enumeration(void **state)
{
	const struct enumeration *r = *state;
	JIT_DONE(attempt_done) struct attempt a = attempt();
	struct jit_why why = { 0 };

	a.l.person = span_str(r->person);
	a.key = r->key;
	attempt_make(&a);
	if (r->bad)
		a.sig.p[a.sig.n - 1] ^= 1;
	JT_WHY(check(&a, &why), JIT_E_LOGIN, &why);
	assert_string_equal(why.msg, "no person of that name with that key is "
	    "enrolled, or the signature does not match the text");
	assert_int_equal(verified, 1);
}

/* A good one is verified once, too. */
static void
one_verification(void **state)
{
	JIT_DONE(attempt_done) struct attempt a = attempt();

	(void)state;
	attempt_make(&a);
	JT_OK(check(&a, NULL));
	assert_int_equal(verified, 1);
}

static void
other_bytes(void **state)
{
	JIT_DONE(attempt_done) struct attempt a = attempt();
	JIT_DONE(attempt_done) struct attempt more = attempt();
	JIT_DONE(wr_done) struct wr t = WR_INIT(SSHSIG_MAX);

	(void)state;
	attempt_make(&a);
	/* Trailing bytes: of the signature, of the text. */
	wr_span(&t, BUF_SPAN(a.sig));
	wr_u8(&t, 0);
	JT_OK(buf_copy(&more.text, BUF_SPAN(a.text)));
	JT_OK(wr_take(&t, &more.sig));
	JT_ERR(check(&more, NULL), JIT_E_FORMAT);
	attempt_done(&more);
	wr_span(&t, BUF_SPAN(a.text));
	wr_u8(&t, '\n');
	JT_OK(wr_take(&t, &more.text));
	JT_OK(buf_copy(&more.sig, BUF_SPAN(a.sig)));
	JT_ERR(check(&more, NULL), JIT_E_FORMAT);
	/* No signature; no text; the signature of another text. */
	buf_done(&more.sig);
	JT_ERR(check(&more, NULL), JIT_E_FORMAT);
	attempt_done(&more);
	JT_OK(buf_copy(&more.sig, BUF_SPAN(a.sig)));
	JT_ERR(check(&more, NULL), JIT_E_FORMAT);
	attempt_done(&more);
	more.l.nonce = span_str("other");
	attempt_make(&more);
	buf_done(&more.sig);
	JT_OK(buf_copy(&more.sig, BUF_SPAN(a.sig)));
	JT_ERR(check(&more, NULL), JIT_E_LOGIN);
}

/* Signed by dan's certificate's key as a certificate. */
static void
certificate_as_key(void **state)
{
	JIT_DONE(attempt_done) struct attempt a = attempt();
	JIT_DONE(wr_done) struct wr s = WR_INIT(SSHSIG_MAX), cert =
	    WR_INIT(4096);
	struct jit_why why = { 0 };
	struct rd r;

	(void)state;
	attempt_make(&a);
	wr_cstring(&cert, "ssh-ed25519-cert-v01@openssh.com");
	wr_string(&cert, span_str("nonce"));
	wr_string(&cert, SPAN(tls.b, 32));
	r = rd_of(BUF_SPAN(a.sig));
	wr_span(&s, rd_raw(&r, 10));
	(void)rd_string(&r, SSH_BLOB_MAX);
	wr_string(&s, wr_view(&cert));
	wr_raw(&s, r.p, r.n);
	buf_done(&a.sig);
	JT_OK(wr_take(&s, &a.sig));
	JT_WHY(check(&a, &why), JIT_E_KEYTYPE, &why);
	assert_int_equal(verified, 0);
}

struct change { struct attempt a; struct span good; bool text; };

static void
never(void *arg, struct span s)
{
	struct change *c = arg;
	struct login_here h = here();
	struct digest key;
	struct span person = SPAN_NONE;

	assert_int_not_equal(login_check(w.policy, &h, c->text ? s :
	    BUF_SPAN(c->a.text), c->text ? BUF_SPAN(c->a.sig) : s, c->a.now,
	    &person, &key, NULL), JIT_OK);
	assert_null(person.p);
}

static void
flips(void **state)
{
	struct change c = { .a = attempt() };

	(void)state;
	attempt_make(&c.a);
	JT_OK(check(&c.a, NULL));
	jt_flip_truncate(BUF_SPAN(c.a.sig), never, &c);
	c.text = true;
	jt_flip_truncate(BUF_SPAN(c.a.text), never, &c);
	attempt_done(&c.a);
}

/* ---- security keys ---- */

static void
put_sk_key(struct wr *out)
{
	struct span pub = ssh_key_blob(key_of(K_DAN));

	wr_cstring(out, "sk-ssh-ed25519@openssh.com");
	wr_string(out, SPAN(pub.p + pub.n - 32, 32));
	wr_cstring(out, "ssh:");
}

/* What a security key with dan's key in it would sign (PROTOCOL.u2f). */
static struct buf
sk_sign(struct span text, const struct ssh_key *k, uint8_t flags)
{
	JIT_DONE(wr_done) struct wr tbs = WR_INIT(1000), data = WR_INIT(1000),
	    raw = WR_INIT(1000), sig = WR_INIT(1000), out =
	    WR_INIT(SSHSIG_MAX);
	struct digest app, message;
	struct buf ret = { NULL, 0 };

	JT_OK(sshsig_put_tbs(&tbs, NS_LOGIN, text));
	JT_OK(digest_sha256(span_str("ssh:"), &app));
	JT_OK(digest_sha256(wr_view(&tbs), &message));
	wr_span(&data, DIGEST_SPAN(app));
	wr_u8(&data, flags);
	wr_u32(&data, 7);
	wr_span(&data, DIGEST_SPAN(message));
	JT_OK(ssh_priv_sign(w.key[K_DAN], wr_view(&data), &raw));
	wr_cstring(&sig, "sk-ssh-ed25519@openssh.com");
	wr_string(&sig, SPAN(raw.p + raw.n - 64, 64));
	wr_u8(&sig, flags);
	wr_u32(&sig, 7);
	sshsig_put(&out, k, NS_LOGIN, wr_view(&sig));
	JT_OK(wr_take(&out, &ret));
	return ret;
}

/* Reading asks for no touch: a script may look, and not act. */
static void
security_key(void **state)
{
	static const uint8_t flags[] = { 0, SSH_SK_UP, SSH_SK_UV,
	    SSH_SK_UP | SSH_SK_UV };
	JIT_DONE(wr_done) struct wr blob = WR_INIT(1000), t = WR_INIT(4000);
	JIT_SCOPED(ssh_key_free) struct ssh_key *k = NULL;

	(void)state;
	put_sk_key(&blob);
	JT_OK(ssh_key_parse(wr_view(&blob), &k, NULL));
	world_without(&w, BLOCK_PERSON, "dan");
	wr_str(&t, "jit-cert person v1\nname: dan\ngroup: sre\nkey: ");
	ssh_key_put_line(&t, k, NULL);
	wr_raw(&t, "\n", 2);
	world_add(&w, (char *)t.p);
	for (size_t i = 0; i < sizeof(flags); i++) {
		JIT_DONE(attempt_done) struct attempt a = attempt();
		struct login_here h = here();
		struct digest key, want = digest_of(k);
		struct span person;

		a.l.person = span_str("dan");
		attempt_make(&a);
		buf_done(&a.sig);
		a.sig = sk_sign(BUF_SPAN(a.text), k, flags[i]);
		JT_OK(login_check(w.policy, &h, BUF_SPAN(a.text), BUF_SPAN(
		    a.sig), a.now, &person, &key, NULL));
		assert_true(digest_eq(&key, &want));
		/* Not by the same point as a plain key. */
		buf_done(&a.sig);
		a.sig = world_sign(&w, K_DAN, NS_LOGIN, BUF_SPAN(a.text));
		JT_ERR(check(&a, NULL), JIT_E_LOGIN);
	}
}

int
main(void)
{
	int failed;

	set_up();
	failed = JT_ROWS("reads", matrix, people) +
	    JT_ROWS("roles", names_of_roles, people) +
	    jt_one("sees nothing", sees_nothing) +
	    jt_one("no roles", no_roles) + JT_ROWS("alias", alias, aliases) +
	    jt_one("gone", gone) + jt_one("locked out", locked_out) +
	    jt_one("whoever may end it sees it", who_ends_sees) +
	    jt_one("a log-in of who is locked out", login_locked) +
	    JT_ROWS("log-in", login_row, logins) +
	    JT_ROWS("enumeration", enumeration, enumerations) +
	    jt_one("one verification", one_verification) +
	    jt_one("other bytes", other_bytes) +
	    jt_one("a certificate as key", certificate_as_key) +
	    jt_one("flips", flips) + jt_one("a security key", security_key);
	world_done(&w);
	return failed;
}
