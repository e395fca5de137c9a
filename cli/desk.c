/* desk - the signer, the policy, who I am, and the key that signs. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/desk.h"
#include "cli/idmatch.h"

#define AGREE 2			/* s */
#include "cli/login.h"

static enum jit_err
path_set(struct locker_path *ret, const char *dir, const char *rest,
    struct jit_why *why)
{
	int n = snprintf(ret->s, sizeof(ret->s), "%s%s", dir, rest);

	if (n < 0 || (size_t)n >= sizeof(ret->s))
		return jit_fail(why, JIT_E_ARG, "a path is too long");
	return JIT_OK;
}

/* Where state stands, and where requests wait. */
enum jit_err
desk_paths(struct desk *d, struct jit_why *why)
{
	const struct cli_env *env = &d->c->env;

	if (env->state_home != NULL)
		JIT_TRY(path_set(&d->state, env->state_home, "", why));
	else if (env->home != NULL)
		JIT_TRY(path_set(&d->state, env->home, "/.local/state", why));
	else
		return jit_fail(why, JIT_E_ARG, "neither XDG_STATE_HOME nor "
		    "HOME is set: nowhere to keep what was seen of the log");
	return path_set(&d->lockers, env->runtime_dir != NULL ?
	    env->runtime_dir : d->state.s, "", why);
}

/* Which keys were believed because nothing was known: aloud. */
static enum jit_err
say_first_use(struct desk *d, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(4096);
	struct cli *c = d->c;
	char ca[SSH_FP_TEXT];

	tlog_vkey_put(&w, session_log(d->s));
	if (w.err != JIT_OK)
		return jit_fail(why, w.err, "the log's key");
	ssh_key_fingerprint(session_first_ca(d->s), ca);
	out_note(c, "First use of this log; from now on it must be the same "
	    "one:\n  log  %.*s\n  CA   %s\n", OUT_SPAN(wr_view(&w)), ca);
	if (c->pin == NULL)
		out_note(c, "Compare with an admin before you trust it; a key "
		    "from elsewhere is demanded by --pin VKEY.\n");
	return JIT_OK;
}

/* A jit-certd, and what is known of the way to it. */
static enum jit_err
log_in(void *arg, struct net *n, struct jit_why *why)
{
	return login_now(arg, n, why);
}

static enum jit_err
open_wire(struct desk *d, struct wire *ret, struct jit_why *why)
{
	const struct server *s = d->server;
	const struct net_config conf = {
		.http = { .url = &s->url, .trust = s->tls_pinned ?
		    HTTP_PINNED : HTTP_SYSTEM, .pin = s->tls,
		    .timeout_ms = NET_TIMEOUT_MS },
		.login = log_in, .arg = d,
	};
	JIT_DONE(secret_done) struct secret token = { NULL, 0, 0 };
	JIT_SCOPED(net_free) struct net *n = NULL;

	/* A token and keys are held from here on. */
	(void)sys_no_dumps(NULL);
	JIT_TRY(net_open(&conf, &n, why));
	if (!d->log_in)
		JIT_TRY(server_token(s, cli_now(d->c), &token, &d->expires,
		    why));
	JIT_TRY(net_set_token(n, SPAN(token.p, token.n)));
	d->log_in = false;
	net_wire(n, ret);
	n = NULL;
	return JIT_OK;
}

/* The log that it was set up with is demanded from then on. */
static enum jit_err
pin_of(const struct desk *d, const char **ret, struct jit_why *why)
{
	const struct server *s = d->server;

	*ret = d->c->pin;
	if (s == NULL || s->log[0] == '\0')
		return JIT_OK;
	if (*ret != NULL && strcmp(*ret, s->log) != 0)
		return jit_fail(why, JIT_E_LOGNAME, "%s was set up with "
		    "another log than the one that is demanded", s->url.text);
	*ret = s->log;
	return JIT_OK;
}

