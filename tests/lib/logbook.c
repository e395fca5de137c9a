#include <stdlib.h>
#include <string.h>

#include "tests/lib/logbook.h"

/* ---- the tree ---- */

static uint8_t *
tile_at(struct logbook *b, unsigned level, uint64_t n)
{
	assert_true(level < 2 && n < LOGBOOK_TILES);
	return b->tile[level][n];
}

static enum jit_err
put_tile(void *ctx, unsigned level, uint64_t n, const uint8_t *bytes)
{
	memcpy(tile_at(ctx, level, n), bytes, TILE_BYTES);
	return JIT_OK;
}

static enum jit_err
get_tile(void *ctx, unsigned level, uint64_t n, uint8_t *bytes)
{
	memcpy(bytes, tile_at(ctx, level, n), TILE_BYTES);
	return JIT_OK;
}

uint64_t
logbook_add(struct logbook *b, enum entry_type t, struct span body)
{
	struct entry e = { .type = (uint8_t)t, .time = b->w.now,
	    .index = b->n, .body = body };
	struct digest leaf;

	assert_true(b->n < LOGBOOK_ENTRIES);
	JT_OK(rng_fill(&b->w.rng, e.salt, sizeof(e.salt)));
	JT_OK(entry_seal(&e));
	JT_OK(kept_copy(&b->entry[b->n], &e));
	JT_OK(merkle_leaf(SPAN(e.leaf, ENTRY_LEAF), &leaf));
	JT_OK(tiles_add(b->tiles, &leaf));
	return b->n++;
}

void
logbook_root(struct logbook *b, uint64_t size, struct checkpoint *ret)
{
	struct merkle_source src = tiles_source(b->tiles);

	ret->size = size;
	JT_OK(merkle_root(&src, size, &ret->root));
}

struct buf
logbook_note(struct logbook *b, uint64_t size)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(TLOG_NOTE_MAX);
	struct buf ret = { NULL, 0 };
	struct checkpoint c;

	logbook_root(b, size, &c);
	JT_OK(checkpoint_sign(&w, &c, &b->w.log, b->w.key[K_LOG]));
	JT_OK(wr_take(&w, &ret));
	return ret;
}

void
logbook_receipt(struct logbook *b, uint64_t index, uint64_t size,
    struct receipt *ret)
{
	struct merkle_source src = tiles_source(b->tiles);

	ret->e = b->entry[index].e;
	JT_OK(merkle_prove(&src, index, size, &ret->proof));
}

void
logbook_erase(struct logbook *b, uint64_t index)
{
	struct kept *k = &b->entry[index];

	buf_done(&k->body);
	k->e.body = SPAN_NONE;
	memset(k->e.salt, 0, sizeof(k->e.salt));
	k->e.erased = true;
}

/* ---- genesis, policy, recovery ---- */

static bool
is_logged(const struct logbook *b, const struct digest *d)
{
	for (size_t i = 0; i < b->n_logged; i++)
		if (digest_eq(&b->logged[i], d))
			return true;
	return false;
}

uint64_t
logbook_policy(struct logbook *b)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(ENTRY_BODY_MAX);
	const struct policy *p = b->w.policy;
	size_t n = policy_count(p);
	struct digest *now = calloc(n, sizeof(*now));

	assert_non_null(now);
	JT_OK(policy_check(p, NULL));
	for (size_t i = 0; i < n; i++) {
		const struct block *k = policy_at(p, i);

		now[i] = k->digest;
		if (!is_logged(b, &k->digest))
			(void)logbook_add(b, ENTRY_BLOB, BUF_SPAN(k->bytes));
	}
	free(b->logged);
	b->logged = now;
	b->n_logged = n;
	JT_OK(rec_put_policy(&w, p));
	return b->policy_index = logbook_add(b, ENTRY_POLICY, wr_view(&w));
}

static void
add_genesis(struct logbook *b)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(ENTRY_BODY_MAX);
	struct rec_genesis g;

	JT_OK(rec_fill_genesis(b->w.policy, &b->w.log, b->w.ca.v[0].key, &g,
	    NULL));
	rec_put_genesis(&w, &g);
	JT_OK(w.err);
	(void)logbook_add(b, ENTRY_GENESIS, wr_view(&w));
}

