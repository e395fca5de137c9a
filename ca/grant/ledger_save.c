/*
 * The bytes of a ledger: what folding the whole log would give again.
 *
 *	string "jit-cert ledger v2"
 *	uint64 size, time, erased, of these requests, and what is about
 *	       one, unjudged, next serial, spare serials, policy index,
 *	       recovery, given up, keys index, revoked index
 *	uint32 peaks, byte[32] each: the Merkle edge, largest first
 *	entry  genesis
 *	uint32 blocks of the policy in force, string each
 *	uint32 blobs, (byte[32] digest, uint64 index) each
 *	uint32 pending blobs, (uint64 index, string) each
 *	uint32 CA keys that there ever were, string blob each
 *	string the keys that are published, as keys.h has them
 *	uint32 locks, (string name, uint64 index) each
 *	uint32 requests: uint8 1 whole | 2 settled, and
 *	  whole    uint64 what was erased before it, uint32 entries, entry each
 *	  settled  string id, byte[32] digest, byte[32] of the key, string
 *	           requester, string role, uint64 closes, uint8 end, uint8
 *	           issued; if so uint64 until, uint8 kind, byte[16] serial,
 *	           uint32 which CA, uint64 ended; uint32 n, uint64 each
 *
 * with entry: byte[53] leaf, byte[16] salt, string body.
 */
#include <stdlib.h>
#include <string.h>

#include "ca/grant/ledger_int.h"

#define HEAD "jit-cert ledger v2"
#define SETTLED_INDEX_MAX (DOSSIER_ENTRIES_MAX + 1)

static void
put_entry(struct wr *w, const struct entry *e)
{
	wr_raw(w, e->leaf, sizeof(e->leaf));
	wr_raw(w, e->salt, sizeof(e->salt));
	wr_string(w, e->body);
}

static void
put_edge(struct wr *w, const struct merkle_edge *e)
{
	uint32_t n = 0;

	for (int i = 0; i < 64; i++)
		n += (uint32_t)(e->size >> i & 1);
	wr_u32(w, n);
	for (int i = 63; i >= 0; i--)
		if (e->size >> i & 1)
			wr_span(w, DIGEST_SPAN(e->peak[i]));
}

static void
put_settled_cert(struct wr *w, const struct ledger *l,
    const struct settled *s)
{
	uint32_t ca = 0;

	while (ca < l->n_ever && l->ever[ca] != s->ca)
		ca++;
	wr_u64(w, (uint64_t)s->until);
	wr_u8(w, (uint8_t)s->kind);
	wr_raw(w, s->serial, sizeof(s->serial));
	wr_u32(w, ca);
	wr_u64(w, (uint64_t)s->ended);
}

static void
put_settled(struct wr *w, const struct ledger *l, const struct settled *s)
{
	wr_u8(w, 2);
	wr_cstring(w, s->id.s);
	wr_span(w, DIGEST_SPAN(s->digest));
	wr_span(w, DIGEST_SPAN(s->key));
	wr_cstring(w, s->requester);
	wr_cstring(w, s->role);
	wr_u64(w, (uint64_t)s->closes);
	wr_u8(w, (uint8_t)s->end);
	wr_u8(w, s->issued);
	if (s->issued)
		put_settled_cert(w, l, s);
	wr_u32(w, (uint32_t)s->n);
	for (size_t i = 0; i < s->n; i++)
		wr_u64(w, s->index[i]);
}

static void
put_matter(struct wr *w, const struct ledger *l, const struct matter *m)
{
	if (m->whole == NULL) {
		put_settled(w, l, &m->settled);
		return;
	}
	wr_u8(w, 1);
	wr_u64(w, m->lost);
	wr_u32(w, (uint32_t)m->whole->n);
	for (size_t i = 0; i < m->whole->n; i++)
		put_entry(w, &m->whole->entry[i].e);
}

static void
put_policy(struct wr *w, const struct ledger *l)
{
	size_t n = l->policy != NULL ? policy_count(l->policy) : 0;

	wr_u32(w, (uint32_t)n);
	for (size_t i = 0; i < n; i++)
		wr_string(w, BUF_SPAN(policy_at(l->policy, i)->bytes));
	wr_u32(w, (uint32_t)l->n_blob);
	for (size_t i = 0; i < l->n_blob; i++) {
		wr_span(w, DIGEST_SPAN(l->blob[i].d));
		wr_u64(w, l->blob[i].index);
	}
	wr_u32(w, (uint32_t)l->n_pending);
	for (size_t i = 0; i < l->n_pending; i++) {
		wr_u64(w, l->pending[i].index);
		wr_string(w, BUF_SPAN(l->pending[i].bytes));
	}
}

