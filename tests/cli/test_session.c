/*
 * session: what is kept from one run to the next, what is proven of a policy
 * and of a request, and that no lie about either passes for an answer.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "ca/base/sys.h"
#include "cli/session.h"
#include "tests/signer/liar.h"

#define PATIENT 20000

static struct logbook book;
static struct ulid ids[STORY_N];
static uint64_t policy[2];		/* their indexes, the old one first */

/* Requests whose certificate is not what it must be. */
enum { BAD_CA, BAD_WINDOW, BAD_APPROVALS, BAD_POLICY, BAD_OPTION,
	BAD_PRINCIPAL, BAD_KEY_ID, BAD_KEY, BAD_DECISION, BAD_N };
static struct ulid bad[BAD_N];
static uint64_t misnamed;		/* a policy's entry that is not true */

/* ---- a run ---- */

struct run {
	struct liar l;
	struct session_config c;
	char state[100];
	struct session *s;
	bool first;
	struct jit_why why;
};

static void
run_init(struct run *r)
{
	static unsigned count;

	*r = (struct run){ .l = { .b = &book, .size = book.n } };
	(void)snprintf(r->state, sizeof(r->state), "%s/state%u/below",
	    jt_tmpdir(), count++);
	r->c = (struct session_config){ .state = r->state,
	    .socket = r->l.path, .timeout_ms = PATIENT };
	liar_start(&r->l);
}

static enum jit_err
run_open(struct run *r)
{
	session_free(r->s);
	r->s = NULL;
	return session_open(&r->c, &r->s, &r->first, &r->why);
}

/* Another signer on the same socket, with the same state. */
static void
run_lie(struct run *r, enum lie lie, enum op at, unsigned after)
{
	char was[sizeof(r->l.path)];

	session_free(r->s);
	r->s = NULL;
	liar_stop(&r->l);
	memcpy(was, r->l.path, sizeof(was));
	r->l.lie = lie;
	r->l.at = at;
	r->l.after = after;
	liar_start(&r->l);
	assert_int_equal(rename(r->l.path, was), 0);
	memcpy(r->l.path, was, sizeof(was));
}

static void
run_done(struct run *r)
{
	session_free(r->s);
	liar_stop(&r->l);
}

static void
file_of(const struct run *r, const char *name, char ret[static 300])
{
	struct digest d;
	char hex[17];

	JT_OK(digest_sha256(span_str(r->l.path), &d));
	hex_text(SPAN(d.b, 8), hex);
	(void)snprintf(ret, 300, "%s/jit-cert/%s/%s", r->state, hex, name);
}

static void
file_is(const struct run *r, const char *name, struct span want)
{
	char path[300];
	struct buf b;
	struct stat st;

	file_of(r, name, path);
	b = jt_file(path);
	assert_true(span_eq(BUF_SPAN(b), want));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	buf_done(&b);
}

static void
file_put(const struct run *r, const char *name, struct span s, mode_t mode)
{
	char path[300];

	file_of(r, name, path);
	JT_OK(sys_write_file(path, s, mode, SYS_REPLACE, NULL));
}

/* ---- open: what is kept ---- */

