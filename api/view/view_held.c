/*
 * What is small and held whole, a row each: the CA keys that are published,
 * and who is locked out.  As the ledger has both (ledger_keys.c).
 */
#include <stdlib.h>
#include <string.h>

#include "api/view/view_int.h"

#define LOCKS_MAX (POLICY_BLOCKS_MAX * 64u)	/* bytes of the row */

/* ---- CA keys ---- */

static void
keys_done(struct view_keys *k)
{
	ca_keys_done(&k->ca);
	*k = (struct view_keys){ 0 };
}
JIT_SCOPED_OBJ(struct view_keys, keys_done);

/* index, then the body of the keys entry: or what genesis amounts to. */
static enum jit_err
save_keys(struct view *v, const struct view_keys *k, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(ENTRY_BODY_MAX);

	wr_u64(&w, k->index);
	ca_keys_put(&w, &k->ca);
	JIT_TRY(w.err);
	return view_put_row(v, SQL_KEYS_PUT, 'k', wr_view(&w), why);
}

/* Takes *k when it succeeds. */
static enum jit_err
replace_keys(struct view *v, struct view_keys *k, struct jit_why *why)
{
	JIT_TRY(save_keys(v, k, why));
	if (v->keys_new)
		keys_done(&v->keys);
	else
		v->keys_was = v->keys;
	v->keys_new = true;
	v->keys = *k;
	*k = (struct view_keys){ 0 };
	return JIT_OK;
}

enum jit_err
view_first_key(struct view *v, struct span blob, struct jit_why *why)
{
	JIT_SCOPED(ssh_key_free) struct ssh_key *key = NULL;
	JIT_DONE(keys_done) struct view_keys k = { 0 };

	JIT_TRY(ssh_key_parse(blob, &key, why));
	JIT_TRY(ca_keys_add(&k.ca, CA_SSH_USER, CA_ACTIVE, key, NULL, 0,
	    why));
	return replace_keys(v, &k, why);
}

enum jit_err
view_take_keys(struct view *v, const struct entry *e, struct jit_why *why)
{
	JIT_DONE(keys_done) struct view_keys k = { .index = e->index };

	JIT_TRY(ca_keys_get(e->body, &k.ca, why));
	if (k.ca.before != v->keys.index)
		return view_cannot(e, why, "it follows on other keys");
	return replace_keys(v, &k, why);
}

static enum jit_err
load_keys(struct view *v, struct jit_why *why)
{
	struct stmt *s;
	enum jit_err e;
	struct rd r;
	bool row;

	JIT_TRY(view_one_row(v, SQL_KEYS_GET, 'k', &s, &row, why));
	if (!row)
		return v->at.edge.size == 0 ? JIT_OK : view_altered(v,
		    "held_keys", 1, why);
	r = rd_of(stmt_get(s, 0));
	v->keys.index = rd_u64(&r);
	e = r.err != JIT_OK ? r.err : ca_keys_get(rd_raw(&r, r.n),
	    &v->keys.ca, NULL);
	stmt_reset(s);
	return e == JIT_OK || e == JIT_E_NOMEM ? e : view_altered(v,
	    "held_keys", 1, why);
}

/* ---- locks ---- */

static void
locks_done(struct view_locks *l)
{
	free(l->v);
	free(l->names);
	*l = (struct view_locks){ 0 };
}
JIT_SCOPED_OBJ(struct view_locks, locks_done);

/* Room for n; none is there yet. */
static enum jit_err
locks_room(struct view_locks *l, size_t n)
{
	l->v = calloc(n + 1, sizeof(*l->v));
	l->names = calloc(n + 1, sizeof(*l->names));
	return l->v == NULL || l->names == NULL ? JIT_E_NOMEM : JIT_OK;
}

static void
locks_add(struct view_locks *l, struct span name, uint64_t index)
{
	struct view_lock *k = &l->v[l->n];

	memcpy(k->name, name.p, name.n);
	k->name[name.n] = '\0';
	k->index = index;
	l->names[l->n++] = SPAN(k->name, name.n);
}

static void
share_locks(const struct view *v)
{
	if (v->policy != NULL)
		policy_set_locked(v->policy, v->locks.names, v->locks.n);
}

