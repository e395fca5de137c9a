/*
 * jail - after it is entered, the signer can do its work and nothing else.
 *
 * The order of the program's life: open and check everything -> jail_enter()
 * -> start the workers -> the first byte from the socket.  Once in, for good:
 *
 *	no core, no ptrace       sys_no_dumps()
 *	no new privileges        PR_SET_NO_NEW_PRIVS
 *	files (Landlock)         home: read, write, make, rename, remove files;
 *	                         the policy's directory: read; nothing else
 *	                         can be opened.  No TCP (ABI 4), no abstract
 *	                         Unix socket and no signal outside (ABI 6)
 *	system calls (seccomp)   the rows of jail.def; all else is EPERM, and
 *	                         what only an intruder asks for ends the
 *	                         process
 *
 * Threads: jail_enter() wants a process of one thread, because Landlock
 * binds the thread that calls it; what is started later inherits both.
 * Inside, clone() makes threads and nothing else.
 *
 * What is open stays open, with the rights that it has: listener, pipes, the
 * log's descriptor.  What a library opens by itself at its first use has to
 * be used before (OpenSSL reads its configuration: load the keys first).
 * Inside, open by a directory's descriptor: openat(home, name); by path only
 * below the two directories.  A socket's file outside of home cannot be
 * removed any more; sys_listen() replaces it at the next start.  No fork, no
 * exec, no socket(), no recvmsg(): read() or recv().
 *
 * A build with AddressSanitizer allows what its run time needs beside
 * (jail.c), and looks for no leaks once in the jail: that needs ptrace.
 */
#ifndef JIT_SIGNER_JAIL_H
#define JIT_SIGNER_JAIL_H

#include "ca/base/err.h"

struct jail {
	int home;		/* directory, read and written; borrowed */
	int policy;		/* directory, read; borrowed; -1: none */
	bool landlock_optional;	/* a kernel without Landlock is no error */
};

struct jail_state {
	int landlock;		/* ABI in force; 0: without */
	char note[160];		/* what is weaker; "": nothing is */
};

/*
 * Enter.  *ret is set on success (NULL is fine).  After an error the process
 * may be half in: end it.
 *	JIT_E_ARG      several threads run; a descriptor is no directory
 *	JIT_E_UNBUILT  this kernel has no Landlock (unless optional) or no
 *	               seccomp filters; or a build for another system
 *	JIT_E_IO       the kernel refused
 *	JIT_E_NOMEM
 */
enum jit_err jail_enter(const struct jail *j, struct jail_state *ret,
    struct jit_why *why);

#endif
