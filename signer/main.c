/*
 * jit-signer - the isolated signer.  This file owns its command line.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "signer/cmd.h"
#include "signer/crash.h"

#define VERSION "0.1.0"

static const char usage[] =
    "usage: jit-signer check POLICY [--person NAME | --host NAME]\n"
    "       jit-signer init HOME POLICY [--ca-type TYPE] [--x509 TYPE]\n"
    "                  [PASSPHRASE]\n"
    "       jit-signer serve HOME POLICY --socket PATH [--group NAME]\n"
    "                  [--front USER] [--log-level LEVEL] [--no-landlock]\n"
    "                  [PASSPHRASE]\n"
    "       jit-signer recover HOME POLICY --show --by PERSON\n"
    "       jit-signer recover HOME POLICY --text FILE --sig FILE ...\n"
    "                  [PASSPHRASE]\n"
    "       jit-signer rotate HOME POLICY user-ca|x509-ca\n"
    "                  [--next [--type TYPE] [--csr FILE | --chain FILE] |\n"
    "                  --activate | --finish [--force]] [PASSPHRASE]\n"
    "       jit-signer root init DIR --name CN [--type TYPE] [--days N]\n"
    "       jit-signer root sign DIR --csr FILE --name CN --out FILE\n"
    "                  [--days N]\n"
    "       jit-signer root crl DIR --out FILE [--revoke SERIAL] [--days N]\n"
    "                  [PASSPHRASE]\n"
    "       jit-signer --help | --version\n"
    "\n"
    "  check    is the policy file valid, and what does it mean?\n"
    "           --person NAME  what they may ask for, who could approve it\n"
    "           --host NAME    what the host's principals files hold\n"
    "  init     make keys and begin the log, in HOME (made, mode 0700)\n"
    "           --ca-type TYPE ed25519 (usual), ecdsa-p256, ecdsa-p384,\n"
    "                          rsa-3072, rsa-4096\n"
    "           --x509 TYPE    an X.509 CA as well, self-signed\n"
    "  serve    answer on a Unix socket, until SIGTERM; SIGHUP reads the\n"
    "           policy again\n"
    "           --socket PATH  mode 0660\n"
    "           --group NAME   who may connect\n"
    "           --front USER   jit-certd's user: it speaks for many people\n"
    "           --log-level    error, warn, info (usual), debug\n"
    "           --no-landlock  on a kernel without Landlock, serve anyway\n"
    "  recover  let a frozen log go on, by signatures of the admins; the\n"
    "           daemon must be stopped\n"
    "           --show         print the text for PERSON to sign\n"
    "  rotate   what CA keys are published, and what each step would break;\n"
    "           with a step, do it; the daemon must be stopped\n"
    "           --next         publish a new key beside the active one\n"
    "           --csr FILE     X.509: only ask the offline root for its\n"
    "                          certificate, which comes back with --chain\n"
    "           --activate     sign with it from now on\n"
    "           --finish       publish the old one no more\n"
    "  root     an offline root, in DIR on a machine of its own\n"
    "\n"
    "PASSPHRASE is --passphrase-file FILE or --passphrase-fd NUMBER; without\n"
    "it the terminal asks.  POLICY is the only file in its directory.\n"
    "Exit status: 0 done, 2 wrong usage or not valid, 15 and 18 refused,\n"
    "1 anything else.\n";

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "check", cmd_check },
	{ "init", cmd_init },
	{ "serve", cmd_serve },
	{ "recover", cmd_recover },
	{ "rotate", cmd_rotate },
	{ "root", cmd_root },
};

int
cmd_usage(void)
{
	(void)fputs(usage, stderr);
	return 2;
}

/* A release has no such thing. */
static enum jit_err
test_hooks(struct jit_why *why)
{
#ifdef JIT_TEST_HOOKS
	const char *at = getenv("JIT_TEST_CRASH");

	if (at != NULL)
		return crash_select(at, why);
#endif
	(void)why;
	return JIT_OK;
}

int
main(int argc, char **argv)
{
	struct jit_why why = { 0 };
	enum jit_err e;

	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		return fputs(usage, stdout) < 0;
	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return puts("jit-signer " VERSION) < 0;
	(void)umask(077);
	/* Before OpenSSL has allocated anything. */
	if ((e = keyring_memory(NULL, &why)) != JIT_OK ||
	    (e = test_hooks(&why)) != JIT_OK)
		return cmd_complain(e, &why);
	for (size_t i = 0; argc >= 2 && i < sizeof(commands) /
	    sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 2, argv + 2);
	return cmd_usage();
}
