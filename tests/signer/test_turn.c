/*
 * turn: what is asked becomes entries and receipts, or an error of its own;
 * and whatever ends the process, nothing acknowledged is gone and no request
 * has two certificates (cases 20, 21, 98 to 100).
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "signer/crash.h"
#include "tests/signer/rig.h"

static void
road(struct rig *r, struct draft *d)
{
	JT_OK(rig_request(r, "prod-db", K_ALICE, d));
	JT_OK(rig_decide(r, d, VERDICT_APPROVE, K_BOB));
	JT_OK(rig_decide(r, d, VERDICT_APPROVE, K_CAROL));
}

static void
test_road(void **state)
{
	JIT_DONE(buf_done) struct buf cert = { NULL, 0 }, twice = { NULL, 0 };
	JIT_SCOPED(ssh_cert_free) struct ssh_cert *c = NULL;
	struct jit_why why = { 0 };
	struct draft d;
	struct rig r;

	(void)state;
	rig_init(&r, 0);
	JT_OK(rig_request(&r, "prod-db", K_ALICE, &d));
	JT_ERR(rig_collect(&r, &d, NULL), JIT_E_PENDING);
	JT_OK(rig_decide(&r, &d, VERDICT_APPROVE, K_BOB));
	JT_ERR(rig_collect(&r, &d, NULL), JIT_E_PENDING);
	JT_OK(rig_decide(&r, &d, VERDICT_APPROVE, K_CAROL));
	JT_OK(rig_collect(&r, &d, &cert));
	JT_OK(ssh_cert_parse(BUF_SPAN(cert), &c, NULL));
	JT_WHY(ssh_cert_verify(c, ssh_priv_public(r.w.key[K_CA]), &why),
	    JIT_OK, &why);
	assert_true(ssh_cert_fields(c)->serial == 1);
	assert_true(ssh_cert_fields(c)->before == r.w.now + 45 * 60);
	/* Asked again: the same bytes; with another secret: nothing. */
	r.w.now += 60;
	JT_OK(rig_collect(&r, &d, &twice));
	assert_true(span_eq(BUF_SPAN(cert), BUF_SPAN(twice)));
	d.secret[0] ^= 1;
	JT_ERR(rig_collect(&r, &d, NULL), JIT_E_COLLECT);
	d.secret[0] ^= 1;
	JT_ERR(rig_decide(&r, &d, VERDICT_DENY, K_DAN), JIT_E_ISSUED);
	JT_ERR(rig_act(&r, &d, ACT_CANCEL, K_ALICE), JIT_E_ISSUED);
	/* A restart changes nothing of that. */
	rig_stop(&r);
	simdisk_restart(r.disk);
	JT_WHY(rig_start(&r, &why), JIT_OK, &why);
	buf_done(&twice);
	JT_OK(rig_collect(&r, &d, &twice));
	assert_true(span_eq(BUF_SPAN(cert), BUF_SPAN(twice)));
	JT_ERR(rig_act(&r, &d, ACT_DROP, K_BOB), JIT_E_NOTYOURS);
	JT_OK(rig_act(&r, &d, ACT_DROP, K_ALICE));
	JT_ERR(rig_collect(&r, &d, NULL), JIT_E_DROPPED);
	rig_check_log(&r);
	rig_done(&r);
}

static void
test_expired(void **state)
{
	struct draft d, e;
	struct rig r;

	(void)state;
	rig_init(&r, 0);
	road(&r, &d);
	JT_OK(rig_collect(&r, &d, NULL));
	r.w.now += 45 * 60;
	JT_ERR(rig_collect(&r, &d, NULL), JIT_E_EXPIRED);
	JT_ERR(rig_act(&r, &d, ACT_DROP, K_ALICE), JIT_E_EXPIRED);
	road(&r, &e);
	r.w.now += 8 * 3600;
	JT_ERR(rig_collect(&r, &e, NULL), JIT_E_EXPIRED);
	JT_ERR(rig_decide(&r, &e, VERDICT_DENY, K_DAN), JIT_E_EXPIRED);
	r.w.now += 3600;
	JT_ERR(rig_collect(&r, &e, NULL), JIT_E_UNKNOWN);
	rig_check_log(&r);
	rig_done(&r);
}

