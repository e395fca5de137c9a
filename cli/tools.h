/*
 * tools - what a program must be told to use a client certificate: the rows
 * of tools.def, and what every program is told:
 *
 *	JIT_CERT_FILE   the certificate alone, PEM
 *	JIT_CHAIN_FILE  it and the CAs above it, but not the root
 *	JIT_CA_FILE     the CAs, root last
 *	JIT_KEY_FILE    its private key, PKCS#8
 *	JIT_REQUEST     the id of the request
 *	JIT_SERIAL      of the certificate, hex
 *	JIT_UNTIL       its end, 2026-11-23T20:58:11Z
 *
 * Pure.
 */
#ifndef JIT_CLI_TOOLS_H
#define JIT_CLI_TOOLS_H

#include "cli/child.h"
#include "ca/base/bytes.h"

enum tool_id {
#define X(n, commands, vars, args, first) TOOL_##n,
#include "cli/tools.def"
#undef X
	TOOL_COUNT
};

struct tool {
	const char *commands, *vars, *args, *first;
};
extern const struct tool tools[];
#define TOOL_NONE "none"	/* --tool none: only what all are told */

/* By one of its names, whatever folder stands in front; NULL: none. */
const struct tool *tool_find(const char *command);
/* As --tool names it.  JIT_E_ARG lists the names; *ret NULL for TOOL_NONE. */
enum jit_err tool_named(const char *name, const struct tool **ret,
    struct jit_why *why);

/* What is told, all of it borrowed. */
struct tool_facts {
	const char *cert, *chain, *ca, *key;	/* paths */
	const char *request, *serial, *until;
};

#define TOOL_VARS 16
#define TOOL_ARGS_MAX 4096	/* typed */

/* A command line and variables that are put together. */
struct tool_run {
	const char **argv;		/* owned array; NULL-terminated */
	size_t argc;
	struct child_var vars[TOOL_VARS];
	size_t n_vars;
	char *own[TOOL_VARS * 3];	/* owned: what they point to */
	size_t n_own;
};

/*
 *	t     NULL: no tool of the table
 *	argv  what was typed, n of it, at least the command
 *
 * *ret borrows from argv and from f; tool_run_done() frees it.  JIT_E_SIZE,
 * JIT_E_NOMEM.
 */
enum jit_err tool_prepare(const struct tool *t, const struct tool_facts *f,
    const char *const *argv, size_t n, struct tool_run *ret,
    struct jit_why *why);
void tool_run_done(struct tool_run *r);
JIT_SCOPED_OBJ(struct tool_run, tool_run_done);

#endif
