/*
 * turn: X.509 certificates, and what ends access before its time: revoke,
 * lock, a policy that enrols somebody no more; and the lists that say so.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/grant/issued.h"
#include "ca/ssh/krl.h"
#include "ca/x509/crl.h"
#include "signer/published.h"
#include "tests/signer/rig.h"

static uint64_t
size_of(const struct rig *r)
{
	return journal_mark(r->journal)->edge.size;
}

static void
restart(struct rig *r)
{
	struct jit_why why = { 0 };

	rig_stop(r);
	simdisk_restart(r->disk);
	JT_WHY(rig_start(r, &why), JIT_OK, &why);
}

/* With an X.509 CA, whose roles are in force. */
static void
rig_x509(struct rig *r, uint32_t segment)
{
	struct jit_why why = { 0 };

	rig_init(r, segment);
	world_x509(&r->w);
	restart(r);
	JT_WHY(turn_policy(r->turn, r->w.policy, r->w.now, &why), JIT_OK,
	    &why);
	JT_WHY(turn_keys(r->turn, &r->w.ca, r->w.now, &why), JIT_OK, &why);
}

static void
given(struct rig *r, const char *role, enum world_key who, struct draft *d,
    struct buf *cert)
{
	JT_OK(rig_request(r, role, who, d));
	JT_OK(rig_decide(r, d, VERDICT_APPROVE, K_CAROL));
	if (d->req.kind == KIND_SSH_USER)
		JT_OK(rig_decide(r, d, VERDICT_APPROVE, K_DAN));
	JT_OK(rig_collect(r, d, cert));
}

/* ---- x509 ---- */

/* A role without a CA: said at once, not after somebody approved. */
static void
test_no_ca(void **state)
{
	struct draft d;
	struct rig r;

	(void)state;
	rig_init(&r, 0);
	world_x509(&r.w);
	JT_OK(turn_policy(r.turn, r.w.policy, r.w.now, NULL));
	JT_ERR(rig_request(&r, "pg-write", K_ALICE, &d), JIT_E_UNBUILT);
	/* Published, but its key is not in this process. */
	JT_OK(turn_keys(r.turn, &r.w.ca, r.w.now, NULL));
	JT_ERR(rig_request(&r, "pg-write", K_ALICE, &d), JIT_E_UNBUILT);
	JT_OK(rig_request(&r, "prod-db", K_ALICE, &d));
	rig_check_log(&r);
	rig_done(&r);
}

static void
test_x509(void **state)
{
	JIT_DONE(buf_done) struct buf cert = { NULL, 0 }, twice = { NULL, 0 };
	JIT_DONE(issued_done) struct issued c = { .kind = KIND_SSH_USER };
	JIT_DONE(mail_done) struct mail m = { 0 };
	struct draft d, e;
	struct rig r;

	(void)state;
	rig_x509(&r, 0);
	JT_OK(rig_request(&r, "pg-write", K_ALICE, &d));
	JT_ERR(rig_collect(&r, &d, NULL), JIT_E_PENDING);
	JT_OK(rig_decide(&r, &d, VERDICT_APPROVE, K_BOB));
	JT_OK(rig_collect(&r, &d, &cert));
	JT_OK(issued_parse(BUF_SPAN(cert), &c, NULL));
	JT_OK(issued_verify(&c, ca_keys_active(&r.w.ca, CA_X509), NULL));
	assert_true(issued_life(&c).until == r.w.now + 45 * 60);
	assert_true(ledger_next_serial(turn_ledger(r.turn)) == 1);
	r.w.now += 60;
	JT_OK(rig_collect(&r, &d, &twice));
	assert_true(span_eq(BUF_SPAN(cert), BUF_SPAN(twice)));
	restart(&r);
	buf_done(&twice);
	JT_OK(rig_collect(&r, &d, &twice));
	assert_true(span_eq(BUF_SPAN(cert), BUF_SPAN(twice)));
	/* Revoked by who may decide on it; the same again is the same. */
	JT_ERR(rig_act(&r, &d, ACT_REVOKE, K_EVE), JIT_E_NOTYOURS);
	rig_mail_act(&r, &d, ACT_REVOKE, K_BOB, &m);
	JT_OK(rig_ask(&r, &m.ask, NULL, NULL));
	JT_OK(rig_ask(&r, &m.ask, NULL, NULL));
	JT_ERR(rig_act(&r, &d, ACT_REVOKE, K_DANA), JIT_E_REVOKED);
	JT_ERR(rig_act(&r, &d, ACT_DROP, K_ALICE), JIT_E_REVOKED);
	JT_ERR(rig_collect(&r, &d, NULL), JIT_E_REVOKED);
	JT_OK(rig_ask(&r, &m.ask, NULL, NULL));
	given(&r, "pg-read", K_BOB, &e, NULL);
	JT_OK(rig_act(&r, &e, ACT_DROP, K_BOB));
	JT_ERR(rig_collect(&r, &e, NULL), JIT_E_DROPPED);
	rig_check_log(&r);
	restart(&r);
	JT_ERR(rig_collect(&r, &d, NULL), JIT_E_REVOKED);
	JT_ERR(rig_collect(&r, &e, NULL), JIT_E_DROPPED);
	rig_done(&r);
}

