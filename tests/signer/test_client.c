/*
 * client: a signer that lies once is found out, each lie by its own error;
 * and one that does not is believed however it talks.
 */
#include <string.h>

#include "signer/client.h"
#include "tests/signer/liar.h"

#define QUICK 400	/* ms: for what will not be answered */
#define PATIENT 20000

static struct logbook book;
static struct ulid ids[STORY_N];

/* ---- what is asked ---- */

enum call { OPEN, PROVE, SHOW, LIST, PAGE, JOIN };

static enum jit_err
ask_receipts(struct client *c, struct jit_why *why)
{
	static const uint8_t items[3 * 8] = { [15] = 2, [23] = 3 };
	const struct ask a = { .op = OP_PROVE, .count = 3,
	    .items = { items, sizeof(items) } };
	JIT_DONE(receipts_done) struct receipts r = { 0 };

	JIT_TRY(client_receipts(c, &a, &r, why));
	assert_int_equal(r.n, 3);
	assert_true(r.v[2].e.index == 3 && span_eq(r.v[2].e.body,
	    book.entry[3].e.body));
	return JIT_OK;
}

static enum jit_err
ask_listing(struct client *c, enum op op, struct jit_why *why)
{
	const struct ask a = { .op = op, .id = ids[STORY_DROPPED],
	    .max = 2 };
	JIT_DONE(listing_done) struct listing l = { 0 };

	JIT_TRY(client_listing(c, &a, &l, why));
	assert_true(l.receipts.n >= 5 && l.now == book.w.now);
	return JIT_OK;
}

static enum jit_err
ask_page(struct client *c, struct jit_why *why)
{
	struct entry e;
	struct page p;

	JIT_TRY(client_page(c, 2, 7, &p, why));
	assert_int_equal(p.count, 7);
	JT_OK(page_next(&p, &e, NULL));
	assert_true(e.index == 2);
	return JIT_OK;
}

/* As another process's: an older and the newest. */
static enum jit_err
join(struct client *c, struct jit_why *why)
{
	JIT_DONE(buf_done) struct buf old = logbook_note(&book, 9);
	JIT_DONE(buf_done) struct buf newest = logbook_note(&book, book.n);

	JIT_TRY(client_join(c, BUF_SPAN(old), why));
	return client_join(c, BUF_SPAN(newest), why);
}

static enum jit_err
do_call(struct client *c, enum call call, struct jit_why *why)
{
	switch (call) {
	case OPEN: return JIT_OK;
	case PROVE: return ask_receipts(c, why);
	case SHOW: return ask_listing(c, OP_SHOW, why);
	case LIST: return ask_listing(c, OP_LIST, why);
	case PAGE: return ask_page(c, why);
	case JOIN: return join(c, why);
	}
	return JIT_E_ARG;
}

/* ---- rows ---- */

struct row {
	const char *name;
	enum call call;
	enum op at;
	enum lie lie;
	enum jit_err want;
	uint64_t known;		/* entries less than all that were seen;
				   0: nothing was, ALL: all of it */
	uint64_t less, grow;	/* shown: so many less than all, growing */
};
#define ALL UINT64_MAX

