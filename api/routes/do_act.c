/*
 * Acts: texts and signatures, handed to the signer as they are.  Nothing of
 * them is judged here; who they are from, the signer finds out by itself.
 */
#include <string.h>

#include "api/routes/receipts.h"
#include "ca/grant/decision.h"
#include "ca/grant/request.h"
#include "ca/x509/der.h"

void
do_ask(struct call *c)
{
	JIT_DONE(body_signed_done) struct body_signed b = { .n = 0 };
	struct jit_why why = { 0 };
	struct ask a = { .op = OP_REQUEST };
	enum jit_err e = body_signed(exchange_body(c->x), REQUEST_MAX, 2,
	    &b, &why);

	if (e != JIT_OK) {
		call_fail(c, e, &why);
		return;
	}
	a.text = BUF_SPAN(b.text);
	a.sig = BUF_SPAN(b.sig[0]);
	a.possess = BUF_SPAN(b.sig[1]);
	call_ask(c, &a, 1, false, receipts_created);
}

/* The text is about the request of the path. */
static enum jit_err
check_about(const struct call *c, enum op op, struct span text,
    struct jit_why *why)
{
	struct decision d;
	struct act act;
	const struct ulid *id = &act.request;

	if (op == OP_DECISION) {
		JIT_TRY(decision_parse(text, &d, why));
		id = &d.request;
	} else {
		JIT_TRY(act_parse(text, op == OP_REVOKE ? ACT_REVOKE :
		    op == OP_DROP ? ACT_DROP : ACT_CANCEL, &act, why));
	}
	return strcmp(id->s, c->id.s) == 0 ? JIT_OK : jit_fail(why,
	    JIT_E_OTHERTEXT, "the text is about request %s, the path about "
	    "%s", id->s, c->id.s);
}

static void
act(struct call *c, enum op op, size_t max)
{
	JIT_DONE(body_signed_done) struct body_signed b = { .n = 0 };
	struct jit_why why = { 0 };
	struct ask a = { .op = op };
	enum jit_err e = body_signed(exchange_body(c->x), max, 1, &b, &why);

	if (e == JIT_OK)
		e = check_about(c, op, BUF_SPAN(b.text), &why);
	if (e != JIT_OK) {
		call_fail(c, e, &why);
		return;
	}
	a.text = BUF_SPAN(b.text);
	a.sig = BUF_SPAN(b.sig[0]);
	call_ask(c, &a, 1, false, receipts_created);
}

void
do_decide(struct call *c)
{
	act(c, OP_DECISION, DECISION_MAX);
}

void
do_cancel(struct call *c)
{
	act(c, OP_CANCEL, ACT_MAX);
}

void
do_drop(struct call *c)
{
	act(c, OP_DROP, ACT_MAX);
}

void
do_revoke(struct call *c)
{
	act(c, OP_REVOKE, ACT_MAX);
}

/*
 * The view will know of it in a moment, and forget the same tokens; who locks
 * is told now that they are over.
 */
static enum jit_err
log_out(struct call *c, const struct answer *a, struct jit_why *why)
{
	JIT_DONE(receipts_done) struct receipts r = { 0 };
	struct rd rd = rd_of(a->payload);
	struct rec_signed s;
	struct lock l;

	JIT_TRY(receipts_get(&rd, &r, why));
	if (r.n != 1 || r.v[0].e.type != ENTRY_LOCK)
		return jit_fail(why, JIT_E_PROTOCOL, "the signer's answer is "
		    "no lock");
	JIT_TRY(rec_get_signed(r.v[0].e.body, ENTRY_LOCK, &s, why));
	JIT_TRY(lock_parse(s.text, &l, why));
	return l.unlock ? JIT_OK : tokens_drop_of(c->d->tokens, l.person,
	    why);
}

static void
locked(struct call *c, const struct answer *ans, size_t n)
{
	struct jit_why why = { 0 };
	enum jit_err e = log_out(c, &ans[0], &why);

	if (e != JIT_OK)
		call_fail(c, e, &why);
	else
		receipts_created(c, ans, n);
}

