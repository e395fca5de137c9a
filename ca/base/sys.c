#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "ca/base/sys.h"

/* macOS counts sleep in CLOCK_MONOTONIC and has no CLOCK_BOOTTIME. */
#ifdef CLOCK_BOOTTIME
#define BOOT_CLOCK CLOCK_BOOTTIME
#else
#define BOOT_CLOCK CLOCK_MONOTONIC
#endif

static int64_t
clock_ms(clockid_t id)
{
	struct timespec ts;

	/* A machine without these clocks cannot run anything of ours. */
	if (clock_gettime(id, &ts) != 0)
		abort();
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

utc_s
sys_wall(void)
{
	return sys_wall_ms() / 1000;
}

int64_t
sys_wall_ms(void)
{
	return clock_ms(CLOCK_REALTIME);
}

int64_t
sys_boot_ms(void)
{
	return clock_ms(BOOT_CLOCK);
}

int64_t
sys_mono_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}

static enum jit_err
set_flag(int fd, int get, int set, int flag, bool on, struct jit_why *why)
{
	int v = fcntl(fd, get);

	if (v < 0 || fcntl(fd, set, on ? v | flag : v & ~flag) < 0)
		return jit_fail(why, JIT_E_IO, "descriptor %d: %s", fd,
		    strerror(errno));
	return JIT_OK;
}

enum jit_err
sys_set_cloexec(int fd, bool on, struct jit_why *why)
{
	return set_flag(fd, F_GETFD, F_SETFD, FD_CLOEXEC, on, why);
}

enum jit_err
sys_set_nonblock(int fd, bool on, struct jit_why *why)
{
	return set_flag(fd, F_GETFL, F_SETFL, O_NONBLOCK, on, why);
}

enum jit_err
sys_pipe(int ret[static 2], struct jit_why *why)
{
	int p[2], e;

#ifdef __linux__
	e = pipe2(p, O_CLOEXEC);
#else
	e = pipe(p);
#endif
	if (e != 0)
		return jit_fail(why, JIT_E_IO, "pipe: %s", strerror(errno));
#ifndef __linux__
	(void)sys_set_cloexec(p[0], true, NULL);
	(void)sys_set_cloexec(p[1], true, NULL);
#endif
	memcpy(ret, p, sizeof(p));
	return JIT_OK;
}

enum jit_err
sys_no_dumps(struct jit_why *why)
{
	struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) != 0)
		return jit_fail(why, JIT_E_IO, "core limit: %s",
		    strerror(errno));
#ifdef __linux__
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return jit_fail(why, JIT_E_IO, "dumpable: %s",
		    strerror(errno));
#endif
	return JIT_OK;
}

void
sys_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
	errno = saved;
}
