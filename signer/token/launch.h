/*
 * launch - start a program of ours with nothing of ours: descriptor 3 is its
 * end of a socket, 0 is /dev/null, 1 and 2 are our 2, all else is closed;
 * signals as if we had none; a session of its own, so that a terminal's
 * Ctrl-C is not for it; and of the environment only what modules are
 * configured by:
 *
 *	SOFTHSM2_CONF  TPM2_PKCS11_*  YKCS11_*  YUBIHSM_PKCS11_CONF
 */
#ifndef JIT_SIGNER_TOKEN_LAUNCH_H
#define JIT_SIGNER_TOKEN_LAUNCH_H

#include <sys/types.h>

#include "ca/base/err.h"

#define LAUNCH_FD 3

/*
 * Start path with argv; *fd is our end (non-blocking, close-on-exec, owned).
 * JIT_E_UNKNOWN: there is no such program; JIT_E_IO, JIT_E_NOMEM.
 */
enum jit_err launch(const char *path, const char *const argv[], pid_t *pid,
    int *fd, struct jit_why *why);
/* Is a variable "NAME=value" one of those? */
bool launch_lets_in(const char *variable);

#endif
