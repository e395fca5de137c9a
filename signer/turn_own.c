#include <stdlib.h>
#include <string.h>

#include "signer/turn_int.h"

/*
 * Entries that nobody asked for over the socket.  They are alone in their
 * batch and cannot be taken back, so that room is looked for first.
 */
static enum jit_err
check_room(struct turn *t, utc_s now, struct jit_why *why)
{
	t->now = now;
	if (journal_has_spare(t->c.journal))
		return JIT_OK;
	return jit_fail(why, JIT_E_FULL, "no room for another segment of the "
	    "log");
}

static enum jit_err
log_own(struct turn *t, enum entry_type type, struct span body,
    enum ledger_mode mode, struct jit_why *why)
{
	const struct entry *e = NULL;

	JIT_TRY(turn_make(t, type, body, &e));
	return ledger_apply(t->ledger, e, mode, why);
}

static enum jit_err
finish(struct turn *t, struct jit_why *why)
{
	enum jit_err e = turn_commit(t, why);

	if (e == JIT_E_FULL)
		return jit_fail(why, JIT_E_IO, "a batch that should have had "
		    "room has none");
	turn_clear(t);
	return e;
}

/* The blocks of p that are not in the policy in force, then p itself. */
static enum jit_err
log_policy(struct turn *t, const struct policy *p, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(ENTRY_BODY_MAX);

	for (size_t i = 0; i < policy_count(p); i++) {
		const struct block *b = policy_at(p, i), *old =
		    ledger_policy(t->ledger) == NULL ? NULL :
		    policy_get(ledger_policy(t->ledger), b->kind, b->name);

		if (old == NULL || !digest_eq(&old->digest, &b->digest))
			JIT_TRY(log_own(t, ENTRY_BLOB, BUF_SPAN(b->bytes),
			    LEDGER_OWN, why));
	}
	JIT_TRY(rec_put_policy(&w, p));
	return log_own(t, ENTRY_POLICY, wr_view(&w), LEDGER_OWN, why);
}

static enum jit_err
check_origin(const struct turn *t, const struct policy *p,
    struct jit_why *why)
{
	const struct block *s = policy_get(p, BLOCK_SETTINGS, SPAN_NONE);
	char shown[TEXT_SHOWN];

	if (s != NULL && span_eq_str(s->settings.log, t->c.vkey->origin))
		return JIT_OK;
	return jit_fail(why, JIT_E_LOGNAME, "the policy is for log %s, this "
	    "is %s", s == NULL ? "-" : text_shown(s->settings.log, shown,
	    sizeof(shown)), t->c.vkey->origin);
}

enum jit_err
turn_genesis(struct turn *t, const struct policy *p, struct ca_keys *k,
    utc_s now, struct jit_why *why)
{
	const struct ca_key *ca = ca_keys_active(k, CA_SSH_USER);
	JIT_DONE(wr_done) struct wr w = WR_INIT(ENTRY_BODY_MAX);
	JIT_SCOPED(free) struct rec_genesis *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return JIT_E_NOMEM;
	if (ledger_size(t->ledger) > 0)
		return jit_fail(why, JIT_E_EXISTS, "the log has a genesis");
	JIT_TRY(check_origin(t, p, why));
	JIT_TRY(check_room(t, now, why));
	JIT_TRY(ca_keys_check(k, why));
	JIT_TRY(rec_fill_genesis(p, t->c.vkey, ca->key, g, why));
	rec_put_genesis(&w, g);
	JIT_TRY(w.err);
	JIT_TRY(log_own(t, ENTRY_GENESIS, wr_view(&w), LEDGER_OWN, why));
	JIT_TRY(log_policy(t, p, why));
	JIT_TRY(finish(t, why));
	return turn_keys(t, k, now, why);
}

enum jit_err
turn_policy(struct turn *t, const struct policy *p, utc_s now,
    struct jit_why *why)
{
	struct digest old, new;