/* About a person, of whom anybody may speak: the signer judges. */
void
do_lock(struct call *c)
{
	JIT_DONE(body_signed_done) struct body_signed b = { .n = 0 };
	struct jit_why why = { 0 };
	struct ask a = { .op = OP_LOCK };
	struct lock l;
	enum jit_err e = body_signed(exchange_body(c->x), ACT_MAX, 1, &b,
	    &why);

	if (e == JIT_OK)
		e = lock_parse(BUF_SPAN(b.text), &l, &why);
	if (e != JIT_OK) {
		call_fail(c, e, &why);
		return;
	}
	a.text = BUF_SPAN(b.text);
	a.sig = BUF_SPAN(b.sig[0]);
	call_ask(c, &a, 1, false, locked);
}

/* ---- collect ---- */

/* A line of OpenSSH, or PEM. */
static void
put_cert_text(struct wr *w, enum request_kind kind, struct span cert)
{
	struct rd rd = rd_of(cert);

	if (kind == KIND_X509) {
		x509_put_pem(w, "CERTIFICATE", cert);
		return;
	}
	wr_span(w, rd_string(&rd, cert.n));
	wr_u8(w, ' ');
	b64_put(w, cert);
}

static enum jit_err
put_certificate(struct js *j, const struct receipts *r, struct jit_why *why)
{
	JIT_DONE(issued_done) struct issued cert = { .kind = KIND_SSH_USER };
	JIT_DONE(wr_done) struct wr text = WR_INIT(2 * X509_CERT_MAX);
	uint8_t serial[ISSUED_SERIAL];
	char shown[ISSUED_SERIAL_TEXT];
	struct rec_issued i;

	if (r->n != 1 || r->v[0].e.type != ENTRY_ISSUED)
		return jit_fail(why, JIT_E_PROTOCOL, "the signer's answer is "
		    "no certificate");
	JIT_TRY(rec_get_issued(r->v[0].e.body, &i, why));
	JIT_TRY(issued_parse(i.cert, &cert, why));
	put_cert_text(&text, cert.kind, i.cert);
	JIT_TRY(text.err);
	issued_serial(&cert, serial);
	js_str(j, "kind", request_kind_name(cert.kind));
	js_text(j, "certificate", wr_view(&text));
	js_str(j, "serial", issued_serial_text(cert.kind, serial, shown));
	return JIT_OK;
}

static enum jit_err
put_collected(struct call *c, const struct answer *a, struct js *j,
    struct jit_why *why)
{
	JIT_DONE(receipts_done) struct receipts r = { 0 };
	struct rd rd = rd_of(a->payload);

	JIT_TRY(receipts_get(&rd, &r, why));
	js_open(j, NULL, '{');
	JIT_TRY(put_certificate(j, &r, why));
	receipts_known(c->d, &r);
	js_uint(j, "index", r.v[0].e.index);
	js_utc(j, "time", r.v[0].e.time);
	js_receipts(j, &r);
	js_close(j, '}');
	return JIT_OK;
}

static void
collected(struct call *c, const struct answer *ans, size_t n)
{
	JIT_DONE(js_done) struct js j = JS_INIT;
	struct jit_why why = { 0 };
	enum jit_err e = put_collected(c, &ans[0], &j, &why);

	(void)n;
	if (e != JIT_OK)
		call_fail(c, e, &why);
	else
		call_answer(c, 200, &j);
}

static enum jit_err
read_secret(struct call *c, struct buf *ret, struct jit_why *why)
{
	JIT_DONE(body_done) struct body b = { .root = NULL };

	JIT_TRY(body_parse(exchange_body(c->x), &b, why));
	JIT_TRY(body_b64(&b, "secret", 32, 32, ret, why));
	return body_end(&b, why);
}

void
do_collect(struct call *c)
{
	JIT_DONE(buf_done) struct buf secret = { NULL, 0 };
	struct jit_why why = { 0 };
	struct ask a = { .op = OP_COLLECT, .id = c->id };
	enum jit_err e = read_secret(c, &secret, &why);

	if (e != JIT_OK) {
		call_fail(c, e, &why);
		return;
	}
	a.secret = BUF_SPAN(secret);
	call_ask(c, &a, 1, false, collected);
}
