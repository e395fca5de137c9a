/* collect - take the certificate of an approved request. */
#include "cli/await.h"
#include "cli/hop.h"

/* A first server of the role, for the line that can be copied. */
static bool
some_hop(const struct desk *d, const struct dossier *r, struct hop *ret)
{
	const struct role *role = policy_role(d->policy,
	    r->h.request->req.role);

	if (role == NULL)
		return false;
	for (size_t i = 0; i < role->host_groups.n; i++) {
		const struct block *g = policy_get(d->policy,
		    BLOCK_HOST_GROUP, role->host_groups.v[i]);

		for (size_t j = 0; g != NULL && j < g->host_group.n; j++) {
			const struct block *h = policy_get(d->policy,
			    BLOCK_HOST, g->host_group.hosts[j]);

			if (h == NULL || h->host.n_keys == 0)
				continue;
			*ret = (struct hop){ &h->host, role->accounts.v[0],
			    role->host_groups.v[i] };
			return true;
		}
	}
	return false;
}

static void
say(struct desk *d, const struct dossier *r, const struct fetched *f)
{
	JIT_DONE(wr_done) struct wr line = WR_INIT(65536);
	const struct ssh_cert_fields *cf = ssh_cert_fields(f->cert);
	const utc_s now = desk_now(d);
	char until[WHEN_TEXT], left[WHEN_TEXT], from[WHEN_TEXT];
	struct hop h;

	out_say(d->c, "Serial %llu, until %s (%s), %s%s.\n",
	    (unsigned long long)cf->serial,
	    when_text(WHEN_BOTH, cf->before, now, until),
	    when_dur(cf->before - (cf->after > now ? cf->after : now), left),
	    f->in_agent ? "in ssh-agent" : "in ", f->in_agent ? "" :
	    f->line.s);
	if (cf->after > now)
		out_say(d->c, "It opens %s, not before.\n",
		    when_text(WHEN_BOTH, cf->after, now, from));
	if (!some_hop(d, r, &h))
		return;
	hop_put_line(&line, &h, f);
	out_say(d->c, "Log in: jit-cert ssh %.*s -- %.*s@%.*s\n   or: ",
	    OUT_SPAN(r->h.request->req.role), OUT_SPAN(h.account),
	    OUT_SPAN(h.host->name));
	/* A command to copy: nothing in it may be changed by escaping. */
	if (!d->c->out.json && line.err == JIT_OK)
		out_text(d->c, "", wr_view(&line));
}

static json_t *
as_json(struct desk *d, const struct dossier *r, const struct fetched *f)
{
	const struct ssh_cert_fields *cf = ssh_cert_fields(f->cert);

	(void)d;
	return json_pack("{s:s, s:o, s:I, s:o, s:o, s:b, s:o, s:o}", "id",
	    r->id.s, "role", out_json_span(r->h.request->req.role), "serial",
	    (json_int_t)cf->serial, "from", out_json_utc(cf->after), "until",
	    out_json_utc(cf->before), "in_agent", (int)f->in_agent,
	    "certificate", out_json_span(span_str(f->line.s)), "known_hosts",
	    out_json_span(span_str(f->hosts.s)));
}

int
verb_collect(struct cli *c, const struct args *a)
{
	JIT_DONE(desk_done) struct desk d = { 0 };
	JIT_SCOPED(dossier_free) struct dossier *found = NULL;
	JIT_SCOPED(dossier_free) struct dossier *r = NULL;
	JIT_DONE(fetched_done) struct fetched f = { 0 };
	const char *dir = args_get(a, OPT_OUT_DIR);
	struct jit_why why = { 0 };
	utc_s now;
	enum jit_err e;
	int status;

	if ((e = desk_open(&d, c, &why)) != JIT_OK ||
	    (e = desk_who(&d, &why)) != JIT_OK ||
	    (e = desk_find(&d, a->operand[0], &found, NULL, &why)) != JIT_OK)
		return out_error(c, e, &why);
	if (!desk_is_me(&d, found->h.request->req.requester))
		return out_error(c, jit_fail(&why, JIT_E_NOTYOURS, "%s is "
		    "%.*s's request, and you are %.*s",
		    desk_short(&d, &found->id),
		    OUT_SPAN(found->h.request->req.requester),
		    OUT_SPAN(d.me->name)), &why);
	if ((status = await(&d, &found->id, 0, &r, &now)) != CLI_DONE)
		return status;
	e = dir != NULL ? fetch_out(&d, r, dir, &f, &why) :
	    fetch(&d, r, &f, &why);
	if (e != JIT_OK)
		return out_error(c, e, &why);
	say(&d, r, &f);
	out_json(c, c->out.json ? as_json(&d, r, &f) : NULL);
	return CLI_DONE;
}
