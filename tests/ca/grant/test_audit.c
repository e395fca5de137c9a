/* audit: the whole log or nothing. */
#include <string.h>

#include "ca/grant/audit.h"
#include "tests/lib/logbook.h"

static struct logbook b;
static struct ulid ids[STORY_N];

static struct audit *
begun(size_t n, enum ledger_mode mode)
{
	struct audit *a = NULL;
	struct jit_why why = { 0 };

	JT_OK(audit_new(&b.w.log, &a));
	for (size_t i = 0; i < n; i++)
		JT_WHY(audit_entry(a, &b.entry[i].e, mode, &why), JIT_OK,
		    &why);
	return a;
}

static void
whole(void **state)
{
	JIT_DONE(buf_done) struct buf note = logbook_note(&b, b.n);
	JIT_DONE(buf_done) struct buf older = logbook_note(&b, b.n - 1);

	(void)state;
	for (int m = LEDGER_JUDGE; m <= LEDGER_DEEP; m++) {
		JIT_SCOPED(audit_free) struct audit *a = begun(b.n,
		    (enum ledger_mode)m);
		const struct audit_counts *n = audit_counts(a);
		struct checkpoint c;

		JT_OK(audit_checkpoint(a, BUF_SPAN(note), &c, NULL));
		assert_true(c.size == b.n && n->entries == b.n);
		JT_ERR(audit_checkpoint(a, BUF_SPAN(older), &c, NULL),
		    JIT_E_VERIFY);
		assert_true(n->requests == STORY_N && n->issued == 2 &&
		    n->denials == 1 && n->approvals == 9 &&
		    n->cancelled == 1 && n->dropped == 1 &&
		    n->policies == 2 && n->recoveries == 1 &&
		    n->erased == 0 && n->unjudged == 0);
		assert_int_equal(ledger_count(audit_ledger(a)), STORY_N);
	}
}

/* A part of the log, and another log of the same length. */
static void
other(void **state)
{
	JIT_DONE(buf_done) struct buf note = logbook_note(&b, b.n);
	JIT_SCOPED(audit_free) struct audit *a = begun(b.n - 1, LEDGER_JUDGE),
	    *z = NULL, *empty = NULL;
	struct entry e = b.entry[b.n - 1].e;
	uint8_t flip = 1;

	(void)state;
	JT_ERR(audit_checkpoint(a, BUF_SPAN(note), NULL, NULL), JIT_E_VERIFY);
	/* The last entry under another salt: as good, and not that log's. */
	e.salt[0] ^= flip;
	JT_OK(entry_seal(&e));
	JT_OK(audit_entry(a, &e, LEDGER_DEEP, NULL));
	JT_ERR(audit_checkpoint(a, BUF_SPAN(note), NULL, NULL), JIT_E_VERIFY);
	z = begun(b.n, LEDGER_JUDGE);
	note.p[note.n - 9] ^= 1;
	JT_ERR(audit_checkpoint(z, BUF_SPAN(note), NULL, NULL), JIT_E_SIG);
	empty = begun(0, LEDGER_JUDGE);
	JT_ERR(audit_checkpoint(empty, BUF_SPAN(note), NULL, NULL),
	    JIT_E_SIG);
	JT_ERR(audit_entry(empty, &b.entry[0].e, LEDGER_OWN, NULL),
	    JIT_E_ARG);
}

static void
pinned(void **state)
{
	struct tlog_vkey pin;
	JIT_SCOPED(audit_free) struct audit *a = NULL;
	uint8_t key[32] = { 7 };

	(void)state;
	JT_OK(tlog_vkey_make("jit.example.com", key, &pin, NULL));
	JT_OK(audit_new(&pin, &a));
	JT_ERR(audit_entry(a, &b.entry[0].e, LEDGER_DEEP, NULL),
	    JIT_E_LOGNAME);
	/* It has failed for good. */
	JT_ERR(audit_entry(a, &b.entry[1].e, LEDGER_DEEP, NULL),
	    JIT_E_LOGNAME);
	JT_ERR(audit_checkpoint(a, SPAN_NONE, NULL, NULL), JIT_E_LOGNAME);
}

/* Each field that is not the leaf's, and each bit of a body. */
static void
leaves(void **state)
{
	size_t at = b.n - 1;

	(void)state;
	for (int i = 0; i < 5; i++) {
		JIT_SCOPED(audit_free) struct audit *a = begun(at,
		    LEDGER_JUDGE);
		struct entry e = b.entry[at].e;

		e.time += i == 0;
		e.type = i == 1 ? ENTRY_BLOB : e.type;
		e.salt[0] ^= i == 2;
		e.body.n -= i == 3;
		e.leaf[ENTRY_LEAF - 1] ^= i == 4;
		JT_ERR(audit_entry(a, &e, LEDGER_JUDGE, NULL), JIT_E_VERIFY);
	}
}

static void
erased(void **state)
{
	JIT_DONE(buf_done) struct buf note = logbook_note(&b, b.n);
	JIT_SCOPED(audit_free) struct audit *a = NULL;
	struct ulid id;

	(void)state;
	for (size_t i = 0; i < b.n; i++)
		if (rec_about((enum entry_type)b.entry[i].e.type,
		    b.entry[i].e.body, &id) &&
		    strcmp(id.s, ids[STORY_DROPPED].s) == 0)
			logbook_erase(&b, i);
	a = begun(b.n, LEDGER_DEEP);
	JT_OK(audit_checkpoint(a, BUF_SPAN(note), NULL, NULL));
	assert_true(audit_counts(a)->erased == 5 &&
	    audit_counts(a)->unjudged == 0 && audit_counts(a)->issued == 2);
}

/* What was taken back, locks, keys: counted, and judged as well. */
static void
taken(void **state)
{
	struct ulid t[TAKEN_N];
	JIT_DONE(buf_done) struct buf note = { NULL, 0 };

	(void)state;
	logbook_done(&b);
	logbook_init(&b);
	logbook_taken(&b, t);
	note = logbook_note(&b, b.n);
	for (int m = LEDGER_JUDGE; m <= LEDGER_DEEP; m++) {
		JIT_SCOPED(audit_free) struct audit *a = begun(b.n,
		    (enum ledger_mode)m);
		const struct audit_counts *n = audit_counts(a);

		JT_OK(audit_checkpoint(a, BUF_SPAN(note), NULL, NULL));
		assert_true(n->requests == TAKEN_N && n->issued == 5 &&
		    n->revoked == 5 && n->dropped == 1 && n->locks == 3 &&
		    n->cancelled == 0 && n->policies == 3 &&
		    n->unjudged == 0);
	}
}

int
main(void)
{
	int failed;

	logbook_init(&b);
	logbook_story(&b, ids);
	failed = jt_one("whole", whole) + jt_one("other", other) +
	    jt_one("pinned", pinned) + jt_one("leaves", leaves) +
	    jt_one("erased", erased) + jt_one("taken back", taken);
	logbook_done(&b);
	return failed;
}
