/* leaf - the X.509 certificate of a request, with its key and its chain. */
#define _XOPEN_SOURCE 700
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/x509/der.h"
#include "cli/await.h"
#include "cli/folder.h"
#include "cli/leaf.h"
#include "cli/mine.h"
#include "cli/wipe.h"

#define PEM_MAX (256u << 10)	/* bytes of a file */
#define KEY "PRIVATE KEY"
#define CERT "CERTIFICATE"

void
leaf_done(struct leaf *l)
{
	x509_cert_free(l->cert);
	secret_done(&l->key);
	buf_done(&l->chain);
	buf_done(&l->ca);
	*l = (struct leaf){ 0 };
}

/* ---- where it stands ---- */

/* STATE/jit-cert/<16 hex digits>/x509; made if it is not there. */
static enum jit_err
top_of(struct desk *d, struct locker_path *ret, struct jit_why *why)
{
	JIT_SCOPED(free) char *dir = NULL;
	int n;

	JIT_TRY(folder_open(d->state.s, desk_where(d), &dir, why));
	n = snprintf(ret->s, sizeof(ret->s), "%s/x509", dir);
	if (n < 0 || (size_t)n >= sizeof(ret->s))
		return jit_fail(why, JIT_E_ARG, "a path is too long");
	if (mkdir(ret->s, 0700) != 0 && errno != EEXIST)
		return jit_fail(why, JIT_E_IO, "%s: %s", ret->s,
		    strerror(errno));
	return JIT_OK;
}

static enum jit_err
path_in(const char *dir, const char *name, struct locker_path *ret,
    struct jit_why *why)
{
	int n = snprintf(ret->s, sizeof(ret->s), "%s/%s", dir, name);

	return n < 0 || (size_t)n >= sizeof(ret->s) ? jit_fail(why,
	    JIT_E_ARG, "the path is too long") : JIT_OK;
}

enum jit_err
leaf_dir(struct desk *d, const struct ulid *id, struct locker_path *ret,
    struct jit_why *why)
{
	struct locker_path top;

	JIT_TRY(top_of(d, &top, why));
	return path_in(top.s, id->s, ret, why);
}

/* A file of it, ours alone.  JIT_E_UNKNOWN: it is not there. */
static enum jit_err
read_in(const char *dir, const char *name, struct buf *ret,
    struct jit_why *why)
{
	const uid_t me = geteuid();
	const struct sys_rule rule = { &me, 1, 0077, PEM_MAX };
	struct locker_path path;

	JIT_TRY(path_in(dir, name, &path, why));
	return sys_read_file(path.s, &rule, ret, why);
}

static enum jit_err
write_in(const char *dir, const char *name, struct span s,
    struct jit_why *why)
{
	struct locker_path path;

	JIT_TRY(path_in(dir, name, &path, why));
	return sys_write_file(path.s, s, 0600, SYS_REPLACE, why);
}

enum jit_err
leaf_write(const struct leaf *l, const char *dir, struct jit_why *why)
{
	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return jit_fail(why, JIT_E_IO, "%s: %s", dir,
		    strerror(errno));
	/* The certificate last: who finds it finds the rest as well. */
	JIT_TRY(write_in(dir, "key.pem", SPAN(l->key.p, l->key.n), why));
	JIT_TRY(write_in(dir, "ca.pem", BUF_SPAN(l->ca), why));
	return write_in(dir, "cert.pem", BUF_SPAN(l->chain), why);
}

/* ---- its parts ---- */

static enum jit_err
take_key(struct leaf *l, const struct ssh_priv *p)
{
	JIT_DONE(secret_done) struct secret der = { NULL, 0, 0 };
	JIT_DONE(wr_done) struct wr pem = WR_INIT(PEM_MAX);

	JIT_TRY(ssh_priv_save_pkcs8(p, &der));
	x509_put_pem(&pem, KEY, SPAN(der.p, der.n));
	JIT_TRY(pem.err);
	return secret_copy(&l->key, wr_view(&pem));
}

