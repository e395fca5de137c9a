/*
 * jit-certd - the API.  This file owns its command line; the clock and the
 * random source are read in cmd_*.c alone.
 */
#define _POSIX_C_SOURCE 200809L
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include "api/certd.h"
#include "api/cmd.h"

static const char usage[] =
    "usage: jit-certd check CONFIG\n"
    "       jit-certd init CONFIG\n"
    "       jit-certd serve CONFIG\n"
    "       jit-certd rebuild CONFIG\n"
    "       jit-certd --help | --version\n"
    "\n"
    "  check    is the configuration valid?\n"
    "  init     make the state folder, a TLS key and certificate where the\n"
    "           configuration names files that are not there, and the view\n"
    "           of the log; says what people type to use this server\n"
    "  serve    answer on HTTPS, until SIGTERM; SIGHUP reads TLS files and\n"
    "           log level again\n"
    "  rebuild  make the view anew from the signer's log, while the daemon\n"
    "           is stopped; people log in again\n"
    "\n"
    "The signer must run for init and rebuild.  man jit-certd has CONFIG.\n"
    "Exit status: 0 done, 2 wrong usage or not valid, 17 the signer does not\n"
    "answer, 18 its log is not the one in CONFIG, 1 anything else.\n";

static const struct command {
	const char *name;
	int (*run)(const char *conf);
} commands[] = {
	{ "check", cmd_check },
	{ "init", cmd_init },
	{ "serve", cmd_serve },
	{ "rebuild", cmd_rebuild },
};

int
main(int argc, char **argv)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };

	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		return fputs(usage, stdout) < 0;
	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return puts("jit-certd " CERTD_VERSION) < 0;
	(void)umask(077);
	(void)sigaction(SIGPIPE, &ignore, NULL);
	/* Of members' order nobody can foresee. */
	json_object_seed(0);
	for (size_t i = 0; argc == 3 && i < sizeof(commands) /
	    sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argv[2]);
	(void)fputs(usage, stderr);
	return 2;
}
