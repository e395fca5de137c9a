/* collect - take the certificate of an approved request. */
#include <unistd.h>

#include "cli/await.h"
#include "cli/hop.h"
#include "cli/leaf.h"
#include "cli/opens.h"

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

/* ---- X.509 ---- */

/* From a file that only we can read, its line; or asked for, twice. */
static enum jit_err
take_password(struct cli *c, const struct args *a, struct secret *ret,
    struct jit_why *why)
{
	const char *path = args_get(a, OPT_PKCS12_PASSWORD);
	const uid_t me = geteuid();
	const struct sys_rule rule = { &me, 1, 0077, SYS_PASSPHRASE_MAX + 1 };
	JIT_DONE(secret_done) struct secret again = { NULL, 0, 0 };
	JIT_DONE(buf_done) struct buf b = { NULL, 0 };

	if (path != NULL) {
		JIT_TRY(sys_read_file(path, &rule, &b, why));
		if (b.n > 0 && b.p[b.n - 1] == '\n')
			b.n--;
		return b.n > 0 ? secret_copy(ret, BUF_SPAN(b)) :
		    jit_fail(why, JIT_E_ARG, "%s: an empty password protects "
		    "nothing", path);
	}
	if (c->out.json)
		return jit_fail(why, JIT_E_ARG, "with --json nothing is asked "
		    "back: give --pkcs12-password-file");
	JIT_TRY(sys_ask_passphrase("Password of the PKCS#12: ", ret, why));
	JIT_TRY(sys_ask_passphrase("Once more: ", &again, why));
	return secret_equal(SPAN(ret->p, ret->n), SPAN(again.p, again.n)) ?
	    JIT_OK : jit_fail(why, JIT_E_ARG, "the two passwords differ");
}

static enum jit_err
write_pkcs12(const struct leaf *l, const struct secret *password,
    const char *path, struct jit_why *why)
{
	JIT_DONE(buf_done) struct buf p12 = { NULL, 0 };

	JIT_TRY(leaf_pkcs12(l, password, &p12, why));
	return sys_write_file(path, BUF_SPAN(p12), 0600, SYS_REPLACE, why);
}

static void
say_leaf(struct desk *d, const struct dossier *r, const struct leaf *l,
    const char *dir, const char *p12)
{
	JIT_DONE(wr_done) struct wr opens = WR_INIT(65536);
	const struct request *q = &r->h.request->req;
	const utc_s now = desk_now(d);
	char until[WHEN_TEXT], left[WHEN_TEXT], from[WHEN_TEXT];

	opens_put_names(&opens, q);
	out_say(d->c, "Serial %s, until %s (%s), in %s%s\n  %.*s\n",
	    l->serial, when_text(WHEN_BOTH, l->until, now, until),
	    when_dur(l->until - (l->after > now ? l->after : now), left),
	    p12 != NULL ? p12 : dir, p12 != NULL ? "" :
	    ": key.pem, cert.pem, ca.pem", OUT_SPAN(wr_view(&opens)));
	if (l->after > now)
		out_say(d->c, "It opens %s, not before.\n",
		    when_text(WHEN_BOTH, l->after, now, from));
	out_say(d->c, "Use it: jit-cert exec %.*s -- COMMAND\n",
	    OUT_SPAN(q->role));
	out_json(d->c, json_pack("{s:s, s:s, s:o, s:s, s:o, s:o, s:o?, s:o?}",
	    "id", r->id.s, "kind", request_kind_name(q->kind), "role",
	    out_json_span(q->role), "serial", l->serial, "from",
	    out_json_utc(l->after), "until", out_json_utc(l->until), "dir",
	    p12 == NULL ? out_json_span(span_str(dir)) : NULL, "pkcs12",
	    p12 != NULL ? out_json_span(span_str(p12)) : NULL));
}

static int
collect_x509(struct desk *d, const struct args *a, const struct dossier *r)
{
	JIT_DONE(leaf_done) struct leaf l = { .fresh = false };
	JIT_DONE(secret_done) struct secret password = { NULL, 0, 0 };
	const char *out = args_get(a, OPT_OUT_DIR);
	const char *p12 = args_get(a, OPT_PKCS12);
	struct locker_path kept;
	struct jit_why why = { 0 };
	enum jit_err e;

	/* What can fail, before it is collected: that starts its time. */
	if ((p12 != NULL && (e = take_password(d->c, a, &password, &why)) !=
	    JIT_OK) || (e = leaf_dir(d, &r->id, &kept, &why)) != JIT_OK ||
	    (e = leaf_fetch(d, r, &l, &why)) != JIT_OK ||
	    (out != NULL && (e = leaf_write(&l, out, &why)) != JIT_OK) ||
	    (p12 != NULL && (e = write_pkcs12(&l, &password, p12, &why)) !=
	    JIT_OK))
		return out_error(d->c, e, &why);
	if (out != NULL && p12 != NULL)
		out_note(d->c, "Also in %s.\n", out);
	say_leaf(d, r, &l, out != NULL ? out : kept.s, p12);
	return CLI_DONE;
}

/* ---- ssh ---- */

static int
collect_ssh(struct desk *d, const struct args *a, const struct dossier *r)
{
	JIT_DONE(fetched_done) struct fetched f = { 0 };
	const char *dir = args_get(a, OPT_OUT_DIR);
	struct jit_why why = { 0 };
	enum jit_err e;

	if (args_has(a, OPT_PKCS12))
		return out_error(d->c, jit_fail(&why, JIT_E_ARG, "--pkcs12 is "
		    "for X.509; %s is for ssh", desk_short(d, &r->id)), &why);
	e = dir != NULL ? fetch_out(d, r, dir, &f, &why) :
	    fetch(d, r, &f, &why);
	if (e != JIT_OK)
		return out_error(d->c, e, &why);
	say(d, r, &f);
	out_json(d->c, d->c->out.json ? as_json(d, r, &f) : NULL);
	return CLI_DONE;
}

int
verb_collect(struct cli *c, const struct args *a)
{
	JIT_DONE(desk_done) struct desk d = { 0 };
	JIT_SCOPED(dossier_free) struct dossier *found = NULL;
	JIT_SCOPED(dossier_free) struct dossier *r = NULL;
	struct jit_why why = { 0 };
	utc_s now;
	enum jit_err e;
	int status;

	if (args_has(a, OPT_PKCS12_PASSWORD) && !args_has(a, OPT_PKCS12))
		return out_error(c, jit_fail(&why, JIT_E_ARG,
		    "--pkcs12-password-file goes with --pkcs12"), &why);
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
	return r->h.request->req.kind == KIND_X509 ?
	    collect_x509(&d, a, r) : collect_ssh(&d, a, r);
}
