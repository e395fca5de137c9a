#include <string.h>

#include "signer/proto.h"

#define NAME_MAX_BYTES 64	/* of an error's wire name */
#define WORDS_MAX 1024		/* of what the signer says about it */
#define ENTRY_MIN (ENTRY_LEAF + 1 + ENTRY_SALT + 4)

static void
begin(struct wr *w, uint8_t op, uint32_t tag, const char *name,
    const char *words)
{
	wr_u8(w, op);
	wr_u32(w, tag);
	wr_cstring(w, name);
	wr_cstring(w, words);
}

size_t
answer_begin(struct wr *w, enum op o, uint32_t tag)
{
	size_t mark = wr_string_begin(w);

	begin(w, (uint8_t)o, tag, jit_err_name(JIT_OK), "");
	return mark;
}

void
answer_end(struct wr *w, size_t mark)
{
	if (w->err == JIT_OK && w->n - mark > PROTO_ANSWER_MAX)
		wr_fail(w, JIT_E_SIZE);
	wr_string_end(w, mark);
}

void
answer_error(struct wr *w, uint8_t op, uint32_t tag, enum jit_err e,
    const struct jit_why *why)
{
	size_t mark = wr_string_begin(w);

	begin(w, op, tag, jit_err_name(e), jit_why_text(why, e));
	wr_string_end(w, mark);
}

/* Names that this build does not know are a no as well: JIT_E_PROTOCOL. */
static enum jit_err
err_of(struct span name)
{
	char s[NAME_MAX_BYTES + 1] = { 0 };

	if (name.n > 0)
		memcpy(s, name.p, name.n);
	return jit_err_from_name(s);
}

enum jit_err
answer_get(struct span frame, struct answer *ret)
{
	struct rd r = rd_of(frame);
	struct span name, words;

	*ret = (struct answer){ .op = rd_u8(&r) };
	ret->tag = rd_u32(&r);
	name = rd_cstring(&r, NAME_MAX_BYTES);
	words = rd_string(&r, WORDS_MAX);
	if (r.err != JIT_OK)
		return JIT_E_PROTOCOL;
	ret->err = err_of(name);
	if (ret->err == JIT_OK ? words.n > 0 : r.n > 0)
		return JIT_E_PROTOCOL;
	ret->why.code = ret->err;
	text_shown(words, ret->why.msg, sizeof(ret->why.msg));
	ret->payload = rd_raw(&r, r.n);
	return JIT_OK;
}

/* ---- payloads ---- */

static void
put_path(struct wr *w, const struct merkle_proof *p)
{
	if (p->n > MERKLE_PROOF_MAX) {
		wr_fail(w, JIT_E_FORMAT);
		return;
	}
	wr_u8(w, (uint8_t)p->n);
	for (size_t i = 0; i < p->n; i++)
		wr_span(w, DIGEST_SPAN(p->h[i]));
}

static void
get_path(struct rd *r, struct merkle_proof *ret)
{
	uint8_t n = rd_u8(r);

	ret->n = 0;
	if (n > MERKLE_PROOF_MAX) {
		rd_fail(r);
		return;
	}
	for (; ret->n < n; ret->n++)
		rd_copy(r, ret->h[ret->n].b, sizeof(ret->h[0].b));
}

static utc_s
get_time(struct rd *r)
{
	uint64_t t = rd_u64(r);

	if (t > (uint64_t)UTC_MAX) {
		rd_fail(r);
		return 0;
	}
	return (utc_s)t;
}

static enum signer_state
get_state(struct rd *r)
{
	uint8_t state = rd_u8(r);

	if (state > SIGNER_NO_ROOM)
		rd_fail(r);
	return (enum signer_state)state;
}

void
hello_put(struct wr *w, const struct hello *h)
{
	wr_string(w, h->vkey);
	wr_string(w, h->user_ca);
	wr_u8(w, (uint8_t)h->state);
	wr_u64(w, (uint64_t)h->now);
	wr_u64(w, h->policy_index);
	wr_u64(w, h->recovery);
	wr_u64(w, h->keys_index);
	wr_string(w, h->note);
	put_path(w, &h->path);
}

enum jit_err
hello_get(struct span s, struct hello *ret, struct jit_why *why)
{
	struct rd r = rd_of(s);
	struct hello h;

	h.vkey = rd_cstring(&r, TLOG_VKEY_MAX);
	h.user_ca = rd_string(&r, SSH_BLOB_MAX);
	h.state = get_state(&r);
	h.now = get_time(&r);
	h.policy_index = rd_u64(&r);
	h.recovery = rd_u64(&r);
	h.keys_index = rd_u64(&r);
	h.note = rd_string(&r, TLOG_NOTE_MAX);
	get_path(&r, &h.path);
	if (rd_end(&r) != JIT_OK)
		return jit_fail(why, JIT_E_FORMAT, "not a hello");
	*ret = h;
	return JIT_OK;
}

void
grown_put(struct wr *w, const struct grown *g)
{
	wr_string(w, g->note);
	put_path(w, &g->path);
}

enum jit_err
grown_get(struct span s, struct grown *ret, struct jit_why *why)
{
	struct rd r = rd_of(s);
	struct grown g;

	g.note = rd_string(&r, TLOG_NOTE_MAX);
	get_path(&r, &g.path);
	if (rd_end(&r) != JIT_OK)
		return jit_fail(why, JIT_E_FORMAT, "not a checkpoint and its "
		    "path");
	*ret = g;
	return JIT_OK;
}