static const struct row rows[] = {
	/* What is true is believed. */
	{ "first use", OPEN, OP_HELLO, LIE_NONE, JIT_OK, 0, 0, 0 },
	{ "seen before", OPEN, OP_HELLO, LIE_NONE, JIT_OK, 12, 0, 0 },
	{ "nothing new", OPEN, OP_HELLO, LIE_NONE, JIT_OK, ALL, 0, 0 },
	{ "receipts", PROVE, OP_HELLO, LIE_NONE, JIT_OK, 12, 0, 0 },
	{ "a dossier", SHOW, OP_HELLO, LIE_NONE, JIT_OK, 12, 0, 0 },
	{ "a list", LIST, OP_HELLO, LIE_NONE, JIT_OK, 12, 0, 0 },
	{ "a page", PAGE, OP_HELLO, LIE_NONE, JIT_OK, 12, 0, 0 },
	{ "grown between answers", PROVE, OP_HELLO, LIE_NONE, JIT_OK, 12,
	    11, 11 },
	{ "grows with each answer", PROVE, OP_HELLO, LIE_NONE, JIT_OK, 12,
	    11, 1 },
	{ "grows without end", PROVE, OP_HELLO, LIE_NONE, JIT_E_BUSY, 45,
	    44, 1 },
	{ "what others saw", JOIN, OP_HELLO, LIE_NONE, JIT_OK, 12, 0, 0 },
	{ "others saw more", JOIN, OP_HELLO, LIE_NONE, JIT_OK, 12, 5, 5 },
	{ "others saw what is not there", JOIN, OP_HELLO, LIE_NONE,
	    JIT_E_ROLLBACK, 12, 5, 0 },
	{ "answers in another order", PROVE, OP_CHECKPOINT, LIE_SWAP, JIT_OK,
	    12, 11, 11 },
	{ "a byte at a time", PROVE, OP_PROVE, LIE_DRIP, JIT_OK, 12, 0, 0 },
	{ "erased bodies", SHOW, OP_SHOW, LIE_ERASED, JIT_OK, 12, 0, 0 },

	/* No frames. */
	{ "hello: closes", OPEN, OP_HELLO, LIE_CLOSE, JIT_E_UNREACHABLE,
	    12, 0, 0 },
	{ "hello: half of it", OPEN, OP_HELLO, LIE_CUT, JIT_E_UNREACHABLE,
	    12, 0, 0 },
	{ "hello: silence", OPEN, OP_HELLO, LIE_SILENT, JIT_E_UNREACHABLE,
	    12, 0, 0 },
	{ "hello: 4 GiB", OPEN, OP_HELLO, LIE_HUGE, JIT_E_PROTOCOL, 12,
	    0, 0 },
	{ "hello: noise", OPEN, OP_HELLO, LIE_NOISE, JIT_E_PROTOCOL, 12,
	    0, 0 },
	{ "hello: garbage", OPEN, OP_HELLO, LIE_GARBAGE, JIT_E_PROTOCOL, 12,
	    0, 0 },
	{ "hello: a byte more", OPEN, OP_HELLO, LIE_TRAIL, JIT_E_PROTOCOL,
	    12, 0, 0 },
	{ "hello: a byte less", OPEN, OP_HELLO, LIE_LACK, JIT_E_PROTOCOL,
	    12, 0, 0 },
	{ "hello: no", OPEN, OP_HELLO, LIE_REFUSE, JIT_E_SELF, 12, 0, 0 },
	{ "closes", PROVE, OP_PROVE, LIE_CLOSE, JIT_E_UNREACHABLE, 12, 0, 0 },
	{ "half of it", PROVE, OP_PROVE, LIE_CUT, JIT_E_UNREACHABLE, 12,
	    0, 0 },
	{ "silence", PROVE, OP_PROVE, LIE_SILENT, JIT_E_UNREACHABLE, 12,
	    0, 0 },
	{ "4 GiB", PROVE, OP_PROVE, LIE_HUGE, JIT_E_PROTOCOL, 12, 0, 0 },
	{ "2 MiB and a byte", PROVE, OP_PROVE, LIE_OVER, JIT_E_PROTOCOL, 12,
	    0, 0 },
	{ "4 bytes", PROVE, OP_PROVE, LIE_SHORT, JIT_E_PROTOCOL, 12, 0, 0 },
	{ "noise", PROVE, OP_PROVE, LIE_NOISE, JIT_E_PROTOCOL, 12, 0, 0 },
	{ "another tag", PROVE, OP_PROVE, LIE_TAG, JIT_E_PROTOCOL, 12, 0, 0 },
	{ "another operation", PROVE, OP_PROVE, LIE_OP, JIT_E_PROTOCOL, 12,
	    0, 0 },
	{ "no", PROVE, OP_PROVE, LIE_REFUSE, JIT_E_SELF, 12, 0, 0 },
	{ "no, to the second question", PROVE, OP_CHECKPOINT, LIE_REFUSE,
	    JIT_E_SELF, 12, 11, 11 },
	{ "silence, to the second question", PROVE, OP_CHECKPOINT,
	    LIE_SILENT, JIT_E_UNREACHABLE, 12, 11, 11 },

	/* No payloads. */
	{ "receipts: garbage", PROVE, OP_PROVE, LIE_GARBAGE, JIT_E_VERIFY,
	    12, 0, 0 },
	{ "receipts: a byte more", PROVE, OP_PROVE, LIE_TRAIL, JIT_E_VERIFY,
	    12, 0, 0 },
	{ "receipts: a byte less", PROVE, OP_PROVE, LIE_LACK, JIT_E_VERIFY,
	    12, 0, 0 },
	{ "dossier: garbage", SHOW, OP_SHOW, LIE_GARBAGE, JIT_E_VERIFY, 12,
	    0, 0 },
	{ "list: garbage", LIST, OP_LIST, LIE_GARBAGE, JIT_E_VERIFY, 12,
	    0, 0 },
	{ "page: garbage", PAGE, OP_ENTRIES, LIE_GARBAGE, JIT_E_VERIFY, 12,
	    0, 0 },
	{ "page: a byte less", PAGE, OP_ENTRIES, LIE_LACK, JIT_E_VERIFY, 12,
	    0, 0 },
	{ "checkpoint: garbage", PROVE, OP_CHECKPOINT, LIE_GARBAGE,
	    JIT_E_VERIFY, 12, 11, 11 },

	/* Another log. */
	{ "hello: another log key", OPEN, OP_HELLO, LIE_VKEY, JIT_E_LOGNAME,
	    12, 0, 0 },
	{ "hello: another user CA", OPEN, OP_HELLO, LIE_CA, JIT_E_LOGNAME,
	    12, 0, 0 },
	{ "hello: note by another key", OPEN, OP_HELLO, LIE_KEY, JIT_E_SIG,
	    12, 0, 0 },
	{ "hello: note of another log", OPEN, OP_HELLO, LIE_ORIGIN,
	    JIT_E_LOGNAME, 12, 0, 0 },
	{ "first use: note by another key", OPEN, OP_HELLO, LIE_KEY,
	    JIT_E_SIG, 0, 0, 0 },
	{ "first use: another log key", OPEN, OP_HELLO, LIE_VKEY, JIT_E_SIG,
	    0, 0, 0 },
	{ "first use: an empty log", OPEN, OP_HELLO, LIE_EMPTY_LOG,
	    JIT_E_VERIFY, 0, 0, 0 },
	{ "hello: note unsigned", OPEN, OP_HELLO, LIE_UNSIGNED, JIT_E_SIG, 12,
	    0, 0 },
	{ "note by another key", PROVE, OP_PROVE, LIE_KEY, JIT_E_SIG, 12,
	    0, 0 },
	{ "note of another log", PROVE, OP_PROVE, LIE_ORIGIN, JIT_E_LOGNAME,
	    12, 0, 0 },
	{ "note unsigned", SHOW, OP_SHOW, LIE_UNSIGNED, JIT_E_SIG, 12, 0, 0 },
	{ "page: note by another key", PAGE, OP_ENTRIES, LIE_KEY, JIT_E_SIG,
	    12, 0, 0 },
	{ "checkpoint by another key", PROVE, OP_CHECKPOINT, LIE_KEY,
	    JIT_E_SIG, 12, 11, 11 },

	/* It went back, or has two faces. */
	{ "hello: older than seen", OPEN, OP_HELLO, LIE_NONE, JIT_E_ROLLBACK,
	    5, 9, 0 },
	{ "hello: forked", OPEN, OP_HELLO, LIE_FORK, JIT_E_ROLLBACK, ALL,
	    0, 0 },
	{ "hello: forked and grown", OPEN, OP_HELLO, LIE_FORK,
	    JIT_E_ROLLBACK, 12, 0, 0 },
	{ "hello: another path", OPEN, OP_HELLO, LIE_PATH, JIT_E_ROLLBACK,
	    12, 0, 0 },
	{ "older than hello", PROVE, OP_PROVE, LIE_OLD, JIT_E_ROLLBACK, 12,
	    0, 0 },
	{ "older dossier", SHOW, OP_SHOW, LIE_OLD, JIT_E_ROLLBACK, 12, 0, 0 },
	{ "older page", PAGE, OP_ENTRIES, LIE_OLD, JIT_E_ROLLBACK, 12, 0, 0 },
	{ "forked", PROVE, OP_PROVE, LIE_FORK, JIT_E_ROLLBACK, 12, 0, 0 },
	{ "forked and grown", PROVE, OP_PROVE, LIE_FORK, JIT_E_ROLLBACK, 12,
	    11, 11 },
	{ "checkpoint: another path", PROVE, OP_CHECKPOINT, LIE_PATH,
	    JIT_E_ROLLBACK, 12, 11, 8 },
	{ "checkpoint: older", PROVE, OP_CHECKPOINT, LIE_OLD,
	    JIT_E_ROLLBACK, 12, 11, 11 },
	{ "checkpoint: forked", PROVE, OP_CHECKPOINT, LIE_FORK,
	    JIT_E_ROLLBACK, 12, 11, 11 },

	/* Not in it. */
	{ "path of another entry", PROVE, OP_PROVE, LIE_PROOF, JIT_E_VERIFY,
	    12, 0, 0 },
	{ "another leaf", PROVE, OP_PROVE, LIE_LEAF, JIT_E_VERIFY, 12, 0, 0 },
	{ "another salt", PROVE, OP_PROVE, LIE_SALT, JIT_E_VERIFY, 12, 0, 0 },
	{ "another body", PROVE, OP_PROVE, LIE_BODY, JIT_E_VERIFY, 12, 0, 0 },
	{ "dossier: another body", SHOW, OP_SHOW, LIE_BODY, JIT_E_VERIFY, 12,
	    0, 0 },
	{ "list: another path", LIST, OP_LIST, LIE_PROOF, JIT_E_VERIFY, 12,
	    0, 0 },
	{ "page: another salt", PAGE, OP_ENTRIES, LIE_SALT, JIT_E_VERIFY, 12,
	    0, 0 },
	{ "another page", PAGE, OP_ENTRIES, LIE_OTHER, JIT_E_VERIFY, 12,
	    0, 0 },
	{ "a page too large", PAGE, OP_ENTRIES, LIE_TWICE, JIT_E_VERIFY, 12,
	    0, 0 },
	{ "hello: a policy to come", OPEN, OP_HELLO, LIE_POLICY_FUTURE,
	    JIT_E_VERIFY, 12, 0, 0 },
	{ "dossier: a policy to come", SHOW, OP_SHOW, LIE_POLICY_FUTURE,
	    JIT_E_VERIFY, 12, 0, 0 },
};

