/* The log-in: a nonce, a text that names the TLS key, a token. */
#include <string.h>

#include "cli/net/net_int.h"

#define CLOCK_MAX 300		/* seconds that clocks may differ */

/* What comes with a nonce is held against what we know. */
static enum jit_err
check_nonce(struct net *n, json_t *json, struct login *l,
    struct jit_why *why)
{
	struct span log, tls;
	struct digest says;
	char shown[TEXT_SHOWN];

	JIT_TRY(payload_text(json, "log", TLOG_LOGID_TEXT, &log, why));
	JIT_TRY(payload_text(json, "tls", DIGEST_TEXT, &tls, why));
	if (!span_eq_str(log, n->log_id))
		return jit_fail(why, JIT_E_LOGNAME, "it wants a log-in for "
		    "the log %s, and it is %s", text_shown(log, shown,
		    sizeof(shown)), n->log_id);
	if (digest_parse(tls, &says) != JIT_OK || !digest_eq(&says, &l->tls))
		return jit_fail(why, JIT_E_VERIFY, "somebody stands between: "
		    "the TLS key that is spoken with is not jit-certd's own");
	l->log = span_str(n->log_id);
	/* As it was reached, whatever it calls itself: it has several names. */
	l->server = span_str(n->url.server);
	return payload_text(json, "nonce", LOGIN_NONCE_MAX, &l->nonce, why);
}

/* Its clock is signed, unless it is far from ours. */
static enum jit_err
check_times(json_t *json, utc_s now, struct login *l, struct jit_why *why)
{
	utc_s expires;

	JIT_TRY(payload_time(json, "now", &l->at, why));
	JIT_TRY(payload_time(json, "expires", &expires, why));
	if (l->at < now - CLOCK_MAX || l->at > now + CLOCK_MAX)
		return jit_fail(why, JIT_E_CLOCK, "its clock and this "
		    "machine's differ by %lld seconds", (long long)(l->at -
		    now));
	l->expires = l->at + LOGIN_LIFE;
	if (expires > l->at && expires < l->expires)
		l->expires = expires;
	return JIT_OK;
}

static enum jit_err
put_login(struct net *n, json_t *json, struct login *l, utc_s now,
    struct wr *w, struct jit_why *why)
{
	if (!http_spoken(n->http, &l->tls))
		return jit_fail(why, JIT_E_CRYPTO, "its TLS key cannot be "
		    "read");
	JIT_TRY(check_nonce(n, json, l, why));
	JIT_TRY(check_times(json, now, l, why));
	login_put(w, l);
	return w->err;
}

enum jit_err
net_login_text(struct net *n, struct span person, utc_s now, struct wr *w,
    struct jit_why *why)
{
	JIT_DONE(built_done) struct built b = BUILT_INIT(NEED_NOTHING);
	struct login l = { .person = person };
	json_t *json = NULL;
	enum jit_err e;

	if (!text_is_name(person))
		return jit_fail(why, JIT_E_ARG, "a person's name that is "
		    "none");
	if (n->log_id[0] == '\0')
		return jit_fail(why, JIT_E_ARG, "no log said hello yet");
	b.post = true;
	built_path(&b, "/v1/login/nonce");
	wr_fmt(&b.body, "{\"person\":\"%.*s\"}", (int)person.n,
	    (const char *)person.p);
	JIT_TRY(net_send(n, &b, &json, why));
	e = put_login(n, json, &l, now, w, why);
	json_decref(json);
	return e == JIT_OK ? e : jit_at(why, e, "%s", http_name(n->http));
}

static enum jit_err
take_token(struct net *n, json_t *json, struct secret *token, utc_s *expires,
    struct jit_why *why)
{
	struct span s = SPAN_NONE;

	JIT_TRY(payload_text(json, "token", NET_TOKEN_MAX, &s, why));
	JIT_TRY(payload_time(json, "expires", expires, why));
	/* It stands in a header. */
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~')
			s.n = 0;
	if (s.n == 0)
		return jit_fail(why, JIT_E_PROTOCOL, "\"token\" is none");
	JIT_TRY(secret_copy(token, s));
	return net_set_token(n, s);
}

enum jit_err
net_login(struct net *n, struct span text, struct span sig,
    struct secret *token, utc_s *expires, struct jit_why *why)
{
	JIT_DONE(built_done) struct built b = BUILT_INIT(NEED_NOTHING);
	struct login l;
	json_t *json = NULL;
	enum jit_err e;

	JIT_TRY(login_parse(text, &l, why));
	/* A connection that broke may lead to somebody else now. */
	JIT_TRY(http_hold(n->http, &l.tls));
	built_path(&b, "/v1/login");
	built_signed(&b, text, sig, SPAN_NONE);
	e = net_send(n, &b, &json, why);
	JIT_TRY(http_hold(n->http, NULL));
	JIT_TRY(e);
	e = take_token(n, json, token, expires, why);
	json_decref(json);
	return e == JIT_OK ? e : jit_at(why, e, "%s", http_name(n->http));
}
