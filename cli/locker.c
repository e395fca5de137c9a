#define _XOPEN_SOURCE 700
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/base/sys.h"
#include "ca/ssh/cert.h"
#include "cli/locker.h"
#include "cli/wipe.h"

#define MAGIC "jit-cert locker key v1"
#define KEY_MAX 16384		/* bytes of key and of key.jit */
#define CERT_LINE_MAX 65536

static const struct {
	const char *name;
	size_t max;
} files[LOCKER_FILES] = {
	[LOCKER_REQUEST] = { "request", LOCKER_TEXT_MAX },
	[LOCKER_SECRET_FILE] = { "secret", LOCKER_SECRET },
	[LOCKER_KEY] = { "key", KEY_MAX },
	[LOCKER_KEY_JIT] = { "key.jit", KEY_MAX },
	[LOCKER_CERT] = { "id-cert.pub", CERT_LINE_MAX },
	[LOCKER_HOSTS] = { "known_hosts", LOCKER_HOSTS_MAX },
};

/* ---- paths and directories ---- */

static enum jit_err
io_error(const char *path, struct jit_why *why)
{
	return jit_fail(why, errno == ENOSPC ? JIT_E_FULL : JIT_E_IO,
	    "%s: %s", path, strerror(errno));
}

/* base/jit-cert, and of it what id and name say; each may be NULL. */
static enum jit_err
path_of(const char *base, const struct ulid *id, const char *name,
    struct locker_path *ret, struct jit_why *why)
{
	int n;

	/* What a relative one means would change with the working directory. */
	if (base[0] != '/')
		return jit_fail(why, JIT_E_ARG, "\"%.200s\": the path of a "
		    "directory for requests begins with \"/\"", base);
	n = snprintf(ret->s, sizeof(ret->s), "%s/jit-cert%s%s%s%s", base,
	    id != NULL ? "/" : "", id != NULL ? id->s : "",
	    name != NULL ? "/" : "", name != NULL ? name : "");
	if (n < 0 || (size_t)n >= sizeof(ret->s))
		return jit_fail(why, JIT_E_ARG, "%.200s...: the path is too "
		    "long", base);
	return JIT_OK;
}

enum jit_err
locker_path(const char *base, const struct ulid *id, enum locker_file f,
    struct locker_path *ret, struct jit_why *why)
{
	return path_of(base, id, files[f].name, ret, why);
}

/* Nobody else can rename or replace what is in it. */
static enum jit_err
check_base(const char *base, struct jit_why *why)
{
	struct stat st;

	if (stat(base, &st) != 0)
		return errno == ENOENT ? jit_fail(why, JIT_E_UNKNOWN, "%s: "
		    "there is no such directory", base) : io_error(base, why);
	if (!S_ISDIR(st.st_mode))
		return jit_fail(why, JIT_E_FORMAT, "%s: not a directory",
		    base);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return jit_fail(why, JIT_E_OWNER, "%s: belongs to user %lu",
		    base, (unsigned long)st.st_uid);
	if ((st.st_mode & 0022) != 0 && (st.st_mode & S_ISVTX) == 0)
		return jit_fail(why, JIT_E_MODE, "%s: mode is %04o, others "
		    "must not be able to write it", base,
		    (unsigned)(st.st_mode & 07777));
	return JIT_OK;
}

static enum jit_err
check_dir(const char *path, struct jit_why *why)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return errno == ENOENT ? jit_fail(why, JIT_E_UNKNOWN, "%s: "
		    "there is no such directory", path) : io_error(path, why);
	if (!S_ISDIR(st.st_mode))
		return jit_fail(why, JIT_E_FORMAT, "%s: a symbolic link or a "
		    "file, not a directory", path);
	if (st.st_uid != geteuid())
		return jit_fail(why, JIT_E_OWNER, "%s: belongs to user %lu",
		    path, (unsigned long)st.st_uid);
	if ((st.st_mode & 0077) != 0)
		return jit_fail(why, JIT_E_MODE, "%s: mode is %04o, accepted "
		    "is 0700", path, (unsigned)(st.st_mode & 07777));
	return JIT_OK;
}

