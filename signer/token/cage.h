/*
 * cage - what a process with vendor code in it gives up first.
 *
 * Modules need files, sockets (pcscd), devices and threads of their own, so
 * this is no jail: no core and no ptrace by the same user, no new privileges,
 * death with the parent, and system calls that no module needs refused
 * (EPERM): starting programs, looking into other processes, mounts and
 * namespaces, kernel modules, bpf, io_uring, keys of the kernel.  And by
 * Landlock, where the kernel has it, the paths that are hidden: the signer's
 * own home and passphrase, which belong to the same user.
 */
#ifndef JIT_SIGNER_TOKEN_CAGE_H
#define JIT_SIGNER_TOKEN_CAGE_H

#include "ca/base/err.h"

#define CAGE_HIDDEN_MAX 16

/*
 * hidden: absolute paths, NULL at the end; what is not there is no error.
 * JIT_E_IO: the kernel refused; JIT_E_UNREACHABLE: the parent has gone;
 * JIT_E_ARG: more than CAGE_HIDDEN_MAX.
 */
enum jit_err cage_enter(char *const hidden[], struct jit_why *why);
/* For the keeper, which has no vendor code but starts what has: no core, no
 * ptrace, no new privileges; the signals that ask a service to end are
 * ignored (keeper.h says why). */
enum jit_err cage_keep(struct jit_why *why);

#endif
