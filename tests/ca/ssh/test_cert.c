/*
 * cert: ssh-keygen reads what we make, and we read what ssh-keygen makes;
 * whatever breaks a rule is refused on both ways.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "ca/base/text.h"
#include "ca/ssh/cert.h"
#include "tests/lib/run.h"

#define FROM ((utc_s)1795471200)	/* 2026-11-23T22:00:00Z */

static struct ssh_priv *ca, *subject;
static const uint8_t nonce[32] = { 7 };

static const struct span two[] = { SPAN("dba.prod-db", 11),
    SPAN("root.web", 8) };
static const struct ssh_opt options[] = {
	{ SPAN("permit-pty", 10), { NULL, 0 } },
	{ SPAN("force-command", 13), SPAN("uptime -p", 9) },
	{ SPAN("permit-X11-forwarding", 21), { NULL, 0 } },
	{ SPAN("source-address", 14), SPAN("10.0.0.0/8,2001:db8::/32", 24) },
};

static struct ssh_cert_fields
fields(void)
{
	return (struct ssh_cert_fields){ .serial = 4182,
	    .type = SSH_CERT_USER, .key_id = span_str("alice:01JD:abc_-"),
	    .principals = two, .n_principals = 2, .after = FROM,
	    .before = FROM + 2700, .opts = options, .n_opts = 4 };
}

static const char *
path_of(const char *name)
{
	static char path[4096];

	(void)snprintf(path, sizeof(path), "%s/%s", jt_tmpdir(), name);
	return path;
}

static bool
says(const struct buf *out, const char *what)
{
	if (memmem(out->p, out->n, what, strlen(what)) != NULL)
		return true;
	print_error("\"%s\" is not in:\n%s\n", what, (const char *)out->p);
	return false;
}

/* ssh-keygen -L tells of ours exactly what was put in. */
static void
ours_read_by_ssh_keygen(void **state)
{
	const struct ssh_cert_fields f = fields();
	JIT_DONE(wr_done) struct wr blob = WR_INIT(SSH_CERT_MAX);
	JIT_DONE(wr_done) struct wr line = WR_INIT(SSH_CERT_MAX * 2);
	JIT_DONE(buf_done) struct buf out = { NULL, 0 }, back = { NULL, 0 };
	struct jit_why why = { 0 };

	(void)state;
	JT_WHY(ssh_cert_make(&f, ssh_priv_public(subject), ca, nonce, &blob,
	    &why), JIT_OK, &why);
	ssh_cert_put_line(&line, wr_view(&blob), "a comment");
	jt_write(path_of("a-cert.pub"), wr_view(&line));
	assert_int_equal(jt_run((const char *const[]){ "env", "TZ=UTC",
	    "ssh-keygen", "-L", "-f", path_of("a-cert.pub"), NULL },
	    SPAN_NONE, &out), 0);
	assert_true(says(&out, "user certificate"));
	assert_true(says(&out, "Key ID: \"alice:01JD:abc_-\""));
	assert_true(says(&out, "Serial: 4182"));
	assert_true(says(&out,
	    "from 2026-11-23T22:00:00 to 2026-11-23T22:45:00"));
	assert_true(says(&out, "dba.prod-db\n"));
	assert_true(says(&out, "force-command uptime -p"));
	assert_true(says(&out, "source-address 10.0.0.0/8,2001:db8::/32"));
	assert_true(says(&out, "permit-X11-forwarding\n                "
	    "permit-pty"));
	JT_OK(ssh_cert_line_blob(wr_view(&line), &back, NULL));
	assert_true(span_eq(BUF_SPAN(back), wr_view(&blob)));
}

struct kind { const char *name, *bits; };
static const struct kind kinds[] = { { "ed25519", "256" },
    { "ecdsa", "256" }, { "ecdsa", "384" }, { "ecdsa", "521" },
    { "rsa", "3072" } };

