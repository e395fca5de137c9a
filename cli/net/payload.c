#include <string.h>

#include "ca/ssh/key.h"
#include "cli/net/payload.h"

#define STATE_MAX 16		/* bytes of a state's name */
#define LINE_MAX_BYTES (2 * SSH_BLOB_MAX)	/* a key, as a line */

/* From an object to bytes, with a sticky error. */
struct to {
	struct wr w;
	enum jit_err err;
	struct jit_why *why;
};
#define TO_INIT(y) { .w = WR_INIT(PROTO_ANSWER_MAX), .why = (y) }

static void
to_done(struct to *t)
{
	wr_done(&t->w);
}
JIT_SCOPED_OBJ(struct to, to_done);

static void
fail(struct to *t, const char *name, const char *what)
{
	if (t->err == JIT_OK)
		t->err = jit_fail(t->why, JIT_E_PROTOCOL, "jit-certd's answer:"
		    " \"%s\" %s", name, what);
}

static enum jit_err
finish(struct to *t, struct buf *ret)
{
	JIT_TRY(t->err);
	if (t->w.err == JIT_E_SIZE)
		return jit_fail(t->why, JIT_E_PROTOCOL, "jit-certd's answer: "
		    "more than %u bytes", PROTO_ANSWER_MAX);
	return wr_take(&t->w, ret);
}

/* ---- members ---- */

static json_t *
member(struct to *t, json_t *o, const char *name, json_type type)
{
	static const char *const want[] = {
		[JSON_OBJECT] = "is not an object",
		[JSON_ARRAY] = "is not an array",
		[JSON_STRING] = "is not text",
		[JSON_INTEGER] = "is not a whole number",
	};
	json_t *v = json_object_get(o, name);

	if (v == NULL) {
		fail(t, name, "is missing");
		return NULL;
	}
	if (json_typeof(v) != type) {
		fail(t, name, want[type]);
		return NULL;
	}
	return v;
}

static struct span
text_in(json_t *v)
{
	return SPAN(json_string_value(v), json_string_length(v));
}

static struct span
text(struct to *t, json_t *o, const char *name, size_t max)
{
	json_t *v = member(t, o, name, JSON_STRING);

	if (v == NULL)
		return SPAN_NONE;
	if (json_string_length(v) > max)
		fail(t, name, "is too long");
	return text_in(v);
}

static void
put_uint(struct to *t, json_t *o, const char *name)
{
	json_t *v = member(t, o, name, JSON_INTEGER);

	if (v != NULL && json_integer_value(v) < 0)
		fail(t, name, "is below 0");
	else if (v != NULL)
		wr_u64(&t->w, (uint64_t)json_integer_value(v));
}

static utc_s
time_of(struct to *t, json_t *o, const char *name)
{
	struct span s = text(t, o, name, UTC_TEXT);
	utc_s at = 0;

	if (t->err == JIT_OK && utc_parse(s, &at) != JIT_OK)
		fail(t, name, "is no moment like 2026-11-23T20:58:11Z");
	return at;
}

static void
put_time(struct to *t, json_t *o, const char *name)
{
	wr_u64(&t->w, (uint64_t)time_of(t, o, name));
}

/* Base64 of exactly n bytes, or of any number. */
#define ANY_BYTES SIZE_MAX
static void
put_bytes(struct to *t, json_t *v, const char *name, size_t n)
{
	size_t before = t->w.n;

	if (t->err != JIT_OK || t->w.err != JIT_OK)
		return;
	if (!json_is_string(v))
		fail(t, name, "is not text");
	else if (b64_get(text_in(v), &t->w) == JIT_E_FORMAT)
		fail(t, name, "is not base64");
	else if (t->w.err == JIT_OK && n != ANY_BYTES && t->w.n - before != n)
		fail(t, name, "is of another length than it must be");
}

static void
put_b64(struct to *t, json_t *o, const char *name, size_t n)
{
	put_bytes(t, member(t, o, name, JSON_STRING), name, n);
}

/* Base64, as a string. */
static void
put_b64_string(struct to *t, json_t *o, const char *name)
{
	size_t mark = wr_string_begin(&t->w);

	put_b64(t, o, name, ANY_BYTES);
	wr_string_end(&t->w, mark);
}