/* The CA that issued it, among those that are published. */
static enum jit_err
find_ca(struct desk *d, const struct leaf *l, const struct ca_key **ret,
    struct jit_why *why)
{
	const struct issued c = { .kind = KIND_X509, .x509 = l->cert };
	const struct own_keys *own = NULL;

	JIT_TRY(session_keys(d->s, &own, why));
	for (size_t i = 0; i < own->ca->n; i++) {
		const struct ca_key *k = &own->ca->v[i];

		if (!issued_by(&c, k))
			continue;
		JIT_TRY(issued_verify(&c, k, why));
		*ret = k;
		return JIT_OK;
	}
	return jit_fail(why, JIT_E_VERIFY, "the CA that issued the "
	    "certificate of %s is published no more", l->id.s);
}

/* cert.pem without the root, which servers have; ca.pem with it. */
static enum jit_err
take_chain(struct desk *d, struct leaf *l, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr chain = WR_INIT(PEM_MAX);
	JIT_DONE(wr_done) struct wr ca = WR_INIT(PEM_MAX);
	const struct ca_key *k = NULL;

	JIT_TRY(find_ca(d, l, &k, why));
	x509_put_pem(&chain, CERT, x509_cert_der(l->cert));
	for (size_t i = 0; i < k->n_chain; i++) {
		if (i + 1 < k->n_chain)
			x509_put_pem(&chain, CERT, BUF_SPAN(k->chain[i]));
		x509_put_pem(&ca, CERT, BUF_SPAN(k->chain[i]));
	}
	JIT_TRY(wr_take(&chain, &l->chain));
	return wr_take(&ca, &l->ca);
}

/* Is it r's, and does the key belong to it? */
static enum jit_err
check(const struct leaf *l, const struct dossier *r, struct span key,
    struct jit_why *why)
{
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *p = NULL;
	const struct ssh_key *subject = x509_cert_subject_key(l->cert);

	if ((r->h.issued && !span_eq(x509_cert_der(l->cert),
	    r->issued.cert)) || !request_certifies(&r->h.request->req,
	    subject))
		return jit_fail(why, JIT_E_VERIFY, "what is kept is not the "
		    "certificate of %s", r->id.s);
	JIT_TRY(ssh_priv_load_pkcs8(key, &p, why));
	return ssh_key_eq(ssh_priv_public(p), subject) ? JIT_OK :
	    jit_fail(why, JIT_E_VERIFY, "what is kept is not the key of "
	    "certificate %s", r->id.s);
}

/* ---- from the folder ---- */

/* The leaf of cert.pem. */
static enum jit_err
read_cert(const char *dir, struct x509_cert **ret, struct jit_why *why)
{
	JIT_DONE(buf_done) struct buf pem = { NULL, 0 };
	JIT_DONE(wr_done) struct wr der = WR_INIT(X509_CERT_MAX);
	struct span left;
	bool more = false;

	JIT_TRY(read_in(dir, "cert.pem", &pem, why));
	left = BUF_SPAN(pem);
	JIT_TRY(x509_get_pem(&left, CERT, &der, &more, why));
	return more ? x509_cert_parse(wr_view(&der), ret, why) :
	    jit_fail(why, JIT_E_FORMAT, "%s/cert.pem: empty", dir);
}

/* JIT_E_UNKNOWN: it is not there, or not all of it. */
static enum jit_err
load(struct desk *d, const struct dossier *r, struct leaf *l,
    struct jit_why *why)
{
	JIT_DONE(buf_done) struct buf pem = { NULL, 0 };
	JIT_DONE(buf_done) struct buf key = { NULL, 0 };
	struct locker_path dir;

