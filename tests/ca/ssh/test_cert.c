/*
 * cert: what ours say is what ssh-keygen reads, and the other way round;
 * every rule of cert.h broken once on both ways (cases 17, 24 to 27, 29, 34,
 * 35, 38).
 */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/ssh/cert.h"
#include "tests/ca/ssh/keygen.h"
#include "tests/lib/run.h"

#define FROM ((utc_s)1795471200)	/* 2026-11-23T22:00:00Z */
#define UNTIL (FROM + 2700)
static const uint8_t nonce[32] = "thirty-two bytes of a fixed non";

struct made { const char *name; enum ssh_type type; unsigned bits; };
static const struct made made[] = {
	{ "ed25519", SSH_ED25519, 0 },
	{ "ecdsa-256", SSH_ECDSA_P256, 0 },
	{ "ecdsa-384", SSH_ECDSA_P384, 0 },
	{ "ecdsa-521", SSH_ECDSA_P521, 0 },
	{ "rsa-3072", SSH_RSA, 3072 },
};
#define MADE (sizeof(made) / sizeof(made[0]))
static struct ssh_priv *priv[MADE];
#define CA (priv[0])
#define SUBJECT ssh_priv_public(priv[1])

/* What is to be certified, with room to change it. */
struct say {
	struct ssh_cert_fields f;
	struct span principals[300];
	struct ssh_opt opts[20];
	char many[300][8];
	uint8_t longer[512];
};

static void
opt(struct say *s, const char *name, const char *value)
{
	s->opts[s->f.n_opts++] = (struct ssh_opt){ span_str(name),
	    value != NULL ? span_str(value) : SPAN_NONE };
}

static void
say(struct say *s)
{
	memset(s, 0, sizeof(*s));
	s->f = (struct ssh_cert_fields){ .serial = 7, .type = SSH_CERT_USER,
	    .key_id = span_str("alice:01JDE0V5Y8M3T1K3ZJ6X4N9Q2B:a-b_c"),
	    .principals = s->principals, .n_principals = 2,
	    .after = FROM, .before = UNTIL, .opts = s->opts };
	s->principals[0] = span_str("dba.prod-db");
	s->principals[1] = span_str("Root_1");
	opt(s, "permit-pty", NULL);
	opt(s, "force-command", "/bin/true -x");
	opt(s, "permit-X11-forwarding", NULL);
	opt(s, "source-address", "10.0.0.0/8,2001:db8::/32");
}

/* ssh-keygen -L of a certificate, which verifies its signature too. */
static int
keygen_lists(struct span blob, struct buf *out)
{
	JIT_DONE(wr_done) struct wr line = WR_INIT(4 * SSH_CERT_MAX);

	ssh_cert_put_line(&line, blob, "x");
	jt_write(kg_tmp("ours-cert.pub"), wr_view(&line));
	return kg_run(SPAN_NONE, out, "-L", "-f", kg_tmp("ours-cert.pub"),
	    (char *)NULL);
}

/* Each after the one before it. */
static void
holds_in_order(const struct buf *out, const char *const *want)
{
	const char *at = (const char *)out->p;

	for (; *want != NULL; want++) {
		const char *hit = strstr(at, *want);

		if (hit == NULL)
			fail_msg("no \"%s\" in:\n%s", *want, at);
		else
			at = hit + strlen(*want);
	}
}

/* ---- ours, read by ssh-keygen ---- */

static void
ours(void **state)
{
	static const char *const user[] = { " user certificate\n",
	    "Key ID: \"alice:01JDE0V5Y8M3T1K3ZJ6X4N9Q2B:a-b_c\"\n",
	    "Serial: 7\n",
	    "Valid: from 2026-11-23T22:00:00 to 2026-11-23T22:45:00\n",
	    "Principals: \n", "dba.prod-db\n", "Root_1\n",
	    "Critical Options: \n", "force-command /bin/true -x\n",
	    "source-address 10.0.0.0/8,2001:db8::/32\n", "Extensions: \n",
	    "permit-X11-forwarding\n", "permit-pty\n", NULL };
	static const char *const host[] = { " host certificate\n",
	    "Principals: \n", "db1.example.com\n", "Critical Options: (none)",
	    "Extensions: (none)", NULL };
	const struct made *m = *state;
	struct say s;

	/* The CA is of the row's type, the subjects of every one. */
	for (size_t i = 0; i < 2 * MADE; i++) {
		JIT_DONE(wr_done) struct wr w = WR_INIT(SSH_CERT_MAX);
		JIT_DONE(buf_done) struct buf out = { NULL, 0 };
		struct jit_why why = { JIT_OK, "" };

		say(&s);
		if (i >= MADE) {
			s.f.type = SSH_CERT_HOST;
			s.principals[0] = span_str("db1.example.com");
			s.f.n_principals = 1;
			s.f.n_opts = 0;
		}
		JT_WHY(ssh_cert_make(&s.f, ssh_priv_public(priv[i % MADE]),
		    priv[m - made], nonce, &w, &why), JIT_OK, &why);
		assert_int_equal(keygen_lists(wr_view(&w), &out), 0);
		holds_in_order(&out, i < MADE ? user : host);
	}
}