/* base, base/jit-cert, and with an id that locker; *ret is the last. */
static enum jit_err
check_dirs(const char *base, const struct ulid *id, struct locker_path *ret,
    struct jit_why *why)
{
	JIT_TRY(check_base(base, why));
	JIT_TRY(path_of(base, NULL, NULL, ret, why));
	JIT_TRY(check_dir(ret->s, why));
	if (id == NULL)
		return JIT_OK;
	JIT_TRY(path_of(base, id, NULL, ret, why));
	return check_dir(ret->s, why);
}

/* Every directory of path that is missing. */
static enum jit_err
make_dirs(const char *path, struct jit_why *why)
{
	struct locker_path p;

	if ((size_t)snprintf(p.s, sizeof(p.s), "%s", path) >= sizeof(p.s))
		return jit_fail(why, JIT_E_ARG, "%.200s...: the path is too "
		    "long", path);
	for (char *at = p.s + 1; p.s[0] != '\0'; at++) {
		char c = *at;

		if (c != '/' && c != '\0')
			continue;
		*at = '\0';
		if (mkdir(p.s, 0700) != 0 && errno != EEXIST)
			return io_error(p.s, why);
		if (c == '\0')
			break;
		*at = c;
	}
	return JIT_OK;
}

static enum jit_err
sync_dir(const char *path, struct jit_why *why)
{
	JIT_DONE(sys_close) int fd = open(path, O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC);

	return fd >= 0 && fsync(fd) == 0 ? JIT_OK : io_error(path, why);
}

/* ---- files ---- */

static enum jit_err
write_one(const char *base, const struct ulid *id, enum locker_file f,
    struct span s, struct jit_why *why)
{
	struct locker_path path;

	JIT_TRY(locker_path(base, id, f, &path, why));
	if (s.n > files[f].max)
		return jit_fail(why, JIT_E_SIZE, "%s: %zu bytes, accepted are "
		    "at most %zu", path.s, s.n, files[f].max);
	return sys_write_file(path.s, s, 0600, SYS_REPLACE, why);
}

/* *path is set for the caller's own messages. */
static enum jit_err
read_one(const char *base, const struct ulid *id, enum locker_file f,
    struct locker_path *path, struct buf *ret, struct jit_why *why)
{
	uid_t own = geteuid();
	struct sys_rule rule = { &own, 1, 0077, files[f].max };

	JIT_TRY(locker_path(base, id, f, path, why));
	return sys_read_file(path->s, &rule, ret, why);
}

/* ---- the key as we read it ---- */

static enum jit_err
put_key_jit(const struct ssh_priv *p, struct wr *w)
{
	JIT_DONE(secret_done) struct secret saved = { NULL, 0, 0 };
	const struct ssh_key *k = ssh_priv_public(p);

	JIT_TRY(ssh_priv_save(p, &saved));
	wr_cstring(w, MAGIC);
	wr_cstring(w, ssh_key_type_name(k));
	wr_string(w, ssh_key_blob(k));
	wr_string(w, SPAN(saved.p, saved.n));
	return w->err;
}

static bool
find_type(struct span name, enum ssh_type *ret)
{
	for (int t = 0; t < SSH_TYPES; t++)
		if (span_eq_str(name, ssh_type_name((enum ssh_type)t))) {
			*ret = (enum ssh_type)t;
			return true;
		}
	return false;
}

static enum jit_err
get_key_jit(struct span s, const char *path, struct ssh_priv **ret,
    struct jit_why *why)
{
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *p = NULL;
	struct rd r = rd_of(s);
	struct span magic = rd_string(&r, 64), type = rd_string(&r, 64);
	struct span blob = rd_string(&r, SSH_BLOB_MAX);
	struct span saved = rd_string(&r, KEY_MAX);
	enum ssh_type t;
	enum jit_err e;

