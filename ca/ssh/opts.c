#include <arpa/inet.h>
#include <string.h>

#include "ca/base/text.h"
#include "ca/ssh/opts.h"

enum shape { FLAG, STRING, CIDRS };

static const struct row {
	const char *name;
	bool critical;
	enum shape shape;
} rows[] = {
	{ "force-command", true, STRING },
	{ "source-address", true, CIDRS },
	{ "verify-required", true, FLAG },
	{ "no-touch-required", false, FLAG },
	{ "permit-X11-forwarding", false, FLAG },
	{ "permit-agent-forwarding", false, FLAG },
	{ "permit-port-forwarding", false, FLAG },
	{ "permit-pty", false, FLAG },
	{ "permit-user-rc", false, FLAG },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))
#define VALUE_MAX 1024

static const struct row *
row_of(struct span name)
{
	for (size_t i = 0; i < ROWS; i++)
		if (span_eq_str(name, rows[i].name))
			return &rows[i];
	return NULL;
}

/* Bits behind the prefix are zero, and the address is in its only form. */
static bool
is_cidr(struct span s)
{
	const uint8_t *slash = s.n ? memchr(s.p, '/', s.n) : NULL;
	char text[64], back[64];
	uint8_t addr[16];
	unsigned len = 0, bits, n;
	int af;

	if (slash == NULL || s.n >= sizeof(text))
		return false;
	n = (unsigned)(slash - s.p);
	memcpy(text, s.p, n);
	text[n] = '\0';
	af = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
	bits = af == AF_INET6 ? 128 : 32;
	if (inet_pton(af, text, addr) != 1 ||
	    inet_ntop(af, addr, back, sizeof(back)) == NULL ||
	    strcmp(text, back) != 0)
		return false;
	if (s.n - n < 2 || s.n - n > 4 || (slash[1] == '0' && s.n - n > 2))
		return false;
	for (size_t i = n + 1; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		len = len * 10 + (s.p[i] - '0');
	}
	if (len > bits)
		return false;
	for (unsigned b = len; b < bits; b++)
		if (addr[b / 8] & (0x80 >> b % 8))
			return false;
	return true;
}

static bool
is_cidr_list(struct span s)
{
	struct span seen[64];
	size_t n = 0;

	for (;;) {
		const uint8_t *comma = s.n ? memchr(s.p, ',', s.n) : NULL;
		struct span one = SPAN(s.p, comma == NULL ? s.n :
		    (size_t)(comma - s.p));

		if (!is_cidr(one) || n == 64)
			return false;
		for (size_t i = 0; i < n; i++)
			if (span_eq(seen[i], one))
				return false;
		seen[n++] = one;
		if (comma == NULL)
			return true;
		s = SPAN(comma + 1, s.n - one.n - 1);
	}
}

/* Is the value of the row's shape?  value.p is NULL where there is no "=". */
static enum jit_err
check_value(const struct row *row, struct span value, struct jit_why *why)
{
	if (row->shape == FLAG)
		return value.n == 0 ? JIT_OK : jit_fail(why, JIT_E_FORMAT,
		    "option %s takes no value", row->name);
	if (value.n == 0)
		return jit_fail(why, JIT_E_FORMAT, "option %s needs a value: "
		    "%s=...", row->name, row->name);
	if (value.n > VALUE_MAX || !text_is_ascii(value))
		return jit_fail(why, JIT_E_FORMAT, "option %s: accepted are at "
		    "most %d bytes of printable ASCII", row->name, VALUE_MAX);
	if (row->shape == CIDRS && !is_cidr_list(value))
		return jit_fail(why, JIT_E_FORMAT, "option %s: accepted is a "
		    "list like 10.0.0.0/8,2001:db8::/32, each once and without "
		    "host bits", row->name);
	return JIT_OK;
}

static enum jit_err
unknown(struct span name, struct jit_why *why)
{
	char shown[64];

	return jit_fail(why, JIT_E_FORMAT, "option \"%s\"; accepted are "
	    "force-command, source-address, verify-required, "
	    "no-touch-required, permit-X11-forwarding, "
	    "permit-agent-forwarding, permit-port-forwarding, permit-pty, "
	    "permit-user-rc", text_shown(name, shown, sizeof(shown)));
}

