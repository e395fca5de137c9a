/* tell_json - a request for programs. */
#include "cli/ended.h"
#include "cli/tell.h"

static json_t *
json_decisions(const struct dossier *r)
{
	json_t *list = json_array();

	for (size_t i = 0; list != NULL && i < r->h.n_decisions; i++) {
		const struct open_decision *o = r->h.decision[i];
		char fp[SSH_FP_TEXT];

		ssh_key_fingerprint(o->by.key, fp);
		(void)json_array_append_new(list, json_pack(
		    "{s:o, s:s, s:o, s:s, s:o, s:I}", "person",
		    out_json_span(o->dec.approver), "verdict",
		    o->dec.verdict == VERDICT_APPROVE ? "approve" : "deny",
		    "at", out_json_utc(o->dec.decided), "key", fp, "comment",
		    out_json_span(o->dec.comment), "log_index",
		    (json_int_t)r->h.decision_index[i]));
	}
	return list;
}

/* Was the k-th decision counted when it was issued? */
static bool
was_counted(const struct dossier *r, size_t k)
{
	for (size_t i = 0; i < r->issued.n_approvals; i++)
		if (r->issued.approvals[i] == r->h.decision_index[k])
			return true;
	return false;
}

static json_t *
json_approvals(const struct desk *d, const struct dossier *r)
{
	json_t *list = json_array();
	struct quorum q = { 0 };

	if (!r->h.issued && judge_quorum(d->policy, &r->h, &q, NULL) !=
	    JIT_OK)
		q.have = 0;
	for (size_t i = 0; list != NULL && i < r->h.n_decisions; i++) {
		bool counts = r->h.issued && was_counted(r, i);

		for (unsigned k = 0; k < q.have && !counts; k++)
			counts = q.counted[k] == i;
		if (counts)
			(void)json_array_append_new(list, out_json_span(
			    r->h.decision[i]->dec.approver));
	}
	return list;
}

static json_t *
json_spans(const struct span *v, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; list != NULL && i < n; i++)
		(void)json_array_append_new(list, out_json_span(v[i]));
	return list;
}

/* By its kind: what the certificate says, or will. */
static void
put_opens(json_t *o, const struct request *q)
{
	if (o == NULL)
		return;
	if (q->kind == KIND_SSH_USER) {
		(void)json_object_set_new(o, "principals", json_spans(
		    q->principals, q->n_principals));
		(void)json_object_set_new(o, "options", json_spans(q->options,
		    q->n_options));
		return;
	}
	(void)json_object_set_new(o, "profile", out_json_span(q->profile));
	(void)json_object_set_new(o, "subject", json_spans(q->subject,
	    q->n_subject));
	(void)json_object_set_new(o, "sans", json_spans(q->sans, q->n_sans));
	(void)json_object_set_new(o, "crl", q->crl.n > 0 ?
	    out_json_span(q->crl) : json_null());
}

/* An SSH serial as a number as well, as it always was. */
static void
put_serial(json_t *o, const struct dossier *r)
{
	char text[ISSUED_SERIAL_TEXT];
	uint64_t n = 0;

	(void)tell_serial(r, text);
	(void)json_object_set_new(o, "serial_text", json_string(text));
	if (r->h.request->req.kind == KIND_SSH_USER &&
	    uint_parse(span_str(text), INT64_MAX, &n) == JIT_OK)
		(void)json_object_set_new(o, "serial",
		    json_integer((json_int_t)n));
	else
		(void)json_object_set_new(o, "serial", json_string(text));
}

json_t *
tell_json(struct desk *d, const struct dossier *r, utc_s now)
{
	const struct request *q = &r->h.request->req;
	struct quorum have = { 0 };
	enum standing s = desk_standing(d, r, now, &have, NULL);
	json_t *approvals = json_approvals(d, r), *end;
	json_t *o = json_pack("{s:s, s:s, s:o, s:o, s:s, s:i, s:o, s:o, s:o, "
	    "s:o, s:I, s:o, s:o, s:I}", "id", r->id.s, "kind",
	    request_kind_name(q->kind), "role",
	    out_json_span(q->role), "requester", out_json_span(q->requester),
	    "state", standing_name(s), "have",
	    (int)json_array_size(approvals), "approvals", approvals,
	    "created", out_json_utc(q->created), "opens",
	    out_json_utc(q->opens), "closes", out_json_utc(q->closes),
	    "duration", (json_int_t)q->duration, "reason",
	    out_json_span(q->reason), "decisions", json_decisions(r),
	    "log_index", (json_int_t)r->h.request_index);

	put_opens(o, q);
	if (o != NULL && (s == STAND_PENDING || s == STAND_APPROVED))
		(void)json_object_set_new(o, "need",
		    json_integer((json_int_t)have.need));
	if (o != NULL && r->h.issued) {
		put_serial(o, r);
		(void)json_object_set_new(o, "until",
		    out_json_utc(r->h.issued_until));
	}
	if (o != NULL && (end = ended_json(r)) != NULL)
		(void)json_object_set_new(o, "ended", end);
	return o;
}
