/*
 * policy_yaml: the example that we ship, and one change a row.  A message
 * says the place, what was found and what is accepted.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "ca/grant/policy_yaml.h"
#include "tests/lib/jt.h"

static struct buf example;

struct row {
	const char *name, *find, *put;
	const char *says;	/* NULL: valid */
};

static const struct row rows[] = {
	{ "as it is shipped", "policy: v1", "policy: v1", NULL },
	{ "rsa-min", "policy: v1", "rsa-min: 2048\npolicy: v1", NULL },
	{ "another version", "policy: v1", "policy: v2",
	    "p.yaml:12:9: accepted is v1" },
	{ "an unknown key", "admins:\n", "admin:\n", "p.yaml:16:1: " },
	{ "a reserved section", "policy: v1", "teams: {}\npolicy: v1",
	    "p.yaml:12:1: " },
	{ "no log", "log: jit.example.com\n", "", "log" },
	{ "a log's name with a plus", "jit.example.com\n", "jit+1\n", "log" },
	{ "rsa-min too low", "policy: v1", "rsa-min: 1024\npolicy: v1",
	    "p.yaml:12:10: " },
	{ "upper case (case 6)", "  alice:", "  Alice:", "p.yaml:23:3: name" },
	{ "a group that nobody is in", "of: [admins]", "of: [admin]",
	    "p.yaml:18:8: no person is in group \"admin\"" },
	{ "too few admins", "need: 1\n  of: [adm", "need: 2\n  of: [adm",
	    "only 1 are enrolled" },
	{ "a group twice", "groups: [dev, sre]", "groups: [sre, sre]",
	    "stands twice" },
	{ "no key", "    keys:\n      - ", "    keys: []\n    #", "empty" },
	{ "no such host", "[db1]", "[db2]", "there is no host \"db2\"" },
	{ "no host groups", "host-groups:\n  prod-db: [db1]\n"
	    "  prod-web: [web1]\n", "", "there is no host group \"prod-db\"" },
	{ "no such host group", "host-groups: [prod-db]",
	    "host-groups: [prod-dc]", "there is no host group" },
	{ "a dot in a host group's name", "  prod-web: [web1]",
	    "  prod.web: [web1]", "a dot is not accepted" },
	{ "an address that is an option", "address: db1.example.com",
	    "address: -oProxyCommand=x", "address" },
	{ "an address with a line feed", "address: db1.example.com",
	    "address: \"a\\nb\"", "p.yaml:" },
	{ "a port", "port: 22", "port: 65536", "p.yaml:" },
	{ "an option that there is not", "permit-pty", "permit-root",
	    "permit-root" },
	{ "a flag with a value", "[permit-pty]", "[permit-pty=yes]",
	    "takes no value" },
	{ "one option twice", "[permit-pty]",
	    "[force-command=a, force-command=b]", "stands twice" },
	{ "a source address with host bits", "[permit-pty]",
	    "[source-address=10.0.0.1/8]", "host bits" },
	{ "max of no unit", "max: 4h", "max: 240", "p.yaml:" },
	{ "max over horizon", "max: 4h", "max: 2d", "longer than horizon" },
	{ "skew over a minute", "skew: 30s", "skew: 2m", "p.yaml:" },
	{ "a back-reference", "^INC-[0-9]+ ", "(a)\\\\1", "back-reference" },
	{ "a broken pattern", "^INC-[0-9]+ ", "^INC-[", "POSIX" },
	{ "a proof that is not built", "proofs: [sshsig]", "proofs: [session]",
	    "not built" },
	{ "a proof that there is not", "proofs: [sshsig]", "proofs: [sms]",
	    "accepted are sshsig" },
	{ "need 0", "need: 2", "need: 0", "p.yaml:" },
	{ "need missing", "need: 2, ", "", "need" },
	{ "not a list", "of: [dev, sre]", "of: dev", "p.yaml:" },
	{ "a principal list that is not", "accounts: [dba]",
	    "accounts: [\"*\"]", "p.yaml:" },
	{ "a comma in an account (case 25)", "accounts: [dba]",
	    "accounts: [\"root,dba\"]", "p.yaml:" },
	{ "a certificate as key (case 27)", "ssh-ed25519 AAAAC3",
	    "ssh-ed25519-cert-v01@openssh.com AAAAC3", "p.yaml:" },
};

/* The last role of the example, for X.509: see AT(). */
static const char x509_role[] =
    "  pg:\n"					/* 1 */
    "    kind: x509\n"				/* 2 */
    "    profile: postgresql\n"			/* 3 */
    "    subject: { cn: \"{person}\", o: [b, a] }\n"	/* 4 */
    "    sans: [\"email:{person}@x.com\"]\n"	/* 5 */
    "    revocation: expiry\n"			/* 6 */
    "    max: 1h\n    horizon: 1d\n"
    "    request: { of: [sre], proofs: [sshsig] }\n"
    "    approve: { need: 1, of: [sre], proofs: [sshsig] }\n";