/* Every type of CA and subject, made by ssh-keygen. */
static void
theirs_read_by_us(void **state)
{
	const struct kind *k = *state;
	char key[4096], cert[4096];
	JIT_DONE(buf_done) struct buf blob = { NULL, 0 };
	JIT_SCOPED(ssh_cert_free) struct ssh_cert *c = NULL;
	const struct ssh_cert_fields *f;
	struct jit_why why = { 0 };

	(void)snprintf(key, sizeof(key), "%s/%s-%s", jt_tmpdir(), k->name,
	    k->bits);
	(void)snprintf(cert, sizeof(cert), "%.4000s-cert.pub", key);
	assert_int_equal(jt_run((const char *const[]){ "ssh-keygen", "-q",
	    "-t", k->name, "-b", k->bits, "-N", "", "-f", key, NULL },
	    SPAN_NONE, NULL), 0);
	assert_int_equal(jt_run((const char *const[]){ "env", "TZ=UTC",
	    "ssh-keygen", "-q", "-s", key, "-I", "bob:1", "-n", "dba.x,b",
	    "-z", "77", "-V", "20261123220000:20261123224500",
	    "-O", "clear", "-O", "permit-pty", "-O", "force-command=ls", key,
	    NULL }, SPAN_NONE, NULL), 0);
	JIT_DONE(buf_done) struct buf line = jt_file(cert);

	JT_OK(ssh_cert_line_blob(BUF_SPAN(line), &blob, &why));
	JT_WHY(ssh_cert_parse(BUF_SPAN(blob), &c, &why), JIT_OK, &why);
	f = ssh_cert_fields(c);
	assert_true(f->serial == 77 && f->type == SSH_CERT_USER);
	assert_true(f->after == FROM && f->before == FROM + 2700);
	assert_true(f->n_principals == 2 && f->n_opts == 2);
	assert_true(span_eq_str(f->opts[0].value, "ls"));
	JT_WHY(ssh_cert_verify(c, ssh_cert_subject(c), &why), JIT_OK, &why);
	JT_ERR(ssh_cert_verify(c, ssh_priv_public(ca), NULL), JIT_E_SIG);
	/* Case 27: a certificate is no key, so none can sign or be certified. */
	JIT_SCOPED(ssh_key_free) struct ssh_key *none = NULL;

	JT_ERR(ssh_key_parse(BUF_SPAN(blob), &none, NULL), JIT_E_KEYTYPE);
	assert_null(none);
}

/* ---- what is never made ---- */

struct bad { const char *name; void (*change)(struct ssh_cert_fields *f); };
static struct span one;
static struct span many[257];
static char names[257][8];
#define CHANGE(name, code)						\
static void name(struct ssh_cert_fields *f) { code; }
#define PRINCIPAL(s) one = span_str(s); f->principals = &one; f->n_principals = 1
CHANGE(serial0, f->serial = 0)
CHANGE(type3, f->type = (enum ssh_cert_type)3)
CHANGE(no_id, f->key_id = SPAN_NONE)
CHANGE(id_space, f->key_id = span_str("a b"))
CHANGE(id_dollar, f->key_id = span_str("a$(x)"))
CHANGE(id_newline, f->key_id = span_str("a\nb"))
CHANGE(id_nul, f->key_id = SPAN("a\0b", 3))
CHANGE(no_principal, f->n_principals = 0)
CHANGE(p_empty, PRINCIPAL(""))
CHANGE(p_comma, PRINCIPAL("root,bob"))
CHANGE(p_star, PRINCIPAL("*"))
CHANGE(p_bang, PRINCIPAL("!root"))
CHANGE(p_space, PRINCIPAL("bob "))
CHANGE(p_nul, one = SPAN("a\0", 2); f->principals = &one; f->n_principals = 1)
CHANGE(p_twice, many[0] = many[1] = two[0]; f->principals = many)
CHANGE(p_257, f->principals = many; f->n_principals = 257;
    for (int i = 0; i < 257; i++) {
	(void)snprintf(names[i], sizeof(names[i]), "p%d", i);
	many[i] = span_str(names[i]);
    })
CHANGE(always, f->after = 0)
CHANGE(forever, f->before = INT64_MAX)
CHANGE(empty, f->before = f->after)
CHANGE(backward, f->before = f->after - 1)
CHANGE(host_options, f->type = SSH_CERT_HOST)

