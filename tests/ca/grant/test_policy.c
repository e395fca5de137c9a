/*
 * policy: blocks of x509 roles, each line wrong; and what such a role makes
 * of the person who asks.  (YAML and its places: test_policy_yaml.c.)
 */
#define _GNU_SOURCE
#include <string.h>

#include "tests/lib/world.h"

static const char x509_role[] =
    "jit-cert role v1\nname: pg\nkind: x509\nprofile: client\n"
    "subject: CN={person}\nsubject: O=app\nsan: email:{person}@x.com\n"
    "crl: -\nmax: 8h\nhorizon: 1d\nskew: -\nreason: optional\n"
    "reason-pattern: -\nrequest-of: sre\nrequest-proof: sshsig\nneed: 1\n"
    "approve-of: sre\napprove-proof: sshsig\n";

struct row {
	const char *name, *find, *put;
	enum jit_err want;		/* of the block */
	enum jit_err whole;		/* of the policy with it */
};

#define NO(name, find, put, want) { name, find, put, want, JIT_OK }
static const struct row rows[] = {
	{ "as it is", "pg", "pg", JIT_OK, JIT_OK },
	{ "a CRL", "crl: -", "crl: https://x.com/crl", JIT_OK, JIT_OK },
	{ "no SAN", "san: email:{person}@x.com\n", "", JIT_OK, JIT_OK },
	NO("another kind", "kind: x509", "kind: x510", JIT_E_FORMAT),
	NO("the kind that goes without saying", "kind: x509",
	    "kind: ssh-user", JIT_E_FORMAT),
	NO("x509 without its kind", "kind: x509\n", "", JIT_E_FORMAT),
	NO("the kind behind the profile", "kind: x509\nprofile: client\n",
	    "profile: client\nkind: x509\n", JIT_E_FORMAT),
	NO("an account", "profile:", "account: dba\nprofile:",
	    JIT_E_FORMAT),
	NO("an account before it", "kind:", "account: dba\nkind:",
	    JIT_E_FORMAT),
	NO("a host group", "max:", "host-group: prod-db\nmax:",
	    JIT_E_FORMAT),
	NO("an option", "max:", "option: permit-pty\nmax:", JIT_E_FORMAT),
	NO("no profile", "profile: client\n", "", JIT_E_FORMAT),
	NO("an unknown profile", "client", "oracle", JIT_E_FORMAT),
	NO("no subject", "subject: CN={person}\nsubject: O=app\n", "",
	    JIT_E_FORMAT),
	NO("subject not sorted", "subject: CN={person}\nsubject: O=app\n",
	    "subject: O=app\nsubject: CN={person}\n", JIT_E_CANON),
	NO("a subject twice", "subject: O=app\n",
	    "subject: O=app\nsubject: O=app\n", JIT_E_CANON),
	NO("sans not sorted", "san: email", "san: x:b\nsan: email",
	    JIT_E_CANON),
	NO("no crl", "crl: -\n", "", JIT_E_FORMAT),
	NO("a crl of ldap", "crl: -", "crl: ldap://x.com/crl",
	    JIT_E_FORMAT),
	NO("a crl with a comma", "crl: -", "crl: http://x.com/a,b",
	    JIT_E_FORMAT),
	{ "no CN", "subject: CN={person}\n", "", JIT_OK, JIT_E_POLICY },
	{ "two CN", "subject: O", "subject: CN=~\nsubject: O", JIT_OK,
	    JIT_E_POLICY },
	{ "an OU", "O=app", "OU=app", JIT_OK, JIT_E_POLICY },
	{ "a comma in the CN (case 45)", "CN={person}", "CN={person},O=x",
	    JIT_OK, JIT_E_POLICY },
	{ "another word in braces", "CN={person}", "CN={role}", JIT_OK,
	    JIT_E_POLICY },
	{ "a SAN of no kind", "email:", "mail:", JIT_OK, JIT_E_POLICY },
	{ "a SAN that the profile has not", "email:{person}@x.com",
	    "DNS:{person}.x.com", JIT_OK, JIT_E_POLICY },
	{ "a server without a name", "client", "server", JIT_OK,
	    JIT_E_POLICY },
	{ "a group that nobody is in", "request-of: sre", "request-of: none",
	    JIT_OK, JIT_E_POLICY },
};

static struct buf
changed(const char *find, const char *put)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(8192);
	const char *at = strstr(x509_role, find);
	struct buf b = { NULL, 0 };

	assert_non_null(at);
	wr_raw(&w, x509_role, (size_t)(at - x509_role));
	wr_str(&w, put);
	wr_str(&w, at + strlen(find));
	JT_OK(wr_take(&w, &b));
	return b;
}

static void
row(void **state)
{
	const struct row *r = *state;
	JIT_DONE(buf_done) struct buf text = changed(r->find, r->put);
	struct jit_why why = { 0 };
	struct block *b = NULL;
	struct world w;

	JT_WHY(block_parse(BUF_SPAN(text), &b, &why), r->want, &why);
	if (r->want != JIT_OK) {
		assert_true(why.msg[0] != '\0');
		return;
	}
	world_init(&w);
	JT_OK(policy_add(w.policy, b, NULL));
	JT_WHY(policy_check(w.policy, &why), r->whole, &why);
	assert_true(r->whole == JIT_OK ||
	    strstr(why.msg, "role \"pg\"") != NULL);
	world_done(&w);
}

/* ---- what it makes of a person ---- */

struct fill_row {
	const char *name, *find, *put, *person;
	enum jit_err want;
	const char *subject[3], *san;	/* but the id's own */
};