static enum jit_err
listing_get(struct span s, bool next, struct listing *ret,
    struct jit_why *why)
{
	struct rd r = rd_of(s);
	struct listing l = { .now = get_time(&r) };

	l.policy_index = rd_u64(&r);
	l.next = next ? rd_u64(&r) : 0;
	JIT_TRY(receipts_get(&r, &l.receipts, why));
	*ret = l;
	return JIT_OK;
}

enum jit_err
dossier_answer_get(struct span s, struct listing *ret, struct jit_why *why)
{
	return listing_get(s, false, ret, why);
}

enum jit_err
list_answer_get(struct span s, struct listing *ret, struct jit_why *why)
{
	return listing_get(s, true, ret, why);
}

void
listing_done(struct listing *l)
{
	receipts_done(&l->receipts);
	*l = (struct listing){ 0 };
}

/* ---- a page of the log ---- */

void
page_put_entry(struct wr *w, const struct entry *e)
{
	static const uint8_t none[ENTRY_SALT];

	wr_raw(w, e->leaf, ENTRY_LEAF);
	wr_u8(w, e->erased);
	wr_raw(w, e->erased ? none : e->salt, ENTRY_SALT);
	wr_string(w, e->erased ? SPAN_NONE : e->body);
}

static void
get_entry(struct rd *r, struct entry *ret)
{
	static const uint8_t none[ENTRY_SALT];
	struct span leaf = rd_raw(r, ENTRY_LEAF);
	uint8_t erased = rd_u8(r);

	*ret = (struct entry){ .erased = erased == 1 };
	rd_copy(r, ret->salt, ENTRY_SALT);
	ret->body = rd_string(r, ENTRY_BODY_MAX);
	if (r->err != JIT_OK || erased > 1 ||
	    entry_parse_leaf(leaf, ret) != JIT_OK ||
	    (erased && (ret->body.n > 0 ||
	    memcmp(ret->salt, none, ENTRY_SALT) != 0)))
		rd_fail(r);
}

/* Are they all there, one index after the other, and nothing else? */
static enum jit_err
page_whole(const struct page *p, struct jit_why *why)
{
	struct rd r = p->left;
	struct entry e;

	for (uint32_t i = 0; i < p->count && r.err == JIT_OK; i++) {
		get_entry(&r, &e);
		if (r.err == JIT_OK && e.index - p->first != i)
			rd_fail(&r);
	}
	if (rd_end(&r) != JIT_OK)
		return jit_fail(why, JIT_E_FORMAT, "not a page of the log");
	return JIT_OK;
}

enum jit_err
page_get(struct span s, struct page *ret, struct jit_why *why)
{
	struct rd r = rd_of(s);
	struct page p;

	p.note = rd_string(&r, TLOG_NOTE_MAX);
	p.first = rd_u64(&r);
	p.count = rd_u32(&r);
	if (r.err != JIT_OK || p.count > r.n / ENTRY_MIN)
		return jit_fail(why, JIT_E_FORMAT, "not a page of the log");
	p.left = r;
	JIT_TRY(page_whole(&p, why));
	*ret = p;
	return JIT_OK;
}

enum jit_err
page_next(struct page *p, struct entry *ret, struct jit_why *why)
{
	if (p->left.err == JIT_OK && p->left.n == 0)
		return jit_fail(why, JIT_E_UNKNOWN, "the page has no more");
	get_entry(&p->left, ret);
	if (p->left.err != JIT_OK)
		return jit_fail(why, JIT_E_FORMAT, "not an entry of the log");
	return JIT_OK;
}

/* ---- a log that is followed ---- */

void
follow_put(struct wr *w, const struct followed *f)
{
	wr_u8(w, (uint8_t)f->state);
	wr_u64(w, (uint64_t)f->now);
	wr_u64(w, f->policy_index);
	wr_u64(w, f->recovery);
}

enum jit_err
follow_get(struct span s, struct followed *ret, struct jit_why *why)
{
	struct rd r = rd_of(s);
	struct followed f = { .state = get_state(&r) };

	f.now = get_time(&r);
	f.policy_index = rd_u64(&r);
	f.recovery = rd_u64(&r);
	if (r.err != JIT_OK)
		return jit_fail(why, JIT_E_FORMAT, "not a page of a log that "
		    "is followed");
	JIT_TRY(page_get(SPAN(r.p, r.n), &f.page, why));
	*ret = f;
	return JIT_OK;
}

/* ---- lists that are published ---- */

void
published_put(struct wr *w, const struct published *p)
{
	wr_u64(w, p->number);
	wr_u64(w, (uint64_t)p->made);
	wr_u64(w, (uint64_t)p->next);
	wr_u64(w, p->total);
	wr_string(w, p->sig);
	wr_string(w, p->bytes);
}

enum jit_err
published_get(struct span s, struct published *ret, struct jit_why *why)
{
	struct rd r = rd_of(s);
	struct published p = { .number = rd_u64(&r) };

	p.made = get_time(&r);
	p.next = get_time(&r);
	p.total = rd_u64(&r);
	p.sig = rd_string(&r, SSHSIG_MAX);
	p.bytes = rd_string(&r, PROTO_PAGE);
	if (rd_end(&r) != JIT_OK || p.bytes.n > p.total || p.next <= p.made)
		return jit_fail(why, JIT_E_FORMAT, "not a published list");
	*ret = p;
	return JIT_OK;
}