static const struct bad bads[] = {
	{ "serial 0", serial0 }, { "type 3", type3 }, { "no key id", no_id },
	{ "space in the key id", id_space },
	{ "dollar in the key id", id_dollar },
	{ "line feed in the key id (case 34)", id_newline },
	{ "NUL in the key id", id_nul },
	{ "no principal (case 24)", no_principal },
	{ "empty principal", p_empty },
	{ "comma in a principal (case 25)", p_comma },
	{ "wildcard (case 26)", p_star }, { "negation", p_bang },
	{ "space behind a principal", p_space },
	{ "NUL in a principal", p_nul }, { "a principal twice", p_twice },
	{ "257 principals", p_257 }, { "always (case 35)", always },
	{ "forever (case 35)", forever }, { "empty interval", empty },
	{ "end before start", backward },
	{ "options on a host certificate", host_options },
};

static void
never_made(void **state)
{
	const struct bad *b = *state;
	JIT_DONE(wr_done) struct wr w = WR_INIT(SSH_CERT_MAX);
	struct ssh_cert_fields f = fields();
	struct jit_why why = { 0 };

	b->change(&f);
	JT_WHY(ssh_cert_make(&f, ssh_priv_public(subject), ca, nonce, &w,
	    &why), JIT_E_FORMAT, &why);
	assert_int_equal(w.n, 0);
	assert_true(why.msg[0] != '\0');
}

static void
never_verifies(void *arg, struct span s)
{
	JIT_SCOPED(ssh_cert_free) struct ssh_cert *c = NULL;

	(void)arg;
	if (ssh_cert_parse(s, &c, NULL) == JIT_OK)
		assert_int_not_equal(ssh_cert_verify(c, ssh_priv_public(ca),
		    NULL), JIT_OK);
}

static void
flipped(void **state)
{
	const struct ssh_cert_fields f = fields();
	JIT_DONE(wr_done) struct wr w = WR_INIT(SSH_CERT_MAX);

	(void)state;
	JT_OK(ssh_cert_make(&f, ssh_priv_public(subject), ca, nonce, &w,
	    NULL));
	jt_flip_truncate(wr_view(&w), never_verifies, NULL);
	wr_u8(&w, 0);
	never_verifies(NULL, wr_view(&w));
}

/* check_is names the field that differs. */
static void
differs(void **state)
{
	struct ssh_cert_fields f = fields();
	JIT_DONE(wr_done) struct wr w = WR_INIT(SSH_CERT_MAX);
	JIT_SCOPED(ssh_cert_free) struct ssh_cert *c = NULL;
	struct jit_why why = { 0 };

	(void)state;
	JT_OK(ssh_cert_make(&f, ssh_priv_public(subject), ca, nonce, &w,
	    NULL));
	JT_OK(ssh_cert_parse(wr_view(&w), &c, NULL));
	JT_OK(ssh_cert_check_is(c, &f, ssh_priv_public(subject), NULL));
	JT_ERR(ssh_cert_check_is(c, &f, ssh_priv_public(ca), NULL),
	    JIT_E_VERIFY);
	f.n_opts = 3;
	JT_ERR(ssh_cert_check_is(c, &f, ssh_priv_public(subject), &why),
	    JIT_E_VERIFY);
	assert_non_null(strstr(why.msg, "options"));
	f = fields();
	f.n_principals = 1;
	JT_ERR(ssh_cert_check_is(c, &f, ssh_priv_public(subject), &why),
	    JIT_E_VERIFY);
	assert_non_null(strstr(why.msg, "principals"));
	f = fields();
	f.before++;
	JT_ERR(ssh_cert_check_is(c, &f, ssh_priv_public(subject), &why),
	    JIT_E_VERIFY);
	assert_non_null(strstr(why.msg, "end"));
}

int
main(void)
{
	uint64_t n = 1;
	struct rng rng = rand_counter(&n);
	int bad;

	if (ssh_priv_generate(SSH_ED25519, 0, &rng, &ca, NULL) != JIT_OK ||
	    ssh_priv_generate(SSH_ED25519, 0, &rng, &subject, NULL) != JIT_OK)
		return 1;
	bad = jt_one("ours, by ssh-keygen", ours_read_by_ssh_keygen) +
	    JT_ROWS("ssh-keygen's, by us", theirs_read_by_us, kinds) +
	    JT_ROWS("never made", never_made, bads) +
	    jt_one("a flipped bit never verifies", flipped) +
	    jt_one("what differs is named", differs);
	ssh_priv_free(ca);
	ssh_priv_free(subject);
	return bad;
}
