/* ask - from what is wanted to a request in the log. */
#include <string.h>

#include "ca/x509/csr.h"
#include "cli/ask_int.h"
#include "cli/fetch.h"

#define ASK_DURATION 3600	/* s, unless the role allows less */
#define ASK_WINDOW (8 * 3600)	/* s, for approvers to come in */
#define ASK_SLACK 2		/* s, between two clocks that agree */

/* A request on its way: its parts in one place. */
struct asking {
	struct desk *d;
	const struct want *want;
	const struct role *role;
	const struct hand *hand;
	struct buf reason;		/* owned */
	struct request req;		/* borrows from all of this */
	struct request_store store;
	char fp[SSH_FP_TEXT];
	struct ssh_priv *key;		/* owned; to be certified */
	struct secret secret;
	struct buf text, sig, possess;	/* owned */
};

static void
asking_done(struct asking *a)
{
	buf_done(&a->reason);
	ssh_priv_free(a->key);
	secret_done(&a->secret);
	buf_done(&a->text);
	buf_done(&a->sig);
	buf_done(&a->possess);
}
JIT_SCOPED_OBJ(struct asking, asking_done);

/* ---- may it be? ---- */

enum jit_err
ask_find_role(const struct desk *d, const char *name,
    const struct role **ret, struct jit_why *why)
{
	const char *list[256], *near;
	char shown[TEXT_SHOWN], names[256][40];
	size_t n = 0;

	if ((*ret = policy_role(d->policy, span_str(name))) != NULL)
		return JIT_OK;
	for (size_t i = 0; i < policy_count(d->policy) && n < 256; i++) {
		const struct block *b = policy_at(d->policy, i);

		if (b->kind != BLOCK_ROLE)
			continue;
		(void)text_shown(b->name, names[n], sizeof(names[n]));
		list[n] = names[n];
		n++;
	}
	(void)text_shown(span_str(name), shown, sizeof(shown));
	if ((near = args_nearest(name, list, n)) != NULL)
		return jit_fail(why, JIT_E_ROLE, "there is no role \"%s\"; "
		    "did you mean %s?", shown, near);
	return jit_fail(why, JIT_E_ROLE, "there is no role \"%s\"; jit-cert "
	    "roles lists those that you may ask for", shown);
}

static bool
shares_hosts(const struct role *a, const struct role *b)
{
	if (a->kind == KIND_X509 && b->kind == KIND_X509)
		return span_eq(a->profile, b->profile);
	for (size_t i = 0; i < a->host_groups.n; i++)
		for (size_t j = 0; j < b->host_groups.n; j++)
			if (span_eq(a->host_groups.v[i], b->host_groups.v[j]))
				return true;
	return false;
}

/* Another role to the same servers that I could have; NULL: none. */
static const struct role *
other_role(const struct desk *d, const struct role *role)
{
	for (size_t i = 0; i < policy_count(d->policy); i++) {
		const struct block *b = policy_at(d->policy, i);

		if (b->kind == BLOCK_ROLE && &b->role != role &&
		    shares_hosts(role, &b->role) &&
		    person_in(d->me, &b->role.request_of) &&
		    policy_count_approvers(d->policy, &b->role, d->me->name) >=
		    b->role.need)
			return &b->role;
	}
	return NULL;
}

static int
say_nobody(const struct desk *d, const struct role *role)
{
	JIT_DONE(wr_done) struct wr who = WR_INIT(4096);
	JIT_DONE(wr_done) struct wr groups = WR_INIT(4096);
	JIT_DONE(wr_done) struct wr admins = WR_INIT(4096);
	const struct block *b = policy_get(d->policy, BLOCK_ADMINS,
	    SPAN_NONE);
	const struct role *other = other_role(d, role);

	ask_put_names(&groups, &role->approve_of);
	(void)ask_put_members(d, &role->approve_of, &who);
	if (b != NULL)
		(void)ask_put_members(d, &b->admins.of, &admins);
	return out_outcome(d->c, "NOBODY", JIT_E_NOBODY, "Nobody can approve: "
	    "%.*s needs %u of %.*s (%.*s), and you are %.*s. Nothing was "
	    "sent. %s%.*s%s %.*s (admin).", OUT_SPAN(role->name), role->need,
	    OUT_SPAN(wr_view(&groups)), OUT_SPAN(wr_view(&who)),
	    OUT_SPAN(d->me->name), other != NULL ? "Try " : "",
	    OUT_SPAN(other != NULL ? other->name : SPAN_NONE),
	    other != NULL ? ", or ask" : "Ask", OUT_SPAN(wr_view(&admins)));
}

