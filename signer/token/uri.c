#include <stddef.h>
#include <string.h>

#include "ca/base/text.h"
#include "signer/token/uri.h"

#define ACCEPTED "accepted are token, manufacturer, serial, model, slot-id, " \
    "object, id, type, and behind ? module-path"

enum seen {
	S_TOKEN = 1, S_MANUFACTURER = 2, S_MODEL = 4, S_SERIAL = 8,
	S_OBJECT = 16, S_ID = 32, S_SLOT = 64, S_TYPE = 128, S_MODULE = 256
};

/* The text attributes: where each goes, and how much of it. */
static const struct field {
	const char *name;
	enum seen bit;
	bool query;
	size_t at, size;
} fields[] = {
#define F(n, b, q, m) { n, b, q, offsetof(struct uri, m),		\
    sizeof(((struct uri *)NULL)->m) }
	F("token", S_TOKEN, false, token),
	F("manufacturer", S_MANUFACTURER, false, manufacturer),
	F("model", S_MODEL, false, model),
	F("serial", S_SERIAL, false, serial),
	F("object", S_OBJECT, false, object),
	F("module-path", S_MODULE, true, module),
#undef F
};
#define NFIELDS (sizeof(fields) / sizeof(fields[0]))

struct parse {
	struct uri u;
	unsigned seen;
	struct jit_why *why;
};

static bool
is_unreserved(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || (c != '\0' && strchr("-._~", c) != NULL);
}

/* RFC 7512 section 2.3: pk11-pchar and pk11-qchar. */
static bool
is_char(uint8_t c, bool query)
{
	return is_unreserved(c) || (c != '\0' &&
	    strchr(query ? ":[]@!$'()*+,=/?|" : ":[]@!$'()*+,=&", c) != NULL);
}

static int
digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static enum jit_err
fail(struct parse *p, enum jit_err e, struct span name, const char *what)
{
	char shown[TEXT_SHOWN];

	return jit_fail(p->why, e, "pkcs11 URI: %s: %s",
	    text_shown(name, shown, sizeof(shown)), what);
}

/* At most size bytes of the value, %HH undone; *n is how many. */
static enum jit_err
decode(struct parse *p, struct span name, struct span v, bool query,
    uint8_t *ret, size_t size, size_t *n)
{
	*n = 0;
	if (v.n == 0)
		return fail(p, JIT_E_FORMAT, name, "is empty; leave it out "
		    "when it is not to be compared");
	for (size_t i = 0; i < v.n; i++) {
		uint8_t c = v.p[i];

		if (c == '%') {
			int hi = i + 2 < v.n ? digit(v.p[i + 1]) : -1;
			int lo = i + 2 < v.n ? digit(v.p[i + 2]) : -1;

			if (hi < 0 || lo < 0)
				return fail(p, JIT_E_FORMAT, name, "% without "
				    "two hex digits");
			c = (uint8_t)(hi << 4 | lo);
			i += 2;
		} else if (!is_char(c, query))
			return fail(p, JIT_E_FORMAT, name, "holds a character "
			    "that has to be written as %HH");
		if (*n == size)
			return fail(p, JIT_E_SIZE, name, "is longer than such "
			    "a value can be");
		ret[(*n)++] = c;
	}
	return JIT_OK;
}

static enum jit_err
text_field(struct parse *p, const struct field *f, struct span name,
    struct span v)
{
	uint8_t *at = (uint8_t *)&p->u + f->at;
	size_t n;

	JIT_TRY(decode(p, name, v, f->query, at, f->size - 1, &n));
	at[n] = '\0';
	if (text_check_plain(SPAN(at, n), NULL) != JIT_OK)
		return fail(p, JIT_E_FORMAT, name, "is not UTF-8 of plain "
		    "characters");
	if (f->bit == S_MODULE && at[0] != '/')
		return fail(p, JIT_E_FORMAT, name, "has to be an absolute "
		    "path");
	return JIT_OK;
}

static enum jit_err
slot_field(struct parse *p, struct span name, struct span v)
{
	uint64_t slot;

	if (uint_parse(v, UINT32_MAX, &slot) != JIT_OK)
		return fail(p, JIT_E_FORMAT, name, "has to be a decimal "
		    "number");
	p->u.slot = (uint32_t)slot;
	p->u.has_slot = true;
	return JIT_OK;
}

/* Those that a reader of the RFC may expect, and why not. */
static enum jit_err
refuse(struct parse *p, struct span name)
{
	if (span_eq_str(name, "pin-value") || span_eq_str(name, "pin-source"))
		return fail(p, JIT_E_FORMAT, name, "no PIN in a URI: it would "
		    "be in configuration, process lists and logs; give the "
		    "PIN by a file of its own");
	if (span_eq_str(name, "module-name"))
		return fail(p, JIT_E_FORMAT, name, "which library that is "
		    "depends on the machine; give module-path, the whole "
		    "path");
	return fail(p, JIT_E_FORMAT, name, "not known; " ACCEPTED);
}

static enum jit_err
once(struct parse *p, enum seen bit, struct span name)
{
	if (p->seen & bit)
		return fail(p, JIT_E_FORMAT, name, "stands there twice");
	p->seen |= bit;
	return JIT_OK;
}