static void
test_revoke(void **state)
{
	static const enum world_key who[] = { K_ALICE, K_CAROL, K_DANA };
	struct draft d;
	struct rig r;

	(void)state;
	rig_init(&r, 0);
	for (int i = 0; i < 3; i++) {
		JT_OK(rig_request(&r, "prod-db", K_ALICE, &d));
		JT_ERR(rig_act(&r, &d, ACT_REVOKE, who[i]), JIT_E_PENDING);
		JT_OK(rig_decide(&r, &d, VERDICT_APPROVE, K_BOB));
		JT_OK(rig_decide(&r, &d, VERDICT_APPROVE, K_CAROL));
		JT_OK(rig_collect(&r, &d, NULL));
		JT_OK(rig_act(&r, &d, ACT_REVOKE, who[i]));
		JT_ERR(rig_collect(&r, &d, NULL), JIT_E_REVOKED);
	}
	given(&r, "prod-db", K_ALICE, &d, NULL);
	r.w.now += 45 * 60;
	JT_ERR(rig_act(&r, &d, ACT_REVOKE, K_DANA), JIT_E_EXPIRED);
	rig_check_log(&r);
	rig_done(&r);
}

/* ---- locks ---- */

/* The entries from an index on are these. */
static void
check_types(struct rig *r, uint64_t from, const enum entry_type *want,
    size_t n)
{
	JIT_DONE(buf_done) struct buf p = { NULL, 0 };
	const struct ask a = { .op = OP_ENTRIES, .from = from, .max = 100 };
	struct page page;
	struct entry e;

	JT_OK(rig_ask(r, &a, &p, NULL));
	JT_OK(page_get(BUF_SPAN(p), &page, NULL));
	assert_int_equal(page.count, n);
	for (size_t i = 0; i < n; i++) {
		JT_OK(page_next(&page, &e, NULL));
		assert_string_equal(entry_type_name(e.type),
		    entry_type_name((uint8_t)want[i]));
	}
}

