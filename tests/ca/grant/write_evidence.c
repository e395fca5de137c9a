/*
 * write_evidence DIR: the logbook's story as files, for tests in other
 * languages, the golden file, and the seeds of the fuzz targets.
 *
 *	DIR/dropped.txt denied.txt ... the bundles
 *	DIR/vkey  DIR/ca.pub           the pins
 *	DIR/seeds/{bundle,ledger,receipt}/...
 */
#include <stdio.h>
#include <sys/stat.h>

#include "ca/grant/ledger.h"
#include "tests/lib/logbook.h"
#include "tests/lib/run.h"

static struct logbook b;
static struct ulid ids[STORY_N];
static const char *dir;

static void
out(const char *name, struct span s)
{
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	jt_write(path, s);
}

static void
folder(const char *name)
{
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	(void)mkdir(path, 0700);
}

static void
bundles(void)
{
	static const char *const names[STORY_N] = { "dropped", "denied",
	    "cancelled", "active", "approved", "pending" };
	JIT_DONE(wr_done) struct wr w = WR_INIT(SSH_BLOB_MAX);
	char name[64];

	for (int i = 0; i < STORY_N; i++) {
		JIT_DONE(buf_done) struct buf text = logbook_bundle(&b,
		    &ids[i]);

		(void)snprintf(name, sizeof(name), "%s.txt", names[i]);
		out(name, BUF_SPAN(text));
		(void)snprintf(name, sizeof(name), "seeds/bundle/%s",
		    names[i]);
		if (i < STORY_CANCELLED)
			out(name, BUF_SPAN(text));
	}
	tlog_vkey_put(&w, &b.w.log);
	wr_str(&w, "\n");
	out("vkey", wr_view(&w));
	wr_done(&w);
	ssh_key_put_line(&w, b.w.ca.v[0].key, NULL);
	wr_str(&w, "\n");
	out("ca.pub", wr_view(&w));
}

/* 0, then the entries as fuzz_ledger reads them; 1, then a snapshot. */
static void
ledgers(void)
{
	JIT_SCOPED(ledger_free) struct ledger *l = NULL;
	JIT_DONE(wr_done) struct wr w = WR_INIT(4u << 20);

	JT_OK(ledger_new(&l));
	wr_u8(&w, 0);
	for (size_t i = 0; i < b.n; i++) {
		const struct entry *e = &b.entry[i].e;

		JT_OK(ledger_apply(l, e, LEDGER_DEEP, NULL));
		wr_u8(&w, 0);
		wr_raw(&w, e->leaf, sizeof(e->leaf));
		wr_string(&w, e->body);
	}
	out("seeds/ledger/entries", wr_view(&w));
	wr_done(&w);
	wr_u8(&w, 1);
	JT_OK(ledger_save(l, &w));
	out("seeds/ledger/saved", wr_view(&w));
}

static void
receipts(void)
{
	JIT_DONE(buf_done) struct buf note = logbook_note(&b, b.n);
	JIT_DONE(wr_done) struct wr w = WR_INIT(1u << 20);
	struct receipt r;

	wr_string(&w, BUF_SPAN(note));
	wr_u32(&w, 2);
	for (uint64_t i = 0; i < 2; i++) {
		logbook_receipt(&b, i, b.n, &r);
		r.e.erased = i == 1;
		receipt_put(&w, &r);
	}
	out("seeds/receipt/two", wr_view(&w));
}

static void
write_all(void **state)
{
	(void)state;
	logbook_init(&b);
	logbook_story(&b, ids);
	folder("seeds");
	folder("seeds/bundle");
	folder("seeds/ledger");
	folder("seeds/receipt");
	bundles();
	ledgers();
	receipts();
	logbook_done(&b);
}

int
main(int argc, char **argv)
{
	if (argc != 2) {
		(void)fprintf(stderr, "usage: write_evidence DIR\n");
		return 2;
	}
	dir = argv[1];
	return jt_one("write", write_all);
}
