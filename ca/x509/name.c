#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "ca/base/text.h"
#include "ca/x509/der.h"
#include "ca/x509/name.h"
#include "ca/x509/oid.h"

void
x509_names_done(struct x509_names *l)
{
	buf_done(&l->text);
	l->n = 0;
}

/* ---- one name ---- */

static bool
is_alnum(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9');
}

static bool
is_one_of(uint8_t c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

bool
x509_is_value(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_alnum(s.p[i]) && !is_one_of(s.p[i], "._@:-"))
			return false;
	return s.n >= 1 && s.n <= X509_VALUE_MAX;
}

/* Lower-case letters, digits and hyphens, no hyphen at either end. */
static bool
is_label(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!(s.p[i] >= 'a' && s.p[i] <= 'z') &&
		    !(s.p[i] >= '0' && s.p[i] <= '9') && s.p[i] != '-')
			return false;
	return s.n >= 1 && s.n <= 63 && s.p[0] != '-' && s.p[s.n - 1] != '-';
}

/* Digits, or 0x and hex: what inet_aton() takes for part of an address. */
static bool
is_number(struct span s)
{
	bool hex = s.n > 1 && s.p[0] == '0' && s.p[1] == 'x';

	for (size_t i = hex ? 2 : 0; i < s.n; i++)
		if (!(s.p[i] >= '0' && s.p[i] <= '9') &&
		    !(hex && s.p[i] >= 'a' && s.p[i] <= 'f'))
			return false;
	return true;
}

static bool
is_dns(struct span s)
{
	struct span label = SPAN(s.p, 0);

	if (s.n == 0 || s.n > 253)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '.') {
			label.n++;
			continue;
		}
		if (!is_label(label))
			return false;
		label = SPAN(s.p + i + 1, 0);
	}
	return is_label(label) && !is_number(label);
}

/* The 4 or 16 bytes of an address in inet_ntop()'s own form; 0: it is none. */
static size_t
ip_bytes(struct span s, uint8_t ret[static 16])
{
	char text[INET6_ADDRSTRLEN], back[INET6_ADDRSTRLEN];
	int af;

	if (s.n == 0 || s.n >= sizeof(text) || memchr(s.p, 0, s.n) != NULL)
		return 0;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	af = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
	/* An IPv4 address in an IPv6 one has two readings. */
	if ((af == AF_INET6 && strchr(text, '.') != NULL) ||
	    inet_pton(af, text, ret) != 1 ||
	    inet_ntop(af, ret, back, sizeof(back)) == NULL ||
	    strcmp(text, back) != 0)
		return 0;
	return af == AF_INET6 ? 16 : 4;
}

static bool
is_ip(struct span s)
{
	uint8_t b[16];

	return ip_bytes(s, b) != 0;
}

static bool
is_uri(struct span s)
{
	const uint8_t *colon = s.n > 0 ? memchr(s.p, ':', s.n) : NULL;
	size_t scheme = colon != NULL ? (size_t)(colon - s.p) : 0;

	if (scheme == 0 || scheme + 1 == s.n || s.n > X509_SAN_MAX ||
	    !(s.p[0] >= 'a' && s.p[0] <= 'z'))
		return false;
	for (size_t i = 0; i < scheme; i++)
		if (!is_alnum(s.p[i]) && !is_one_of(s.p[i], "+.-"))
			return false;
		else if (s.p[i] >= 'A' && s.p[i] <= 'Z')
			return false;
	for (size_t i = scheme; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' ||
		    is_one_of(s.p[i], "\"',\\<>^`{|}"))
			return false;
	return true;
}

static bool
is_email(struct span s)
{
	const uint8_t *at = s.n > 0 ? memchr(s.p, '@', s.n) : NULL;
	size_t local = at != NULL ? (size_t)(at - s.p) : 0;

	if (local == 0 || local > 64 || s.n > 254 || s.p[0] == '.' ||
	    s.p[local - 1] == '.')
		return false;
	for (size_t i = 0; i < local; i++)
		if ((!is_alnum(s.p[i]) && !is_one_of(s.p[i], "._+-")) ||
		    (s.p[i] == '.' && s.p[i + 1] == '.'))
			return false;
	return is_dns(SPAN(at + 1, s.n - local - 1));
}

/* ---- kinds of SAN ---- */