void
logbook_init(struct logbook *b)
{
	const struct tile_store store = { put_tile, get_tile, b, NULL };

	*b = (struct logbook){ .n = 0 };
	world_init(&b->w);
	b->entry = calloc(LOGBOOK_ENTRIES, sizeof(*b->entry));
	assert_non_null(b->entry);
	JT_OK(tiles_new(&store, &b->tiles));
	add_genesis(b);
	(void)logbook_policy(b);
}

void
logbook_done(struct logbook *b)
{
	for (size_t i = 0; i < b->n_matters; i++)
		dossier_free(b->matter[i].dossier);
	for (size_t i = 0; i < b->n; i++)
		kept_done(&b->entry[i]);
	free(b->entry);
	free(b->logged);
	tiles_free(b->tiles);
	world_done(&b->w);
}

struct buf
logbook_recovery_body(struct logbook *b, struct span lost,
    const enum world_key *who, size_t n)
{
	struct buf text[8] = { { NULL, 0 } }, sig[8] = { { NULL, 0 } };
	JIT_DONE(wr_done) struct wr w = WR_INIT(ENTRY_BODY_MAX);
	struct rec_recovery rec = { .n = n, .lost = lost };
	struct buf ret = { NULL, 0 };
	struct checkpoint c;

	logbook_root(b, b->n, &c);
	for (size_t i = 0; i < n; i++) {
		const struct recovery r = { .log = span_str(b->w.log_id),
		    .by = span_str(world_name(who[i])), .at = b->w.now,
		    .size = c.size, .root = c.root,
		    .cause = lost.n > 0 ? RECOVERY_ROLLBACK : RECOVERY_CLOCK };
		JIT_DONE(wr_done) struct wr t = WR_INIT(ACT_MAX);

		recovery_put(&t, &r);
		JT_OK(wr_take(&t, &text[i]));
		sig[i] = world_sign(&b->w, who[i], NS_RECOVERY,
		    BUF_SPAN(text[i]));
		rec.by[i] = (struct rec_signed){ BUF_SPAN(text[i]),
		    BUF_SPAN(sig[i]), SPAN_NONE };
	}
	rec_put_recovery(&w, &rec);
	JT_OK(wr_take(&w, &ret));
	for (size_t i = 0; i < n; i++) {
		buf_done(&text[i]);
		buf_done(&sig[i]);
	}
	return ret;
}

uint64_t
logbook_recovery(struct logbook *b, struct span lost,
    const enum world_key *who, size_t n)
{
	JIT_DONE(buf_done) struct buf body = logbook_recovery_body(b, lost,
	    who, n);

	return logbook_add(b, ENTRY_RECOVERY, BUF_SPAN(body));
}

/* ---- requests and what is about them ---- */

struct logbook_matter *
logbook_find(struct logbook *b, const struct ulid *id)
{
	for (size_t i = b->n_matters; i > 0; i--)
		if (strcmp(b->matter[i - 1].id.s, id->s) == 0)
			return &b->matter[i - 1];
	fail_msg("the logbook holds no request %s", id->s);
	return NULL;
}

static struct buf
signed_body(enum entry_type t, struct span text, struct span sig,
    struct span possess)
{
	const struct rec_signed s = { text, sig, possess };
	JIT_DONE(wr_done) struct wr w = WR_INIT(ENTRY_BODY_MAX);
	struct buf ret = { NULL, 0 };

	rec_put_signed(&w, t, &s);
	JT_OK(wr_take(&w, &ret));
	return ret;
}

static uint64_t
add_about(struct logbook *b, struct logbook_matter *m, enum entry_type t,
    struct span body)
{
	uint64_t at = logbook_add(b, t, body);
	struct jit_why why = { 0 };

	JT_WHY(dossier_add(m->dossier, &b->entry[at].e, DOSSIER_VERIFY, &why),
	    JIT_OK, &why);
	return at;
}

