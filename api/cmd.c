/* The commands that end: check, init, rebuild. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/certd.h"
#include "api/cmd.h"
#include "ca/base/sys.h"
#include "signer/client.h"

#define PAGE 4096u

int
cmd_complain(enum jit_err e, const struct jit_why *why)
{
	(void)fprintf(stderr, "jit-certd: %s\n", jit_why_text(why, e));
	return jit_err_exit(e);
}

enum jit_err
cmd_path(const struct config *c, const char *name,
    char ret[static CONFIG_PATH], struct jit_why *why)
{
	int n = snprintf(ret, CONFIG_PATH, "%s/%s", c->state, name);

	if (n < 0 || n >= CONFIG_PATH)
		return jit_fail(why, JIT_E_ARG, "%s: the path is too long",
		    c->state);
	return JIT_OK;
}

int
cmd_check(const char *conf)
{
	struct jit_why why = { 0 };
	struct config c;
	enum jit_err e = config_read(conf, &c, &why);

	if (e != JIT_OK)
		return cmd_complain(e, &why);
	(void)printf("%s: valid; serves log %s as https://%s\n", conf,
	    c.log_id, c.name[0]);
	return 0;
}

/* ---- the view, made from the log ---- */

static void
remove_view(const char *path)
{
	static const char *const more[] = { "", "-wal", "-shm", "-journal" };
	char name[CONFIG_PATH + 16];

	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		(void)snprintf(name, sizeof(name), "%s%s", path, more[i]);
		(void)unlink(name);
	}
}

/* Page by page until the view is as large as the log and has its root. */
static enum jit_err
follow_all(struct client *c, struct view *v, struct jit_why *why)
{
	uint64_t grew = 1;

	while (grew > 0) {
		struct page p;

		JIT_TRY(client_page(c, view_size(v), PAGE, &p, why));
		JIT_TRY(follow_page(v, NULL, &p, &grew, why));
	}
	return JIT_OK;
}

static enum jit_err
fill(const struct config *c, const char *path, uint64_t *size,
    struct jit_why *why)
{
	struct client_trust t = { .pinned = true, .log = c->log };
	JIT_SCOPED(client_free) struct client *cl = NULL;
	JIT_SCOPED(view_free) struct view *v = NULL;
	enum jit_err e = client_open(c->signer, CMD_TIMEOUT_MS, &t, &cl, why);

	ssh_key_free(t.user_ca);
	buf_done(&t.note);
	if (e == JIT_E_UNREACHABLE)
		return jit_at(why, e, "jit-signer");
	JIT_TRY(e);
	JIT_TRY(view_open(path, VIEW_BULK, &c->log, &v, why));
	JIT_TRY(follow_all(cl, v, why));
	JIT_TRY(view_settle(v, why));
	*size = view_size(v);
	return JIT_OK;
}

/* Nobody else has it open while it is replaced. */
static enum jit_err
make_view(const struct config *c, uint64_t *size, struct jit_why *why)
{
	char path[CONFIG_PATH], lock[CONFIG_PATH], new[CONFIG_PATH];
	JIT_DONE(sys_close) int fd = -1;
	enum jit_err e;

	JIT_TRY(cmd_path(c, CMD_VIEW, path, why));
	JIT_TRY(cmd_path(c, CMD_VIEW ".lock", lock, why));
	JIT_TRY(cmd_path(c, CMD_VIEW ".new", new, why));
	if ((e = sys_lock(lock, 0, &fd, why)) == JIT_E_BUSY)
		return jit_fail(why, JIT_E_LOCKED, "%s is in use: stop "
		    "jit-certd first", path);
	JIT_TRY(e);
	remove_view(new);
	if ((e = fill(c, new, size, why)) != JIT_OK) {
		remove_view(new);
		return e;
	}
	/* A journal of the old one must never meet the new one. */
	remove_view(path);
	if (rename(new, path) != 0)
		return jit_fail(why, JIT_E_IO, "%s: %s", path,
		    strerror(errno));
	return JIT_OK;
}

/* ---- init ---- */