static void
test_first(void **state)
{
	JIT_DONE(buf_done) struct buf note = logbook_note(&book, book.n);
	JIT_DONE(wr_done) struct wr pin = WR_INIT(4096);
	char path[300];
	struct stat st;
	struct run r;

	(void)state;
	run_init(&r);
	JT_WHY(run_open(&r), JIT_OK, &r.why);
	assert_true(r.first);
	assert_string_equal(session_log_id(r.s), book.w.log_id);
	assert_true(session_policy_index(r.s) == policy[1]);
	tlog_vkey_put(&pin, &book.w.log);
	wr_str(&pin, "\n");
	ssh_key_put_line(&pin, book.w.ca.v[0].key, NULL);
	wr_str(&pin, "\n");
	file_is(&r, "pin", wr_view(&pin));
	file_is(&r, "checkpoint", BUF_SPAN(note));
	file_of(&r, "", path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	JT_WHY(run_open(&r), JIT_OK, &r.why);
	assert_false(r.first);
	run_done(&r);
}

/* A pin from outside is no first use; another one than the kept is refused. */
static void
test_pin(void **state)
{
	JIT_DONE(wr_done) struct wr right = WR_INIT(4096);
	JIT_DONE(wr_done) struct wr wrong = WR_INIT(4096);
	struct tlog_vkey v;
	struct run r;

	(void)state;
	tlog_vkey_put(&right, &book.w.log);
	wr_u8(&right, 0);
	JT_OK(tlog_vkey_make(book.w.log.origin, ssh_key_blob(ssh_priv_public(
	    book.w.key[K_STRANGER])).p + 19, &v, NULL));
	tlog_vkey_put(&wrong, &v);
	wr_u8(&wrong, 0);
	run_init(&r);
	r.c.pin = (const char *)wrong.p;
	JT_ERR(run_open(&r), JIT_E_LOGNAME);
	r.c.pin = "no pin";
	JT_ERR(run_open(&r), JIT_E_FORMAT);
	r.c.pin = (const char *)right.p;
	JT_WHY(run_open(&r), JIT_OK, &r.why);
	assert_false(r.first);
	/* Kept from now on. */
	r.c.pin = NULL;
	JT_WHY(run_open(&r), JIT_OK, &r.why);
	assert_false(r.first);
	r.c.pin = (const char *)wrong.p;
	JT_ERR(run_open(&r), JIT_E_LOGNAME);
	run_done(&r);
}

struct later {
	const char *name;
	enum lie lie;
	enum op at;
	enum jit_err first, want;	/* the first time; the next day */
	uint64_t less;			/* entries that are gone then */
};

static const struct later laters[] = {
	{ "true", LIE_NONE, OP_HELLO, JIT_OK, JIT_OK, 0 },
	{ "another log key", LIE_VKEY, OP_HELLO, JIT_E_SIG, JIT_E_LOGNAME,
	    0 },
	{ "another user CA", LIE_CA, OP_HELLO, JIT_E_LOGNAME, JIT_E_LOGNAME,
	    0 },
	{ "genesis is another entry", LIE_OTHER, OP_PROVE, JIT_E_VERIFY,
	    JIT_E_VERIFY, 0 },
	{ "no genesis", LIE_NOTHING, OP_PROVE, JIT_E_VERIFY, JIT_E_VERIFY,
	    0 },
	{ "genesis erased", LIE_ERASED, OP_PROVE, JIT_E_ERASED, JIT_E_ERASED,
	    0 },
	{ "forked", LIE_FORK, OP_HELLO, JIT_E_ROLLBACK, JIT_E_ROLLBACK, 0 },
	{ "an entry less", LIE_NONE, OP_HELLO, JIT_OK, JIT_E_ROLLBACK, 1 },
	/* Who never saw the newer one cannot know. */
	{ "an older policy", LIE_POLICY_OLD, OP_HELLO, JIT_OK,
	    JIT_E_ROLLBACK, 0 },
};

static void
test_later(void **state)
{
	const struct later *t = *state;
	const struct policy *p = NULL;
	struct run r;

	run_init(&r);
	r.l.size -= t->less;
	run_lie(&r, t->lie, t->at, 0);
	JT_WHY(run_open(&r), t->first, &r.why);
	run_done(&r);
	run_init(&r);
	JT_WHY(run_open(&r), JIT_OK, &r.why);
	JT_WHY(session_policy(r.s, policy[1], &p, &r.why), JIT_OK, &r.why);
	r.l.size -= t->less;
	run_lie(&r, t->lie, t->at, 0);
	JT_WHY(run_open(&r), t->want, &r.why);
	/* Where the way back is, for who was told that it is right. */
	if (t->less > 0)
		assert_non_null(strstr(r.why.msg, "/checkpoint and policy"));
	run_done(&r);
}

/* Files that are not ours to believe. */
static void
test_files(void **state)
{
	struct run r;
	char path[300];

	(void)state;
	run_init(&r);
	JT_OK(run_open(&r));
	file_put(&r, "checkpoint", span_str("not a note\n"), 0600);
	JT_ERR(run_open(&r), JIT_E_VERIFY);
	file_put(&r, "checkpoint", SPAN_NONE, 0600);
	file_put(&r, "policy", span_str("-1\n"), 0600);
	JT_ERR(run_open(&r), JIT_E_FORMAT);
	file_put(&r, "policy", span_str("1\n"), 0644);
	JT_ERR(run_open(&r), JIT_E_MODE);
	file_put(&r, "policy", span_str("1\n"), 0600);
	JT_WHY(run_open(&r), JIT_OK, &r.why);
	file_put(&r, "pin", span_str("half a pin\n"), 0600);
	JT_ERR(run_open(&r), JIT_E_FORMAT);
	file_of(&r, "", path);
	assert_int_equal(chmod(path, 0755), 0);
	JT_ERR(run_open(&r), JIT_E_MODE);
	assert_int_equal(chmod(path, 0700), 0);
	run_done(&r);
}

/* ---- two at once ---- */

struct both {
	const char *name;
	uint64_t less, grow;	/* the log as this process sees it */
	uint64_t there;		/* entries less in the note of the other */
	bool forked;		/* it is of another log */
	enum jit_err want;
	uint64_t left;		/* entries less in the file afterwards */
};

static const struct both boths[] = {
	{ "the other saw more", 20, 20, 0, false, JIT_OK, 0 },
	{ "the other saw less", 20, 20, 15, false, JIT_OK, 0 },
	{ "the other saw what is not there", 20, 0, 10, false,
	    JIT_E_ROLLBACK, 10 },
	{ "the other saw a fork", 20, 20, 15, true, JIT_E_ROLLBACK, 15 },
};

static struct buf
note_of(uint64_t size, bool forked)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(TLOG_NOTE_MAX);
	struct checkpoint c = { .size = size };
	struct buf b = { NULL, 0 };

	if (!forked)
		return logbook_note(&book, size);
	JT_OK(checkpoint_sign(&w, &c, &book.w.log, book.w.key[K_LOG]));
	JT_OK(wr_take(&w, &b));
	return b;
}

