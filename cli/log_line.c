/* log_line - what one entry of the log says, in words. */
#include <stdlib.h>
#include <string.h>

#include "ca/grant/keys.h"
#include "cli/ended.h"
#include "cli/log_line.h"
#include "cli/opens.h"

#define NAME_SIZE 33

struct log_asked {
	struct ulid id;
	char who[NAME_SIZE], role[NAME_SIZE];
	utc_s closes;
};

void
log_words_done(struct log_words *x)
{
	free(x->asked);
	*x = (struct log_words){ .now = 0 };
}

void
log_line_done(struct log_line *l)
{
	wr_done(&l->what);
}

/* ---- who asked for it ---- */

static void
forget(struct log_words *r, utc_s t)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		if (r->asked[i].closes + JUDGE_CLOCK_SLACK >= t)
			r->asked[n++] = r->asked[i];
	r->n = n;
}

static void
copy_name(char ret[static NAME_SIZE], struct span s)
{
	size_t n = s.n < NAME_SIZE ? s.n : NAME_SIZE - 1;

	memcpy(ret, s.p, n);
	ret[n] = '\0';
}

static enum jit_err
remember(struct log_words *r, const struct request *q, utc_s t)
{
	const bool full = r->n == r->cap;
	struct log_asked *a;

	if (full)
		forget(r, t);
	/* Less than half was forgotten: room for twice as many. */
	if (full && r->n >= r->cap / 2) {
		size_t cap = r->cap > 0 ? 2 * r->cap : 64;

		if ((a = realloc(r->asked, cap * sizeof(*a))) == NULL)
			return JIT_E_NOMEM;
		r->asked = a;
		r->cap = cap;
	}
	a = &r->asked[r->n++];
	a->id = q->id;
	a->closes = q->closes;
	copy_name(a->who, q->requester);
	copy_name(a->role, q->role);
	return JIT_OK;
}

/* Fill in what the entry does not say itself. */
static void
recall(const struct log_words *r, struct log_line *l)
{
	for (size_t i = r->n; i > 0; i--) {
		const struct log_asked *a = &r->asked[i - 1];

		if (strcmp(a->id.s, l->id.s) != 0)
			continue;
		l->whose = span_str(a->who);
		l->role = span_str(a->role);
		return;
	}
}

/* ---- one entry ---- */

static void
put_quoted(struct wr *w, const char *before, struct span s)
{
	if (s.n == 0)
		return;
	wr_str(w, before);
	wr_str(w, "\"");
	wr_span(w, s);
	wr_str(w, "\"");
}

static enum jit_err
read_request(struct log_words *r, const struct entry *e, struct log_line *l,
    const struct rec_signed *s, struct jit_why *why)
{
	struct request q;
	char dur[WHEN_TEXT], closes[WHEN_TEXT];

	JIT_TRY(request_parse(s->text, &q, why));
	JIT_TRY(remember(r, &q, e->time));
	l->who = l->whose = q.requester;
	l->role = q.role;
	l->id = q.id;
	wr_str(&l->what, "asks for ");
	wr_span(&l->what, q.role);
	if (q.kind == KIND_X509) {
		wr_str(&l->what, " (");
		opens_put_names(&l->what, &q);
		wr_str(&l->what, ")");
	}
	wr_fmt(&l->what, " for %s before %s", when_dur(q.duration, dur),
	    when_text(WHEN_BOTH, q.closes, r->now, closes));
	put_quoted(&l->what, ": ", q.reason);
	return JIT_OK;
}

static enum jit_err
read_decision(struct log_words *r, const struct entry *e, struct log_line *l,
    const struct rec_signed *s, struct jit_why *why)
{
	struct decision dec;
	struct request q;

	(void)r;
	(void)e;
	JIT_TRY(decision_parse(s->text, &dec, why));
	JIT_TRY(request_parse(dec.request_text, &q, why));
	l->who = dec.approver;
	l->whose = q.requester;
	l->role = q.role;
	l->id = dec.request;
	wr_fmt(&l->what, "%s ", dec.verdict == VERDICT_APPROVE ?
	    "approves" : "DENIES");
	wr_span(&l->what, q.role);
	wr_str(&l->what, " for ");
	wr_span(&l->what, q.requester);
	put_quoted(&l->what, ": ", dec.comment);
	return JIT_OK;
}

static enum jit_err
read_act(struct log_words *r, const struct entry *e, struct log_line *l,
    const struct rec_signed *s, struct jit_why *why)
{
	struct act act;
	enum act_kind kind = dossier_act_kind(e);

	JIT_TRY(act_parse(s->text, kind, &act, why));
	l->who = act.by;
	l->id = act.request;
	recall(r, l);
	if (kind == ACT_REVOKE) {
		wr_str(&l->what, "REVOKES ");
		wr_span(&l->what, l->role);
		wr_str(&l->what, " of ");
		wr_span(&l->what, l->whose);
	} else {
		wr_str(&l->what, kind == ACT_DROP ? "gives the access back" :
		    "takes the request back");
	}
	put_quoted(&l->what, ": ", act.comment);
	return JIT_OK;
}

/* Whose it is about is the person's, that a log of theirs shows it. */
static enum jit_err
read_lock(struct log_words *r, const struct entry *e, struct log_line *l,
    const struct rec_signed *s, struct jit_why *why)
{
	struct lock lock;

	(void)r;
	(void)e;
	JIT_TRY(lock_parse(s->text, &lock, why));
	l->who = lock.by;
	l->whose = lock.person;
	wr_str(&l->what, lock.unlock ? "lets " : "LOCKS OUT ");
	wr_span(&l->what, lock.person);
	wr_str(&l->what, lock.unlock ? " in again" : "");
	put_quoted(&l->what, ": ", lock.comment);
	return JIT_OK;
}