static enum jit_err
make_state(const struct config *c, struct jit_why *why)
{
	struct stat st;

	if (mkdir(c->state, 0700) != 0 && errno != EEXIST)
		return jit_fail(why, JIT_E_IO, "%s: %s", c->state,
		    strerror(errno));
	if (lstat(c->state, &st) != 0)
		return jit_fail(why, JIT_E_IO, "%s: %s", c->state,
		    strerror(errno));
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid())
		return jit_fail(why, JIT_E_OWNER, "%s: not a folder of ours",
		    c->state);
	if ((st.st_mode & 022) != 0)
		return jit_fail(why, JIT_E_MODE, "%s: mode %03o; others may "
		    "not write there", c->state, st.st_mode & 0777);
	return JIT_OK;
}

/* Both files or none: half a pair is somebody's mistake. */
static enum jit_err
make_tls(const struct config *c, bool *made, struct jit_why *why)
{
	bool cert = access(c->certificate, F_OK) == 0;
	bool key = access(c->key, F_OK) == 0;

	*made = !cert && !key;
	if (*made)
		return tls_pair_make(c, sys_wall(), why);
	if (cert != key)
		return jit_fail(why, JIT_E_UNKNOWN, "%s is there, and %s is "
		    "not", cert ? c->certificate : c->key, cert ? c->key :
		    c->certificate);
	return JIT_OK;
}

static void
say_setup(const struct config *c, const struct tls_pair *p, bool made,
    uint64_t size)
{
	JIT_DONE(wr_done) struct wr vkey = WR_INIT(TLOG_VKEY_MAX);
	char spki[DIGEST_TEXT];

	tlog_vkey_put(&vkey, &c->log);
	digest_text(&p->spki, spki);
	(void)printf("The view holds %llu entries of log %s.\n%s"
	    "People set up their jit-cert with:\n  jit-cert setup "
	    "https://%s --pin %.*s%s%s\n", (unsigned long long)size,
	    c->log_id, made ? "A TLS key and a certificate of its own were "
	    "made.\n" : "", c->name[0], (int)wr_view(&vkey).n,
	    (const char *)wr_view(&vkey).p, made ? " --tls " : "",
	    made ? spki : "");
}

static enum jit_err
init(const char *conf, struct jit_why *why)
{
	JIT_DONE(tls_pair_done) struct tls_pair p = { .key = { NULL, 0 } };
	JIT_SCOPED(free) struct config *c = calloc(1, sizeof(*c));
	char path[CONFIG_PATH];
	uint64_t size = 0;
	bool made = false;

	if (c == NULL)
		return JIT_E_NOMEM;
	JIT_TRY(config_read(conf, c, why));
	JIT_TRY(make_state(c, why));
	JIT_TRY(cmd_path(c, CMD_VIEW, path, why));
	if (access(path, F_OK) == 0)
		return jit_fail(why, JIT_E_EXISTS, "%s is there already; "
		    "jit-certd rebuild makes it anew", path);
	JIT_TRY(make_tls(c, &made, why));
	JIT_TRY(tls_pair_read(c, &p, why));
	JIT_TRY(make_view(c, &size, why));
	say_setup(c, &p, made, size);
	return JIT_OK;
}

int
cmd_init(const char *conf)
{
	struct jit_why why = { 0 };
	enum jit_err e = init(conf, &why);

	return e == JIT_OK ? 0 : cmd_complain(e, &why);
}

/* ---- rebuild ---- */

static enum jit_err
rebuild(const char *conf, struct jit_why *why)
{
	JIT_SCOPED(free) struct config *c = calloc(1, sizeof(*c));
	uint64_t size = 0;

	if (c == NULL)
		return JIT_E_NOMEM;
	JIT_TRY(config_read(conf, c, why));
	JIT_TRY(make_state(c, why));
	JIT_TRY(make_view(c, &size, why));
	(void)printf("The view was made anew: %llu entries of log %s. People "
	    "log in again.\n", (unsigned long long)size, c->log_id);
	return JIT_OK;
}

int
cmd_rebuild(const char *conf)
{
	struct jit_why why = { 0 };
	enum jit_err e = rebuild(conf, &why);

	return e == JIT_OK ? 0 : cmd_complain(e, &why);
}
