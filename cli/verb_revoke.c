/*
 * revoke - an issued certificate is taken back before its end, by whoever
 * asked for it, may decide on its role, or is an admin.
 */
#include <string.h>

#include "cli/act.h"
#include "cli/ask_int.h"
#include "cli/await.h"
#include "cli/ended.h"
#include "cli/fetch.h"
#include "cli/left.h"
#include "cli/lookup.h"
#include "cli/tell.h"

struct revoking {
	struct desk *d;
	const struct args *a;
	struct dossier *r;		/* owned */
	utc_s now;
	char serial[ISSUED_SERIAL_TEXT];
	struct buf reason;		/* owned */
};

static void
revoking_done(struct revoking *x)
{
	dossier_free(x->r);
	buf_done(&x->reason);
}
JIT_SCOPED_OBJ(struct revoking, revoking_done);

/* ---- may it be revoked, and by me? ---- */

static const struct role *
role_of(const struct revoking *x)
{
	return policy_role(x->d->policy, x->r->h.request->req.role);
}

/* "bob, carol; admins: dana" */
static void
put_others(const struct revoking *x, struct wr *w)
{
	const struct role *role = role_of(x);
	const struct block *admins = policy_get(x->d->policy, BLOCK_ADMINS,
	    SPAN_NONE);

	wr_span(w, x->r->h.request->req.requester);
	if (role != NULL) {
		wr_str(w, "; who may decide on it: ");
		(void)ask_put_members(x->d, &role->approve_of, w);
	}
	if (admins != NULL) {
		wr_str(w, "; admins: ");
		(void)ask_put_members(x->d, &admins->admins.of, w);
	}
	wr_u8(w, 0);
}

static int
check_me(struct revoking *x)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(65536);
	const struct span who = x->r->h.request->req.requester;
	const struct role *role = role_of(x);
	struct jit_why why = { 0 };

	if (desk_is_me(x->d, who) || policy_is_admin(x->d->policy, x->d->me) ||
	    (role != NULL && role_may_approve(role, x->d->me, who)))
		return CLI_DONE;
	put_others(x, &w);
	return out_error(x->d->c, jit_fail(&why, JIT_E_NOTYOURS, "you are "
	    "%.*s; %s can be revoked by %s", OUT_SPAN(x->d->me->name),
	    desk_short(x->d, &x->r->id), w.err == JIT_OK ?
	    (const char *)w.p : "others"), &why);
}

/* The end that it had already, or that it has none yet. */
static int
check_live(struct revoking *x)
{
	struct cli *c = x->d->c;
	const char *id = desk_short(x->d, &x->r->id);
	enum standing s = desk_standing(x->d, x->r, x->now, NULL, NULL);
	struct jit_why why = { 0 };
	char at[WHEN_TEXT], ago[WHEN_TEXT];

	if (s == STAND_PENDING || s == STAND_APPROVED)
		return out_error(c, jit_fail(&why, JIT_E_PENDING, "%s has no "
		    "certificate yet: jit-cert %s %s", id, desk_is_me(x->d,
		    x->r->h.request->req.requester) ? "cancel" : "deny", id),
		    &why);
	if (s == STAND_ENDED)
		return out_outcome(c, "EXPIRED", JIT_E_EXPIRED, "It ended by "
		    "itself %s (%s); there is nothing to revoke.",
		    when_text(WHEN_SHORT, x->r->h.issued_until, x->now, at),
		    when_ago(x->r->h.issued_until, x->now, ago));
	if (s == STAND_REVOKED || s == STAND_DROPPED) {
		JIT_DONE(wr_done) struct wr w = WR_INIT(4096);

		(void)ended_put(&w, x->r, x->now);
		return out_outcome(c, s == STAND_REVOKED ? "REVOKED" :
		    "DROPPED", s == STAND_REVOKED ? JIT_E_REVOKED :
		    JIT_E_DROPPED, "It was %.*s already; nothing was signed.",
		    OUT_SPAN(wr_view(&w)));
	}
	return await_say_end(x->d, x->r, s, x->now);
}

