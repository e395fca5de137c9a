/* login - get a token of a jit-certd with the keys that are at hand. */
#include <stdio.h>
#include <string.h>

#include "cli/login.h"

/* ---- who, with which key ---- */

/* Does h come before others: 0 the first. */
static unsigned
rank(const struct desk *d, const struct hand *h)
{
	char fp[SSH_FP_TEXT];

	ssh_key_fingerprint(h->key, fp);
	if (strcmp(fp, d->server->key) == 0)
		return 0;
	return ssh_key_is_sk(h->key) ? 2 : 1;
}

/* The name before the "@" of a comment like alice@laptop. */
static struct span
name_in(struct span comment)
{
	size_t n = 0;

	while (n < comment.n && comment.p[n] != '@')
		n++;
	return n < comment.n && text_is_name(SPAN(comment.p, n)) ?
	    SPAN(comment.p, n) : SPAN_NONE;
}

static struct span
person_of(const struct desk *d, const struct hand *h)
{
	if (d->c->as != NULL)
		return span_str(d->c->as);
	if (d->server->person[0] != '\0')
		return span_str(d->server->person);
	return name_in(BUF_SPAN(h->comment));
}

/* ---- one try ---- */

static enum jit_err
keep(struct desk *d, const struct hand *h, struct span person,
    const struct secret *token, struct jit_why *why)
{
	struct server *s = d->server;
	char name[SERVER_NAME];

	/* person may be s->person. */
	(void)snprintf(name, sizeof(name), "%.*s", (int)person.n,
	    (const char *)person.p);
	memcpy(s->person, name, sizeof(name));
	ssh_key_fingerprint(h->key, s->key);
	JIT_TRY(server_save_who(s, why));
	return server_save_token(s, token, d->expires, why);
}

static enum jit_err
try_key(struct desk *d, struct net *n, const struct hand *h,
    struct span person, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr text = WR_INIT(LOGIN_MAX);
	JIT_DONE(buf_done) struct buf sig = { NULL, 0 };
	JIT_DONE(secret_done) struct secret token = { NULL, 0, 0 };

	JIT_TRY(net_login_text(n, person, cli_now(d->c), &text, why));
	JIT_TRY(desk_sign(d, h, 1u << PROOF_SSHSIG, NS_LOGIN, wr_view(&text),
	    &sig, why));
	JIT_TRY(net_login(n, wr_view(&text), BUF_SPAN(sig), &token,
	    &d->expires, why));
	return keep(d, h, person, &token, why);
}

/* Another key or name may do better: this one was refused, by whomever. */
static bool
may_try_on(enum jit_err e)
{
	return e == JIT_E_LOGIN || e == JIT_E_KEYUNKNOWN ||
	    e == JIT_E_PERSON || e == JIT_E_AGENT || e == JIT_E_PROOF ||
	    e == JIT_E_SIG;
}

/* ---- all of them ---- */

static enum jit_err
fail_login(const struct desk *d, size_t keys, size_t tried,
    const struct jit_why *last, struct jit_why *why)
{
	const char *url = d->server->url.text;

	if (keys == 0)
		return jit_fail(why, JIT_E_LOGIN, "log in at %s first, with a "
		    "key: none is in ssh-agent, none in ~/.ssh/id_*.pub", url);
	if (tried == 0)
		return jit_fail(why, JIT_E_LOGIN, "log in at %s first, and "
		    "say who you are: jit-cert login --as NAME", url);
	return jit_fail(why, JIT_E_LOGIN, "no log-in at %s%s%s: %s (jit-cert "
	    "login --as NAME; an admin needs what jit-cert whoami --policy "
	    "prints)", url, d->server->person[0] != '\0' ||
	    d->c->as != NULL ? " as " : "", d->c->as != NULL ? d->c->as :
	    d->server->person, jit_why_text(last, JIT_E_LOGIN));
}

enum jit_err
login_now(struct desk *d, struct net *n, struct jit_why *why)
{
	struct jit_why last = { 0 };
	size_t keys = 0, tried = 0, most = 0;
	enum jit_err e;

	JIT_TRY(desk_hands(d, why));
	for (unsigned r = 0; r <= 2; r++) {
		/* Many keys of other places leave a turn to those of touch. */
		most = tried + LOGIN_TRIES;
		for (size_t i = 0; i < d->hands.n; i++) {
			const struct hand *h = &d->hands.at[i];
			struct span person = person_of(d, h);

			if (rank(d, h) != r || !desk_is_candidate(d, h))
				continue;
			keys++;
			if (person.n == 0 || tried == most)
				continue;
			tried++;
			if ((e = try_key(d, n, h, person, &last)) == JIT_OK)
				return JIT_OK;
			if (may_try_on(e))
				continue;
			if (why != NULL)
				*why = last;
			return e;
		}
	}
	return fail_login(d, keys, tried, &last, why);
}
