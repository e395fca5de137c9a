/* fetch - the certificate of an approved request, to where ssh finds it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/fetch.h"
#include "cli/leaf.h"

void
fetched_done(struct fetched *f)
{
	ssh_cert_free(f->cert);
	*f = (struct fetched){ 0 };
}

/* ---- known_hosts ---- */

static void
put_host(struct wr *w, const struct host *h)
{
	for (size_t i = 0; i < h->n_keys; i++) {
		wr_span(w, h->name);
		wr_str(w, " ");
		ssh_key_put_line(w, h->keys[i], NULL);
		wr_str(w, "\n");
	}
}

static enum jit_err
put_known_hosts(struct wr *w, const struct policy *p,
    const struct role *role)
{
	for (size_t i = 0; i < role->host_groups.n; i++) {
		const struct block *g = policy_get(p, BLOCK_HOST_GROUP,
		    role->host_groups.v[i]);

		for (size_t j = 0; g != NULL && j < g->host_group.n; j++) {
			const struct block *h = policy_get(p, BLOCK_HOST,
			    g->host_group.hosts[j]);

			if (h != NULL)
				put_host(w, &h->host);
		}
	}
	return w->err;
}

static enum jit_err
make_hosts(struct desk *d, const struct dossier *issued, struct wr *w,
    struct jit_why *why)
{
	const struct policy *p;
	const struct role *role;

	JIT_TRY(session_policy(d->s, issued->issued.policy_index, &p, why));
	role = policy_role(p, issued->h.request->req.role);
	if (role == NULL)
		return jit_fail(why, JIT_E_VERIFY, "the certificate's policy "
		    "has no such role");
	return put_known_hosts(w, p, role);
}

/* ---- from the signer into the locker ---- */

static enum jit_err
collect(struct desk *d, const struct dossier *r, struct jit_why *why)
{
	JIT_DONE(locker_done) struct locker l = { 0 };
	JIT_SCOPED(dossier_free) struct dossier *issued = NULL;
	JIT_DONE(wr_done) struct wr line = WR_INIT(2 * SSH_CERT_MAX);
	JIT_DONE(wr_done) struct wr hosts = WR_INIT(LOCKER_HOSTS_MAX);
	enum jit_err e;

	JIT_TRY(locker_get(d->lockers.s, &r->id, &l, why));
	e = session_collect(d->s, &r->id, &l.secret, &issued, why);
	if (e == JIT_E_STALE) {
		/* The CA keys changed since the signer was asked for them. */
		JIT_TRY(desk_reopen(d, why));
		e = session_collect(d->s, &r->id, &l.secret, &issued, why);
	}
	JIT_TRY(e);
	JIT_TRY(make_hosts(d, issued, &hosts, why));
	ssh_cert_put_line(&line, issued->issued.cert, r->id.s);
	JIT_TRY(line.err);
	return locker_put_cert(d->lockers.s, &r->id, wr_view(&line),
	    wr_view(&hosts), why);
}

/* One of the user CAs that are published signed it. */
static enum jit_err
check_ca(struct desk *d, const struct ssh_cert *cert, struct jit_why *why)
{
	const struct own_keys *own = NULL;
	const struct ca_key *k;

	JIT_TRY(session_keys(d->s, &own, why));
	k = ca_keys_find(own->ca, ssh_cert_ca(cert));
	if (k == NULL || k->use != CA_SSH_USER)
		return jit_fail(why, JIT_E_SIG, "the certificate is not of a "
		    "CA that is published");
	return ssh_cert_verify(cert, k->key, why);
}