/* Sent twice, in one turn or in two, it is logged once. */
static void
test_again(void **state)
{
	JIT_DONE(mail_done) struct mail req = { 0 }, yes = { 0 };
	JIT_DONE(mail_done) struct mail other = { 0 };
	struct task *t[4];
	struct draft d;
	struct rig r;
	uint64_t size;

	(void)state;
	rig_init(&r, 0);
	world_draft(&r.w, "prod-db", K_ALICE, &d);
	rig_mail_request(&r, &d, K_ALICE, &req);
	rig_mail_decision(&r, &d, VERDICT_APPROVE, K_BOB, &yes);
	size = journal_mark(r.journal)->edge.size;
	t[0] = rig_task(&req.ask);
	t[1] = rig_task(&yes.ask);
	t[2] = rig_task(&req.ask);
	t[3] = rig_task(&yes.ask);
	JT_OK(rig_turn(&r, t, 4));
	for (int i = 0; i < 4; i++) {
		assert_true(t[i]->err == JIT_OK && t[i]->entry ==
		    size + (uint64_t)i % 2);
		task_free(t[i]);
	}
	assert_true(journal_mark(r.journal)->edge.size == size + 2);
	JT_OK(rig_ask(&r, &req.ask, NULL, NULL));
	JT_OK(rig_ask(&r, &yes.ask, NULL, NULL));
	assert_true(journal_mark(r.journal)->edge.size == size + 2);
	/* The same id with another text. */
	d.req.reason = span_str("INC-1 another");
	rig_mail_request(&r, &d, K_ALICE, &other);
	JT_ERR(rig_ask(&r, &other.ask, NULL, NULL), JIT_E_IDUSED);
	rig_check_log(&r);
	rig_done(&r);
}

/* After what is settled, a retry of what settled it still has its receipt. */
static void
test_settled_again(void **state)
{
	JIT_DONE(mail_done) struct mail deny = { 0 }, cancel = { 0 };
	JIT_DONE(mail_done) struct mail drop = { 0 }, req = { 0 };
	struct draft d, e, f;
	struct rig r;

	(void)state;
	rig_init(&r, 0);
	JT_OK(rig_request(&r, "prod-db", K_ALICE, &d));
	rig_mail_request(&r, &d, K_ALICE, &req);
	rig_mail_decision(&r, &d, VERDICT_DENY, K_BOB, &deny);
	JT_OK(rig_ask(&r, &deny.ask, NULL, NULL));
	JT_OK(rig_ask(&r, &deny.ask, NULL, NULL));
	JT_OK(rig_ask(&r, &req.ask, NULL, NULL));
	JT_ERR(rig_decide(&r, &d, VERDICT_APPROVE, K_CAROL), JIT_E_DENIED);
	JT_ERR(rig_collect(&r, &d, NULL), JIT_E_DENIED);
	JT_OK(rig_request(&r, "prod-db", K_ALICE, &e));
	rig_mail_act(&r, &e, ACT_CANCEL, K_ALICE, &cancel);
	JT_OK(rig_ask(&r, &cancel.ask, NULL, NULL));
	JT_OK(rig_ask(&r, &cancel.ask, NULL, NULL));
	JT_ERR(rig_collect(&r, &e, NULL), JIT_E_CANCELLED);
	road(&r, &f);
	JT_ERR(rig_act(&r, &f, ACT_DROP, K_ALICE), JIT_E_PENDING);
	JT_OK(rig_collect(&r, &f, NULL));
	rig_mail_act(&r, &f, ACT_DROP, K_ALICE, &drop);
	JT_OK(rig_ask(&r, &drop.ask, NULL, NULL));
	JT_OK(rig_ask(&r, &drop.ask, NULL, NULL));
	rig_check_log(&r);
	rig_done(&r);
}

/* A whole road in one turn, each judged with what came before it. */
static void
test_one_batch(void **state)
{
	struct mail m[6];
	const enum jit_err want[6] = { JIT_OK, JIT_OK, JIT_E_PENDING, JIT_OK,
	    JIT_OK, JIT_E_ISSUED };
	struct task *t[6];
	struct draft d;
	struct rig r;

	(void)state;
	rig_init(&r, 0);
	world_draft(&r.w, "prod-db", K_ALICE, &d);
	rig_mail_request(&r, &d, K_ALICE, &m[0]);
	rig_mail_decision(&r, &d, VERDICT_APPROVE, K_BOB, &m[1]);
	rig_mail_collect(&d, &m[2]);
	rig_mail_decision(&r, &d, VERDICT_APPROVE, K_CAROL, &m[3]);
	rig_mail_collect(&d, &m[4]);
	rig_mail_decision(&r, &d, VERDICT_DENY, K_DAN, &m[5]);
	for (int i = 0; i < 6; i++)
		t[i] = rig_task(&m[i].ask);
	JT_OK(rig_turn(&r, t, 6));
	for (int i = 0; i < 6; i++) {
		JT_ERR(t[i]->err, want[i]);
		task_free(t[i]);
		mail_done(&m[i]);
	}
	rig_check_log(&r);
	rig_done(&r);
}

