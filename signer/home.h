/*
 * home - the two directories that the signer lives in, and its policy file.
 *
 * The home directory holds keys, journal and snapshots: the signer's own
 * user's, and nobody else sees into it.  The policy directory holds the
 * policy file and nothing else, because the jail lets the whole directory be
 * read (a file would be lost from view when it is replaced by rename).  Both
 * are opened once, before the jail, and looked at through their descriptors;
 * the policy is read again through its own on SIGHUP, inside the jail.
 *
 * Every name is judged by what was opened, a last component that is a
 * symbolic link is refused.  why names the path and what is accepted.
 */
#ifndef JIT_SIGNER_HOME_H
#define JIT_SIGNER_HOME_H

#include "ca/grant/policy.h"

/*
 * Open the home directory.  *ret is owned, close-on-exec.
 *	JIT_E_UNKNOWN  there is none
 *	JIT_E_FORMAT   a symbolic link, or not a directory
 *	JIT_E_OWNER    not the own (effective) user's
 *	JIT_E_MODE     not 0700
 *	JIT_E_IO
 */
enum jit_err home_open(const char *path, int *ret, struct jit_why *why);
/*
 * Make it first where nothing is, mode 0700; its parent must be there.
 * Errors as home_open; what is there already is judged in the same way.
 */
enum jit_err home_make(const char *path, int *ret, struct jit_why *why);

/* A policy file: its directory, and its name in it. */
struct home_policy {
	int dir;		/* owned; home_policy_done() */
	char name[256];
};
#define HOME_POLICY_INIT { .dir = -1 }

/*
 * Open the directory that path's file is in; the file itself is not read.
 *	JIT_E_ARG      path does not end in a file's name
 *	JIT_E_UNKNOWN  there is no such directory, or no such file in it
 *	JIT_E_FORMAT   a symbolic link; or the directory holds something else
 *	JIT_E_OWNER    the directory is not root's and not the own user's
 *	JIT_E_MODE     others may write into it
 *	JIT_E_SIZE     the path is too long
 *	JIT_E_IO
 */
enum jit_err home_policy_open(const char *path, struct home_policy *ret,
    struct jit_why *why);
void home_policy_done(struct home_policy *p);
JIT_SCOPED_OBJ(struct home_policy, home_policy_done);

/*
 * Read and parse a policy file: one name, root's or the own user's, not
 * writable by others, at most TREE_FILE_MAX bytes.
 *
 *	dir   an open directory, or AT_FDCWD
 *	name  below it
 *
 * *ret is owned, and whole (policy_yaml.h).  JIT_E_POLICY, JIT_E_WEAKKEY
 * (why is "file:line:column: ..."); sys_open()'s errors; JIT_E_NOMEM.
 */
enum jit_err home_load_policy(int dir, const char *name, struct policy **ret,
    struct jit_why *why);

#endif