static enum jit_err
connect_session(struct desk *d, struct jit_why *why)
{
	JIT_DONE(wire_done) struct wire w = { 0 };
	struct cli *c = d->c;
	struct session_config conf = {
		.state = d->state.s, .socket = c->signer,
		.timeout_ms = DESK_TIMEOUT_MS,
	};
	bool first = false;
	enum jit_err e;

	JIT_TRY(pin_of(d, &conf.pin, why));
	if (d->server != NULL) {
		JIT_TRY(open_wire(d, &w, why));
		conf.server = d->server->url.text;
		conf.wire = &w;
	}
	if ((e = session_open(&conf, &d->s, &first, why)) != JIT_OK) {
		/* Over a wire, the words say which program it is. */
		if (e == JIT_E_UNREACHABLE && d->server == NULL)
			return jit_at(why, e, "jit-signer");
		return e;
	}
	d->ahead = session_hello(d->s)->now - cli_now(c);
	/* Two clocks that show whole seconds and agree. */
	if (d->ahead >= -AGREE && d->ahead <= AGREE)
		d->ahead = 0;
	if (first)
		JIT_TRY(say_first_use(d, why));
	return desk_refresh(d, why);
}

static enum jit_err
take_server(struct desk *d, struct server *at)
{
	d->server = calloc(1, sizeof(*d->server));
	if (d->server == NULL)
		return JIT_E_NOMEM;
	*d->server = *at;
	*at = (struct server){ 0 };
	return JIT_OK;
}

enum jit_err
desk_server(struct desk *d, bool *there, struct server *ret,
    struct jit_why *why)
{
	*there = d->c->signer == NULL;
	return *there ? server_find(d->state.s, d->c->server, ret, why) :
	    JIT_OK;
}

enum jit_err
desk_open_at(struct desk *d, struct cli *c, struct server *at,
    struct jit_why *why)
{
	d->c = c;
	JIT_TRY(desk_paths(d, why));
	JIT_TRY(take_server(d, at));
	return connect_session(d, why);
}

enum jit_err
desk_open(struct desk *d, struct cli *c, struct jit_why *why)
{
	JIT_DONE(server_done) struct server at = { 0 };
	bool there = false;

	d->c = c;
	JIT_TRY(desk_paths(d, why));
	JIT_TRY(desk_server(d, &there, &at, why));
	if (there)
		JIT_TRY(take_server(d, &at));
	return connect_session(d, why);
}

const char *
desk_where(const struct desk *d)
{
	return d->server != NULL ? d->server->url.text : d->c->signer;
}

enum jit_err
desk_pins(struct cli *c, struct client_trust *ret, struct jit_why *why)
{
	JIT_DONE(desk_done) struct desk d = { .c = c };
	JIT_DONE(server_done) struct server at = { 0 };
	struct session_config conf = { .socket = c->signer, .pin = c->pin };
	struct client_trust t = { 0 };
	bool there = false;

	JIT_TRY(desk_paths(&d, why));
	if (c->signer == NULL && c->server == NULL &&
	    !server_has_default(d.state.s))
		return jit_fail(why, JIT_E_ARG, "no pin: give the log's key "
		    "from outside by --pin VKEY, or name a signer or a server "
		    "whose log this machine has seen");
	JIT_TRY(desk_server(&d, &there, &at, why));
	conf.state = d.state.s;
	conf.server = there ? at.url.text : NULL;
	if (conf.pin == NULL && at.log[0] != '\0')
		conf.pin = at.log;
	JIT_TRY(session_pins(&conf, &t, why));
	buf_done(&t.note);
	if (!t.pinned) {
		ssh_key_free(t.user_ca);
		return jit_fail(why, JIT_E_ARG, "no pin: nothing was seen of "
		    "that log yet; give its key by --pin VKEY");
	}
	*ret = t;
	return JIT_OK;
}