static void
test_both(void **state)
{
	const struct both *t = *state;
	JIT_DONE(buf_done) struct buf there = note_of(book.n - t->there,
	    t->forked);
	JIT_DONE(buf_done) struct buf left = note_of(book.n - t->left,
	    t->forked);
	JIT_DONE(evidence_done) struct evidence e = { .r.n = 0 };
	const struct policy *p = NULL;
	const uint64_t one = 1;
	struct run r;

	run_init(&r);
	r.l.size -= t->less;
	run_lie(&r, LIE_NONE, OP_HELLO, 0);
	JT_WHY(run_open(&r), JIT_OK, &r.why);
	session_free(r.s);
	r.s = NULL;
	r.l.grow = t->grow;
	r.l.still = 1;		/* hello; from genesis on it grows */
	run_lie(&r, LIE_NONE, OP_HELLO, 0);
	JT_WHY(run_open(&r), JIT_OK, &r.why);
	file_put(&r, "checkpoint", BUF_SPAN(there), 0600);
	/* Something to save, whether it grew or not. */
	if (t->grow > 0)
		JT_WHY(session_evidence(r.s, &one, 1, &e, &r.why), t->want,
		    &r.why);
	else
		JT_WHY(session_policy(r.s, session_policy_index(r.s), &p,
		    &r.why), t->want, &r.why);
	file_is(&r, "checkpoint", BUF_SPAN(left));
	run_done(&r);
}

/* Who only reads remembers what was seen as well. */
static void
test_page_kept(void **state)
{
	JIT_DONE(buf_done) struct buf note = logbook_note(&book, book.n);
	struct page p = { .count = 0 };
	struct entry e;
	struct run r;

	(void)state;
	run_init(&r);
	r.l.size -= 20;
	r.l.grow = 20;
	r.l.still = 1;		/* hello; behind genesis it grows */
	run_lie(&r, LIE_NONE, OP_HELLO, 0);
	JT_WHY(run_open(&r), JIT_OK, &r.why);
	JT_WHY(session_page(r.s, 0, 5, &p, &r.why), JIT_OK, &r.why);
	file_is(&r, "checkpoint", BUF_SPAN(note));
	for (int i = 0; i < 5; i++)
		JT_OK(page_next(&p, &e, NULL));
	run_done(&r);
}

/* ---- lies about policies, requests, acts ---- */

static enum jit_err
do_policy(struct session *s, struct jit_why *why)
{
	const struct policy *p = NULL, *same = NULL;
	struct digest got, want;
	uint64_t at = 0;

	JIT_TRY(session_policy(s, policy[1], &p, why));
	JT_OK(policy_digest(p, &got));
	JT_OK(policy_digest(book.w.policy, &want));
	assert_true(digest_eq(&got, &want));
	JIT_TRY(session_policy(s, policy[1], &same, why));
	assert_ptr_equal(p, same);
	JT_OK(session_block(s, policy[1], BLOCK_ROLE, span_str("prod-db"), &at,
	    why));
	assert_true(span_eq(book.entry[at].e.body, BUF_SPAN(policy_get(p,
	    BLOCK_ROLE, span_str("prod-db"))->bytes)));
	JT_ERR(session_block(s, policy[1], BLOCK_ROLE, span_str("none"), &at,
	    NULL), JIT_E_UNKNOWN);
	/* The one before, too. */
	JIT_TRY(session_policy(s, policy[0], &p, why));
	JT_OK(policy_digest(p, &got));
	assert_false(digest_eq(&got, &want));
	return JIT_OK;
}

static enum jit_err
do_show(struct session *s, struct jit_why *why)
{
	static const enum request_end ends[STORY_N] = {
		[STORY_DROPPED] = END_DROPPED, [STORY_DENIED] = END_DENIED,
		[STORY_CANCELLED] = END_CANCELLED,
	};

	for (size_t i = 0; i < STORY_N; i++) {
		JIT_SCOPED(dossier_free) struct dossier *d = NULL;
		utc_s now = 0;

		JIT_TRY(session_show(s, &ids[i], &d, &now, why));
		assert_string_equal(d->id.s, ids[i].s);
		assert_int_equal(d->h.end, ends[i]);
		assert_int_equal(d->n, logbook_find(&book,
		    &ids[i])->dossier->n);
		assert_true(now == book.w.now);
	}
	return JIT_OK;
}