	if (rd_end(&r) != JIT_OK || !span_eq_str(magic, MAGIC) ||
	    !find_type(type, &t))
		return jit_fail(why, JIT_E_FORMAT, "%s: not a key of a "
		    "request, or damaged", path);
	e = ssh_priv_load(t, saved, &p, why);
	if (e == JIT_E_KEYTYPE)
		e = JIT_E_FORMAT;
	if (e != JIT_OK)
		return jit_at(why, e, "%s", path);
	/* Any 32 bytes are an Ed25519 seed: only this finds a flipped bit. */
	if (!span_eq(ssh_key_blob(ssh_priv_public(p)), blob))
		return jit_fail(why, JIT_E_FORMAT, "%s: damaged, its halves "
		    "do not belong together", path);
	*ret = p;
	p = NULL;
	return JIT_OK;
}

/* ---- put ---- */

/* Into a directory that was just made: there is nothing to replace. */
static enum jit_err
write_all(const char *base, const struct ulid *id, const struct ssh_priv *p,
    struct span secret, struct span text, const char *comment,
    const struct rng *rng, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr file = WR_INIT(KEY_MAX);
	JIT_DONE(wr_done) struct wr jit = WR_INIT(KEY_MAX);

	JIT_TRY(ssh_priv_put_file(p, comment, rng, &file));
	JIT_TRY(put_key_jit(p, &jit));
	JIT_TRY(write_one(base, id, LOCKER_SECRET_FILE, secret, why));
	JIT_TRY(write_one(base, id, LOCKER_KEY, wr_view(&file), why));
	JIT_TRY(write_one(base, id, LOCKER_KEY_JIT, wr_view(&jit), why));
	return write_one(base, id, LOCKER_REQUEST, text, why);
}

enum jit_err
locker_put(const char *base, const struct ulid *id, const struct ssh_priv *p,
    struct span secret, struct span text, const char *comment,
    const struct rng *rng, struct jit_why *why)
{
	struct locker_path top, dir;
	enum jit_err e;

	if (secret.n != LOCKER_SECRET)
		return jit_fail(why, JIT_E_ARG, "a collect secret of %zu "
		    "bytes, accepted are %d", secret.n, LOCKER_SECRET);
	JIT_TRY(path_of(base, NULL, NULL, &top, why));
	JIT_TRY(path_of(base, id, NULL, &dir, why));
	JIT_TRY(make_dirs(top.s, why));
	JIT_TRY(check_dirs(base, NULL, &top, why));
	if (mkdir(dir.s, 0700) != 0)
		return errno == EEXIST ? jit_fail(why, JIT_E_EXISTS, "%s: "
		    "exists already", dir.s) : io_error(dir.s, why);
	e = write_all(base, id, p, secret, text, comment, rng, why);
	if (e == JIT_OK)
		e = sync_dir(top.s, why);
	if (e != JIT_OK)
		(void)locker_remove(base, id, NULL);
	return e;
}

/* ---- get ---- */

void
locker_done(struct locker *l)
{
	ssh_priv_free(l->priv);
	secret_done(&l->secret);
	buf_done(&l->text);
	*l = (struct locker){ 0 };
}

static enum jit_err
get_secret(const char *base, const struct ulid *id, struct secret *ret,
    struct jit_why *why)
{
	JIT_DONE(buf_done) struct buf b = { NULL, 0 };
	struct locker_path path;

	JIT_TRY(read_one(base, id, LOCKER_SECRET_FILE, &path, &b, why));
	if (b.n != LOCKER_SECRET)
		return jit_fail(why, JIT_E_FORMAT, "%s: %zu bytes, accepted "
		    "are %d", path.s, b.n, LOCKER_SECRET);
	return secret_copy(ret, BUF_SPAN(b));
}

static enum jit_err
get_priv(const char *base, const struct ulid *id, struct ssh_priv **ret,
    struct jit_why *why)
{
	JIT_DONE(buf_done) struct buf b = { NULL, 0 };
	struct locker_path path;

	/* ssh will read this one; that it is ours is said here. */
	JIT_TRY(read_one(base, id, LOCKER_KEY, &path, &b, why));
	buf_done(&b);
	JIT_TRY(read_one(base, id, LOCKER_KEY_JIT, &path, &b, why));
	return get_key_jit(BUF_SPAN(b), path.s, ret, why);
}

