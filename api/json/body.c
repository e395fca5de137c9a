#include <stdio.h>
#include <string.h>

#include "api/json/body.h"
#include "ca/ssh/sshsig.h"

void
body_done(struct body *b)
{
	json_decref(b->root);
	*b = (struct body){ 0 };
}

/*
 * Before anything is built from it: brackets outside of strings, exact for
 * what is JSON; what is not, the parser refuses.  But Jansson 2.14 passes
 * over a NUL behind a number.
 */
static enum jit_err
check_bytes(struct span s, struct jit_why *why)
{
	bool quoted = false;
	size_t depth = 0;

	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (c == '\0')
			return jit_fail(why, JIT_E_FORMAT, "byte %zu of the "
			    "body is NUL", i + 1);
		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == '{' || c == '['))
			depth++;
		else if (!quoted && (c == '}' || c == ']') && depth > 0)
			depth--;
		if (depth > BODY_DEPTH)
			return jit_fail(why, JIT_E_SIZE, "byte %zu of the "
			    "body: more than %d brackets are open", i + 1,
			    BODY_DEPTH);
	}
	return JIT_OK;
}

/* Our own words: Jansson's quote what was found. */
static const char *
parse_error(enum json_error_code c)
{
	switch (c) {
	case json_error_invalid_utf8:
		return "not UTF-8";
	case json_error_premature_end_of_input:
		return "the body ends too early";
	case json_error_end_of_input_expected:
		return "something stands behind the object";
	case json_error_null_character:
	case json_error_null_byte_in_key:
		return "a string holds U+0000";
	case json_error_duplicate_key:
		return "a member stands twice";
	case json_error_numeric_overflow:
		return "a number is too large";
	default:
		return "not JSON";
	}
}

enum jit_err
body_parse(struct span s, struct body *ret, struct jit_why *why)
{
	json_error_t error = { 0 };
	enum json_error_code code;
	json_t *root;

	if (s.n == 0)
		return jit_fail(why, JIT_E_FORMAT, "the body is empty, "
		    "accepted is a JSON object");
	JIT_TRY(check_bytes(s, why));
	root = json_loadb((const char *)s.p, s.n, JSON_REJECT_DUPLICATES,
	    &error);
	if (root == NULL) {
		code = json_error_code(&error);
		if (code == json_error_out_of_memory)
			return JIT_E_NOMEM;
		return jit_fail(why, JIT_E_FORMAT, "body, line %d, column %d: "
		    "%s; accepted is a JSON object", error.line, error.column,
		    parse_error(code));
	}
	if (!json_is_object(root)) {
		json_decref(root);
		return jit_fail(why, JIT_E_FORMAT, "the body is an array, "
		    "accepted is a JSON object");
	}
	*ret = (struct body){ .root = root };
	return JIT_OK;
}

/* ---- complaints ---- */

