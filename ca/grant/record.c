#include <string.h>

#include "ca/grant/decision.h"
#include "ca/grant/record.h"
#include "ca/ssh/cert.h"
#include "ca/ssh/sshsig.h"

#define VERSION 1

static enum jit_err
malformed(struct jit_why *why, const char *what)
{
	return jit_fail(why, JIT_E_FORMAT, "malformed %s entry", what);
}

void
rec_put_signed(struct wr *w, enum entry_type t, const struct rec_signed *s)
{
	wr_string(w, s->text);
	wr_string(w, s->sig);
	if (t == ENTRY_REQUEST)
		wr_string(w, s->possess);
}

enum jit_err
rec_get_signed(struct span body, enum entry_type t, struct rec_signed *ret,
    struct jit_why *why)
{
	struct rd r = rd_of(body);
	struct rec_signed s = { .text = rd_string(&r, DECISION_MAX) };

	s.sig = rd_string(&r, SSHSIG_MAX);
	if (t == ENTRY_REQUEST)
		s.possess = rd_string(&r, REQUEST_POSSESS_MAX);
	if (rd_end(&r) != JIT_OK)
		return malformed(why, entry_type_name((uint8_t)t));
	*ret = s;
	return JIT_OK;
}

void
rec_put_issued(struct wr *w, const struct rec_issued *i)
{
	wr_cstring(w, i->request.s);
	wr_string(w, i->cert);
	wr_raw(w, i->secret, sizeof(i->secret));
	wr_u64(w, i->request_index);
	wr_u64(w, i->policy_index);
	wr_u32(w, (uint32_t)i->n_approvals);
	for (size_t k = 0; k < i->n_approvals; k++)
		wr_u64(w, i->approvals[k]);
}

enum jit_err
rec_get_issued(struct span body, struct rec_issued *ret, struct jit_why *why)
{
	struct rd r = rd_of(body);
	struct rec_issued i = { .n_approvals = 0 };
	struct span id = rd_string(&r, ULID_LEN);
	uint32_t n;

	i.cert = rd_string(&r, SSH_CERT_MAX);
	rd_copy(&r, i.secret, sizeof(i.secret));
	i.request_index = rd_u64(&r);
	i.policy_index = rd_u64(&r);
	n = rd_u32(&r);
	if (n > RECORD_APPROVALS_MAX)
		return malformed(why, "issued");
	for (i.n_approvals = 0; i.n_approvals < n; i.n_approvals++)
		i.approvals[i.n_approvals] = rd_u64(&r);
	if (rd_end(&r) != JIT_OK || ulid_parse(id, &i.request) != JIT_OK)
		return malformed(why, "issued");
	*ret = i;
	return JIT_OK;
}

enum jit_err
rec_put_policy(struct wr *w, const struct policy *p)
{
	struct digest whole;

	JIT_TRY(policy_digest(p, &whole));
	wr_u8(w, VERSION);
	wr_span(w, DIGEST_SPAN(whole));
	wr_u32(w, (uint32_t)policy_count(p));
	for (size_t i = 0; i < policy_count(p); i++) {
		const struct block *b = policy_at(p, i);

		wr_u8(w, (uint8_t)b->kind);
		wr_string(w, b->name);
		wr_span(w, DIGEST_SPAN(b->digest));
	}
	return w->err;
}

enum jit_err
rec_get_policy(struct span body, struct digest *whole, rec_block_fn fn,
    void *arg, struct jit_why *why)
{
	struct rd r = rd_of(body);
	uint8_t version = rd_u8(&r);
	uint32_t n;

	rd_copy(&r, whole->b, sizeof(whole->b));
	n = rd_u32(&r);
	if (r.err != JIT_OK || version != VERSION || n > POLICY_BLOCKS_MAX)
		return malformed(why, "policy");
	for (uint32_t i = 0; i < n; i++) {
		uint8_t kind = rd_u8(&r);
		struct span name = rd_string(&r, 32);
		struct digest d;

		rd_copy(&r, d.b, sizeof(d.b));
		if (r.err != JIT_OK || kind >= BLOCK_KINDS)
			return malformed(why, "policy");
		JIT_TRY(fn(arg, (enum block_kind)kind, name, &d));
	}
	return rd_end(&r) == JIT_OK ? JIT_OK : malformed(why, "policy");
}

/* ---- genesis ---- */

enum jit_err
rec_fill_genesis(const struct policy *p, const struct tlog_vkey *log,
    const struct ssh_key *ca, struct rec_genesis *ret, struct jit_why *why)
{
	const struct block *a = policy_get(p, BLOCK_ADMINS, SPAN_NONE);
	struct rec_genesis g = { .log = *log, .user_ca = ssh_key_blob(ca) };

	if (a == NULL)
		return jit_fail(why, JIT_E_POLICY, "no admins");
	g.need = a->admins.need;
	for (size_t i = 0; i < policy_count(p); i++) {
		const struct block *b = policy_at(p, i);
		struct rec_admin *who = &g.admins[g.n_admins];

		if (b->kind != BLOCK_PERSON ||
		    !person_in(&b->person, &a->admins.of))
			continue;
		if (g.n_admins == RECORD_ADMINS_MAX)
			return jit_fail(why, JIT_E_POLICY, "more than %d "
			    "admins", RECORD_ADMINS_MAX);
		who->name = b->name;
		who->n_keys = b->person.n_keys;
		for (size_t k = 0; k < who->n_keys; k++)
			who->keys[k] = ssh_key_blob(b->person.keys[k]);
		g.n_admins++;
	}
	*ret = g;
	return JIT_OK;
}