/* Without room what ends access is still logged; nothing else is. */
static void
test_full(void **state)
{
	struct draft d, e, more;
	struct rig r;
	enum jit_err err;
	int n = 0;

	(void)state;
	rig_init(&r, 65536);
	road(&r, &d);
	JT_OK(rig_request(&r, "prod-db", K_ALICE, &e));
	simdisk_capacity(r.disk, 0);
	while ((err = rig_request(&r, "prod-db", K_BOB, &more)) == JIT_OK) {
		JT_OK(rig_act(&r, &more, ACT_CANCEL, K_BOB));
		assert_true(n++ < 200);
	}
	JT_ERR(err, JIT_E_FULL);
	JT_ERR(rig_collect(&r, &d, NULL), JIT_E_FULL);
	JT_ERR(rig_decide(&r, &e, VERDICT_APPROVE, K_BOB), JIT_E_FULL);
	JT_OK(rig_decide(&r, &e, VERDICT_DENY, K_BOB));
	JT_OK(rig_act(&r, &d, ACT_CANCEL, K_ALICE));
	/* There is room again: all goes on. */
	simdisk_capacity(r.disk, (uint64_t)1 << 32);
	JT_OK(rig_request(&r, "prod-db", K_CAROL, &more));
	rig_check_log(&r);
	rig_done(&r);
}

/* No room at all, in the middle of a batch: taken back as if never asked. */
static void
test_taken_back(void **state)
{
	struct draft d[64];
	struct rig r;
	size_t n = 0;

	(void)state;
	rig_init(&r, 16384);
	while (n < 31 && rig_request(&r, "prod-db", K_ALICE, &d[n]) == JIT_OK)
		n++;
	assert_int_equal(n, 31);
	simdisk_capacity(r.disk, 0);
	while (n > 0) {
		JIT_DONE(mail_done) struct mail m = { 0 };
		enum jit_err e;

		rig_mail_decision(&r, &d[n - 1], VERDICT_DENY, K_BOB, &m);
		e = rig_ask(&r, &m.ask, NULL, NULL);
		if (e != JIT_OK) {
			JT_ERR(e, JIT_E_FULL);
			break;
		}
		n--;
	}
	assert_true(n > 0);
	simdisk_capacity(r.disk, (uint64_t)1 << 32);
	JT_OK(rig_decide(&r, &d[n - 1], VERDICT_APPROVE, K_BOB));
	JT_OK(rig_decide(&r, &d[n - 1], VERDICT_DENY, K_BOB));
	rig_check_log(&r);
	rig_done(&r);
}

/* The policy changes under a request: it falls back, or is void. */
static void
test_policy(void **state)
{
	const enum world_key carol[] = { K_CAROL };
	struct jit_why why = { 0 };
	struct draft d;
	struct rig r;

	(void)state;
	rig_init(&r, 0);
	road(&r, &d);
	world_without(&r.w, BLOCK_PERSON, "carol");
	JT_WHY(turn_policy(r.turn, r.w.policy, r.w.now, &why), JIT_OK, &why);
	JT_ERR(rig_collect(&r, &d, NULL), JIT_E_PENDING);
	world_person(&r.w, "carol", "group: sre\n", carol, 1);
	JT_WHY(turn_policy(r.turn, r.w.policy, r.w.now, &why), JIT_OK, &why);
	JT_WHY(turn_policy(r.turn, r.w.policy, r.w.now, &why), JIT_OK, &why);
	JT_OK(rig_collect(&r, &d, NULL));
	road(&r, &d);
	world_without(&r.w, BLOCK_ROLE, "prod-db");
	JT_WHY(turn_policy(r.turn, r.w.policy, r.w.now, &why), JIT_OK, &why);
	JT_ERR(rig_collect(&r, &d, NULL), JIT_E_ROLE);
	rig_check_log(&r);
	rig_done(&r);
}

/* ---- reading ---- */

