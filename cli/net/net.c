#include <string.h>

#include "cli/net/net_int.h"

/* ---- open and close ---- */

enum jit_err
net_open(const struct net_config *c, struct net **ret, struct jit_why *why)
{
	JIT_SCOPED(net_free) struct net *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return JIT_E_NOMEM;
	n->url = *c->http.url;
	n->login = c->login;
	n->arg = c->arg;
	JIT_TRY(http_open(&c->http, &n->http, why));
	*ret = n;
	n = NULL;
	return JIT_OK;
}

void
net_free(struct net *n)
{
	if (n == NULL)
		return;
	http_free(n->http);
	secret_done(&n->token);
	free(n);
}

enum jit_err
net_set_token(struct net *n, struct span token)
{
	secret_done(&n->token);
	return token.n == 0 ? JIT_OK : secret_copy(&n->token, token);
}

/* ---- a call ---- */

/* Who is down when jit-certd says that somebody is?  Its words, or we. */
static enum jit_err
name_down(const struct net *n, struct jit_why *why)
{
	if (why == NULL || strncmp(why->msg, "jit-", 4) == 0)
		return JIT_E_UNREACHABLE;
	return jit_at(why, JIT_E_UNREACHABLE, "jit-signer, asked by %s",
	    http_name(n->http));
}

/* An answer that is JSON, or the error that it tells. */
static enum jit_err
call_once(struct net *n, const struct http_call *c, json_t **ret,
    struct jit_why *why)
{
	JIT_DONE(http_answer_done) struct http_answer a = { 0 };
	json_t *json = NULL;
	enum jit_err e;

	JIT_TRY(http_ask(n->http, c, &a, why));
	if (a.status == 204)
		return JIT_OK;
	if ((e = payload_json(BUF_SPAN(a.body), &json, why)) == JIT_OK &&
	    a.status >= 400) {
		e = payload_problem(json, why);
		json_decref(json);
		json = NULL;
		if (e == JIT_E_UNREACHABLE)
			return name_down(n, why);
	}
	*ret = json;
	return e == JIT_E_PROTOCOL ? jit_at(why, e, "%s",
	    http_name(n->http)) : e;
}

static enum jit_err
log_in(struct net *n, struct jit_why *why)
{
	enum jit_err e;

	if (n->login == NULL)
		return jit_fail(why, JIT_E_LOGIN, "log in first: jit-cert "
		    "login");
	n->logging_in = true;
	e = n->login(n->arg, n, why);
	n->logging_in = false;
	return e;
}

/* The same, logging in when that is what it needs. */
static enum jit_err
call(struct net *n, enum need need, struct http_call c, json_t **ret,
    struct jit_why *why)
{
	enum jit_err e;

	c.token = need == NEED_TOKEN ? &n->token : NULL;
	if (need == NEED_TOKEN && n->token.n == 0 && !n->logging_in)
		JIT_TRY(log_in(n, why));
	else if (need == NEED_TOKEN) {
		e = call_once(n, &c, ret, why);
		if (e != JIT_E_LOGIN || n->logging_in)
			return e;
		JIT_TRY(log_in(n, why));
	}
	return call_once(n, &c, ret, why);
}

enum jit_err
net_send(struct net *n, struct built *b, json_t **ret, struct jit_why *why)
{
	const struct http_call c = {
		.path = b->path, .post = b->post, .body = wr_view(&b->body),
		.wait_ms = b->wait_ms,
	};

	JIT_TRY(b->body.err);
	return call(n, b->need, c, ret, why);
}

/* ---- the wire ---- */

/* For the log-in's text; the client checks whether it is the right one. */
static void
see_hello(struct net *n, struct span payload)
{
	struct hello h;
	struct tlog_vkey v;

	if (hello_get(payload, &h, NULL) == JIT_OK &&
	    tlog_vkey_parse(h.vkey, &v, NULL) == JIT_OK)
		tlog_vkey_logid(&v, n->log_id);
}