/* ---- showing it ---- */

static int
show(struct revoking *x)
{
	JIT_DONE(wr_done) struct wr standing = WR_INIT(1024);
	const struct policy *p = NULL;
	struct jit_why why = { 0 };
	enum jit_err e = tell_policy(x->d, x->r, &p, NULL, &why);

	if (e != JIT_OK)
		return out_error(x->d->c, e, &why);
	tell_request(x->d, p, x->r, x->now);
	tell_put_standing(&standing, x->d, x->r, x->now);
	out_say(x->d->c, "  state  %.*s\n", OUT_SPAN(wr_view(&standing)));
	return CLI_DONE;
}

/* ---- doing it ---- */

static void
say_done(struct revoking *x, const struct sent *sent)
{
	struct cli *c = x->d->c;
	const struct request *q = &x->r->h.request->req;
	const bool listed = left_is_listed(q);

	out_say(c, "Revoked, log #%llu: certificate %s of %.*s for %.*s%s\n",
	    (unsigned long long)sent->index, x->serial,
	    OUT_SPAN(q->requester), OUT_SPAN(q->role), !listed ? "." :
	    q->kind == KIND_X509 ? " is on the CRL." : " is in the KRL.");
	act_say_left(x->d, x->r, x->now);
	out_json(c, json_pack("{s:s, s:s, s:s, s:s, s:s?, s:I, s:o, s:o}",
	    "id", x->r->id.s, "state", "revoked", "kind",
	    request_kind_name(q->kind), "serial", x->serial, "listed",
	    !listed ? NULL : q->kind == KIND_X509 ? "crl" : "krl",
	    "log_index", (json_int_t)sent->index, "time",
	    out_json_utc(sent->time), "until",
	    out_json_utc(x->r->h.issued_until)));
}

static int
sign_and_send(struct revoking *x)
{
	struct sent sent = { 0 };
	struct jit_why why = { 0 };
	enum jit_err e = act_sign_and_send(x->d, x->r, ACT_REVOKE,
	    BUF_SPAN(x->reason), &sent, &why);

	if (e == JIT_E_UNREACHABLE)
		(void)jit_at(&why, e, "whether it is logged is not known; the "
		    "same command again is safe");
	if (e != JIT_OK)
		return out_error(x->d->c, e, &why);
	if (desk_is_me(x->d, x->r->h.request->req.requester))
		fetch_forget(x->d, &x->r->id);
	say_done(x, &sent);
	return CLI_DONE;
}

int
verb_revoke(struct cli *c, const struct args *a)
{
	JIT_DONE(desk_done) struct desk d = { 0 };
	JIT_DONE(revoking_done) struct revoking x = { .d = &d, .a = a };
	struct jit_why why = { 0 };
	enum jit_err e;
	int status;

	if ((e = desk_open(&d, c, &why)) != JIT_OK ||
	    (e = desk_who(&d, &why)) != JIT_OK ||
	    (e = lookup(&d, a->operand[0], &x.r, &x.now, &why)) != JIT_OK)
		return out_error(c, e, &why);
	if ((status = check_live(&x)) != CLI_DONE ||
	    (status = check_me(&x)) != CLI_DONE)
		return status;
	if ((e = lookup_serial(x.r, x.serial, &why)) != JIT_OK)
		return out_error(c, e, &why);
	if ((status = show(&x)) != CLI_DONE)
		return status;
	if ((e = act_take_reason(c, args_get(a, OPT_WHY), &x.reason, &why)) !=
	    JIT_OK)
		return out_error(c, e, &why);
	if (!args_has(a, OPT_YES) &&
	    (status = act_confirm(c, "revoke")) != CLI_DONE)
		return status;
	return sign_and_send(&x);
}
