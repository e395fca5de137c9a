#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/x509/csr.h"
#include "cli/session_int.h"

void
session_free(struct session *s)
{
	if (s == NULL)
		return;
	while (s->policies != NULL) {
		struct proven *p = s->policies;

		s->policies = p->next;
		proven_free(p);
	}
	while (s->known != NULL) {
		struct known_keys *k = s->known;

		s->known = k->next;
		known_keys_free(k);
	}
	client_free(s->client);
	ssh_key_free(s->log_key);
	state_done(&s->state);
	free(s);
}

void
session_hang_up(struct session *s)
{
	client_hang_up(s->client);
}

const struct hello *
session_hello(const struct session *s)
{
	return client_hello(s->client);
}

const char *
session_log_id(const struct session *s)
{
	return client_log_id(s->client);
}

const struct tlog_vkey *
session_log(const struct session *s)
{
	return &s->state.trust.log;
}

const struct ssh_key *
session_first_ca(const struct session *s)
{
	return s->state.trust.user_ca;
}

struct span
session_note(const struct session *s)
{
	return client_note(s->client);
}

/* ---- open ---- */

enum jit_err
session_one(const struct receipts *r, enum entry_type type,
    struct jit_why *why)
{
	if (r->n != 1)
		return jit_fail(why, JIT_E_VERIFY, "%zu receipts, not one",
		    r->n);
	if (r->v[0].e.type != type)
		return jit_fail(why, JIT_E_VERIFY, "a receipt of a %s, not of "
		    "a %s", entry_type_name(r->v[0].e.type),
		    entry_type_name((uint8_t)type));
	if (r->v[0].e.erased)
		return jit_fail(why, JIT_E_ERASED, "the body of entry %llu was "
		    "erased", (unsigned long long)r->v[0].e.index);
	return JIT_OK;
}

/* Entry 0 names the log's key and the user CA: the ones that said hello. */
static enum jit_err
check_genesis(struct session *s, struct jit_why *why)
{
	static const uint8_t zero[8];
	const struct ask a = { .op = OP_PROVE, .count = 1,
	    .items = { zero, sizeof(zero) } };
	JIT_DONE(receipts_done) struct receipts r = { 0 };
	JIT_SCOPED(free) struct rec_genesis *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return JIT_E_NOMEM;
	JIT_TRY(client_receipts(s->client, &a, &r, why));
	JIT_TRY(session_one(&r, ENTRY_GENESIS, why));
	if (r.v[0].e.index != 0)
		return jit_fail(why, JIT_E_VERIFY, "genesis is not entry 0");
	JIT_TRY(client_untrue(rec_get_genesis(r.v[0].e.body, g, why), why));
	if (!tlog_vkey_eq(&g->log, &s->state.trust.log))
		return jit_fail(why, JIT_E_LOGNAME, "genesis names another "
		    "log key");
	if (!span_eq(g->user_ca, ssh_key_blob(s->state.trust.user_ca)))
		return jit_fail(why, JIT_E_LOGNAME, "genesis names another "
		    "user CA");
	return JIT_OK;
}

/* Only a person can know that what was seen was given up for good. */
static enum jit_err
went_back(const struct state *st, struct jit_why *why)
{
	char was[sizeof(why->msg)];

	if (why == NULL)
		return JIT_E_ROLLBACK;
	(void)snprintf(was, sizeof(was), "%s", why->msg);
	return jit_fail(why, JIT_E_ROLLBACK, "%s (only if its admins say that "
	    "they signed a recovery, remove %s/checkpoint and policy)", was,
	    st->dir);
}

enum jit_err
session_open(const struct session_config *c, struct session **ret,
    bool *first_use, struct jit_why *why)
{
	JIT_SCOPED(session_free) struct session *s = calloc(1, sizeof(*s));
	bool first;
	enum jit_err e;

	if (s == NULL)
		return JIT_E_NOMEM;
	JIT_TRY(state_open(c, &s->state, why));
	first = !s->state.trust.pinned;
	e = c->wire != NULL ?
	    client_open_over(c->wire, &s->state.trust, &s->client, why) :
	    client_open(c->socket, c->timeout_ms, &s->state.trust,
	    &s->client, why);
	if (e == JIT_E_ROLLBACK)
		return went_back(&s->state, why);
	JIT_TRY(e);
	JIT_TRY(client_untrue(rec_log_key(&s->state.trust.log, &s->log_key),
	    why));
	JIT_TRY(check_genesis(s, why));
	JIT_TRY(session_see_policy(s, session_hello(s)->policy_index, why));
	JIT_TRY(state_save(&s->state, s->client, why));
	*first_use = first;
	*ret = s;
	s = NULL;
	return JIT_OK;
}

enum jit_err
session_pins(const struct session_config *c, struct client_trust *ret,
    struct jit_why *why)
{
	JIT_DONE(state_done) struct state st = { 0 };

	JIT_TRY(state_open(c, &st, why));
	*ret = st.trust;
	st.trust = (struct client_trust){ .pinned = false };
	return JIT_OK;
}

/* ---- acts ---- */

/* What is sent as an operation: how its entry and its signature are named. */
struct act_row {
	enum op op;
	enum entry_type type;
	const char *ns;
};

