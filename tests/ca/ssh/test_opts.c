/*
 * opts: each option in one form, in its list, in order, once (cases 17, 38).
 */
#include <stdio.h>
#include <string.h>

#include "ca/ssh/opts.h"
#include "tests/lib/jt.h"

/* ---- as text ---- */

struct text { const char *name, *text, *value; enum jit_err want; };

static const struct text texts[] = {
	{ "a flag", "permit-pty", "", JIT_OK },
	{ "a critical flag", "verify-required", "", JIT_OK },
	{ "a capital X", "permit-X11-forwarding", "", JIT_OK },
	{ "a command", "force-command=/bin/true", "/bin/true", JIT_OK },
	{ "a command with =", "force-command=env A=b x", "env A=b x",
	    JIT_OK },
	{ "a network", "source-address=10.0.0.0/8", "10.0.0.0/8", JIT_OK },
	{ "two networks", "source-address=10.0.0.0/8,2001:db8::/32",
	    "10.0.0.0/8,2001:db8::/32", JIT_OK },
	{ "everything", "source-address=0.0.0.0/0,::/0", "0.0.0.0/0,::/0",
	    JIT_OK },
	{ "one host", "source-address=192.0.2.1/32", "192.0.2.1/32",
	    JIT_OK },

	{ "nothing", "", NULL, JIT_E_FORMAT },
	{ "a value alone", "=x", NULL, JIT_E_FORMAT },
	{ "unknown", "permit-everything", NULL, JIT_E_FORMAT },
	{ "unknown of a domain", "grant@x.dev", NULL, JIT_E_FORMAT },
	{ "another case", "Permit-pty", NULL, JIT_E_FORMAT },
	{ "x11 in lower case", "permit-x11-forwarding", NULL, JIT_E_FORMAT },
	{ "leading space", " permit-pty", NULL, JIT_E_FORMAT },
	{ "trailing space", "permit-pty ", NULL, JIT_E_FORMAT },
	{ "a prefix of a name", "permit", NULL, JIT_E_FORMAT },
	{ "two in one", "permit-pty,permit-user-rc", NULL, JIT_E_FORMAT },
	{ "a flag with a value", "permit-pty=yes", NULL, JIT_E_FORMAT },
	{ "a flag with an empty value", "permit-pty=", NULL, JIT_E_FORMAT },
	{ "no command", "force-command", NULL, JIT_E_FORMAT },
	{ "an empty command", "force-command=", NULL, JIT_E_FORMAT },
	{ "LF in a command", "force-command=a\nb", NULL, JIT_E_FORMAT },
	{ "tab in a command", "force-command=a\tb", NULL, JIT_E_FORMAT },
	{ "escape in a command", "force-command=\033[2J", NULL,
	    JIT_E_FORMAT },
	{ "UTF-8 in a command", "force-command=caf\xc3\xa9", NULL,
	    JIT_E_FORMAT },
	{ "no network", "source-address=", NULL, JIT_E_FORMAT },
	{ "no prefix length", "source-address=10.0.0.1", NULL, JIT_E_FORMAT },
	{ "an empty prefix length", "source-address=10.0.0.0/", NULL,
	    JIT_E_FORMAT },
	{ "host bits", "source-address=10.0.0.1/8", NULL, JIT_E_FORMAT },
	{ "host bits, IPv6", "source-address=2001:db8::1/64", NULL,
	    JIT_E_FORMAT },
	{ "33", "source-address=10.0.0.0/33", NULL, JIT_E_FORMAT },
	{ "129", "source-address=::/129", NULL, JIT_E_FORMAT },
	{ "a padded length", "source-address=10.0.0.0/08", NULL,
	    JIT_E_FORMAT },
	{ "a signed length", "source-address=10.0.0.0/+8", NULL,
	    JIT_E_FORMAT },
	{ "a mask", "source-address=10.0.0.0/255.0.0.0", NULL,
	    JIT_E_FORMAT },
	{ "three parts", "source-address=10.0.0/24", NULL, JIT_E_FORMAT },
	{ "octal", "source-address=010.0.0.0/8", NULL, JIT_E_FORMAT },
	{ "capital IPv6", "source-address=2001:DB8::/32", NULL,
	    JIT_E_FORMAT },
	{ "long IPv6", "source-address=2001:db8:0:0::/32", NULL,
	    JIT_E_FORMAT },
	{ "a zone", "source-address=fe80::%eth0/64", NULL, JIT_E_FORMAT },
	{ "negated", "source-address=!10.0.0.0/8", NULL, JIT_E_FORMAT },
	{ "a pattern", "source-address=10.*/8", NULL, JIT_E_FORMAT },
	{ "a name", "source-address=localhost/32", NULL, JIT_E_FORMAT },
	{ "twice", "source-address=10.0.0.0/8,10.0.0.0/8", NULL,
	    JIT_E_FORMAT },
	{ "a comma behind", "source-address=10.0.0.0/8,", NULL,
	    JIT_E_FORMAT },
	{ "a comma before", "source-address=,10.0.0.0/8", NULL,
	    JIT_E_FORMAT },
	{ "a space between", "source-address=10.0.0.0/8, 10.1.0.0/16", NULL,
	    JIT_E_FORMAT },
};