static void
put_keys(struct wr *w, const struct ledger *l)
{
	size_t mark;

	wr_u32(w, (uint32_t)l->n_ever);
	for (size_t i = 0; i < l->n_ever; i++)
		wr_string(w, ssh_key_blob(l->ever[i]));
	mark = wr_string_begin(w);
	ca_keys_put(w, &l->ca);
	wr_string_end(w, mark);
	wr_u32(w, (uint32_t)l->n_locked);
	for (size_t i = 0; i < l->n_locked; i++) {
		wr_cstring(w, l->locked[i].name);
		wr_u64(w, l->locked[i].index);
	}
}

enum jit_err
ledger_save(const struct ledger *l, struct wr *w)
{
	if (l->n_change > 0 || l->edge.size == 0)
		return JIT_E_ARG;
	wr_cstring(w, HEAD);
	wr_u64(w, l->edge.size);
	wr_u64(w, (uint64_t)l->time);
	wr_u64(w, l->erased);
	wr_u64(w, l->lost_requests);
	wr_u64(w, l->lost);
	wr_u64(w, l->unjudged);
	wr_u64(w, l->next_serial);
	wr_u64(w, l->spare_serials);
	wr_u64(w, l->policy_index);
	wr_u64(w, l->recovery);
	wr_u64(w, l->given_up);
	wr_u64(w, l->keys_index);
	wr_u64(w, l->revoked);
	put_edge(w, &l->edge);
	put_entry(w, &l->genesis_entry.e);
	put_policy(w, l);
	put_keys(w, l);
	wr_u32(w, (uint32_t)l->n_at);
	for (size_t i = 0; i < l->n_at; i++)
		put_matter(w, l, l->at[i]);
	return w->err;
}

/* ---- back ---- */

static void
get_edge(struct rd *r, uint64_t size, struct merkle_edge *e)
{
	uint32_t n = rd_u32(r), want = 0;

	merkle_edge_init(e);
	e->size = size;
	for (int i = 0; i < 64; i++)
		want += (uint32_t)(size >> i & 1);
	if (n != want)
		rd_fail(r);
	for (int i = 63; i >= 0; i--)
		if (size >> i & 1)
			rd_copy(r, e->peak[i].b, 32);
}

/* An entry whose body is the one that its leaf holds. */
static enum jit_err
get_entry(struct rd *r, struct entry *e)
{
	struct span leaf = rd_raw(r, ENTRY_LEAF);

	*e = (struct entry){ 0 };
	rd_copy(r, e->salt, sizeof(e->salt));
	e->body = rd_string(r, ENTRY_BODY_MAX);
	JIT_TRY(r->err);
	JIT_TRY(entry_parse_leaf(leaf, e));
	return entry_check_body(e, NULL) == JIT_OK ? JIT_OK : JIT_E_FORMAT;
}

static enum jit_err
get_policy(struct rd *r, struct ledger *l, struct jit_why *why)
{
	uint32_t n = rd_u32(r);

	if (n > POLICY_BLOCKS_MAX)
		return JIT_E_FORMAT;
	if (n > 0)
		JIT_TRY(policy_new(&l->policy));
	for (uint32_t i = 0; i < n; i++) {
		struct span s = rd_string(r, POLICY_BLOCK_MAX);
		struct block *b = NULL;

		JIT_TRY(r->err);
		JIT_TRY(block_parse(s, &b, why));
		JIT_TRY(policy_add(l->policy, b, why));
		if (!span_eq(BUF_SPAN(policy_at(l->policy, i)->bytes), s))
			return JIT_E_FORMAT;	/* out of order */
	}
	return n > 0 ? policy_check(l->policy, why) : JIT_OK;
}

static enum jit_err
get_blobs(struct rd *r, struct ledger *l)
{
	uint32_t n = rd_u32(r);

	for (uint32_t i = 0; i < n; i++) {
		struct digest d;
		uint64_t index;

		rd_copy(r, d.b, sizeof(d.b));
		index = rd_u64(r);
		JIT_TRY(r->err);
		if (index >= l->edge.size || (i > 0 &&
		    memcmp(l->blob[i - 1].d.b, d.b, sizeof(d.b)) >= 0))
			return JIT_E_FORMAT;
		JIT_TRY(ledger_add_blob(l, &d, index));
	}
	if ((n = rd_u32(r)) > POLICY_BLOCKS_MAX)
		return JIT_E_FORMAT;
	if (n > 0 && (l->pending = calloc(n, sizeof(*l->pending))) == NULL)
		return JIT_E_NOMEM;
	for (uint32_t i = 0; i < n; i++) {
		struct pending_blob *p = &l->pending[i];
		struct span s;

		p->index = rd_u64(r);
		s = rd_string(r, POLICY_BLOCK_MAX);
		JIT_TRY(r->err);
		JIT_TRY(digest_sha256(s, &p->d));
		JIT_TRY(buf_copy(&p->bytes, s));
		l->n_pending++;
	}
	return JIT_OK;
}