static void
test_read(void **state)
{
	JIT_DONE(buf_done) struct buf p = { NULL, 0 }, q = { NULL, 0 };
	JIT_DONE(listing_done) struct listing l = { 0 }, all = { 0 };
	JIT_DONE(receipts_done) struct receipts v = { 0 };
	struct draft d, e;
	struct ask a = { .tag = 1 };
	struct page page;
	struct entry entry;
	uint8_t index[16] = { 0 };
	struct rig r;

	(void)state;
	rig_init(&r, 0);
	road(&r, &d);
	JT_OK(rig_collect(&r, &d, NULL));
	JT_OK(rig_request(&r, "prod-db-ro", K_EVE, &e));
	a.op = OP_SHOW;
	a.id = d.req.id;
	JT_OK(rig_ask(&r, &a, &p, NULL));
	JT_OK(dossier_answer_get(BUF_SPAN(p), &l, NULL));
	assert_int_equal(l.receipts.n, 4);
	assert_int_equal(l.receipts.v[3].e.type, ENTRY_ISSUED);
	a.op = OP_LIST;
	a.max = 10;
	JT_OK(rig_ask(&r, &a, &q, NULL));
	JT_OK(list_answer_get(BUF_SPAN(q), &all, NULL));
	assert_int_equal(all.receipts.n, 5);
	assert_true(all.next == 0);
	buf_done(&q);
	listing_done(&all);
	a.max = 1;
	JT_OK(rig_ask(&r, &a, &q, NULL));
	JT_OK(list_answer_get(BUF_SPAN(q), &all, NULL));
	assert_int_equal(all.receipts.n, 4);
	assert_true(all.next == all.receipts.v[3].e.index + 1);
	buf_done(&q);
	listing_done(&all);
	a.op = OP_FIND;
	a.from = 0;
	JT_OK(rig_ask(&r, &a, &q, NULL));
	JT_OK(list_answer_get(BUF_SPAN(q), &all, NULL));
	assert_int_equal(all.receipts.n, 4);
	buf_done(&q);
	index[15] = 3;
	a = (struct ask){ .op = OP_PROVE, .count = 2,
	    .items = SPAN(index, 16) };
	JT_OK(rig_ask(&r, &a, &q, NULL));
	rig_check_receipts(&r, BUF_SPAN(q), 2, &v);
	assert_int_equal(v.v[0].e.type, ENTRY_GENESIS);
	buf_done(&q);
	a = (struct ask){ .op = OP_ENTRIES, .from = 0, .max = 5 };
	JT_OK(rig_ask(&r, &a, &q, NULL));
	JT_OK(page_get(BUF_SPAN(q), &page, NULL));
	assert_int_equal(page.count, 5);
	for (int i = 0; i < 5; i++) {
		JT_OK(page_next(&page, &entry, NULL));
		JT_OK(entry_check_body(&entry, NULL));
	}
	JT_ERR(page_next(&page, &entry, NULL), JIT_E_UNKNOWN);
	a = (struct ask){ .op = OP_SHOW, .id = d.req.id };
	a.id.s[25] = a.id.s[25] == '0' ? '1' : '0';
	JT_ERR(rig_ask(&r, &a, NULL, NULL), JIT_E_UNKNOWN);
	a = (struct ask){ .op = OP_CHECKPOINT, .from = 1000 };
	JT_ERR(rig_ask(&r, &a, NULL, NULL), JIT_E_ROLLBACK);
	rig_done(&r);
}

/* Each block of the policy, by its digest. */
static void
test_blobs(void **state)
{
	JIT_DONE(buf_done) struct buf p = { NULL, 0 };
	JIT_DONE(receipts_done) struct receipts v = { 0 };
	JIT_DONE(wr_done) struct wr w = WR_INIT(65536);
	struct ask a = { .op = OP_BLOBS };
	struct rig r;

	(void)state;
	rig_init(&r, 0);
	for (size_t i = 0; i < policy_count(r.w.policy); i++)
		wr_span(&w, DIGEST_SPAN(policy_at(r.w.policy, i)->digest));
	a.count = (uint32_t)policy_count(r.w.policy);
	a.items = wr_view(&w);
	JT_OK(rig_ask(&r, &a, &p, NULL));
	rig_check_receipts(&r, BUF_SPAN(p), a.count, &v);
	for (size_t i = 0; i < v.n; i++)
		assert_true(span_eq(v.v[i].e.body,
		    BUF_SPAN(policy_at(r.w.policy, i)->bytes)));
	w.p[0] ^= 1;
	JT_ERR(rig_ask(&r, &a, NULL, NULL), JIT_E_UNKNOWN);
	rig_done(&r);
}

static void
test_wait(void **state)
{
	struct ask a = { .op = OP_WAIT, .max = 1000 };
	struct task *t;
	struct draft d, e;
	struct rig r;

	(void)state;
	rig_init(&r, 0);
	JT_OK(rig_request(&r, "prod-db", K_ALICE, &d));
	a.id = d.req.id;
	/* What is known already is answered at once. */
	JT_OK(rig_ask(&r, &a, NULL, NULL));
	a.from = journal_mark(r.journal)->edge.size;
	t = rig_task(&a);
	JT_OK(rig_turn(&r, &t, 1));
	assert_true(t->parked && t->answer.n == 0);
	JT_OK(rig_request(&r, "prod-db", K_BOB, &e));
	assert_false(turn_wake(r.turn, t, false, r.w.now));
	JT_OK(rig_decide(&r, &d, VERDICT_APPROVE, K_BOB));
	assert_true(turn_wake(r.turn, t, false, r.w.now));
	assert_true(!t->parked && t->answer.n > 0);
	task_free(t);
	a.from = journal_mark(r.journal)->edge.size;
	t = rig_task(&a);
	JT_OK(rig_turn(&r, &t, 1));
	assert_true(t->parked);
	assert_true(turn_wake(r.turn, t, true, r.w.now));
	task_free(t);
	/* A policy that changes may change what counts. */
	t = rig_task(&a);
	JT_OK(rig_turn(&r, &t, 1));
	assert_true(t->parked);
	world_without(&r.w, BLOCK_PERSON, "carol");
	JT_OK(turn_policy(r.turn, r.w.policy, r.w.now, NULL));
	assert_true(turn_wake(r.turn, t, false, r.w.now));
	task_free(t);
	rig_done(&r);
}

/* ---- who follows the log ---- */