/* says is behind "p.yaml:<line of the role>"; AT(line, column). */
#define AT(line, col) "@" #line ":" col
static const struct row x509_rows[] = {
	{ "as it is", "kind: x509", "kind: x509", NULL },
	{ "no O", ", o: [b, a]", "", NULL },
	{ "an empty list of O", "[b, a]", "[]", NULL },
	{ "no SAN", "    sans: [\"email:{person}@x.com\"]\n", "", NULL },
	{ "a fixed CN", "\"{person}\"", "app", NULL },
	{ "the person in CN, O and SANs", "[b, a]", "[b, \"{person}-x\"]",
	    NULL },
	{ "the person twice in one", "cn: \"{person}\"",
	    "cn: \"{person}.{person}\"", NULL },
	{ "a CRL", "expiry", "http://ca.example.com/crl", NULL },
	{ "an unknown kind", "kind: x509", "kind: x510",
	    AT(2, "11: kind: accepted is ssh-user or x509") },
	{ "a kind that is a list", "kind: x509", "kind: [x509]",
	    AT(2, "11: ") },
	{ "the SSH kind", "kind: x509", "kind: ssh-user", AT(3, "5: ") },
	{ "accounts as well", "    profile", "    accounts: [dba]\n    profile",
	    AT(3, "5: ") },
	{ "host groups as well", "    profile",
	    "    host-groups: [prod-db]\n    profile", AT(3, "5: ") },
	{ "options as well", "    profile",
	    "    options: [permit-pty]\n    profile", AT(3, "5: ") },
	{ "an unknown member", "revocation:", "revokation:", AT(6, "5: ") },
	{ "no profile", "    profile: postgresql\n", "", "profile" },
	{ "an unknown profile", "postgresql", "oracle",
	    AT(3, "14: no such profile; accepted are client postgresql") },
	{ "a profile that is a list", "postgresql", "[redis]",
	    AT(3, "14: ") },
	{ "no subject", "    subject: { cn: \"{person}\", o: [b, a] }\n", "",
	    "subject" },
	{ "a subject that is no map", "{ cn: \"{person}\", o: [b, a] }",
	    "alice", AT(4, "14: ") },
	{ "an unknown part of it", "o: [b, a]", "ou: [b, a]", AT(4, "32: ") },
	{ "no cn", "cn: \"{person}\", ", "", "cn" },
	{ "a cn that is a list", "cn: \"{person}\"", "cn: [a]",
	    AT(4, "20: ") },
	{ "an empty cn", "\"{person}\", o", "\"\", o", AT(4, "20: ") },
	{ "a cn with an umlaut", "\"{person}\", o", "\"\xc3\xa4\", o",
	    AT(4, "20: ") },
	{ "a cn with a space", "\"{person}\", o", "\"a b\", o",
	    AT(4, "14: ") },
	{ "a cn with a comma (case 45)", "\"{person}\", o", "\"a,O=b\", o",
	    AT(4, "14: ") },
	{ "a cn with a line feed", "\"{person}\", o", "\"a\\nb\", o",
	    AT(4, "20: ") },
	{ "another word in braces", "cn: \"{person}\"", "cn: \"{role}\"",
	    AT(4, "14: ") },
	{ "an o that is no list", "[b, a]", "a", AT(4, "35: ") },
	{ "an o twice", "[b, a]", "[a, a]", AT(4, "35: an o stands twice") },
	{ "nine o", "[b, a]", "[a, b, c, d, e, f, g, h, i]", AT(4, "35: ") },
	{ "an o that is a map", "[b, a]", "[{ a: b }]", AT(4, "36: ") },
	{ "an o with a space", "[b, a]", "[\"b c\"]", AT(4, "14: ") },
	{ "sans that are no list", "[\"email:{person}@x.com\"]", "email",
	    AT(5, "11: ") },
	{ "a san of no kind", "email:", "x400:", AT(5, "11: ") },
	{ "a san that the profile has not", "email:{person}@x.com",
	    "DNS:db1.example.com", AT(5, "11: ") },
	{ "a san twice", "[\"email:{person}@x.com\"]",
	    "[\"URI:x:a\", \"URI:x:a\"]", AT(5, "23: this san stands twice") },
	{ "a san that is one with a name", "[\"email:{person}@x.com\"]",
	    "[\"URI:x:a\", \"URI:x:{person}\"]", AT(5, "11: ") },
	{ "an empty san", "email:{person}@x.com", "", AT(5, "12: ") },
	{ "a server without a name", "postgresql", "server", AT(5, "11: ") },
	{ "no revocation", "    revocation: expiry\n", "", "revocation" },
	{ "a revocation that is a list", "expiry", "[expiry]",
	    AT(6, "17: ") },
	{ "a word for it", "expiry", "never",
	    AT(6, "17: revocation: accepted is \"expiry\"") },
	{ "a CRL of ldap", "expiry", "ldap://x/y", AT(6, "17: ") },
	{ "a CRL with a space", "expiry", "\"http://x/a b\"",
	    AT(6, "17: ") },
	{ "x509 members in a role for SSH", "    kind: x509\n", "",
	    AT(2, "5: ") },
};

