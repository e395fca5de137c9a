/* login, logout - a token of a jit-certd, and an end of it. */
#include "cli/login.h"

static enum jit_err
find(struct desk *d, struct server *ret, struct jit_why *why)
{
	bool there = false;

	JIT_TRY(desk_paths(d, why));
	JIT_TRY(desk_server(d, &there, ret, why));
	return there ? JIT_OK : jit_fail(why, JIT_E_ARG, "a signer's socket "
	    "knows no log-in; --server URL|NAME names a jit-certd");
}

int
verb_login(struct cli *c, const struct args *a)
{
	JIT_DONE(desk_done) struct desk d = { .c = c, .log_in = true };
	JIT_DONE(server_done) struct server s = { 0 };
	struct jit_why why = { 0 };
	char at[WHEN_TEXT];
	enum jit_err e;

	(void)a;
	if ((e = find(&d, &s, &why)) != JIT_OK ||
	    (e = desk_open_at(&d, c, &s, &why)) != JIT_OK)
		return out_error(c, e, &why);
	out_say(c, "Logged in at %s as %s, until %s. It opens reading; what "
	    "you ask or decide, your key signs.\n", desk_where(&d),
	    d.server->person, when_text(WHEN_BOTH, d.expires, cli_now(c),
	    at));
	out_json(c, json_pack("{s:s, s:s, s:s, s:o}", "server",
	    desk_where(&d), "person", d.server->person, "key",
	    d.server->key, "expires", out_json_utc(d.expires)));
	return CLI_DONE;
}

/* Have the server forget it; here it is forgotten already. */
static enum jit_err
forget(const struct server *s, const struct secret *token,
    struct jit_why *why)
{
	const struct net_config conf = { .http = { .url = &s->url,
	    .trust = s->tls_pinned ? HTTP_PINNED : HTTP_SYSTEM,
	    .pin = s->tls, .timeout_ms = NET_TIMEOUT_MS } };
	JIT_SCOPED(net_free) struct net *n = NULL;

	JIT_TRY(net_open(&conf, &n, why));
	JIT_TRY(net_set_token(n, SPAN(token->p, token->n)));
	return net_logout(n, why);
}

int
verb_logout(struct cli *c, const struct args *a)
{
	JIT_DONE(desk_done) struct desk d = { .c = c };
	JIT_DONE(server_done) struct server s = { 0 };
	JIT_DONE(secret_done) struct secret token = { NULL, 0, 0 };
	struct jit_why why = { 0 };
	utc_s expires = 0;
	enum jit_err e;

	(void)a;
	if ((e = find(&d, &s, &why)) != JIT_OK ||
	    (e = server_token(&s, cli_now(c), &token, &expires, &why)) !=
	    JIT_OK || (e = server_drop_token(&s, &why)) != JIT_OK ||
	    (e = forget(&s, &token, &why)) != JIT_OK)
		return out_error(c, e, &why);
	if (token.n == 0)
		out_say(c, "You were not logged in at %s.\n", s.url.text);
	else
		out_say(c, "Logged out at %s.\n", s.url.text);
	out_json(c, json_pack("{s:s, s:b}", "server", s.url.text,
	    "was_logged_in", token.n > 0));
	return CLI_DONE;
}