/* A follow from the log's end on; it is parked. */
static struct task *
follow(struct rig *r)
{
	const struct ask a = { .op = OP_FOLLOW, .max = 100, .ms = 1000,
	    .from = journal_mark(r->journal)->edge.size };
	struct task *t = rig_task(&a);

	JT_OK(rig_turn(r, &t, 1));
	assert_true(t->parked && t->answer.n == 0);
	return t;
}

/* What it was told, which is n entries from its first on; t is freed. */
static struct followed
told_of(struct task *t, uint32_t n)
{
	struct followed f;
	struct answer a;
	struct entry e;

	JT_OK(answer_get(SPAN(t->answer.p + 4, t->answer.n - 4), &a));
	JT_WHY(a.err, JIT_OK, &a.why);
	assert_true(a.op == OP_FOLLOW && !t->parked);
	JT_OK(follow_get(a.payload, &f, NULL));
	assert_true(f.page.first == t->ask.from && f.page.count == n);
	while (page_next(&f.page, &e, NULL) == JIT_OK)
		JT_OK(entry_check_body(&e, NULL));
	task_free(t);
	return f;
}

static void
test_follow(void **state)
{
	struct ask a = { .op = OP_FOLLOW, .max = 2, .ms = 1000 };
	struct followed f;
	struct task *t;
	struct draft d;
	struct rig r;
	uint64_t size;

	(void)state;
	rig_init(&r, 0);
	/* What is there already is told at once. */
	t = rig_task(&a);
	JT_OK(rig_turn(&r, &t, 1));
	f = told_of(t, 2);
	assert_true(f.state == SIGNER_OK && f.now == r.w.now &&
	    f.policy_index == ledger_policy_index(turn_ledger(r.turn)) &&
	    f.recovery == 0);
	/* What comes is told, whatever it is about. */
	t = follow(&r);
	assert_false(turn_wake(r.turn, t, false, r.w.now));
	JT_OK(rig_request(&r, "prod-db", K_ALICE, &d));
	assert_true(turn_wake(r.turn, t, false, r.w.now));
	(void)told_of(t, 1);
	/* In one turn with what is logged: told there. */
	{
		JIT_DONE(mail_done) struct mail m = { .ask.tag = 0 };
		struct task *two[2];

		rig_mail_decision(&r, &d, VERDICT_APPROVE, K_BOB, &m);
		a.from = journal_mark(r.journal)->edge.size;
		two[0] = rig_task(&a);
		two[1] = rig_task(&m.ask);
		JT_OK(rig_turn(&r, two, 2));
		task_free(two[1]);
		(void)told_of(two[0], 1);
	}
	/* A policy is an entry; its time is up; no time at all. */
	t = follow(&r);
	world_without(&r.w, BLOCK_PERSON, "carol");
	JT_OK(turn_policy(r.turn, r.w.policy, r.w.now, NULL));
	assert_true(turn_wake(r.turn, t, false, r.w.now));
	f = told_of(t, 1);
	size = journal_mark(r.journal)->edge.size;
	assert_true(f.policy_index == size - 1);
	t = follow(&r);
	assert_true(turn_wake(r.turn, t, true, r.w.now + 1));
	f = told_of(t, 0);
	assert_true(f.now == r.w.now + 1);
	a = (struct ask){ .op = OP_FOLLOW, .max = 1, .from = size };
	t = rig_task(&a);
	JT_OK(rig_turn(&r, &t, 1));
	(void)told_of(t, 0);
	/* Who has seen more than there is is told so at once. */
	a.from = size + 1;
	a.ms = 1000;
	JT_ERR(rig_ask(&r, &a, NULL, NULL), JIT_E_ROLLBACK);
	rig_done(&r);
}

/* ---- hello, a lost tail, and the way out ---- */

static struct buf
present(struct rig *r, uint64_t size, struct digest root)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(TLOG_NOTE_MAX);
	struct checkpoint c = { size, root };
	struct buf b = { NULL, 0 };

	JT_OK(checkpoint_sign(&w, &c, &r->w.log, r->w.key[K_LOG]));
	JT_OK(wr_take(&w, &b));
	return b;
}

static enum jit_err
greet(struct rig *r, struct span note)
{
	const struct ask a = { .op = OP_HELLO, .version = PROTO_VERSION,
	    .note = note };

	return rig_ask(r, &a, NULL, NULL);
}

static void
sign_recovery(struct rig *r, enum world_key who, enum recovery_cause cause,
    struct buf *text, struct buf *sig)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(ACT_MAX);
	struct recovery rec = { .log = span_str(r->w.log_id),
	    .by = span_str(world_name(who)), .at = r->w.now,
	    .size = journal_mark(r->journal)->edge.size, .cause = cause };

	JT_OK(merkle_edge_root(&journal_mark(r->journal)->edge, &rec.root));
	recovery_put(&w, &rec);
	JT_OK(wr_take(&w, text));
	*sig = world_sign(&r->w, who, NS_RECOVERY, BUF_SPAN(*text));
}