/* The oracle itself: it says no to a signature that does not hold. */
static void
oracle(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(SSH_CERT_MAX);
	struct say s;

	(void)state;
	say(&s);
	JT_OK(ssh_cert_make(&s.f, SUBJECT, CA, nonce, &w, NULL));
	w.p[w.n - 1] ^= 1;
	JIT_DONE(buf_done) struct buf out = { NULL, 0 };
	assert_int_not_equal(keygen_lists(wr_view(&w), &out), 0);
}

/* ---- ssh-keygen's, read by us ---- */

struct theirs {
	const char *name;
	enum jit_err want;
	const char *args[16];
};
/* The window as -V says it; the zone is UTC. */
#define V "-V", "20261123220000:20261123224500"

static const struct theirs theirs_[] = {
	{ "user", JIT_OK, { V, "-n", "dba", "-z", "7", "-I", "a:b" } },
	{ "no extension", JIT_OK, { V, "-n", "dba", "-z", "7", "-I", "a",
	    "-O", "clear" } },
	{ "all options", JIT_OK, { V, "-n", "dba", "-z", "7", "-I", "a",
	    "-O", "force-command=id x", "-O", "source-address=10.0.0.0/8",
	    "-O", "verify-required" } },
	{ "no touch", JIT_OK, { V, "-n", "dba", "-z", "7", "-I", "a",
	    "-O", "no-touch-required" } },
	{ "host", JIT_OK, { "-h", V, "-n", "db1.example.com,db1", "-z", "7",
	    "-I", "a" } },
	{ "the largest serial", JIT_OK, { V, "-n", "dba", "-z",
	    "18446744073709551615", "-I", "a" } },

	{ "case 24: no principal", JIT_E_FORMAT, { V, "-z", "7", "-I",
	    "a" } },
	{ "case 24: no principal, host", JIT_E_FORMAT, { "-h", V, "-z", "7",
	    "-I", "a" } },
	{ "case 26: *", JIT_E_FORMAT, { V, "-n", "dba,*", "-z", "7", "-I",
	    "a" } },
	{ "case 26: ?", JIT_E_FORMAT, { V, "-n", "db?", "-z", "7", "-I",
	    "a" } },
	{ "case 26: !", JIT_E_FORMAT, { V, "-n", "!dba", "-z", "7", "-I",
	    "a" } },
	{ "case 26: *, host", JIT_E_FORMAT, { "-h", V, "-n",
	    "*.example.com", "-z", "7", "-I", "a" } },
	{ "a principal twice", JIT_E_FORMAT, { V, "-n", "dba,dba", "-z",
	    "7", "-I", "a" } },
	{ "space in a principal", JIT_E_FORMAT, { V, "-n", "a b", "-z", "7",
	    "-I", "a" } },
	{ "serial 0", JIT_E_FORMAT, { V, "-n", "dba", "-z", "0", "-I",
	    "a" } },
	{ "case 35: always to forever", JIT_E_FORMAT, { "-n", "dba", "-z",
	    "7", "-I", "a" } },
	{ "case 35: always", JIT_E_FORMAT, { "-V", "always:20261123224500",
	    "-n", "dba", "-z", "7", "-I", "a" } },
	{ "case 35: forever", JIT_E_FORMAT, { "-V", "20261123220000:forever",
	    "-n", "dba", "-z", "7", "-I", "a" } },
	{ "case 34: a key id of words", JIT_E_FORMAT, { V, "-n", "dba", "-z",
	    "7", "-I", "a b" } },
	{ "case 34: a key id for a shell", JIT_E_FORMAT, { V, "-n", "dba",
	    "-z", "7", "-I", "$(id)" } },
	{ "case 38: an extension of others", JIT_E_FORMAT, { V, "-n", "dba",
	    "-z", "7", "-I", "a", "-O", "extension:x@example.com" } },
	{ "case 38: a critical option of others", JIT_E_FORMAT, { V, "-n",
	    "dba", "-z", "7", "-I", "a", "-O", "critical:x@example.com=y" } },
};

