#include <stdio.h>
#include <unistd.h>

#include "tests/lib/check_log.h"

static void
must(enum jit_err e, const char *what, const struct jit_why *why)
{
	if (e == JIT_OK)
		return;
	(void)fprintf(stderr, "the log does not hold: %s: %s: %s\n", what,
	    jit_err_name(e), why->msg);
	exit(1);
}

/* One page; how many entries it had. */
static uint32_t
one_page(int fd, struct wr *in, struct audit *a, uint64_t from,
    struct buf *note)
{
	JIT_DONE(buf_done) struct buf f = station_frame(&(struct ask){
	    .op = OP_ENTRIES, .from = from, .max = 1024 });
	struct jit_why why = { 0 };
	struct answer ans;
	struct entry e;
	struct page p;

	must(station_ask(fd, BUF_SPAN(f), in, &ans), "a page", &ans.why);
	must(page_get(ans.payload, &p, &why), "a page", &why);
	for (uint32_t i = 0; i < p.count; i++) {
		must(page_next(&p, &e, &why), "an entry", &why);
		must(audit_entry(a, &e, LEDGER_DEEP, &why), "an entry",
		    &why);
	}
	buf_done(note);
	must(buf_copy(note, p.note), "memory", &why);
	return p.count;
}

void
check_log(struct station *s, struct audit_counts *ret)
{
	JIT_SCOPED(audit_free) struct audit *a = NULL;
	JIT_DONE(wr_done) struct wr in = WR_INIT(PROTO_ANSWER_MAX);
	JIT_DONE(buf_done) struct buf note = { NULL, 0 };
	struct jit_why why = { 0 };
	uint64_t next = 0;
	uint32_t n;
	int fd = station_connect(s);

	must(audit_new(&s->log, &a), "memory", &why);
	while ((n = one_page(fd, &in, a, next, &note)) > 0)
		next += n;
	must(audit_checkpoint(a, BUF_SPAN(note), NULL, &why), "checkpoint",
	    &why);
	*ret = *audit_counts(a);
	(void)close(fd);
}
