/*
 * wipe - a folder with secrets in it goes for good.
 *
 * Each file is overwritten, synced and unlinked, whatever state it is in.  A
 * link, a file with a second name or of somebody else is unlinked only.  What
 * a disk or file system kept of older blocks is out of reach.
 */
#ifndef JIT_CLI_WIPE_H
#define JIT_CLI_WIPE_H

#include "ca/base/sys.h"

/* Fine when it is not there.  JIT_E_FORMAT: it is a directory; JIT_E_IO. */
enum jit_err wipe_file(const char *path, struct jit_why *why);
/*
 * Every file in dir, and dir itself.  JIT_E_UNKNOWN: there is no such folder;
 * JIT_E_FORMAT: a directory is in it; JIT_E_ARG: a path is too long; JIT_E_IO.
 */
enum jit_err wipe_dir(const char *dir, struct jit_why *why);

#endif