static void
put_hashes(struct to *t, json_t *list, const char *name)
{
	size_t n = json_array_size(list);

	if (t->err == JIT_OK && (!json_is_array(list) ||
	    n > MERKLE_PROOF_MAX))
		fail(t, name, "is no path of at most 64 hashes");
	wr_u8(&t->w, (uint8_t)n);
	for (size_t i = 0; t->err == JIT_OK && i < n; i++)
		put_bytes(t, json_array_get(list, i), name, 32);
}

static void
put_note(struct to *t, json_t *o)
{
	wr_string(&t->w, text(t, o, "note", TLOG_NOTE_MAX));
}

/* ---- entries ---- */

/* Leaf, erased, salt, body: of a receipt and of a page alike. */
static void
put_entry(struct to *t, json_t *o)
{
	json_t *erased = json_object_get(o, "erased");

	if (t->err == JIT_OK && !json_is_boolean(erased))
		fail(t, "erased", "is neither true nor false");
	put_b64(t, o, "leaf", ENTRY_LEAF);
	wr_u8(&t->w, json_is_true(erased));
	put_b64(t, o, "salt", ENTRY_SALT);
	put_b64_string(t, o, "body");
}

static void
put_receipts(struct to *t, json_t *o)
{
	json_t *list;

	put_note(t, o);
	list = member(t, o, "receipts", JSON_ARRAY);
	if (json_array_size(list) > RECEIPTS_MAX)
		fail(t, "receipts", "are too many");
	wr_u32(&t->w, (uint32_t)json_array_size(list));
	for (size_t i = 0; t->err == JIT_OK && i < json_array_size(list);
	    i++) {
		json_t *r = json_array_get(list, i);

		put_entry(t, r);
		put_hashes(t, member(t, r, "path", JSON_ARRAY), "path");
	}
}

static void
put_page(struct to *t, json_t *o)
{
	json_t *list;

	put_note(t, o);
	put_uint(t, o, "first");
	list = member(t, o, "entries", JSON_ARRAY);
	wr_u32(&t->w, (uint32_t)json_array_size(list));
	for (size_t i = 0; t->err == JIT_OK && i < json_array_size(list); i++)
		put_entry(t, json_array_get(list, i));
}

/* ---- hello and lists ---- */

