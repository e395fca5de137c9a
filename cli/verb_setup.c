/* setup - know a jit-certd from now on: where, which log, which TLS key. */
#include <stdio.h>
#include <string.h>

#include "cli/folder.h"
#include "cli/login.h"

struct setup {
	struct cli *c;
	const struct args *a;
	struct desk d;		/* its paths, then all of it */
	struct server s;
	bool first_log, first_tls;	/* believed because nothing was known */
};

static void
setup_done(struct setup *x)
{
	desk_done(&x->d);
	server_done(&x->s);
}
JIT_SCOPED_OBJ(struct setup, setup_done);

/* What was set up before stays, until a person removes it. */
static enum jit_err
changed(const struct setup *x, enum jit_err e, const char *what,
    const char *how, const char *file, struct jit_why *why)
{
	return jit_fail(why, e, "%s was set up with another %s. If an admin "
	    "says that it has changed, start over: %s %s%s, then set it up "
	    "again", x->s.url.text, what, how, x->s.dir, file);
}

/* ---- where, and what is given ---- */

static enum jit_err
take_name(struct setup *x, struct jit_why *why)
{
	const char *name = args_get(x->a, OPT_NAME);
	JIT_DONE(server_done) struct server other = { 0 };

	if (name == NULL)
		return JIT_OK;
	if (!text_is_name(span_str(name)))
		return jit_fail(why, JIT_E_ARG, "--name: 1 to 32 of a-z, 0-9, "
		    "\".\", \"_\", \"-\" are accepted");
	if (server_find(x->d.state.s, name, &other, NULL) == JIT_OK &&
	    strcmp(other.url.text, x->s.url.text) != 0)
		return jit_fail(why, JIT_E_ARG, "--name: %s is %s already",
		    name, other.url.text);
	(void)snprintf(x->s.name, sizeof(x->s.name), "%s", name);
	return JIT_OK;
}

static enum jit_err
take_tls(struct setup *x, struct jit_why *why)
{
	const char *tls = args_get(x->a, OPT_TLS);
	struct digest pin = { { 0 } };
	bool pinned;

	if (tls == NULL)
		return JIT_OK;
	pinned = strcmp(tls, "system") != 0;
	if (pinned && digest_parse(span_str(tls), &pin) != JIT_OK)
		return jit_fail(why, JIT_E_ARG, "--tls: \"system\", or "
		    "sha256: and 64 small hex digits, is accepted");
	if (x->s.set_up && (x->s.tls_pinned != pinned || (pinned &&
	    !digest_eq(&x->s.tls, &pin))))
		return changed(x, JIT_E_VERIFY, "TLS key", "rm", "/server",
		    why);
	x->s.tls_pinned = pinned;
	x->s.tls = pin;
	return JIT_OK;
}

/* Before anybody is asked. */
static enum jit_err
check_pin(const struct setup *x, struct jit_why *why)
{
	struct tlog_vkey log;
	enum jit_err e;

	if (x->c->pin == NULL || (e = tlog_vkey_parse(span_str(x->c->pin),
	    &log, why)) == JIT_OK)
		return JIT_OK;
	return jit_at(why, e, "--pin");
}

static enum jit_err
take_as(struct setup *x, struct jit_why *why)
{
	const char *as = x->c->as;

	if (as == NULL)
		return JIT_OK;
	if (!text_is_name(span_str(as)))
		return jit_fail(why, JIT_E_ARG, "--as: no name of a person");
	(void)snprintf(x->s.person, sizeof(x->s.person), "%s", as);
	x->s.key[0] = '\0';
	return JIT_OK;
}

/* ---- does it answer, and who is it? ---- */

static enum jit_err
open_net(const struct setup *x, enum http_trust trust, struct net **ret,
    struct jit_why *why)
{
	const struct net_config conf = { .http = { .url = &x->s.url,
	    .trust = trust, .pin = x->s.tls,
	    .timeout_ms = NET_TIMEOUT_MS } };

	return net_open(&conf, ret, why);
}

static enum http_trust
trust_of(const struct setup *x)
{
	return x->s.tls_pinned ? HTTP_PINNED : HTTP_SYSTEM;
}

/*
 * As it is to be trusted; a key that the system does not know is pinned when
 * nothing was said.
 */
static enum jit_err
probe_tls(struct setup *x, struct jit_why *why)
{
	JIT_SCOPED(net_free) struct net *n = NULL, *anybody = NULL;
	struct digest tls;
	enum jit_err e;

	JIT_TRY(open_net(x, trust_of(x), &n, why));
	e = net_probe(n, &tls, why);
	if (e == JIT_E_VERIFY && x->s.set_up && x->s.tls_pinned)
		return changed(x, e, "TLS key", "rm", "/server", why);
	if (e != JIT_E_VERIFY || x->s.set_up || args_has(x->a, OPT_TLS))
		return e;
	JIT_TRY(open_net(x, HTTP_ANYBODY, &anybody, why));
	JIT_TRY(net_probe(anybody, &x->s.tls, why));
	x->s.tls_pinned = x->first_tls = true;
	return JIT_OK;
}

/* The log that is demanded: by --pin, or by what is kept. */
static enum jit_err
known_log(struct setup *x, struct client_trust *t, struct jit_why *why)
{
	const struct session_config conf = { .state = x->d.state.s,
	    .server = x->s.url.text };
	struct tlog_vkey log;

	JIT_TRY(session_pins(&conf, t, why));
	if (!t->pinned && x->s.log[0] != '\0') {
		JIT_TRY(tlog_vkey_parse(span_str(x->s.log), &t->log, why));
		t->pinned = true;
	}
	if (x->c->pin == NULL)
		return JIT_OK;
	JIT_TRY(tlog_vkey_parse(span_str(x->c->pin), &log, why));
	if (t->pinned && !tlog_vkey_eq(&t->log, &log))
		return changed(x, JIT_E_LOGNAME, "log", "rm -r", "", why);
	t->log = log;
	t->pinned = true;
	return JIT_OK;
}

