/*
 * kube - a credential plugin of kubectl.
 *
 *	users:
 *	- name: me
 *	  user:
 *	    exec:
 *	      apiVersion: client.authentication.k8s.io/v1
 *	      command: jit-cert
 *	      args: [kube, ROLE]
 *	      interactiveMode: IfAvailable
 *
 * Standard output is the credential and nothing else; what a person should
 * know goes to standard error, which kubectl shows.
 */
#include "cli/await.h"
#include "cli/kube.h"

#define CREDENTIAL_MAX (1u << 20)

struct plugin {
	struct want want;
	int64_t ms;			/* to wait */
};

static enum jit_err
take_args(struct cli *c, const struct args *a, struct plugin *g,
    struct jit_why *why)
{
	dur_s timeout = 0;
	bool interactive = false;

	g->want.role = a->operand[0];
	g->want.reason = args_get(a, OPT_REASON);
	JIT_TRY(args_dur(a, OPT_FOR, &g->want.duration, why));
	JIT_TRY(args_dur(a, OPT_TIMEOUT, &timeout, why));
	g->ms = args_has(a, OPT_NO_WAIT) ? 0 : timeout > 0 ? timeout * 1000 :
	    AWAIT_FOREVER;
	JIT_TRY(kube_read(c->env.kube_info, &interactive, why));
	c->out.silent = !interactive;
	return JIT_OK;
}

static int
answer(struct desk *d, const struct plugin *g)
{
	JIT_DONE(leaf_done) struct leaf l = { .fresh = false };
	JIT_DONE(wr_done) struct wr w = WR_INIT(CREDENTIAL_MAX);
	enum jit_err e;
	int status = leaf_get(d, &g->want, g->ms, &l);

	if (status != CLI_DONE)
		return status;
	if ((e = kube_put(&w, &l)) != JIT_OK)
		return out_error(d->c, e, NULL);
	out_bytes(d->c, wr_view(&w));
	return CLI_DONE;
}

int
verb_kube(struct cli *c, const struct args *a)
{
	JIT_DONE(desk_done) struct desk d = { 0 };
	struct plugin g = { .ms = 0 };
	struct jit_why why = { 0 };
	enum jit_err e;

	out_say_on_stderr(c);
	(void)sys_no_dumps(NULL);
	if ((e = take_args(c, a, &g, &why)) != JIT_OK ||
	    (e = desk_open(&d, c, &why)) != JIT_OK ||
	    (e = desk_who(&d, &why)) != JIT_OK)
		return out_error(c, e, &why);
	return answer(&d, &g);
}