/* subject's -cert.pub by ssh-keygen -s; returns what we take it for. */
static enum jit_err
keygen_certifies(const char *ca, const char *subject,
    const char *const *args, struct ssh_cert **ret, struct jit_why *why)
{
	const char *argv[24] = { "ssh-keygen", "-q", "-s", ca };
	char pub[600], cert[600];
	size_t n = 4;

	(void)snprintf(pub, sizeof(pub), "%s.pub", subject);
	(void)snprintf(cert, sizeof(cert), "%s-cert.pub", subject);
	for (; *args != NULL; args++)
		argv[n++] = *args;
	argv[n] = pub;
	assert_int_equal(jt_run(argv, span_str(""), NULL), 0);
	JIT_DONE(buf_done) struct buf line = jt_file(cert);
	JIT_DONE(buf_done) struct buf blob = { NULL, 0 };
	JT_OK(ssh_cert_line_blob(BUF_SPAN(line), &blob, NULL));
	return ssh_cert_parse(BUF_SPAN(blob), ret, why);
}

static void
theirs(void **state)
{
	const struct theirs *t = *state;
	JIT_SCOPED(ssh_cert_free) struct ssh_cert *c = NULL;
	JIT_SCOPED(ssh_key_free) struct ssh_key *ca = kg_public(&kg_sorts[0]);
	struct jit_why why = { JIT_OK, "" };

	JT_WHY(keygen_certifies(kg_path(&kg_sorts[0]), kg_path(&kg_sorts[1]),
	    t->args, &c, &why), t->want, &why);
	assert_int_equal(c != NULL, t->want == JIT_OK);
	if (c == NULL) {
		assert_true(why.msg[0] != '\0');
		return;
	}
	JT_OK(ssh_cert_verify(c, ca, NULL));
	assert_int_equal(ssh_cert_fields(c)->after, FROM);
	assert_int_equal(ssh_cert_fields(c)->before, UNTIL);
	JT_ERR(ssh_cert_verify(c, ssh_priv_public(CA), NULL), JIT_E_SIG);
}

/* Each type of CA certifies each type of subject. */
static void
each_ca(void **state)
{
	static const char *const args[] = { V, "-n", "dba", "-z", "7", "-I",
	    "a", "-O", "clear", "-O", "permit-pty", NULL };
	const struct kg_sort *k = *state;
	JIT_SCOPED(ssh_key_free) struct ssh_key *ca = kg_public(k);

	for (size_t i = 0; i < KG_SORTS; i++) {
		JIT_SCOPED(ssh_cert_free) struct ssh_cert *c = NULL;
		JIT_SCOPED(ssh_key_free) struct ssh_key *subject =
		    kg_public(&kg_sorts[i]);
		struct span dba = span_str("dba");
		struct ssh_opt pty = { span_str("permit-pty"), SPAN_NONE };
		struct ssh_cert_fields f = { 7, SSH_CERT_USER, span_str("a"),
		    &dba, 1, FROM, UNTIL, &pty, 1 };
		struct jit_why why = { JIT_OK, "" };

		JT_WHY(keygen_certifies(kg_path(k), kg_path(&kg_sorts[i]),
		    args, &c, &why), JIT_OK, &why);
		JT_OK(ssh_cert_verify(c, ca, NULL));
		assert_true(ssh_key_eq(ssh_cert_ca(c), ca));
		JT_WHY(ssh_cert_check_is(c, &f, subject, &why), JIT_OK, &why);
	}
}

/* ---- fields that break a rule ---- */

