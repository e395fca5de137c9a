/* sys: clocks, descriptors, no dumps. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "ca/base/sys.h"
#include "tests/lib/jt.h"

static void
clocks(void **state)
{
	int64_t m = sys_mono_ms(), b = sys_boot_ms();
	utc_s w = sys_wall();

	(void)state;
	assert_true(w > 1700000000 && w < UTC_MAX);
	assert_true(sys_wall_ms() / 1000 - w <= 1);
	(void)poll(NULL, 0, 20);
	assert_true(sys_mono_ms() - m >= 19 && sys_mono_ms() - m < 5000);
	assert_true(sys_boot_ms() - b >= 19 && sys_boot_ms() - b < 5000);
	/* Sleep can only add to the one that counts it. */
	assert_true(sys_boot_ms() >= sys_mono_ms() - 1000);
}

static void
flags(void **state)
{
	struct jit_why why = { 0 };
	int p[2] = { -1, -1 };

	(void)state;
	JT_OK(sys_pipe(p, &why));
	assert_true(fcntl(p[0], F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(p[1], F_GETFD) & FD_CLOEXEC);
	assert_int_equal(write(p[1], "x", 1), 1);
	JT_OK(sys_set_cloexec(p[0], false, &why));
	assert_false(fcntl(p[0], F_GETFD) & FD_CLOEXEC);
	JT_OK(sys_set_nonblock(p[0], true, &why));
	assert_true(fcntl(p[0], F_GETFL) & O_NONBLOCK);
	JT_OK(sys_set_nonblock(p[0], false, &why));
	assert_false(fcntl(p[0], F_GETFL) & O_NONBLOCK);
	sys_close(&p[0]);
	sys_close(&p[1]);
	assert_int_equal(p[0], -1);
	sys_close(&p[0]);
	JT_ERR(sys_set_cloexec(-1, true, &why), JIT_E_IO);
	assert_string_equal(why.msg, "descriptor -1: Bad file descriptor");
	JT_ERR(sys_set_nonblock(-1, true, NULL), JIT_E_IO);
}

/* In a child: this process may still want to dump. */
static int
child_without_dumps(void)
{
	struct rlimit r;

	if (sys_no_dumps(NULL) != JIT_OK)
		return 1;
	if (getrlimit(RLIMIT_CORE, &r) != 0 || r.rlim_cur != 0 ||
	    r.rlim_max != 0)
		return 2;
#ifdef __linux__
	if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		return 3;
#endif
	return 0;
}

static void
no_dumps(void **state)
{
	pid_t pid = fork();
	int st = -1;

	(void)state;
	if (pid == 0)
		_exit(child_without_dumps());
	assert_int_equal(waitpid(pid, &st, 0), pid);
	assert_int_equal(st, 0);
}

int
main(void)
{
	return jt_one("clocks", clocks) + jt_one("flags", flags) +
	    jt_one("no dumps", no_dumps);
}
