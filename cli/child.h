/*
 * child - run a program in our place, and pass on how it ended.
 *
 * It has our terminal, our process group and our standard streams.  What the
 * terminal sends (Ctrl-C, Ctrl-\) reaches it by itself and is not sent twice;
 * what a process sends to us (SIGTERM, SIGHUP, SIGINT, SIGQUIT) is passed on
 * to it, and we go on until it has ended.  What stops it stops us.  No shell.
 */
#ifndef JIT_CLI_CHILD_H
#define JIT_CLI_CHILD_H

#include "ca/base/err.h"
#include "ca/base/scope.h"

/*
 * From child_begin() to child_end() those signals do not end us: what was
 * made in between (a folder with a key) is still there to be removed, however
 * soon they come.  One at a time: signals are the process's.
 */
struct child {
	bool begun;
};

/* A variable of its environment that is set for it alone. */
struct child_var {
	const char *name, *value;	/* borrowed */
};

enum jit_err child_begin(struct child *c, struct jit_why *why);
/*
 * Run it and wait for its end.  May be called once.
 *
 *	argv    NULL-terminated; argv[0] without a slash is looked up in PATH
 *	*status its exit status, 0 to 255; 0 when a signal ended it
 *	*sig    the signal that ended it, or 0
 *
 * JIT_E_UNKNOWN: there is no such program, or we may not run it; JIT_E_IO,
 * also when a signal came first; JIT_E_ARG: not begun.
 */
enum jit_err child_run(struct child *c, const char *const *argv,
    const struct child_var *vars, size_t n, int *status, int *sig,
    struct jit_why *why);
/*
 * Signals are as before.  One that came before a child could have it, has
 * its effect now.
 */
void child_end(struct child *c);
JIT_SCOPED_OBJ(struct child, child_end);

/* End as it did: by that signal, without a core file.  Does not return. */
void child_die_of(int sig) __attribute__((noreturn));

#endif