static void
know(const struct row *r, struct client_trust *t)
{
	uint64_t size = r->known == ALL ? book.n : book.n - r->known;

	*t = (struct client_trust){ .pinned = r->known > 0 };
	if (!t->pinned)
		return;
	t->log = book.w.log;
	JT_OK(ssh_key_dup(book.w.ca.v[0].key, &t->user_ca));
	t->note = logbook_note(&book, size);
}

/* What is not true is told apart from a no, from silence and from noise. */
static int
exit_of(const struct row *r)
{
	switch (r->want) {
	case JIT_OK: return 0;
	case JIT_E_SELF: return 15;
	case JIT_E_UNREACHABLE: return 17;
	case JIT_E_PROTOCOL:
	case JIT_E_BUSY: return 1;
	default: return 18;
	}
}

static void
test_row(void **state)
{
	const struct row *r = *state;
	struct liar l = { .b = &book, .size = book.n - r->less,
	    .grow = r->grow, .lie = r->lie, .at = r->at };
	JIT_SCOPED(client_free) struct client *c = NULL;
	struct jit_why why = { 0 };
	struct client_trust t;
	struct buf before;
	enum jit_err e;

	know(r, &t);
	before = t.note;
	liar_start(&l);
	e = client_open(l.path, r->lie == LIE_SILENT ? QUICK : PATIENT, &t,
	    &c, &why);
	if (r->call != OPEN && r->at != OP_HELLO)
		JT_WHY(e, JIT_OK, &why);
	if (e == JIT_OK) {
		assert_true(t.pinned && t.user_ca != NULL && t.note.n > 0);
		assert_string_equal(client_log_id(c), book.w.log_id);
		e = do_call(c, r->call, &why);
	} else {
		assert_null(c);
		assert_ptr_equal(before.p, t.note.p);
	}
	JT_WHY(e, r->want, &why);
	assert_true(e == JIT_OK || why.msg[0] != '\0');
	assert_int_equal(jit_err_exit(e), exit_of(r));
	liar_stop(&l);
	ssh_key_free(t.user_ca);
	buf_done(&t.note);
}