/* The certificate in the locker, collected now if it is not there. */
static enum jit_err
get_cert(struct desk *d, const struct dossier *r, struct fetched *f,
    bool *fresh, struct jit_why *why)
{
	JIT_DONE(buf_done) struct buf blob = { 0 };
	const char *base = d->lockers.s;
	enum jit_err e;

	f->id = r->id;
	JIT_TRY(locker_path(base, &r->id, LOCKER_KEY, &f->key, why));
	JIT_TRY(locker_path(base, &r->id, LOCKER_CERT, &f->line, why));
	JIT_TRY(locker_path(base, &r->id, LOCKER_HOSTS, &f->hosts, why));
	e = locker_get_cert(base, &r->id, &blob, why);
	*fresh = e == JIT_E_UNKNOWN;
	if (e == JIT_E_UNKNOWN) {
		e = collect(d, r, why);
		if (e == JIT_E_UNKNOWN)
			return jit_fail(why, e, "the key of request %s is not "
			    "on this machine: it was asked for elsewhere, or "
			    "before a log-out", r->id.s);
		JIT_TRY(e);
		e = locker_get_cert(base, &r->id, &blob, why);
	}
	JIT_TRY(e);
	JIT_TRY(ssh_cert_parse(BUF_SPAN(blob), &f->cert, why));
	if (!request_certifies(&r->h.request->req, ssh_cert_subject(f->cert)))
		return jit_fail(why, JIT_E_VERIFY, "%s: not this request's "
		    "certificate", f->line.s);
	return check_ca(d, f->cert, why);
}

/* ---- into the agent ---- */

/* A certificate of ours, of this CA and role, but not this one. */
struct previous {
	const char *role;
	const struct ssh_cert *keep;
};

/* rest is "person:id:role". */
static bool
is_previous(void *arg, struct span rest, struct span blob)
{
	const struct previous *p = arg;
	JIT_SCOPED(ssh_cert_free) struct ssh_cert *cert = NULL;
	size_t n = strlen(p->role);

	if (span_eq(blob, ssh_cert_blob(p->keep)) || rest.n < n + 1 ||
	    rest.p[rest.n - n - 1] != ':' ||
	    memcmp(rest.p + rest.n - n, p->role, n) != 0)
		return false;
	return ssh_cert_parse(blob, &cert, NULL) == JIT_OK &&
	    ssh_key_eq(ssh_cert_ca(cert), ssh_cert_ca(p->keep));
}

static enum jit_err
agent_has(struct agent *a, struct span blob, bool *ret, struct jit_why *why)
{
	JIT_DONE(agent_list_done) struct agent_list l = { 0 };

	*ret = false;
	JIT_TRY(agent_list(a, &l, why));
	for (size_t i = 0; i < l.n; i++)
		if (span_eq(BUF_SPAN(l.at[i].blob), blob))
			*ret = true;
	return JIT_OK;
}

/* Those of earlier grants leave; that one stays is no reason to fail. */
static void
remove_previous(struct desk *d, const char *role, const struct ssh_cert *cert)
{
	struct previous p = { role, cert };
	struct jit_why why = { 0 };
	enum jit_err e;

	if ((e = agent_remove_ours(d->agent, is_previous, &p, NULL, &why)) !=
	    JIT_OK)
		out_note(d->c, "An earlier certificate could not be taken out "
		    "of ssh-agent: %s\n", jit_why_text(&why, e));
}

static enum jit_err
add(struct desk *d, const struct dossier *r, struct fetched *f,
    const struct ssh_priv *priv, bool fresh, struct jit_why *why)
{
	const struct request *q = &r->h.request->req;
	dur_s life = ssh_cert_fields(f->cert)->before - desk_now(d);
	char role[64], comment[160];
	enum jit_err e;

	if (life <= 0)
		return jit_fail(why, JIT_E_EXPIRED, "the certificate's time "
		    "is over");
	(void)text_shown(q->role, role, sizeof(role));
	(void)snprintf(comment, sizeof(comment), AGENT_OURS "%.*s:%s:%s",
	    OUT_SPAN(q->requester), q->id.s, role);
	e = agent_add_cert(d->agent, ssh_cert_blob(f->cert), priv, comment,
	    life, why);
	/* Agents of hardware keys and of password managers take no others. */
	if (e == JIT_E_AGENT) {
		if (fresh)
			out_note(d->c, "Your ssh-agent takes no certificates; "
			    "this one's key stays in a file that only you can "
			    "read:\n  %s\n", f->key.s);
		return JIT_OK;
	}
	JIT_TRY(e);
	f->in_agent = true;
	remove_previous(d, role, f->cert);
	/* From here on the agent is the only one who has it. */
	return locker_forget_key(d->lockers.s, &r->id, why);
}

