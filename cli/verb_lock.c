/*
 * lock, unlock - take all access from a person at once, and let them in
 * again.
 *
 * For a stolen laptop: everybody may lock themselves, an admin everybody.
 * The signer ends what is theirs with the same entry; only an admin who is
 * not that person lets them in again.
 */
#include <string.h>

#include "cli/act.h"
#include "cli/ask.h"
#include "cli/fetch.h"
#include "cli/lost.h"

struct locking {
	struct desk *d;
	const struct args *a;
	bool unlock;
	struct span person;		/* borrowed from argv, or the desk */
	struct dossiers before;		/* owned */
	struct buf reason;		/* owned */
	struct sent sent;
};

static void
locking_done(struct locking *x)
{
	dossiers_done(&x->before);
	buf_done(&x->reason);
}
JIT_SCOPED_OBJ(struct locking, locking_done);

/* ---- may it be? ---- */

/* Admins other than the person: who can unlock.  Their number. */
static size_t
put_unlockers(const struct locking *x, struct wr *w)
{
	const struct policy *p = x->d->policy;
	size_t n = 0;

	for (size_t i = 0; i < policy_count(p); i++) {
		const struct block *b = policy_at(p, i);

		if (b->kind != BLOCK_PERSON || span_eq(b->name, x->person) ||
		    !policy_is_admin(p, &b->person))
			continue;
		wr_str(w, n++ > 0 ? ", " : "");
		wr_span(w, b->name);
	}
	wr_u8(w, 0);
	return n;
}

static enum jit_err
check(const struct locking *x, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(1u << 20);
	const struct desk *d = x->d;
	const bool self = desk_is_me(d, x->person);
	char shown[TEXT_SHOWN];

	(void)text_shown(x->person, shown, sizeof(shown));
	if (policy_person(d->policy, x->person) == NULL)
		return jit_fail(why, JIT_E_PERSON, "nobody called \"%s\" is "
		    "enrolled", shown);
	if (self ? !x->unlock : policy_is_admin(d->policy, d->me))
		return JIT_OK;
	(void)put_unlockers(x, &w);
	JIT_TRY(w.err);
	return jit_fail(why, JIT_E_NOTYOURS, "you are %.*s; %s %s: %s",
	    OUT_SPAN(d->me->name), self ? "only another admin can let you in "
	    "again" : x->unlock ? "only an admin can unlock" : "only they "
	    "themselves and an admin can lock", self ? "ask" : shown,
	    (const char *)w.p);
}

/* ---- showing it ---- */

/* What is about to be signed, before anybody is asked. */
static enum jit_err
show(struct locking *x, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(1024);
	JIT_DONE(wr_done) struct wr can = WR_INIT(1u << 20);
	struct cli *c = x->d->c;
	struct lost lost;

	if (x->unlock) {
		out_say(c, "%.*s may ask, decide and log in again; what the "
		    "lock ended stays ended.\n", OUT_SPAN(x->person));
		return JIT_OK;
	}
	JIT_TRY(desk_list(x->d, &x->before, why));
	lost_expect(&x->before, x->d->policy, x->person, &lost);
	lost_put(&w, &lost);
	out_say(c, "Locks %.*s out, everywhere and at once: they can ask for, "
	    "decide, collect and change nothing.\n  ends   %.*s%s, and "
	    "log-ins at jit-certd\n", OUT_SPAN(x->person),
	    OUT_SPAN(wr_view(&w)), x->d->server != NULL ?
	    " (of what you may see)" : "");
	if (put_unlockers(x, &can) == 0)
		out_say(c, "  NOBODY CAN UNLOCK %.*s: there is no other "
		    "admin\n", OUT_SPAN(x->person));
	else
		out_say(c, "  undo   only by an admin: %s\n",
		    (const char *)can.p);
	return can.err;
}

/* ---- doing it ---- */

static enum jit_err
sign_and_send(struct locking *x, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr text = WR_INIT(ACT_MAX);
	JIT_DONE(buf_done) struct buf sig = { 0 };
	const unsigned any = 1u << PROOF_SSHSIG;
	const struct hand *hand;
	struct desk *d = x->d;
	const struct lock k = {
		.unlock = x->unlock, .log = span_str(session_log_id(d->s)),
		.by = d->me->name, .at = cli_now(d->c), .person = x->person,
		.comment = BUF_SPAN(x->reason),
	};

	JIT_TRY(desk_choose(d, any, &hand, why));
	lock_put(&text, &k);
	JIT_TRY(text.err);
	JIT_TRY(desk_sign(d, hand, any, lock_namespace(x->unlock),
	    wr_view(&text), &sig, why));
	return session_send(d->s, OP_LOCK, wr_view(&text), BUF_SPAN(sig),
	    SPAN_NONE, &x->sent, why);
}