/* The answer as what the socket would have brought. */
static enum jit_err
hear(struct net *n, const struct ask *a, json_t *json, size_t i,
    struct heard *ret, struct jit_why *why)
{
	struct heard h = { .a.op = (uint8_t)a->op };
	enum jit_err e = a->op == OP_CHECKPOINT ?
	    payload_grown(json, i, &h.frame, why) :
	    payload_of(a, json, &h.frame, why);

	if (e != JIT_OK)
		return e == JIT_E_PROTOCOL ? jit_at(why, e, "%s",
		    http_name(n->http)) : e;
	h.a.payload = BUF_SPAN(h.frame);
	if (a->op == OP_HELLO)
		see_hello(n, h.a.payload);
	*ret = h;
	return JIT_OK;
}

static enum jit_err
hear_all(struct net *n, const struct ask *a, size_t count, json_t *json,
    struct heard *heard, struct jit_why *why)
{
	struct heard got[WIRE_ASK_MAX] = { { .a.err = JIT_OK } };
	enum jit_err e = JIT_OK;

	if (json == NULL)
		return jit_fail(why, JIT_E_PROTOCOL, "%s: no answer to what "
		    "was asked", http_name(n->http));
	for (size_t i = 0; e == JIT_OK && i < count; i++)
		e = hear(n, &a[i], json, i, &got[i], why);
	for (size_t i = 0; i < count; i++) {
		if (e == JIT_OK)
			heard[i] = got[i];
		else
			heard_done(&got[i]);
	}
	return e;
}

static enum jit_err
ask_api(void *arg, const struct ask *a, size_t count, struct heard *heard,
    struct jit_why *why)
{
	JIT_DONE(built_done) struct built b = BUILT_INIT(NEED_TOKEN);
	struct net *n = arg;
	json_t *json = NULL;
	enum jit_err e;

	if (count == 0 || count > WIRE_ASK_MAX || (count == 2 &&
	    (a[0].op != OP_CHECKPOINT || a[1].op != OP_CHECKPOINT)))
		return JIT_E_ARG;
	JIT_TRY(built_ask(&b, a, count, why));
	JIT_TRY(net_send(n, &b, &json, why));
	e = hear_all(n, a, count, json, heard, why);
	json_decref(json);
	return e;
}

static enum jit_err
search_api(void *arg, const struct wire_search *q, struct heard *heard,
    struct jit_why *why)
{
	JIT_DONE(built_done) struct built b = BUILT_INIT(NEED_TOKEN);
	const struct ask list = { .op = OP_LIST };
	struct net *n = arg;
	json_t *json = NULL;
	enum jit_err e;

	JIT_TRY(built_search(&b, q, why));
	JIT_TRY(net_send(n, &b, &json, why));
	e = hear_all(n, &list, 1, json, heard, why);
	json_decref(json);
	return e;
}

static void
close_api(void *arg)
{
	struct net *n = arg;

	http_hang_up(n->http);
}

static void
free_api(void *arg)
{
	net_free(arg);
}

void
net_wire(struct net *n, struct wire *ret)
{
	static const struct wire_ops ops = {
		.ask = ask_api, .search = search_api, .close = close_api,
		.free = free_api,
	};

	*ret = (struct wire){ .ops = &ops, .arg = n,
	    .name = http_name(n->http) };
}

enum jit_err
net_probe(struct net *n, struct digest *tls, struct jit_why *why)
{
	const struct ask a = { .op = OP_HELLO };
	JIT_DONE(heard_done) struct heard h = { 0 };

	JIT_TRY(ask_api(n, &a, 1, &h, why));
	return http_spoken(n->http, tls) ? JIT_OK : jit_fail(why,
	    JIT_E_CRYPTO, "%s: its TLS key cannot be read",
	    http_name(n->http));
}

enum jit_err
net_logout(struct net *n, struct jit_why *why)
{
	const struct http_call c = { .path = "/v1/logout", .post = true,
	    .token = &n->token };
	json_t *json = NULL;
	enum jit_err e = n->token.n == 0 ? JIT_OK :
	    call_once(n, &c, &json, why);

	json_decref(json);
	return e == JIT_E_LOGIN ? JIT_OK : e;
}