/* By the signer: nobody did it. */
static enum jit_err
read_ended(struct log_words *r, const struct entry *e, struct log_line *l,
    struct jit_why *why)
{
	struct rec_ended end;

	JIT_TRY(rec_get_ended(e->body, &end, why));
	l->id = end.request;
	recall(r, l);
	wr_str(&l->what, "the signer ends ");
	wr_span(&l->what, l->role);
	wr_str(&l->what, " of ");
	wr_span(&l->what, l->whose);
	wr_fmt(&l->what, ": %s, log #%llu", ended_cause_words(end.cause),
	    (unsigned long long)end.by_index);
	return JIT_OK;
}

static enum jit_err
read_keys(const struct entry *e, struct log_line *l, struct jit_why *why)
{
	JIT_DONE(ca_keys_done) struct ca_keys k = { .n = 0 };

	JIT_TRY(ca_keys_get(e->body, &k, why));
	wr_str(&l->what, "these CA keys are published:");
	for (size_t i = 0; i < k.n; i++) {
		char fp[SSH_FP_TEXT];

		ssh_key_fingerprint(k.v[i].key, fp);
		wr_fmt(&l->what, "%s %s %s %s", i > 0 ? "," : "",
		    ca_use_name(k.v[i].use), ca_state_name(k.v[i].state), fp);
	}
	return JIT_OK;
}

static void
put_names(struct wr *w, const struct issued *c)
{
	const struct ssh_cert_fields *f;

	if (c->kind == KIND_X509) {
		const struct x509_fields *x = x509_cert_fields(c->x509);

		for (size_t k = 0; k < x->n_subject; k++) {
			wr_str(w, k > 0 ? ", " : " ");
			wr_span(w, x->subject[k]);
		}
		return;
	}
	f = ssh_cert_fields(c->ssh);
	for (size_t k = 0; k < f->n_principals; k++) {
		wr_str(w, k > 0 ? ", " : " ");
		wr_span(w, f->principals[k]);
	}
}

static enum jit_err
read_issued(const struct log_words *r, const struct entry *e,
    struct log_line *l, struct jit_why *why)
{
	JIT_DONE(issued_done) struct issued c = { 0 };
	const struct rec_issued *i = &l->issued;
	uint8_t serial[ISSUED_SERIAL];
	char until[WHEN_TEXT];

	JIT_TRY(rec_get_issued(e->body, &l->issued, why));
	JIT_TRY(issued_parse(i->cert, &c, why));
	issued_serial(&c, serial);
	l->id = i->request;
	recall(r, l);
	l->who = l->whose;
	(void)issued_serial_text(c.kind, serial, l->serial);
	l->kind = c.kind;
	l->until = issued_life(&c).until;
	wr_fmt(&l->what, "HAS ACCESS: certificate %s for", l->serial);
	put_names(&l->what, &c);
	wr_fmt(&l->what, " until %s, allowed by", when_text(WHEN_BOTH,
	    l->until, r->now, until));
	for (size_t k = 0; k < i->n_approvals; k++)
		wr_fmt(&l->what, "%s #%llu", k > 0 ? "," : "",
		    (unsigned long long)i->approvals[k]);
	return JIT_OK;
}

/* Entries that somebody signed. */
static const struct {
	enum entry_type type;
	enum jit_err (*read)(struct log_words *r, const struct entry *e,
	    struct log_line *l, const struct rec_signed *s,
	    struct jit_why *why);
} readers[] = {
	{ ENTRY_REQUEST, read_request }, { ENTRY_DECISION, read_decision },
	{ ENTRY_CANCEL, read_act }, { ENTRY_DROP, read_act },
	{ ENTRY_REVOKE, read_act }, { ENTRY_LOCK, read_lock },
};

static enum jit_err
read_signed(struct log_words *r, const struct entry *e, struct log_line *l,
    bool *is, struct jit_why *why)
{
	struct rec_signed s;

	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
		if (readers[i].type != (enum entry_type)e->type)
			continue;
		JIT_TRY(rec_get_signed(e->body, readers[i].type, &s, why));
		return readers[i].read(r, e, l, &s, why);
	}
	*is = false;
	return JIT_OK;
}

enum jit_err
log_line_read(struct log_words *r, const struct entry *e, struct log_line *l,
    bool *is, struct jit_why *why)
{
	*is = true;
	if (e->erased) {
		wr_fmt(&l->what, "%s (its body was erased)",
		    entry_type_name(e->type));
		return JIT_OK;
	}
	switch (e->type) {
	case ENTRY_ISSUED:
		return read_issued(r, e, l, why);
	case ENTRY_ENDED:
		return read_ended(r, e, l, why);
	case ENTRY_KEYS:
		return read_keys(e, l, why);
	case ENTRY_GENESIS:
		wr_str(&l->what, "the log begins");
		return JIT_OK;
	case ENTRY_POLICY:
		wr_fmt(&l->what, "policy #%llu is in force",
		    (unsigned long long)e->index);
		return JIT_OK;
	case ENTRY_RECOVERY:
		wr_str(&l->what, "ADMINS LET THE LOG GO ON after it had "
		    "stopped");
		return JIT_OK;
	default:
		return read_signed(r, e, l, is, why);
	}
}
