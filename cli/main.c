/*
 * jit-cert - the command-line client.  Here are its clock, its random source
 * and its environment; nothing else in cli/ has one.
 */
#define _XOPEN_SOURCE 700
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "ca/base/sys.h"
#include "cli/cli.h"

#define ANY VERB_ANY
static const struct verb verbs[] = {
#define X(n, name, fn, min, max, synopsis, sentence, section)		\
	{ VERB_##n, name, fn, min, max, synopsis, sentence,		\
	    SECTION_##section },
#include "cli/verbs.def"
#undef X
};
#undef ANY

/* NULL when it is not set, or empty. */
static const char *
env(const char *name)
{
	const char *s = getenv(name);

	return s != NULL && s[0] != '\0' ? s : NULL;
}

int
main(int argc, char **argv)
{
	struct cli c = {
		.env = {
			.home = env("HOME"),
			.state_home = env("XDG_STATE_HOME"),
			.runtime_dir = env("XDG_RUNTIME_DIR"),
			.tmpdir = env("TMPDIR"),
			.kube_info = env("KUBERNETES_EXEC_INFO"),
			.auth_sock = env("SSH_AUTH_SOCK"),
			.signer = env("JIT_CERT_SIGNER"),
			.server = env("JIT_CERT_SERVER"),
			.no_color = env("NO_COLOR"),
			.term = env("TERM"),
		},
		.clock = { sys_wall_ms, sys_mono_ms },
		.rng = rand_system(),
	};
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	/* The characters of the terminal, not the language of messages. */
	(void)setlocale(LC_CTYPE, "");
	tzset();
	/* A reader that went away is told by EPIPE. */
	(void)sigaction(SIGPIPE, &ignore, NULL);
	out_init(&c.out, 1, 2);
	return cli_main(&c, verbs, sizeof(verbs) / sizeof(verbs[0]), argc,
	    argv);
}
