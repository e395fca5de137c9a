#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ca/base/sys.h"
#include "signer/token/launch.h"

extern char **environ;

bool
launch_lets_in(const char *v)
{
	/* A name that ends with "_" stands for all that begin so. */
	static const char *const names[] = { "SOFTHSM2_CONF", "TPM2_PKCS11_",
	    "YKCS11_", "YUBIHSM_PKCS11_CONF" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t n = strlen(names[i]);

		if (strncmp(v, names[i], n) == 0 &&
		    (names[i][n - 1] == '_' || v[n] == '='))
			return true;
	}
	return false;
}

/* An array of ours, strings of the environment's. */
static char **
let_in(void)
{
	size_t n = 0;
	char **ret;

	for (char **v = environ; *v != NULL; v++)
		n += launch_lets_in(*v);
	if ((ret = calloc(n + 1, sizeof(*ret))) == NULL)
		return NULL;
	n = 0;
	for (char **v = environ; *v != NULL; v++)
		if (launch_lets_in(*v))
			ret[n++] = *v;
	return ret;
}

static int
actions(posix_spawn_file_actions_t *fa, int fd)
{
	int e;

	if ((e = posix_spawn_file_actions_addopen(fa, 0, "/dev/null",
	    O_RDWR, 0)) != 0 ||
	    (e = posix_spawn_file_actions_adddup2(fa, 2, 1)) != 0 ||
	    (e = posix_spawn_file_actions_adddup2(fa, fd, LAUNCH_FD)) != 0)
		return e;
	return posix_spawn_file_actions_addclosefrom_np(fa, LAUNCH_FD + 1);
}

static int
attributes(posix_spawnattr_t *at)
{
	sigset_t none, all;
	int e;

	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	(void)sigdelset(&all, SIGKILL);
	(void)sigdelset(&all, SIGSTOP);
	if ((e = posix_spawnattr_setsigmask(at, &none)) != 0 ||
	    (e = posix_spawnattr_setsigdefault(at, &all)) != 0)
		return e;
	return posix_spawnattr_setflags(at, POSIX_SPAWN_SETSIGMASK |
	    POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
}

static int
run(const char *path, const char *const argv[], int fd, pid_t *pid)
{
	JIT_SCOPED(free) char **env = let_in();
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t at;
	int e;

	if (env == NULL)
		return ENOMEM;
	if ((e = posix_spawn_file_actions_init(&fa)) != 0)
		return e;
	if ((e = posix_spawnattr_init(&at)) != 0) {
		(void)posix_spawn_file_actions_destroy(&fa);
		return e;
	}
	if ((e = actions(&fa, fd)) == 0 && (e = attributes(&at)) == 0)
		/* The prototype lacks const; the strings stay as they are. */
		e = posix_spawn(pid, path, &fa, &at,
		    (char *const *)(uintptr_t)argv, env);
	(void)posix_spawnattr_destroy(&at);
	(void)posix_spawn_file_actions_destroy(&fa);
	return e;
}

enum jit_err
launch(const char *path, const char *const argv[], pid_t *pid, int *fd,
    struct jit_why *why)
{
	int pair[2], high, e;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
	    pair) != 0)
		return jit_fail(why, JIT_E_IO, "socketpair: %s",
		    strerror(errno));
	/* Above what the child's numbers overwrite. */
	high = fcntl(pair[1], F_DUPFD_CLOEXEC, LAUNCH_FD + 1);
	e = high < 0 ? errno : run(path, argv, high, pid);
	sys_close(&high);
	sys_close(&pair[1]);
	if (e == 0) {
		*fd = pair[0];
		return JIT_OK;
	}
	sys_close(&pair[0]);
	return jit_fail(why, e == ENOENT || e == EACCES || e == ENOTDIR ?
	    JIT_E_UNKNOWN : e == ENOMEM ? JIT_E_NOMEM : JIT_E_IO, "%s: %s",
	    path, strerror(e));
}
