/*
 * fuzz_proto: the first byte chooses a reader; a frame or payload that is
 * taken is written again as the same bytes, where there is a writer.
 */
#include <stdlib.h>

#include "signer/proto.h"

#define OUT_MAX (4u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
same(const struct wr *w, struct span s, size_t skip)
{
	if (w->err != JIT_OK ||
	    !span_eq(SPAN(w->p + skip, w->n - skip), s))
		abort();
}

static void
fuzz_ask(struct span s)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(OUT_MAX);
	struct jit_why why = { 0 };
	struct digest d;
	struct ask a;

	if (ask_get(s, &a, &why) != JIT_OK || s.n > PROTO_FRAME_MAX)
		return;
	for (uint32_t i = 0; i < a.count; i++) {
		if (a.op == OP_PROVE)
			(void)ask_index(&a, i);
		else
			ask_digest(&a, i, &d);
	}
	ask_put(&w, &a);
	same(&w, s, 4);
}

static void
fuzz_answer(struct span s)
{
	struct answer a;

	if (answer_get(s, &a) == JIT_OK && a.err != JIT_OK &&
	    a.payload.n > 0)
		abort();
}

static void
fuzz_hello(struct span s)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(OUT_MAX);
	struct jit_why why = { 0 };
	struct hello h;

	if (hello_get(s, &h, &why) != JIT_OK)
		return;
	hello_put(&w, &h);
	same(&w, s, 0);
}

static void
fuzz_grown(struct span s)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(OUT_MAX);
	struct jit_why why = { 0 };
	struct grown g;

	if (grown_get(s, &g, &why) != JIT_OK)
		return;
	grown_put(&w, &g);
	same(&w, s, 0);
}

static void
fuzz_listing(struct span s, bool list)
{
	JIT_DONE(listing_done) struct listing l = { .now = 0 };
	struct jit_why why = { 0 };

	if ((list ? list_answer_get(s, &l, &why) :
	    dossier_answer_get(s, &l, &why)) == JIT_OK &&
	    (l.now < 0 || l.now > UTC_MAX || (!list && l.next != 0)))
		abort();
}

static void
page_again(struct wr *w, struct page *p)
{
	struct jit_why why = { 0 };
	struct entry e;

	wr_string(w, p->note);
	wr_u64(w, p->first);
	wr_u32(w, p->count);
	while (page_next(p, &e, &why) == JIT_OK)
		page_put_entry(w, &e);
}

static void
fuzz_page(struct span s)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(OUT_MAX);
	struct jit_why why = { 0 };
	struct page p;

	if (page_get(s, &p, &why) != JIT_OK)
		return;
	page_again(&w, &p);
	same(&w, s, 0);
}

static void
fuzz_followed(struct span s)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(OUT_MAX);
	struct jit_why why = { 0 };
	struct followed f;

	if (follow_get(s, &f, &why) != JIT_OK)
		return;
	follow_put(&w, &f);
	page_again(&w, &f.page);
	same(&w, s, 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span s;

	if (n == 0)
		return 0;
	s = SPAN(p + 1, n - 1);
	switch (p[0]) {
	case 0: fuzz_ask(s); break;
	case 1: fuzz_answer(s); break;
	case 2: fuzz_hello(s); break;
	case 3: fuzz_grown(s); break;
	case 4: fuzz_listing(s, false); break;
	case 5: fuzz_listing(s, true); break;
	case 6: fuzz_page(s); break;
	case 7: fuzz_followed(s); break;
	}
	return 0;
}
