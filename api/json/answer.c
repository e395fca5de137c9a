#include <string.h>

#include "api/json/answer.h"

void
js_done(struct js *j)
{
	wr_done(&j->w);
	j->comma = false;
}

/* The comma that is due, and the name. */
static void
begin(struct js *j, const char *name)
{
	if (j->comma)
		wr_u8(&j->w, ',');
	j->comma = true;
	if (name == NULL)
		return;
	wr_u8(&j->w, '"');
	wr_str(&j->w, name);
	wr_raw(&j->w, "\":", 2);
}

void
js_open(struct js *j, const char *name, char bracket)
{
	begin(j, name);
	wr_u8(&j->w, (uint8_t)bracket);
	j->comma = false;
}

void
js_close(struct js *j, char bracket)
{
	wr_u8(&j->w, (uint8_t)bracket);
	j->comma = true;
}

/* How far s can be copied as it is; 0 also when it is not UTF-8. */
static size_t
run_of(struct span s)
{
	size_t i = 0, n;
	uint32_t cp;

	while (i < s.n) {
		uint8_t c = s.p[i];

		if (c < 0x20 || c == '"' || c == '\\')
			break;
		if (c < 0x80) {
			i++;
			continue;
		}
		if ((n = utf8_next(SPAN(s.p + i, s.n - i), &cp)) == 0)
			break;
		i += n;
	}
	return i;
}

/* A byte that may not stand in a string. */
static void
escape(struct js *j, uint8_t c)
{
	static const char named[32] = {
		['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
		['\r'] = 'r',
	};
	char u[6] = { '\\', 'u', '0', '0' };

	if (c >= 0x80) {
		wr_fail(&j->w, JIT_E_UTF8);
		return;
	}
	u[1] = c < 32 ? named[c] : (char)c;
	if (u[1] != '\0') {
		wr_raw(&j->w, u, 2);
		return;
	}
	u[1] = 'u';
	u[4] = (char)('0' + (c >> 4));
	u[5] = "0123456789abcdef"[c & 15];
	wr_raw(&j->w, u, 6);
}

void
js_text(struct js *j, const char *name, struct span s)
{
	begin(j, name);
	wr_u8(&j->w, '"');
	while (s.n > 0 && j->w.err == JIT_OK) {
		size_t n = run_of(s);

		wr_raw(&j->w, s.p, n);
		if (n < s.n)
			escape(j, s.p[n++]);
		s = SPAN(s.p + n, s.n - n);
	}
	wr_u8(&j->w, '"');
}

void
js_str(struct js *j, const char *name, const char *s)
{
	if (s == NULL)
		js_null(j, name);
	else
		js_text(j, name, span_str(s));
}

void
js_uint(struct js *j, const char *name, uint64_t v)
{
	char d[20];
	size_t i = sizeof(d);

	begin(j, name);
	do {
		d[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	wr_raw(&j->w, d + i, sizeof(d) - i);
}

void
js_bool(struct js *j, const char *name, bool v)
{
	begin(j, name);
	wr_str(&j->w, v ? "true" : "false");
}

void
js_null(struct js *j, const char *name)
{
	begin(j, name);
	wr_raw(&j->w, "null", 4);
}

void
js_b64(struct js *j, const char *name, struct span s)
{
	begin(j, name);
	wr_u8(&j->w, '"');
	b64_put(&j->w, s);
	wr_u8(&j->w, '"');
}

void
js_utc(struct js *j, const char *name, utc_s t)
{
	char text[UTC_TEXT];

	if (t < 0 || t > UTC_MAX)
		wr_fail(&j->w, JIT_E_FORMAT);
	utc_text(t, text);
	js_str(j, name, text);
}

void
js_dur(struct js *j, const char *name, dur_s d)
{
	char text[DUR_TEXT];

	if (d < 1 || d > DUR_MAX)
		wr_fail(&j->w, JIT_E_FORMAT);
	dur_text(d, text);
	js_str(j, name, text);
}

void
js_digest(struct js *j, const char *name, const struct digest *d)
{
	char text[DIGEST_TEXT];

	digest_text(d, text);
	js_str(j, name, text);
}

enum jit_err
js_take(struct js *j, struct buf *ret)
{
	j->comma = false;
	return wr_take(&j->w, ret);
}

/* ---- what proofs are made of ---- */

static void
entry_members(struct js *j, const struct entry *e)
{
	static const uint8_t none[ENTRY_SALT];

	js_uint(j, "index", e->index);
	js_str(j, "type", entry_type_name(e->type));
	js_utc(j, "time", e->time);
	js_b64(j, "leaf", SPAN(e->leaf, ENTRY_LEAF));
	js_bool(j, "erased", e->erased);
	js_b64(j, "salt", SPAN(e->erased ? none : e->salt, ENTRY_SALT));
	js_b64(j, "body", e->erased ? SPAN_NONE : e->body);
}

void
js_entry(struct js *j, const char *name, const struct entry *e)
{
	js_open(j, name, '{');
	entry_members(j, e);
	js_close(j, '}');
}

void
js_path(struct js *j, const char *name, const struct merkle_proof *p)
{
	js_open(j, name, '[');
	for (size_t i = 0; i < p->n; i++)
		js_b64(j, NULL, DIGEST_SPAN(p->h[i]));
	js_close(j, ']');
}

void
js_receipts(struct js *j, const struct receipts *r)
{
	js_text(j, "note", r->note);
	js_open(j, "receipts", '[');
	for (size_t i = 0; i < r->n && j->w.err == JIT_OK; i++) {
		js_open(j, NULL, '{');
		entry_members(j, &r->v[i].e);
		js_path(j, "path", &r->v[i].proof);
		js_close(j, '}');
	}
	js_close(j, ']');
}

/* ---- problems ---- */

/*
 * The message's makers escape what is somebody else's; a cut in the middle
 * of a character, and what they forgot, is escaped here.
 */
static void
put_detail(struct js *j, const char *msg)
{
	JIT_DONE(wr_done) struct wr plain = WR_INIT(4096);
	struct span s = span_str(msg);

	if (text_check_plain(s, NULL) != JIT_OK) {
		text_escape(&plain, s, s.n);
		wr_fail(&j->w, plain.err);
		s = wr_view(&plain);
	}
	js_text(j, "detail", s);
}

enum jit_err
problem_put(enum jit_err e, const struct jit_why *why, uint64_t request,
    struct buf *ret)
{
	JIT_DONE(js_done) struct js j = JS_INIT;
	const char *code = jit_err_name(e);
	char type[64] = "urn:jit-cert:error:";

	if (e == JIT_OK)
		return JIT_E_ARG;
	strncat(type, code, sizeof(type) - strlen(type) - 1);
	js_open(&j, NULL, '{');
	js_str(&j, "type", type);
	js_str(&j, "title", jit_err_sentence(e));
	js_uint(&j, "status", (uint64_t)jit_err_http(e));
	if (why != NULL && why->msg[0] != '\0')
		put_detail(&j, why->msg);
	js_str(&j, "code", code);
	js_uint(&j, "request", request);
	js_close(&j, '}');
	return js_take(&j, ret);
}
