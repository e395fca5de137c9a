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
		s.possess = rd_string(&r, SSHSIG_MAX);
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
