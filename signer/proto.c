#include <string.h>

#include "signer/proto.h"

/*
 * The fields of each operation's payload, in order, a letter each:
 *
 *	v  u16 version		n  string note		x  byte[32] secret
 *	t  string text		s  string sig		p  string possess
 *	i  string id		f  u64 from		m  u32 max
 *	w  u32 ms		N  string name
 *	8  u32 count, u64 each	d  u32 count, byte[32] each
 */
static const char *
fields_of(enum op o)
{
	switch (o) {
	case OP_HELLO: return "vn";
	case OP_REQUEST: return "tsp";
	case OP_DECISION:
	case OP_CANCEL:
	case OP_REVOKE:
	case OP_LOCK:
	case OP_DROP: return "ts";
	case OP_COLLECT: return "ix";
	case OP_SHOW: return "i";
	case OP_WAIT: return "ifm";
	case OP_LIST:
	case OP_ENTRIES: return "fm";
	case OP_FIND: return "if";
	case OP_PROVE: return "8";
	case OP_BLOBS: return "d";
	case OP_CHECKPOINT: return "f";
	case OP_FOLLOW: return "fmw";
	case OP_PUBLISHED: return "Nf";
	}
	return NULL;
}

const char *
op_name(uint8_t op)
{
	switch (op) {
#define X(NAME, byte, name, class, payload, answer, what)		\
	case (byte): return (name);
#include "signer/ops.def"
#undef X
	default: return NULL;
	}
}

enum op_class
op_class(enum op o)
{
	switch (o) {
#define X(NAME, byte, name, class, payload, answer, what)		\
	case OP_##NAME: return CLASS_##class;
#include "signer/ops.def"
#undef X
	}
	return CLASS_GRANT;
}

bool
ask_length_ok(uint32_t n)
{
	return n >= PROTO_FRAME_MIN && n <= PROTO_FRAME_MAX;
}

uint32_t
ask_waits(const struct ask *a)
{
	return a->op == OP_WAIT ? a->max : a->op == OP_FOLLOW ? a->ms : 0;
}

/* ---- frames to the signer ---- */

static void
put_raw(struct wr *w, struct span s, size_t n)
{
	if (s.n != n)
		wr_fail(w, JIT_E_FORMAT);
	wr_span(w, s);
}

static void
put_field(struct wr *w, char field, const struct ask *a)
{
	switch (field) {
	case 'v': wr_u16(w, a->version); break;
	case 'n': wr_string(w, a->note); break;
	case 't': wr_string(w, a->text); break;
	case 's': wr_string(w, a->sig); break;
	case 'p': wr_string(w, a->possess); break;
	case 'i': wr_cstring(w, a->id.s); break;
	case 'x': put_raw(w, a->secret, 32); break;
	case 'f': wr_u64(w, a->from); break;
	case 'm': wr_u32(w, a->max); break;
	case 'w': wr_u32(w, a->ms); break;
	case 'N': wr_string(w, a->name); break;
	case '8':
	case 'd':
		wr_u32(w, a->count);
		put_raw(w, a->items,
		    (size_t)a->count * (field == '8' ? 8 : 32));
		break;
	}
}

void
ask_put(struct wr *w, const struct ask *a)
{
	const char *f = fields_of(a->op);
	size_t mark = wr_string_begin(w);

	wr_u8(w, (uint8_t)a->op);
	wr_u32(w, a->tag);
	for (; f != NULL && *f != '\0'; f++)
		put_field(w, *f, a);
	if (f == NULL)
		wr_fail(w, JIT_E_PROTOCOL);
	else if (w->n - mark > PROTO_FRAME_MAX)
		wr_fail(w, JIT_E_SIZE);
	wr_string_end(w, mark);
}

static void
get_items(struct rd *r, size_t size, struct ask *a)
{
	a->count = rd_u32(r);
	if (a->count == 0 || a->count > PROTO_PROVE_MAX) {
		rd_fail(r);
		return;
	}
	a->items = rd_raw(r, a->count * size);
}

static void
get_field(struct rd *r, char field, struct ask *a)
{
	switch (field) {
	case 'v': a->version = rd_u16(r); break;
	case 'n': a->note = rd_string(r, TLOG_NOTE_MAX); break;
	case 't': a->text = rd_string(r, PROTO_FRAME_MAX); break;
	case 's': a->sig = rd_string(r, PROTO_FRAME_MAX); break;
	case 'p': a->possess = rd_string(r, PROTO_FRAME_MAX); break;
	case 'i':
		if (ulid_parse(rd_string(r, ULID_LEN), &a->id) != JIT_OK)
			rd_fail(r);
		break;
	case 'x': a->secret = rd_raw(r, 32); break;
	case 'f': a->from = rd_u64(r); break;
	case 'm': a->max = rd_u32(r); break;
	case 'w': a->ms = rd_u32(r); break;
	case 'N': a->name = rd_cstring(r, PUBLISHED_NAME_MAX); break;
	case '8': get_items(r, 8, a); break;
	case 'd': get_items(r, 32, a); break;
	}
}

/* How much is asked for at once. */
static bool
max_ok(const struct ask *a)
{
	switch (a->op) {
	case OP_WAIT: return a->max <= PROTO_WAIT_MS;
	case OP_LIST: return a->max > 0 && a->max <= PROTO_LIST_MAX;
	case OP_ENTRIES: return a->max > 0;
	case OP_FOLLOW: return a->max > 0 && a->ms <= PROTO_WAIT_MS;
	default: return true;
	}
}

enum jit_err
ask_get(struct span frame, struct ask *ret, struct jit_why *why)
{
	struct rd r = rd_of(frame);
	uint8_t op = rd_u8(&r);
	const char *f;

	*ret = (struct ask){ .op = (enum op)op, .tag = rd_u32(&r) };
	if (op_name(op) == NULL)
		return jit_fail(why, JIT_E_PROTOCOL, "there is no operation "
		    "%u", op);
	for (f = fields_of(ret->op); *f != '\0'; f++) {
		get_field(&r, *f, ret);
		/* What follows on another version is not ours to read. */
		if (*f == 'v' && r.err == JIT_OK &&
		    ret->version != PROTO_VERSION)
			return jit_fail(why, JIT_E_PROTOCOL, "version %u of "
			    "the protocol; this is version %u", ret->version,
			    PROTO_VERSION);
	}
	if (rd_end(&r) != JIT_OK)
		return jit_fail(why, JIT_E_FORMAT, "the payload of %s is not "
		    "what it must be", op_name(op));
	if (!max_ok(ret))
		return jit_fail(why, JIT_E_FORMAT, "%s for %u at once, or "
		    "%u ms", op_name(op), ret->max, ask_waits(ret));
	return JIT_OK;
}

uint64_t
ask_index(const struct ask *a, uint32_t i)
{
	struct rd r = rd_of(SPAN(a->items.p + (size_t)i * 8, 8));

	return rd_u64(&r);
}

void
ask_digest(const struct ask *a, uint32_t i, struct digest *ret)
{
	memcpy(ret->b, a->items.p + (size_t)i * 32, 32);
}
