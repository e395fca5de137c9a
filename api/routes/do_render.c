/*
 * Texts that could be signed, for who has no jit-cert at hand.  A help, not
 * an authority: who signs looks at the text first, the signer judges it.
 */
#include <string.h>

#include "api/routes/receipts.h"
#include "ca/grant/decision.h"
#include "ca/x509/der.h"
#include "ca/x509/key.h"

#define WINDOW (8 * 3600)	/* s that approvers have, unless it says */
#define KEY_MAX (2 * SSH_BLOB_MAX)	/* bytes of a key, as text */

enum text_kind {
	TEXT_REQUEST, TEXT_DECISION, TEXT_CANCEL, TEXT_DROP, TEXT_REVOKE,
	TEXT_LOCK, TEXT_UNLOCK, TEXT_KINDS
};
static const char *const kinds[TEXT_KINDS] = { "request", "decision",
    "cancel", "drop", "revoke", "lock", "unlock" };

static enum jit_err
answer_text(struct js *j, struct span text, const struct ulid *id,
    const char *ns)
{
	js_open(j, NULL, '{');
	js_b64(j, "text", text);
	if (id != NULL)
		js_str(j, "id", id->s);
	js_str(j, "namespace", ns);
	js_close(j, '}');
	return JIT_OK;
}

/* ---- members ---- */

static enum jit_err
member_bad(struct jit_why *why, const char *name, const char *what)
{
	return jit_fail(why, JIT_E_FORMAT, "\"%s\": %s is accepted", name,
	    what);
}

static enum jit_err
take_utc(struct body *b, const char *name, utc_s *ret, struct jit_why *why)
{
	struct span s = SPAN_NONE;

	JIT_TRY(body_text_opt(b, name, UTC_TEXT, &s, why));
	if (s.p == NULL)
		return JIT_OK;
	return utc_parse(s, ret) == JIT_OK ? JIT_OK : member_bad(why, name,
	    "a moment as 2026-11-24T05:00:00Z");
}

static enum jit_err
take_id(struct body *b, struct ulid *ret, struct jit_why *why)
{
	struct span s;

	JIT_TRY(body_text(b, "request", ULID_LEN, &s, why));
	return ulid_parse(s, ret) == JIT_OK ? JIT_OK : member_bad(why,
	    "request", "the id of a request, 26 characters");
}

static enum jit_err
take_plain(struct body *b, const char *name, size_t max, struct span *ret,
    struct jit_why *why)
{
	enum jit_err e;

	JIT_TRY(body_text_opt(b, name, max, ret, why));
	if ((e = text_check_plain(*ret, why)) != JIT_OK)
		return jit_at(why, e, "\"%s\"", name);
	return JIT_OK;
}

/* ---- a request ---- */

struct drafted {
	struct request r;
	struct request_store store;
	struct ssh_key *key;		/* owned */
	char fp[SSH_FP_TEXT];
};

static void
drafted_done(struct drafted *d)
{
	ssh_key_free(d->key);
}
JIT_SCOPED_OBJ(struct drafted, drafted_done);

/* As openssl pkey -pubout writes it. */
static enum jit_err
key_of_pem(struct span s, struct ssh_key **ret)
{
	JIT_DONE(buf_done) struct buf der = { NULL, 0 };

	JIT_TRY(x509_pem_one(s, "PUBLIC KEY", &der, NULL));
	return x509_key_from_spki(BUF_SPAN(der), ret, NULL);
}

static enum jit_err
take_key(struct body *b, struct drafted *d, struct jit_why *why)
{
	static const char pem[] = "-----BEGIN ";
	struct span s;
	enum jit_err e;

	JIT_TRY(body_text(b, "certify", KEY_MAX, &s, why));
	e = s.n > sizeof(pem) && memcmp(s.p, pem, sizeof(pem) - 1) == 0 ?
	    key_of_pem(s, &d->key) :
	    ssh_key_parse_line(s, &d->key, NULL, NULL);
	if (e != JIT_OK)
		return member_bad(why, "certify", "a public key as "
		    "id_ed25519.pub or openssl pkey -pubout has it");
	ssh_key_fingerprint(d->key, d->fp);
	d->r.certify_type = span_str(ssh_key_type_name(d->key));
	d->r.certify = span_str(d->fp);
	return JIT_OK;
}