static void
test_lock(void **state)
{
	static const enum entry_type types[] = { ENTRY_LOCK, ENTRY_ENDED,
	    ENTRY_ENDED, ENTRY_ENDED };
	JIT_DONE(mail_done) struct mail m = { 0 };
	struct draft ssh, x509, open, bobs, over, no;
	struct rig r;
	uint64_t size;

	(void)state;
	rig_x509(&r, 0);
	given(&r, "pg-read", K_ALICE, &over, NULL);
	r.w.now += 45 * 60;
	given(&r, "prod-db", K_ALICE, &ssh, NULL);
	given(&r, "pg-write", K_ALICE, &x509, NULL);
	given(&r, "pg-write", K_BOB, &bobs, NULL);
	JT_OK(rig_request(&r, "prod-db", K_ALICE, &open));
	size = size_of(&r);
	rig_mail_lock(&r, "alice", false, K_DANA, &m);
	JT_OK(rig_ask(&r, &m.ask, NULL, NULL));
	check_types(&r, size, types, 4);
	JT_ERR(rig_collect(&r, &ssh, NULL), JIT_E_REVOKED);
	JT_ERR(rig_collect(&r, &x509, NULL), JIT_E_REVOKED);
	JT_ERR(rig_collect(&r, &open, NULL), JIT_E_CANCELLED);
	JT_ERR(rig_collect(&r, &over, NULL), JIT_E_EXPIRED);
	JT_ERR(rig_decide(&r, &open, VERDICT_APPROVE, K_BOB),
	    JIT_E_CANCELLED);
	JT_OK(rig_collect(&r, &bobs, NULL));
	JT_ERR(rig_request(&r, "prod-db", K_ALICE, &no), JIT_E_LOCKEDOUT);
	restart(&r);
	JT_ERR(rig_request(&r, "prod-db", K_ALICE, &no), JIT_E_LOCKEDOUT);
	/* Again: the same bytes, or by who might have; nothing is logged. */
	size = size_of(&r);
	JT_OK(rig_ask(&r, &m.ask, NULL, NULL));
	r.w.now++;
	JT_OK(rig_lock(&r, "alice", false, K_DANA));
	JT_ERR(rig_lock(&r, "alice", false, K_ALICE), JIT_E_LOCKEDOUT);
	JT_ERR(rig_lock(&r, "alice", false, K_BOB), JIT_E_NOTYOURS);
	JT_ERR(rig_lock(&r, "alice", false, K_STRANGER), JIT_E_FORMAT);
	assert_true(size_of(&r) == size);
	JT_ERR(rig_lock(&r, "alice", true, K_ALICE), JIT_E_LOCKEDOUT);
	JT_ERR(rig_lock(&r, "alice", true, K_BOB), JIT_E_NOTYOURS);
	JT_OK(rig_lock(&r, "alice", true, K_DANA));
	JT_ERR(rig_lock(&r, "alice", true, K_DANA), JIT_E_EXISTS);
	/* What was ended stays so. */
	JT_ERR(rig_collect(&r, &ssh, NULL), JIT_E_REVOKED);
	given(&r, "prod-db", K_ALICE, &no, NULL);
	rig_check_log(&r);
	rig_done(&r);
}

/* Of oneself, with the answer lost; and an approver's. */
static void
test_lock_self(void **state)
{
	JIT_DONE(mail_done) struct mail m = { 0 };
	struct draft d;
	struct rig r;
	uint64_t size;

	(void)state;
	rig_init(&r, 0);
	JT_OK(rig_request(&r, "prod-db", K_ALICE, &d));
	JT_OK(rig_decide(&r, &d, VERDICT_APPROVE, K_BOB));
	JT_OK(rig_decide(&r, &d, VERDICT_APPROVE, K_CAROL));
	rig_mail_lock(&r, "bob", false, K_BOB, &m);
	JT_OK(rig_ask(&r, &m.ask, NULL, NULL));
	size = size_of(&r);
	JT_OK(rig_ask(&r, &m.ask, NULL, NULL));
	assert_true(size_of(&r) == size);
	JT_ERR(rig_collect(&r, &d, NULL), JIT_E_PENDING);
	JT_ERR(rig_decide(&r, &d, VERDICT_DENY, K_BOB2), JIT_E_LOCKEDOUT);
	JT_OK(rig_decide(&r, &d, VERDICT_APPROVE, K_DAN));
	JT_OK(rig_collect(&r, &d, NULL));
	rig_check_log(&r);
	rig_done(&r);
}