	JIT_TRY(check_origin(t, p, why));
	JIT_TRY(policy_digest(ledger_policy(t->ledger), &old));
	JIT_TRY(policy_digest(p, &new));
	if (digest_eq(&old, &new))
		return JIT_OK;
	t->now = now;
	JIT_TRY(turn_permits(t, CLASS_END, why));
	JIT_TRY(check_room(t, now, why));
	JIT_TRY(log_policy(t, p, why));
	JIT_TRY(turn_end_lost(t, why));
	return finish(t, why);
}

enum jit_err
turn_end_lost(struct turn *t, struct jit_why *why)
{
	struct rec_ended r;
	size_t at = 0;

	while (ledger_next_lost(t->ledger, turn_time(t), &at, &r)) {
		JIT_DONE(wr_done) struct wr w = WR_INIT(256);
		const struct entry *e = NULL;
		enum jit_err err;

		rec_put_ended(&w, &r);
		JIT_TRY(w.err);
		JIT_TRY(turn_make(t, ENTRY_ENDED, wr_view(&w), &e));
		err = ledger_apply_open(t->ledger, e, NULL, NULL, why);
		if (err != JIT_OK) {
			turn_unmake(t);
			return err;
		}
		at++;
	}
	return JIT_OK;
}

/* Are these the keys that are published? */
static bool
same_keys(const struct turn *t, const struct ca_keys *k)
{
	JIT_DONE(wr_done) struct wr a = WR_INIT(ENTRY_BODY_MAX);
	JIT_DONE(wr_done) struct wr b = WR_INIT(ENTRY_BODY_MAX);
	struct ca_keys now = *ledger_own(t->ledger)->ca, then = *k;

	now.before = then.before = 0;
	ca_keys_put(&a, &now);
	ca_keys_put(&b, &then);
	return a.err == JIT_OK && b.err == JIT_OK &&
	    span_eq(wr_view(&a), wr_view(&b));
}

enum jit_err
turn_keys(struct turn *t, struct ca_keys *k, utc_s now, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(ENTRY_BODY_MAX);

	JIT_TRY(ca_keys_check(k, why));
	if (same_keys(t, k))
		return JIT_OK;
	t->now = now;
	JIT_TRY(turn_permits(t, CLASS_END, why));
	JIT_TRY(check_room(t, now, why));
	k->before = ledger_keys_index(t->ledger);
	ca_keys_put(&w, k);
	JIT_TRY(w.err);
	JIT_TRY(log_own(t, ENTRY_KEYS, wr_view(&w), LEDGER_OWN, why));
	x509_linter_free(t->linter);
	t->linter = NULL;
	return finish(t, why);
}

enum jit_err
turn_linter(struct turn *t, const struct x509_linter **ret,
    struct jit_why *why)
{
	const struct ca_key *k = ca_keys_active(ledger_own(t->ledger)->ca,
	    CA_X509);

	if (k == NULL || turn_ca(t, CA_X509) == NULL)
		return jit_fail(why, JIT_E_UNBUILT, "this signer has no X.509 "
		    "CA");
	if (t->linter == NULL)
		JIT_TRY(x509_linter_new(k->ca, t->c.rng, &t->linter, why));
	*ret = t->linter;
	return JIT_OK;
}

enum jit_err
turn_recover(struct turn *t, const struct rec_recovery *rec, utc_s now,
    struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(ENTRY_BODY_MAX);
	JIT_SCOPED(free) struct rec_recovery *r = malloc(sizeof(*r));
	enum jit_err e;

	if (r == NULL)
		return JIT_E_NOMEM;
	if (!t->frozen.is)
		return jit_fail(why, JIT_E_ARG, "there is nothing to recover "
		    "from: the log is not frozen");
	*r = *rec;
	r->lost = BUF_SPAN(t->frozen.note);
	JIT_TRY(check_room(t, now, why));
	rec_put_recovery(&w, r);
	JIT_TRY(w.err);
	/* Signatures and quorum are verified as it is applied. */
	e = log_own(t, ENTRY_RECOVERY, wr_view(&w), LEDGER_DEEP, why);
	if (e != JIT_OK) {
		turn_clear(t);
		return e;
	}
	JIT_TRY(finish(t, why));
	buf_done(&t->frozen.note);
	t->frozen = (struct frozen){ .is = false };
	return JIT_OK;
}