/* What the policy says beforehand; told when it is no. */
static int
check_may(struct asking *a)
{
	JIT_DONE(wr_done) struct wr may = WR_INIT(4096);
	struct cli *c = a->d->c;
	const struct role *role = a->role;
	struct jit_why why = { 0 };
	enum jit_err e;

	if (!person_in(a->d->me, &role->request_of)) {
		ask_put_names(&may, &role->request_of);
		wr_u8(&may, 0);
		return out_error(c, jit_fail(&why, JIT_E_REFUSED, "%.*s may "
		    "be asked for by %s; you (%.*s) are in none of these",
		    OUT_SPAN(role->name), may.err == JIT_OK ?
		    (const char *)may.p : "others",
		    OUT_SPAN(a->d->me->name)), &why);
	}
	if (policy_count_approvers(a->d->policy, role, a->d->me->name) <
	    role->need)
		return say_nobody(a->d, role);
	if ((e = desk_choose(a->d, role->request_proofs, &a->hand, &why)) !=
	    JIT_OK)
		return out_error(c, e, &why);
	return CLI_DONE;
}

/* ---- what stands in it ---- */

static enum jit_err
check_reason(const struct role *role, struct span s, struct jit_why *why)
{
	if (s.n > REASON_MAX)
		return jit_fail(why, JIT_E_REASON, "a reason of %zu bytes; at "
		    "most %d", s.n, REASON_MAX);
	if (span_eq_str(s, "-"))
		return jit_fail(why, JIT_E_REASON, "\"-\" is no reason");
	JIT_TRY(text_check_plain(s, why));
	return role_check_reason(role, s, why);
}

/* As given, or asked on the terminal until the role takes it. */
static enum jit_err
take_reason(struct asking *a, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr prompt = WR_INIT(64);
	const struct role *role = a->role;
	enum jit_err e;

	if (a->want->reason != NULL || (!role->reason_required &&
	    role->reason_pattern.n == 0)) {
		struct span s = a->want->reason != NULL ?
		    span_str(a->want->reason) : SPAN_NONE;

		JIT_TRY(check_reason(role, s, why));
		return buf_copy(&a->reason, s);
	}
	out_put(a->d->c, &prompt, "Reason: ");
	for (;;) {
		buf_done(&a->reason);
		e = out_ask_line(a->d->c, wr_view(&prompt), REASON_MAX,
		    &a->reason, why);
		if (e == JIT_E_IO || e == JIT_E_ARG)
			return jit_at(why, JIT_E_REASON, "%.*s needs a reason "
			    "(--reason)", OUT_SPAN(role->name));
		JIT_TRY(e);
		e = check_reason(role, BUF_SPAN(a->reason), why);
		if (e == JIT_OK)
			return JIT_OK;
		out_note(a->d->c, "%s\n", jit_why_text(why, e));
	}
}