/* ---- beyond rows ---- */

/* What was learned before a lie stays; on a broken line nothing is asked. */
static void
test_after(void **state)
{
	struct liar l = { .b = &book, .size = book.n - 11, .grow = 11,
	    .lie = LIE_TAG, .at = OP_PROVE, .after = 1 };
	JIT_DONE(buf_done) struct buf newest = logbook_note(&book, book.n);
	JIT_SCOPED(client_free) struct client *c = NULL;
	struct client_trust t = { .pinned = false };

	(void)state;
	liar_start(&l);
	JT_OK(client_open(l.path, PATIENT, &t, &c, NULL));
	JT_OK(ask_receipts(c, NULL));
	assert_true(span_eq(client_note(c), BUF_SPAN(newest)));
	JT_ERR(ask_receipts(c, NULL), JIT_E_PROTOCOL);
	JT_ERR(ask_receipts(c, NULL), JIT_E_UNREACHABLE);
	assert_true(span_eq(client_note(c), BUF_SPAN(newest)));
	/* A new connection, and it goes on. */
	client_free(c);
	c = NULL;
	JT_OK(client_open(l.path, PATIENT, &t, &c, NULL));
	liar_stop(&l);
	ssh_key_free(t.user_ca);
	buf_done(&t.note);
}

/* A refusal is no broken frame. */
static void
test_refused(void **state)
{
	struct liar l = { .b = &book, .size = book.n, .lie = LIE_REFUSE,
	    .at = OP_SHOW };
	JIT_SCOPED(client_free) struct client *c = NULL;
	struct client_trust t = { .pinned = false };
	struct jit_why why = { 0 };

	(void)state;
	liar_start(&l);
	JT_OK(client_open(l.path, PATIENT, &t, &c, NULL));
	JT_ERR(ask_listing(c, OP_SHOW, &why), JIT_E_SELF);
	assert_string_equal(why.msg, jit_err_sentence(JIT_E_SELF));
	JT_OK(ask_receipts(c, NULL));
	liar_stop(&l);
	ssh_key_free(t.user_ca);
	buf_done(&t.note);
}

static void
test_nobody(void **state)
{
	struct client_trust t = { .pinned = false };
	struct client *c = NULL;
	struct jit_why why = { 0 };

	(void)state;
	JT_ERR(client_open("/nonexistent/socket", QUICK, &t, &c, &why),
	    JIT_E_UNREACHABLE);
	assert_non_null(strstr(why.msg, "/nonexistent/socket"));
}

int
main(void)
{
	int bad = 0;

	logbook_init(&book);
	logbook_story(&book, ids);
	/* Long enough to grow for a while. */
	while (book.n < 90)
		(void)logbook_policy(&book);
	bad += JT_ROWS("client", test_row, rows);
	bad += jt_one("after a lie", test_after);
	bad += jt_one("a refusal", test_refused);
	bad += jt_one("nobody", test_nobody);
	logbook_done(&book);
	return bad != 0;
}
