#include "signer/rotation.h"

const struct ca_key *
rotation_find(const struct ca_keys *k, enum ca_use use, enum ca_state state)
{
	for (size_t i = 0; i < k->n; i++)
		if (k->v[i].use == use && k->v[i].state == state)
			return &k->v[i];
	return NULL;
}

/* ---- the steps ---- */

/* What becomes of a key that is in a state; GONE: it is left out. */
#define GONE 0
struct moves { int active, next, retiring; };

static int
moved(const struct moves *m, enum ca_state s)
{
	return s == CA_ACTIVE ? m->active : s == CA_NEXT ? m->next :
	    m->retiring;
}

/* A copy in which the keys of that use have moved. */
static enum jit_err
copy_moved(const struct ca_keys *k, enum ca_use use, const struct moves *m,
    struct ca_keys *ret, struct jit_why *why)
{
	for (size_t i = 0; i < k->n; i++) {
		const struct ca_key *c = &k->v[i];
		int to = c->use == use ? moved(m, c->state) : (int)c->state;
		struct span chain[CA_CHAIN_MAX];

		for (size_t j = 0; j < c->n_chain; j++)
			chain[j] = BUF_SPAN(c->chain[j]);
		if (to != GONE)
			JIT_TRY(ca_keys_add(ret, c->use, (enum ca_state)to,
			    c->key, chain, c->n_chain, why));
	}
	return JIT_OK;
}

static enum jit_err
have(const struct ca_keys *k, enum ca_use use, enum ca_state state,
    struct jit_why *why)
{
	if (rotation_find(k, use, state) != NULL)
		return JIT_OK;
	return jit_fail(why, JIT_E_UNKNOWN, "no %s is %s; jit-signer rotate "
	    "HOME POLICY %s shows what there is", ca_use_name(use),
	    ca_state_name(state), ca_use_name(use));
}

static const struct moves stay = { CA_ACTIVE, CA_NEXT, CA_RETIRING };

enum jit_err
rotation_next(const struct ca_keys *k, enum ca_use use,
    const struct ssh_key *key, const struct span *chain, size_t n_chain,
    struct ca_keys *ret, struct jit_why *why)
{
	JIT_DONE(ca_keys_done) struct ca_keys new = { 0 };

	if (rotation_find(k, use, CA_NEXT) != NULL)
		return jit_fail(why, JIT_E_EXISTS, "a next %s is published "
		    "already", ca_use_name(use));
	JIT_TRY(copy_moved(k, use, &stay, &new, why));
	JIT_TRY(ca_keys_add(&new, use, CA_NEXT, key, chain, n_chain, why));
	*ret = new;
	new = (struct ca_keys){ 0 };
	return JIT_OK;
}

enum jit_err
rotation_activate(const struct ca_keys *k, enum ca_use use,
    struct ca_keys *ret, struct jit_why *why)
{
	static const struct moves m = { CA_RETIRING, CA_ACTIVE, CA_RETIRING };
	JIT_DONE(ca_keys_done) struct ca_keys new = { 0 };

	JIT_TRY(have(k, use, CA_NEXT, why));
	if (rotation_find(k, use, CA_RETIRING) != NULL)
		return jit_fail(why, JIT_E_PENDING, "the %s before is still "
		    "retiring; finish that first", ca_use_name(use));
	JIT_TRY(copy_moved(k, use, &m, &new, why));
	*ret = new;
	new = (struct ca_keys){ 0 };
	return JIT_OK;
}

enum jit_err
rotation_finish(const struct ca_keys *k, enum ca_use use,
    struct ca_keys *ret, struct jit_why *why)
{
	static const struct moves m = { CA_ACTIVE, CA_NEXT, GONE };
	JIT_DONE(ca_keys_done) struct ca_keys new = { 0 };

	JIT_TRY(have(k, use, CA_RETIRING, why));
	JIT_TRY(copy_moved(k, use, &m, &new, why));
	*ret = new;
	new = (struct ca_keys){ 0 };
	return JIT_OK;
}

/* ---- what it would break ---- */

struct rotation_live
rotation_count(const struct ledger *l, const struct ssh_key *ca, utc_s now)
{
	struct rotation_live r = { 0, 0 };

	for (size_t i = 0; i < ledger_count(l); i++) {
		const struct settled *s = NULL;

		if (ledger_at(l, i, NULL, &s) != LEDGER_SETTLED || !s->issued ||
		    s->end != END_NONE || s->until <= now ||
		    !ssh_key_eq(s->ca, ca))
			continue;
		r.n++;
		if (s->until > r.until)
			r.until = s->until;
	}
	return r;
}

static void
put_live(struct wr *w, const struct rotation_live *v)
{
	char until[UTC_TEXT];

	if (v->n == 0) {
		wr_str(w, "no certificate of it lives");
		return;
	}
	utc_text(v->until, until);
	wr_fmt(w, "%zu certificate%s of it live%s, the last until %s", v->n,
	    v->n == 1 ? "" : "s", v->n == 1 ? "s" : "", until);
}

static void
put_state(struct wr *w, const struct ledger *l, enum ca_use use,
    enum ca_state state, utc_s now)
{
	const struct ca_key *k = rotation_find(ledger_own(l)->ca, use, state);
	char fp[SSH_FP_TEXT];

	wr_fmt(w, "  %-9s ", ca_state_name(state));
	if (k == NULL) {
		wr_str(w, "none\n");
		return;
	}
	const struct rotation_live v = rotation_count(l, k->key, now);

	ssh_key_fingerprint(k->key, fp);
	wr_fmt(w, "%s; ", fp);
	put_live(w, &v);
	wr_u8(w, '\n');
}

static const char *
trusted_by(enum ca_use use)
{
	return use == CA_SSH_USER ? "the file of its TrustedUserCAKeys" :
	    "its client CA file";
}

static void
put_activate(struct wr *w, const struct ledger *l, enum ca_use use)
{
	const struct ca_keys *k = ledger_own(l)->ca;
	const struct ca_key *next = rotation_find(k, use, CA_NEXT);
	char fp[SSH_FP_TEXT];

	wr_str(w, "activate, done now: ");
	if (next == NULL) {
		wr_str(w, "not possible, there is no next one\n");
		return;
	}
	if (rotation_find(k, use, CA_RETIRING) != NULL) {
		wr_str(w, "not possible, the one before is still retiring\n");
		return;
	}
	ssh_key_fingerprint(next->key, fp);
	wr_fmt(w, "a server refuses every new certificate as long as %s has "
	    "not %s (published with log entry %llu); what is issued already "
	    "stays good\n", trusted_by(use), fp,
	    (unsigned long long)ledger_keys_index(l));
}

static void
put_finish(struct wr *w, const struct ledger *l, enum ca_use use, utc_s now)
{
	const struct ca_key *k = rotation_find(ledger_own(l)->ca, use,
	    CA_RETIRING);

	wr_str(w, "finish, done now: ");
	if (k == NULL) {
		wr_str(w, "not possible, none is retiring\n");
		return;
	}
	const struct rotation_live v = rotation_count(l, k->key, now);

	put_live(w, &v);
	wr_str(w, v.n == 0 ? ": nothing breaks\n" : ": servers that follow "
	    "refuse them\n");
}

void
rotation_plan(struct wr *w, const struct ledger *l, enum ca_use use,
    utc_s now)
{
	wr_fmt(w, "%s\n", ca_use_name(use));
	put_state(w, l, use, CA_ACTIVE, now);
	put_state(w, l, use, CA_NEXT, now);
	put_state(w, l, use, CA_RETIRING, now);
	put_activate(w, l, use);
	put_finish(w, l, use, now);
}
