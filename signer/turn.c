#include <stdlib.h>
#include <string.h>

#include "signer/crash.h"
#include "signer/turn_int.h"

const struct ssh_priv *
ca_privs_find(const struct ca_privs *p, const struct ssh_key *k)
{
	for (size_t i = 0; i < p->n; i++)
		if (ssh_key_eq(ssh_priv_public(p->v[i]), k))
			return p->v[i];
	return NULL;
}

const struct ssh_priv *
turn_ca(const struct turn *t, enum ca_use use)
{
	const struct ca_key *k = ca_keys_active(ledger_own(t->ledger)->ca,
	    use);

	return k != NULL ? ca_privs_find(&t->c.ca, k->key) : NULL;
}

/* What is published as active is here. */
static bool
holds_active(const struct turn *t)
{
	return turn_ca(t, CA_SSH_USER) != NULL;
}

enum jit_err
turn_new(const struct turn_config *c, struct turn **ret, struct jit_why *why)
{
	const struct journal_mark *m = journal_mark(c->journal);
	struct turn *t = calloc(1, sizeof(*t));
	struct digest a, b;

	if (t == NULL) {
		ledger_free(c->ledger);
		return JIT_E_NOMEM;
	}
	t->c = *c;
	t->ledger = c->ledger;
	if (merkle_edge_root(&m->edge, &a) != JIT_OK ||
	    merkle_edge_root(ledger_edge(t->ledger), &b) != JIT_OK ||
	    m->edge.size != ledger_size(t->ledger) ||
	    m->edge.size != tiles_size(c->tiles) || !digest_eq(&a, &b) ||
	    (m->edge.size > 0 && !(tlog_vkey_eq(c->vkey,
	    &ledger_genesis(t->ledger)->log) && holds_active(t)))) {
		turn_free(t);
		return jit_fail(why, JIT_E_VERIFY, "journal, state and keys "
		    "are not of one log");
	}
	*ret = t;
	return JIT_OK;
}

void
turn_free(struct turn *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n_made; i++)
		kept_done(&t->made[i]);
	free(t->made);
	ledger_free(t->ledger);
	buf_done(&t->frozen.note);
	x509_linter_free(t->linter);
	lists_done(&t->lists);
	free(t);
}

const struct ledger *
turn_ledger(const struct turn *t)
{
	return t->ledger;
}

const struct frozen *
turn_frozen(const struct turn *t)
{
	return &t->frozen;
}

enum signer_state
turn_state(const struct turn *t)
{
	return t->frozen.is ? SIGNER_FROZEN :
	    t->room ? SIGNER_OK : SIGNER_NO_ROOM;
}

enum jit_err
turn_freeze(struct turn *t, enum recovery_cause cause, struct span note)
{
	if (t->frozen.is)
		return JIT_OK;
	JIT_TRY(buf_copy(&t->frozen.note, note));
	t->frozen.is = true;
	t->frozen.cause = cause;
	return JIT_OK;
}

/* ---- the batch ---- */

utc_s
turn_time(const struct turn *t)
{
	return t->now > ledger_time(t->ledger) ? t->now :
	    ledger_time(t->ledger);
}

enum jit_err
turn_make(struct turn *t, enum entry_type type, struct span body,
    const struct entry **ret)
{
	void *v = t->made;
	struct entry e = {
		.type = (uint8_t)type,
		.time = turn_time(t),
		.index = ledger_size(t->ledger),
		.body = body,
	};

	if (t->n_made == t->cap_made) {
		size_t cap = t->cap_made > 0 ? 2 * t->cap_made : 64;

		if ((v = realloc(t->made, cap * sizeof(*t->made))) == NULL)
			return JIT_E_NOMEM;
		t->made = v;
		t->cap_made = cap;
	}
	JIT_TRY(rng_fill(t->c.rng, e.salt, sizeof(e.salt)));
	JIT_TRY(entry_seal(&e));
	JIT_TRY(kept_copy(&t->made[t->n_made], &e));
	*ret = &t->made[t->n_made++].e;
	return JIT_OK;
}

void
turn_unmake(struct turn *t)
{
	kept_done(&t->made[--t->n_made]);
}

void
turn_clear(struct turn *t)
{
	while (t->n_made > 0)
		turn_unmake(t);
}

