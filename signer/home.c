#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/base/sys.h"
#include "ca/base/text.h"
#include "ca/base/tree.h"
#include "ca/grant/policy_yaml.h"
#include "signer/home.h"

/* A directory, by what is opened; its status. */
static enum jit_err
open_dir(const char *path, int *ret, struct stat *st, struct jit_why *why)
{
	JIT_DONE(sys_close) int fd = open(path, O_RDONLY | O_DIRECTORY |
	    O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return jit_fail(why, JIT_E_UNKNOWN, "%s: there is no such "
		    "directory", path);
	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		return jit_fail(why, JIT_E_FORMAT, "%s: not a directory; "
		    "accepted is one, and no symbolic link to it", path);
	if (fd < 0 || fstat(fd, st) != 0)
		return jit_fail(why, JIT_E_IO, "%s: %s", path,
		    strerror(errno));
	*ret = fd;
	fd = -1;
	return JIT_OK;
}

enum jit_err
home_open(const char *path, int *ret, struct jit_why *why)
{
	JIT_DONE(sys_close) int fd = -1;
	struct stat st;

	JIT_TRY(open_dir(path, &fd, &st, why));
	if (st.st_uid != geteuid())
		return jit_fail(why, JIT_E_OWNER, "%s: belongs to user %lu, "
		    "accepted is %lu", path, (unsigned long)st.st_uid,
		    (unsigned long)geteuid());
	/* Set-group-id comes from a parent and opens nothing. */
	if ((st.st_mode & 0777) != 0700)
		return jit_fail(why, JIT_E_MODE, "%s: mode is %04o, accepted "
		    "is 0700", path, (unsigned)(st.st_mode & 07777));
	*ret = fd;
	fd = -1;
	return JIT_OK;
}

enum jit_err
home_make(const char *path, int *ret, struct jit_why *why)
{
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return jit_fail(why, errno == ENOENT ? JIT_E_UNKNOWN :
		    JIT_E_IO, "%s: cannot be made: %s", path,
		    strerror(errno));
	return home_open(path, ret, why);
}

/* "a/b/c" is "a/b" and "c"; "/c" is "/" and "c"; "c" is "." and "c". */
static enum jit_err
split(const char *path, char *dir, size_t size, char *name, size_t name_size,
    struct jit_why *why)
{
	const char *slash = strrchr(path, '/');
	const char *last = slash != NULL ? slash + 1 : path;
	size_t n = slash != NULL ? (size_t)(slash - path) : 0;

	if (last[0] == '\0' || strcmp(last, ".") == 0 ||
	    strcmp(last, "..") == 0)
		return jit_fail(why, JIT_E_ARG, "%s: not the name of a file",
		    path);
	if (n + 2 > size || strlen(last) >= name_size)
		return jit_fail(why, JIT_E_SIZE, "%s: the path is too long",
		    path);
	memcpy(name, last, strlen(last) + 1);
	if (n == 0)
		n = 1;
	memcpy(dir, slash != NULL ? path : ".", n);
	dir[n] = '\0';
	return JIT_OK;
}

static enum jit_err
check_policy_dir(const char *dir, const struct stat *st, struct jit_why *why)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return jit_fail(why, JIT_E_OWNER, "%s: belongs to user %lu, "
		    "accepted are root and %lu", dir,
		    (unsigned long)st->st_uid, (unsigned long)geteuid());
	if ((st->st_mode & 0022) != 0)
		return jit_fail(why, JIT_E_MODE, "%s: mode is %04o, others "
		    "may write; accepted is at most 0755", dir,
		    (unsigned)(st->st_mode & 07777));
	return JIT_OK;
}

/* Is name there, and nothing beside it? */
static enum jit_err
check_alone(int fd, const char *dir, const char *name, struct jit_why *why)
{
	int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = own >= 0 ? fdopendir(own) : NULL;
	char other[TEXT_SHOWN] = "";
	bool found = false;
	struct dirent *de;

	if (d == NULL) {
		sys_close(&own);
		return jit_fail(why, JIT_E_IO, "%s: %s", dir,
		    strerror(errno));
	}
	while ((de = readdir(d)) != NULL)
		if (strcmp(de->d_name, name) == 0)
			found = true;
		else if (strcmp(de->d_name, ".") != 0 &&
		    strcmp(de->d_name, "..") != 0)
			(void)text_shown(span_str(de->d_name), other,
			    sizeof(other));
	(void)closedir(d);
	if (!found)
		return jit_fail(why, JIT_E_UNKNOWN, "%s/%s: there is no such "
		    "file", dir, name);
	if (other[0] != '\0')
		return jit_fail(why, JIT_E_FORMAT, "%s: holds \"%s\"; accepted "
		    "is a directory with the policy file alone, since all of "
		    "it is open to the signer", dir, other);
	return JIT_OK;
}

enum jit_err
home_policy_open(const char *path, struct home_policy *ret,
    struct jit_why *why)
{
	JIT_DONE(home_policy_done) struct home_policy p = HOME_POLICY_INIT;
	char dir[PATH_MAX];
	struct stat st;

	JIT_TRY(split(path, dir, sizeof(dir), p.name, sizeof(p.name), why));
	JIT_TRY(open_dir(dir, &p.dir, &st, why));
	JIT_TRY(check_policy_dir(dir, &st, why));
	JIT_TRY(check_alone(p.dir, dir, p.name, why));
	*ret = p;
	p.dir = -1;
	return JIT_OK;
}

void
home_policy_done(struct home_policy *p)
{
	sys_close(&p->dir);
}

enum jit_err
home_load_policy(int dir, const char *name, struct policy **ret,
    struct jit_why *why)
{
	JIT_DONE(buf_done) struct buf yaml = { NULL, 0 };
	const uid_t owners[] = { 0, geteuid() };
	const struct sys_rule rule = { owners, 2, 0022, TREE_FILE_MAX };
	const char *slash = strrchr(name, '/');

	JIT_TRY(sys_read_file_at(dir, name, &rule, &yaml, why));
	return policy_from_yaml(slash != NULL ? slash + 1 : name,
	    BUF_SPAN(yaml), ret, why);
}