enum jit_err
rec_log_key(const struct tlog_vkey *v, struct ssh_key **ret)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(128);

	wr_cstring(&w, ssh_type_name(SSH_ED25519));
	wr_string(&w, SPAN(v->pub, sizeof(v->pub)));
	JIT_TRY(w.err);
	return ssh_key_parse(wr_view(&w), ret, NULL);
}

void
rec_put_genesis(struct wr *w, const struct rec_genesis *g)
{
	size_t mark;

	wr_u8(w, VERSION);
	mark = wr_string_begin(w);
	tlog_vkey_put(w, &g->log);
	wr_string_end(w, mark);
	wr_string(w, g->user_ca);
	wr_u32(w, g->need);
	wr_u32(w, (uint32_t)g->n_admins);
	for (size_t i = 0; i < g->n_admins; i++) {
		const struct rec_admin *a = &g->admins[i];

		wr_string(w, a->name);
		wr_u32(w, (uint32_t)a->n_keys);
		for (size_t k = 0; k < a->n_keys; k++)
			wr_string(w, a->keys[k]);
	}
}

static void
get_admin(struct rd *r, struct rec_admin *a)
{
	uint32_t n;

	a->name = rd_string(r, 32);
	n = rd_u32(r);
	if (!text_is_name(a->name) || n == 0 || n > RECORD_KEYS_MAX)
		rd_fail(r);
	for (a->n_keys = 0; r->err == JIT_OK && a->n_keys < n; a->n_keys++)
		a->keys[a->n_keys] = rd_string(r, SSH_BLOB_MAX);
}

enum jit_err
rec_get_genesis(struct span body, struct rec_genesis *ret,
    struct jit_why *why)
{
	struct rd r = rd_of(body);
	struct rec_genesis g = { 0 };
	uint8_t version = rd_u8(&r);
	struct span vkey = rd_string(&r, TLOG_VKEY_MAX);
	uint32_t n;

	g.user_ca = rd_string(&r, SSH_BLOB_MAX);
	g.need = rd_u32(&r);
	n = rd_u32(&r);
	if (r.err != JIT_OK || version != VERSION || n > RECORD_ADMINS_MAX ||
	    g.need == 0 || g.need > n)
		return malformed(why, "genesis");
	for (; r.err == JIT_OK && g.n_admins < n; g.n_admins++)
		get_admin(&r, &g.admins[g.n_admins]);
	if (rd_end(&r) != JIT_OK ||
	    tlog_vkey_parse(vkey, &g.log, NULL) != JIT_OK)
		return malformed(why, "genesis");
	*ret = g;
	return JIT_OK;
}

void
rec_put_ended(struct wr *w, const struct rec_ended *e)
{
	wr_cstring(w, e->request.s);
	wr_u8(w, (uint8_t)e->cause);
	wr_u64(w, e->by_index);
}

enum jit_err
rec_get_ended(struct span body, struct rec_ended *ret, struct jit_why *why)
{
	struct rd r = rd_of(body);
	struct span id = rd_string(&r, ULID_LEN);
	struct rec_ended e = { .cause = ENDED_LOCKED };
	uint8_t cause = rd_u8(&r);

	e.by_index = rd_u64(&r);
	if (rd_end(&r) != JIT_OK || ulid_parse(id, &e.request) != JIT_OK ||
	    cause < ENDED_LOCKED || cause > ENDED_KEY)
		return malformed(why, "ended");
	e.cause = (enum ended_cause)cause;
	*ret = e;
	return JIT_OK;
}

/* ---- recovery ---- */

void
rec_put_recovery(struct wr *w, const struct rec_recovery *rec)
{
	wr_u32(w, (uint32_t)rec->n);
	for (size_t i = 0; i < rec->n; i++) {
		wr_string(w, rec->by[i].text);
		wr_string(w, rec->by[i].sig);
	}
	wr_string(w, rec->lost);
}

enum jit_err
rec_get_recovery(struct span body, struct rec_recovery *ret,
    struct jit_why *why)
{
	struct rd r = rd_of(body);
	struct rec_recovery rec = { 0 };
	uint32_t n = rd_u32(&r);

	if (n == 0 || n > RECORD_ADMINS_MAX)
		return malformed(why, "recovery");
	for (; r.err == JIT_OK && rec.n < n; rec.n++) {
		rec.by[rec.n].text = rd_string(&r, ACT_MAX);
		rec.by[rec.n].sig = rd_string(&r, SSHSIG_MAX);
	}
	rec.lost = rd_string(&r, TLOG_NOTE_MAX);
	if (rd_end(&r) != JIT_OK)
		return malformed(why, "recovery");
	*ret = rec;
	return JIT_OK;
}

/* ---- which request ---- */

/* The value of the first line "<name>: <ULID>" of a text. */
static bool
find_id(struct span text, const char *name, struct ulid *ret)
{
	size_t n = strlen(name);
	struct span line;

	while (span_take_line(&text, &line) && line.n > 0)
		if (line.n > n && memcmp(line.p, name, n) == 0)
			return ulid_parse(SPAN(line.p + n, line.n - n),
			    ret) == JIT_OK;
	return false;
}

bool
rec_about(enum entry_type t, struct span body, struct ulid *ret)
{
	struct rd r = rd_of(body);
	struct span first = rd_string(&r, DECISION_MAX);

	if (r.err != JIT_OK)
		return false;
	switch (t) {
	case ENTRY_ISSUED:
	case ENTRY_ENDED:
		return ulid_parse(first, ret) == JIT_OK;
	case ENTRY_REQUEST:
		return find_id(first, "id: ", ret);
	case ENTRY_DECISION:
	case ENTRY_CANCEL:
	case ENTRY_DROP:
	case ENTRY_REVOKE:
		return find_id(first, "request: ", ret);
	default:
		return false;
	}
}
