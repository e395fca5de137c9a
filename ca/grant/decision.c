#include "ca/grant/decision.h"

/* One of two words. */
static unsigned
read_word(struct lines *l, const char *name, const char *const words[2])
{
	struct span v = lines_value(l, name);

	if (l->err != JIT_OK || span_eq_str(v, words[0]))
		return 0;
	if (span_eq_str(v, words[1]))
		return 1;
	lines_fail(l, JIT_E_FORMAT, "%s: accepted is %s or %s", name,
	    words[0], words[1]);
	return 0;
}

static const char *const verdicts[2] = { "approve", "deny" };
static const char *const act_kinds[ACT_KINDS] = {
	[ACT_CANCEL] = "cancel", [ACT_DROP] = "drop", [ACT_REVOKE] = "revoke",
};
static const char *const locks[2] = { "lock", "unlock" };
static const char *const causes[2] = { "rollback", "clock" };

static enum jit_err
too_long(const char *what, struct span text, size_t max, struct jit_why *why)
{
	if (text.n <= max)
		return JIT_OK;
	return jit_fail(why, JIT_E_SIZE, "a %s of %zu bytes, accepted are at "
	    "most %zu", what, text.n, max);
}

enum jit_err
decision_parse(struct span text, struct decision *ret, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr again = WR_INIT(DECISION_MAX);
	struct decision d = { 0 };
	struct request r;
	struct lines l;
	enum jit_err e;

	JIT_TRY(too_long("decision", text, DECISION_MAX, why));
	l = lines_open(text, "decision", why);
	d.log = lines_ascii(&l, "log");
	d.verdict = (enum verdict)read_word(&l, "verdict", verdicts);
	d.approver = lines_name(&l, "approver");
	d.decided = lines_utc(&l, "decided");
	lines_ulid(&l, "request", &d.request);
	d.comment = lines_plain(&l, "comment", COMMENT_MAX);
	d.request_text = lines_rest(&l);
	JIT_TRY(lines_end(&l));
	if ((e = request_parse(d.request_text, &r, why)) != JIT_OK)
		return jit_at(why, e, "the request inside");
	if (!span_eq_str(span_str(r.id.s), d.request.s) ||
	    !span_eq(r.log, d.log))
		return jit_fail(why, JIT_E_OTHERTEXT, "the decision names "
		    "request %s, and holds %s", d.request.s, r.id.s);
	decision_put(&again, &d);
	JIT_TRY(lines_check_same(text, &again, why));
	*ret = d;
	return JIT_OK;
}

void
decision_put(struct wr *w, const struct decision *d)
{
	lines_put_head(w, "decision");
	lines_put(w, "log", d->log);
	lines_put_str(w, "verdict", verdicts[d->verdict]);
	lines_put(w, "approver", d->approver);
	lines_put_utc(w, "decided", d->decided);
	lines_put_str(w, "request", d->request.s);
	lines_put(w, "comment", d->comment);
	wr_u8(w, '\n');
	wr_span(w, d->request_text);
}

enum jit_err
act_parse(struct span text, enum act_kind kind, struct act *ret,
    struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr again = WR_INIT(ACT_MAX);
	struct act a = { .kind = kind };
	struct lines l;

	JIT_TRY(too_long(act_kinds[kind], text, ACT_MAX, why));
	l = lines_open(text, act_kinds[kind], why);
	a.log = lines_ascii(&l, "log");
	a.by = lines_name(&l, "by");
	a.at = lines_utc(&l, "at");
	lines_ulid(&l, "request", &a.request);
	lines_digest(&l, "digest", &a.digest);
	a.comment = lines_plain(&l, "comment", COMMENT_MAX);
	JIT_TRY(lines_end(&l));
	act_put(&again, &a);
	JIT_TRY(lines_check_same(text, &again, why));
	*ret = a;
	return JIT_OK;
}

void
act_put(struct wr *w, const struct act *a)
{
	lines_put_head(w, act_kinds[a->kind]);
	lines_put(w, "log", a->log);
	lines_put(w, "by", a->by);
	lines_put_utc(w, "at", a->at);
	lines_put_str(w, "request", a->request.s);
	lines_put_digest(w, "digest", &a->digest);
	lines_put(w, "comment", a->comment);
}

const char *
act_namespace(enum act_kind kind)
{
	static const char *const ns[ACT_KINDS] = {
		[ACT_CANCEL] = NS_CANCEL, [ACT_DROP] = NS_DROP,
		[ACT_REVOKE] = NS_REVOKE,
	};

	return ns[kind];
}

enum jit_err
lock_parse(struct span text, struct lock *ret, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr again = WR_INIT(ACT_MAX);
	struct lock k = { 0 };
	struct lines l;

	JIT_TRY(too_long("lock", text, ACT_MAX, why));
	k.unlock = lines_open(text, locks[1], NULL).err == JIT_OK;
	l = lines_open(text, locks[k.unlock], why);
	k.log = lines_ascii(&l, "log");
	k.by = lines_name(&l, "by");
	k.at = lines_utc(&l, "at");
	k.person = lines_name(&l, "person");
	k.comment = lines_plain(&l, "comment", COMMENT_MAX);
	JIT_TRY(lines_end(&l));
	lock_put(&again, &k);
	JIT_TRY(lines_check_same(text, &again, why));
	*ret = k;
	return JIT_OK;
}

void
lock_put(struct wr *w, const struct lock *k)
{
	lines_put_head(w, locks[k->unlock]);
	lines_put(w, "log", k->log);
	lines_put(w, "by", k->by);
	lines_put_utc(w, "at", k->at);
	lines_put(w, "person", k->person);
	lines_put(w, "comment", k->comment);
}

const char *
lock_namespace(bool unlock)
{
	return unlock ? NS_UNLOCK : NS_LOCK;
}

enum jit_err
recovery_parse(struct span text, struct recovery *ret, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr again = WR_INIT(ACT_MAX);
	struct recovery r = { 0 };
	struct lines l;

	JIT_TRY(too_long("recovery", text, ACT_MAX, why));
	l = lines_open(text, "recovery", why);
	r.log = lines_ascii(&l, "log");
	r.by = lines_name(&l, "by");
	r.at = lines_utc(&l, "at");
	r.size = lines_uint(&l, "size", UINT64_MAX);
	lines_digest(&l, "root", &r.root);
	r.cause = (enum recovery_cause)read_word(&l, "cause", causes);
	r.comment = lines_plain(&l, "comment", COMMENT_MAX);
	JIT_TRY(lines_end(&l));
	recovery_put(&again, &r);
	JIT_TRY(lines_check_same(text, &again, why));
	*ret = r;
	return JIT_OK;
}

void
recovery_put(struct wr *w, const struct recovery *r)
{
	lines_put_head(w, "recovery");
	lines_put(w, "log", r->log);
	lines_put(w, "by", r->by);
	lines_put_utc(w, "at", r->at);
	wr_fmt(w, "size: %llu\n", (unsigned long long)r->size);
	lines_put_digest(w, "root", &r->root);
	lines_put_str(w, "cause", causes[r->cause]);
	lines_put(w, "comment", r->comment);
}