/* What is changed: the example, or that with the role. */
static struct buf text;

/* Where find is: in the role, where there is one, else anywhere. */
static const uint8_t *
find_in(const char *find)
{
	const uint8_t *at = memmem(text.p + example.n, text.n - example.n,
	    find, strlen(find));

	return at != NULL ? at : memmem(text.p, text.n, find, strlen(find));
}

/* The example with the first find replaced by put. */
static struct buf
changed(const struct row *r)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(1u << 20);
	const uint8_t *at = find_in(r->find);
	struct buf b = { NULL, 0 };
	size_t n;

	assert_non_null(at);
	n = (size_t)(at - text.p);
	wr_raw(&w, text.p, n);
	wr_str(&w, r->put);
	wr_raw(&w, at + strlen(r->find), text.n - n - strlen(r->find));
	JT_OK(wr_take(&w, &b));
	return b;
}

/* Where says is: "@4:20: " counts lines from the role's first. */
static void
check_says(const char *says, const char *msg)
{
	char want[256];
	int first = 1, line = 0, n = 0;

	(void)snprintf(want, sizeof(want), "%s", says);
	if (says[0] == '@') {
		for (size_t i = 0; i < example.n; i++)
			first += example.p[i] == '\n';
		assert_int_equal(sscanf(says, "@%d%n", &line, &n), 1);
		(void)snprintf(want, sizeof(want), "p.yaml:%d%s",
		    first + line - 1, says + n);
	}
	if (strstr(msg, want) != NULL)
		return;
	print_error("it says: %s\nwanted: %s\n", msg, want);
	fail();
}

static void
row(void **state)
{
	const struct row *r = *state;
	JIT_DONE(buf_done) struct buf b = changed(r);
	JIT_SCOPED(policy_free) struct policy *p = NULL;
	struct jit_why why = { 0 };
	enum jit_err e = policy_from_yaml("p.yaml", BUF_SPAN(b), &p, &why);

	if (r->says == NULL) {
		JT_WHY(e, JIT_OK, &why);
		JT_OK(policy_check(p, NULL));
		return;
	}
	JT_WHY(e, JIT_E_POLICY, &why);
	check_says(r->says, why.msg);
	assert_int_equal(strncmp(why.msg, "p.yaml:", 7), 0);
}

/* Blocks do not depend on the order in which the file is written. */
static void
one_meaning(void **state)
{
	JIT_SCOPED(policy_free) struct policy *p = NULL, *q = NULL;
	const struct row swap = { "", "groups: [dev, sre]",
	    "groups: [sre, dev]", NULL };
	JIT_DONE(buf_done) struct buf b = changed(&swap);
	struct digest d1, d2;

	(void)state;
	JT_OK(policy_from_yaml("p", BUF_SPAN(example), &p, NULL));
	JT_OK(policy_from_yaml("p", BUF_SPAN(b), &q, NULL));
	JT_OK(policy_digest(p, &d1));
	JT_OK(policy_digest(q, &d2));
	assert_true(digest_eq(&d1, &d2));
}

/* The policies of the other examples: some open no host at all. */
static void
examples(void **state)
{
	static const char *const names[] = { "kubernetes", "mariadb", "nginx",
	    "postgresql", "redis", "vnc" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		JIT_SCOPED(policy_free) struct policy *p = NULL;
		struct jit_why why = { 0 };
		char path[64];
		struct buf b;

		(void)snprintf(path, sizeof(path),
		    "pki-examples/%s/policy.yaml", names[i]);
		b = jt_file(jt_source(path));
		JT_WHY(policy_from_yaml(path, BUF_SPAN(b), &p, &why), JIT_OK,
		    &why);
		buf_done(&b);
	}
}

static void
try_it(void *arg, struct span s)
{
	JIT_SCOPED(policy_free) struct policy *p = NULL;

	(void)arg;
	if (policy_from_yaml("p", s, &p, NULL) == JIT_OK)
		JT_OK(policy_check(p, NULL));
}

static void
flipped(void **state)
{
	(void)state;
	jt_flip_truncate(BUF_SPAN(example), try_it, NULL);
}

static struct buf
with_role(void)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(1u << 20);
	struct buf b = { NULL, 0 };

	wr_span(&w, BUF_SPAN(example));
	wr_str(&w, x509_role);
	JT_OK(wr_take(&w, &b));
	return b;
}

static void
x509_flipped(void **state)
{
	(void)state;
	jt_flip_truncate_max(BUF_SPAN(text), 3000, try_it, NULL);
}

int
main(void)
{
	int bad;

	example = jt_file(jt_source("pki-examples/policy/small-team.yaml"));
	text = example;
	bad = JT_ROWS("rows", row, rows) +
	    jt_one("one meaning", one_meaning) +
	    jt_one("examples", examples) +
	    jt_one("flipped", flipped);
	text = with_role();
	bad += JT_ROWS("x509 rows", row, x509_rows) +
	    jt_one("x509 flipped", x509_flipped);
	buf_done(&text);
	buf_done(&example);
	return bad;
}