void
desk_done(struct desk *d)
{
	hands_done(&d->hands);
	agent_free(d->agent);
	session_free(d->s);
	if (d->server != NULL)
		server_done(d->server);
	free(d->server);
	free(d->ids);
	*d = (struct desk){ 0 };
}

utc_s
desk_now(const struct desk *d)
{
	return cli_now(d->c) + d->ahead;
}

enum jit_err
desk_reopen(struct desk *d, struct jit_why *why)
{
	session_free(d->s);
	d->s = NULL;
	d->me = NULL;
	d->policy = NULL;
	JIT_TRY(connect_session(d, why));
	/* Also when an earlier try failed half-way. */
	return d->known ? desk_who(d, why) : JIT_OK;
}

void
desk_hang_up(struct desk *d)
{
	JIT_DONE(dossiers_done) struct dossiers l = { 0 };

	/* Short ids are told afterwards as well. */
	if (!d->listed)
		(void)desk_list(d, &l, NULL);
	d->listed = true;
	session_hang_up(d->s);
	agent_free(d->agent);
	d->agent = NULL;
}

enum jit_err
desk_refresh(struct desk *d, struct jit_why *why)
{
	uint64_t index = session_policy_index(d->s);

	if (d->policy != NULL && d->policy_index == index)
		return JIT_OK;
	JIT_TRY(session_policy(d->s, index, &d->policy, why));
	d->policy_index = index;
	return JIT_OK;
}

/* ---- keys ---- */

static bool
is_fingerprint(const char *key)
{
	return strncmp(key, "SHA256:", 7) == 0;
}

static const struct hand *
named_hand(const struct desk *d)
{
	const char *key = d->c->key;

	if (key == NULL)
		return NULL;
	return is_fingerprint(key) ? hands_by_fingerprint(&d->hands, key) :
	    hands_named(&d->hands);
}

enum jit_err
desk_hands(struct desk *d, struct jit_why *why)
{
	const struct cli *c = d->c;
	const char *key = c->key;
	struct jit_why no = { 0 };

	if (d->hands.n > 0)
		return JIT_OK;
	if (d->agent == NULL && c->env.auth_sock != NULL &&
	    agent_open(c->env.auth_sock, DESK_TIMEOUT_MS, &d->agent, &no) !=
	    JIT_OK)
		out_note(d->c, "No ssh-agent answers at SSH_AUTH_SOCK: %s\n",
		    jit_why_text(&no, JIT_E_UNREACHABLE));
	JIT_TRY(hands_find(d->agent, c->env.home,
	    key != NULL && !is_fingerprint(key) ? key : NULL, &d->hands,
	    why));
	if (key != NULL && named_hand(d) == NULL)
		return jit_fail(why, JIT_E_UNKNOWN, "--key: neither the agent "
		    "nor ~/.ssh holds %.60s", key);
	return JIT_OK;
}

bool
desk_is_candidate(const struct desk *d, const struct hand *h)
{
	return d->c->key == NULL || named_hand(d) == h;
}

/* Nobody's: which keys were tried, and what to do. */
static enum jit_err
fail_unknown(const struct desk *d, const char *as, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(1024);
	size_t shown = 0, n = 0;
	char fp[SSH_FP_TEXT];

	for (size_t i = 0; i < d->hands.n; i++) {
		if (!desk_is_candidate(d, &d->hands.at[i]))
			continue;
		if (++n > 3)
			continue;
		ssh_key_fingerprint(d->hands.at[i].key, fp);
		wr_fmt(&w, "%s%s", shown++ > 0 ? ", " : "", fp);
	}
	if (n == 0)
		return jit_fail(why, JIT_E_KEYUNKNOWN, "you have no key: none "
		    "in ssh-agent, none in ~/.ssh/id_*.pub; make one with "
		    "ssh-keygen, then send an admin what jit-cert whoami "
		    "--policy prints");
	if (n > 3)
		wr_fmt(&w, " and %zu more", n - 3);
	wr_u8(&w, 0);
	if (w.err != JIT_OK)
		return jit_fail(why, w.err, "out of memory");
	return jit_fail(why, JIT_E_KEYUNKNOWN, "no key here is enrolled%s%s "
	    "(tried %s): send an admin what jit-cert whoami --policy prints",
	    as != NULL ? " for " : "", as != NULL ? as : "",
	    (const char *)w.p);
}

