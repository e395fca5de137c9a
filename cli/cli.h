/*
 * cli - what every verb of jit-cert gets, and the way from argv to a verb.
 *
 * main() owns the clock, the random source and the environment, each read
 * once; a verb takes them from struct cli and returns an exit status.  A verb
 * prints through out.h only, and returns what out_error() or out_outcome()
 * returned when it failed:
 *
 *	if ((e = ...(..., &why)) != JIT_OK)
 *		return out_error(c, e, &why);
 *
 * main() ignores SIGPIPE; who runs a program by exec puts it back for it.
 */
#ifndef JIT_CLI_CLI_H
#define JIT_CLI_CLI_H

#include "ca/base/rand.h"
#include "ca/base/utc.h"
#include "cli/args.h"
#include "cli/out.h"

/* Exit statuses; err.def has them for each error. */
enum cli_exit {
	CLI_DONE = 0,
	CLI_FAILED = 1,		/* this machine: memory, disk, output */
	CLI_USAGE = 2,
	CLI_DENIED = 10,
	CLI_CLOSED = 11,	/* closed, expired or dropped */
	CLI_CANCELLED = 12,
	CLI_NOBODY = 13,	/* nobody can approve */
	CLI_WAITING = 14,	/* still open, and not waited for */
	CLI_REFUSED = 15,	/* the policy refuses */
	CLI_LOGIN = 16,		/* log in first */
	CLI_UNREACHABLE = 17,	/* a program does not answer */
	CLI_UNVERIFIED = 18,	/* verification failed */
	CLI_CHILD = 125		/* ssh, exec: our own failure; else the child's */
};

/* The environment, borrowed; NULL: not set, or empty. */
struct cli_env {
	const char *home, *state_home, *runtime_dir;	/* HOME, XDG_... */
	const char *tmpdir;		/* TMPDIR */
	const char *kube_info;		/* KUBERNETES_EXEC_INFO */
	const char *auth_sock;		/* SSH_AUTH_SOCK */
	const char *signer;		/* JIT_CERT_SIGNER */
	const char *server;		/* JIT_CERT_SERVER */
	const char *no_color, *term;	/* NO_COLOR, TERM */
};

struct cli_clock {
	int64_t (*wall_ms)(void);	/* since 1970; may jump */
	int64_t (*mono_ms)(void);	/* for timeouts */
};

struct cli {
	struct cli_env env;
	struct cli_clock clock;
	struct rng rng;
	struct out out;
	/* Global options, set before a verb runs; borrowed, NULL: not given. */
	const char *signer;	/* --signer, else JIT_CERT_SIGNER */
	const char *server;	/* --server, else JIT_CERT_SERVER; both NULL:
				   the one that was set up */
	const char *pin, *as, *key;
};

/* The wall clock in seconds. */
utc_s cli_now(const struct cli *c);

/*
 * Read argv, run its verb, return the exit status of the program.
 *
 *	c      env, clock, rng and out are set; the rest is set here
 *	verbs  the table; in the program the rows of verbs.def
 *
 * A usage error is told by out_error() and is CLI_USAGE.  What could not be
 * written to standard output makes any status CLI_FAILED.
 */
int cli_main(struct cli *c, const struct verb *verbs, size_t n, int argc,
    char *const argv[]);

/* Every verb of verbs.def. */
#define X(n, name, fn, min, max, synopsis, sentence, section)		\
int fn(struct cli *c, const struct args *a);
#include "cli/verbs.def"
#undef X

#endif
