/*
 * landlock - which directories this process may still use: Landlock, by raw
 * system calls (Debian 12's headers know ABI 2 only).  For the jail, and for
 * the token helper's cage.
 */
#ifndef JIT_SIGNER_LANDLOCK_H
#define JIT_SIGNER_LANDLOCK_H

#include <stddef.h>

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
/*
 * The other way round: all files as before, but what is at or below the
 * hidden paths, n of them, absolute and real, cannot be opened, made or
 * removed.  Landlock can only allow, so all that stands beside the paths now
 * is allowed; what is made later beside them, or beside a folder above them,
 * is not.  From ABI 6 on no signal leaves either.  JIT_E_IO, JIT_E_NOMEM.
 */
enum jit_err landlock_hide(int abi, const char *const *hidden, size_t n,
    struct jit_why *why);

#endif
