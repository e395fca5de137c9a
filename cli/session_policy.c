#include <stdlib.h>
#include <string.h>

#include "cli/session_int.h"

void
proven_free(struct proven *p)
{
	if (p == NULL)
		return;
	policy_free(p->policy);
	for (size_t i = 0; i < p->n; i++)
		buf_done(&p->block[i].name);
	free(p->block);
	free(p);
}

/* ---- what the entry lists ---- */

static enum jit_err
list_block(void *arg, enum block_kind kind, struct span name,
    const struct digest *d)
{
	struct proven *p = arg;

	/* rec_get_policy() gives no more than POLICY_BLOCKS_MAX. */
	if (p->block == NULL && (p->block = calloc(POLICY_BLOCKS_MAX,
	    sizeof(p->block[0]))) == NULL)
		return JIT_E_NOMEM;
	p->block[p->n].kind = kind;
	p->block[p->n].digest = *d;
	JIT_TRY(buf_copy(&p->block[p->n].name, name));
	p->n++;
	return JIT_OK;
}

static enum jit_err
ask_entry(struct session *s, struct proven *p, struct digest *whole,
    struct jit_why *why)
{
	JIT_DONE(receipts_done) struct receipts r = { 0 };
	JIT_DONE(wr_done) struct wr w = WR_INIT(8);
	struct ask a = { .op = OP_PROVE, .count = 1 };

	wr_u64(&w, p->index);
	JIT_TRY(w.err);
	a.items = wr_view(&w);
	JIT_TRY(client_receipts(s->client, &a, &r, why));
	JIT_TRY(session_one(&r, ENTRY_POLICY, why));
	if (r.v[0].e.index != p->index)
		return jit_fail(why, JIT_E_VERIFY, "another entry than %llu",
		    (unsigned long long)p->index);
	return client_untrue(rec_get_policy(r.v[0].e.body, whole, list_block,
	    p, why), why);
}

/* ---- the blocks ---- */

/* The bytes are the ones that the policy names, and what it says they are. */
static enum jit_err
take_block(struct proven *p, struct policy_block *want,
    const struct entry *e, struct jit_why *why)
{
	JIT_SCOPED(block_free) struct block *b = NULL;
	struct block *taken;
	struct digest d;

	if (e->type != ENTRY_BLOB || e->erased)
		return jit_fail(why, JIT_E_VERIFY, "entry %llu is no block of "
		    "a policy", (unsigned long long)e->index);
	JIT_TRY(digest_sha256(e->body, &d));
	if (!digest_eq(&d, &want->digest))
		return jit_fail(why, JIT_E_VERIFY, "entry %llu is another "
		    "block than the one that policy %llu names",
		    (unsigned long long)e->index,
		    (unsigned long long)p->index);
	JIT_TRY(client_untrue(block_parse(e->body, &b, why), why));
	if (b->kind != want->kind ||
	    !span_eq(b->name, BUF_SPAN(want->name)))
		return jit_fail(why, JIT_E_VERIFY, "entry %llu is a block of "
		    "another kind or name than policy %llu says",
		    (unsigned long long)e->index,
		    (unsigned long long)p->index);
	want->index = e->index;
	taken = b;
	b = NULL;
	return client_untrue(policy_add(p->policy, taken, why), why);
}

/* A page of blocks from at on, as many as the signer gives. */
static enum jit_err
ask_blocks(struct session *s, struct proven *p, size_t *at,
    struct jit_why *why)
{
	JIT_DONE(receipts_done) struct receipts r = { 0 };
	JIT_DONE(wr_done) struct wr w = WR_INIT(PROTO_PROVE_MAX * 32);
	struct ask a = { .op = OP_BLOBS };

	for (size_t i = *at; i < p->n && a.count < PROTO_PROVE_MAX; i++) {
		wr_span(&w, DIGEST_SPAN(p->block[i].digest));
		a.count++;
	}
	JIT_TRY(w.err);
	a.items = wr_view(&w);
	JIT_TRY(client_receipts(s->client, &a, &r, why));
	if (r.n == 0 || r.n > a.count)
		return jit_fail(why, JIT_E_VERIFY, "%zu blocks for %u asked",
		    r.n, a.count);
	for (size_t i = 0; i < r.n; i++)
		JIT_TRY(take_block(p, &p->block[(*at)++], &r.v[i].e, why));
	return JIT_OK;
}