static enum jit_err
append(struct turn *t, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr note = WR_INIT(TLOG_NOTE_MAX);
	JIT_SCOPED(free) struct entry *e = calloc(t->n_made, sizeof(*e));
	const struct merkle_edge *edge = ledger_edge(t->ledger);
	struct checkpoint c = { .size = edge->size };

	if (e == NULL)
		return JIT_E_NOMEM;
	for (size_t i = 0; i < t->n_made; i++)
		e[i] = t->made[i].e;
	JIT_TRY(merkle_edge_root(edge, &c.root));
	JIT_TRY(checkpoint_sign(&note, &c, t->c.vkey, t->c.log));
	CRASH_POINT(TURN_CHECKPOINT);
	return journal_append(t->c.journal, e, t->n_made, wr_view(&note),
	    why);
}

static enum jit_err
grow_tiles(struct turn *t)
{
	for (size_t i = 0; i < t->n_made; i++) {
		struct digest d;

		JIT_TRY(merkle_leaf(SPAN(t->made[i].e.leaf, ENTRY_LEAF), &d));
		JIT_TRY(tiles_add(t->c.tiles, &d));
	}
	return JIT_OK;
}

enum jit_err
turn_commit(struct turn *t, struct jit_why *why)
{
	enum jit_err e;

	if (t->n_made == 0)
		return JIT_OK;
	e = append(t, why);
	if (e == JIT_E_FULL || e == JIT_E_SIZE) {
		ledger_rollback(t->ledger);
		turn_clear(t);
		return JIT_E_FULL;
	}
	JIT_TRY(e);
	ledger_commit(t->ledger);
	JIT_TRY(grow_tiles(t));
	return JIT_OK;
}

enum jit_err
turn_permits(const struct turn *t, enum op_class c, struct jit_why *why)
{
	if (c == CLASS_GREET || c == CLASS_READ)
		return JIT_OK;
	if (t->frozen.is)
		return jit_fail(why, JIT_E_FROZEN, "%s; an admin runs "
		    "jit-signer recover", t->frozen.cause == RECOVERY_CLOCK ?
		    "the signer's clock jumped" :
		    "a client has seen more of this log than is here");
	if (c == CLASS_GRANT && !t->room)
		return jit_fail(why, JIT_E_FULL, "no room for another segment "
		    "of the log");
	return JIT_OK;
}

/* ---- judging: each against the ledger plus this batch ---- */

/* Log a body; r and d as ledger_apply_open() takes them. */
static enum jit_err
log_entry(struct turn *t, struct task *k, enum entry_type type,
    struct span body, struct open_request *r, struct open_decision *d)
{
	JIT_SCOPED(open_request_free) struct open_request *own_r = r;
	JIT_SCOPED(open_decision_free) struct open_decision *own_d = d;
	const struct entry *e = NULL;
	enum jit_err err;

	JIT_TRY(turn_make(t, type, body, &e));
	own_r = NULL;
	own_d = NULL;
	err = ledger_apply_open(t->ledger, e, r, d, &k->why);
	if (err != JIT_OK) {
		turn_unmake(t);
		return err;
	}
	k->entry = e->index;
	k->logged = true;
	return JIT_OK;
}

static enum jit_err
log_signed(struct turn *t, struct task *k, enum entry_type type)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(ENTRY_BODY_MAX);
	const struct rec_signed s = { k->ask.text, k->ask.sig,
	    k->ask.possess };
	struct open_request *r = k->request;
	struct open_decision *d = k->decision;

	rec_put_signed(&w, type, &s);
	JIT_TRY(w.err);
	k->request = NULL;
	k->decision = NULL;
	return log_entry(t, k, type, wr_view(&w), r, d);
}

/* It stands in the log already: the receipt of that is the answer. */
static enum jit_err
again(struct task *k, uint64_t index)
{
	k->entry = index;
	k->logged = true;
	return JIT_OK;
}

/* Nobody is let wait for what cannot be issued here. */
static enum jit_err
check_kind(const struct turn *t, const struct open_request *r,
    struct jit_why *why)
{
	if (r->req.kind != KIND_X509 || turn_ca(t, CA_X509) != NULL)
		return JIT_OK;
	return jit_fail(why, JIT_E_UNBUILT, "this signer has no X.509 CA; "
	    "an admin makes one with jit-signer init --x509");
}

