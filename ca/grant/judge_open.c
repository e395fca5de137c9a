/* Opening: form and signature of a text, without any state. */
#include <stdlib.h>

#include "ca/grant/judge.h"
#include "ca/x509/csr.h"

void
signer_done(struct signer *s)
{
	ssh_key_free(s->key);
	*s = (struct signer){ 0 };
}

enum jit_err
signer_open(struct span sig, const char *ns, struct span text,
    struct signer *ret, struct jit_why *why)
{
	JIT_DONE(sshsig_done) struct sshsig s = { 0 };

	JIT_TRY(sshsig_parse(sig, &s, why));
	JIT_TRY(sshsig_verify(&s, ns, text, &ret->facts, why));
	ret->key = s.key;
	s.key = NULL;
	return JIT_OK;
}

enum jit_err
signer_read(struct span sig, struct signer *ret, struct jit_why *why)
{
	JIT_DONE(sshsig_done) struct sshsig s = { 0 };

	JIT_TRY(sshsig_parse(sig, &s, why));
	JIT_TRY(ssh_sig_facts(s.key, s.sig, &ret->facts, why));
	ret->key = s.key;
	s.key = NULL;
	return JIT_OK;
}

/* A copy of the text, parsed. */
static enum jit_err
read_request(struct span text, struct open_request **ret,
    struct jit_why *why)
{
	JIT_SCOPED(open_request_free) struct open_request *r =
	    calloc(1, sizeof(*r));

	if (r == NULL)
		return JIT_E_NOMEM;
	JIT_TRY(buf_copy(&r->text, text));
	JIT_TRY(request_parse(BUF_SPAN(r->text), &r->req, why));
	JIT_TRY(digest_sha256(BUF_SPAN(r->text), &r->digest));
	*ret = r;
	r = NULL;
	return JIT_OK;
}

static enum jit_err
check_certifies(const struct open_request *r, struct jit_why *why)
{
	if (request_certifies(&r->req, r->subject.key))
		return JIT_OK;
	return jit_fail(why, JIT_E_POSSESS, "possession was signed by another "
	    "key than the one to be certified");
}

/* The certified key, by what proves it; own: it was verified before. */
static enum jit_err
read_possession(struct open_request *r, struct span possess, bool own,
    struct jit_why *why)
{
	JIT_DONE(csr_done) struct csr csr = { 0 };

	if (r->req.kind == KIND_SSH_USER)
		return own ? signer_read(possess, &r->subject, why) :
		    signer_open(possess, NS_POSSESS, BUF_SPAN(r->text),
		    &r->subject, why);
	JIT_TRY(own ? csr_read(possess, &csr, why) :
	    csr_open(possess, &csr, why));
	if (!span_eq_str(csr.cn, r->req.id.s))
		return jit_fail(why, JIT_E_POSSESS, "the CSR's subject is not "
		    "CN=%s", r->req.id.s);
	r->subject.key = csr.key;
	csr.key = NULL;
	return JIT_OK;
}

enum jit_err
open_request_new(struct span text, struct span sig, struct span possess,
    struct open_request **ret, struct jit_why *why)
{
	JIT_SCOPED(open_request_free) struct open_request *r = NULL;
	enum jit_err e;

	JIT_TRY(read_request(text, &r, why));
	JIT_TRY(signer_open(sig, NS_REQUEST, text, &r->by, why));
	if ((e = read_possession(r, possess, false, why)) != JIT_OK)
		return jit_at(why, r->req.kind == KIND_SSH_USER ?
		    JIT_E_POSSESS : e, "possession");
	JIT_TRY(check_certifies(r, why));
	*ret = r;
	r = NULL;
	return JIT_OK;
}

enum jit_err
open_request_own(struct span text, struct span sig, struct span possess,
    struct open_request **ret, struct jit_why *why)
{
	JIT_SCOPED(open_request_free) struct open_request *r = NULL;

	JIT_TRY(read_request(text, &r, why));
	JIT_TRY(signer_read(sig, &r->by, why));
	JIT_TRY(read_possession(r, possess, true, why));
	JIT_TRY(check_certifies(r, why));
	*ret = r;
	r = NULL;
	return JIT_OK;
}

void
open_request_free(struct open_request *r)
{
	if (r == NULL)
		return;
	signer_done(&r->by);
	signer_done(&r->subject);
	buf_done(&r->text);
	free(r);
}

static enum jit_err
read_decision(struct span text, struct open_decision **ret,
    struct jit_why *why)
{
	JIT_SCOPED(open_decision_free) struct open_decision *d =
	    calloc(1, sizeof(*d));

	if (d == NULL)
		return JIT_E_NOMEM;
	JIT_TRY(buf_copy(&d->text, text));
	JIT_TRY(decision_parse(BUF_SPAN(d->text), &d->dec, why));
	*ret = d;
	d = NULL;
	return JIT_OK;
}

enum jit_err
open_decision_new(struct span text, struct span sig,
    struct open_decision **ret, struct jit_why *why)
{
	JIT_SCOPED(open_decision_free) struct open_decision *d = NULL;

	JIT_TRY(read_decision(text, &d, why));
	JIT_TRY(signer_open(sig, NS_DECISION, text, &d->by, why));
	*ret = d;
	d = NULL;
	return JIT_OK;
}

enum jit_err
open_decision_own(struct span text, struct span sig,
    struct open_decision **ret, struct jit_why *why)
{
	JIT_SCOPED(open_decision_free) struct open_decision *d = NULL;

	JIT_TRY(read_decision(text, &d, why));
	JIT_TRY(signer_read(sig, &d->by, why));
	*ret = d;
	d = NULL;
	return JIT_OK;
}

void
open_decision_free(struct open_decision *d)
{
	if (d == NULL)
		return;
	signer_done(&d->by);
	buf_done(&d->text);
	free(d);
}

void
history_free(struct history *h)
{
	if (h == NULL)
		return;
	open_request_free(h->request);
	for (size_t i = 0; i < h->n_decisions; i++)
		open_decision_free(h->decision[i]);
	free(h);
}