struct ulid
logbook_request_draft(struct logbook *b, const struct draft *d,
    enum world_key who)
{
	JIT_DONE(buf_done) struct buf text = world_request_text(d);
	JIT_DONE(buf_done) struct buf sig = world_sign(&b->w, who, NS_REQUEST,
	    BUF_SPAN(text));
	JIT_DONE(buf_done) struct buf own = world_possess(&b->w,
	    BUF_SPAN(text));
	JIT_DONE(buf_done) struct buf body = signed_body(ENTRY_REQUEST,
	    BUF_SPAN(text), BUF_SPAN(sig), BUF_SPAN(own));
	struct logbook_matter *m = &b->matter[b->n_matters];
	struct jit_why why = { 0 };
	uint64_t at;

	assert_true(b->n_matters < LOGBOOK_REQUESTS);
	at = logbook_add(b, ENTRY_REQUEST, BUF_SPAN(body));
	m->id = d->req.id;
	memcpy(m->secret, d->secret, sizeof(m->secret));
	JT_WHY(dossier_new(&b->entry[at].e, DOSSIER_VERIFY, &m->dossier,
	    &why), JIT_OK, &why);
	JT_WHY(judge_request(b->w.policy, b->w.log_id, &b->w.own,
	    m->dossier->h.request, 0, b->w.now, &why), JIT_OK, &why);
	b->n_matters++;
	return m->id;
}

struct ulid
logbook_request(struct logbook *b, const char *role, enum world_key who)
{
	struct draft d;

	world_draft(&b->w, role, who, &d);
	return logbook_request_draft(b, &d, who);
}

struct buf
logbook_decision_body(struct logbook *b, const struct ulid *id,
    enum verdict v, enum world_key who)
{
	struct span request =
	    BUF_SPAN(logbook_find(b, id)->dossier->h.request->text);
	const char *name = world_name(who);
	JIT_DONE(buf_done) struct buf text = world_decision_text(&b->w, v,
	    *name != '\0' ? name : "bob", request, id);
	JIT_DONE(buf_done) struct buf sig = world_sign(&b->w, who,
	    NS_DECISION, BUF_SPAN(text));

	return signed_body(ENTRY_DECISION, BUF_SPAN(text), BUF_SPAN(sig),
	    SPAN_NONE);
}

uint64_t
logbook_decide(struct logbook *b, const struct ulid *id, enum verdict v,
    enum world_key who)
{
	JIT_DONE(buf_done) struct buf body = logbook_decision_body(b, id, v,
	    who);
	struct logbook_matter *m = logbook_find(b, id);
	JIT_SCOPED(open_decision_free) struct open_decision *dec = NULL;
	struct jit_why why = { 0 };

	JT_OK(world_decide(&b->w, v, who, m->dossier->h.request, &dec, NULL));
	JT_WHY(judge_decision(b->w.policy, b->w.log_id, &m->dossier->h, dec,
	    b->w.now, &why), JIT_OK, &why);
	return add_about(b, m, ENTRY_DECISION, BUF_SPAN(body));
}

static enum entry_type
act_entry(enum act_kind kind)
{
	return kind == ACT_DROP ? ENTRY_DROP : kind == ACT_REVOKE ?
	    ENTRY_REVOKE : ENTRY_CANCEL;
}

struct buf
logbook_act_body(struct logbook *b, const struct ulid *id,
    enum act_kind kind, enum world_key who)
{
	const struct act a = { .kind = kind, .log = span_str(b->w.log_id),
	    .by = span_str(world_name(who)), .at = b->w.now, .request = *id,
	    .digest = logbook_find(b, id)->dossier->h.request->digest };
	JIT_DONE(wr_done) struct wr t = WR_INIT(ACT_MAX);
	JIT_DONE(buf_done) struct buf sig = { NULL, 0 };

	act_put(&t, &a);
	JT_OK(t.err);
	sig = world_sign(&b->w, who, act_namespace(kind), wr_view(&t));
	return signed_body(act_entry(kind), wr_view(&t), BUF_SPAN(sig),
	    SPAN_NONE);
}