static enum jit_err
do_request(struct turn *t, struct task *k)
{
	const struct open_request *r = k->request;
	const struct dossier *d = NULL;
	const struct settled *s = NULL;

	switch (ledger_get(t->ledger, &r->req.id, &d, &s)) {
	case LEDGER_WHOLE:
		if (span_eq(BUF_SPAN(d->h.request->text), BUF_SPAN(r->text)))
			return again(k, d->h.request_index);
		break;
	case LEDGER_SETTLED:
		if (digest_eq(&s->digest, &r->digest))
			return again(k, s->index[0]);
		break;
	case LEDGER_NONE:
		JIT_TRY(turn_permits(t, CLASS_GRANT, &k->why));
		JIT_TRY(check_kind(t, r, &k->why));
		JIT_TRY(judge_request(ledger_policy(t->ledger),
		    ledger_log_id(t->ledger), ledger_own(t->ledger), r,
		    ledger_open(t->ledger, r->req.requester, t->now), t->now,
		    &k->why));
		return log_signed(t, k, ENTRY_REQUEST);
	}
	return jit_fail(&k->why, JIT_E_IDUSED, "request %s is known with "
	    "another text", r->req.id.s);
}

/* The entry of d that holds exactly this text by this key; d->n: none. */
static size_t
find_same(const struct dossier *d, enum entry_type type, struct span text,
    const struct ssh_key *by)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct entry *e = &d->entry[i].e;
		JIT_DONE(signer_done) struct signer s = { 0 };
		struct rec_signed r;

		if (e->type == type &&
		    rec_get_signed(e->body, type, &r, NULL) == JIT_OK &&
		    span_eq(r.text, text) &&
		    signer_read(r.sig, &s, NULL) == JIT_OK &&
		    ssh_key_eq(s.key, by))
			return i;
	}
	return d->n;
}

/*
 * What is known about a request: its dossier, whichever way it is kept.
 * *own is to be freed when it was read back.
 */
static enum jit_err
dossier_of(struct turn *t, struct task *k, const struct ulid *id,
    const struct dossier **ret, struct dossier **own)
{
	const struct settled *s = NULL;

	switch (ledger_get(t->ledger, id, ret, &s)) {
	case LEDGER_WHOLE:
		return JIT_OK;
	case LEDGER_SETTLED:
		JIT_TRY(turn_load(t, s, own, &k->why));
		*ret = *own;
		return JIT_OK;
	case LEDGER_NONE:
		break;
	}
	return jit_fail(&k->why, JIT_E_UNKNOWN, "request %s is not known, or "
	    "long over", id->s);
}

static enum jit_err
do_decision(struct turn *t, struct task *k)
{
	const struct open_decision *dec = k->decision;
	JIT_SCOPED(dossier_free) struct dossier *own = NULL;
	const struct dossier *d = NULL;
	size_t same;

	JIT_TRY(dossier_of(t, k, &dec->dec.request, &d, &own));
	same = find_same(d, ENTRY_DECISION, BUF_SPAN(dec->text), dec->by.key);
	if (same < d->n)
		return again(k, d->entry[same].e.index);
	JIT_TRY(turn_permits(t, dec->dec.verdict == VERDICT_DENY ? CLASS_END :
	    CLASS_GRANT, &k->why));
	JIT_TRY(judge_decision(ledger_policy(t->ledger),
	    ledger_log_id(t->ledger), &d->h, dec, t->now, &k->why));
	return log_signed(t, k, ENTRY_DECISION);
}

static enum jit_err
do_act(struct turn *t, struct task *k, enum entry_type type)
{
	JIT_SCOPED(dossier_free) struct dossier *own = NULL;
	const struct dossier *d = NULL;
	size_t same;

	JIT_TRY(dossier_of(t, k, &k->act.request, &d, &own));
	same = find_same(d, type, k->ask.text, k->by.key);
	if (same < d->n)
		return again(k, d->entry[same].e.index);
	JIT_TRY(turn_permits(t, CLASS_END, &k->why));
	JIT_TRY(judge_act(ledger_policy(t->ledger), ledger_log_id(t->ledger),
	    &d->h, &k->act, &k->by, t->now, &k->why));
	return log_signed(t, k, type);
}

/* Is the lock that stands there this text, by this key? */
static enum jit_err
is_same_lock(struct turn *t, struct task *k, uint64_t index, bool *ret)
{
	JIT_DONE(kept_done) struct kept e = { 0 };
	JIT_DONE(signer_done) struct signer by = { 0 };
	struct rec_signed s;

	JIT_TRY(turn_fetch(t, index, &e, &k->why));
	JIT_TRY(rec_get_signed(e.e.body, ENTRY_LOCK, &s, &k->why));
	JIT_TRY(signer_read(s.sig, &by, &k->why));
	*ret = span_eq(s.text, k->ask.text) && ssh_key_eq(by.key, k->by.key);
	return JIT_OK;
}