static void
text(void **state)
{
	const struct text *t = *state;
	struct ssh_opt o = { SPAN_NONE, SPAN_NONE };
	struct jit_why why = { JIT_OK, "" };

	JT_WHY(ssh_opt_parse(span_str(t->text), &o, &why), t->want, &why);
	if (t->want != JIT_OK) {
		assert_null(o.name.p);
		assert_true(why.msg[0] != '\0');
		return;
	}
	assert_true(span_eq_str(o.value, t->value));
	assert_true(span_eq(o.name, SPAN(t->text, o.name.n)));
	assert_int_equal(ssh_opt_is_critical(&o), t->text[0] == 'f' ||
	    t->text[0] == 's' || t->text[0] == 'v');
}

static void
long_values(void **state)
{
	char s[2048] = "force-command=";
	struct ssh_opt o;

	(void)state;
	memset(s + 14, 'x', 1025);
	JT_ERR(ssh_opt_parse(SPAN(s, 14 + 1025), &o, NULL), JIT_E_FORMAT);
	JT_OK(ssh_opt_parse(SPAN(s, 14 + 1024), &o, NULL));
	s[20] = '\0';
	JT_ERR(ssh_opt_parse(SPAN(s, 14 + 1024), &o, NULL), JIT_E_FORMAT);
}

/* ---- written ---- */

struct put {
	const char *name;
	const char *in[10];
	const char *critical[4], *other[8];
	enum jit_err want;	/* of the list that holds the error */
};

static const struct put puts_[] = {
	{ "none", { NULL }, { NULL }, { NULL }, JIT_OK },
	{ "one", { "permit-pty" }, { NULL }, { "permit-pty" }, JIT_OK },
	{ "bytewise order: capitals first", { "permit-user-rc", "permit-pty",
	    "permit-X11-forwarding", "permit-agent-forwarding",
	    "no-touch-required", "permit-port-forwarding" }, { NULL },
	    { "no-touch-required", "permit-X11-forwarding",
	    "permit-agent-forwarding", "permit-port-forwarding",
	    "permit-pty", "permit-user-rc" }, JIT_OK },
	{ "each in its list", { "verify-required", "permit-pty",
	    "source-address=::/0", "force-command=id" },
	    { "force-command", "source-address", "verify-required" },
	    { "permit-pty" }, JIT_OK },
	{ "case 38: a flag twice", { "permit-pty", "permit-user-rc",
	    "permit-pty" }, { NULL }, { NULL }, JIT_E_ARG },
	{ "case 17: two commands", { "force-command=a", "force-command=b" },
	    { NULL }, { NULL }, JIT_E_ARG },
};

static void
names_are(struct span list, bool critical, const char *const *want)
{
	struct ssh_opt got[16];
	size_t n = 99, k = 0;

	JT_OK(ssh_opts_get(list, critical, got, 16, &n, NULL));
	for (; want[k] != NULL; k++)
		assert_true(k < n && span_eq_str(got[k].name, want[k]));
	assert_int_equal(n, k);
}

static void
put(void **state)
{
	const struct put *p = *state;
	JIT_DONE(wr_done) struct wr crit = WR_INIT(4096);
	JIT_DONE(wr_done) struct wr other = WR_INIT(4096);
	struct ssh_opt o[10];
	size_t n;

	for (n = 0; p->in[n] != NULL; n++)
		JT_OK(ssh_opt_parse(span_str(p->in[n]), &o[n], NULL));
	JT_ERR(ssh_opts_put(&crit, o, n, true), p->want);
	JT_ERR(ssh_opts_put(&other, o, n, false), p->want);
	if (p->want != JIT_OK)
		return;
	names_are(wr_view(&crit), true, p->critical);
	names_are(wr_view(&other), false, p->other);
}

/*
 * An option that no table row places has no list: written among the
 * extensions, which are there to be ignored, a restriction would be lost.
 */
static void
unknown_is_not_written(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(4096);
	struct ssh_opt o = { span_str("force-comand"), span_str("id") };

	(void)state;
	JT_ERR(ssh_opts_put(&w, &o, 1, true), JIT_E_ARG);
	JT_ERR(ssh_opts_put(&w, &o, 1, false), JIT_E_ARG);
	assert_int_equal(w.n, 0);
}

/* ---- read ---- */

/* name, data pairs; data is raw: "" a flag, "\0\0\0\2id" a value of "id". */
struct pair { const char *name, *data; size_t n; };
#define FLAG "", 0
#define VALUE(n, s) "\0\0\0" n s, sizeof("\0\0\0" n s) - 1
struct get {
	const char *name;
	bool critical;
	struct pair pairs[4];
	enum jit_err want;
};