/* A lock, and what comes in the same turn behind it. */
static void
test_lock_batch(void **state)
{
	struct mail m[4];
	const enum jit_err want[4] = { JIT_OK, JIT_E_CANCELLED,
	    JIT_E_LOCKEDOUT, JIT_OK };
	struct task *t[4];
	struct draft d, e;
	struct rig r;

	(void)state;
	rig_init(&r, 0);
	JT_OK(rig_request(&r, "prod-db", K_ALICE, &d));
	JT_OK(rig_decide(&r, &d, VERDICT_APPROVE, K_BOB));
	JT_OK(rig_decide(&r, &d, VERDICT_APPROVE, K_CAROL));
	rig_mail_lock(&r, "alice", false, K_DANA, &m[0]);
	rig_mail_collect(&d, &m[1]);
	world_draft(&r.w, "prod-db", K_ALICE, &e);
	rig_mail_request(&r, &e, K_ALICE, &m[2]);
	rig_mail_lock(&r, "alice", false, K_DANA, &m[3]);
	for (int i = 0; i < 4; i++)
		t[i] = rig_task(&m[i].ask);
	JT_OK(rig_turn(&r, t, 4));
	for (int i = 0; i < 4; i++) {
		JT_ERR(t[i]->err, want[i]);
		task_free(t[i]);
		mail_done(&m[i]);
	}
	rig_check_log(&r);
	rig_done(&r);
}

/* No room in the middle of it: nobody is locked, nothing is ended. */
static void
test_lock_full(void **state)
{
	struct draft d[31];
	struct rig r;
	size_t n = 0;
	enum jit_err e = JIT_OK;

	(void)state;
	rig_init(&r, 16384);
	while (n < 31 && rig_request(&r, "prod-db", K_ALICE, &d[n]) == JIT_OK)
		n++;
	assert_int_equal(n, 31);
	simdisk_capacity(r.disk, 0);
	while (e == JIT_OK && n > 4)
		e = rig_decide(&r, &d[--n], VERDICT_DENY, K_BOB);
	JT_ERR(e, JIT_E_FULL);
	/* A lock alone is smaller than a deny, with all that it ends not. */
	JT_ERR(rig_lock(&r, "alice", false, K_DANA), JIT_E_FULL);
	assert_false(ledger_locked(turn_ledger(r.turn), span_str("alice"),
	    NULL));
	assert_false(policy_is_locked(ledger_policy(turn_ledger(r.turn)),
	    span_str("alice")));
	simdisk_capacity(r.disk, (uint64_t)1 << 32);
	JT_OK(rig_decide(&r, &d[0], VERDICT_APPROVE, K_BOB));
	JT_OK(rig_lock(&r, "alice", false, K_DANA));
	JT_ERR(rig_collect(&r, &d[0], NULL), JIT_E_CANCELLED);
	rig_check_log(&r);
	restart(&r);
	assert_true(ledger_locked(turn_ledger(r.turn), span_str("alice"),
	    NULL));
	rig_done(&r);
}

/* ---- a policy that enrols somebody no more ---- */