static uint8_t
state_of(struct to *t, json_t *o)
{
	static const char *const names[] = {
		[SIGNER_OK] = "ready", [SIGNER_FROZEN] = "frozen",
		[SIGNER_NO_ROOM] = "no-room",
	};
	struct span s = text(t, o, "state", STATE_MAX);

	for (uint8_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (span_eq_str(s, names[i]))
			return i;
	fail(t, "state", "is no state of a signer");
	return 0;
}

static void
put_ca(struct to *t, json_t *o)
{
	struct span line = text(t, o, "user_ca", LINE_MAX_BYTES);
	JIT_SCOPED(ssh_key_free) struct ssh_key *k = NULL;

	if (t->err == JIT_OK && ssh_key_parse_line(line, &k, NULL, NULL) !=
	    JIT_OK)
		fail(t, "user_ca", "is no line of a public key");
	if (k != NULL)
		wr_string(&t->w, ssh_key_blob(k));
}

static void
put_hello(struct to *t, json_t *o)
{
	wr_string(&t->w, text(t, o, "log", TLOG_VKEY_MAX));
	put_ca(t, o);
	wr_u8(&t->w, state_of(t, o));
	put_time(t, o, "now");
	put_uint(t, o, "policy");
	put_uint(t, o, "recovery");
	put_uint(t, o, "keys_index");
	put_note(t, o);
	put_hashes(t, member(t, o, "path", JSON_ARRAY), "path");
}

static void
put_published(struct to *t, json_t *o)
{
	put_uint(t, o, "number");
	put_time(t, o, "made");
	put_time(t, o, "next");
	put_uint(t, o, "total");
	put_b64_string(t, o, "sig");
	put_b64_string(t, o, "bytes");
}

/* null is 0: that was all. */
static void
put_next(struct to *t, json_t *o)
{
	if (json_is_null(json_object_get(o, "next")))
		wr_u64(&t->w, 0);
	else
		put_uint(t, o, "next");
}

enum next { NEXT_NONE, NEXT_ZERO, NEXT_MEMBER };

static void
put_listing(struct to *t, json_t *o, enum next next)
{
	put_time(t, o, "now");
	put_uint(t, o, "policy");
	if (next == NEXT_ZERO)
		wr_u64(&t->w, 0);
	else if (next == NEXT_MEMBER)
		put_next(t, o);
	put_receipts(t, o);
}

/* ---- for callers ---- */

enum jit_err
payload_json(struct span s, json_t **ret, struct jit_why *why)
{
	json_error_t at;
	json_t *o = json_loadb((const char *)s.p, s.n, JSON_REJECT_DUPLICATES,
	    &at);

	if (json_is_object(o)) {
		*ret = o;
		return JIT_OK;
	}
	json_decref(o);
	return jit_fail(why, JIT_E_PROTOCOL, "jit-certd's answer is no JSON "
	    "object");
}

enum jit_err
payload_of(const struct ask *a, json_t *json, struct buf *ret,
    struct jit_why *why)
{
	JIT_DONE(to_done) struct to t = TO_INIT(why);

	switch (a->op) {
	case OP_HELLO:
		put_hello(&t, json);
		break;
	case OP_SHOW:
	case OP_WAIT:
		put_listing(&t, json, NEXT_NONE);
		break;
	case OP_FIND:
		put_listing(&t, json, NEXT_ZERO);
		break;
	case OP_LIST:
		put_listing(&t, json, NEXT_MEMBER);
		break;
	case OP_ENTRIES:
		put_page(&t, json);
		break;
	case OP_CHECKPOINT:
		return payload_grown(json, 0, ret, why);
	case OP_REQUEST:
	case OP_DECISION:
	case OP_CANCEL:
	case OP_DROP:
	case OP_REVOKE:
	case OP_LOCK:
	case OP_COLLECT:
	case OP_PROVE:
	case OP_BLOBS:
		put_receipts(&t, json);
		break;
	case OP_PUBLISHED:
		put_published(&t, json);
		break;
	case OP_FOLLOW:
		return JIT_E_UNBUILT;
	}
	return finish(&t, ret);
}

enum jit_err
payload_grown(json_t *json, size_t i, struct buf *ret, struct jit_why *why)
{
	JIT_DONE(to_done) struct to t = TO_INIT(why);
	json_t *paths;

	put_note(&t, json);
	paths = member(&t, json, "paths", JSON_ARRAY);
	if (paths != NULL && i >= json_array_size(paths))
		fail(&t, "paths", "are fewer than were asked for");
	put_hashes(&t, json_array_get(paths, i), "paths");
	return finish(&t, ret);
}

enum jit_err
payload_problem(json_t *json, struct jit_why *why)
{
	json_t *code = json_object_get(json, "code");
	json_t *detail = json_object_get(json, "detail");
	enum jit_err e;
	char shown[sizeof(why->msg)];

	if (!json_is_string(code) || (detail != NULL &&
	    !json_is_string(detail)))
		return jit_fail(why, JIT_E_PROTOCOL, "jit-certd's error is "
		    "no problem document");
	e = jit_err_from_name(json_string_value(code));
	if (e == JIT_OK)
		return jit_fail(why, JIT_E_PROTOCOL, "jit-certd's error says "
		    "that all is well");
	if (detail == NULL || json_string_length(detail) == 0)
		return jit_fail(why, e, "%s", jit_err_sentence(e));
	return jit_fail(why, e, "%s", text_shown(text_in(detail), shown,
	    sizeof(shown)));
}

enum jit_err
payload_text(json_t *json, const char *name, size_t max, struct span *ret,
    struct jit_why *why)
{
	struct to t = TO_INIT(why);
	struct span s = text(&t, json, name, max);

	JIT_TRY(t.err);
	*ret = s;
	return JIT_OK;
}

enum jit_err
payload_time(json_t *json, const char *name, utc_s *ret,
    struct jit_why *why)
{
	struct to t = TO_INIT(why);
	utc_s at = time_of(&t, json, name);

	JIT_TRY(t.err);
	*ret = at;
	return JIT_OK;
}