static void no_serial(struct say *s) { s->f.serial = 0; }
static void type_0(struct say *s) { s->f.type = (enum ssh_cert_type)0; }
static void type_3(struct say *s) { s->f.type = (enum ssh_cert_type)3; }
static void no_id(struct say *s) { s->f.key_id = SPAN_NONE; }
static void id_space(struct say *s) { s->f.key_id = span_str("a b"); }
static void id_quote(struct say *s) { s->f.key_id = span_str("a\"b"); }
static void id_shell(struct say *s) { s->f.key_id = span_str("a;b"); }
static void id_dollar(struct say *s) { s->f.key_id = span_str("a$b"); }
static void id_percent(struct say *s) { s->f.key_id = span_str("a%b"); }
static void id_lf(struct say *s) { s->f.key_id = span_str("a\nb"); }
static void id_esc(struct say *s) { s->f.key_id = span_str("a\033b"); }
static void id_nul(struct say *s) { s->f.key_id = SPAN("a\0b", 3); }
static void id_utf8(struct say *s) { s->f.key_id = span_str("caf\xc3\xa9"); }
static void nobody(struct say *s) { s->f.n_principals = 0; }
static void p_empty(struct say *s) { s->principals[1] = SPAN_NONE; }
static void p_comma(struct say *s) { s->principals[1] = span_str("a,b"); }
static void p_star(struct say *s) { s->principals[1] = span_str("*"); }
static void p_query(struct say *s) { s->principals[1] = span_str("ro?t"); }
static void p_not(struct say *s) { s->principals[1] = span_str("!root"); }
static void p_lf(struct say *s) { s->principals[1] = span_str("a\nb"); }
static void p_cr(struct say *s) { s->principals[1] = span_str("a\r"); }
static void p_space(struct say *s) { s->principals[1] = span_str("bob "); }
static void p_hash(struct say *s) { s->principals[1] = span_str("#a"); }
static void p_nul(struct say *s) { s->principals[1] = SPAN("a\0", 2); }
static void p_at(struct say *s) { s->principals[1] = span_str("a@b"); }
#define KELVIN "\xe2\x84\xaa"
static void p_fold(struct say *s) { s->principals[1] = span_str(KELVIN); }
static void p_twice(struct say *s) { s->principals[1] = s->principals[0]; }
static void always(struct say *s) { s->f.after = 0; }
static void negative(struct say *s) { s->f.after = -1; }
static void forever(struct say *s) { s->f.before = -1; }
static void too_late(struct say *s) { s->f.before = UTC_MAX + 1; }
static void overflow(struct say *s) { s->f.before = INT64_MAX; }
static void empty(struct say *s) { s->f.before = s->f.after; }
static void reversed(struct say *s) { s->f.before = s->f.after - 1; }
static void host_opts(struct say *s) { s->f.type = SSH_CERT_HOST; }
static void o_twice(struct say *s) { opt(s, "permit-pty", NULL); }
static void o_two(struct say *s) { opt(s, "force-command", "id"); }
static void o_unknown(struct say *s) { opt(s, "force-comand", "id"); }
static void o_flag(struct say *s) { opt(s, "permit-user-rc", "yes"); }
static void o_none(struct say *s) { s->opts[1].value = SPAN_NONE; }
static void o_cidr(struct say *s) { s->opts[3].value = span_str("any"); }

static void
people(struct say *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(s->many[i], sizeof(s->many[i]), "p%03zu", i);
		s->principals[i] = span_str(s->many[i]);
	}
	s->f.n_principals = n;
}

static void p_256(struct say *s) { people(s, 256); }
static void p_257(struct say *s) { people(s, 257); }

static void
p_long(struct say *s)
{
	memset(s->longer, 'a', sizeof(s->longer));
	s->principals[1] = SPAN(s->longer, 256);
}

static void
id_long(struct say *s)
{
	memset(s->longer, 'a', sizeof(s->longer));
	s->f.key_id = SPAN(s->longer, 256);
}

static void
o_many(struct say *s)
{
	while (s->f.n_opts < SSH_CERT_OPTS_MAX + 1)
		opt(s, "permit-pty", NULL);
}

struct change {
	const char *name;
	void (*fn)(struct say *);
	enum jit_err want;
};

static const struct change changes[] = {
	{ "256 principals", p_256, JIT_OK },
	{ "serial 0", no_serial, JIT_E_FORMAT },
	{ "type 0", type_0, JIT_E_FORMAT },
	{ "type 3", type_3, JIT_E_FORMAT },
	{ "no key id", no_id, JIT_E_FORMAT },
	{ "a key id of 256", id_long, JIT_E_FORMAT },
	{ "case 34: space in the key id", id_space, JIT_E_FORMAT },
	{ "case 34: quote in the key id", id_quote, JIT_E_FORMAT },
	{ "case 34: ; in the key id", id_shell, JIT_E_FORMAT },
	{ "case 34: $ in the key id", id_dollar, JIT_E_FORMAT },
	{ "case 34: % in the key id", id_percent, JIT_E_FORMAT },
	{ "case 34: LF in the key id", id_lf, JIT_E_FORMAT },
	{ "case 34: escape in the key id", id_esc, JIT_E_FORMAT },
	{ "case 34: NUL in the key id", id_nul, JIT_E_FORMAT },
	{ "case 34: UTF-8 in the key id", id_utf8, JIT_E_FORMAT },
	{ "case 24: no principal", nobody, JIT_E_FORMAT },
	{ "257 principals", p_257, JIT_E_FORMAT },
	{ "case 24: an empty principal", p_empty, JIT_E_FORMAT },
	{ "a principal of 256", p_long, JIT_E_FORMAT },
	{ "case 25: a comma", p_comma, JIT_E_FORMAT },
	{ "case 26: *", p_star, JIT_E_FORMAT },
	{ "case 26: ?", p_query, JIT_E_FORMAT },
	{ "case 26: !", p_not, JIT_E_FORMAT },
	{ "case 33: LF in a principal", p_lf, JIT_E_FORMAT },
	{ "case 33: CR in a principal", p_cr, JIT_E_FORMAT },
	{ "case 6: a space behind", p_space, JIT_E_FORMAT },
	{ "case 33: # in a principal", p_hash, JIT_E_FORMAT },
	{ "case 31: NUL in a principal", p_nul, JIT_E_FORMAT },
	{ "@ in a principal", p_at, JIT_E_FORMAT },
	{ "case 6: the Kelvin sign", p_fold, JIT_E_FORMAT },
	{ "a principal twice", p_twice, JIT_E_FORMAT },
	{ "case 35: always", always, JIT_E_FORMAT },
	{ "case 35: before 1970", negative, JIT_E_FORMAT },
	{ "case 35: forever", forever, JIT_E_FORMAT },
	{ "case 35: after 9999", too_late, JIT_E_FORMAT },
	{ "case 35: the largest number", overflow, JIT_E_FORMAT },
	{ "case 35: empty", empty, JIT_E_FORMAT },
	{ "case 35: reversed", reversed, JIT_E_FORMAT },
	{ "a host's options", host_opts, JIT_E_FORMAT },
	{ "case 38: an option twice", o_twice, JIT_E_FORMAT },
	{ "case 17: two commands", o_two, JIT_E_FORMAT },
	{ "case 38: an unknown option", o_unknown, JIT_E_FORMAT },
	{ "a flag with a value", o_flag, JIT_E_FORMAT },
	{ "a command without value", o_none, JIT_E_FORMAT },
	{ "a source that is none", o_cidr, JIT_E_FORMAT },
	{ "17 options", o_many, JIT_E_FORMAT },
};