static void
test_policy(void **state)
{
	static const enum entry_type types[] = { ENTRY_POLICY, ENTRY_ENDED,
	    ENTRY_ENDED };
	static const enum entry_type more[] = { ENTRY_BLOB, ENTRY_POLICY,
	    ENTRY_ENDED };
	const enum world_key one[] = { K_BOB2 };
	struct draft d, open, bobs;
	struct rig r;
	uint64_t size;

	(void)state;
	rig_x509(&r, 0);
	given(&r, "pg-write", K_ALICE, &d, NULL);
	JT_OK(rig_request(&r, "prod-db", K_ALICE, &open));
	given(&r, "prod-db", K_BOB, &bobs, NULL);
	world_without(&r.w, BLOCK_PERSON, "alice");
	size = size_of(&r);
	JT_OK(turn_policy(r.turn, r.w.policy, r.w.now, NULL));
	check_types(&r, size, types, 3);
	JT_ERR(rig_collect(&r, &d, NULL), JIT_E_REVOKED);
	JT_ERR(rig_collect(&r, &open, NULL), JIT_E_CANCELLED);
	JT_OK(rig_collect(&r, &bobs, NULL));
	/* Bob's key that asked is gone, he himself is not. */
	world_without(&r.w, BLOCK_PERSON, "bob");
	world_person(&r.w, "bob", "group: sre\n", one, 1);
	size = size_of(&r);
	JT_OK(turn_policy(r.turn, r.w.policy, r.w.now, NULL));
	check_types(&r, size, more, 3);
	JT_ERR(rig_collect(&r, &bobs, NULL), JIT_E_REVOKED);
	rig_check_log(&r);
	restart(&r);
	rig_check_log(&r);
	rig_done(&r);
}

/* Who was locked and is enrolled anew is let in by that. */
static void
test_enrolled_anew(void **state)
{
	const enum world_key alice[] = { K_ALICE };
	struct draft d;
	struct rig r;

	(void)state;
	rig_init(&r, 0);
	JT_OK(rig_lock(&r, "alice", false, K_ALICE));
	world_without(&r.w, BLOCK_PERSON, "alice");
	JT_OK(turn_policy(r.turn, r.w.policy, r.w.now, NULL));
	world_person(&r.w, "alice", "group: sre\n", alice, 1);
	JT_OK(turn_policy(r.turn, r.w.policy, r.w.now, NULL));
	JT_OK(rig_request(&r, "prod-db", K_ALICE, &d));
	rig_check_log(&r);
	restart(&r);
	JT_OK(rig_request(&r, "prod-db", K_ALICE, &d));
	rig_done(&r);
}

/* ---- the lists ---- */

static enum jit_err
page(struct rig *r, const char *name, uint64_t from, struct buf *ret,
    struct published *p)
{
	const struct ask a = { .op = OP_PUBLISHED, .tag = 3,
	    .name = span_str(name), .from = from };

	buf_done(ret);
	JIT_TRY(rig_ask(r, &a, ret, NULL));
	JT_OK(published_get(BUF_SPAN(*ret), p, NULL));
	assert_true(p->bytes.n + from <= p->total);
	return JIT_OK;
}

struct listed {
	struct buf payload;
	struct published p;
	struct krl *krl;
	struct crl *crl;
};

static void
listed_done(struct listed *l)
{
	buf_done(&l->payload);
	krl_free(l->krl);
	crl_free(l->crl);
	*l = (struct listed){ .krl = NULL };
}
JIT_SCOPED_OBJ(struct listed, listed_done);

/* Read it, and everything about it that anybody can verify. */
static void
get_krl(struct rig *r, struct listed *l)
{
	JIT_DONE(sshsig_done) struct sshsig sig = { 0 };
	struct ssh_sig_facts facts;
	struct jit_why why = { 0 };

	listed_done(l);
	JT_OK(page(r, "krl", 0, &l->payload, &l->p));
	assert_true(l->p.bytes.n == l->p.total);
	JT_WHY(krl_parse(l->p.bytes, &l->krl, &why), JIT_OK, &why);
	assert_true(krl_version(l->krl) == l->p.number);
	assert_true(krl_generated(l->krl) == l->p.made &&
	    l->p.next > l->p.made);
	JT_OK(sshsig_parse(l->p.sig, &sig, NULL));
	JT_WHY(sshsig_verify(&sig, NS_KRL, l->p.bytes, &facts, &why), JIT_OK,
	    &why);
	assert_true(ssh_key_eq(sig.key, ca_keys_active(&r->w.ca,
	    CA_SSH_USER)->key));
}