/* Whole, for this log, and what its entry says it is as one. */
static enum jit_err
check_whole(const struct session *s, const struct proven *p,
    const struct digest *whole, struct jit_why *why)
{
	const struct block *b;
	struct digest d;

	JIT_TRY(client_untrue(policy_check(p->policy, why), why));
	JIT_TRY(policy_digest(p->policy, &d));
	if (!digest_eq(whole, &d))
		return jit_fail(why, JIT_E_VERIFY, "the blocks of policy %llu "
		    "have another digest than it says",
		    (unsigned long long)p->index);
	b = policy_get(p->policy, BLOCK_SETTINGS, SPAN_NONE);
	if (b == NULL ||
	    !span_eq_str(b->settings.log, s->state.trust.log.origin))
		return jit_fail(why, JIT_E_LOGNAME, "policy %llu is for "
		    "another log", (unsigned long long)p->index);
	return JIT_OK;
}

static enum jit_err
load(struct session *s, uint64_t index, struct proven **ret,
    struct jit_why *why)
{
	JIT_SCOPED(proven_free) struct proven *p = calloc(1, sizeof(*p));
	struct digest whole;
	size_t at = 0;

	if (p == NULL)
		return JIT_E_NOMEM;
	p->index = index;
	JIT_TRY(policy_new(&p->policy));
	JIT_TRY(ask_entry(s, p, &whole, why));
	while (at < p->n)
		JIT_TRY(ask_blocks(s, p, &at, why));
	JIT_TRY(check_whole(s, p, &whole, why));
	*ret = p;
	p = NULL;
	return JIT_OK;
}

/* ---- for callers ---- */

enum jit_err
session_see_policy(struct session *s, uint64_t index, struct jit_why *why)
{
	uint64_t seen = s->policy_index > s->state.policy ? s->policy_index :
	    s->state.policy;

	if (index < seen)
		return jit_fail(why, JIT_E_ROLLBACK, "the signer names policy "
		    "%llu as in force; %llu was seen already",
		    (unsigned long long)index, (unsigned long long)seen);
	s->policy_index = index;
	return JIT_OK;
}

uint64_t
session_policy_index(const struct session *s)
{
	return s->policy_index;
}

static enum jit_err
find_policy(struct session *s, uint64_t index, struct proven **ret,
    struct jit_why *why)
{
	struct proven *p = s->policies;

	while (p != NULL && p->index != index)
		p = p->next;
	if (p == NULL) {
		JIT_TRY(load(s, index, &p, why));
		p->next = s->policies;
		s->policies = p;
		/* Only what was in force, and is proven, is remembered. */
		if (index == s->policy_index && index > s->state.policy)
			s->state.policy = index;
		JIT_TRY(state_save(&s->state, s->client, why));
	}
	*ret = p;
	return JIT_OK;
}

enum jit_err
session_policy(struct session *s, uint64_t index, const struct policy **ret,
    struct jit_why *why)
{
	struct proven *p = NULL;

	JIT_TRY(find_policy(s, index, &p, why));
	*ret = p->policy;
	return JIT_OK;
}

enum jit_err
session_block(struct session *s, uint64_t index, enum block_kind kind,
    struct span name, uint64_t *ret, struct jit_why *why)
{
	struct proven *p = NULL;

	JIT_TRY(find_policy(s, index, &p, why));
	for (size_t i = 0; i < p->n; i++) {
		if (p->block[i].kind != kind ||
		    !span_eq(BUF_SPAN(p->block[i].name), name))
			continue;
		*ret = p->block[i].index;
		return JIT_OK;
	}
	return jit_fail(why, JIT_E_UNKNOWN, "policy %llu has no such %s",
	    (unsigned long long)index, block_kind_name(kind));
}