/* Neither made nor, for a token to sign, encoded; and nothing is written. */
static void
changed(void **state)
{
	const struct change *c = *state;
	JIT_DONE(wr_done) struct wr w = WR_INIT(SSH_CERT_MAX);
	JIT_DONE(wr_done) struct wr tbs = WR_INIT(SSH_CERT_MAX);
	struct jit_why why = { JIT_OK, "" }, why2 = { JIT_OK, "" };
	struct say s;

	say(&s);
	c->fn(&s);
	JT_WHY(ssh_cert_make(&s.f, SUBJECT, CA, nonce, &w, &why), c->want,
	    &why);
	JT_WHY(ssh_cert_put_tbs(&tbs, &s.f, SUBJECT, ssh_priv_public(CA),
	    nonce, &why2), c->want, &why2);
	if (c->want != JIT_OK) {
		assert_int_equal(w.n, 0);
		assert_true(why.msg[0] != '\0' && why2.msg[0] != '\0');
		return;
	}
	JIT_DONE(buf_done) struct buf out = { NULL, 0 };
	assert_int_equal(keygen_lists(wr_view(&w), &out), 0);
}

/* ---- bytes that break a rule, with a signature that holds ---- */

struct wire {
	const char *name, *type;
	struct span subject;		/* fields, with their lengths */
	size_t nonce;
	uint64_t serial;
	uint32_t kind;
	struct span key_id, principals;
	uint64_t after, before;
	struct span critical, extensions;
	const char *reserved;
	struct span ca;			/* blob; empty is CA's own */
	const char *tail;
	enum jit_err want;
};

#define RAW(s) { (const uint8_t *)(s), sizeof(s) - 1 }
#define PTY "\0\0\0\12permit-pty\0\0\0\0"
#define AGENT "\0\0\0\27permit-agent-forwarding\0\0\0\0"
#define ED32 "\0\0\0\40" "0123456789abcdef0123456789abcdef"
#define P_DBA RAW("\0\0\0\3dba")
#define EDCERT "ssh-ed25519-cert-v01@openssh.com"
/* A row differs from this in the member that follows. */
#define GOOD .type = EDCERT, .subject = RAW(ED32), .nonce = 32, .serial = 7, \
    .kind = 1, .key_id = RAW("a"), .principals = P_DBA, .after = FROM, \
    .before = UNTIL, .extensions = RAW(PTY), .reserved = "", .tail = "", \
    .want = JIT_E_FORMAT