static const struct act_row acts[] = {
	{ OP_REQUEST, ENTRY_REQUEST, NS_REQUEST },
	{ OP_DECISION, ENTRY_DECISION, NS_DECISION },
	{ OP_CANCEL, ENTRY_CANCEL, NS_CANCEL },
	{ OP_DROP, ENTRY_DROP, NS_DROP },
	{ OP_REVOKE, ENTRY_REVOKE, NS_REVOKE },
	{ OP_LOCK, ENTRY_LOCK, NULL },	/* namespace_of() */
};

static const struct act_row *
act_of(enum op op)
{
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
		if (acts[i].op == op)
			return &acts[i];
	return NULL;
}

/*
 * The signature that was sent, or another valid one by the same key: the
 * entry is from an earlier try, and not every key signs twice the same.
 */
static enum jit_err
check_sig(struct span got, struct span sent, const char *ns,
    struct span text, struct jit_why *why)
{
	JIT_DONE(signer_done) struct signer logged = { .key = NULL };
	JIT_DONE(signer_done) struct signer own = { .key = NULL };

	if (span_eq(got, sent))
		return JIT_OK;
	JIT_TRY(client_untrue(signer_open(got, ns, text, &logged, why), why));
	JIT_TRY(signer_read(sent, &own, why));
	return ssh_key_eq(logged.key, own.key) ? JIT_OK : jit_fail(why,
	    JIT_E_VERIFY, "what was sent is in the log, signed by another "
	    "key");
}

/* An x509 request's proof of possession is a CSR: an ECDSA key makes two. */
static enum jit_err
check_csr(struct span got, struct span sent, struct jit_why *why)
{
	JIT_DONE(csr_done) struct csr logged = { 0 };
	JIT_DONE(csr_done) struct csr own = { 0 };

	if (span_eq(got, sent))
		return JIT_OK;
	JIT_TRY(client_untrue(csr_open(got, &logged, why), why));
	JIT_TRY(csr_read(sent, &own, why));
	return ssh_key_eq(logged.key, own.key) && span_eq(logged.cn, own.cn) ?
	    JIT_OK : jit_fail(why, JIT_E_VERIFY, "what was sent is in the "
	    "log, with a certification request of another key");
}

static enum jit_err
check_possess(struct span got, const struct ask *a, struct jit_why *why)
{
	struct request q;

	JIT_TRY(request_parse(a->text, &q, why));
	return q.kind == KIND_X509 ? check_csr(got, a->possess, why) :
	    check_sig(got, a->possess, NS_POSSESS, a->text, why);
}

/* A lock and an unlock are one operation and type of entry. */
static enum jit_err
namespace_of(const struct act_row *row, struct span text, const char **ret,
    struct jit_why *why)
{
	struct lock l;

	*ret = row->ns;
	if (row->op != OP_LOCK)
		return JIT_OK;
	JIT_TRY(lock_parse(text, &l, why));
	*ret = lock_namespace(l.unlock);
	return JIT_OK;
}

/*
 * Who is locked out already is answered with the entry that did it: signed
 * by somebody else, perhaps, and no lie.
 */
static enum jit_err
check_other(const struct act_row *row, const struct entry *e,
    struct span got, struct span sent, struct jit_why *why)
{
	struct lock a, b;

	if (row->op == OP_LOCK && lock_parse(sent, &a, NULL) == JIT_OK &&
	    lock_parse(got, &b, NULL) == JIT_OK && !a.unlock && !b.unlock &&
	    span_eq(a.log, b.log) && span_eq(a.person, b.person))
		return jit_fail(why, JIT_E_EXISTS, "%.*s is locked out "
		    "already, by %.*s: log #%llu", (int)a.person.n,
		    (const char *)a.person.p, (int)b.by.n,
		    (const char *)b.by.p, (unsigned long long)e->index);
	return jit_fail(why, JIT_E_VERIFY, "entry %llu does not hold what was "
	    "sent", (unsigned long long)e->index);
}

/* The receipt is of just what was sent. */
static enum jit_err
check_sent(const struct receipts *r, const struct act_row *row,
    const struct ask *a, struct jit_why *why)
{
	struct rec_signed got;
	const char *ns = NULL;

	JIT_TRY(namespace_of(row, a->text, &ns, why));
	JIT_TRY(session_one(r, row->type, why));
	JIT_TRY(client_untrue(rec_get_signed(r->v[0].e.body, row->type, &got,
	    why), why));
	if (!span_eq(got.text, a->text))
		return check_other(row, &r->v[0].e, got.text, a->text, why);
	JIT_TRY(check_sig(got.sig, a->sig, ns, a->text, why));
	return row->op != OP_REQUEST ? JIT_OK : check_possess(got.possess, a,
	    why);
}

enum jit_err
session_send(struct session *s, enum op op, struct span text,
    struct span sig, struct span possess, struct sent *ret,
    struct jit_why *why)
{
	const struct ask a = { .op = op, .text = text, .sig = sig,
	    .possess = possess };
	JIT_DONE(receipts_done) struct receipts r = { 0 };
	const struct act_row *row = act_of(op);
	struct sent sent;

	if (row == NULL)
		return JIT_E_ARG;
	JIT_TRY(client_receipts(s->client, &a, &r, why));
	JIT_TRY(check_sent(&r, row, &a, why));
	sent = (struct sent){ r.v[0].e.index, r.v[0].e.time };
	JIT_TRY(state_save(&s->state, s->client, why));
	*ret = sent;
	return JIT_OK;
}