static void
get_crl(struct rig *r, const char *name, struct listed *l)
{
	const struct ca_key *ca = ca_keys_active(&r->w.ca, CA_X509);
	struct jit_why why = { 0 };

	listed_done(l);
	JT_OK(page(r, name, 0, &l->payload, &l->p));
	assert_true(l->p.bytes.n == l->p.total && l->p.sig.n == 0);
	JT_WHY(crl_parse(l->p.bytes, &l->crl, &why), JIT_OK, &why);
	JT_WHY(crl_verify(l->crl, ca->ca, &why), JIT_OK, &why);
	assert_true(crl_fields(l->crl)->number == l->p.number &&
	    crl_fields(l->crl)->this_update == l->p.made &&
	    crl_fields(l->crl)->next_update == l->p.next);
}

static bool
krl_has(const struct rig *r, const struct listed *l, uint64_t serial)
{
	return krl_is_revoked(l->krl, ca_keys_active(&r->w.ca,
	    CA_SSH_USER)->key, serial, span_str("x"),
	    ssh_priv_public(r->w.key[K_SUBJECT]));
}

static void
test_krl(void **state)
{
	JIT_DONE(listed_done) struct listed l = { .krl = NULL };
	struct draft d[3];
	struct rig r;
	uint64_t number;

	(void)state;
	rig_init(&r, 0);
	get_krl(&r, &l);
	number = l.p.number;
	assert_false(krl_has(&r, &l, 1));
	for (int i = 0; i < 3; i++)
		given(&r, "prod-db", K_ALICE, &d[i], NULL);
	/* Nothing was taken back: the same list. */
	get_krl(&r, &l);
	assert_true(l.p.number == number);
	JT_OK(rig_act(&r, &d[1], ACT_REVOKE, K_CAROL));
	get_krl(&r, &l);
	assert_true(l.p.number > number && krl_has(&r, &l, 2) &&
	    !krl_has(&r, &l, 1) && !krl_has(&r, &l, 3));
	number = l.p.number;
	JT_OK(rig_act(&r, &d[2], ACT_DROP, K_ALICE));
	get_krl(&r, &l);
	assert_true(l.p.number > number && krl_has(&r, &l, 3));
	/* A lock takes the last one back. */
	JT_OK(rig_lock(&r, "alice", false, K_DANA));
	get_krl(&r, &l);
	assert_true(krl_has(&r, &l, 1));
	number = l.p.number;
	restart(&r);
	r.w.now++;
	get_krl(&r, &l);
	assert_true(l.p.number > number && krl_has(&r, &l, 1) &&
	    krl_has(&r, &l, 2) && krl_has(&r, &l, 3));
	rig_done(&r);
}

/* A list gets old, and forgets what has expired. */
static void
test_refresh(void **state)
{
	JIT_DONE(listed_done) struct listed l = { .krl = NULL };
	struct draft d;
	struct rig r;
	uint64_t number;
	utc_s made;

	(void)state;
	rig_init(&r, 0);
	given(&r, "prod-db", K_ALICE, &d, NULL);
	JT_OK(rig_act(&r, &d, ACT_REVOKE, K_CAROL));
	get_krl(&r, &l);
	assert_true(krl_has(&r, &l, 1));
	made = l.p.made;
	number = l.p.number;
	r.w.now = made + LISTS_REFRESH - 1;
	get_krl(&r, &l);
	assert_true(l.p.number == number && krl_has(&r, &l, 1));
	r.w.now = made + LISTS_REFRESH;
	get_krl(&r, &l);
	/* 45 minutes and the grace are over. */
	assert_true(l.p.number > number && l.p.made == r.w.now &&
	    !krl_has(&r, &l, 1));
	rig_done(&r);
}

