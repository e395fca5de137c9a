/*
 * fuzz_bundle: evidence that is read is written again as the same bytes;
 * and under pins that nobody has the private half of, nothing verifies but
 * the seeds that were made with them.
 */
#include <stdlib.h>

#include "ca/grant/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* Of the logbook; the seeds get past the checkpoint with it. */
static const char vkey[] =
    "jit.example.com+7cacb3e8+AYJW/4GFs1B1ZNGwlSc9K495fiH+"
    "aDLORDPm8YfzhIna";

static void
try_verify(struct span text)
{
	JIT_DONE(bundle_summary_done) struct bundle_summary s = { .n_by = 0 };
	JIT_DONE(wr_done) struct wr w = WR_INIT(1u << 20);
	struct bundle_pins pins = { .user_ca = NULL };
	struct jit_why why = { 0 };

	if (tlog_vkey_parse(span_str(vkey), &pins.log, NULL) != JIT_OK)
		abort();
	if (bundle_verify(text, &pins, 0, &s, &why) != JIT_OK)
		return;
	bundle_summary_put(&w, &s);
	if (w.err != JIT_OK)
		abort();
}

/* What stands behind the proofs, tried without them. */
static void
try_entries(const struct bundle *b)
{
	JIT_SCOPED(dossier_free) struct dossier *d = NULL;
	struct jit_why why = { 0 };

	for (size_t i = 0; i < b->n; i++) {
		const struct entry *e = &b->v[i].e;

		if (d != NULL)
			(void)dossier_add(d, e, DOSSIER_VERIFY, &why);
		else if (e->type == ENTRY_REQUEST)
			(void)dossier_new(e, DOSSIER_VERIFY, &d, &why);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	JIT_DONE(bundle_done) struct bundle b = { .n = 0 };
	JIT_DONE(wr_done) struct wr w = WR_INIT(BUNDLE_MAX);
	struct jit_why why = { 0 };

	if (bundle_parse(SPAN(p, n), &b, &why) != JIT_OK)
		return 0;
	if (bundle_put(&w, b.log, &b.id, b.v, b.n, b.note, &why) != JIT_OK ||
	    !span_eq(wr_view(&w), SPAN(p, n)))
		abort();
	try_entries(&b);
	try_verify(SPAN(p, n));
	return 0;
}