/* What a value is, without its content. */
static const char *
found(const json_t *v, char ret[static 64])
{
	static const char *const words[] = {
		[JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array",
		[JSON_STRING] = "a string", [JSON_INTEGER] = "a number",
		[JSON_REAL] = "a number that is not whole",
		[JSON_TRUE] = "true", [JSON_FALSE] = "false",
		[JSON_NULL] = "null",
	};

	if (v == NULL)
		return "none";
	if (json_is_string(v))
		(void)snprintf(ret, 64, "a string of %zu bytes",
		    json_string_length(v));
	else if (json_is_array(v))
		(void)snprintf(ret, 64, "an array of %zu",
		    json_array_size(v));
	else
		return words[json_typeof(v)];
	return ret;
}

static enum jit_err
refuse(const char *name, const json_t *v, struct jit_why *why,
    const char *accepted)
{
	char text[64];

	return jit_fail(why, JIT_E_FORMAT, "\"%s\": %s is accepted, found %s",
	    name, accepted, found(v, text));
}

/* "4" or "1 to 4", of something. */
static const char *
range(char *ret, size_t size, const char *what, size_t min, size_t max,
    const char *unit)
{
	if (min == max)
		(void)snprintf(ret, size, "%s%zu %s", what, min, unit);
	else
		(void)snprintf(ret, size, "%s%zu to %zu %s", what, min, max,
		    unit);
	return ret;
}
#define RANGE_TEXT 128

/* ---- members ---- */

/* *ret NULL: it is absent. */
static enum jit_err
ask(struct body *b, const char *name, json_t **ret, struct jit_why *why)
{
	if (b->read == BODY_MEMBERS)
		return jit_fail(why, JIT_E_ARG, "more than %d members asked "
		    "for", BODY_MEMBERS);
	b->asked[b->read++] = name;
	*ret = json_object_get(b->root, name);
	return JIT_OK;
}

static enum jit_err
get_text(const json_t *v, const char *name, size_t max, struct span *ret,
    struct jit_why *why)
{
	char accepted[RANGE_TEXT];

	if (!json_is_string(v) || json_string_length(v) > max)
		return refuse(name, v, why, range(accepted, sizeof(accepted),
		    "a string of ", 0, max, "bytes"));
	*ret = SPAN(json_string_value(v), json_string_length(v));
	return JIT_OK;
}

enum jit_err
body_text(struct body *b, const char *name, size_t max, struct span *ret,
    struct jit_why *why)
{
	json_t *v = NULL;

	JIT_TRY(ask(b, name, &v, why));
	return get_text(v, name, max, ret, why);
}

enum jit_err
body_text_opt(struct body *b, const char *name, size_t max, struct span *ret,
    struct jit_why *why)
{
	json_t *v = NULL;

	JIT_TRY(ask(b, name, &v, why));
	return v == NULL ? JIT_OK : get_text(v, name, max, ret, why);
}

static enum jit_err
get_b64(const json_t *v, const char *name, size_t min, size_t max,
    struct buf *ret, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(max);
	char accepted[RANGE_TEXT];
	enum jit_err e = JIT_E_FORMAT;

	if (json_is_string(v))
		e = b64_get(SPAN(json_string_value(v), json_string_length(v)),
		    &w);
	if (e == JIT_E_NOMEM)
		return e;
	if (e != JIT_OK || w.n < min)
		return refuse(name, v, why, range(accepted, sizeof(accepted),
		    "padded base64 (RFC 4648 section 4) of ", min, max,
		    "bytes"));
	return wr_take(&w, ret);
}

enum jit_err
body_b64(struct body *b, const char *name, size_t min, size_t max,
    struct buf *ret, struct jit_why *why)
{
	json_t *v = NULL;

	JIT_TRY(ask(b, name, &v, why));
	return get_b64(v, name, min, max, ret, why);
}

/* An array of so many. */
static enum jit_err
ask_array(struct body *b, const char *name, size_t n_min, size_t n_max,
    const char *of, json_t **ret, struct jit_why *why)
{
	char accepted[RANGE_TEXT];
	json_t *v = NULL;

	JIT_TRY(ask(b, name, &v, why));
	if (!json_is_array(v) || json_array_size(v) < n_min ||
	    json_array_size(v) > n_max)
		return refuse(name, v, why, range(accepted, sizeof(accepted),
		    "an array of ", n_min, n_max, of));
	*ret = v;
	return JIT_OK;
}

enum jit_err
body_b64s(struct body *b, const char *name, size_t n_min, size_t n_max,
    size_t max, struct buf *ret, size_t *n, struct jit_why *why)
{
	enum jit_err e = JIT_OK;
	size_t done = 0;
	char at[64];
	json_t *v = NULL;

	JIT_TRY(ask_array(b, name, n_min, n_max, "strings", &v, why));
	for (; done < json_array_size(v); done++) {
		(void)snprintf(at, sizeof(at), "%s[%zu]", name, done);
		e = get_b64(json_array_get(v, done), at, 1, max, &ret[done],
		    why);
		if (e != JIT_OK)
			break;
	}
	if (e == JIT_OK)
		*n = done;
	while (e != JIT_OK && done > 0)
		buf_done(&ret[--done]);
	return e;
}

static enum jit_err
get_uint(const json_t *v, const char *name, uint64_t max, uint64_t *ret,
    struct jit_why *why)
{
	json_int_t i = json_integer_value(v);
	char accepted[RANGE_TEXT];

	(void)snprintf(accepted, sizeof(accepted), "a whole number from 0 to "
	    "%llu", (unsigned long long)max);
	if (!json_is_integer(v))
		return refuse(name, v, why, accepted);
	if (i < 0 || (uint64_t)i > max)
		return jit_fail(why, JIT_E_FORMAT, "\"%s\": %s is accepted, "
		    "found %lld", name, accepted, (long long)i);
	*ret = (uint64_t)i;
	return JIT_OK;
}

enum jit_err
body_uint_opt(struct body *b, const char *name, uint64_t max, uint64_t *ret,
    struct jit_why *why)
{
	json_t *v = NULL;

	JIT_TRY(ask(b, name, &v, why));
	return v == NULL ? JIT_OK : get_uint(v, name, max, ret, why);
}

enum jit_err
body_uints(struct body *b, const char *name, size_t n_min, size_t n_max,
    uint64_t *ret, size_t *n, struct jit_why *why)
{
	char at[64];
	json_t *v = NULL;

	JIT_TRY(ask_array(b, name, n_min, n_max, "numbers", &v, why));
	/* All are looked at before any is written. */
	for (size_t i = 0; i < json_array_size(v); i++) {
		uint64_t one;

		(void)snprintf(at, sizeof(at), "%s[%zu]", name, i);
		JIT_TRY(get_uint(json_array_get(v, i), at, INT64_MAX, &one,
		    why));
	}
	for (*n = 0; *n < json_array_size(v); (*n)++)
		ret[*n] = (uint64_t)json_integer_value(json_array_get(v, *n));
	return JIT_OK;
}

static bool
was_asked(const struct body *b, const char *key)
{
	for (size_t i = 0; i < b->read; i++)
		if (strcmp(b->asked[i], key) == 0)
			return true;
	return false;
}

enum jit_err
body_end(const struct body *b, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr names = WR_INIT(256);
	char shown[48];
	const char *key;
	json_t *v;

	json_object_foreach(b->root, key, v) {
		if (was_asked(b, key))
			continue;
		for (size_t i = 0; i < b->read; i++)
			wr_fmt(&names, "%s\"%s\"", i > 0 ? ", " : "",
			    b->asked[i]);
		return jit_fail(why, JIT_E_FORMAT, "\"%s\": no such member; "
		    "accepted are %.*s", text_shown(span_str(key), shown,
		    sizeof(shown)), (int)names.n,
		    names.n > 0 ? (const char *)names.p : "");
	}
	return JIT_OK;
}

/* ---- acts ---- */

void
body_signed_done(struct body_signed *b)
{
	buf_done(&b->text);
	for (size_t i = 0; i < BODY_SIGS; i++)
		buf_done(&b->sig[i]);
	b->n = 0;
}

/* ---- the same, read straight ---- */

/* White space, then lit. */
static bool
eat(struct span *s, const char *lit)
{
	const size_t n = strlen(lit);

	while (s->n > 0 && memchr(" \t\r\n", s->p[0], 4) != NULL)
		*s = SPAN(s->p + 1, s->n - 1);
	if (s->n < n || memcmp(s->p, lit, n) != 0)
		return false;
	*s = SPAN(s->p + n, s->n - n);
	return true;
}

/* A string of base64, 1 to max bytes; escapes are not in its alphabet. */
static bool
eat_b64(struct span *s, size_t max, struct buf *ret)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(max);
	const uint8_t *end;

	if (!eat(s, "\"") || s->n == 0 || (end = memchr(s->p, '"', s->n)) ==
	    NULL || b64_get(SPAN(s->p, (size_t)(end - s->p)), &w) != JIT_OK ||
	    w.n == 0 || wr_take(&w, ret) != JIT_OK)
		return false;
	*s = SPAN(end + 1, s->n - (size_t)(end + 1 - s->p));
	return true;
}

