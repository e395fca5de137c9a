/*
 * fuzz_ledger.  First byte 0: entries, each u8 (bit 0: erased; the rest the
 * mode), leaf[53], string body, applied one after the other whether or not
 * they are taken; what was folded saves, loads, and saves as the same bytes.
 * First byte 1: a snapshot that is taken saves as the same bytes.
 */
#include <stdlib.h>

#include "ca/grant/ledger.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#define SAVE_MAX (8u << 20)

static void
load(struct span s, bool must)
{
	JIT_SCOPED(ledger_free) struct ledger *l = NULL;
	JIT_DONE(wr_done) struct wr w = WR_INIT(SAVE_MAX);
	struct jit_why why = { 0 };
	struct rd r = rd_of(s);

	if (ledger_load(&r, &l, &why) != JIT_OK) {
		if (must)
			abort();
		return;
	}
	if (ledger_save(l, &w) != JIT_OK ||
	    !span_eq(wr_view(&w), SPAN(s.p, s.n - r.n)))
		abort();
}

static void
fold(struct rd r)
{
	JIT_SCOPED(ledger_free) struct ledger *l = NULL;
	JIT_DONE(wr_done) struct wr w = WR_INIT(SAVE_MAX);
	struct jit_why why = { 0 };

	if (ledger_new(&l) != JIT_OK)
		return;
	while (r.err == JIT_OK && r.n > 0) {
		uint8_t how = rd_u8(&r);
		struct span leaf = rd_raw(&r, ENTRY_LEAF);
		struct entry e = { .erased = how & 1,
		    .body = rd_string(&r, ENTRY_BODY_MAX) };

		if (r.err != JIT_OK || entry_parse_leaf(leaf, &e) != JIT_OK)
			break;
		/* Numbered and dated so that it may stand there. */
		if ((how & 0x80) == 0)
			e.index = ledger_size(l);
		if ((how & 0x40) == 0 && e.time < ledger_time(l))
			e.time = ledger_time(l);
		if (e.erased)
			e.body = SPAN_NONE;
		(void)entry_seal(&e);
		(void)ledger_apply(l, &e, (enum ledger_mode)(how >> 1 & 3) %
		    3, &why);
	}
	if (ledger_size(l) == 0)
		return;
	if (ledger_save(l, &w) != JIT_OK)
		abort();
	load(wr_view(&w), true);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	if (n > 0 && p[0] == 0)
		fold(rd_of(SPAN(p + 1, n - 1)));
	else if (n > 0 && p[0] == 1)
		load(SPAN(p + 1, n - 1), false);
	return 0;
}
