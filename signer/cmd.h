/*
 * cmd - what the commands of jit-signer share.  main.c has the table.
 *
 * A command gets what stands behind its name and returns the exit status: 0,
 * 2 for wrong usage, else jit_err_exit() of what happened, which it has said
 * on standard error ("jit-signer: ...") or, once it serves, in the log.
 */
#ifndef JIT_SIGNER_CMD_H
#define JIT_SIGNER_CMD_H

#include "signer/home.h"
#include "signer/keyring.h"
#include "signer/passphrase.h"
#include "signer/store.h"

int cmd_check(int argc, char **argv);
int cmd_init(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_recover(int argc, char **argv);
int cmd_rotate(int argc, char **argv);
int cmd_root(int argc, char **argv);

/* Prints the usage; returns 2. */
int cmd_usage(void);
/* Says what happened; returns its exit status. */
int cmd_complain(enum jit_err e, const struct jit_why *why);

/* ---- options ---- */

#define CMD_LIST 64

struct cmd_list {
	size_t n;
	const char *v[CMD_LIST];
};
/* One of the three is not NULL. */
struct cmd_opt {
	const char *name;		/* "--group" */
	bool *flag;			/* takes no value */
	const char **text;		/* once */
	struct cmd_list *list;		/* any number of times */
};
/*
 * Take argv apart into options and exactly n operands; a value may stand
 * behind the name or, with "=", in the same word.  Borrows.  JIT_E_ARG.
 */
enum jit_err cmd_parse(int argc, char **argv, const struct cmd_opt *o,
    size_t n_opts, const char **operand, size_t n, struct jit_why *why);

/* --passphrase-file, --passphrase-fd; neither: the terminal.  JIT_E_ARG. */
enum jit_err cmd_passphrase(const char *file, const char *fd,
    struct passphrase_from *ret, struct jit_why *why);

/* ---- what serve and recover open ---- */

struct cmd_home {
	int dir;			/* the home directory */
	struct home_policy policy_dir;
	struct policy *policy;
	char origin[TLOG_ORIGIN_MAX + 1];	/* from the policy */
	struct keyring keys;
};
#define CMD_HOME_INIT { .dir = -1, .policy_dir = HOME_POLICY_INIT }
void cmd_home_done(struct cmd_home *h);
JIT_SCOPED_OBJ(struct cmd_home, cmd_home_done);
/* The policy file, its directory and its origin.  home.h's errors. */
enum jit_err cmd_open_policy(struct cmd_home *h, const char *policy,
    struct jit_why *why);
/* The keys of home, whose directory is open. */
enum jit_err cmd_open_keys(struct cmd_home *h, const char *home,
    const struct passphrase_from *from, struct jit_why *why);

/*
 * A file of which nothing is believed: who wrote it, its content shows.
 * JIT_E_UNKNOWN, JIT_E_SIZE, JIT_E_IO; why names the path.
 */
enum jit_err cmd_read_file(const char *path, size_t max, struct buf *ret,
    struct jit_why *why);
/* The CA keys of k, as a store wants them; borrowed. */
struct ca_privs cmd_privs(const struct keyring *k);

#endif
