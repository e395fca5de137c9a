/*
 * cmd - the command line of jit-certd: a command and its configuration.
 */
#ifndef JIT_API_CMD_H
#define JIT_API_CMD_H

#include "api/config/config.h"

#define CMD_TIMEOUT_MS 10000	/* for a question to the signer */
#define CMD_VIEW "view.db"	/* in config's state */

/* Each gets the path of the configuration; the exit status. */
int cmd_init(const char *conf);
int cmd_rebuild(const char *conf);
int cmd_check(const char *conf);
int cmd_serve(const char *conf);

/* Say it on standard error; the exit status of e. */
int cmd_complain(enum jit_err e, const struct jit_why *why);
/* "STATE/name" into ret.  JIT_E_ARG: too long. */
enum jit_err cmd_path(const struct config *c, const char *name,
    char ret[static CONFIG_PATH], struct jit_why *why);

#endif