static const struct get gets_[] = {
	{ "a flag", false, { { "permit-pty", FLAG } }, JIT_OK },
	{ "a value", true, { { "force-command", VALUE("\2", "id") } },
	    JIT_OK },
	{ "in order", false, { { "permit-X11-forwarding", FLAG },
	    { "permit-agent-forwarding", FLAG }, { "permit-pty", FLAG } },
	    JIT_OK },
	{ "case 38: out of order", false, { { "permit-pty", FLAG },
	    { "permit-agent-forwarding", FLAG } }, JIT_E_FORMAT },
	{ "lower case before capital", false, {
	    { "permit-agent-forwarding", FLAG },
	    { "permit-X11-forwarding", FLAG } }, JIT_E_FORMAT },
	{ "case 38: twice", false, { { "permit-pty", FLAG },
	    { "permit-pty", FLAG } }, JIT_E_FORMAT },
	{ "case 17: two commands", true, {
	    { "force-command", VALUE("\2", "id") },
	    { "force-command", VALUE("\2", "sh") } }, JIT_E_FORMAT },
	{ "case 38: unknown critical", true, { { "x@example.com", FLAG } },
	    JIT_E_FORMAT },
	{ "case 38: unknown extension", false, { { "x@example.com", FLAG } },
	    JIT_E_FORMAT },
	{ "an extension as critical", true, { { "permit-pty", FLAG } },
	    JIT_E_FORMAT },
	{ "a restriction as extension", false, {
	    { "force-command", VALUE("\2", "id") } }, JIT_E_FORMAT },
	{ "a flag with a value", false, { { "permit-pty",
	    VALUE("\3", "yes") } }, JIT_E_FORMAT },
	{ "a flag with an empty value", false, { { "permit-pty",
	    VALUE("\0", "") } }, JIT_E_FORMAT },
	{ "a value without its length", true, { { "force-command",
	    "id", 2 } }, JIT_E_FORMAT },
	{ "no value", true, { { "force-command", FLAG } }, JIT_E_FORMAT },
	{ "an empty value", true, { { "force-command", VALUE("\0", "") } },
	    JIT_E_FORMAT },
	{ "extra data", true, { { "force-command", VALUE("\2", "id!") } },
	    JIT_E_FORMAT },
	{ "a value cut short", true, { { "force-command",
	    VALUE("\3", "id") } }, JIT_E_FORMAT },
	{ "NUL in a value", true, { { "force-command",
	    VALUE("\3", "i\0d") } }, JIT_E_FORMAT },
	{ "a list that is none", true, { { "source-address",
	    VALUE("\3", "any") } }, JIT_E_FORMAT },
	{ "no name", false, { { "", FLAG } }, JIT_E_FORMAT },
};

static void
put_pairs(struct wr *w, const struct get *g)
{
	for (size_t i = 0; i < 4 && g->pairs[i].name != NULL; i++) {
		wr_cstring(w, g->pairs[i].name);
		wr_string(w, SPAN(g->pairs[i].data, g->pairs[i].n));
	}
}

/* What is read is written as the same bytes. */
static void
one_form(void *arg, struct span s)
{
	const struct get *g = arg;
	JIT_DONE(wr_done) struct wr w = WR_INIT(4096);
	struct ssh_opt o[4];
	size_t n;

	if (ssh_opts_get(s, g->critical, o, 4, &n, NULL) != JIT_OK)
		return;
	JT_OK(ssh_opts_put(&w, o, n, g->critical));
	assert_true(span_eq(wr_view(&w), s));
}

static void
get(void **state)
{
	const struct get *g = *state;
	JIT_DONE(wr_done) struct wr w = WR_INIT(4096);
	struct ssh_opt o[4];
	struct get copy = *g;
	size_t n = 0;

	put_pairs(&w, g);
	JT_ERR(ssh_opts_get(wr_view(&w), g->critical, o, 4, &n, NULL),
	    g->want);
	jt_flip_truncate(wr_view(&w), one_form, &copy);
}

static void
no_room(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(4096);
	struct ssh_opt o[2];
	size_t n = 0;

	(void)state;
	put_pairs(&w, &gets_[2]);
	JT_ERR(ssh_opts_get(wr_view(&w), false, o, 2, &n, NULL),
	    JIT_E_FORMAT);
	JT_OK(ssh_opts_get(SPAN_NONE, false, o, 0, &n, NULL));
	assert_int_equal(n, 0);
}

int
main(void)
{
	return JT_ROWS("as text", text, texts) +
	    jt_one("long values", long_values) +
	    JT_ROWS("written", put, puts_) +
	    jt_one("unknown is not written", unknown_is_not_written) +
	    JT_ROWS("read", get, gets_) +
	    jt_one("no room", no_room);
}