static void
trust_done(struct client_trust *t)
{
	ssh_key_free(t->user_ca);
	buf_done(&t->note);
}
JIT_SCOPED_OBJ(struct client_trust, trust_done);

static enum jit_err
ask_log(struct setup *x, struct jit_why *why)
{
	JIT_DONE(trust_done) struct client_trust t = { .pinned = false };
	JIT_SCOPED(client_free) struct client *client = NULL;
	JIT_SCOPED(net_free) struct net *n = NULL;
	JIT_DONE(wire_done) struct wire w = { 0 };
	JIT_DONE(wr_done) struct wr vkey = WR_INIT(TLOG_VKEY_MAX);
	bool known;
	enum jit_err e;

	JIT_TRY(known_log(x, &t, why));
	known = t.pinned;
	JIT_TRY(open_net(x, trust_of(x), &n, why));
	net_wire(n, &w);
	n = NULL;
	e = client_open_over(&w, &t, &client, why);
	if (e == JIT_E_LOGNAME && x->c->pin == NULL)
		return changed(x, e, "log", "rm -r", "", why);
	JIT_TRY(e);
	x->first_log = !known;
	tlog_vkey_put(&vkey, &t.log);
	wr_u8(&vkey, 0);
	JIT_TRY(vkey.err);
	(void)snprintf(x->s.log, sizeof(x->s.log), "%s",
	    (const char *)vkey.p);
	return JIT_OK;
}

/* ---- told ---- */

static void
say_first(const struct setup *x)
{
	struct cli *c = x->c;
	char tls[DIGEST_TEXT];

	if (x->first_log)
		out_note(c, "First use of this log; from now on it must be the "
		    "same one:\n  log  %s\n", x->d.server->log);
	digest_text(&x->d.server->tls, tls);
	if (x->first_tls)
		out_note(c, "Nobody whom this machine trusts has certified its "
		    "TLS key; from now on it must be the same one:\n"
		    "  TLS  %s\n", tls);
	if (x->first_log || x->first_tls)
		out_note(c, "Compare with an admin before you trust it; keys "
		    "from elsewhere are demanded by --pin VKEY and --tls "
		    "KEY.\n");
}

static void
say_done(const struct setup *x, bool logged_in)
{
	const struct server *s = x->d.server;
	struct cli *c = x->c;
	char tls[DIGEST_TEXT], until[WHEN_TEXT];

	digest_text(&s->tls, tls);
	out_say(c, "%s%s%s%s is set up, and used from now on.\n", s->url.text,
	    s->name[0] != '\0' ? " (" : "", s->name, s->name[0] != '\0' ?
	    ")" : "");
	out_say(c, "  log    %s\n", s->log);
	out_say(c, "  TLS    %s%s\n", s->tls_pinned ? "the key " :
	    "what this machine trusts", s->tls_pinned ? tls : "");
	if (logged_in)
		out_say(c, "  you    %s, until %s\n", s->person,
		    when_text(WHEN_BOTH, x->d.expires, cli_now(c), until));
	out_json(c, json_pack("{s:s, s:s?, s:s, s:s, s:s?}", "server",
	    s->url.text, "name", s->name[0] != '\0' ? s->name : NULL, "log",
	    s->log, "tls", s->tls_pinned ? tls : "system", "person",
	    logged_in ? s->person : NULL));
}

/* Keep it, whoever is known there already. */
static int
finish(struct setup *x)
{
	struct jit_why why = { 0 }, no = { 0 };
	enum jit_err e, in;

	in = desk_open_at(&x->d, x->c, &x->s, &no);
	/* Who is not enrolled yet sets it up all the same. */
	if (in != JIT_OK && in != JIT_E_LOGIN)
		return out_error(x->c, in, &no);
	if ((e = server_save(x->d.state.s, x->d.server, &why)) != JIT_OK ||
	    (e = server_save_who(x->d.server, &why)) != JIT_OK)
		return out_error(x->c, e, &why);
	say_first(x);
	say_done(x, in == JIT_OK);
	if (in != JIT_OK)
		out_note(x->c, "Not logged in yet: %s\n",
		    jit_why_text(&no, in));
	return CLI_DONE;
}

int
verb_setup(struct cli *c, const struct args *a)
{
	JIT_DONE(setup_done) struct setup x = { .c = c, .a = a, .d.c = c };
	struct jit_why why = { 0 };
	struct url url;
	enum jit_err e;

	if ((e = desk_paths(&x.d, &why)) != JIT_OK ||
	    (e = url_parse(a->operand[0], &url, &why)) != JIT_OK ||
	    (e = server_find(x.d.state.s, url.text, &x.s, &why)) != JIT_OK ||
	    (e = take_name(&x, &why)) != JIT_OK ||
	    (e = take_tls(&x, &why)) != JIT_OK ||
	    (e = check_pin(&x, &why)) != JIT_OK ||
	    (e = take_as(&x, &why)) != JIT_OK ||
	    (e = probe_tls(&x, &why)) != JIT_OK ||
	    (e = ask_log(&x, &why)) != JIT_OK)
		return out_error(c, e, &why);
	return finish(&x);
}