/*
 * A lock of somebody who is locked out: the same again, perhaps after an
 * answer that was lost, or by somebody else who might have done it.
 */
static enum jit_err
lock_again(struct turn *t, struct task *k, uint64_t index)
{
	bool same = false;

	JIT_TRY(is_same_lock(t, k, index, &same));
	if (!same)
		JIT_TRY(judge_lock(ledger_policy(t->ledger),
		    ledger_log_id(t->ledger), &k->lock, &k->by, false, t->now,
		    &k->why));
	return again(k, index);
}

/* Somebody who was locked out, or is; all that is theirs ends with it. */
static enum jit_err
do_lock(struct turn *t, struct task *k)
{
	uint64_t index = 0;
	bool is = ledger_locked(t->ledger, k->lock.person, &index);

	if (is && !k->lock.unlock)
		return lock_again(t, k, index);
	JIT_TRY(turn_permits(t, k->lock.unlock ? CLASS_GRANT : CLASS_END,
	    &k->why));
	JIT_TRY(judge_lock(ledger_policy(t->ledger), ledger_log_id(t->ledger),
	    &k->lock, &k->by, is, t->now, &k->why));
	JIT_TRY(log_signed(t, k, ENTRY_LOCK));
	if (k->lock.unlock)
		return JIT_OK;
	/* All that is theirs ends with the lock, or nothing is written. */
	t->broken = turn_end_lost(t, &k->why);
	return t->broken;
}

static enum jit_err
make_ssh(struct turn *t, struct task *k, const struct ssh_key *subject,
    const struct issue *i, struct wr *cert)
{
	uint8_t nonce[32];

	JIT_TRY(rng_fill(t->c.rng, nonce, sizeof(nonce)));
	CRASH_POINT(TURN_SIGN);
	return ssh_cert_make(&i->fields, subject, turn_ca(t, CA_SSH_USER),
	    nonce, cert, &k->why);
}

static enum jit_err
make_x509(struct turn *t, struct task *k, const struct ssh_key *subject,
    struct issue *i, struct wr *cert)
{
	const struct x509_linter *l = NULL;

	JIT_TRY(turn_linter(t, &l, &k->why));
	JIT_TRY(x509_serial_make(t->c.rng, i->x509.serial));
	CRASH_POINT(TURN_SIGN);
	return x509_make(cert, &i->x509, subject, turn_ca(t, CA_X509), l,
	    &k->why);
}

/* Build, sign, parse again, compare, verify. */
static enum jit_err
make_cert(struct turn *t, struct task *k, const struct dossier *d,
    struct issue *i, struct wr *cert)
{
	const struct ssh_key *subject = d->h.request->subject.key;

	JIT_TRY(judge_issue(ledger_policy(t->ledger), ledger_own(t->ledger),
	    &d->h, k->ask.secret, ledger_next_serial(t->ledger), t->now, i,
	    &k->why));
	JIT_TRY(i->kind == KIND_X509 ? make_x509(t, k, subject, i, cert) :
	    make_ssh(t, k, subject, i, cert));
	CRASH_POINT(TURN_SIGNED);
	return JIT_OK;
}

static enum jit_err
issue(struct turn *t, struct task *k, const struct dossier *d)
{
	JIT_DONE(wr_done) struct wr cert = WR_INIT(X509_CERT_MAX);
	JIT_DONE(wr_done) struct wr body = WR_INIT(ENTRY_BODY_MAX);
	struct rec_issued rec = {
		.request = d->id,
		.request_index = d->h.request_index,
		.policy_index = ledger_policy_index(t->ledger),
	};
	struct issue i;

	JIT_TRY(make_cert(t, k, d, &i, &cert));
	rec.cert = wr_view(&cert);
	memcpy(rec.secret, k->ask.secret.p, sizeof(rec.secret));
	rec.n_approvals = i.quorum.have;
	for (size_t n = 0; n < i.quorum.have; n++)
		rec.approvals[n] = d->h.decision_index[i.quorum.counted[n]];
	rec_put_issued(&body, &rec);
	JIT_TRY(body.err);
	return log_entry(t, k, ENTRY_ISSUED, wr_view(&body), NULL, NULL);
}