enum jit_err
desk_who(struct desk *d, struct jit_why *why)
{
	const char *as = d->c->as;
	const struct person *found = NULL;

	JIT_TRY(desk_hands(d, why));
	if (as != NULL && policy_person(d->policy, span_str(as)) == NULL) {
		char shown[TEXT_SHOWN];

		return jit_fail(why, JIT_E_PERSON, "--as: the policy has "
		    "nobody called \"%s\"", text_shown(span_str(as), shown,
		    sizeof(shown)));
	}
	for (size_t i = 0; i < d->hands.n; i++) {
		const struct hand *h = &d->hands.at[i];
		const struct person *p = desk_is_candidate(d, h) ?
		    policy_key_person(d->policy, h->key) : NULL;

		if (p == NULL || (as != NULL && !span_eq_str(p->name, as)))
			continue;
		if (found != NULL && found != p)
			return jit_fail(why, JIT_E_ARG, "your keys are those "
			    "of %.*s and of %.*s: say --as %.*s, or --key "
			    "FILE|FINGERPRINT", OUT_SPAN(found->name),
			    OUT_SPAN(p->name), OUT_SPAN(found->name));
		found = p;
	}
	if (found == NULL)
		return fail_unknown(d, as, why);
	d->me = found;
	d->known = true;
	return JIT_OK;
}

bool
desk_is_me(const struct desk *d, struct span name)
{
	return d->me != NULL && span_eq(d->me->name, name);
}

enum jit_err
desk_choose(const struct desk *d, unsigned proofs, const struct hand **ret,
    struct jit_why *why)
{
	const struct hand *best = NULL, *other = NULL;
	bool plain = (proofs & 1u << PROOF_SSHSIG) != 0;
	char text[64];

	for (size_t i = 0; i < d->hands.n; i++) {
		const struct hand *h = &d->hands.at[i];
		bool sk = ssh_key_is_sk(h->key);

		if (!desk_is_candidate(d, h) || !person_has_key(d->me, h->key))
			continue;
		other = h;
		if (!plain && !sk)
			continue;
		/* No touch where none is demanded. */
		if (best == NULL || (plain && !sk && ssh_key_is_sk(best->key)))
			best = h;
	}
	if (best != NULL) {
		*ret = best;
		return JIT_OK;
	}
	return jit_fail(why, JIT_E_PROOF, "this needs a signature by %s, and "
	    "your enrolled key here is %s", proof_mask_text(proofs, text),
	    other != NULL ? ssh_key_type_name(other->key) : "none");
}

static void
say_touch(void *arg, const struct hand *h)
{
	struct cli *c = arg;
	char fp[SSH_FP_TEXT];

	if (!ssh_key_is_sk(h->key))
		return;
	ssh_key_fingerprint(h->key, fp);
	out_note(c, "  Touch your key (%s%s%.*s) …\n", fp,
	    h->comment.n > 0 ? " " : "", OUT_SPAN(BUF_SPAN(h->comment)));
}

enum jit_err
desk_sign(struct desk *d, const struct hand *h, unsigned proofs,
    const char *ns, struct span text, struct buf *ret, struct jit_why *why)
{
	JIT_DONE(buf_done) struct buf sig = { 0 };
	struct ssh_sig_facts facts = { 0 };
	struct hand_ask ask = {
		.before = say_touch, .arg = d->c, .timeout_ms = -1,
		.terminal = !d->c->out.json && !d->c->out.silent && isatty(d->c->out.err_fd) == 1,
	};

	JIT_TRY(hand_sign(d->agent, h, ns, text, &ask, &sig, &facts, why));
	JIT_TRY(proof_check(proofs, h->key, &facts, why));
	*ret = sig;
	sig = (struct buf){ 0 };
	return JIT_OK;
}