	JIT_TRY(leaf_dir(d, &r->id, &dir, why));
	JIT_TRY(read_cert(dir.s, &l->cert, why));
	JIT_TRY(read_in(dir.s, "key.pem", &pem, why));
	JIT_TRY(x509_pem_one(BUF_SPAN(pem), KEY, &key, why));
	JIT_TRY(check(l, r, BUF_SPAN(key), why));
	JIT_TRY(secret_copy(&l->key, BUF_SPAN(pem)));
	return take_chain(d, l, why);
}

/* ---- from the signer ---- */

/* Once more when the CA keys changed since the signer was asked for them. */
static enum jit_err
collect_issued(struct desk *d, const struct ulid *id,
    const struct secret *secret, struct dossier **ret, struct jit_why *why)
{
	enum jit_err e = session_collect(d->s, id, secret, ret, why);

	if (e != JIT_E_STALE)
		return e;
	JIT_TRY(desk_reopen(d, why));
	return session_collect(d->s, id, secret, ret, why);
}

static enum jit_err
collect(struct desk *d, const struct dossier *r, struct leaf *l,
    struct jit_why *why)
{
	JIT_DONE(locker_done) struct locker k = { 0 };
	JIT_SCOPED(dossier_free) struct dossier *issued = NULL;
	struct locker_path dir;
	enum jit_err e = locker_get(d->lockers.s, &r->id, &k, why);

	if (e == JIT_E_UNKNOWN)
		return jit_fail(why, e, "the key of request %s is not on this "
		    "machine: it was asked for elsewhere, or before a "
		    "log-out", r->id.s);
	JIT_TRY(e);
	/* Before its time begins: is there a place for it? */
	JIT_TRY(leaf_dir(d, &r->id, &dir, why));
	JIT_TRY(collect_issued(d, &r->id, &k.secret, &issued, why));
	JIT_TRY(x509_cert_parse(issued->issued.cert, &l->cert, why));
	JIT_TRY(take_key(l, k.priv));
	JIT_TRY(take_chain(d, l, why));
	JIT_TRY(leaf_write(l, dir.s, why));
	l->fresh = true;
	/* From here on it stands in one place. */
	return locker_forget_key(d->lockers.s, &r->id, why);
}

static void
fill(struct leaf *l)
{
	const struct x509_fields *f = x509_cert_fields(l->cert);

	l->after = f->after;
	l->until = f->before;
	(void)issued_serial_text(KIND_X509, f->serial, l->serial);
}

enum jit_err
leaf_fetch(struct desk *d, const struct dossier *r, struct leaf *ret,
    struct jit_why *why)
{
	JIT_DONE(leaf_done) struct leaf l = { .id = r->id };
	enum jit_err e;

	if (r->h.request->req.kind != KIND_X509)
		return jit_fail(why, JIT_E_ARG, "%s is for ssh, not for "
		    "X.509", r->id.s);
	e = load(d, r, &l, why);
	if (e == JIT_E_UNKNOWN) {
		leaf_done(&l);
		l.id = r->id;
		e = collect(d, r, &l, why);
	}
	JIT_TRY(e);
	fill(&l);
	if (l.until <= desk_now(d))
		return jit_fail(why, JIT_E_EXPIRED, "the certificate's time "
		    "is over");
	*ret = l;
	l = (struct leaf){ 0 };
	return JIT_OK;
}

bool
leaf_can(struct desk *d, const struct dossier *r)
{
	JIT_DONE(locker_done) struct locker k = { 0 };
	JIT_DONE(buf_done) struct buf pem = { NULL, 0 };
	JIT_SCOPED(x509_cert_free) struct x509_cert *c = NULL;
	struct locker_path dir;

	return (leaf_dir(d, &r->id, &dir, NULL) == JIT_OK &&
	    read_cert(dir.s, &c, NULL) == JIT_OK &&
	    read_in(dir.s, "key.pem", &pem, NULL) == JIT_OK) ||
	    locker_get(d->lockers.s, &r->id, &k, NULL) == JIT_OK;
}

/* ---- for a program ---- */