static uint64_t
add_act(struct logbook *b, const struct ulid *id, enum act_kind kind)
{
	struct logbook_matter *m = logbook_find(b, id);
	struct span who = m->dossier->h.request->req.requester;
	enum world_key k = K_ALICE;

	while (k < K_STRANGER && !span_eq_str(who, world_name(k)))
		k++;
	JIT_DONE(buf_done) struct buf body = logbook_act_body(b, id, kind, k);

	return add_about(b, m, act_entry(kind), BUF_SPAN(body));
}

uint64_t
logbook_cancel(struct logbook *b, const struct ulid *id)
{
	return add_act(b, id, ACT_CANCEL);
}

uint64_t
logbook_drop(struct logbook *b, const struct ulid *id)
{
	return add_act(b, id, ACT_DROP);
}

uint64_t
logbook_revoke(struct logbook *b, const struct ulid *id, enum world_key who)
{
	JIT_DONE(buf_done) struct buf body = logbook_act_body(b, id,
	    ACT_REVOKE, who);

	return add_about(b, logbook_find(b, id), ENTRY_REVOKE,
	    BUF_SPAN(body));
}

/* ---- what the signer ends, who is locked, the keys ---- */

struct buf
logbook_ended_body(const struct ulid *id, enum ended_cause cause,
    uint64_t by_index)
{
	const struct rec_ended r = { *id, cause, by_index };
	JIT_DONE(wr_done) struct wr w = WR_INIT(ENTRY_BODY_MAX);
	struct buf ret = { NULL, 0 };

	rec_put_ended(&w, &r);
	JT_OK(wr_take(&w, &ret));
	return ret;
}

uint64_t
logbook_ended(struct logbook *b, const struct ulid *id,
    enum ended_cause cause, uint64_t by_index)
{
	JIT_DONE(buf_done) struct buf body = logbook_ended_body(id, cause,
	    by_index);

	return add_about(b, logbook_find(b, id), ENTRY_ENDED,
	    BUF_SPAN(body));
}

struct buf
logbook_lock_body(struct logbook *b, const char *person, bool unlock,
    enum world_key who)
{
	JIT_DONE(buf_done) struct buf text = world_lock_text(&b->w, person,
	    unlock, world_name(who));
	JIT_DONE(buf_done) struct buf sig = world_sign(&b->w, who,
	    lock_namespace(unlock), BUF_SPAN(text));

	return signed_body(ENTRY_LOCK, BUF_SPAN(text), BUF_SPAN(sig),
	    SPAN_NONE);
}

uint64_t
logbook_lock(struct logbook *b, const char *person, bool unlock,
    enum world_key who)
{
	JIT_DONE(buf_done) struct buf body = logbook_lock_body(b, person,
	    unlock, who);

	return logbook_add(b, ENTRY_LOCK, BUF_SPAN(body));
}

struct buf
logbook_keys_body(struct logbook *b, uint64_t before)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(ENTRY_BODY_MAX);
	struct buf ret = { NULL, 0 };

	b->w.ca.before = before;
	ca_keys_put(&w, &b->w.ca);
	JT_OK(wr_take(&w, &ret));
	return ret;
}

uint64_t
logbook_keys(struct logbook *b)
{
	JIT_DONE(buf_done) struct buf body = logbook_keys_body(b,
	    b->keys_index);

	return b->keys_index = logbook_add(b, ENTRY_KEYS, BUF_SPAN(body));
}

void
logbook_x509(struct logbook *b)
{
	world_x509(&b->w);
	(void)logbook_policy(b);
	(void)logbook_keys(b);
}

static void
fill_issued(const struct logbook *b, const struct logbook_matter *m,
    const struct issue *is, struct rec_issued *rec)
{
	const struct history *h = &m->dossier->h;

	*rec = (struct rec_issued){ .request = m->id,
	    .request_index = h->request_index,
	    .policy_index = b->policy_index,
	    .n_approvals = is->quorum.have };
	memcpy(rec->secret, m->secret, sizeof(rec->secret));
	for (size_t i = 0; i < rec->n_approvals; i++)
		rec->approvals[i] =
		    h->decision_index[is->quorum.counted[i]];
}