static enum jit_err
do_wait(struct session *s, struct jit_why *why)
{
	JIT_SCOPED(dossier_free) struct dossier *d = NULL;

	return session_wait(s, &ids[STORY_PENDING], 0, 100, &d, NULL, why);
}

static enum jit_err
do_list(struct session *s, struct jit_why *why)
{
	JIT_DONE(dossiers_done) struct dossiers l = { .n = 0 };

	JIT_TRY(session_list(s, &l, why));
	assert_int_equal(l.n, STORY_N + BAD_N);
	for (size_t i = 0; i < STORY_N; i++)
		assert_string_equal(l.v[i]->id.s, ids[i].s);
	return JIT_OK;
}

/* The bytes of an entry of a matter, as somebody sends them. */
static enum jit_err
send(struct session *s, enum op op, enum entry_type type, unsigned story,
    struct jit_why *why)
{
	const struct dossier *d = logbook_find(&book, &ids[story])->dossier;
	struct rec_signed r;
	struct sent sent;

	for (size_t i = 0; i < d->n; i++) {
		const struct entry *e = &d->entry[i].e;

		if (e->type != type)
			continue;
		JT_OK(rec_get_signed(e->body, type, &r, NULL));
		JIT_TRY(session_send(s, op, r.text, r.sig, r.possess, &sent,
		    why));
		assert_true(sent.index == e->index && sent.time == e->time);
		return JIT_OK;
	}
	return JIT_E_ARG;
}

static enum jit_err
do_request(struct session *s, struct jit_why *why)
{
	return send(s, OP_REQUEST, ENTRY_REQUEST, STORY_PENDING, why);
}

static enum jit_err
do_decide(struct session *s, struct jit_why *why)
{
	return send(s, OP_DECISION, ENTRY_DECISION, STORY_DENIED, why);
}

static enum jit_err
do_acts(struct session *s, struct jit_why *why)
{
	JIT_TRY(send(s, OP_CANCEL, ENTRY_CANCEL, STORY_CANCELLED, why));
	return send(s, OP_DROP, ENTRY_DROP, STORY_DROPPED, why);
}

static enum jit_err
collect(struct session *s, const struct ulid *id, struct jit_why *why)
{
	JIT_SCOPED(dossier_free) struct dossier *d = NULL;
	JIT_DONE(secret_done) struct secret secret = { .p = NULL };
	const struct dossier *have = logbook_find(&book, id)->dossier;

	JT_OK(secret_copy(&secret, SPAN(logbook_find(&book, id)->secret,
	    32)));
	JIT_TRY(session_collect(s, id, &secret, &d, why));
	assert_true(d->h.issued && span_eq(d->issued.cert,
	    have->issued.cert));
	return JIT_OK;
}

static enum jit_err
do_collect(struct session *s, struct jit_why *why)
{
	return collect(s, &ids[STORY_ACTIVE], why);
}

/* One for each certificate that must not be. */
#define BAD(name, which)						\
static enum jit_err							\
do_bad_##name(struct session *s, struct jit_why *why)			\
{									\
	return collect(s, &bad[which], why);				\
}
BAD(ca, BAD_CA)
BAD(window, BAD_WINDOW)
BAD(approvals, BAD_APPROVALS)
BAD(policy, BAD_POLICY)
BAD(option, BAD_OPTION)
BAD(principal, BAD_PRINCIPAL)
BAD(key_id, BAD_KEY_ID)
BAD(key, BAD_KEY)
BAD(decision, BAD_DECISION)

/* Signed by the log, and still not what it says of its own block. */
static enum jit_err
do_misnamed(struct session *s, struct jit_why *why)
{
	const struct policy *p = NULL;
	enum jit_err e = session_policy(s, misnamed, &p, why);

	assert_non_null(strstr(why->msg, "another kind or name"));
	return e;
}

/* All of it, from the first entry on. */
static enum jit_err
do_pages(struct session *s, struct jit_why *why)
{
	struct page p = { .count = 0 };
	uint64_t n = 0;

	do {
		JIT_TRY(session_page(s, n, 7, &p, why));
		for (uint32_t i = 0; i < p.count; i++, n++) {
			struct entry e;

			JT_OK(page_next(&p, &e, why));
			assert_true(e.index == n && span_eq(e.body,
			    book.entry[n].e.body));
		}
	} while (p.count > 0);
	assert_true(n == book.n);
	return JIT_OK;
}

static enum jit_err
do_evidence(struct session *s, struct jit_why *why)
{
	const uint64_t index[] = { 0, policy[1], 3, 2 };
	JIT_DONE(evidence_done) struct evidence e = { .r.n = 0 };
	struct checkpoint c;

	JIT_TRY(session_evidence(s, index, 4, &e, why));
	assert_int_equal(e.r.n, 4);
	JT_OK(checkpoint_open(e.r.note, session_log(s), &c, NULL));
	for (size_t i = 0; i < 4; i++) {
		assert_true(e.r.v[i].e.index == index[i]);
		JT_OK(receipt_check(&e.r.v[i], &c, NULL));
	}
	return JIT_OK;
}