static enum jit_err
take_window(struct body *b, const struct reader *who, struct request *r,
    utc_s now, struct jit_why *why)
{
	const struct role *role = policy_role(who->policy, r->role);
	struct span s;

	JIT_TRY(body_text(b, "duration", DUR_TEXT, &s, why));
	if (dur_parse(s, &r->duration) != JIT_OK)
		return member_bad(why, "duration", "a duration as 45m");
	r->created = r->opens = now;
	JIT_TRY(take_utc(b, "opens", &r->opens, why));
	r->closes = r->opens + (r->duration > WINDOW ? r->duration : WINDOW);
	if (r->closes > now + role->horizon)
		r->closes = now + role->horizon;
	return take_utc(b, "closes", &r->closes, why);
}

static enum jit_err
take_request(struct call *c, struct body *b, const struct reader *who,
    struct drafted *d, struct jit_why *why)
{
	const utc_s now = certd_now(c->d);
	struct request *r = &d->r;
	struct span s;

	/* What the role gives may name both. */
	r->requester = who->person->name;
	JIT_TRY(ulid_make((int64_t)now * 1000, &c->d->rng, &r->id));
	JIT_TRY(body_text(b, "role", 32, &s, why));
	JIT_TRY(policy_fill_request(who->policy, s, r, &d->store, why));
	JIT_TRY(take_key(b, d, why));
	JIT_TRY(take_window(b, who, r, now, why));
	JIT_TRY(body_text(b, "collect", DIGEST_TEXT, &s, why));
	if (digest_parse(s, &r->collect) != JIT_OK)
		return member_bad(why, "collect", "\"sha256:\" and 64 hex "
		    "digits");
	JIT_TRY(take_plain(b, "reason", REASON_MAX, &r->reason, why));
	r->log = span_str(c->d->conf.log_id);
	return body_end(b, why);
}

static enum jit_err
render_request(struct call *c, struct body *b, struct js *j,
    struct jit_why *why)
{
	JIT_DONE(drafted_done) struct drafted d = { .key = NULL };
	JIT_DONE(wr_done) struct wr w = WR_INIT(REQUEST_MAX);
	struct request again;
	struct reader who;

	JIT_TRY(call_reader(c, &who, why));
	JIT_TRY(take_request(c, b, &who, &d, why));
	request_put(&w, &d.r);
	JIT_TRY(w.err);
	JIT_TRY(request_parse(wr_view(&w), &again, why));
	return answer_text(j, wr_view(&w), &d.r.id, NS_REQUEST);
}

/* ---- about one that is there: what was wanted waits in c->kept ---- */

/* verdict u8, comment string */
static enum jit_err
keep_wish(struct call *c, struct body *b, enum text_kind kind,
    struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(COMMENT_MAX + 16);
	struct span comment = SPAN_NONE, verdict = SPAN_NONE;

	JIT_TRY(take_id(b, &c->id, why));
	JIT_TRY(take_plain(b, "comment", COMMENT_MAX, &comment, why));
	if (kind == TEXT_DECISION) {
		JIT_TRY(body_text(b, "verdict", 16, &verdict, why));
		if (!span_eq_str(verdict, "approve") &&
		    !span_eq_str(verdict, "deny"))
			return member_bad(why, "verdict", "approve or deny");
	}
	JIT_TRY(body_end(b, why));
	c->number = kind;
	wr_u8(&w, span_eq_str(verdict, "deny"));
	wr_string(&w, comment);
	return wr_take(&w, &c->kept);
}

static enum act_kind
act_of(const struct call *c)
{
	return c->number == TEXT_REVOKE ? ACT_REVOKE :
	    c->number == TEXT_DROP ? ACT_DROP : ACT_CANCEL;
}

static enum jit_err
write_about(struct call *c, struct span text, struct js *j,
    struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(DECISION_MAX);
	struct rd r = rd_of(BUF_SPAN(c->kept));
	bool deny = rd_u8(&r) == 1;
	struct decision d = { .log = span_str(c->d->conf.log_id),
	    .verdict = deny ? VERDICT_DENY : VERDICT_APPROVE,
	    .approver = span_str(c->owner.person),
	    .decided = certd_now(c->d), .request = c->id,
	    .comment = rd_string(&r, COMMENT_MAX), .request_text = text };
	struct act a = { .kind = act_of(c), .log = d.log, .by = d.approver,
	    .at = d.decided, .request = c->id, .comment = d.comment };

	JIT_TRY(digest_sha256(text, &a.digest));
	if (c->number == TEXT_DECISION)
		decision_put(&w, &d);
	else
		act_put(&w, &a);
	if (w.err != JIT_OK)
		return jit_fail(why, w.err, "the text would be too long");
	return answer_text(j, wr_view(&w), &c->id, c->number ==
	    TEXT_DECISION ? NS_DECISION : act_namespace(a.kind));
}

