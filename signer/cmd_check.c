#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>

#include "ca/grant/principals.h"
#include "signer/check.h"
#include "signer/cmd.h"

static enum jit_err
put(struct wr *w, const char *path, const char *person, const char *host,
    struct jit_why *why)
{
	JIT_SCOPED(policy_free) struct policy *p = NULL;

	JIT_TRY(home_load_policy(AT_FDCWD, path, &p, why));
	if (person != NULL)
		JIT_TRY(check_put_person(w, p, span_str(person), why));
	else if (host != NULL)
		JIT_TRY(principals_put(w, p, span_str(host), why));
	else
		check_put_summary(w, p);
	return w->err;
}

int
cmd_check(int argc, char **argv)
{
	const char *path = NULL, *person = NULL, *host = NULL;
	const struct cmd_opt opts[] = {
		{ .name = "--person", .text = &person },
		{ .name = "--host", .text = &host },
	};
	JIT_DONE(wr_done) struct wr w = WR_INIT(1u << 24);
	struct jit_why why = { 0 };
	enum jit_err e;

	if (cmd_parse(argc, argv, opts, 2, &path, 1, &why) != JIT_OK ||
	    (person != NULL && host != NULL))
		return cmd_usage();
	if ((e = put(&w, path, person, host, &why)) != JIT_OK)
		return cmd_complain(e, &why);
	if (fwrite(w.p, 1, w.n, stdout) != w.n || fflush(stdout) != 0)
		return cmd_complain(jit_fail(&why, JIT_E_IO, "cannot write "
		    "the answer"), &why);
	return 0;
}