static enum jit_err
recover(struct rig *r, enum world_key who, enum recovery_cause cause)
{
	JIT_DONE(buf_done) struct buf text = { NULL, 0 }, sig = { NULL, 0 };
	JIT_SCOPED(free) struct rec_recovery *rec = calloc(1, sizeof(*rec));

	sign_recovery(r, who, cause, &text, &sig);
	rec->n = 1;
	rec->by[0] = (struct rec_signed){ .text = BUF_SPAN(text),
	    .sig = BUF_SPAN(sig) };
	return turn_recover(r->turn, rec, r->w.now, NULL);
}

static void
test_rollback(void **state)
{
	JIT_DONE(buf_done) struct buf old = { NULL, 0 }, lost = { NULL, 0 };
	struct digest root = { .b = { 1 } };
	struct draft d;
	struct rig r;
	uint64_t size;

	(void)state;
	rig_init(&r, 0);
	JT_OK(buf_copy(&old, journal_note(r.journal)));
	JT_OK(greet(&r, BUF_SPAN(old)));
	JT_OK(rig_request(&r, "prod-db", K_ALICE, &d));
	JT_OK(greet(&r, BUF_SPAN(old)));
	JT_OK(greet(&r, SPAN_NONE));
	old.p[old.n - 5] ^= 1;
	JT_ERR(greet(&r, BUF_SPAN(old)), JIT_E_SIG);
	assert_false(turn_frozen(r.turn)->is);
	size = journal_mark(r.journal)->edge.size;
	lost = present(&r, size + 3, root);
	JT_ERR(greet(&r, BUF_SPAN(lost)), JIT_E_ROLLBACK);
	assert_true(turn_frozen(r.turn)->is);
	JT_ERR(rig_decide(&r, &d, VERDICT_APPROVE, K_BOB), JIT_E_FROZEN);
	JT_ERR(rig_decide(&r, &d, VERDICT_DENY, K_BOB), JIT_E_FROZEN);
	JT_OK(greet(&r, SPAN_NONE));
	JT_ERR(recover(&r, K_ALICE, RECOVERY_ROLLBACK), JIT_E_APPROVER);
	JT_ERR(recover(&r, K_DANA, RECOVERY_CLOCK), JIT_E_OTHERTEXT);
	JT_OK(recover(&r, K_DANA, RECOVERY_ROLLBACK));
	JT_ERR(recover(&r, K_DANA, RECOVERY_ROLLBACK), JIT_E_ARG);
	JT_OK(rig_decide(&r, &d, VERDICT_APPROVE, K_BOB));
	/* Whoever still has the lost tail is told, and freezes nothing. */
	JT_ERR(greet(&r, BUF_SPAN(lost)), JIT_E_ROLLBACK);
	assert_false(turn_frozen(r.turn)->is);
	rig_check_log(&r);
	rig_done(&r);
}

/* Who follows is told that nothing is logged any more, and of the thaw. */
static void
test_follow_frozen(void **state)
{
	struct followed f;
	struct task *t;
	struct rig r;

	(void)state;
	rig_init(&r, 0);
	t = follow(&r);
	JT_OK(turn_freeze(r.turn, RECOVERY_CLOCK, SPAN_NONE));
	assert_true(turn_wake(r.turn, t, false, r.w.now));
	f = told_of(t, 0);
	assert_true(f.state == SIGNER_FROZEN);
	/* It is no news to who comes now. */
	t = follow(&r);
	assert_false(turn_wake(r.turn, t, false, r.w.now));
	JT_OK(recover(&r, K_DANA, RECOVERY_CLOCK));
	assert_true(turn_wake(r.turn, t, false, r.w.now));
	f = told_of(t, 1);
	assert_true(f.state == SIGNER_OK && f.recovery == f.page.first);
	rig_done(&r);
}

/* Another tree of the same size, signed by our key: a fork. */
static void
test_fork(void **state)
{
	JIT_DONE(buf_done) struct buf fork = { NULL, 0 };
	struct digest root = { .b = { 1 } };
	struct rig r;

	(void)state;
	rig_init(&r, 0);
	fork = present(&r, 2, root);
	JT_ERR(greet(&r, BUF_SPAN(fork)), JIT_E_ROLLBACK);
	assert_true(turn_frozen(r.turn)->is);
	rig_done(&r);
}

/* ---- the process ends at any point ---- */

/* What a jump leaves behind is what the end of a process frees. */
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#define LEAKS_IGNORED(on) ((on) ? __lsan_disable() : __lsan_enable())
#else
#define LEAKS_IGNORED(on) ((void)(on))
#endif

static jmp_buf jump;
static int crash_at, crash_left;

static void
hook(enum crash_point at)
{
	if ((int)at == crash_at && --crash_left == 0)
		longjmp(jump, 1);
}

