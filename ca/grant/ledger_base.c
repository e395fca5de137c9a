/* What all else rests on: genesis, blobs, policy, recovery. */
#include <stdlib.h>
#include <string.h>

#include "ca/grant/ledger_int.h"

enum jit_err
ledger_cannot(const struct entry *e, struct jit_why *why, const char *what)
{
	return jit_fail(why, JIT_E_VERIFY, "entry %llu, a %s, cannot stand "
	    "there: %s", (unsigned long long)e->index,
	    entry_type_name(e->type), what);
}

enum jit_err
ledger_take_genesis(struct ledger *l, const struct entry *e,
    struct jit_why *why)
{
	JIT_DONE(kept_done) struct kept k = { 0 };
	JIT_SCOPED(ssh_key_free) struct ssh_key *ca = NULL, *log = NULL;
	JIT_DONE(ca_keys_done) struct ca_keys keys = { 0 };
	struct rec_genesis g;

	JIT_TRY(kept_copy(&k, e));
	JIT_TRY(rec_get_genesis(BUF_SPAN(k.body), &g, why));
	JIT_TRY(ssh_key_parse(g.user_ca, &ca, why));
	JIT_TRY(rec_log_key(&g.log, &log));
	JIT_TRY(ca_keys_add(&keys, CA_SSH_USER, CA_ACTIVE, ca, NULL, 0, why));
	l->genesis_entry = k;
	k = (struct kept){ 0 };
	l->genesis = g;
	l->log_key = log;
	log = NULL;
	tlog_vkey_logid(&g.log, l->log_id);
	return ledger_set_keys(l, &keys);
}

/* A blob that may be a policy's block is kept until the policy names it. */
enum jit_err
ledger_take_blob(struct ledger *l, const struct entry *e)
{
	static const char head[] = "jit-cert ";
	struct pending_blob p = { .index = e->index }, *v;

	if (e->body.n < sizeof(head) || e->body.n > POLICY_BLOCK_MAX ||
	    memcmp(e->body.p, head, sizeof(head) - 1) != 0 ||
	    l->n_pending == POLICY_BLOCKS_MAX)
		return JIT_OK;
	JIT_TRY(digest_sha256(e->body, &p.d));
	v = realloc(l->pending, (l->n_pending + 1) * sizeof(*v));
	if (v == NULL)
		return JIT_E_NOMEM;
	l->pending = v;
	JIT_TRY(buf_copy(&p.bytes, e->body));
	v[l->n_pending++] = p;
	return JIT_OK;
}

struct new_policy {
	struct ledger *l;
	struct policy *p;
	struct jit_why *why;
};

/* The bytes of a block: just logged, or of the policy in force. */
static bool
block_bytes(const struct ledger *l, enum block_kind kind, struct span name,
    const struct digest *d, struct span *ret)
{
	const struct block *b = l->policy == NULL ? NULL :
	    policy_get(l->policy, kind, name);

	for (size_t i = l->n_pending; i > 0; i--)
		if (digest_eq(&l->pending[i - 1].d, d)) {
			*ret = BUF_SPAN(l->pending[i - 1].bytes);
			return true;
		}
	if (b == NULL || !digest_eq(&b->digest, d))
		return false;
	*ret = BUF_SPAN(b->bytes);
	return true;
}

static enum jit_err
take_block(void *arg, enum block_kind kind, struct span name,
    const struct digest *d)
{
	struct new_policy *n = arg;
	JIT_SCOPED(block_free) struct block *b = NULL;
	struct block *own;
	struct span bytes;
	char shown[64];

	if (!block_bytes(n->l, kind, name, d, &bytes))
		return jit_fail(n->why, JIT_E_VERIFY, "the block of %s \"%s\" "
		    "is not in the log", block_kind_name(kind),
		    text_shown(name, shown, sizeof(shown)));
	JIT_TRY(block_parse(bytes, &b, n->why));
	if (b->kind != kind || !span_eq(b->name, name))
		return jit_fail(n->why, JIT_E_VERIFY, "the block of %s \"%s\" "
		    "is another's", block_kind_name(kind),
		    text_shown(name, shown, sizeof(shown)));
	own = b;
	b = NULL;
	return policy_add(n->p, own, n->why);
}

enum jit_err
ledger_take_policy(struct ledger *l, const struct entry *e, struct jit_why *why)
{
	JIT_SCOPED(policy_free) struct policy *p = NULL;
	struct new_policy n = { .l = l, .why = why };
	struct digest whole, again;

	JIT_TRY(policy_new(&p));
	n.p = p;
	JIT_TRY(rec_get_policy(e->body, &whole, take_block, &n, why));
	JIT_TRY(policy_digest(p, &again));
	if (!digest_eq(&whole, &again))
		return ledger_cannot(e, why, "its digest is not its blocks'");
	JIT_TRY(policy_check(p, why));
	for (size_t i = 0; i < l->n_pending; i++)
		JIT_TRY(ledger_add_blob(l, &l->pending[i].d,
		    l->pending[i].index));
	ledger_drop_pending(l);
	policy_free(l->policy);
	l->policy = p;
	l->policy_index = e->index;
	p = NULL;
	return ledger_share_locks(l);
}

struct recoveries {
	size_t n;
	struct recovery r[RECORD_ADMINS_MAX];
	struct signer by[RECORD_ADMINS_MAX];
};

static void
recoveries_free(struct recoveries *v)
{
	for (size_t i = 0; v != NULL && i < v->n; i++)
		signer_done(&v->by[i]);
	free(v);
}
JIT_SCOPED_PTR(struct recoveries, recoveries_free);

static enum jit_err
judge_again(const struct ledger *l, const struct entry *e,
    const struct rec_recovery *rec, enum ledger_mode mode,
    struct jit_why *why)
{
	JIT_SCOPED(recoveries_free) struct recoveries *v =
	    calloc(1, sizeof(*v));
	struct recovery_want want = { .size = l->edge.size };

	if (v == NULL)
		return JIT_E_NOMEM;
	for (; v->n < rec->n; v->n++) {
		const struct rec_signed *s = &rec->by[v->n];

		JIT_TRY(recovery_parse(s->text, &v->r[v->n], why));
		JIT_TRY(mode == LEDGER_DEEP ?
		    signer_open(s->sig, NS_RECOVERY, s->text, &v->by[v->n],
		    why) : signer_read(s->sig, &v->by[v->n], why));
	}
	JIT_TRY(merkle_edge_root(&l->edge, &want.root));
	want.cause = rec->lost.n > 0 ? RECOVERY_ROLLBACK : RECOVERY_CLOCK;
	return judge_recovery(l->policy, l->log_id, v->r, v->by, v->n, &want,
	    e->time, why);
}

enum jit_err
ledger_take_recovery(struct ledger *l, const struct entry *e,
    enum ledger_mode mode, struct jit_why *why)
{
	struct rec_recovery rec;
	struct checkpoint lost = { 0 };

	JIT_TRY(rec_get_recovery(e->body, &rec, why));
	if (rec.lost.n > 0)
		JIT_TRY(checkpoint_open(rec.lost, &l->genesis.log, &lost,
		    why));
	if (mode != LEDGER_OWN)
		JIT_TRY(judge_again(l, e, &rec, mode, why));
	l->recovery = e->index;
	if (lost.size > l->given_up)
		l->given_up = lost.size;
	return JIT_OK;
}
