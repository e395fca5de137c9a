#include "ca/base/log.h"
#include "signer/report.h"

/* What was just answered holds the entry: nothing is read for a line. */
static bool
answered(const struct task *t, struct receipts *ret, struct rec_issued *issued)
{
	const struct span frame = wr_view(&t->answer);
	struct answer a;
	struct rd r;

	if (frame.n < 4 || answer_get(SPAN(frame.p + 4, frame.n - 4), &a) !=
	    JIT_OK)
		return false;
	r = rd_of(a.payload);
	return receipts_get(&r, ret, NULL) == JIT_OK && ret->n == 1 &&
	    rec_get_issued(ret->v[0].e.body, issued, NULL) == JIT_OK;
}

/* The certificate as it stands in the log: serial, until when, for whom. */
static void
report_issued(const struct task *t, bool again)
{
	JIT_DONE(receipts_done) struct receipts in = { 0 };
	JIT_SCOPED(ssh_cert_free) struct ssh_cert *cert = NULL;
	const struct ssh_cert_fields *f;
	struct rec_issued r;
	char until[UTC_TEXT];

	if (!answered(t, &in, &r) ||
	    ssh_cert_parse(r.cert, &cert, NULL) != JIT_OK)
		return;
	f = ssh_cert_fields(cert);
	utc_text(f->before, until);
	/* The key id begins with the person's name. */
	log_line(LOG_L_INFO, again ? "collected" : "issued",
	    LOG_STR("request", r.request.s), LOG_SPAN("keyid", f->key_id),
	    LOG_NUM("serial", f->serial), LOG_STR("until", until),
	    LOG_NUM("entry", t->entry));
}

static void
report_request(const struct task *t)
{
	struct request r;

	if (request_parse(t->ask.text, &r, NULL) == JIT_OK)
		log_line(LOG_L_INFO, "request", LOG_STR("request", r.id.s),
		    LOG_SPAN("person", r.requester),
		    LOG_SPAN("role", r.role), LOG_NUM("entry", t->entry));
}

static void
report_decision(const struct task *t)
{
	struct decision d;

	if (decision_parse(t->ask.text, &d, NULL) == JIT_OK)
		log_line(LOG_L_INFO, "decision",
		    LOG_STR("request", d.request.s),
		    LOG_SPAN("person", d.approver),
		    LOG_STR("verdict", d.verdict == VERDICT_DENY ? "deny" :
		    "approve"), LOG_NUM("entry", t->entry));
}

/* The request that a refused task is about, as far as it can be told. */
static const char *
about(const struct task *t, struct ulid *id)
{
	struct request r;
	struct decision d;

	switch (t->ask.op) {
	case OP_REQUEST:
		if (request_parse(t->ask.text, &r, NULL) != JIT_OK)
			return NULL;
		*id = r.id;
		return id->s;
	case OP_DECISION:
		if (decision_parse(t->ask.text, &d, NULL) != JIT_OK)
			return NULL;
		*id = d.request;
		return id->s;
	case OP_CANCEL:
	case OP_DROP:
		return t->act.request.s[0] != '\0' ? t->act.request.s : NULL;
	case OP_COLLECT:
	case OP_SHOW:
	case OP_WAIT:
	case OP_FIND:
		return t->ask.id.s[0] != '\0' ? t->ask.id.s : NULL;
	default:
		return NULL;
	}
}

static void
report_refused(const struct task *t, uid_t uid)
{
	struct ulid id;

	log_line(LOG_L_WARN, "refused",
	    LOG_STR("op", op_name((uint8_t)t->ask.op)), LOG_CODE(t->err),
	    LOG_NUM("uid", uid), LOG_STR("request", about(t, &id)),
	    LOG_WHY(&t->why));
}

void
report_task(const struct task *t, uint64_t before, uid_t uid)
{
	bool again = t->logged && t->entry < before;

	if (t->err != JIT_OK) {
		report_refused(t, uid);
		return;
	}
	if (!t->logged || (again && t->ask.op != OP_COLLECT))
		return;
	switch (t->ask.op) {
	case OP_REQUEST:
		report_request(t);
		break;
	case OP_DECISION:
		report_decision(t);
		break;
	case OP_CANCEL:
	case OP_DROP:
		log_line(LOG_L_INFO, op_name((uint8_t)t->ask.op),
		    LOG_STR("request", t->act.request.s),
		    LOG_SPAN("person", t->act.by),
		    LOG_NUM("entry", t->entry));
		break;
	case OP_COLLECT:
		report_issued(t, again);
		break;
	default:
		break;
	}
}

void
report_frozen(const struct frozen *f, const struct jit_why *why)
{
	log_line(LOG_L_ERROR, "frozen",
	    LOG_STR("cause", f->cause == RECOVERY_CLOCK ? "clock" :
	    "rollback"),
	    LOG_STR("why", why != NULL && why->msg[0] != '\0' ? why->msg :
	    f->cause == RECOVERY_CLOCK ? "the clock cannot be believed" :
	    "somebody has seen more of this log than is here"),
	    LOG_STR("then", "nothing is logged or issued until admins sign a "
	    "recovery: jit-signer recover"));
}