struct row {
	const char *name;
	enum jit_err (*call)(struct session *s, struct jit_why *why);
	enum op at;
	enum lie lie;
	unsigned after;
	enum jit_err want;
};

static const struct row rows[] = {
	{ "policy", do_policy, OP_PROVE, LIE_NONE, 0, JIT_OK },
	{ "policy: another entry", do_policy, OP_PROVE, LIE_OTHER, 1,
	    JIT_E_VERIFY },
	{ "policy: no entry", do_policy, OP_PROVE, LIE_NOTHING, 1,
	    JIT_E_VERIFY },
	{ "policy: erased", do_policy, OP_PROVE, LIE_ERASED, 1,
	    JIT_E_ERASED },
	{ "policy: another block", do_policy, OP_BLOBS, LIE_OTHER, 0,
	    JIT_E_VERIFY },
	{ "policy: another block, later", do_policy, OP_BLOBS, LIE_OTHER, 1,
	    JIT_E_VERIFY },
	{ "policy: no block", do_policy, OP_BLOBS, LIE_NOTHING, 0,
	    JIT_E_VERIFY },
	{ "policy: a block more", do_policy, OP_BLOBS, LIE_TWICE, 0,
	    JIT_E_VERIFY },
	{ "policy: a block less", do_policy, OP_BLOBS, LIE_FIRST_LACKS, 0,
	    JIT_E_VERIFY },
	{ "policy: blocks erased", do_policy, OP_BLOBS, LIE_ERASED, 0,
	    JIT_E_VERIFY },
	{ "policy: another body", do_policy, OP_BLOBS, LIE_BODY, 0,
	    JIT_E_VERIFY },
	{ "policy: a block of another name", do_misnamed, OP_HELLO, LIE_NONE,
	    0, JIT_E_VERIFY },
	{ "policy: no", do_policy, OP_BLOBS, LIE_REFUSE, 0, JIT_E_SELF },

	{ "show", do_show, OP_SHOW, LIE_NONE, 0, JIT_OK },
	{ "show: another request", do_show, OP_SHOW, LIE_OTHER, 0,
	    JIT_E_VERIFY },
	{ "show: nothing", do_show, OP_SHOW, LIE_NOTHING, 0, JIT_E_VERIFY },
	{ "show: no request", do_show, OP_SHOW, LIE_FIRST_LACKS, 0,
	    JIT_E_VERIFY },
	{ "show: one twice", do_show, OP_SHOW, LIE_TWICE, 0, JIT_E_VERIFY },
	{ "show: another body", do_show, OP_SHOW, LIE_BODY, 0,
	    JIT_E_VERIFY },
	{ "show: erased", do_show, OP_SHOW, LIE_ERASED, 0, JIT_E_ERASED },
	{ "show: an older policy", do_show, OP_SHOW, LIE_POLICY_OLD, 0,
	    JIT_E_ROLLBACK },
	{ "show: no", do_show, OP_SHOW, LIE_REFUSE, 0, JIT_E_SELF },
	{ "wait", do_wait, OP_WAIT, LIE_NONE, 0, JIT_OK },
	{ "wait: another request", do_wait, OP_WAIT, LIE_OTHER, 0,
	    JIT_E_VERIFY },
	{ "wait: unknown", do_wait, OP_WAIT, LIE_UNKNOWN, 0, JIT_E_UNKNOWN },
	{ "search", do_show, OP_SHOW, LIE_UNKNOWN, 0, JIT_OK },

	{ "list", do_list, OP_LIST, LIE_NONE, 0, JIT_OK },
	{ "list: in a circle", do_list, OP_LIST, LIE_LOOP, 1, JIT_E_VERIFY },
	{ "list: begins with another", do_list, OP_LIST, LIE_FIRST_LACKS, 0,
	    JIT_E_VERIFY },
	{ "list: one twice", do_list, OP_LIST, LIE_TWICE, 0, JIT_E_VERIFY },
	{ "list: an older policy", do_list, OP_LIST, LIE_POLICY_OLD, 1,
	    JIT_E_ROLLBACK },

	{ "request", do_request, OP_REQUEST, LIE_NONE, 0, JIT_OK },
	{ "request: another's", do_request, OP_REQUEST, LIE_OTHER, 0,
	    JIT_E_VERIFY },
	{ "request: no receipt", do_request, OP_REQUEST, LIE_NOTHING, 0,
	    JIT_E_VERIFY },
	{ "request: two receipts", do_request, OP_REQUEST, LIE_TWICE, 0,
	    JIT_E_VERIFY },
	{ "request: erased", do_request, OP_REQUEST, LIE_ERASED, 0,
	    JIT_E_ERASED },
	{ "request: no", do_request, OP_REQUEST, LIE_REFUSE, 0, JIT_E_SELF },
	{ "decision", do_decide, OP_DECISION, LIE_NONE, 0, JIT_OK },
	{ "decision: another's", do_decide, OP_DECISION, LIE_OTHER, 0,
	    JIT_E_VERIFY },
	{ "decision: only said", do_decide, OP_DECISION, LIE_PROOF, 0,
	    JIT_E_VERIFY },
	{ "cancel and drop", do_acts, OP_HELLO, LIE_NONE, 0, JIT_OK },

	{ "collect", do_collect, OP_COLLECT, LIE_NONE, 0, JIT_OK },
	{ "collect: another's", do_collect, OP_COLLECT, LIE_OTHER, 0,
	    JIT_E_VERIFY },
	{ "collect: no receipt", do_collect, OP_COLLECT, LIE_NOTHING, 0,
	    JIT_E_VERIFY },
	{ "collect: another CA", do_bad_ca, OP_COLLECT, LIE_NONE, 0,
	    JIT_E_SIG },
	{ "collect: a longer life", do_bad_window, OP_COLLECT, LIE_NONE, 0,
	    JIT_E_VERIFY },
	{ "collect: fewer approvals", do_bad_approvals, OP_COLLECT, LIE_NONE,
	    0, JIT_E_VERIFY },
	{ "collect: not by a policy", do_bad_policy, OP_COLLECT, LIE_NONE, 0,
	    JIT_E_VERIFY },
	{ "collect: another option", do_bad_option, OP_COLLECT, LIE_NONE, 0,
	    JIT_E_VERIFY },
	{ "collect: another principal", do_bad_principal, OP_COLLECT,
	    LIE_NONE, 0, JIT_E_VERIFY },
	{ "collect: another key id", do_bad_key_id, OP_COLLECT, LIE_NONE, 0,
	    JIT_E_VERIFY },
	{ "collect: another key", do_bad_key, OP_COLLECT, LIE_NONE, 0,
	    JIT_E_VERIFY },
	{ "collect: approved by a stranger's key", do_bad_decision,
	    OP_COLLECT, LIE_NONE, 0, JIT_E_VERIFY },

	{ "pages", do_pages, OP_HELLO, LIE_NONE, 0, JIT_OK },
	{ "pages: another one", do_pages, OP_ENTRIES, LIE_OTHER, 1,
	    JIT_E_VERIFY },
	{ "pages: another salt", do_pages, OP_ENTRIES, LIE_SALT, 1,
	    JIT_E_VERIFY },
	{ "pages: older", do_pages, OP_ENTRIES, LIE_OLD, 1, JIT_E_ROLLBACK },

	{ "evidence", do_evidence, OP_PROVE, LIE_NONE, 0, JIT_OK },
	{ "evidence: other entries", do_evidence, OP_PROVE, LIE_OTHER, 1,
	    JIT_E_VERIFY },
	{ "evidence: one more", do_evidence, OP_PROVE, LIE_TWICE, 1,
	    JIT_E_VERIFY },
};

