#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
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