/* What was acknowledged; survives the jump. */
static struct draft story[2];
static volatile int told;
static volatile bool have_cert;
static struct buf first_cert;

/* Two roads, step by step; told counts the steps that were acknowledged. */
static void
tell(struct rig *r)
{
	for (int i = told; i < 8; i = told) {
		struct draft *d = &story[i / 4];

		switch (i % 4) {
		case 0:
			if (i > 0 && story[1].secret[0] == 0)
				return;
			JT_OK(rig_request(r, "prod-db", K_ALICE, d));
			break;
		case 1:
			JT_OK(rig_decide(r, d, VERDICT_APPROVE, K_BOB));
			break;
		case 2:
			JT_OK(rig_decide(r, d, VERDICT_APPROVE, K_CAROL));
			break;
		default:
			buf_done(&first_cert);
			JT_OK(rig_collect(r, d, &first_cert));
			have_cert = true;
			break;
		}
		told = i + 1;
	}
}

struct crash_row {
	const char *name;
	enum crash_point at;
};

static struct rig crash_rig;

static void
stop_in_the_middle(struct rig *r)
{
	/* As an end of the process: nothing of it goes on. */
	rig_stop(r);
}

/* False: the story came to its end first. */
static bool
crash_once(enum crash_point at, int nth, enum loss loss)
{
	JIT_DONE(buf_done) struct buf again = { NULL, 0 };
	struct rig *r = &crash_rig;
	struct jit_why why = { 0 };

	told = 0;
	have_cert = false;
	memset(story, 0, sizeof(story));
	story[1].secret[0] = 1;
	rig_init(r, 8192);
	crash_at = (int)at;
	crash_left = nth;
	crash_hook = hook;
	if (setjmp(jump) == 0)
		tell(r);
	crash_hook = NULL;
	stop_in_the_middle(r);
	simdisk_crash(r->disk, loss);
	JT_WHY(rig_start(r, &why), JIT_OK, &why);
	rig_check_log(r);
	/* The story goes on where it was: an unacknowledged step is retried. */
	if (have_cert) {
		struct draft *d = &story[(told - 1) / 4];

		if (told % 4 == 0) {
			JT_OK(rig_collect(r, d, &again));
			assert_true(span_eq(BUF_SPAN(again),
			    BUF_SPAN(first_cert)));
		}
	}
	if (told > 0 && told % 4 != 0) {
		const struct dossier *d = NULL;
		const struct settled *s = NULL;
		struct draft *now = &story[told / 4];

		/* Acknowledged: the request and each approval is there. */
		assert_int_not_equal(ledger_get(turn_ledger(r->turn),
		    &now->req.id, &d, &s), LEDGER_NONE);
		assert_true(d != NULL ? (int)d->n >= told % 4 : true);
	}
	buf_done(&first_cert);
	rig_done(r);
	return crash_left <= 0;
}

static void
test_crash(void **state)
{
	const struct crash_row *row = *state;

	static const enum loss modes[] = { LOSE_ALL, LOSE_NONE, LOSE_ODD };

	/* The journal's own test has all of them. */
	LEAKS_IGNORED(true);
	for (int nth = 1; nth <= 5; nth++) {
		bool hit = true;

		for (int m = 0; m < 3; m++)
			hit &= crash_once(row->at, nth, modes[m]);
		if (!hit)
			break;
	}
	LEAKS_IGNORED(false);
}

static const struct crash_row crashes[] = {
#define X(NAME, file, what) { #NAME, CRASH_##NAME },
#include "signer/crash.def"
#undef X
};

/* ---- the disk fails ---- */

#define STEPS 8

/* The same two roads as frames; what was acknowledged, and as what. */
struct trail {
	struct draft d[2];
	struct mail m[STEPS];
	uint64_t entry[STEPS];
	struct buf cert[2];		/* the answers that held them */
	int told;
};

static void
trail_init(struct rig *r, struct trail *t)
{
	static const enum world_key by[2] = { K_BOB, K_CAROL };

	*t = (struct trail){ .told = 0 };
	for (int i = 0; i < 2; i++) {
		struct draft *d = &t->d[i];

		world_draft(&r->w, "prod-db", K_ALICE, d);
		rig_mail_request(r, d, K_ALICE, &t->m[4 * i]);
		for (int k = 0; k < 2; k++)
			rig_mail_decision(r, d, VERDICT_APPROVE, by[k],
			    &t->m[4 * i + 1 + k]);
		rig_mail_collect(d, &t->m[4 * i + 3]);
	}
}

static void
trail_done(struct trail *t)
{
	for (int i = 0; i < STEPS; i++)
		mail_done(&t->m[i]);
	buf_done(&t->cert[0]);
	buf_done(&t->cert[1]);
}

