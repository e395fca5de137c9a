/* Logging in, by a text that a person's key signs; out; and who one is. */
#include <string.h>

#include <openssl/crypto.h>

#include "api/routes/call.h"
#include "ca/base/log.h"
#include "ca/grant/login.h"
#include "ca/ssh/sshsig.h"

static enum jit_err
put_text(struct call *c, struct js *j, struct span person, const char *nonce,
    utc_s now)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(LOGIN_MAX);
	const struct login l = {
		.log = span_str(c->d->conf.log_id),
		.server = span_str(c->d->conf.name[0]),
		.tls = c->d->tls, .nonce = span_str(nonce), .person = person,
		.at = now, .expires = now + LOGIN_LIFE,
	};

	login_put(&w, &l);
	JIT_TRY(w.err);
	js_b64(j, "text", wr_view(&w));
	return JIT_OK;
}

static enum jit_err
answer_nonce(struct call *c, struct js *j, struct jit_why *why)
{
	JIT_DONE(body_done) struct body b = { .root = NULL };
	struct span person = SPAN_NONE;
	const utc_s now = certd_now(c->d);
	char nonce[NONCE_TEXT];

	JIT_TRY(body_parse(exchange_body(c->x), &b, why));
	JIT_TRY(body_text_opt(&b, "person", 32, &person, why));
	JIT_TRY(body_end(&b, why));
	if (person.n > 0 && !text_is_name(person))
		return jit_fail(why, JIT_E_FORMAT, "\"person\": a name is "
		    "accepted, of a-z, 0-9, \".\", \"_\" and \"-\"");
	JIT_TRY(nonce_make(c->d->nonces, &c->d->rng, now, nonce, why));
	js_open(j, NULL, '{');
	js_str(j, "nonce", nonce);
	js_str(j, "log", c->d->conf.log_id);
	js_str(j, "server", c->d->conf.name[0]);
	js_digest(j, "tls", &c->d->tls);
	js_utc(j, "now", now);
	js_utc(j, "expires", now + LOGIN_LIFE);
	if (person.n > 0)
		JIT_TRY(put_text(c, j, person, nonce, now));
	js_close(j, '}');
	return JIT_OK;
}

void
do_nonce(struct call *c)
{
	call_make(c, 200, answer_nonce);
}

static enum jit_err
make_token(struct call *c, struct span person, const struct digest *key,
    struct js *j, struct jit_why *why)
{
	const utc_s now = certd_now(c->d);
	const utc_s expires = now + c->d->conf.token_life;
	char token[TOKEN_TEXT];

	JIT_TRY(token_make(c->d->tokens, &c->d->rng, person, key, now,
	    expires, token, why));
	js_open(j, NULL, '{');
	js_str(j, "token", token);
	js_text(j, "person", person);
	js_utc(j, "expires", expires);
	js_close(j, '}');
	OPENSSL_cleanse(token, sizeof(token));
	log_line(LOG_L_INFO, "login", LOG_SPAN("person", person),
	    LOG_STR("peer", exchange_peer(c->x)),
	    LOG_NUM("request", exchange_id(c->x)));
	return JIT_OK;
}

static enum jit_err
answer_login(struct call *c, struct js *j, struct jit_why *why)
{
	JIT_DONE(body_signed_done) struct body_signed b = { .n = 0 };
	const char *names[CONFIG_NAMES + 1] = { NULL };
	const struct login_here here = { span_str(c->d->conf.log_id),
	    &c->d->tls, names };
	const utc_s now = certd_now(c->d);
	struct span person;
	struct digest key;
	struct login l;

	for (size_t i = 0; i < c->d->conf.n_names; i++)
		names[i] = c->d->conf.name[i];
	if (view_policy(c->d->view) == NULL)
		return jit_fail(why, JIT_E_BUSY, "the view of the log holds no "
		    "policy yet");
	JIT_TRY(body_signed(exchange_body(c->x), LOGIN_MAX, 1, &b, why));
	JIT_TRY(login_check(view_policy(c->d->view), &here,
	    BUF_SPAN(b.text), BUF_SPAN(b.sig[0]), now, &person, &key, why));
	JIT_TRY(login_parse(BUF_SPAN(b.text), &l, why));
	JIT_TRY(nonce_use(c->d->nonces, l.nonce, now, why));
	return make_token(c, person, &key, j, why);
}

void
do_login(struct call *c)
{
	call_make(c, 201, answer_login);
}

void
do_logout(struct call *c)
{
	const char *h = exchange_header(c->x, "Authorization");
	struct jit_why why = { 0 };
	enum jit_err e = token_drop(c->d->tokens, span_str(h +
	    strlen("Bearer ")), &why);

	if (e != JIT_OK)
		call_fail(c, e, &why);
	else
		call_empty(c);
}

static enum jit_err
answer_me(struct call *c, struct js *j, struct jit_why *why)
{
	struct reader r;
	char fp[SSH_FP_TEXT];

	JIT_TRY(query_end(&c->query, why));
	JIT_TRY(call_reader(c, &r, why));
	js_open(j, NULL, '{');
	js_text(j, "person", r.person->name);
	js_open(j, "groups", '[');
	for (size_t i = 0; i < r.person->groups.n; i++)
		js_text(j, NULL, r.person->groups.v[i]);
	js_close(j, ']');
	js_open(j, "keys", '[');
	for (size_t i = 0; i < r.person->n_keys; i++) {
		ssh_key_fingerprint(r.person->keys[i], fp);
		js_str(j, NULL, fp);
	}
	js_close(j, ']');
	js_bool(j, "admin", r.admin);
	js_bool(j, "auditor", r.all);
	js_utc(j, "expires", c->owner.expires);
	js_close(j, '}');
	return JIT_OK;
}

void
do_me(struct call *c)
{
	call_make(c, 200, answer_me);
}
