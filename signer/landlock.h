/*
 * landlock - which directories this process may still use: Landlock, by raw
 * system calls (Debian 12's headers know ABI 2 only).  Inside the jail only.
 */
#ifndef JIT_SIGNER_LANDLOCK_H
#define JIT_SIGNER_LANDLOCK_H

#include "ca/base/err.h"

/* Of the running kernel: 1 and more; 0: none, errno says why. */
int landlock_abi(void);
/*
 * Bind the calling thread, which has PR_SET_NO_NEW_PRIVS: of all that abi
 * can forbid, files below rw (descriptor of a directory) can be read,
 * written, made, renamed and removed, files below ro (-1: none) read.
 * JIT_E_ARG: not a directory; JIT_E_IO.
 */
enum jit_err landlock_enter(int abi, int rw, int ro, struct jit_why *why);

#endif