static void
make_ssh(struct logbook *b, const struct history *h, struct issue *is,
    const struct logbook_spoil *change, struct wr *cert)
{
	struct jit_why why = { 0 };
	uint8_t nonce[32];

	if (change != NULL && change->fields != NULL)
		change->fields(&is->fields);
	JT_OK(rng_fill(&b->w.rng, nonce, sizeof(nonce)));
	JT_WHY(ssh_cert_make(&is->fields, change != NULL &&
	    change->subject != 0 ? ssh_priv_public(b->w.key[change->subject]) :
	    h->request->subject.key,
	    b->w.key[change != NULL ? change->ca : K_CA], nonce, cert, &why),
	    JIT_OK, &why);
}

static void
make_x509(struct logbook *b, const struct history *h, struct issue *is,
    const struct logbook_spoil *change, struct wr *cert)
{
	const struct ca_key *ca = ca_keys_active(&b->w.ca, CA_X509);
	JIT_SCOPED(x509_linter_free) struct x509_linter *l = NULL;
	struct jit_why why = { 0 };

	if (change != NULL && change->x509 != NULL)
		change->x509(&is->x509);
	JT_WHY(x509_linter_new(ca->ca, &b->w.rng, &l, &why), JIT_OK, &why);
	JT_OK(x509_serial_make(&b->w.rng, is->x509.serial));
	JT_WHY(x509_make(cert, &is->x509, h->request->subject.key,
	    b->w.x509[K_X509_CA], l, &why), JIT_OK, &why);
}

struct buf
logbook_issued_body(struct logbook *b, const struct ulid *id,
    const struct logbook_spoil *change)
{
	struct logbook_matter *m = logbook_find(b, id);
	const struct history *h = &m->dossier->h;
	JIT_DONE(wr_done) struct wr cert = WR_INIT(X509_CERT_MAX);
	JIT_DONE(wr_done) struct wr w = WR_INIT(ENTRY_BODY_MAX);
	struct buf ret = { NULL, 0 };
	struct jit_why why = { 0 };
	struct rec_issued rec;
	struct issue is;

	JT_WHY(judge_issue(b->w.policy, &b->w.own, h, SPAN(m->secret, 32),
	    b->serial + 1, b->w.now, &is, &why), JIT_OK, &why);
	if (is.kind == KIND_X509)
		make_x509(b, h, &is, change, &cert);
	else
		make_ssh(b, h, &is, change, &cert);
	fill_issued(b, m, &is, &rec);
	rec.cert = wr_view(&cert);
	if (change != NULL && change->record != NULL)
		change->record(&rec);
	rec_put_issued(&w, &rec);
	JT_OK(wr_take(&w, &ret));
	return ret;
}

uint64_t
logbook_collect(struct logbook *b, const struct ulid *id)
{
	JIT_DONE(buf_done) struct buf body = logbook_issued_body(b, id, NULL);
	struct logbook_matter *m = logbook_find(b, id);

	b->serial += m->dossier->h.request->req.kind == KIND_SSH_USER;
	return add_about(b, m, ENTRY_ISSUED, BUF_SPAN(body));
}

/* ---- as a ledger ---- */

void
logbook_fold(struct logbook *b, struct ledger *l, uint64_t from, uint64_t to,
    enum ledger_mode mode)
{
	for (uint64_t i = from; i < to; i++) {
		struct jit_why why = { 0 };

		JT_WHY(ledger_apply(l, &b->entry[i].e, mode, &why), JIT_OK,
		    &why);
	}
}

struct ledger *
logbook_ledger(struct logbook *b, uint64_t n, enum ledger_mode mode)
{
	struct ledger *l = NULL;

	JT_OK(ledger_new(&l));
	logbook_fold(b, l, 0, n, mode);
	return l;
}

struct buf
logbook_saved(const struct ledger *l)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(64u << 20);
	struct buf ret = { NULL, 0 };

	JT_OK(ledger_save(l, &w));
	JT_OK(wr_take(&w, &ret));
	return ret;
}