/* Duration and window: as wanted, else what the role suggests. */
static enum jit_err
fill_window(struct asking *a, struct jit_why *why)
{
	const struct want *w = a->want;
	const struct role *role = a->role;
	struct request *q = &a->req;
	const utc_s now = cli_now(a->d->c), signer = desk_now(a->d);
	/* As the signer will count it, whose clock may be behind ours. */
	const utc_s last = (signer < now ? signer : now) + role->horizon -
	    ASK_SLACK;
	char text[WHEN_TEXT];

	q->created = now;
	q->opens = w->opens > now ? w->opens : now;
	q->duration = w->duration > 0 ? w->duration :
	    role->max < ASK_DURATION ? role->max : ASK_DURATION;
	if (q->duration > role->max)
		return jit_fail(why, JIT_E_WINDOW, "%.*s allows %s at the "
		    "longest", OUT_SPAN(role->name),
		    when_dur(role->max, text));
	q->closes = w->closes;
	if (q->closes == 0) {
		q->closes = q->opens + (q->duration > ASK_WINDOW ?
		    q->duration : ASK_WINDOW);
		if (q->closes > last)
			q->closes = last;
		/* A moment that a person can say. */
		if (q->closes - q->closes % 60 >= q->opens + q->duration)
			q->closes -= q->closes % 60;
	}
	if (q->closes > last + ASK_SLACK)
		return jit_fail(why, JIT_E_WINDOW, "%.*s lets a window close "
		    "at the latest %s from now", OUT_SPAN(role->name),
		    when_dur(role->horizon, text));
	if (q->closes <= q->opens)
		return jit_fail(why, JIT_E_WINDOW, "the window would close "
		    "before it opens (%.*s looks %s ahead)",
		    OUT_SPAN(role->name), when_dur(role->horizon, text));
	if (q->duration > q->closes - q->opens) {
		if (w->duration > 0)
			return jit_fail(why, JIT_E_WINDOW, "the duration is "
			    "longer than the window, %s",
			    when_dur(q->closes - q->opens, text));
		q->duration = q->closes - q->opens;
	}
	return JIT_OK;
}

/* What a key of a certificate for TLS may be. */
static const struct {
	const char *name;
	enum ssh_type type;
	unsigned bits;
} key_types[] = {
	{ "ecdsa-p256", SSH_ECDSA_P256, 0 },	/* unless another is said */
	{ "ecdsa-p384", SSH_ECDSA_P384, 0 },
	{ "ed25519", SSH_ED25519, 0 },
	{ "rsa-3072", SSH_RSA, 3072 },
};

/* For ssh always Ed25519; nothing else has to read it. */
static enum jit_err
make_key(struct asking *a, struct jit_why *why)
{
	const struct rng *rng = &a->d->c->rng;
	const char *name = a->want->key_type;

	if (a->role->kind == KIND_SSH_USER)
		return name == NULL ? ssh_priv_generate(SSH_ED25519, 0, rng,
		    &a->key, why) : jit_fail(why, JIT_E_ARG, "--key-type is "
		    "for X.509 certificates; %.*s gives one for ssh",
		    OUT_SPAN(a->role->name));
	for (size_t i = 0; i < sizeof(key_types) / sizeof(key_types[0]); i++)
		if (name == NULL || strcmp(name, key_types[i].name) == 0)
			return ssh_priv_generate(key_types[i].type,
			    key_types[i].bits, rng, &a->key, why);
	return jit_fail(why, JIT_E_ARG, "--key-type: accepted are ecdsa-p256, "
	    "ecdsa-p384, ed25519 and rsa-3072");
}

/* A new key and secret, and the text. */
static enum jit_err
render(struct asking *a, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(REQUEST_MAX);
	struct desk *d = a->d;
	const struct rng *rng = &d->c->rng;
	struct request *q = &a->req;
	const struct ssh_key *pub;

	JIT_TRY(make_key(a, why));
	JIT_TRY(secret_new(&a->secret, LOCKER_SECRET));
	JIT_TRY(rng_fill(rng, a->secret.p, a->secret.n));
	JIT_TRY(digest_sha256(SPAN(a->secret.p, a->secret.n), &q->collect));
	JIT_TRY(ulid_make(d->c->clock.wall_ms(), rng, &q->id));
	q->requester = d->me->name;
	JIT_TRY(policy_fill_request(d->policy, a->role->name, q, &a->store,
	    why));
	pub = ssh_priv_public(a->key);
	ssh_key_fingerprint(pub, a->fp);
	q->log = span_str(session_log_id(d->s));
	q->certify_type = span_str(ssh_key_type_name(pub));
	q->certify = span_str(a->fp);
	q->reason = BUF_SPAN(a->reason);
	request_put(&w, q);
	JIT_TRY(wr_take(&w, &a->text));
	/* Shown and sent is what the text says, not what was put in. */
	return request_parse(BUF_SPAN(a->text), q, why);
}

