/* CA keys that are published, and people who are locked out. */
#include <stdlib.h>
#include <string.h>

#include "ca/grant/ledger_int.h"

/* ---- keys ---- */

const struct ssh_key *
ledger_ca_ever(const struct ledger *l, const struct ssh_key *k)
{
	for (size_t i = 0; i < l->n_ever; i++)
		if (ssh_key_eq(l->ever[i], k))
			return l->ever[i];
	return NULL;
}

enum jit_err
ledger_set_keys(struct ledger *l, struct ca_keys *k)
{
	void *v = l->ever;

	for (size_t i = 0; i < k->n; i++) {
		if (ledger_ca_ever(l, k->v[i].key) != NULL)
			continue;
		JIT_TRY(ledger_grow(&v, l->n_ever + 1, &l->cap_ever,
		    sizeof(l->ever[0])));
		l->ever = v;
		JIT_TRY(ssh_key_dup(k->v[i].key, &l->ever[l->n_ever]));
		l->n_ever++;
	}
	ca_keys_done(&l->ca);
	l->ca = *k;
	*k = (struct ca_keys){ 0 };
	l->own = (struct own_keys){ &l->ca, l->log_key };
	return JIT_OK;
}

enum jit_err
ledger_take_keys(struct ledger *l, const struct entry *e,
    struct jit_why *why)
{
	JIT_DONE(ca_keys_done) struct ca_keys k = { 0 };

	JIT_TRY(ca_keys_get(e->body, &k, why));
	if (k.before != l->keys_index)
		return ledger_cannot(e, why, "it follows on other keys");
	JIT_TRY(ledger_set_keys(l, &k));
	l->keys_index = e->index;
	return JIT_OK;
}

uint64_t
ledger_keys_index(const struct ledger *l)
{
	return l->keys_index;
}

/* ---- locks ---- */

bool
ledger_locked(const struct ledger *l, struct span person, uint64_t *index)
{
	for (size_t i = 0; i < l->n_locked; i++)
		if (span_eq_str(person, l->locked[i].name)) {
			if (index != NULL)
				*index = l->locked[i].index;
			return true;
		}
	return false;
}

enum jit_err
ledger_share_locks(struct ledger *l)
{
	void *v = l->locked_name;
	size_t n = 0;

	/* Going back to fewer never fails. */
	JIT_TRY(ledger_grow(&v, l->n_locked + 1, &l->cap_locked_name,
	    sizeof(l->locked_name[0])));
	l->locked_name = v;
	for (size_t i = 0; i < l->n_locked; i++)
		if (l->policy == NULL || policy_person(l->policy,
		    span_str(l->locked[i].name)) != NULL)
			l->locked[n++] = l->locked[i];
	l->n_locked = n;
	for (size_t i = 0; i < n; i++)
		l->locked_name[i] = span_str(l->locked[i].name);
	if (l->policy != NULL)
		policy_set_locked(l->policy, l->locked_name, n);
	return JIT_OK;
}

/* As they would be with that person locked or not; *ret is owned. */
static enum jit_err
copy_locks(struct ledger *l, const struct lock *k, uint64_t index,
    struct locked **ret, size_t *n)
{
	struct locked *v = calloc(l->n_locked + 1, sizeof(*v));
	const char *name = ledger_intern(l, k->person);
	size_t at = 0;

	if (v == NULL || name == NULL) {
		free(v);
		return JIT_E_NOMEM;
	}
	*n = 0;
	while (at < l->n_locked && strcmp(l->locked[at].name, name) < 0)
		v[(*n)++] = l->locked[at++];
	if (!k->unlock)
		v[(*n)++] = (struct locked){ name, index };
	for (; at < l->n_locked; at++)
		if (strcmp(l->locked[at].name, name) != 0)
			v[(*n)++] = l->locked[at];
	*ret = v;
	return JIT_OK;
}

static enum jit_err
note_lock(struct ledger *l, const struct entry *e)
{
	void *v = l->change;

	JIT_TRY(ledger_grow(&v, l->n_change + 1, &l->cap_change,
	    sizeof(l->change[0])));
	l->change = v;
	l->change[l->n_change++] = (struct change){
		.type = (enum entry_type)e->type, .time = l->time,
		.revoked = l->revoked,
		.serial = l->next_serial, .spare = l->spare_serials,
		.locks = l->locked, .n_locks = l->n_locked, .was_locks = true,
	};
	return JIT_OK;
}

enum jit_err
ledger_take_lock(struct ledger *l, const struct entry *e,
    enum ledger_mode mode, struct jit_why *why)
{
	JIT_DONE(signer_done) struct signer by = { 0 };
	struct locked *v = NULL;
	struct rec_signed s;
	struct lock k;
	size_t n = 0;
	enum jit_err err;

	JIT_TRY(rec_get_signed(e->body, ENTRY_LOCK, &s, why));
	JIT_TRY(lock_parse(s.text, &k, why));
	JIT_TRY(mode == LEDGER_DEEP ? signer_open(s.sig,
	    lock_namespace(k.unlock), s.text, &by, why) :
	    signer_read(s.sig, &by, why));
	if (mode != LEDGER_OWN)
		JIT_TRY(judge_lock(l->policy, l->log_id, &k, &by,
		    ledger_locked(l, k.person, NULL), e->time, why));
	JIT_TRY(copy_locks(l, &k, e->index, &v, &n));
	if ((err = note_lock(l, e)) != JIT_OK) {
		free(v);
		return err;
	}
	l->locked = v;
	l->n_locked = n;
	return ledger_share_locks(l);
}

/* ---- who lost the right ---- */

static bool
is_lost(const struct ledger *l, const struct matter *m, utc_s now,
    enum ended_cause *cause, struct span *who)
{
	const struct settled *s = &m->settled;
	struct digest key;

	if (m->whole == NULL) {
		*who = span_str(s->requester);
		return s->issued && s->end == END_NONE && s->until > now &&
		    judge_is_lost(l->policy, *who, &s->key, cause);
	}
	*who = m->whole->h.request->req.requester;
	return s->closes > now && judge_key_digest(
	    m->whole->h.request->by.key, &key) == JIT_OK &&
	    judge_is_lost(l->policy, *who, &key, cause);
}

bool
ledger_next_lost(const struct ledger *l, utc_s now, size_t *at,
    struct rec_ended *ret)
{
	struct span who;

	for (; *at < l->n_at; (*at)++) {
		const struct matter *m = l->at[*at];

		if (!is_lost(l, m, now, &ret->cause, &who))
			continue;
		ret->request = m->settled.id;
		ret->by_index = l->policy_index;
		if (ret->cause == ENDED_LOCKED)
			(void)ledger_locked(l, who, &ret->by_index);
		return true;
	}
	return false;
}

enum jit_err
ledger_revoked(const struct ledger *l, utc_s now, ledger_revoked_fn fn,
    void *arg)
{
	for (size_t i = 0; i < l->n_at; i++) {
		const struct settled *s = &l->at[i]->settled;

		if (l->at[i]->whole == NULL && s->issued &&
		    s->end != END_NONE && now - LEDGER_REVOKED_GRACE < s->until)
			JIT_TRY(fn(arg, s));
	}
	return JIT_OK;
}

uint64_t
ledger_revoked_index(const struct ledger *l)
{
	return l->revoked;
}
