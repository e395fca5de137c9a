/*
 * folder - where state of one log or server is kept, for us alone:
 * STATE/jit-cert/<16 hex digits of SHA-256 of its socket's path or URL>/
 */
#ifndef JIT_CLI_FOLDER_H
#define JIT_CLI_FOLDER_H

#include "ca/base/sys.h"

/*
 * Its path, owned; the folder is made.  of: the socket's path or the URL;
 * NULL: STATE/jit-cert itself.
 *	JIT_E_IO; JIT_E_OWNER, JIT_E_MODE: not ours, or open to others
 */
enum jit_err folder_open(const char *state, const char *of, char **ret,
    struct jit_why *why);
/* "<dir>/<name>", owned.  JIT_E_NOMEM, JIT_E_SIZE. */
enum jit_err folder_path(const char *dir, const char *name, char **ret);
/* A file in it; an absent one is an empty one.  Errors of sys_read_file(). */
enum jit_err folder_read(const char *dir, const char *name, size_t max,
    struct buf *ret, struct jit_why *why);
/* Mode 0600, the old one or the new one.  Errors of sys_write_file(). */
enum jit_err folder_write(const char *dir, const char *name, struct span s,
    struct jit_why *why);
/* Fine when there is none.  JIT_E_IO. */
enum jit_err folder_remove(const char *dir, const char *name,
    struct jit_why *why);

#endif