static const struct kind {
	enum x509_san_kind kind;
	const char *prefix;
	uint8_t tag;			/* of the GeneralName */
	bool (*is)(struct span s);
	const char *rule;
} kinds[] = {
	{ X509_SAN_DNS, "DNS:", DER_CTX(2), is_dns, "lower-case labels of "
	    "letters, digits and hyphens, no wildcard" },
	{ X509_SAN_IP, "IP:", DER_CTX(7), is_ip, "an address in its shortest "
	    "form" },
	{ X509_SAN_URI, "URI:", DER_CTX(6), is_uri, "a scheme and printable "
	    "ASCII without space, quotes or comma" },
	{ X509_SAN_EMAIL, "email:", DER_CTX(1), is_email, "an address in plain "
	    "ASCII" },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* The row that s begins with, and what is behind its prefix. */
static const struct kind *
kind_of(struct span s, struct span *value)
{
	for (size_t i = 0; i < KINDS; i++) {
		size_t n = strlen(kinds[i].prefix);

		if (s.n < n || memcmp(s.p, kinds[i].prefix, n) != 0)
			continue;
		*value = SPAN(s.p + n, s.n - n);
		return &kinds[i];
	}
	return NULL;
}

enum x509_san_kind
x509_san_kind(struct span s)
{
	struct span value;
	const struct kind *k = kind_of(s, &value);

	return k != NULL ? k->kind : 0;
}

static enum jit_err
check_order(const struct span *s, size_t from, size_t n, const char *what,
    struct jit_why *why)
{
	char shown[TEXT_SHOWN];

	for (size_t i = from + 1; i < n; i++)
		if (span_cmp(s[i - 1], s[i]) >= 0)
			return jit_fail(why, JIT_E_FORMAT, "%s \"%s\" is out "
			    "of order or there twice", what,
			    text_shown(s[i], shown, sizeof(shown)));
	return JIT_OK;
}

enum jit_err
x509_san_check(const struct span *s, size_t n, struct jit_why *why)
{
	char shown[TEXT_SHOWN];

	if (n > X509_SANS_MAX)
		return jit_fail(why, JIT_E_FORMAT, "%zu SANs, accepted are at "
		    "most %d", n, X509_SANS_MAX);
	for (size_t i = 0; i < n; i++) {
		struct span value = SPAN_NONE;
		const struct kind *k = kind_of(s[i], &value);

		(void)text_shown(s[i], shown, sizeof(shown));
		if (k == NULL)
			return jit_fail(why, JIT_E_FORMAT, "SAN \"%s\"; "
			    "accepted are DNS: IP: URI: email:", shown);
		if (!k->is(value))
			return jit_fail(why, JIT_E_FORMAT, "SAN \"%s\"; "
			    "accepted is %s", shown, k->rule);
	}
	return check_order(s, 0, n, "SAN", why);
}

/* ---- subjects ---- */

static struct span
behind(struct span s, const char *prefix)
{
	size_t n = strlen(prefix);

	return s.n > n && memcmp(s.p, prefix, n) == 0 ?
	    SPAN(s.p + n, s.n - n) : SPAN_NONE;
}

enum jit_err
x509_subject_check(const struct span *s, size_t n, struct jit_why *why)
{
	char shown[TEXT_SHOWN];

	if (n < 1 || n > X509_SUBJECT_MAX)
		return jit_fail(why, JIT_E_FORMAT, "a subject of %zu parts; "
		    "accepted are one CN and at most %d O", n,
		    X509_SUBJECT_MAX - 1);
	for (size_t i = 0; i < n; i++)
		if (!x509_is_value(behind(s[i], i == 0 ? "CN=" : "O=")))
			return jit_fail(why, JIT_E_FORMAT, "subject \"%s\"; "
			    "accepted is \"%s\" and 1 to %d of "
			    "[A-Za-z0-9._@:-]", text_shown(s[i], shown,
			    sizeof(shown)), i == 0 ? "CN=" : "O=",
			    X509_VALUE_MAX);
	return check_order(s, 1, n, "subject", why);
}

void
x509_subject_put(struct wr *w, const struct span *s, size_t n)
{
	size_t name = der_begin(w, DER_SEQ), rdn, pair;

	if (x509_subject_check(s, n, NULL) != JIT_OK)
		wr_fail(w, JIT_E_FORMAT);
	for (size_t i = 0; w->err == JIT_OK && i < n; i++) {
		rdn = der_begin(w, DER_SET);
		pair = der_begin(w, DER_SEQ);
		oid_put(w, i == 0 ? OID_CN : OID_O);
		der_put(w, DER_UTF8, behind(s[i], i == 0 ? "CN=" : "O="));
		der_end(w, pair);
		der_end(w, rdn);
	}
	der_end(w, name);
}

void
x509_san_put(struct wr *w, const struct span *s, size_t n)
{
	size_t names = der_begin(w, DER_SEQ);
	uint8_t ip[16];

	if (x509_san_check(s, n, NULL) != JIT_OK)
		wr_fail(w, JIT_E_FORMAT);
	for (size_t i = 0; w->err == JIT_OK && i < n; i++) {
		struct span value = SPAN_NONE;
		const struct kind *k = kind_of(s[i], &value);

		if (k->kind == X509_SAN_IP)
			value = SPAN(ip, ip_bytes(value, ip));
		der_put(w, k->tag, value);
	}
	der_end(w, names);
}

/* ---- read back ---- */

/* Texts one behind the other, and where each ends. */
struct list {
	struct wr text;
	size_t end[X509_SANS_MAX], n;
};

static void
list_done(struct list *l)
{
	wr_done(&l->text);
}
JIT_SCOPED_OBJ(struct list, list_done);

static void
list_add(struct list *l, const char *prefix, struct span value)
{
	if (l->n == X509_SANS_MAX) {
		wr_fail(&l->text, JIT_E_FORMAT);
		return;
	}
	wr_str(&l->text, prefix);
	wr_span(&l->text, value);
	l->end[l->n++] = l->text.n;
}

static enum jit_err
list_take(struct list *l, struct x509_names *ret)
{
	struct x509_names out = { .n = l->n };
	size_t from = 0;

	JIT_TRY(wr_take(&l->text, &out.text));
	for (size_t i = 0; i < out.n; i++) {
		out.at[i] = SPAN(out.text.p + from, l->end[i] - from);
		from = l->end[i];
	}
	*ret = out;
	return JIT_OK;
}

enum jit_err
x509_subject_get(struct span der, struct x509_names *ret, struct jit_why *why)
{
	JIT_DONE(list_done) struct list l = { .text = WR_INIT(4096) };
	JIT_DONE(x509_names_done) struct x509_names out = { .n = 0 };
	struct rd r = rd_of(der), name = der_enter(&r, DER_SEQ);

	while (name.err == JIT_OK && name.n > 0) {
		struct rd rdn = der_enter(&name, DER_SET);
		struct rd pair = der_enter(&rdn, DER_SEQ);
		struct span oid = der_get(&pair, DER_OID);
		struct span value = der_get(&pair, DER_UTF8);
		bool cn = span_eq(oid, oid_bytes(OID_CN));

		if (rd_end(&pair) != JIT_OK || rd_end(&rdn) != JIT_OK ||
		    (!cn && !span_eq(oid, oid_bytes(OID_O))))
			return jit_fail(why, JIT_E_FORMAT, "a subject with "
			    "more than CN and O as UTF8String");
		list_add(&l, cn ? "CN=" : "O=", value);
	}
	if (rd_end(&name) != JIT_OK || rd_end(&r) != JIT_OK)
		return jit_fail(why, JIT_E_FORMAT, "malformed subject");
	JIT_TRY(list_take(&l, &out));
	JIT_TRY(x509_subject_check(out.at, out.n, why));
	*ret = out;
	out = (struct x509_names){ .n = 0 };
	return JIT_OK;
}

static enum jit_err
add_general_name(struct list *l, struct rd *names)
{
	char ip[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < KINDS; i++) {
		struct span value;

		if (!der_is(names, kinds[i].tag))
			continue;
		value = der_get(names, kinds[i].tag);
		if (kinds[i].kind == X509_SAN_IP) {
			if ((value.n != 4 && value.n != 16) ||
			    inet_ntop(value.n == 4 ? AF_INET : AF_INET6,
			    value.p, ip, sizeof(ip)) == NULL)
				return JIT_E_FORMAT;
			value = span_str(ip);
		}
		list_add(l, kinds[i].prefix, value);
		return names->err;
	}
	return JIT_E_FORMAT;
}

enum jit_err
x509_san_get(struct span der, struct x509_names *ret, struct jit_why *why)
{
	JIT_DONE(list_done) struct list l = { .text = WR_INIT(8192) };
	JIT_DONE(x509_names_done) struct x509_names out = { .n = 0 };
	struct rd r = rd_of(der), names = der_enter(&r, DER_SEQ);

	while (names.err == JIT_OK && names.n > 0)
		if (add_general_name(&l, &names) != JIT_OK)
			return jit_fail(why, JIT_E_FORMAT, "a SAN of another "
			    "kind than DNS, IP, URI, email");
	if (rd_end(&names) != JIT_OK || rd_end(&r) != JIT_OK)
		return jit_fail(why, JIT_E_FORMAT, "malformed SANs");
	JIT_TRY(list_take(&l, &out));
	JIT_TRY(x509_san_check(out.at, out.n, why));
	*ret = out;
	out = (struct x509_names){ .n = 0 };
	return JIT_OK;
}