enum jit_err
fetch(struct desk *d, const struct dossier *r, struct fetched *ret,
    struct jit_why *why)
{
	JIT_DONE(fetched_done) struct fetched f = { 0 };
	JIT_DONE(locker_done) struct locker l = { 0 };
	bool fresh = false;
	enum jit_err e;

	JIT_TRY(get_cert(d, r, &f, &fresh, why));
	if (d->agent != NULL)
		JIT_TRY(agent_has(d->agent, ssh_cert_blob(f.cert),
		    &f.in_agent, why));
	if (!f.in_agent) {
		e = locker_get(d->lockers.s, &r->id, &l, why);
		if (e == JIT_E_UNKNOWN)
			return jit_fail(why, e, "the key of request %s was in "
			    "an ssh-agent that has forgotten it", r->id.s);
		JIT_TRY(e);
		if (d->agent != NULL)
			JIT_TRY(add(d, r, &f, l.priv, fresh, why));
	}
	*ret = f;
	f = (struct fetched){ 0 };
	return JIT_OK;
}

bool
fetch_can(struct desk *d, const struct dossier *r)
{
	JIT_DONE(locker_done) struct locker l = { 0 };
	JIT_DONE(buf_done) struct buf blob = { 0 };
	bool has = false;

	if (r->h.request->req.kind == KIND_X509)
		return leaf_can(d, r);
	if (locker_get(d->lockers.s, &r->id, &l, NULL) == JIT_OK)
		return true;
	return d->agent != NULL && locker_get_cert(d->lockers.s, &r->id,
	    &blob, NULL) == JIT_OK && agent_has(d->agent, BUF_SPAN(blob),
	    &has, NULL) == JIT_OK && has;
}

/* ---- into a folder ---- */

static enum jit_err
write_in(const char *dir, const char *name, struct span s,
    struct locker_path *path, struct jit_why *why)
{
	int n = snprintf(path->s, sizeof(path->s), "%s/%s", dir, name);

	if (n < 0 || (size_t)n >= sizeof(path->s))
		return jit_fail(why, JIT_E_ARG, "the path is too long");
	return sys_write_file(path->s, s, 0600, SYS_REPLACE, why);
}

enum jit_err
fetch_out(struct desk *d, const struct dossier *r, const char *dir,
    struct fetched *ret, struct jit_why *why)
{
	JIT_DONE(fetched_done) struct fetched f = { 0 };
	JIT_DONE(locker_done) struct locker l = { 0 };
	JIT_DONE(wr_done) struct wr key = WR_INIT(65536);
	JIT_DONE(wr_done) struct wr line = WR_INIT(2 * SSH_CERT_MAX);
	JIT_DONE(buf_done) struct buf hosts = { 0 };
	const uid_t me = geteuid();
	const struct sys_rule rule = { &me, 1, 0077, LOCKER_HOSTS_MAX };
	bool fresh;
	enum jit_err e;

	/* Before it is collected: that starts its time. */
	if ((mkdir(dir, 0700) != 0 && errno != EEXIST) ||
	    access(dir, W_OK | X_OK) != 0)
		return jit_fail(why, JIT_E_IO, "%s: %s", dir,
		    strerror(errno));
	JIT_TRY(get_cert(d, r, &f, &fresh, why));
	e = locker_get(d->lockers.s, &r->id, &l, why);
	if (e == JIT_E_UNKNOWN)
		return jit_fail(why, e, "the key of request %s is in the "
		    "agent already, which gives no key back", r->id.s);
	JIT_TRY(e);
	JIT_TRY(ssh_priv_put_file(l.priv, r->id.s, &d->c->rng, &key));
	ssh_cert_put_line(&line, ssh_cert_blob(f.cert), r->id.s);
	JIT_TRY(line.err);
	e = sys_read_file(f.hosts.s, &rule, &hosts, why);
	if (e != JIT_OK && e != JIT_E_UNKNOWN)
		return e;
	JIT_TRY(write_in(dir, "id", wr_view(&key), &f.key, why));
	JIT_TRY(write_in(dir, "id-cert.pub", wr_view(&line), &f.line, why));
	JIT_TRY(write_in(dir, "known_hosts", BUF_SPAN(hosts), &f.hosts,
	    why));
	*ret = f;
	f = (struct fetched){ 0 };
	return JIT_OK;
}