#pragma GCC diagnostic ignored "-Woverride-init"
static const struct wire wires[] = {
	{ "as it should be", GOOD, .want = JIT_OK },
	{ "a nonce of 16", GOOD, .nonce = 16, .want = JIT_OK },
	{ "no nonce", GOOD, .nonce = 0 },
	{ "a nonce of 15", GOOD, .nonce = 15 },
	{ "serial 0", GOOD, .serial = 0 },
	{ "type 0", GOOD, .kind = 0 },
	{ "type 3", GOOD, .kind = 3 },
	{ "type 2^32 - 1", GOOD, .kind = UINT32_MAX },
	{ "host with an extension", GOOD, .kind = 2 },
	{ "host", GOOD, .kind = 2, .extensions = RAW(""), .want = JIT_OK },
	{ "no key id", GOOD, .key_id = RAW("") },
	{ "NUL at the key id's end", GOOD, .key_id = RAW("a\0") },
	{ "case 24: no principal", GOOD, .principals = RAW("") },
	{ "NUL at a principal's end", GOOD,
	    .principals = RAW("\0\0\0\4dba\0") },
	{ "a principal without length", GOOD, .principals = RAW("dba") },
	{ "a principal cut short", GOOD, .principals = RAW("\0\0\0\4dba") },
	{ "case 25: a comma", GOOD, .principals = RAW("\0\0\0\3a,b") },
	{ "a byte behind the principals", GOOD,
	    .principals = RAW("\0\0\0\3dba\0") },
	{ "case 35: always", GOOD, .after = 0 },
	{ "case 35: forever", GOOD, .before = UINT64_MAX },
	{ "case 35: 2^63", GOOD, .before = (uint64_t)1 << 63 },
	{ "case 35: after 2^63", GOOD, .after = (uint64_t)1 << 63,
	    .before = UINT64_MAX },
	{ "case 35: empty", GOOD, .before = FROM },
	{ "case 38: unknown critical option", GOOD,
	    .critical = RAW("\0\0\0\3x@y\0\0\0\0") },
	{ "case 38: unknown extension", GOOD,
	    .extensions = RAW("\0\0\0\3x@y\0\0\0\0") },
	{ "case 38: not sorted", GOOD, .extensions = RAW(PTY AGENT) },
	{ "sorted", GOOD, .extensions = RAW(AGENT PTY), .want = JIT_OK },
	{ "case 38: twice", GOOD, .extensions = RAW(PTY PTY) },
	{ "an extension as critical", GOOD, .critical = RAW(PTY),
	    .extensions = RAW("") },
	{ "a critical option", GOOD, .critical = RAW("\0\0\0\15force-command"
	    "\0\0\0\6\0\0\0\2id"), .want = JIT_OK },
	{ "extra data in an option", GOOD, .critical =
	    RAW("\0\0\0\15force-command\0\0\0\7\0\0\0\2id!") },
	{ "single length", GOOD, .critical =
	    RAW("\0\0\0\15force-command\0\0\0\2id") },
	{ "a restriction as extension", GOOD, .extensions =
	    RAW("\0\0\0\15force-command\0\0\0\6\0\0\0\2id") },
	{ "something reserved", GOOD, .reserved = "x" },
	{ "a byte behind", GOOD, .tail = "x" },
	{ "case 27: the subject is a plain key", GOOD, .type = "ssh-ed25519",
	    .want = JIT_E_KEYTYPE },
	{ "a signature's name as type", GOOD,
	    .type = "rsa-sha2-512-cert-v01@openssh.com",
	    .want = JIT_E_KEYTYPE },
	{ "DSA", GOOD, .type = "ssh-dss-cert-v01@openssh.com",
	    .want = JIT_E_KEYTYPE },
	{ "version 00", GOOD, .type = "ssh-ed25519-cert-v00@openssh.com",
	    .want = JIT_E_KEYTYPE },
	{ "case 29: another type's subject", GOOD,
	    .type = "ssh-rsa-cert-v01@openssh.com" },
	{ "a subject of 31 bytes", GOOD, .subject =
	    RAW("\0\0\0\37" "0123456789abcdef0123456789abcde") },
	{ "case 27: the CA is a certificate", GOOD, .ca =
	    RAW("\0\0\0\40" EDCERT ED32), .want = JIT_E_KEYTYPE },
	{ "the CA is DSA", GOOD, .ca = RAW("\0\0\0\7ssh-dss" ED32),
	    .want = JIT_E_KEYTYPE },
	{ "another CA than the signer", GOOD, .ca =
	    RAW("\0\0\0\13ssh-ed25519" ED32), .want = JIT_E_SIG },
};

static void
put_wire(struct wr *w, const struct wire *x, const struct ssh_priv *ca)
{
	JIT_DONE(wr_done) struct wr sig = WR_INIT(SSH_SIG_MAX);

	wr_cstring(w, x->type);
	wr_string(w, SPAN(nonce, x->nonce));
	wr_span(w, x->subject);
	wr_u64(w, x->serial);
	wr_u32(w, x->kind);
	wr_string(w, x->key_id);
	wr_string(w, x->principals);
	wr_u64(w, x->after);
	wr_u64(w, x->before);
	wr_string(w, x->critical);
	wr_string(w, x->extensions);
	wr_cstring(w, x->reserved);
	wr_string(w, x->ca.n > 0 ? x->ca : ssh_key_blob(ssh_priv_public(ca)));
	JT_OK(ssh_priv_sign(ca, wr_view(w), &sig));
	wr_string(w, wr_view(&sig));
	wr_str(w, x->tail);
}

