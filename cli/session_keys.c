/* session_keys - the CA keys of the log, each set proven by its entry. */
#include <stdlib.h>
#include <string.h>

#include "cli/session_int.h"

void
known_keys_free(struct known_keys *k)
{
	if (k == NULL)
		return;
	ca_keys_done(&k->keys);
	free(k);
}

/* Genesis: one SSH user CA, the pinned one. */
static enum jit_err
of_genesis(const struct session *s, struct ca_keys *ret, struct jit_why *why)
{
	return ca_keys_add(ret, CA_SSH_USER, CA_ACTIVE,
	    s->state.trust.user_ca, NULL, 0, why);
}

/* The entry of that index, whole and as good as it must be. */
static enum jit_err
of_entry(struct session *s, uint64_t index, struct ca_keys *ret,
    struct jit_why *why)
{
	JIT_DONE(receipts_done) struct receipts r = { 0 };
	JIT_DONE(wr_done) struct wr w = WR_INIT(8);
	struct ask a = { .op = OP_PROVE, .count = 1 };

	wr_u64(&w, index);
	JIT_TRY(w.err);
	a.items = wr_view(&w);
	JIT_TRY(client_receipts(s->client, &a, &r, why));
	JIT_TRY(session_one(&r, ENTRY_KEYS, why));
	if (r.v[0].e.index != index)
		return jit_fail(why, JIT_E_VERIFY, "another entry than %llu",
		    (unsigned long long)index);
	JIT_TRY(client_untrue(ca_keys_get(r.v[0].e.body, ret, why), why));
	JIT_TRY(client_untrue(ca_keys_check(ret, why), why));
	if (ret->before >= index)
		return jit_fail(why, JIT_E_VERIFY, "the keys of entry %llu say "
		    "that they follow on entry %llu",
		    (unsigned long long)index,
		    (unsigned long long)ret->before);
	return JIT_OK;
}

/* Of that entry, 0: of genesis; asked for once. */
static enum jit_err
find(struct session *s, uint64_t index, struct known_keys **ret,
    struct jit_why *why)
{
	JIT_SCOPED(known_keys_free) struct known_keys *k = NULL;

	for (struct known_keys *o = s->known; o != NULL; o = o->next)
		if (o->index == index) {
			*ret = o;
			return JIT_OK;
		}
	if ((k = calloc(1, sizeof(*k))) == NULL)
		return JIT_E_NOMEM;
	k->index = index;
	k->own.ca = &k->keys;
	k->own.log = s->log_key;
	JIT_TRY(index == 0 ? of_genesis(s, &k->keys, why) :
	    of_entry(s, index, &k->keys, why));
	JIT_TRY(state_save(&s->state, s->client, why));
	k->next = s->known;
	s->known = k;
	*ret = k;
	k = NULL;
	return JIT_OK;
}

enum jit_err
session_keys(struct session *s, const struct own_keys **ret,
    struct jit_why *why)
{
	struct known_keys *k = NULL;

	JIT_TRY(find(s, session_hello(s)->keys_index, &k, why));
	*ret = &k->own;
	return JIT_OK;
}

enum jit_err
session_keys_before(struct session *s, uint64_t index,
    const struct own_keys **ret, uint64_t *entry, struct jit_why *why)
{
	uint64_t at = session_hello(s)->keys_index;
	struct known_keys *k = NULL;

	JIT_TRY(find(s, at, &k, why));
	while (at >= index && at > 0) {
		at = k->keys.before;
		JIT_TRY(find(s, at, &k, why));
	}
	if (entry != NULL)
		*entry = at;
	*ret = &k->own;
	return JIT_OK;
}
