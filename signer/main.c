/*
 * jit-signer - the isolated signer.  This file owns its command line.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ca/base/sys.h"
#include "ca/grant/policy_yaml.h"
#include "ca/base/tree.h"
#include "signer/check.h"

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

/* As the daemon will demand it: root's or ours, written by nobody else. */
static enum jit_err
load_policy(const char *path, struct policy **ret, struct jit_why *why)
{
	JIT_DONE(buf_done) struct buf yaml = { NULL, 0 };
	const uid_t owners[] = { 0, geteuid() };
	const struct sys_rule rule = { owners, 2, 0022, TREE_FILE_MAX };
	const char *name = strrchr(path, '/');

	JIT_TRY(sys_read_file(path, &rule, &yaml, why));
	return policy_from_yaml(name != NULL ? name + 1 : path,
	    BUF_SPAN(yaml), ret, why);
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
	if ((e = load_policy(argv[0], &p, &why)) != JIT_OK)
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
