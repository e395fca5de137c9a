/* A request as jit-certd sees it: openapi.yaml's Request. */
#include "api/routes/call.h"

/* Approvals that count under the policy in force, as far as rows tell. */
static unsigned
count_approvals(const struct policy *p, const struct role *role,
    const struct view_row *r)
{
	unsigned n = 0;

	for (size_t i = 0; i < r->n_approved; i++) {
		const struct person *who = policy_person(p, r->approved[i]);

		n += who != NULL && role_may_approve(role, who, r->requester);
	}
	return n;
}

static const char *
state_of(const struct view_row *r, const struct role *role, unsigned have,
    utc_s now)
{
	switch (r->end) {
	case VIEW_DENIED:
		return "denied";
	case VIEW_CANCELLED:
		return "cancelled";
	case VIEW_DROPPED:
		return "dropped";
	case VIEW_REVOKED:
		return "revoked";
	case VIEW_ISSUED:
		return now < r->until ? "live" : "expired";
	case VIEW_OPEN:
		break;
	}
	if (now >= r->closes)
		return "closed";
	return role != NULL && have >= role->need ? "approved" : "pending";
}

static void
put_list(struct js *j, const char *name, const struct span *v, size_t n)
{
	js_open(j, name, '[');
	for (size_t i = 0; i < n; i++)
		js_text(j, NULL, v[i]);
	js_close(j, ']');
}

/* null when there is none. */
static void
put_maybe(struct js *j, const char *name, struct span s)
{
	if (s.n > 0)
		js_text(j, name, s);
	else
		js_null(j, name);
}

static void
put_names(struct js *j, const struct view_row *r)
{
	static const char *const causes[] = {
		[ENDED_LOCKED] = "person-locked",
		[ENDED_PERSON] = "person-removed",
		[ENDED_KEY] = "key-removed",
	};

	put_list(j, "approved_by", r->approved, r->n_approved);
	put_maybe(j, "denied_by", r->denied);
	put_maybe(j, "revoked_by", r->revoked);
	js_str(j, "ended_for", r->cause == 0 ? NULL : causes[r->cause]);
}

/* What is asked for, beside the role's name. */
static void
put_kind(struct js *j, const struct view_row *r)
{
	js_str(j, "kind", request_kind_name(r->kind));
	put_maybe(j, "profile", r->profile);
	put_list(j, "subject", r->subject, r->n_subject);
	put_list(j, "sans", r->sans, r->n_sans);
	put_maybe(j, "crl", r->crl);
}

void
call_put_request(struct js *j, const char *name, const struct certd *d,
    const struct view_row *r, utc_s now)
{
	const struct policy *p = view_policy(d->view);
	const struct role *role = p != NULL ? policy_role(p, r->role) : NULL;
	unsigned have = role != NULL ? count_approvals(p, role, r) : 0;

	js_open(j, name, '{');
	js_str(j, "id", r->id.s);
	js_uint(j, "index", r->index);
	js_uint(j, "last", r->last);
	js_digest(j, "digest", &r->digest);
	js_text(j, "requester", r->requester);
	js_text(j, "role", r->role);
	put_kind(j, r);
	js_str(j, "state", state_of(r, role, have, now));
	js_utc(j, "created", r->created);
	js_utc(j, "opens", r->opens);
	js_utc(j, "closes", r->closes);
	js_dur(j, "duration", r->duration);
	js_text(j, "reason", r->reason);
	put_names(j, r);
	js_uint(j, "have", have);
	if (role != NULL)
		js_uint(j, "need", role->need);
	else
		js_null(j, "need");
	put_maybe(j, "serial", r->serial);
	if (r->serial.n > 0)
		js_utc(j, "until", r->until);
	else
		js_null(j, "until");
	js_close(j, '}');
}
