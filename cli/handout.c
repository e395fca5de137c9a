/* handout - a certificate and its key as files for one program. */
#define _XOPEN_SOURCE 700
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/x509/der.h"
#include "cli/handout.h"
#include "cli/wipe.h"

#define PREFIX "jit-cert-exec-"
#define YOUNG 60		/* s; it may be about to take its lock */
#define LEAF_PEM_MAX (2 * X509_CERT_MAX)

static const char *
base_of(const struct cli *c)
{
	return c->env.runtime_dir != NULL ? c->env.runtime_dir :
	    c->env.tmpdir != NULL ? c->env.tmpdir : "/tmp";
}

static enum jit_err
path_in(const char *dir, const char *name, struct locker_path *ret,
    struct jit_why *why)
{
	int n = snprintf(ret->s, sizeof(ret->s), "%s/%s", dir, name);

	return n < 0 || (size_t)n >= sizeof(ret->s) ? jit_fail(why,
	    JIT_E_ARG, "the path is too long") : JIT_OK;
}

/* Ours or root's, and nobody else can rename what we make in it. */
static enum jit_err
check_base(const char *base, struct jit_why *why)
{
	struct stat st;

	if (base[0] != '/')
		return jit_fail(why, JIT_E_ARG, "XDG_RUNTIME_DIR or TMPDIR "
		    "does not begin with a slash");
	if (stat(base, &st) != 0)
		return jit_fail(why, JIT_E_IO, "%s: %s", base,
		    strerror(errno));
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return jit_fail(why, JIT_E_OWNER, "%s belongs to somebody "
		    "else", base);
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0 &&
	    (st.st_mode & S_ISVTX) == 0)
		return jit_fail(why, JIT_E_MODE, "%s can be changed by "
		    "others", base);
	return JIT_OK;
}

/* ---- what a killed one left ---- */

static void
sweep_one(const char *dir, utc_s now)
{
	struct locker_path path;
	struct stat st;
	JIT_DONE(sys_close) int lock = -1;

	if (lstat(dir, &st) != 0 || !S_ISDIR(st.st_mode) ||
	    st.st_uid != geteuid() || st.st_mtime > now - YOUNG)
		return;
	/* Held: its program is still running. */
	if (path_in(dir, "lock", &path, NULL) != JIT_OK ||
	    sys_lock(path.s, 0, &lock, NULL) != JIT_OK)
		return;
	(void)wipe_dir(dir, NULL);
}

static void
sweep(const char *base, utc_s now)
{
	struct locker_path path;
	struct dirent *t;
	DIR *d;

	if ((d = opendir(base)) == NULL)
		return;
	while ((t = readdir(d)) != NULL)
		if (strncmp(t->d_name, PREFIX, sizeof(PREFIX) - 1) == 0 &&
		    path_in(base, t->d_name, &path, NULL) == JIT_OK)
			sweep_one(path.s, now);
	(void)closedir(d);
}

/* ---- this one ---- */

static enum jit_err
set_paths(struct handout *h, struct jit_why *why)
{
	JIT_TRY(path_in(h->dir.s, "leaf.pem", &h->leaf, why));
	JIT_TRY(path_in(h->dir.s, "cert.pem", &h->chain, why));
	JIT_TRY(path_in(h->dir.s, "ca.pem", &h->ca, why));
	return path_in(h->dir.s, "key.pem", &h->key, why);
}

static enum jit_err
write_all(struct handout *h, const struct leaf *l, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr pem = WR_INIT(LEAF_PEM_MAX);
	struct locker_path lock;

	JIT_TRY(path_in(h->dir.s, "lock", &lock, why));
	JIT_TRY(sys_lock(lock.s, 0, &h->lock, why));
	x509_put_pem(&pem, "CERTIFICATE", x509_cert_der(l->cert));
	JIT_TRY(pem.err);
	JIT_TRY(sys_write_file(h->leaf.s, wr_view(&pem), 0600, SYS_NEW, why));
	return leaf_write(l, h->dir.s, why);
}

enum jit_err
handout_make(struct cli *c, const struct leaf *l, struct handout *ret,
    struct jit_why *why)
{
	const char *base = base_of(c);
	struct handout h = { .lock = -1 };
	enum jit_err e;

	JIT_TRY(check_base(base, why));
	sweep(base, cli_now(c));
	JIT_TRY(path_in(base, PREFIX "XXXXXX", &h.dir, why));
	if (mkdtemp(h.dir.s) == NULL)
		return jit_fail(why, JIT_E_IO, "%s: %s", h.dir.s,
		    strerror(errno));
	h.made = true;
	if ((e = set_paths(&h, why)) != JIT_OK ||
	    (e = write_all(&h, l, why)) != JIT_OK) {
		handout_done(c, &h);
		return e;
	}
	*ret = h;
	return JIT_OK;
}

void
handout_done(struct cli *c, struct handout *h)
{
	struct jit_why why = { 0 };
	enum jit_err e;

	if (h->made && (e = wipe_dir(h->dir.s, &why)) != JIT_OK &&
	    e != JIT_E_UNKNOWN)
		out_note(c, "What was handed out could not be removed: %s\n",
		    jit_why_text(&why, e));
	/* Not before: nobody may take it for one that was left. */
	sys_close(&h->lock);
	h->lock = -1;
	h->made = false;
}