static enum jit_err
save_locks(struct view *v, const struct view_locks *l, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(LOCKS_MAX);

	wr_u32(&w, (uint32_t)l->n);
	for (size_t i = 0; i < l->n; i++) {
		wr_string(&w, l->names[i]);
		wr_u64(&w, l->v[i].index);
	}
	JIT_TRY(w.err);
	return view_put_row(v, SQL_LOCKS_PUT, 'l', wr_view(&w), why);
}

/* Takes *l when it succeeds. */
static enum jit_err
replace_locks(struct view *v, struct view_locks *l, struct jit_why *why)
{
	JIT_TRY(save_locks(v, l, why));
	if (v->locks_new)
		locks_done(&v->locks);
	else
		v->locks_was = v->locks;
	v->locks_new = true;
	v->locks = *l;
	*l = (struct view_locks){ 0 };
	share_locks(v);
	return JIT_OK;
}

/* Is that person enrolled?  Only then there is something to lock. */
static bool
enrolled(const struct view *v, struct span name)
{
	return v->policy != NULL && policy_person(v->policy, name) != NULL;
}

enum jit_err
view_take_lock(struct view *v, const struct entry *e, struct jit_why *why)
{
	JIT_DONE(locks_done) struct view_locks l = { 0 };
	const struct view_locks *was = &v->locks;
	struct rec_signed s;
	struct lock k;
	size_t i = 0;

	JIT_TRY(rec_get_signed(e->body, ENTRY_LOCK, &s, why));
	JIT_TRY(lock_parse(s.text, &k, why));
	JIT_TRY(locks_room(&l, was->n + 1));
	for (; i < was->n && span_cmp(was->names[i], k.person) < 0; i++)
		locks_add(&l, was->names[i], was->v[i].index);
	if (!k.unlock && enrolled(v, k.person))
		locks_add(&l, k.person, e->index);
	for (; i < was->n; i++)
		if (!span_eq(was->names[i], k.person))
			locks_add(&l, was->names[i], was->v[i].index);
	return replace_locks(v, &l, why);
}

enum jit_err
view_trim_locks(struct view *v, struct jit_why *why)
{
	JIT_DONE(locks_done) struct view_locks l = { 0 };
	const struct view_locks *was = &v->locks;

	JIT_TRY(locks_room(&l, was->n));
	for (size_t i = 0; i < was->n; i++)
		if (enrolled(v, was->names[i]))
			locks_add(&l, was->names[i], was->v[i].index);
	if (l.n < was->n)
		return replace_locks(v, &l, why);
	share_locks(v);
	return JIT_OK;
}

static enum jit_err
get_locks(struct span body, struct view_locks *l)
{
	struct rd r = rd_of(body);
	uint32_t n = rd_u32(&r);

	if (r.err != JIT_OK || n > body.n)
		return JIT_E_FORMAT;
	JIT_TRY(locks_room(l, n));
	for (uint32_t i = 0; r.err == JIT_OK && i < n; i++) {
		struct span name = rd_string(&r, 32);
		uint64_t index = rd_u64(&r);

		if (!text_is_name(name))
			rd_fail(&r);
		else
			locks_add(l, name, index);
	}
	return rd_end(&r);
}

static enum jit_err
load_locks(struct view *v, struct jit_why *why)
{
	struct stmt *s;
	enum jit_err e;
	bool row;

	JIT_TRY(view_one_row(v, SQL_LOCKS_GET, 'l', &s, &row, why));
	if (!row)
		return JIT_OK;
	e = get_locks(stmt_get(s, 0), &v->locks);
	stmt_reset(s);
	if (e != JIT_OK && e != JIT_E_NOMEM)
		return view_altered(v, "locks", 1, why);
	share_locks(v);
	return e;
}

/* ---- both ---- */

enum jit_err
view_load_held(struct view *v, struct jit_why *why)
{
	JIT_TRY(load_keys(v, why));
	return load_locks(v, why);
}

void
view_held_back(struct view *v)
{
	if (v->keys_new) {
		keys_done(&v->keys);
		v->keys = v->keys_was;
		v->keys_was = (struct view_keys){ 0 };
	}
	if (v->locks_new) {
		locks_done(&v->locks);
		v->locks = v->locks_was;
		v->locks_was = (struct view_locks){ 0 };
	}
	share_locks(v);
}

void
view_held_keep(struct view *v)
{
	keys_done(&v->keys_was);
	locks_done(&v->locks_was);
	v->keys_new = v->locks_new = false;
}

void
view_held_done(struct view *v)
{
	keys_done(&v->keys);
	locks_done(&v->locks);
}