static void
wire(void **state)
{
	const struct wire *x = *state;
	JIT_DONE(wr_done) struct wr w = WR_INIT(SSH_CERT_MAX);
	JIT_SCOPED(ssh_cert_free) struct ssh_cert *c = NULL;
	struct jit_why why = { JIT_OK, "" };
	enum jit_err e;

	put_wire(&w, x, CA);
	e = ssh_cert_parse(wr_view(&w), &c, &why);
	if (e == JIT_OK)
		e = ssh_cert_verify(c, ssh_cert_ca(c), &why);
	JT_WHY(e, x->want, &why);
	assert_int_equal(why.msg[0] != '\0', x->want != JIT_OK);
}

/* Case 27: a certificate is neither key, CA, nor subject of another. */
static void
not_a_key(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(SSH_CERT_MAX);
	struct wire nested = wires[0];
	JIT_DONE(wr_done) struct wr outer = WR_INIT(SSH_CERT_MAX);
	struct ssh_cert *c = NULL;
	struct ssh_key *k = NULL;

	(void)state;
	put_wire(&w, &wires[0], CA);
	JT_ERR(ssh_key_parse(wr_view(&w), &k, NULL), JIT_E_KEYTYPE);
	nested.ca = wr_view(&w);
	put_wire(&outer, &nested, CA);
	JT_ERR(ssh_cert_parse(wr_view(&outer), &c, NULL), JIT_E_KEYTYPE);
}

/* ---- is it what was approved? ---- */

static void other_serial(struct say *s) { s->f.serial = 8; }
static void other_type(struct say *s) { s->f.type = SSH_CERT_HOST; }
static void other_id(struct say *s) { s->f.key_id = span_str("b"); }
static void less_people(struct say *s) { s->f.n_principals = 1; }
static void more_people(struct say *s) { s->f.n_principals = 3; }
static void other_people(struct say *s) { s->principals[0].n--; }
static void earlier(struct say *s) { s->f.after--; }
static void later(struct say *s) { s->f.before++; }
static void less_opts(struct say *s) { s->f.n_opts--; }
static void more_opts(struct say *s) { opt(s, "permit-user-rc", NULL); }
static void no_opts(struct say *s) { s->f.n_opts = 0; }

static void
other_opt(struct say *s)
{
	s->opts[0].name = span_str("permit-user-rc");
}

static void other_value(struct say *s) { s->opts[1].value.n--; }
static void same_opt_twice(struct say *s) { s->opts[1] = s->opts[0]; }

static void
swapped_opts(struct say *s)
{
	struct ssh_opt o = s->opts[0];

	s->opts[0] = s->opts[3];
	s->opts[3] = o;
}

static void
swapped_people(struct say *s)
{
	struct span p = s->principals[0];

	s->principals[0] = s->principals[1];
	s->principals[1] = p;
}

static void the_same(struct say *s) { (void)s; }

struct differs {
	const char *name;
	void (*fn)(struct say *);
	const char *word;	/* of the sentence; NULL: no difference */
};

static const struct differs differ[] = {
	{ "the same", the_same, NULL },
	{ "options in another order", swapped_opts, NULL },
	{ "serial", other_serial, "serial" },
	{ "type", other_type, "type" },
	{ "key id", other_id, "key id" },
	{ "a principal less", less_people, "principals" },
	{ "a principal more", more_people, "principals" },
	{ "another principal", other_people, "principals" },
	{ "principals in another order", swapped_people, "principals" },
	{ "a second earlier", earlier, "start" },
	{ "a second later", later, "end" },
	{ "case 17: an option less", less_opts, "options" },
	{ "case 17: an option more", more_opts, "options" },
	{ "case 17: no option", no_opts, "options" },
	{ "case 17: another option", other_opt, "options" },
	{ "case 17: another value", other_value, "options" },
	{ "case 17: one twice for two", same_opt_twice, "options" },
};

static void
check_is(void **state)
{
	const struct differs *d = *state;
	JIT_DONE(wr_done) struct wr w = WR_INIT(SSH_CERT_MAX);
	JIT_SCOPED(ssh_cert_free) struct ssh_cert *c = NULL;
	struct jit_why why = { JIT_OK, "" };
	struct say s;

	say(&s);
	JT_OK(ssh_cert_make(&s.f, SUBJECT, CA, nonce, &w, NULL));
	JT_OK(ssh_cert_parse(wr_view(&w), &c, NULL));
	d->fn(&s);
	JT_WHY(ssh_cert_check_is(c, &s.f, SUBJECT, &why), d->word == NULL ?
	    JIT_OK : JIT_E_VERIFY, &why);
	if (d->word != NULL)
		assert_non_null(strstr(why.msg, d->word));
	say(&s);
	JT_ERR(ssh_cert_check_is(c, &s.f, ssh_priv_public(priv[2]), NULL),
	    JIT_E_VERIFY);
}