static void
test_row(void **state)
{
	const struct row *t = *state;
	struct run r;

	run_init(&r);
	r.l.other = ids[STORY_APPROVED];
	run_lie(&r, t->lie, t->at, t->after);
	JT_WHY(run_open(&r), JIT_OK, &r.why);
	JT_WHY(t->call(r.s, &r.why), t->want, &r.why);
	if (t->want != JIT_OK)
		assert_true(r.why.msg[0] != '\0');
	/* What is not true is told by that, and never as a refusal. */
	if (t->want != JIT_OK && t->lie != LIE_REFUSE &&
	    t->lie != LIE_UNKNOWN)
		assert_int_equal(jit_err_exit(t->want), 18);
	run_done(&r);
}

/* ---- beyond rows ---- */

static enum jit_err
search(enum lie lie, struct jit_why *why)
{
	JIT_SCOPED(dossier_free) struct dossier *d = NULL;
	struct ulid none = ids[0];
	struct run r;
	enum jit_err e;

	/* Nobody has it: show says so, and the search is lied about. */
	none.s[ULID_LEN - 1] = none.s[ULID_LEN - 1] == 'A' ? 'B' : 'A';
	run_init(&r);
	r.l.other = ids[STORY_APPROVED];
	run_lie(&r, lie, OP_FIND, 0);
	JT_OK(run_open(&r));
	e = session_show(r.s, &none, &d, NULL, why);
	run_done(&r);
	return e;
}

static void
test_search(void **state)
{
	struct jit_why why = { 0 };

	(void)state;
	JT_WHY(search(LIE_NONE, &why), JIT_E_UNKNOWN, &why);
	JT_WHY(search(LIE_OTHER, &why), JIT_E_VERIFY, &why);
	JT_WHY(search(LIE_LOOP, &why), JIT_E_VERIFY, &why);
	JT_WHY(search(LIE_POLICY_OLD, &why), JIT_E_ROLLBACK, &why);
	JT_WHY(search(LIE_GARBAGE, &why), JIT_E_VERIFY, &why);
}