static void
test_grace(void **state)
{
	JIT_DONE(listed_done) struct listed l = { .krl = NULL };
	struct draft d, e;
	struct rig r;
	utc_s ends;

	(void)state;
	rig_init(&r, 0);
	given(&r, "prod-db", K_ALICE, &d, NULL);
	ends = r.w.now + 45 * 60;
	JT_OK(rig_act(&r, &d, ACT_REVOKE, K_CAROL));
	/* Each list is made anew, because something else is taken back. */
	for (int i = 0; i < 2; i++) {
		r.w.now = ends - 60;
		given(&r, "prod-db", K_BOB, &e, NULL);
		r.w.now = ends + LEDGER_REVOKED_GRACE - 1 + i;
		JT_OK(rig_act(&r, &e, ACT_REVOKE, K_CAROL));
		get_krl(&r, &l);
		assert_true(krl_has(&r, &l, 1) == (i == 0) &&
		    krl_has(&r, &l, 2));
	}
	rig_done(&r);
}

static void
test_crl(void **state)
{
	JIT_DONE(listed_done) struct listed l = { .krl = NULL };
	const struct ca_key *ca;
	uint8_t serial[2][ISSUED_SERIAL];
	char name[80], hex[65];
	struct draft d[2], ssh;
	struct rig r;
	uint64_t number;

	(void)state;
	rig_x509(&r, 0);
	ca = ca_keys_active(&r.w.ca, CA_X509);
	hex_text(x509_ca_ski(ca->ca), hex);
	(void)snprintf(name, sizeof(name), "crl-%s", hex);
	for (int i = 0; i < 2; i++) {
		JIT_DONE(buf_done) struct buf cert = { NULL, 0 };
		JIT_DONE(issued_done) struct issued c = {
		    .kind = KIND_SSH_USER };

		given(&r, "pg-write", K_ALICE, &d[i], &cert);
		JT_OK(issued_parse(BUF_SPAN(cert), &c, NULL));
		issued_serial(&c, serial[i]);
	}
	get_crl(&r, "crl", &l);
	assert_true(crl_fields(l.crl)->n == 0);
	number = l.p.number;
	/* What an SSH CA signed is not in it. */
	given(&r, "prod-db", K_ALICE, &ssh, NULL);
	JT_OK(rig_act(&r, &ssh, ACT_REVOKE, K_BOB));
	r.w.now++;
	JT_OK(rig_act(&r, &d[0], ACT_REVOKE, K_BOB));
	get_crl(&r, "crl", &l);
	assert_true(l.p.number > number && crl_fields(l.crl)->n == 1 &&
	    crl_has(l.crl, serial[0]) && !crl_has(l.crl, serial[1]));
	assert_true(crl_find(l.crl, serial[0])->at == r.w.now);
	number = l.p.number;
	get_crl(&r, name, &l);
	assert_true(l.p.number == number && crl_has(l.crl, serial[0]));
	get_krl(&r, &l);
	assert_true(l.p.number > number && krl_has(&r, &l, 1) &&
	    !krl_has(&r, &l, 2));
	JT_OK(rig_act(&r, &d[1], ACT_DROP, K_ALICE));
	get_crl(&r, "crl", &l);
	assert_true(crl_fields(l.crl)->n == 2 && crl_has(l.crl, serial[1]));
	rig_done(&r);
}

static void
test_pages(void **state)
{
	static const char *const none[] = { "", "krl ", "KRL", "crl-", "crl-00",
	    "crl-0000000000000000000000000000000000000000", "crls" };
	JIT_DONE(buf_done) struct buf a = { NULL, 0 }, b = { NULL, 0 };
	struct published whole, p;
	struct rig r;

	(void)state;
	rig_init(&r, 0);
	JT_ERR(page(&r, "crl", 0, &a, &p), JIT_E_UNKNOWN);
	rig_done(&r);
	rig_x509(&r, 0);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_int_not_equal(page(&r, none[i], 0, &a, &p), JIT_OK);
	JT_ERR(page(&r, "crls", 0, &a, &p), JIT_E_UNKNOWN);
	JT_OK(page(&r, "crl", 0, &a, &whole));
	for (uint64_t from = 0; from <= whole.total; from += 7) {
		JT_OK(page(&r, "crl", from, &b, &p));
		assert_true(p.number == whole.number &&
		    p.total == whole.total && span_eq(p.bytes,
		    SPAN(whole.bytes.p + from, whole.bytes.n - from)));
	}
	JT_OK(page(&r, "crl", whole.total, &b, &p));
	assert_true(p.bytes.n == 0);
	JT_ERR(page(&r, "crl", whole.total + 1, &b, &p), JIT_E_ARG);
	JT_ERR(page(&r, "crl", UINT64_MAX, &b, &p), JIT_E_ARG);
	rig_done(&r);
}