/* Of one's own, keys that open nothing any more leave this machine. */
static void
forget_own(struct locking *x)
{
	if (!desk_is_me(x->d, x->person))
		return;
	for (size_t i = 0; i < x->before.n; i++)
		if (span_eq(x->before.v[i]->h.request->req.requester,
		    x->person))
			fetch_forget(x->d, &x->before.v[i]->id);
}

static json_t *
as_json(const struct locking *x, const struct lost *lost, bool seen)
{
	json_t *o = json_pack("{s:o, s:s, s:I, s:o}", "person",
	    out_json_span(x->person), "state", x->unlock ? "unlocked" :
	    "locked", "log_index", (json_int_t)x->sent.index, "time",
	    out_json_utc(x->sent.time));

	if (o == NULL || x->unlock)
		return o;
	(void)json_object_set_new(o, "ended", !seen ? json_null() :
	    json_pack("{s:I, s:I, s:I, s:I}", "requests",
	    (json_int_t)lost->requests, "ssh", (json_int_t)lost->ssh, "x509",
	    (json_int_t)(lost->crl + lost->silent), "x509_without_crl",
	    (json_int_t)lost->silent));
	if (seen && lost->until > 0)
		(void)json_object_set_new(o, "until",
		    out_json_utc(lost->until));
	return o;
}

/* What it ended, by the entries that name it. */
static void
say_locked(struct locking *x)
{
	JIT_DONE(dossiers_done) struct dossiers l = { 0 };
	JIT_DONE(wr_done) struct wr w = WR_INIT(1024);
	JIT_DONE(wr_done) struct wr left = WR_INIT(4096);
	struct cli *c = x->d->c;
	struct jit_why why = { 0 };
	struct lost lost = { .requests = 0 };
	enum jit_err e = desk_list(x->d, &l, &why);

	out_say(c, "Locked out %.*s, log #%llu.\n", OUT_SPAN(x->person),
	    (unsigned long long)x->sent.index);
	if (e == JIT_OK) {
		lost_count(&l, x->sent.index, &lost);
		lost_put(&w, &lost);
		out_say(c, "  Ended with it: %.*s%s.\n",
		    OUT_SPAN(wr_view(&w)), x->d->server != NULL ?
		    " (of what you may see)" : "");
	} else {
		/* Who locked themselves may read no more. */
		lost_expect(&x->before, x->d->policy, x->person, &lost);
		lost_put(&w, &lost);
		out_say(c, "  It was to end %.*s; what it ended cannot be "
		    "read from here: %s.\n", OUT_SPAN(wr_view(&w)),
		    jit_why_text(&why, e));
	}
	out_say(c, "  Log-ins at jit-certd end with it.\n");
	lost_put_left(&left, &lost, x->sent.time);
	out_text(c, "  ", wr_view(&left));
	out_json(c, as_json(x, &lost, e == JIT_OK));
}

static void
say_unlocked(struct locking *x)
{
	out_say(x->d->c, "Unlocked %.*s, log #%llu. What the lock ended stays "
	    "ended: they ask again.\n", OUT_SPAN(x->person),
	    (unsigned long long)x->sent.index);
	out_json(x->d->c, as_json(x, NULL, false));
}

static int
lock(struct cli *c, const struct args *a, bool unlock)
{
	JIT_DONE(desk_done) struct desk d = { 0 };
	JIT_DONE(locking_done) struct locking x = { .d = &d, .a = a,
	    .unlock = unlock };
	struct jit_why why = { 0 };
	enum jit_err e;
	int status;

	if ((e = desk_open(&d, c, &why)) != JIT_OK ||
	    (e = desk_who(&d, &why)) != JIT_OK)
		return out_error(c, e, &why);
	x.person = a->n > 0 ? span_str(a->operand[0]) : d.me->name;
	if ((e = check(&x, &why)) != JIT_OK ||
	    (e = show(&x, &why)) != JIT_OK ||
	    (e = act_take_reason(c, args_get(a, OPT_WHY), &x.reason, &why)) !=
	    JIT_OK)
		return out_error(c, e, &why);
	if (!unlock && !args_has(a, OPT_YES) &&
	    (status = act_confirm(c, "lock")) != CLI_DONE)
		return status;
	if ((e = sign_and_send(&x, &why)) != JIT_OK) {
		if (e == JIT_E_UNREACHABLE)
			(void)jit_at(&why, e, "whether it is logged is not "
			    "known; the same command again is safe");
		return out_error(c, e, &why);
	}
	forget_own(&x);
	if (unlock)
		say_unlocked(&x);
	else
		say_locked(&x);
	return CLI_DONE;
}

int
verb_lock(struct cli *c, const struct args *a)
{
	return lock(c, a, false);
}

int
verb_unlock(struct cli *c, const struct args *a)
{
	return lock(c, a, true);
}
