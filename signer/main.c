/*
 * jit-signer - the isolated signer.  This file owns its command line.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "signer/check.h"
#include "signer/home.h"

static const char usage[] =
    "usage: jit-signer check POLICY [--person NAME | --host NAME]\n"
    "\n"
    "  check   is the policy file valid, and what does it mean?\n"
    "          --person NAME  what they may ask for, who could approve it\n"
    "          --host NAME    what the host's principals files hold\n"
    "          Exit status: 0 valid, 2 not valid or wrong usage.\n";

/* "jit-signer: file:3:7: ..." on standard error; the exit status. */
static int
complain(enum jit_err e, const struct jit_why *why)
{
	(void)fprintf(stderr, "jit-signer: %s\n", jit_why_text(why, e));
	return jit_err_exit(e);
}

static int
check(int argc, char **argv)
{
	JIT_SCOPED(policy_free) struct policy *p = NULL;
	JIT_DONE(wr_done) struct wr w = WR_INIT(1u << 24);
	struct jit_why why = { 0 };
	enum jit_err e;

	if (argc != 1 && argc != 3)
		return (void)fputs(usage, stderr), 2;
	/* As the daemon demands the file, in any directory. */
	if ((e = home_load_policy(AT_FDCWD, argv[0], &p, &why)) != JIT_OK)
		return complain(e, &why);
	if (argc == 1)
		check_put_summary(&w, p);
	else if (strcmp(argv[1], "--person") == 0)
		e = check_put_person(&w, p, span_str(argv[2]), &why);
	else if (strcmp(argv[1], "--host") == 0)
		e = check_put_host(&w, p, span_str(argv[2]), &why);
	else
		return (void)fputs(usage, stderr), 2;
	if (e == JIT_OK)
		e = w.err;
	if (e != JIT_OK)
		return complain(e, &why);
	if (fwrite(w.p, 1, w.n, stdout) != w.n || fflush(stdout) != 0)
		return complain(jit_fail(&why, JIT_E_IO, "cannot write the "
		    "answer"), &why);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc >= 2 && strcmp(argv[1], "--help") == 0)
		return fputs(usage, stdout) < 0;
	if (argc >= 3 && strcmp(argv[1], "check") == 0)
		return check(argc - 2, argv + 2);
	(void)fputs(usage, stderr);
	return 2;
}