/* The certificate of a collect's answer: the same as before, if any was. */
static void
check_cert(const struct task *k, struct buf *cert)
{
	JIT_DONE(receipts_done) struct receipts v = { 0 };
	struct rd whole = rd_of(wr_view(&k->answer)), rd;
	struct rec_issued rec;
	struct answer a;

	(void)rd_u32(&whole);
	JT_OK(answer_get(SPAN(whole.p, whole.n), &a));
	rd = rd_of(a.payload);
	JT_OK(receipts_get(&rd, &v, NULL));
	JT_OK(rec_get_issued(v.v[0].e.body, &rec, NULL));
	if (cert->p == NULL)
		JT_OK(buf_copy(cert, rec.cert));
	assert_true(span_eq(rec.cert, BUF_SPAN(*cert)));
}

/*
 * Step i.  *ended: the turn told its end, and nobody has an answer.  Else
 * what was answered; acknowledged again, it must be the same entry.
 */
static enum jit_err
take_step(struct rig *r, struct trail *t, int i, bool *ended)
{
	JIT_SCOPED(task_free) struct task *k = rig_task(&t->m[i].ask);

	*ended = rig_turn(r, &k, 1) != JIT_OK;
	if (*ended)
		return JIT_E_IO;
	assert_true(k->answer.n > 0);
	if (k->err != JIT_OK)
		return k->err;
	if (i < t->told)
		assert_true(k->entry == t->entry[i]);
	t->entry[i] = k->entry;
	if (i % 4 == 3)
		check_cert(k, &t->cert[i / 4]);
	return JIT_OK;
}

/*
 * On from where it is; false: the end was told.  A refusal for want of room
 * is an answer too: then it is asked again.
 */
static bool
go_on(struct rig *r, struct trail *t)
{
	bool ended = false;
	int refused = 0;

	while (t->told < STEPS) {
		enum jit_err e = take_step(r, t, t->told, &ended);

		if (ended)
			return false;
		if (e == JIT_OK)
			t->told++;
		else
			JT_ERR(e, JIT_E_FULL);
		assert_true(e == JIT_OK || refused++ < 3);
	}
	return true;
}

/* The n-th effect of the road fails with e.  False: there are fewer. */
static bool
fail_once(unsigned n, enum jit_err e, enum loss loss)
{
	struct jit_why why = { 0 };
	struct trail t;
	struct rig r;
	unsigned before;
	bool reached;

	rig_init(&r, 8192);
	trail_init(&r, &t);
	before = simdisk_effects(r.disk);
	simdisk_fail(r.disk, n, e);
	(void)go_on(&r, &t);
	reached = simdisk_effects(r.disk) - before >= n;
	/* Told or not: a new process, and what the disk kept. */
	rig_stop(&r);
	simdisk_crash(r.disk, loss);
	JT_WHY(rig_start(&r, &why), JIT_OK, &why);
	rig_check_log(&r);
	for (int i = 0; i < t.told; i++) {
		bool ended;

		JT_OK(take_step(&r, &t, i, &ended));
	}
	assert_true(go_on(&r, &t));
	rig_check_log(&r);
	assert_true(ledger_next_serial(turn_ledger(r.turn)) == 3);
	trail_done(&t);
	rig_done(&r);
	return reached;
}

struct fail_row {
	const char *name;
	enum jit_err e;
	enum loss loss;
};

static void
test_fails(void **state)
{
	const struct fail_row *f = *state;
	unsigned n = 1;

	while (fail_once(n, f->e, f->loss))
		n++;
	print_message("%u effects\n", n - 1);
	assert_true(n > 20);
}

static const struct fail_row fails[] = {
	{ "error, all unsynced lost", JIT_E_IO, LOSE_ALL },
	{ "error, nothing lost", JIT_E_IO, LOSE_NONE },
	{ "full, all unsynced lost", JIT_E_FULL, LOSE_ALL },
	{ "full, nothing lost", JIT_E_FULL, LOSE_NONE },
	{ "full, every second sector lost", JIT_E_FULL, LOSE_ODD },
};

int
main(void)
{
	int bad = 0;

	bad += jt_one("a road, and after it", test_road);
	bad += jt_one("what is over is over", test_expired);
	bad += jt_one("asked again, logged once", test_again);
	bad += jt_one("settled, and asked again", test_settled_again);
	bad += jt_one("a road in one batch", test_one_batch);
	bad += jt_one("a full disk", test_full);
	bad += jt_one("a batch without room is taken back", test_taken_back);
	bad += jt_one("the policy changes under a request", test_policy);
	bad += jt_one("show, list, find, prove, entries", test_read);
	bad += jt_one("blocks by digest", test_blobs);
	bad += jt_one("a wait is parked and woken", test_wait);
	bad += jt_one("who follows is told", test_follow);
	bad += jt_one("who follows is told of a freeze",
	    test_follow_frozen);
	bad += jt_one("a lost tail freezes, admins thaw", test_rollback);
	bad += jt_one("a fork freezes", test_fork);
	bad += JT_ROWS("crash", test_crash, crashes);
	bad += JT_ROWS("the n-th effect fails", test_fails, fails);
	return bad != 0;
}