/*
 * An act as it is usually written: these two members in this order, and no
 * escapes.  Whatever is not exactly that is Jansson's, which says what is the
 * matter with it, and takes fifteen times as long.
 */
static bool
read_straight(struct span s, size_t max_text, size_t n_sigs,
    struct body_signed *v)
{
	if (!eat(&s, "{") || !eat(&s, "\"text\"") || !eat(&s, ":") ||
	    !eat_b64(&s, max_text, &v->text) || !eat(&s, ",") ||
	    !eat(&s, "\"sigs\"") || !eat(&s, ":") || !eat(&s, "["))
		return false;
	do {
		if (v->n == n_sigs || !eat_b64(&s, v->n == 0 ? SSHSIG_MAX :
		    BODY_PROOF_MAX, &v->sig[v->n]))
			return false;
		v->n++;
	} while (eat(&s, ","));
	return eat(&s, "]") && eat(&s, "}") && eat(&s, "") && s.n == 0;
}

enum jit_err
body_signed(struct span s, size_t max_text, size_t n_sigs,
    struct body_signed *ret, struct jit_why *why)
{
	JIT_DONE(body_signed_done) struct body_signed v = { 0 };
	JIT_DONE(body_done) struct body b = { 0 };

	if (n_sigs < 1 || n_sigs > BODY_SIGS)
		return jit_fail(why, JIT_E_ARG, "%zu signatures", n_sigs);
	if (read_straight(s, max_text, n_sigs, &v)) {
		*ret = v;
		v = (struct body_signed){ 0 };
		return JIT_OK;
	}
	body_signed_done(&v);
	JIT_TRY(body_parse(s, &b, why));
	JIT_TRY(body_b64(&b, "text", 1, max_text, &v.text, why));
	JIT_TRY(body_b64s(&b, "sigs", 1, n_sigs, n_sigs > 1 ?
	    BODY_PROOF_MAX : SSHSIG_MAX, v.sig, &v.n, why));
	if (v.sig[0].n > SSHSIG_MAX)
		return jit_fail(why, JIT_E_FORMAT, "\"sigs\": the first is "
		    "of %zu bytes, accepted are %d", v.sig[0].n, SSHSIG_MAX);
	JIT_TRY(body_end(&b, why));
	*ret = v;
	v = (struct body_signed){ 0 };
	return JIT_OK;
}