#define N32 "abcdefghijklmnopqrstuvwxyz012345"
static const struct fill_row fills[] = {
	{ "as it is", "pg", "pg", "alice", JIT_OK, { "CN=alice", "O=app" },
	    "email:alice@x.com" },
	{ "the longest name", "pg", "pg", N32, JIT_OK, { "CN=" N32, "O=app" },
	    "email:" N32 "@x.com" },
	{ "twice in one", "CN={person}", "CN={person}{person}", N32, JIT_OK,
	    { "CN=" N32 N32, "O=app" }, "email:" N32 "@x.com" },
	{ "twice, and too long", "CN={person}", "CN={person}.{person}", N32,
	    JIT_E_FORMAT, { NULL }, NULL },
	{ "too long an O", "O=app", "O={person}.{person}", N32, JIT_E_FORMAT,
	    { NULL }, NULL },
	{ "too long a SAN", "email:{person}@x.com",
	    "URI:x:{person}{person}{person}{person}{person}{person}{person}"
	    "{person}", N32, JIT_E_FORMAT, { NULL }, NULL },
	{ "a name that no mail has", "pg", "pg", "a..b", JIT_E_FORMAT,
	    { NULL }, NULL },
	{ "an underscore in the CN", "pg", "pg", "a_b", JIT_OK,
	    { "CN=a_b", "O=app" }, "email:a_b@x.com" },
	{ "sorts before the others", "subject: O=app\n",
	    "subject: O=m\nsubject: O={person}\n", "alice", JIT_OK,
	    { "CN=alice", "O=alice", "O=m" }, "email:alice@x.com" },
	{ "sorts behind the others", "subject: O=app\n",
	    "subject: O=m\nsubject: O={person}\n", "zoe", JIT_OK,
	    { "CN=zoe", "O=m", "O=zoe" }, "email:zoe@x.com" },
	{ "is one of the others", "subject: O=app\n",
	    "subject: O=m\nsubject: O={person}\n", "m", JIT_E_FORMAT,
	    { NULL }, NULL },
	{ "no braces to be seen", "O=app", "O=person", "alice", JIT_OK,
	    { "CN=alice", "O=person" }, "email:alice@x.com" },
};

static void
fill_row(void **state)
{
	const struct fill_row *r = *state;
	JIT_DONE(buf_done) struct buf text = changed(r->find, r->put);
	JIT_SCOPED(policy_free) struct policy *p = NULL;
	JIT_DONE(wr_done) struct wr w = WR_INIT(8192);
	struct request q = { .requester = span_str(r->person),
	    .id = { "01JDE0V5Y8M3T1K3ZJ6X4N9Q2B" } };
	struct request_store store;
	struct jit_why why = { 0 };
	struct block *b = NULL;
	char own[REQUEST_SAN_TEXT];
	size_t n = 0;

	JT_WHY(block_parse(BUF_SPAN(text), &b, &why), JIT_OK, &why);
	JT_OK(policy_new(&p));
	JT_OK(policy_add(p, b, NULL));
	JT_WHY(policy_fill_request(p, span_str("pg"), &q, &store, &why),
	    r->want, &why);
	if (r->want != JIT_OK) {
		assert_true(why.msg[0] != '\0');
		return;
	}
	for (; n < 3 && r->subject[n] != NULL; n++)
		assert_true(n < q.n_subject &&
		    span_eq_str(q.subject[n], r->subject[n]));
	assert_int_equal(q.n_subject, n);
	request_san(&q.id, own);
	assert_true(q.n_sans == 2 && span_eq_str(q.sans[0], own) &&
	    span_eq_str(q.sans[1], r->san));
	assert_true(q.kind == KIND_X509 && q.n_principals == 0 &&
	    q.crl.n == 0);
}

/* Who is locked is no approver, and comes back. */
static void
locked(void **state)
{
	const struct span bob = span_str("bob");
	const struct role *role;
	struct world w;

	(void)state;
	world_init(&w);
	role = policy_role(w.policy, span_str("prod-db"));
	assert_int_equal(policy_count_approvers(w.policy, role,
	    span_str("alice")), 3);
	policy_set_locked(w.policy, &bob, 1);
	assert_true(policy_is_locked(w.policy, bob) &&
	    !policy_is_locked(w.policy, span_str("bo")) &&
	    !policy_is_locked(w.policy, span_str("alice")));
	assert_int_equal(policy_count_approvers(w.policy, role,
	    span_str("alice")), 2);
	assert_int_equal(policy_count_approvers(w.policy, role, bob), 3);
	policy_set_locked(w.policy, NULL, 0);
	assert_false(policy_is_locked(w.policy, bob));
	assert_true(policy_is_admin(w.policy, policy_person(w.policy,
	    span_str("dana"))));
	assert_false(policy_is_admin(w.policy, policy_person(w.policy,
	    bob)));
	world_done(&w);
}

static void
try_block(void *arg, struct span s)
{
	JIT_SCOPED(block_free) struct block *b = NULL;

	(void)arg;
	if (block_parse(s, &b, NULL) == JIT_OK)
		assert_true(span_eq(BUF_SPAN(b->bytes), s));
}

static void
flipped(void **state)
{
	(void)state;
	jt_flip_truncate(span_str(x509_role), try_block, NULL);
}

int
main(void)
{
	return JT_ROWS("x509 roles", row, rows) +
	    JT_ROWS("what it makes of a person", fill_row, fills) +
	    jt_one("locked", locked) + jt_one("flipped", flipped);
}