static enum jit_err
get_whole(struct rd *r, const struct ledger *l, struct matter *m,
    struct jit_why *why)
{
	uint64_t lost = rd_u64(r);
	uint32_t n = rd_u32(r);
	struct entry e;

	if (n == 0 || n > DOSSIER_ENTRIES_MAX || lost > l->lost)
		return JIT_E_FORMAT;
	m->lost = lost;
	JIT_TRY(get_entry(r, &e));
	JIT_TRY(dossier_new(&e, DOSSIER_OWN, &m->whole, why));
	for (uint32_t i = 1; i < n; i++) {
		JIT_TRY(get_entry(r, &e));
		JIT_TRY(dossier_add(m->whole, &e, DOSSIER_OWN, why));
	}
	m->settled.id = m->whole->id;
	m->settled.closes = m->whole->h.request->req.closes;
	if (m->whole->h.end != END_NONE || m->whole->h.issued ||
	    dossier_last(m->whole) >= l->edge.size)
		return JIT_E_FORMAT;
	return JIT_OK;
}

static void
get_settled_cert(struct rd *r, const struct ledger *l, struct settled *s)
{
	uint8_t kind;
	uint32_t ca;

	s->until = (utc_s)rd_u64(r);
	kind = rd_u8(r);
	rd_copy(r, s->serial, sizeof(s->serial));
	ca = rd_u32(r);
	s->ended = (utc_s)rd_u64(r);
	if (r->err != JIT_OK || kind >= REQUEST_KINDS || ca >= l->n_ever ||
	    s->until < 0 || s->ended < 0 ||
	    (s->end == END_NONE) != (s->ended == 0)) {
		rd_fail(r);
		return;
	}
	s->kind = (enum request_kind)kind;
	s->ca = l->ever[ca];
}

static enum jit_err
get_settled(struct rd *r, struct ledger *l, struct settled *s)
{
	struct span id = rd_string(r, ULID_LEN), name, role;
	uint8_t end, issued;
	uint32_t n;

	rd_copy(r, s->digest.b, sizeof(s->digest.b));
	rd_copy(r, s->key.b, sizeof(s->key.b));
	name = rd_string(r, 32);
	role = rd_string(r, 32);
	s->closes = (utc_s)rd_u64(r);
	end = rd_u8(r);
	issued = rd_u8(r);
	s->issued = issued == 1;
	if (end > END_REVOKED || issued > 1)
		return JIT_E_FORMAT;
	s->end = (enum request_end)end;
	/* What was issued is taken back; what was not is refused before. */
	if (s->issued ? s->end == END_DENIED || s->end == END_CANCELLED :
	    s->end != END_DENIED && s->end != END_CANCELLED)
		return JIT_E_FORMAT;
	if (s->issued)
		get_settled_cert(r, l, s);
	n = rd_u32(r);
	JIT_TRY(r->err);
	JIT_TRY(ulid_parse(id, &s->id));
	if (n < 2 || n > SETTLED_INDEX_MAX || !text_is_name(name) ||
	    !text_is_name(role) || s->closes < 0)
		return JIT_E_FORMAT;
	s->requester = ledger_intern(l, name);
	s->role = ledger_intern(l, role);
	s->index = calloc(n + 1, sizeof(*s->index));
	if (s->requester == NULL || s->role == NULL || s->index == NULL)
		return JIT_E_NOMEM;
	for (; s->n < n; s->n++) {
		s->index[s->n] = rd_u64(r);
		if (s->index[s->n] >= l->edge.size || (s->n > 0 &&
		    s->index[s->n] <= s->index[s->n - 1]))
			return JIT_E_FORMAT;
	}
	return r->err;
}

static enum jit_err
get_matter(struct rd *r, struct ledger *l, struct jit_why *why)
{
	JIT_SCOPED(matter_free) struct matter *m = calloc(1, sizeof(*m));
	uint8_t kind = rd_u8(r);

	if (m == NULL)
		return JIT_E_NOMEM;
	if (kind != 1 && kind != 2)
		return JIT_E_FORMAT;
	JIT_TRY(kind == 1 ? get_whole(r, l, m, why) :
	    get_settled(r, l, &m->settled));
	if (ledger_find(l, &m->settled.id) != NULL)
		return JIT_E_FORMAT;
	JIT_TRY(ledger_insert(l, m));
	m = NULL;
	return JIT_OK;
}