static enum jit_err
render_about(struct call *c, const struct answer *a, struct js *j,
    struct jit_why *why)
{
	JIT_DONE(receipts_done) struct receipts r = { 0 };
	struct rd rd = rd_of(a->payload);
	struct rec_signed s;

	JIT_TRY(receipts_get(&rd, &r, why));
	if (r.n != 1 || r.v[0].e.erased)
		return jit_fail(why, JIT_E_ERASED, "the text of request %s was "
		    "erased", c->id.s);
	JIT_TRY(rec_get_signed(r.v[0].e.body, ENTRY_REQUEST, &s, why));
	return write_about(c, s.text, j, why);
}

static void
got_request(struct call *c, const struct answer *ans, size_t n)
{
	JIT_DONE(js_done) struct js j = JS_INIT;
	struct jit_why why = { 0 };
	enum jit_err e = render_about(c, &ans[0], &j, &why);

	(void)n;
	if (e != JIT_OK)
		call_fail(c, e, &why);
	else
		call_answer(c, 200, &j);
}

static void
about(struct call *c)
{
	JIT_DONE(view_row_done) struct view_row row = { .index = 0 };
	struct jit_why why = { 0 };
	enum jit_err e = call_row(c, &row, &why);

	if (e != JIT_OK)
		call_fail(c, e, &why);
	else
		receipts_prove(c, &row.index, 1, got_request);
}

/* ---- about a person ---- */

static enum jit_err
render_lock(struct call *c, struct body *b, enum text_kind kind,
    struct js *j, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(ACT_MAX);
	struct lock l = { .unlock = kind == TEXT_UNLOCK,
	    .log = span_str(c->d->conf.log_id),
	    .by = span_str(c->owner.person), .at = certd_now(c->d) };

	JIT_TRY(body_text(b, "person", 32, &l.person, why));
	if (!text_is_name(l.person))
		return member_bad(why, "person", "a name");
	JIT_TRY(take_plain(b, "comment", COMMENT_MAX, &l.comment, why));
	JIT_TRY(body_end(b, why));
	lock_put(&w, &l);
	if (w.err != JIT_OK)
		return jit_fail(why, w.err, "the text would be too long");
	return answer_text(j, wr_view(&w), NULL, lock_namespace(l.unlock));
}

/* ---- which ---- */

static enum jit_err
find_kind(struct body *b, enum text_kind *ret, struct jit_why *why)
{
	struct span s;

	JIT_TRY(body_text(b, "kind", 16, &s, why));
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (span_eq_str(s, kinds[i])) {
			*ret = (enum text_kind)i;
			return JIT_OK;
		}
	return member_bad(why, "kind", "request, decision, cancel, drop, "
	    "revoke, lock or unlock");
}

/* What is known at once; else what was wanted is kept. */
static enum jit_err
render(struct call *c, struct body *b, enum text_kind kind, struct js *j,
    struct jit_why *why)
{
	switch (kind) {
	case TEXT_REQUEST:
		return render_request(c, b, j, why);
	case TEXT_LOCK:
	case TEXT_UNLOCK:
		return render_lock(c, b, kind, j, why);
	default:
		return keep_wish(c, b, kind, why);
	}
}

void
do_render(struct call *c)
{
	JIT_DONE(body_done) struct body b = { .root = NULL };
	JIT_DONE(js_done) struct js j = JS_INIT;
	struct jit_why why = { 0 };
	enum text_kind kind = TEXT_REQUEST;
	enum jit_err e;

	if ((e = body_parse(exchange_body(c->x), &b, &why)) == JIT_OK &&
	    (e = find_kind(&b, &kind, &why)) == JIT_OK)
		e = render(c, &b, kind, &j, &why);
	if (e != JIT_OK)
		call_fail(c, e, &why);
	else if (kind == TEXT_REQUEST || kind == TEXT_LOCK ||
	    kind == TEXT_UNLOCK)
		call_answer(c, 200, &j);
	else
		call_when_known(c, about);
}