static enum jit_err
attribute(struct parse *p, struct span name, struct span v, bool query)
{
	for (size_t i = 0; i < NFIELDS; i++) {
		if (fields[i].query != query ||
		    !span_eq_str(name, fields[i].name))
			continue;
		JIT_TRY(once(p, fields[i].bit, name));
		return text_field(p, &fields[i], name, v);
	}
	if (!query && span_eq_str(name, "id")) {
		JIT_TRY(once(p, S_ID, name));
		return decode(p, name, v, false, p->u.id, sizeof(p->u.id),
		    &p->u.id_n);
	}
	if (!query && span_eq_str(name, "slot-id")) {
		JIT_TRY(once(p, S_SLOT, name));
		return slot_field(p, name, v);
	}
	if (!query && span_eq_str(name, "type")) {
		JIT_TRY(once(p, S_TYPE, name));
		return span_eq_str(v, "private") ? JIT_OK : fail(p,
		    JIT_E_FORMAT, name, "accepted is private");
	}
	return refuse(p, name);
}

/* "name=value", sep between. */
static enum jit_err
attributes(struct parse *p, struct span s, bool query)
{
	const uint8_t sep = query ? '&' : ';';

	for (;;) {
		const uint8_t *end = s.n == 0 ? NULL : memchr(s.p, sep, s.n);
		struct span a = end == NULL ? s :
		    SPAN(s.p, (size_t)(end - s.p));
		const uint8_t *eq = a.n == 0 ? NULL : memchr(a.p, '=', a.n);
		size_t n;

		if (eq == NULL || eq == a.p)
			return fail(p, JIT_E_FORMAT, a, "not \"name=value\"");
		n = (size_t)(eq - a.p);
		JIT_TRY(attribute(p, SPAN(a.p, n),
		    SPAN(eq + 1, a.n - n - 1), query));
		if (end == NULL)
			return JIT_OK;
		s = SPAN(end + 1, s.n - a.n - 1);
	}
}

enum jit_err
uri_parse(struct span s, struct uri *ret, struct jit_why *why)
{
	static const char scheme[] = "pkcs11:";
	const size_t n = sizeof(scheme) - 1;
	struct parse p = { .why = why };
	struct span path, query = SPAN_NONE;
	const uint8_t *q;

	if (s.n > URI_TEXT_MAX)
		return jit_fail(why, JIT_E_SIZE, "pkcs11 URI: %zu bytes, "
		    "accepted are at most %d", s.n, URI_TEXT_MAX);
	if (s.n < n || memcmp(s.p, scheme, n) != 0)
		return jit_fail(why, JIT_E_FORMAT, "not a pkcs11 URI "
		    "(RFC 7512); accepted is \"pkcs11:token=...;object=...\"");
	path = SPAN(s.p + n, s.n - n);
	if (path.n > 0 && (q = memchr(path.p, '?', path.n)) != NULL) {
		query = SPAN(q + 1, path.n - (size_t)(q - path.p) - 1);
		path.n = (size_t)(q - path.p);
		if (query.n == 0)
			return jit_fail(why, JIT_E_FORMAT, "pkcs11 URI: "
			    "nothing behind ?");
	}
	if (path.n > 0)
		JIT_TRY(attributes(&p, path, false));
	if (query.n > 0)
		JIT_TRY(attributes(&p, query, true));
	*ret = p.u;
	return JIT_OK;
}

enum jit_err
uri_check_key(const struct uri *u, struct jit_why *why)
{
	if (u->token[0] == '\0' && u->serial[0] == '\0')
		return jit_fail(why, JIT_E_FORMAT, "pkcs11 URI: says not "
		    "which token; give token=LABEL or serial=NUMBER");
	if (u->object[0] == '\0' && u->id_n == 0)
		return jit_fail(why, JIT_E_FORMAT, "pkcs11 URI: says not "
		    "which key; give object=LABEL or id=%%HH...");
	return JIT_OK;
}

bool
uri_same_token(const struct uri *a, const struct uri *b)
{
	return strcmp(a->token, b->token) == 0 &&
	    strcmp(a->manufacturer, b->manufacturer) == 0 &&
	    strcmp(a->model, b->model) == 0 &&
	    strcmp(a->serial, b->serial) == 0 &&
	    strcmp(a->module, b->module) == 0 &&
	    a->has_slot == b->has_slot && a->slot == b->slot;
}

static void
put_encoded(struct wr *w, struct span s, bool all, bool slash)
{
	for (size_t i = 0; i < s.n; i++)
		if (!all && (is_unreserved(s.p[i]) ||
		    (slash && s.p[i] == '/')))
			wr_u8(w, s.p[i]);
		else
			wr_fmt(w, "%%%02X", s.p[i]);
}

void
uri_put(struct wr *w, const struct uri *u)
{
	const char *sep = "";

	wr_str(w, "pkcs11:");
	for (size_t i = 0; i < NFIELDS; i++) {
		const char *v = (const char *)u + fields[i].at;

		if (fields[i].query || v[0] == '\0')
			continue;
		wr_fmt(w, "%s%s=", sep, fields[i].name);
		put_encoded(w, span_str(v), false, false);
		sep = ";";
	}
	if (u->id_n > 0) {
		wr_fmt(w, "%sid=", sep);
		put_encoded(w, SPAN(u->id, u->id_n), true, false);
		sep = ";";
	}
	if (u->has_slot)
		wr_fmt(w, "%sslot-id=%u", sep, u->slot);
	if (u->module[0] != '\0') {
		wr_str(w, "?module-path=");
		put_encoded(w, span_str(u->module), false, true);
	}
}