static enum jit_err
get_ever(struct rd *r, struct ledger *l, struct jit_why *why)
{
	uint32_t n = rd_u32(r);

	/* Genesis has put the first there. */
	if (n == 0)
		return JIT_E_FORMAT;
	for (uint32_t i = 0; i < n; i++) {
		struct span blob = rd_string(r, SSH_BLOB_MAX);
		JIT_SCOPED(ssh_key_free) struct ssh_key *k = NULL;
		void *v = l->ever;

		JIT_TRY(r->err);
		JIT_TRY(ssh_key_parse(blob, &k, why));
		if (i == 0 && ssh_key_eq(k, l->ever[0]))
			continue;
		if (i == 0 || ledger_ca_ever(l, k) != NULL)
			return JIT_E_FORMAT;
		JIT_TRY(ledger_grow(&v, l->n_ever + 1, &l->cap_ever,
		    sizeof(l->ever[0])));
		l->ever = v;
		l->ever[l->n_ever++] = k;
		k = NULL;
	}
	return r->err;
}

static enum jit_err
get_locks(struct rd *r, struct ledger *l)
{
	uint32_t n = rd_u32(r);

	if (r->err != JIT_OK || n > POLICY_BLOCKS_MAX)
		return JIT_E_FORMAT;
	if ((l->locked = calloc(n + 1, sizeof(*l->locked))) == NULL)
		return JIT_E_NOMEM;
	for (; l->n_locked < n; l->n_locked++) {
		struct locked *k = &l->locked[l->n_locked];
		struct span name = rd_string(r, 32);

		k->index = rd_u64(r);
		if (r->err != JIT_OK || !text_is_name(name) ||
		    k->index >= l->edge.size)
			return JIT_E_FORMAT;
		if ((k->name = ledger_intern(l, name)) == NULL)
			return JIT_E_NOMEM;
		if (l->n_locked > 0 && strcmp(k[-1].name, k->name) >= 0)
			return JIT_E_FORMAT;
	}
	JIT_TRY(ledger_share_locks(l));
	/* Nobody is locked who is not enrolled. */
	return l->n_locked == n ? JIT_OK : JIT_E_FORMAT;
}

static enum jit_err
get_keys(struct rd *r, struct ledger *l, struct jit_why *why)
{
	JIT_DONE(ca_keys_done) struct ca_keys k = { 0 };
	struct span keys;
	size_t ever;

	JIT_TRY(get_ever(r, l, why));
	keys = rd_string(r, CA_KEYS_MAX * (SSH_BLOB_MAX + CA_CHAIN_MAX *
	    X509_CA_MAX));
	JIT_TRY(r->err);
	JIT_TRY(ca_keys_get(keys, &k, why));
	ever = l->n_ever;
	JIT_TRY(ledger_set_keys(l, &k));
	if (l->n_ever != ever || l->keys_index >= l->edge.size ||
	    l->revoked >= l->edge.size)
		return JIT_E_FORMAT;
	return get_locks(r, l);
}

static enum jit_err
get_all(struct rd *r, struct ledger *l, struct jit_why *why)
{
	struct span head = rd_string(r, 64);
	uint64_t size = rd_u64(r);
	struct entry genesis;
	uint32_t n;

	l->time = (utc_s)rd_u64(r);
	l->erased = rd_u64(r);
	l->lost_requests = rd_u64(r);
	l->lost = rd_u64(r);
	l->unjudged = rd_u64(r);
	l->next_serial = rd_u64(r);
	l->spare_serials = rd_u64(r);
	l->policy_index = rd_u64(r);
	l->recovery = rd_u64(r);
	l->given_up = rd_u64(r);
	l->keys_index = rd_u64(r);
	l->revoked = rd_u64(r);
	get_edge(r, size, &l->edge);
	JIT_TRY(r->err);
	if (!span_eq_str(head, HEAD) || size == 0 || l->time < 0 ||
	    l->next_serial == 0 || l->policy_index >= size ||
	    l->recovery >= size)
		return JIT_E_FORMAT;
	JIT_TRY(get_entry(r, &genesis));
	JIT_TRY(ledger_take_genesis(l, &genesis, why));
	JIT_TRY(get_policy(r, l, why));
	JIT_TRY(get_blobs(r, l));
	JIT_TRY(get_keys(r, l, why));
	n = rd_u32(r);
	/* Without a policy there can be no request. */
	if ((l->policy == NULL) != (l->policy_index == 0) ||
	    (n > 0 && l->policy == NULL))
		return JIT_E_FORMAT;
	for (uint32_t i = 0; i < n; i++)
		JIT_TRY(get_matter(r, l, why));
	return r->err;
}

enum jit_err
ledger_load(struct rd *r, struct ledger **ret, struct jit_why *why)
{
	JIT_SCOPED(ledger_free) struct ledger *l = NULL;
	enum jit_err e;

	JIT_TRY(ledger_new(&l));
	e = get_all(r, l, why);
	if (e == JIT_E_NOMEM || e == JIT_E_CRYPTO)
		return e;
	if (e != JIT_OK)
		return jit_fail(why, JIT_E_FORMAT, "not a ledger's bytes");
	l->edge_was = l->edge;
	*ret = l;
	l = NULL;
	return JIT_OK;
}