enum jit_err
ssh_opt_parse(struct span s, struct ssh_opt *ret, struct jit_why *why)
{
	const uint8_t *eq = s.n ? memchr(s.p, '=', s.n) : NULL;
	struct ssh_opt o = { s, SPAN_NONE };
	const struct row *row;

	if (eq != NULL) {
		o.name.n = (size_t)(eq - s.p);
		o.value = SPAN(eq + 1, s.n - o.name.n - 1);
	}
	if ((row = row_of(o.name)) == NULL)
		return unknown(o.name, why);
	/* "permit-pty=" is another text for the same flag. */
	if (row->shape == FLAG && eq != NULL)
		return jit_fail(why, JIT_E_FORMAT, "option %s takes no value",
		    row->name);
	JIT_TRY(check_value(row, o.value, why));
	*ret = o;
	return JIT_OK;
}

bool
ssh_opt_is_critical(const struct ssh_opt *o)
{
	const struct row *row = row_of(o->name);

	return row != NULL && row->critical;
}

enum jit_err
ssh_opt_check(const struct ssh_opt *o, struct jit_why *why)
{
	const struct row *row = row_of(o->name);

	if (row == NULL)
		return unknown(o->name, why);
	return check_value(row, o->value, why);
}

/* The smallest name above last among those of the wanted kind. */
static const struct ssh_opt *
next_by_name(const struct ssh_opt *o, size_t n, bool critical,
    struct span last, bool first)
{
	const struct ssh_opt *best = NULL;

	for (size_t i = 0; i < n; i++) {
		if (ssh_opt_is_critical(&o[i]) != critical)
			continue;
		if (!first && span_cmp(o[i].name, last) <= 0)
			continue;
		if (best == NULL || span_cmp(o[i].name, best->name) < 0)
			best = &o[i];
	}
	return best;
}

enum jit_err
ssh_opts_put(struct wr *w, const struct ssh_opt *o, size_t n, bool critical)
{
	const struct ssh_opt *at = NULL;

	for (size_t i = 0; i < n; i++) {
		/* Among the extensions a restriction would be ignored. */
		if (row_of(o[i].name) == NULL)
			return JIT_E_ARG;
		for (size_t k = 0; k < i; k++)
			if (span_eq(o[i].name, o[k].name))
				return JIT_E_ARG;
	}
	while ((at = next_by_name(o, n, critical, at ? at->name : SPAN_NONE,
	    at == NULL)) != NULL) {
		size_t mark;

		wr_string(w, at->name);
		mark = wr_string_begin(w);
		/* A value is a string inside the string; a flag is empty. */
		if (at->value.n > 0)
			wr_string(w, at->value);
		wr_string_end(w, mark);
	}
	return w->err;
}

enum jit_err
ssh_opts_get(struct span list, bool critical, struct ssh_opt *ret, size_t max,
    size_t *n, struct jit_why *why)
{
	struct rd r = rd_of(list);
	struct span last = SPAN_NONE;

	for (*n = 0; r.n > 0; (*n)++) {
		struct span name = rd_cstring(&r, 64);
		struct span data = rd_string(&r, VALUE_MAX + 4);
		const struct row *row = row_of(name);
		struct rd in = rd_of(data);

		if (r.err != JIT_OK)
			break;
		if (row == NULL || row->critical != critical)
			return unknown(name, why);
		if (*n > 0 && span_cmp(name, last) <= 0)
			return jit_fail(why, JIT_E_FORMAT, "options are not "
			    "in order, each once");
		if (*n == max)
			return jit_fail(why, JIT_E_FORMAT, "too many options");
		ret[*n] = (struct ssh_opt){ name, data.n == 0 ? SPAN_NONE :
		    rd_string(&in, VALUE_MAX) };
		if (rd_end(&in) != JIT_OK)
			return jit_fail(why, JIT_E_FORMAT, "option %s: extra "
			    "data", row->name);
		JIT_TRY(check_value(row, ret[*n].value, why));
		/* A flag has no string inside, not an empty one. */
		if (row->shape == FLAG && data.n != 0)
			return jit_fail(why, JIT_E_FORMAT, "option %s takes no "
			    "value", row->name);
		last = name;
	}
	return rd_end(&r) == JIT_OK ? JIT_OK :
	    jit_fail(why, JIT_E_FORMAT, "malformed list of options");
}