/* ---- away ---- */

/* rest is "person:id:role". */
static bool
is_of_id(void *arg, struct span rest, struct span blob)
{
	const struct ulid *id = arg;

	(void)blob;
	for (size_t i = 0; i + ULID_LEN < rest.n; i++)
		if (rest.p[i] == ':' && rest.n - i - 1 >= ULID_LEN &&
		    memcmp(rest.p + i + 1, id->s, ULID_LEN) == 0)
			return true;
	return false;
}

void
fetch_forget(struct desk *d, const struct ulid *id)
{
	struct ulid copy = *id;
	struct jit_why why = { 0 };
	enum jit_err e;

	if (d->agent != NULL && (e = agent_remove_ours(d->agent, is_of_id,
	    &copy, NULL, &why)) != JIT_OK)
		out_note(d->c, "Its key could not be taken out of ssh-agent: "
		    "%s\n", jit_why_text(&why, e));
	e = locker_remove(d->lockers.s, id, &why);
	if (e != JIT_OK && e != JIT_E_UNKNOWN)
		out_note(d->c, "%s\n", jit_why_text(&why, e));
	if ((e = leaf_forget(d, id, &why)) != JIT_OK)
		out_note(d->c, "%s\n", jit_why_text(&why, e));
}

/* A request of this log, in the locker, that closed before now? */
static bool
is_over(struct desk *d, const struct ulid *id, utc_s now)
{
	JIT_DONE(buf_done) struct buf text = { 0 };
	const uid_t me = geteuid();
	const struct sys_rule rule = { &me, 1, 0077, LOCKER_TEXT_MAX };
	struct locker_path path;
	struct request q;

	return locker_path(d->lockers.s, id, LOCKER_REQUEST, &path, NULL) ==
	    JIT_OK && sys_read_file(path.s, &rule, &text, NULL) == JIT_OK &&
	    request_parse(BUF_SPAN(text), &q, NULL) == JIT_OK &&
	    span_eq_str(q.log, session_log_id(d->s)) && q.closes < now;
}

static bool
has_ended(const struct desk *d, const struct dossiers *l,
    const struct ulid *id)
{
	for (size_t i = 0; i < l->n; i++) {
		if (strcmp(l->v[i]->id.s, id->s) != 0)
			continue;
		switch (desk_standing(d, l->v[i], l->now, NULL, NULL)) {
		case STAND_PENDING:
		case STAND_APPROVED:
		case STAND_ACTIVE:
			return false;
		default:
			return true;
		}
	}
	return false;
}

void
fetch_sweep(struct desk *d, const struct dossiers *l)
{
	JIT_SCOPED(free) struct ulid *ids = NULL;
	size_t n = 0;

	if (locker_list(d->lockers.s, &ids, &n, NULL) != JIT_OK)
		return;
	for (size_t i = 0; i < n; i++)
		if (has_ended(d, l, &ids[i]) || is_over(d, &ids[i], l->now))
			fetch_forget(d, &ids[i]);
	free(ids);
	ids = NULL;
	if (leaf_list(d, &ids, &n, NULL) != JIT_OK)
		return;
	for (size_t i = 0; i < n; i++)
		if (has_ended(d, l, &ids[i]))
			fetch_forget(d, &ids[i]);
	leaf_sweep(d, l->now);
}
