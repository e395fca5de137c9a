#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ca/base/sys.h"
#include "signer/landlock.h"

/* The same on every architecture, and older than some headers. */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

#define CREATE_RULESET_VERSION 1u
#define RULE_PATH_BENEATH 1

/* linux/landlock.h as of ABI 6; our own names, since it may be older. */
enum {
	FS_EXECUTE = 1 << 0,
	FS_WRITE_FILE = 1 << 1,
	FS_READ_FILE = 1 << 2,
	FS_READ_DIR = 1 << 3,
	FS_REMOVE_FILE = 1 << 5,
	FS_MAKE_REG = 1 << 8,
	FS_REFER = 1 << 13,	/* ABI 2: rename between directories */
	FS_TRUNCATE = 1 << 14,	/* ABI 3 */
	FS_IOCTL_DEV = 1 << 15,	/* ABI 5 */
};
#define FS_ABI1 ((uint64_t)(1 << 13) - 1)	/* bits 0 to 12 */
#define NET_ALL 3u	/* ABI 4: bind and connect of TCP */
#define SCOPE_ALL 3u	/* ABI 6: abstract Unix sockets, signals */
#define SCOPE_SIGNAL 2u

/* What can be said of a file that is no directory. */
#define FILES ((uint64_t)(FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | \
    FS_TRUNCATE))
#define RO ((uint64_t)(FS_READ_FILE | FS_READ_DIR))
#define RW (RO | (uint64_t)(FS_WRITE_FILE | FS_REMOVE_FILE | FS_MAKE_REG | \
    FS_REFER | FS_TRUNCATE))

/* An older kernel takes the longer struct when what it lacks is zero. */
struct ruleset {
	uint64_t fs, net, scoped;
};

struct path_rule {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

static struct ruleset
all_of(int abi)
{
	struct ruleset r = { FS_ABI1, 0, 0 };

	if (abi >= 2)
		r.fs |= FS_REFER;
	if (abi >= 3)
		r.fs |= FS_TRUNCATE;
	if (abi >= 4)
		r.net = NET_ALL;
	if (abi >= 5)
		r.fs |= FS_IOCTL_DEV;
	if (abi >= 6)
		r.scoped = SCOPE_ALL;
	return r;
}

int
landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0,
	    CREATE_RULESET_VERSION);

	return abi > 0 ? (int)abi : 0;
}

static enum jit_err
grant(int ruleset, int dir, uint64_t access, struct jit_why *why)
{
	struct path_rule rule = { access, dir };
	struct stat st;

	if (fstat(dir, &st) != 0 || !S_ISDIR(st.st_mode))
		return jit_fail(why, JIT_E_ARG, "Landlock: descriptor %d is "
		    "not a directory", dir);
	if (syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule,
	    0u) != 0)
		return jit_fail(why, JIT_E_IO, "Landlock rule: %s",
		    strerror(errno));
	return JIT_OK;
}

enum jit_err
landlock_enter(int abi, int rw, int ro, struct jit_why *why)
{
	struct ruleset all = all_of(abi);
	JIT_DONE(sys_close) int fd = (int)syscall(SYS_landlock_create_ruleset,
	    &all, sizeof(all), 0u);

	if (fd < 0)
		return jit_fail(why, JIT_E_IO, "Landlock: %s",
		    strerror(errno));
	JIT_TRY(grant(fd, rw, RW & all.fs, why));
	if (ro >= 0)
		JIT_TRY(grant(fd, ro, RO & all.fs, why));
	if (syscall(SYS_landlock_restrict_self, fd, 0u) != 0)
		return jit_fail(why, JIT_E_IO, "Landlock: %s",
		    strerror(errno));
	return JIT_OK;
}

/* ---- all but some ---- */

struct hiding {
	int ruleset;
	uint64_t all;
	const char *const *hidden;
	size_t n;
};

enum place { FREE, ABOVE, HIDDEN };

static enum place
place_of(const struct hiding *h, const char *path)
{
	size_t len = strlen(path);
	enum place ret = FREE;

	for (size_t i = 0; i < h->n; i++) {
		if (strcmp(h->hidden[i], path) == 0)
			return HIDDEN;
		if (strncmp(h->hidden[i], path, len) == 0 &&
		    h->hidden[i][len] == '/')
			ret = ABOVE;
	}
	return ret;
}

/* What cannot be opened now, cannot be opened later; no reason to fail. */
static enum jit_err
allow(const struct hiding *h, const char *path, struct jit_why *why)
{
	struct path_rule rule = { h->all, -1 };
	JIT_DONE(sys_close) int fd = open(path, O_PATH | O_NOFOLLOW |
	    O_CLOEXEC);
	struct stat st;

	/* Where a symbolic link leads is judged by its own place. */
	if (fd < 0 || fstat(fd, &st) != 0 || S_ISLNK(st.st_mode))
		return JIT_OK;
	if (!S_ISDIR(st.st_mode))
		rule.allowed &= FILES;
	rule.fd = fd;
	if (syscall(SYS_landlock_add_rule, h->ruleset, RULE_PATH_BENEATH,
	    &rule, 0u) != 0)
		return jit_fail(why, JIT_E_IO, "Landlock rule for %s: %s",
		    path, strerror(errno));
	return JIT_OK;
}

static enum jit_err allow_beside(const struct hiding *h, const char *dir,
    struct jit_why *why);

static enum jit_err
allow_entry(const struct hiding *h, const char *dir, const char *name,
    struct jit_why *why)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/%s",
	    strcmp(dir, "/") == 0 ? "" : dir, name);

	if (n < 0 || (size_t)n >= sizeof(path) || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0)
		return JIT_OK;
	switch (place_of(h, path)) {
	case FREE:
		return allow(h, path, why);
	case ABOVE:
		return allow_beside(h, path, why);
	default:
		return JIT_OK;
	}
}

static enum jit_err
allow_beside(const struct hiding *h, const char *dir, struct jit_why *why)
{
	DIR *d = opendir(dir);
	enum jit_err e = JIT_OK;
	const struct dirent *de;

	if (d == NULL)
		return JIT_OK;
	while (e == JIT_OK && (de = readdir(d)) != NULL)
		e = allow_entry(h, dir, de->d_name, why);
	(void)closedir(d);
	return e;
}

enum jit_err
landlock_hide(int abi, const char *const *hidden, size_t n,
    struct jit_why *why)
{
	const struct ruleset all = { all_of(abi).fs & ~(uint64_t)FS_IOCTL_DEV,
	    0, abi >= 6 ? SCOPE_SIGNAL : 0 };
	JIT_DONE(sys_close) int fd = (int)syscall(SYS_landlock_create_ruleset,
	    &all, sizeof(all), 0u);
	const struct hiding h = { fd, all.fs, hidden, n };

	if (fd < 0)
		return jit_fail(why, JIT_E_IO, "Landlock: %s",
		    strerror(errno));
	JIT_TRY(allow_beside(&h, "/", why));
	if (syscall(SYS_landlock_restrict_self, fd, 0u) != 0)
		return jit_fail(why, JIT_E_IO, "Landlock: %s",
		    strerror(errno));
	return JIT_OK;
}