struct ledger *
logbook_loaded(struct span s)
{
	struct jit_why why = { 0 };
	struct rd r = rd_of(s);
	struct ledger *l = NULL;

	JT_WHY(ledger_load(&r, &l, &why), JIT_OK, &why);
	JT_OK(rd_end(&r));
	return l;
}

void
logbook_same(struct span saved, const struct ledger *l)
{
	JIT_DONE(buf_done) struct buf s = logbook_saved(l);

	assert_true(span_eq(saved, BUF_SPAN(s)));
}

/* ---- evidence ---- */

static int
index_cmp(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

size_t
logbook_evidence(struct logbook *b, const struct ulid *id,
    uint64_t index[static BUNDLE_ENTRIES_MAX])
{
	const struct dossier *d = logbook_find(b, id)->dossier;
	uint64_t policy = d->h.issued ? d->issued.policy_index :
	    b->policy_index;
	struct digest needs[BUNDLE_BLOCKS_MAX];
	JIT_SCOPED(ledger_free) struct ledger *l = logbook_ledger(b,
	    policy + 1, LEDGER_OWN);
	size_t n = 2, blocks;

	index[0] = 0;
	index[1] = policy;
	JT_OK(bundle_needs(d, ledger_policy(l), needs, &blocks, NULL));
	for (size_t i = 0; i < blocks; i++)
		JT_OK(ledger_blob(l, &needs[i], &index[n++]));
	for (size_t i = 0; i < d->n; i++)
		index[n++] = d->entry[i].e.index;
	/* The newest keys before the certificate. */
	for (uint64_t i = d->h.issued ? d->entry[d->issued_at].e.index : b->n;
	    i > 0; i--)
		if (b->entry[i - 1].e.type == ENTRY_KEYS) {
			index[n++] = i - 1;
			break;
		}
	qsort(index, n, sizeof(index[0]), index_cmp);
	return n;
}

struct buf
logbook_bundle_of(struct logbook *b, const struct ulid *id,
    const uint64_t *index, size_t n, uint64_t size)
{
	JIT_DONE(buf_done) struct buf note = logbook_note(b, size);
	JIT_DONE(wr_done) struct wr w = WR_INIT(BUNDLE_MAX);
	struct receipt *v = calloc(n, sizeof(*v));
	struct jit_why why = { 0 };
	struct buf ret = { NULL, 0 };

	assert_non_null(v);
	for (size_t i = 0; i < n; i++)
		logbook_receipt(b, index[i], size, &v[i]);
	JT_WHY(bundle_put(&w, b->w.log_id, id, v, n, BUF_SPAN(note), &why),
	    JIT_OK, &why);
	free(v);
	JT_OK(wr_take(&w, &ret));
	return ret;
}

struct buf
logbook_bundle(struct logbook *b, const struct ulid *id)
{
	uint64_t index[BUNDLE_ENTRIES_MAX];
	size_t n = logbook_evidence(b, id, index);

	return logbook_bundle_of(b, id, index, n, b->n);
}

/* ---- a story ---- */

static void
approve(struct logbook *b, const struct ulid *id, unsigned n)
{
	static const enum world_key who[] = { K_BOB, K_CAROL, K_DAN };

	for (unsigned i = 0; i < n; i++)
		(void)logbook_decide(b, id, VERDICT_APPROVE, who[i]);
}

struct ulid
logbook_asked(struct logbook *b, unsigned approvals)
{
	struct ulid id = logbook_request(b, "prod-db", K_ALICE);

	approve(b, &id, approvals);
	return id;
}

static struct ulid
ask(struct logbook *b, unsigned approvals)
{
	struct ulid id;

	b->w.now += 3;
	id = logbook_request(b, "prod-db", K_ALICE);
	b->w.now++;
	approve(b, &id, approvals);
	b->w.now += 2;
	return id;
}

void
logbook_story(struct logbook *b, struct ulid ids[static STORY_N])
{
	static const enum world_key sre[] = { K_CAROL }, admin[] = { K_DANA };

	ids[STORY_DROPPED] = ask(b, 2);
	(void)logbook_collect(b, &ids[STORY_DROPPED]);
	ids[STORY_DENIED] = ask(b, 1);
	(void)logbook_drop(b, &ids[STORY_DROPPED]);
	(void)logbook_decide(b, &ids[STORY_DENIED], VERDICT_DENY, K_DAN);
	ids[STORY_CANCELLED] = ask(b, 1);
	(void)logbook_cancel(b, &ids[STORY_CANCELLED]);
	ids[STORY_ACTIVE] = ask(b, 2);
	/* Eve comes, and carol's block changes with her groups. */
	world_without(&b->w, BLOCK_PERSON, "carol");
	world_person(&b->w, "carol", "group: dev\ngroup: sre\n", sre, 1);
	(void)logbook_policy(b);
	b->w.now++;
	(void)logbook_recovery(b, SPAN_NONE, admin, 1);
	(void)logbook_collect(b, &ids[STORY_ACTIVE]);
	ids[STORY_APPROVED] = ask(b, 2);
	ids[STORY_PENDING] = ask(b, 1);
}

/* Published, and of no further use. */
static void
next_ca(struct logbook *b)
{
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *k = NULL;

	JT_OK(ssh_priv_generate(SSH_ED25519, 0, &b->w.rng, &k, NULL));
	JT_OK(ca_keys_add(&b->w.ca, CA_SSH_USER, CA_NEXT, ssh_priv_public(k),
	    NULL, 0, NULL));
	(void)logbook_keys(b);
}

static struct ulid
given(struct logbook *b, const char *role, enum world_key who,
    enum world_key by)
{
	struct ulid id = logbook_request(b, role, who);

	b->w.now++;
	(void)logbook_decide(b, &id, VERDICT_APPROVE, by);
	(void)logbook_collect(b, &id);
	b->w.now++;
	return id;
}

static void
lose_people(struct logbook *b, struct ulid ids[static TAKEN_N])
{
	static const enum world_key other[] = { K_STRANGER };
	uint64_t at;

	ids[TAKEN_PERSON] = given(b, "pg-read", K_BOB, K_DAN);
	ids[TAKEN_KEY] = logbook_request(b, "prod-db", K_CAROL);
	world_without(&b->w, BLOCK_PERSON, "bob");
	world_without(&b->w, BLOCK_PERSON, "carol");
	world_person(&b->w, "carol", "group: sre\n", other, 1);
	at = logbook_policy(b);
	(void)logbook_ended(b, &ids[TAKEN_PERSON], ENDED_PERSON, at);
	(void)logbook_ended(b, &ids[TAKEN_KEY], ENDED_KEY, at);
	b->w.now++;
}

void
logbook_taken(struct logbook *b, struct ulid ids[static TAKEN_N])
{
	uint64_t at;

	logbook_x509(b);
	ids[TAKEN_REVOKED] = ask(b, 2);
	(void)logbook_collect(b, &ids[TAKEN_REVOKED]);
	b->w.now++;
	(void)logbook_revoke(b, &ids[TAKEN_REVOKED], K_CAROL);
	ids[TAKEN_LOCKED] = given(b, "pg-write", K_ALICE, K_BOB);
	ids[TAKEN_PENDING] = ask(b, 1);
	at = logbook_lock(b, "alice", false, K_DANA);
	(void)logbook_ended(b, &ids[TAKEN_LOCKED], ENDED_LOCKED, at);
	(void)logbook_ended(b, &ids[TAKEN_PENDING], ENDED_LOCKED, at);
	b->w.now++;
	(void)logbook_lock(b, "alice", true, K_DANA);
	lose_people(b, ids);
	next_ca(b);
	ids[TAKEN_ACTIVE] = given(b, "pg-write", K_ALICE, K_DAN);
	(void)logbook_lock(b, "eve", false, K_EVE);
	b->w.now++;
	ids[TAKEN_DROPPED] = given(b, "pg-read", K_ALICE, K_DAN);
	(void)logbook_drop(b, &ids[TAKEN_DROPPED]);
	ids[TAKEN_OPEN] = logbook_request(b, "pg-read", K_ALICE);
}