/* The same bytes again, while they live, to whoever has the secret. */
static enum jit_err
collect_again(struct turn *t, struct task *k, const struct dossier *d)
{
	if (!secret_equal(k->ask.secret, SPAN(d->issued.secret,
	    sizeof(d->issued.secret))))
		return jit_fail(&k->why, JIT_E_COLLECT, "the collect secret "
		    "is not the one of request %s", d->id.s);
	if (d->h.end == END_DROPPED)
		return jit_fail(&k->why, JIT_E_DROPPED, "the access was "
		    "dropped");
	if (d->h.end == END_REVOKED)
		return jit_fail(&k->why, JIT_E_REVOKED, "the access was "
		    "revoked");
	if (t->now >= d->h.issued_until)
		return jit_fail(&k->why, JIT_E_EXPIRED, "the access ended "
		    "%lld s ago", (long long)(t->now - d->h.issued_until));
	return again(k, d->entry[d->issued_at].e.index);
}

static enum jit_err
do_collect(struct turn *t, struct task *k)
{
	JIT_SCOPED(dossier_free) struct dossier *own = NULL;
	const struct dossier *d = NULL;

	JIT_TRY(dossier_of(t, k, &k->ask.id, &d, &own));
	if (d->h.issued)
		return collect_again(t, k, d);
	JIT_TRY(turn_permits(t, CLASS_GRANT, &k->why));
	return issue(t, k, d);
}

static void
judge_task(struct turn *t, struct task *k)
{
	if (k->err != JIT_OK)
		return;
	switch (k->ask.op) {
	case OP_REQUEST:
		k->err = do_request(t, k);
		break;
	case OP_DECISION:
		k->err = do_decision(t, k);
		break;
	case OP_CANCEL:
		k->err = do_act(t, k, ENTRY_CANCEL);
		break;
	case OP_DROP:
		k->err = do_act(t, k, ENTRY_DROP);
		break;
	case OP_REVOKE:
		k->err = do_act(t, k, ENTRY_REVOKE);
		break;
	case OP_LOCK:
		k->err = do_lock(t, k);
		break;
	case OP_COLLECT:
		k->err = do_collect(t, k);
		break;
	default:
		break;		/* what is read is read after the batch */
	}
}

/* ---- the turn ---- */

/* The batch found no room: whoever it was for is told, nothing happened. */
static void
tell_full(const struct turn *t, struct task *const *task, size_t n,
    const struct jit_why *why)
{
	for (size_t i = 0; i < n; i++) {
		struct task *k = task[i];

		if (!k->logged || k->entry < ledger_size(t->ledger))
			continue;
		k->logged = false;
		k->err = JIT_E_FULL;
		k->why = *why;
	}
}

static enum jit_err
run_slice(struct turn *t, struct task *const *task, size_t n,
    struct jit_why *why)
{
	enum jit_err e;

	CRASH_POINT(TURN_READ);
	for (size_t i = 0; i < n; i++)
		if (task[i]->err == JIT_OK && task[i]->ask.op == OP_HELLO)
			turn_greet(t, task[i]);
	t->room = journal_has_spare(t->c.journal);
	for (size_t i = 0; i < n; i++)
		judge_task(t, task[i]);
	if (t->broken != JIT_OK)
		return jit_fail(why, t->broken, "what a lock takes away could "
		    "not be ended with it");
	CRASH_POINT(TURN_JUDGED);
	e = turn_commit(t, why);
	if (e == JIT_E_FULL)
		tell_full(t, task, n, why);
	else
		JIT_TRY(e);
	CRASH_POINT(TURN_ANSWER);
	for (size_t i = 0; i < n; i++) {
		turn_answer(t, task[i]);
		/* Not even room to say no: the end, and a retry. */
		if (task[i]->answer.err != JIT_OK)
			return jit_fail(why, JIT_E_NOMEM, "no answer could be "
			    "made");
		CRASH_POINT(TURN_ANSWERED);
	}
	turn_clear(t);
	return JIT_OK;
}

enum jit_err
turn_run(struct turn *t, struct task *const *task, size_t n, utc_s now,
    struct jit_why *why)
{
	if (now / 60 != t->now / 60)
		ledger_expire(t->ledger, now);
	t->now = now;
	for (size_t i = 0; i < n; i += TURN_SLICE)
		JIT_TRY(run_slice(t, task + i, n - i < TURN_SLICE ? n - i :
		    TURN_SLICE, why));
	return JIT_OK;
}
