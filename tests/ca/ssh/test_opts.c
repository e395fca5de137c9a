/* opts: the table both ways, and what no certificate may hold. */
#include <string.h>

#include "ca/ssh/opts.h"
#include "tests/lib/jt.h"

struct row { const char *name, *text; enum jit_err want; };
static const struct row texts[] = {
	{ "flag", "permit-pty", JIT_OK },
	{ "value", "force-command=/usr/bin/true -x", JIT_OK },
	{ "value with an equals sign", "force-command=a=b", JIT_OK },
	{ "two networks", "source-address=10.0.0.0/8,2001:db8::/32", JIT_OK },
	{ "one address", "source-address=192.0.2.1/32", JIT_OK },
	{ "everywhere", "source-address=0.0.0.0/0", JIT_OK },
	{ "flag with a value", "permit-pty=yes", JIT_E_FORMAT },
	{ "flag with an empty value", "permit-pty=", JIT_E_FORMAT },
	{ "value missing", "force-command", JIT_E_FORMAT },
	{ "value empty", "force-command=", JIT_E_FORMAT },
	{ "control in a value", "force-command=a\tb", JIT_E_FORMAT },
	{ "unknown", "permit-root", JIT_E_FORMAT },
	{ "other case", "Permit-pty", JIT_E_FORMAT },
	{ "empty", "", JIT_E_FORMAT },
	{ "no prefix length", "source-address=10.0.0.0", JIT_E_FORMAT },
	{ "host bits", "source-address=10.0.0.1/8", JIT_E_FORMAT },
	{ "length 33", "source-address=10.0.0.0/33", JIT_E_FORMAT },
	{ "length 08", "source-address=10.0.0.0/08", JIT_E_FORMAT },
	{ "IPv6 not in its short form",
	    "source-address=2001:0db8::/32", JIT_E_FORMAT },
	{ "the same twice", "source-address=10.0.0.0/8,10.0.0.0/8",
	    JIT_E_FORMAT },
	{ "a comma at the end", "source-address=10.0.0.0/8,", JIT_E_FORMAT },
	{ "a name", "source-address=localhost/8", JIT_E_FORMAT },
};

static void
text(void **state)
{
	const struct row *r = *state;
	struct jit_why why = { 0 };
	struct ssh_opt o;

	JT_WHY(ssh_opt_parse(span_str(r->text), &o, &why), r->want, &why);
}

struct list { const char *name, *bytes; size_t n; enum jit_err want; };
#define NAME(s, n) "\0\0\0" n s
#define PTY NAME("permit-pty", "\12") "\0\0\0\0"
#define X11 NAME("permit-X11-forwarding", "\25") "\0\0\0\0"
#define L(s) s, sizeof(s) - 1
static const struct list lists[] = {
	{ "empty", "", 0, JIT_OK },
	{ "one", L(PTY), JIT_OK },
	{ "X sorts before p", L(X11 PTY), JIT_OK },
	{ "not sorted", L(PTY X11), JIT_E_FORMAT },
	{ "twice", L(PTY PTY), JIT_E_FORMAT },
	{ "unknown (case 38)", L(NAME("permit-all", "\12") "\0\0\0\0"),
	    JIT_E_FORMAT },
	{ "critical among extensions",
	    L(NAME("verify-required", "\17") "\0\0\0\0"), JIT_E_FORMAT },
	{ "a flag with data", L(NAME("permit-pty", "\12") "\0\0\0\5\0\0\0\1x"),
	    JIT_E_FORMAT },
	{ "a flag with an empty string",
	    L(NAME("permit-pty", "\12") "\0\0\0\4\0\0\0\0"), JIT_E_FORMAT },
	{ "cut short", L(NAME("permit-pty", "\12") "\0\0\0"), JIT_E_FORMAT },
};

static void
list(void **state)
{
	const struct list *r = *state;
	struct ssh_opt o[4];
	struct jit_why why = { 0 };
	size_t n;

	JT_WHY(ssh_opts_get(SPAN(r->bytes, r->n), false, o, 4, &n, &why),
	    r->want, &why);
}

static void
sorted(void **state)
{
	struct ssh_opt o[3], back[3];
	JIT_DONE(wr_done) struct wr w = WR_INIT(200);
	size_t n;

	(void)state;
	JT_OK(ssh_opt_parse(span_str("permit-pty"), &o[0], NULL));
	JT_OK(ssh_opt_parse(span_str("permit-X11-forwarding"), &o[1], NULL));
	JT_OK(ssh_opt_parse(span_str("force-command=ls"), &o[2], NULL));
	JT_OK(ssh_opts_put(&w, o, 3, false));
	JT_OK(ssh_opts_get(wr_view(&w), false, back, 3, &n, NULL));
	assert_true(n == 2 && span_eq(back[0].name, o[1].name));
	wr_done(&w);
	JT_OK(ssh_opts_put(&w, o, 3, true));
	JT_OK(ssh_opts_get(wr_view(&w), true, back, 3, &n, NULL));
	assert_true(n == 1 && span_eq_str(back[0].value, "ls"));
	o[1] = o[0];
	JT_ERR(ssh_opts_put(&w, o, 3, false), JIT_E_ARG);
}

int
main(void)
{
	return JT_ROWS("texts", text, texts) + JT_ROWS("lists", list, lists) +
	    jt_one("sorted", sorted);
}