static enum jit_err
sign(struct asking *a, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(REQUEST_POSSESS_MAX);

	JIT_TRY(desk_sign(a->d, a->hand, a->role->request_proofs, NS_REQUEST,
	    BUF_SPAN(a->text), &a->sig, why));
	if (a->req.kind == KIND_X509)
		JIT_TRY(csr_put(&w, a->key, span_str(a->req.id.s), why));
	else
		JIT_TRY(sshsig_make(a->key, NS_POSSESS, BUF_SPAN(a->text),
		    &w));
	return wr_take(&w, &a->possess);
}

/* ---- sending ---- */

/* The same bytes again are the same request: once more after a break. */
static enum jit_err
send_twice(struct asking *a, struct sent *sent, struct jit_why *why)
{
	enum jit_err e;

	for (int i = 0;; i++) {
		e = session_send(a->d->s, OP_REQUEST, BUF_SPAN(a->text),
		    BUF_SPAN(a->sig), BUF_SPAN(a->possess), sent, why);
		if (e != JIT_E_UNREACHABLE || i == 1)
			return e;
		JIT_TRY(desk_reopen(a->d, why));
	}
}

/* An answer that says no; after others it may be in the log all the same. */
static bool
is_refusal(enum jit_err e)
{
	return jit_err_exit(e) == CLI_REFUSED || e == JIT_E_NOBODY;
}

static enum jit_err
send_it(struct asking *a, struct sent *sent, struct jit_why *why)
{
	struct desk *d = a->d;
	JIT_DONE(wr_done) struct wr w = WR_INIT(128);
	JIT_DONE(buf_done) struct buf b = { 0 };
	enum jit_err e;

	wr_fmt(&w, AGENT_OURS "%.*s:%s", OUT_SPAN(a->req.requester),
	    a->req.id.s);
	JIT_TRY(wr_take(&w, &b));
	JIT_TRY(locker_put(d->lockers.s, &a->req.id, a->key,
	    SPAN(a->secret.p, a->secret.n), BUF_SPAN(a->text),
	    (const char *)b.p, &d->c->rng, why));
	e = send_twice(a, sent, why);
	if (e == JIT_OK)
		return JIT_OK;
	if (is_refusal(e))
		(void)locker_remove(d->lockers.s, &a->req.id, NULL);
	else
		out_note(d->c, "It is not known whether request %s reached "
		    "the log: jit-cert list shows it if it did.\n",
		    a->req.id.s);
	return e;
}

/* What is over leaves this machine; what is live is known from here on. */
static enum jit_err
tidy(struct desk *d, struct jit_why *why)
{
	JIT_DONE(dossiers_done) struct dossiers l = { 0 };

	JIT_TRY(desk_list(d, &l, why));
	fetch_sweep(d, &l);
	return JIT_OK;
}

int
ask_send(struct desk *d, const struct want *w, struct ulid *id)
{
	JIT_DONE(asking_done) struct asking a = { .d = d, .want = w };
	struct jit_why why = { 0 };
	struct sent sent;
	char text[WHEN_TEXT], max[WHEN_TEXT];
	enum jit_err e;
	int status;

	if ((e = tidy(d, &why)) != JIT_OK ||
	    (e = ask_find_role(d, w->role, &a.role, &why)) != JIT_OK)
		return out_error(d->c, e, &why);
	if ((status = check_may(&a)) != CLI_DONE)
		return status;
	if ((e = fill_window(&a, &why)) != JIT_OK ||
	    (e = take_reason(&a, &why)) != JIT_OK ||
	    /* Again: somebody may have thought long about the reason. */
	    (e = fill_window(&a, &why)) != JIT_OK ||
	    (e = render(&a, &why)) != JIT_OK)
		return out_error(d->c, e, &why);
	ask_say_request(d, &a.req, cli_now(d->c));
	if (w->duration == 0 && a.req.duration < a.role->max)
		out_note(d->c, "  For %s, since --for is not given; the role "
		    "allows %s.\n", when_dur(a.req.duration, text),
		    when_dur(a.role->max, max));
	if ((e = sign(&a, &why)) != JIT_OK ||
	    (e = send_it(&a, &sent, &why)) != JIT_OK)
		return out_error(d->c, e, &why);
	*id = a.req.id;
	d->listed = false;
	return CLI_DONE;
}