/* ---- requests by id ---- */

/* Remember the ids of what is live. */
static enum jit_err
remember(struct desk *d, const struct dossiers *l, struct jit_why *why)
{
	struct ulid *ids = calloc(l->n + 1, sizeof(*ids));

	if (ids == NULL)
		return jit_fail(why, JIT_E_NOMEM, "out of memory");
	for (size_t i = 0; i < l->n; i++)
		ids[i] = l->v[i]->id;
	free(d->ids);
	d->ids = ids;
	d->n_ids = l->n;
	d->listed = true;
	return JIT_OK;
}

enum jit_err
desk_list(struct desk *d, struct dossiers *ret, struct jit_why *why)
{
	JIT_DONE(dossiers_done) struct dossiers l = { 0 };

	if (d->s == NULL)
		return jit_fail(why, JIT_E_UNREACHABLE, "%s: it did not come "
		    "back", desk_where(d));
	JIT_TRY(session_list(d->s, &l, why));
	JIT_TRY(remember(d, &l, why));
	*ret = l;
	l = (struct dossiers){ 0 };
	return desk_refresh(d, why);
}

/* Is it among the lockers?  That of an access long over is found so. */
static enum jit_err
find_in_lockers(struct desk *d, const char *typed, struct ulid *ret,
    struct jit_why *why)
{
	JIT_SCOPED(free) struct ulid *ids = NULL;
	size_t n = 0;
	struct jit_why no = { 0 };

	if (locker_list(d->lockers.s, &ids, &n, &no) != JIT_OK)
		n = 0;
	return id_find(typed, ids, n, ret, why);
}

enum jit_err
desk_find(struct desk *d, const char *typed, struct dossier **ret,
    utc_s *now, struct jit_why *why)
{
	JIT_DONE(dossiers_done) struct dossiers l = { 0 };
	struct ulid id;
	struct jit_why no = { 0 };
	enum jit_err e;

	JIT_TRY(desk_list(d, &l, why));
	if ((e = id_find(typed, d->ids, d->n_ids, &id, why)) != JIT_OK &&
	    (e != JIT_E_UNKNOWN ||
	    find_in_lockers(d, typed, &id, &no) != JIT_OK))
		return e;
	for (size_t i = 0; i < l.n; i++) {
		if (strcmp(l.v[i]->id.s, id.s) != 0)
			continue;
		*ret = l.v[i];
		l.v[i] = NULL;
		if (now != NULL)
			*now = l.now;
		return JIT_OK;
	}
	JIT_TRY(session_show(d->s, &id, ret, now, why));
	return desk_refresh(d, why);
}

const char *
desk_short(struct desk *d, const struct ulid *id)
{
	JIT_DONE(dossiers_done) struct dossiers l = { 0 };
	struct jit_why no = { 0 };

	if (!d->listed && desk_list(d, &l, &no) != JIT_OK)
		return id->s;
	return id_short(id, d->ids, d->n_ids);
}

enum standing
desk_standing(const struct desk *d, const struct dossier *r, utc_s now,
    struct quorum *q, bool *stale)
{
	return dossier_standing(r, d->policy, now, q, stale);
}

bool
desk_awaits_me(const struct desk *d, const struct dossier *r)
{
	const struct request *q = &r->h.request->req;
	const struct role *role = policy_role(d->policy, q->role);
	struct quorum have = { 0 };

	if (role == NULL || d->me == NULL ||
	    !role_may_approve(role, d->me, q->requester) ||
	    judge_quorum(d->policy, &r->h, &have, NULL) != JIT_OK)
		return false;
	for (unsigned i = 0; i < have.have; i++)
		if (desk_is_me(d, r->h.decision[have.counted[i]]->
		    dec.approver))
			return false;
	return true;
}
