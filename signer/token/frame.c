#include <string.h>

#include "ca/base/text.h"
#include "signer/token/frame.h"
#include "signer/token/uri.h"

#define FIELD_MAX 64		/* bytes of a token's label and the like */

size_t
frame_hash_size(enum frame_hash h)
{
	static const size_t size[FRAME_HASHES] = {
		[FRAME_H_SHA256] = 32, [FRAME_H_SHA384] = 48,
		[FRAME_H_SHA512] = 64,
	};

	return h < FRAME_HASHES ? size[h] : 0;
}

struct span
frame_words(enum jit_err e, const struct jit_why *why,
    char buf[static FRAME_WORDS_MAX + 1])
{
	struct span s = span_str(jit_why_text(why, e));

	/* Long words are cut, perhaps inside of a character. */
	return s.n <= FRAME_WORDS_MAX && text_check_plain(s, NULL) == JIT_OK ?
	    s : span_str(text_shown(s, buf, FRAME_WORDS_MAX + 1));
}

/* ---- writing ---- */

static void
put_config(struct wr *w, const struct frame *f)
{
	wr_u32(w, f->timeout_ms);
	wr_u32(w, f->backoff_ms);
	wr_u32(w, f->n);
	for (uint32_t i = 0; i < f->n && i < FRAME_KEYS_MAX; i++) {
		wr_string(w, f->keys[i].module);
		wr_string(w, f->keys[i].uri);
		wr_string(w, f->keys[i].pin);
	}
}

static void
put_outcome(struct wr *w, const struct frame *f)
{
	wr_cstring(w, jit_err_name(f->err));
	wr_string(w, f->words);
}

static void
put_ask(struct wr *w, const struct frame *f)
{
	wr_u64(w, f->tag);
	wr_u32(w, f->key);
	if (f->kind == FRAME_SIGN || f->kind == FRAME_GENERATE)
		wr_u8(w, f->what);
	if (f->kind == FRAME_SIGN)
		wr_string(w, f->data);
}

static void
put_login(struct wr *w, const struct frame *f)
{
	wr_string(w, f->label);
	wr_string(w, f->serial);
	wr_string(w, f->manufacturer);
	wr_string(w, f->model);
}

void
frame_put(struct wr *w, const struct frame *f)
{
	size_t mark = wr_string_begin(w);

	wr_u8(w, (uint8_t)f->kind);
	switch (f->kind) {
	case FRAME_CONFIG:
		put_config(w, f);
		break;
	case FRAME_LIST:
	case FRAME_INFO:
	case FRAME_SIGN:
	case FRAME_GENERATE:
		put_ask(w, f);
		break;
	case FRAME_ANSWER:
		wr_u64(w, f->tag);
		put_outcome(w, f);
		wr_string(w, f->data);
		break;
	case FRAME_READY:
		put_outcome(w, f);
		break;
	case FRAME_LOGIN:
		put_login(w, f);
		break;
	case FRAME_PIN:
		put_outcome(w, f);
		wr_string(w, f->data);
		break;
	case FRAME_LOGGED:
		wr_cstring(w, jit_err_name(f->err));
		break;
	}
	wr_string_end(w, mark);
}

/* ---- reading ---- */

static void
get_err(struct rd *r, struct frame *f)
{
	struct span name = rd_cstring(r, 32);
	char text[33] = { 0 };

	if (r->err != JIT_OK)
		return;
	memcpy(text, name.p, name.n);
	f->err = jit_err_from_name(text);
	/* An unknown name is read as another error. */
	if (!span_eq_str(name, jit_err_name(f->err)))
		rd_fail(r);
}

static void
get_outcome(struct rd *r, struct frame *f)
{
	get_err(r, f);
	f->words = rd_cstring(r, FRAME_WORDS_MAX);
	if (text_check_plain(f->words, NULL) != JIT_OK)
		rd_fail(r);
}

static void
get_config(struct rd *r, struct frame *f)
{
	f->timeout_ms = rd_u32(r);
	f->backoff_ms = rd_u32(r);
	f->n = rd_u32(r);
	if (f->timeout_ms == 0 || f->timeout_ms > FRAME_TIMEOUT_MAX ||
	    f->backoff_ms == 0 || f->backoff_ms > FRAME_TIMEOUT_MAX ||
	    f->n == 0 || f->n > FRAME_KEYS_MAX)
		rd_fail(r);
	for (uint32_t i = 0; i < f->n && r->err == JIT_OK; i++) {
		f->keys[i].module = rd_cstring(r, URI_MODULE_MAX - 1);
		f->keys[i].uri = rd_cstring(r, URI_TEXT_MAX);
		f->keys[i].pin = rd_string(r, FRAME_PIN_MAX);
	}
}

static void
get_ask(struct rd *r, struct frame *f)
{
	f->tag = rd_u64(r);
	f->key = rd_u32(r);
	if (f->key >= FRAME_KEYS_MAX)
		rd_fail(r);
	if (f->kind == FRAME_GENERATE && (f->what = rd_u8(r)) >= FRAME_GENS)
		rd_fail(r);
	if (f->kind != FRAME_SIGN)
		return;
	f->what = rd_u8(r);
	f->data = rd_string(r, FRAME_DATA_MAX);
	if (f->what >= FRAME_HASHES || (f->what != FRAME_H_NONE &&
	    f->data.n != frame_hash_size((enum frame_hash)f->what)))
		rd_fail(r);
}

static void
get_login(struct rd *r, struct frame *f)
{
	f->label = rd_cstring(r, FIELD_MAX);
	f->serial = rd_cstring(r, FIELD_MAX);
	f->manufacturer = rd_cstring(r, FIELD_MAX);
	f->model = rd_cstring(r, FIELD_MAX);
}

/* An answer says one thing: what was asked for, or what went wrong. */
static void
get_answer(struct rd *r, struct frame *f)
{
	f->tag = rd_u64(r);
	get_outcome(r, f);
	f->data = rd_string(r, FRAME_DATA_MAX);
	if (f->err != JIT_OK && f->data.n > 0)
		rd_fail(r);
}

static bool
get_body(struct rd *r, struct frame *f)
{
	switch (f->kind) {
	case FRAME_CONFIG:
		get_config(r, f);
		return true;
	case FRAME_LIST:
	case FRAME_INFO:
	case FRAME_SIGN:
	case FRAME_GENERATE:
		get_ask(r, f);
		return true;
	case FRAME_ANSWER:
		get_answer(r, f);
		return true;
	case FRAME_READY:
		get_outcome(r, f);
		return true;
	case FRAME_LOGIN:
		get_login(r, f);
		return true;
	case FRAME_PIN:
		get_outcome(r, f);
		f->data = rd_string(r, FRAME_PIN_MAX);
		if (f->err != JIT_OK && f->data.n > 0)
			rd_fail(r);
		return true;
	case FRAME_LOGGED:
		get_err(r, f);
		return true;
	}
	return false;
}

enum jit_err
frame_get(struct span s, struct frame *ret, struct jit_why *why)
{
	struct rd r = rd_of(s);
	unsigned kind = rd_u8(&r);

	*ret = (struct frame){ .kind = (enum frame_kind)kind };
	if (s.n > FRAME_MAX || !get_body(&r, ret))
		return jit_fail(why, JIT_E_FORMAT, "token helper: a frame of "
		    "no kind that is known (%u)", kind);
	if (rd_end(&r) != JIT_OK)
		return jit_fail(why, JIT_E_FORMAT, "token helper: a malformed "
		    "frame of kind %u", kind);
	return JIT_OK;
}