/* A try before had other bytes of a signature by the same key. */
static void
test_again(void **state)
{
	const struct dossier *d = logbook_find(&book,
	    &ids[STORY_DENIED])->dossier;
	JIT_DONE(buf_done) struct buf sig = { NULL, 0 };
	JIT_DONE(buf_done) struct buf other = { NULL, 0 };
	struct rec_signed s;
	struct sent sent;
	struct run r;

	(void)state;
	JT_OK(rec_get_signed(d->entry[1].e.body, ENTRY_DECISION, &s, NULL));
	JT_OK(buf_copy(&sig, s.sig));
	sig.p[sig.n - 1] ^= 1;
	other = world_sign(&book.w, K_CAROL, NS_DECISION, s.text);
	run_init(&r);
	JT_OK(run_open(&r));
	JT_WHY(session_send(r.s, OP_DECISION, s.text, BUF_SPAN(sig),
	    SPAN_NONE, &sent, &r.why), JIT_OK, &r.why);
	assert_true(sent.index == d->entry[1].e.index);
	JT_ERR(session_send(r.s, OP_DECISION, s.text, BUF_SPAN(other),
	    SPAN_NONE, &sent, NULL), JIT_E_VERIFY);
	JT_ERR(session_send(r.s, OP_SHOW, s.text, s.sig, SPAN_NONE, &sent,
	    NULL), JIT_E_ARG);
	run_done(&r);
}

/* The signer need not look at the secret; we do. */
static void
test_secret(void **state)
{
	JIT_DONE(secret_done) struct secret secret = { .p = NULL };
	JIT_SCOPED(dossier_free) struct dossier *d = NULL;
	struct run r;

	(void)state;
	JT_OK(secret_copy(&secret, SPAN(logbook_find(&book,
	    &ids[STORY_ACTIVE])->secret, 32)));
	secret.p[31] ^= 1;
	run_init(&r);
	JT_OK(run_open(&r));
	JT_ERR(session_collect(r.s, &ids[STORY_ACTIVE], &secret, &d, NULL),
	    JIT_E_VERIFY);
	secret.n = 31;
	JT_ERR(session_collect(r.s, &ids[STORY_ACTIVE], &secret, &d, NULL),
	    JIT_E_ARG);
	run_done(&r);
}

static void
test_evidence_size(void **state)
{
	static const uint64_t index[PROTO_PROVE_MAX + 1];
	JIT_DONE(evidence_done) struct evidence e = { .r.n = 0 };
	struct run r;

	(void)state;
	run_init(&r);
	JT_OK(run_open(&r));
	JT_ERR(session_evidence(r.s, index, 0, &e, NULL), JIT_E_ARG);
	JT_ERR(session_evidence(r.s, index, PROTO_PROVE_MAX + 1, &e, NULL),
	    JIT_E_ARG);
	run_done(&r);
}

/* After it nothing is asked any more, and what was learnt stays. */
static void
test_hang_up(void **state)
{
	const struct policy *before, *after;
	const struct own_keys *own = NULL;
	struct dossiers l = { .n = 0 };
	struct run r;

	(void)state;
	run_init(&r);
	JT_OK(run_open(&r));
	JT_OK(session_policy(r.s, policy[1], &before, NULL));
	session_hang_up(r.s);
	session_hang_up(r.s);
	JT_ERR(session_list(r.s, &l, NULL), JIT_E_UNREACHABLE);
	JT_OK(session_policy(r.s, policy[1], &after, NULL));
	assert_true(before == after);
	assert_string_equal(session_log_id(r.s), book.w.log_id);
	assert_true(ssh_key_eq(session_first_ca(r.s), book.w.ca.v[0].key));
	/* Of genesis: nothing has to be asked. */
	JT_OK(session_keys(r.s, &own, NULL));
	assert_true(ssh_key_eq(ca_keys_active(own->ca, CA_SSH_USER)->key,
	    book.w.ca.v[0].key));
	assert_null(ca_keys_active(own->ca, CA_X509));
	run_done(&r);
}

/* ---- the log ---- */

static void
longer(struct ssh_cert_fields *f)
{
	f->before += 3600;
}

static void
one_approval(struct rec_issued *i)
{
	i->n_approvals = 1;
}

static void
no_policy(struct rec_issued *i)
{
	i->policy_index = 0;
}

static void
more(struct ssh_cert_fields *f)
{
	static struct ssh_opt all[SSH_CERT_OPTS_MAX];

	assert_true(f->n_opts < SSH_CERT_OPTS_MAX);
	memcpy(all, f->opts, f->n_opts * sizeof(all[0]));
	JT_OK(ssh_opt_parse(span_str("permit-agent-forwarding"),
	    &all[f->n_opts++], NULL));
	f->opts = all;
}