/* ---- keys ---- */

static uint64_t
hello_keys(struct rig *r)
{
	const struct ask a = { .op = OP_HELLO, .version = PROTO_VERSION };
	JIT_DONE(buf_done) struct buf p = { NULL, 0 };
	struct hello h;

	JT_OK(rig_ask(r, &a, &p, NULL));
	JT_OK(hello_get(BUF_SPAN(p), &h, NULL));
	return h.keys_index;
}

static void
test_keys(void **state)
{
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *next = NULL;
	JIT_DONE(listed_done) struct listed l = { .krl = NULL };
	struct draft d;
	struct rig r;
	uint64_t at, size;

	(void)state;
	rig_init(&r, 0);
	assert_true(hello_keys(&r) == 0);
	/* The same keys are no news. */
	JT_OK(turn_keys(r.turn, &r.w.ca, r.w.now, NULL));
	assert_true(hello_keys(&r) == 0);
	rig_done(&r);
	rig_x509(&r, 0);
	at = hello_keys(&r);
	assert_true(at == size_of(&r) - 1);
	get_crl(&r, "crl", &l);
	JT_OK(ssh_priv_generate(SSH_ED25519, 0, &r.w.rng, &next, NULL));
	JT_OK(ca_keys_add(&r.w.ca, CA_SSH_USER, CA_NEXT,
	    ssh_priv_public(next), NULL, 0, NULL));
	JT_OK(turn_keys(r.turn, &r.w.ca, r.w.now, NULL));
	assert_true(r.w.ca.before == at && hello_keys(&r) > at);
	size = size_of(&r);
	JT_OK(turn_keys(r.turn, &r.w.ca, r.w.now, NULL));
	assert_true(size_of(&r) == size);
	/* The X.509 CA stands elsewhere among the keys now. */
	get_crl(&r, "crl", &l);
	get_krl(&r, &l);
	given(&r, "pg-write", K_ALICE, &d, NULL);
	JT_OK(ca_keys_add(&r.w.ca, CA_SSH_USER, CA_ACTIVE,
	    ssh_priv_public(r.w.key[K_STRANGER]), NULL, 0, NULL));
	JT_ERR(turn_keys(r.turn, &r.w.ca, r.w.now, NULL), JIT_E_FORMAT);
	rig_check_log(&r);
	rig_done(&r);
}

int
main(void)
{
	return jt_one("x509 without a CA", test_no_ca) +
	    jt_one("x509, down to its revocation", test_x509) +
	    jt_one("revoked by each who may", test_revoke) +
	    jt_one("a lock ends everything at once", test_lock) +
	    jt_one("a lock of oneself, of an approver", test_lock_self) +
	    jt_one("a lock in the middle of a turn", test_lock_batch) +
	    jt_one("a lock on a full disk", test_lock_full) +
	    jt_one("a policy without a person, a key", test_policy) +
	    jt_one("locked, and enrolled anew", test_enrolled_anew) +
	    jt_one("KRL", test_krl) +
	    jt_one("a list is made anew", test_refresh) +
	    jt_one("what has expired drops out", test_grace) +
	    jt_one("CRL", test_crl) + jt_one("pages and names", test_pages) +
	    jt_one("keys", test_keys);
}
