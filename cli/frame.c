/* frame - from argv to a verb: global options, help, the exit status. */
#include <string.h>

#include "cli/cli.h"
#include "cli/help.h"

utc_s
cli_now(const struct cli *c)
{
	return c->clock.wall_ms() / 1000;
}

/* A usage error is told as JSON too when --json stands anywhere before --. */
static bool
asks_json(int argc, char *const argv[])
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--json") == 0)
			return true;
	return false;
}

/* What is typed counts before the environment; the socket before a server. */
static enum jit_err
take_way(struct cli *c, const struct args *a, struct jit_why *why)
{
	c->signer = args_get(a, OPT_SIGNER);
	c->server = args_get(a, OPT_SERVER);
	if (c->signer != NULL && c->server != NULL)
		return jit_fail(why, JIT_E_ARG, "--signer and --server are "
		    "two ways to the same; give one");
	if (c->signer == NULL && c->server == NULL)
		c->signer = c->env.signer;
	if (c->signer == NULL && c->server == NULL)
		c->server = c->env.server;
	return JIT_OK;
}

static void
take_globals(struct cli *c, const struct args *a)
{
	c->pin = args_get(a, OPT_PIN);
	c->as = args_get(a, OPT_AS);
	c->key = args_get(a, OPT_KEY);
	if (args_has(a, OPT_NO_COLOR))
		c->out.color = c->out.err_color = false;
}

static int
say_help(struct cli *c, const struct verb *verbs, size_t n,
    const struct verb *verb)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(1u << 20);

	help_put(&w, verbs, n, verb);
	/* Asked for by a person, whatever --json says. */
	c->out.json = false;
	if (w.err != JIT_OK)
		return out_error(c, w.err, NULL);
	out_text(c, "", wr_view(&w));
	return CLI_DONE;
}

static int
say_version(struct cli *c)
{
	out_json(c, json_pack("{s:s}", "version", JIT_VERSION));
	out_say(c, "jit-cert %s\n", JIT_VERSION);
	return CLI_DONE;
}

static int
run(struct cli *c, const struct verb *verbs, size_t n, int argc,
    char *const argv[])
{
	JIT_DONE(args_done) struct args a = { 0 };
	struct jit_why why = { 0 };
	enum jit_err e;

	c->out.json = asks_json(argc, argv);
	/* JSON leaves in ASCII, whatever the locale can show. */
	c->out.utf8 = c->out.utf8 || c->out.json;
	if ((e = args_parse(verbs, n, argc, argv, &a, &why)) != JIT_OK)
		return out_error(c, e, &why);
	take_globals(c, &a);
	if ((e = take_way(c, &a, &why)) != JIT_OK)
		return out_error(c, e, &why);
	if (args_has(&a, OPT_HELP))
		return say_help(c, verbs, n, a.verb);
	if (args_has(&a, OPT_VERSION))
		return say_version(c);
	if (a.verb != NULL)
		return a.verb->run(c, &a);
	if (c->out.json)
		return out_error(c, jit_fail(&why, JIT_E_ARG, "no verb; "
		    "jit-cert --help lists them"), &why);
	out_say_on_stderr(c);
	(void)say_help(c, verbs, n, NULL);
	return CLI_USAGE;
}

int
cli_main(struct cli *c, const struct verb *verbs, size_t n, int argc,
    char *const argv[])
{
	struct jit_why why = { 0 };
	int status;

	out_use_color(c);
	status = run(c, verbs, n, argc, argv);
	if (c->out.failed == JIT_OK)
		return status;
	/* Standard output is lost: only standard error can be told. */
	c->out.json = false;
	why = c->out.why;
	(void)out_error(c, jit_at(&why, c->out.failed, "standard output"),
	    &why);
	return CLI_FAILED;
}