static void
as_root(struct ssh_cert_fields *f)
{
	static struct span root;

	root = span_str("root.prod-db");
	f->principals = &root;
	f->n_principals = 1;
}

static void
of_another(struct ssh_cert_fields *f)
{
	static char id[256];

	memcpy(id, f->key_id.p, f->key_id.n);
	id[f->key_id.n - 1] = id[f->key_id.n - 1] == '0' ? '1' : '0';
	f->key_id = SPAN(id, f->key_id.n);
}

/*
 * Carol approved, by a key that is not hers.  The logbook is told of a true
 * approval in its place, so that it makes the certificate.
 */
static void
forge_decision(struct ulid *ret)
{
	const struct ulid id = logbook_asked(&book, 1);
	struct dossier *d = logbook_find(&book, &id)->dossier;
	JIT_DONE(buf_done) struct buf good = logbook_decision_body(&book, &id,
	    VERDICT_APPROVE, K_CAROL);
	JIT_DONE(wr_done) struct wr w = WR_INIT(ENTRY_BODY_MAX);
	JIT_DONE(buf_done) struct buf sig = { NULL, 0 };
	JIT_DONE(buf_done) struct buf body = { NULL, 0 };
	struct rec_signed s;
	struct entry e = { .type = ENTRY_DECISION, .time = book.w.now,
	    .body = BUF_SPAN(good) };

	JT_OK(rec_get_signed(e.body, ENTRY_DECISION, &s, NULL));
	sig = world_sign(&book.w, K_STRANGER, NS_DECISION, s.text);
	s.sig = BUF_SPAN(sig);
	rec_put_signed(&w, ENTRY_DECISION, &s);
	JT_OK(w.err);
	e.index = logbook_add(&book, ENTRY_DECISION, wr_view(&w));
	JT_OK(entry_seal(&e));
	JT_OK(dossier_add(d, &e, DOSSIER_VERIFY, NULL));
	body = logbook_issued_body(&book, &id, NULL);
	(void)logbook_add(&book, ENTRY_ISSUED, BUF_SPAN(body));
	*ret = id;
}

/* The first policy again, with a person's block under another name. */
static void
misname(void)
{
	static const char name[] = "\0\0\0\005carol";
	JIT_DONE(buf_done) struct buf b = { NULL, 0 };
	uint8_t *at;

	JT_OK(buf_copy(&b, book.entry[policy[0]].e.body));
	at = memmem(b.p, b.n, name, sizeof(name) - 1);
	assert_non_null(at);
	at[sizeof(name) - 2] = 'm';
	misnamed = logbook_add(&book, ENTRY_POLICY, BUF_SPAN(b));
}

static void
set_up(void)
{
	static const struct logbook_spoil spoils[BAD_DECISION] = {
		[BAD_CA] = { NULL, NULL, K_STRANGER, 0 },
		[BAD_WINDOW] = { longer, NULL, K_CA, 0 },
		[BAD_APPROVALS] = { NULL, one_approval, K_CA, 0 },
		[BAD_POLICY] = { NULL, no_policy, K_CA, 0 },
		[BAD_OPTION] = { more, NULL, K_CA, 0 },
		[BAD_PRINCIPAL] = { as_root, NULL, K_CA, 0 },
		[BAD_KEY_ID] = { of_another, NULL, K_CA, 0 },
		[BAD_KEY] = { NULL, NULL, K_CA, K_STRANGER },
	};

	logbook_init(&book);
	policy[0] = book.policy_index;
	misname();
	logbook_story(&book, ids);
	policy[1] = book.policy_index;
	for (int i = 0; i < BAD_DECISION; i++) {
		JIT_DONE(buf_done) struct buf body = { NULL, 0 };

		bad[i] = logbook_asked(&book, 2);
		body = logbook_issued_body(&book, &bad[i], &spoils[i]);
		(void)logbook_add(&book, ENTRY_ISSUED, BUF_SPAN(body));
	}
	forge_decision(&bad[BAD_DECISION]);
}

int
main(void)
{
	int failed = 0;

	set_up();
	failed += jt_one("first use", test_first);
	failed += jt_one("pin", test_pin);
	failed += JT_ROWS("later", test_later, laters);
	failed += jt_one("files", test_files);
	failed += JT_ROWS("two at once", test_both, boths);
	failed += jt_one("a page is kept", test_page_kept);
	failed += JT_ROWS("session", test_row, rows);
	failed += jt_one("search", test_search);
	failed += jt_one("again", test_again);
	failed += jt_one("secret", test_secret);
	failed += jt_one("evidence's size", test_evidence_size);
	failed += jt_one("hang up", test_hang_up);
	logbook_done(&book);
	return failed != 0;
}