/* ---- flipped and cut ---- */

static void
never(void *arg, struct span b)
{
	JIT_SCOPED(ssh_cert_free) struct ssh_cert *c = NULL;

	if (ssh_cert_parse(b, &c, NULL) == JIT_OK)
		assert_int_not_equal(ssh_cert_verify(c, arg, NULL), JIT_OK);
}

static void
flipped(void **state)
{
	const struct made *m = *state;
	const struct ssh_priv *ca = priv[m - made];
	JIT_DONE(wr_done) struct wr w = WR_INIT(SSH_CERT_MAX);
	JIT_SCOPED(ssh_key_free) struct ssh_key *pub = NULL;
	struct say s;

	say(&s);
	JT_OK(ssh_key_dup(ssh_priv_public(ca), &pub));
	JT_OK(ssh_cert_make(&s.f, SUBJECT, ca, nonce, &w, NULL));
	jt_flip_truncate(wr_view(&w), never, pub);
}

/* ---- lines ---- */

static void
lines(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(SSH_CERT_MAX);
	JIT_DONE(wr_done) struct wr l = WR_INIT(2 * SSH_CERT_MAX);
	JIT_DONE(buf_done) struct buf b = { NULL, 0 };
	struct span v;

	(void)state;
	put_wire(&w, &wires[0], CA);
	ssh_cert_put_line(&l, wr_view(&w), "alice 1");
	JT_OK(ssh_cert_line_blob(wr_view(&l), &b, NULL));
	assert_true(span_eq(BUF_SPAN(b), wr_view(&w)));
	buf_done(&b);
	v = wr_view(&l);
	JT_OK(ssh_cert_line_blob(SPAN(v.p, v.n - 1), &b, NULL));
	buf_done(&b);
	/* Without comment. */
	JT_OK(ssh_cert_line_blob(SPAN(v.p, v.n - 9), &b, NULL));
	buf_done(&b);
	JT_ERR(ssh_cert_line_blob(SPAN(v.p + 1, v.n - 1), &b, NULL),
	    JIT_E_FORMAT);
	JT_ERR(ssh_cert_line_blob(SPAN(v.p, v.n - 10), &b, NULL),
	    JIT_E_FORMAT);
	JT_ERR(ssh_cert_line_blob(SPAN_NONE, &b, NULL), JIT_E_FORMAT);
	JT_ERR(ssh_cert_line_blob(span_str(EDCERT), &b, NULL), JIT_E_FORMAT);
	JT_ERR(ssh_cert_line_blob(span_str(EDCERT " "), &b, NULL),
	    JIT_E_FORMAT);
	/* Case 33: one line, not the first of several. */
	wr_str(&l, "root ALL\n");
	JT_ERR(ssh_cert_line_blob(wr_view(&l), &b, NULL), JIT_E_FORMAT);
	assert_null(b.p);
}

static void
too_long(void **state)
{
	static const uint8_t zero[SSH_CERT_MAX + 1];
	struct ssh_cert *c = NULL;

	(void)state;
	JT_ERR(ssh_cert_parse(SPAN(zero, sizeof(zero)), &c, NULL),
	    JIT_E_SIZE);
	JT_ERR(ssh_cert_parse(SPAN_NONE, &c, NULL), JIT_E_KEYTYPE);
	assert_null(c);
}

int
main(void)
{
	uint64_t n = 1;
	struct rng rng = rand_counter(&n);
	int bad;

	/* ssh-keygen -V and -L speak local time. */
	if (setenv("TZ", "UTC", 1) != 0)
		return 1;
	for (size_t i = 0; i < MADE; i++)
		if (ssh_priv_generate(made[i].type, made[i].bits, &rng,
		    &priv[i], NULL) != JIT_OK)
			return 1;
	bad = JT_ROWS("ssh-keygen reads ours", ours, made) +
	    jt_one("the oracle", oracle) +
	    JT_ROWS("ssh-keygen's", theirs, theirs_) +
	    JT_ROWS("each CA", each_ca, kg_sorts) +
	    JT_ROWS("fields", changed, changes) +
	    JT_ROWS("bytes", wire, wires) +
	    jt_one("not a key", not_a_key) +
	    JT_ROWS("what was approved", check_is, differ) +
	    JT_ROWS("flipped and cut", flipped, made) +
	    jt_one("lines", lines) +
	    jt_one("too long, too short", too_long);
	for (size_t i = 0; i < MADE; i++)
		ssh_priv_free(priv[i]);
	return bad;
}
