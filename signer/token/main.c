/*
 * jit-signer-token - the keys behind PKCS #11: keeper.h, worker.h.  Started
 * by jit-signer (token.h), with a socket as descriptor 3:
 *
 *	jit-signer-token keeper|worker [PATH THAT IS HIDDEN FROM MODULES ...]
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ca/base/log.h"
#include "ca/base/sys.h"
#include "signer/token/cage.h"
#include "signer/token/keeper.h"
#include "signer/token/launch.h"
#include "signer/token/worker.h"

static bool
is_socket(int fd)
{
	int type = 0;
	socklen_t n = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0 &&
	    type == SOCK_STREAM;
}

static int
keep(char *const hidden[])
{
	struct jit_why why = { 0 };
	enum jit_err e = cage_keep(&why);

	if (e == JIT_OK)
		e = keeper_run(LAUNCH_FD, "/proc/self/exe", hidden, &why);
	if (e == JIT_OK)
		return 0;
	log_line(LOG_L_ERROR, "fatal", LOG_CODE(e), LOG_WHY(&why));
	return 1;
}

int
main(int argc, char **argv)
{
	const struct rng rng = rand_system();

	log_setup("jit-signer-token", STDERR_FILENO, LOG_L_INFO, sys_wall);
	if (argc < 2 || !is_socket(LAUNCH_FD)) {
		(void)fputs("jit-signer-token is started by jit-signer, not "
		    "by hand.\n", stderr);
		return 2;
	}
	/* A vendor's destructors are not run: some wait, some crash. */
	if (strcmp(argv[1], "worker") == 0)
		_exit(worker_run(LAUNCH_FD, argv + 2, &rng));
	return strcmp(argv[1], "keeper") == 0 ? keep(argv + 2) : 2;
}