int
leaf_get(struct desk *d, const struct want *w, int64_t ms, struct leaf *ret)
{
	JIT_SCOPED(dossier_free) struct dossier *r = NULL;
	const struct role *role = NULL;
	struct jit_why why = { 0 };
	char from[WHEN_TEXT];
	utc_s opens;
	enum jit_err e;
	int status;

	if ((e = ask_find_role(d, w->role, &role, &why)) != JIT_OK)
		return out_error(d->c, e, &why);
	if (role->kind != KIND_X509)
		return out_error(d->c, jit_fail(&why, JIT_E_ARG, "%.*s gives "
		    "a certificate for ssh: jit-cert ssh %.*s -- HOST uses "
		    "it", OUT_SPAN(role->name), OUT_SPAN(role->name)), &why);
	if ((status = mine_get(d, w, ms, &r)) != CLI_DONE)
		return status;
	opens = r->h.request->req.opens;
	mine_wait_a_moment(d, opens);
	/* Not collected yet: its time would begin without the person. */
	if (opens > desk_now(d))
		return out_outcome(d->c, "LATER", JIT_E_PENDING, "Approved, "
		    "and it opens %s. Run this again then.", when_text(
		    WHEN_BOTH, opens, desk_now(d), from));
	e = leaf_fetch(d, r, ret, &why);
	return e == JIT_OK ? CLI_DONE : out_error(d->c, e, &why);
}

/* ---- away ---- */

enum jit_err
leaf_forget(struct desk *d, const struct ulid *id, struct jit_why *why)
{
	struct locker_path dir;
	enum jit_err e;

	JIT_TRY(leaf_dir(d, id, &dir, why));
	e = wipe_dir(dir.s, why);
	return e == JIT_E_UNKNOWN ? JIT_OK : e;
}

/* Its time is over; or it is half of one that nobody completes any more. */
static bool
is_over(struct desk *d, const struct ulid *id, utc_s now)
{
	JIT_SCOPED(x509_cert_free) struct x509_cert *c = NULL;
	struct locker_path dir, request;
	enum jit_err e;

	if (leaf_dir(d, id, &dir, NULL) != JIT_OK)
		return false;
	e = read_cert(dir.s, &c, NULL);
	if (e == JIT_OK)
		return x509_cert_fields(c)->before <= now;
	return e == JIT_E_UNKNOWN && locker_path(d->lockers.s, id,
	    LOCKER_REQUEST, &request, NULL) == JIT_OK &&
	    access(request.s, F_OK) != 0;
}

enum jit_err
leaf_list(struct desk *d, struct ulid **ret, size_t *n, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(1u << 24);
	JIT_DONE(buf_done) struct buf b = { NULL, 0 };
	struct locker_path top;
	struct dirent *t;
	struct ulid id;
	DIR *dir;

	*ret = NULL;
	*n = 0;
	JIT_TRY(top_of(d, &top, why));
	if ((dir = opendir(top.s)) == NULL)
		return jit_fail(why, JIT_E_IO, "%s: %s", top.s,
		    strerror(errno));
	while ((t = readdir(dir)) != NULL)
		if (ulid_parse(span_str(t->d_name), &id) == JIT_OK)
			wr_raw(&w, &id, sizeof(id));
	(void)closedir(dir);
	*n = w.n / sizeof(id);
	JIT_TRY(wr_take(&w, &b));
	*ret = (struct ulid *)(void *)b.p;
	b = (struct buf){ NULL, 0 };
	return JIT_OK;
}

void
leaf_sweep(struct desk *d, utc_s now)
{
	JIT_SCOPED(free) struct ulid *ids = NULL;
	size_t n = 0;

	if (leaf_list(d, &ids, &n, NULL) != JIT_OK)
		return;
	for (size_t i = 0; i < n; i++)
		if (is_over(d, &ids[i], now))
			(void)leaf_forget(d, &ids[i], NULL);
}