enum jit_err
locker_get(const char *base, const struct ulid *id, struct locker *ret,
    struct jit_why *why)
{
	JIT_DONE(locker_done) struct locker l = { 0 };
	struct locker_path path;

	JIT_TRY(check_dirs(base, id, &path, why));
	JIT_TRY(read_one(base, id, LOCKER_REQUEST, &path, &l.text, why));
	if (l.text.n == 0)
		return jit_fail(why, JIT_E_FORMAT, "%s: empty", path.s);
	JIT_TRY(get_secret(base, id, &l.secret, why));
	JIT_TRY(get_priv(base, id, &l.priv, why));
	*ret = l;
	l = (struct locker){ 0 };
	return JIT_OK;
}

/* ---- the certificate ---- */

enum jit_err
locker_put_cert(const char *base, const struct ulid *id, struct span line,
    struct span known_hosts, struct jit_why *why)
{
	JIT_DONE(buf_done) struct buf blob = { NULL, 0 };
	struct locker_path path;

	JIT_TRY(check_dirs(base, id, &path, why));
	JIT_TRY(ssh_cert_line_blob(line, &blob, why));
	/* The certificate last: who finds it finds the rest as well. */
	if (known_hosts.n > 0)
		JIT_TRY(write_one(base, id, LOCKER_HOSTS, known_hosts, why));
	return write_one(base, id, LOCKER_CERT, line, why);
}

enum jit_err
locker_get_cert(const char *base, const struct ulid *id, struct buf *ret,
    struct jit_why *why)
{
	JIT_DONE(buf_done) struct buf line = { NULL, 0 };
	struct locker_path path;
	enum jit_err e;

	JIT_TRY(check_dirs(base, id, &path, why));
	JIT_TRY(read_one(base, id, LOCKER_CERT, &path, &line, why));
	e = ssh_cert_line_blob(BUF_SPAN(line), ret, why);
	return e == JIT_OK ? JIT_OK : jit_at(why, e, "%s", path.s);
}

/* ---- list ---- */

static int
by_id(const void *a, const void *b)
{
	return strcmp(((const struct ulid *)a)->s,
	    ((const struct ulid *)b)->s);
}

static enum jit_err
read_ids(DIR *d, struct wr *w)
{
	struct dirent *t;
	struct ulid id;

	while ((t = readdir(d)) != NULL)
		if (ulid_parse(span_str(t->d_name), &id) == JIT_OK)
			wr_raw(w, &id, sizeof(id));
	return w->err;
}

enum jit_err
locker_list(const char *base, struct ulid **ret, size_t *n,
    struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(1u << 24);
	struct locker_path top;
	struct ulid *ids = NULL;
	enum jit_err e;
	DIR *d;

	*ret = NULL;
	*n = 0;
	e = check_dirs(base, NULL, &top, why);
	if (e == JIT_E_UNKNOWN)
		return JIT_OK;
	JIT_TRY(e);
	if ((d = opendir(top.s)) == NULL)
		return io_error(top.s, why);
	e = read_ids(d, &w);
	(void)closedir(d);
	JIT_TRY(e);
	if (w.n == 0)
		return JIT_OK;
	if ((ids = malloc(w.n)) == NULL)
		return JIT_E_NOMEM;
	memcpy(ids, w.p, w.n);
	*n = w.n / sizeof(*ids);
	qsort(ids, *n, sizeof(*ids), by_id);
	*ret = ids;
	return JIT_OK;
}

/* ---- remove ---- */

enum jit_err
locker_remove(const char *base, const struct ulid *id, struct jit_why *why)
{
	struct locker_path dir;

	JIT_TRY(check_dirs(base, id, &dir, why));
	return wipe_dir(dir.s, why);
}

enum jit_err
locker_forget_key(const char *base, const struct ulid *id,
    struct jit_why *why)
{
	static const enum locker_file keys[] = { LOCKER_KEY, LOCKER_KEY_JIT };
	struct locker_path path;

	JIT_TRY(check_dirs(base, id, &path, why));
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		JIT_TRY(locker_path(base, id, keys[i], &path, why));
		JIT_TRY(wipe_file(path.s, why));
	}
	return JIT_OK;
}
