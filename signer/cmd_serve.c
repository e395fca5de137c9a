/*
 * jit-signer serve - open and check everything, enter the jail, serve.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "ca/base/log.h"
#include "ca/base/sys.h"
#include "signer/cmd.h"
#include "signer/jail.h"
#include "signer/serve.h"
#include "signer/wall.h"

#define OWN_DESCRIPTORS 32	/* the rest of RLIMIT_NOFILE is for clients */

struct options {
	const char *home, *policy, *socket, *group, *front, *level, *file,
	    *fd;
	bool no_landlock;
};

/* ---- the limits ---- */

/* As many descriptors as we may have; how many of them clients get. */
static unsigned
raise_limit(void)
{
	const rlim_t want = SERVE_CONNS + OWN_DESCRIPTORS;
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0)
		return 1;
	if (r.rlim_cur < want && r.rlim_max > r.rlim_cur) {
		r.rlim_cur = r.rlim_max < want ? r.rlim_max : want;
		(void)setrlimit(RLIMIT_NOFILE, &r);
		(void)getrlimit(RLIMIT_NOFILE, &r);
	}
	if (r.rlim_cur >= want)
		return SERVE_CONNS;
	/* Few of them: half each. */
	return r.rlim_cur > 2 * OWN_DESCRIPTORS ?
	    (unsigned)r.rlim_cur - OWN_DESCRIPTORS :
	    (unsigned)r.rlim_cur / 2;
}

static enum jit_err
find_user(const char *name, uid_t *ret, struct jit_why *why)
{
	const struct passwd *pw;

	errno = 0;
	if ((pw = getpwnam(name)) == NULL) {
		char shown[TEXT_SHOWN];

		return jit_fail(why, JIT_E_ARG, "--front: there is no user "
		    "\"%s\"", text_shown(span_str(name), shown,
		    sizeof(shown)));
	}
	*ret = pw->pw_uid;
	return JIT_OK;
}

/* ---- running ---- */

struct daemon {
	struct cmd_home home;
	struct store *store;
	int listener, signals, notify;
	struct serve_config serve;
};
#define DAEMON_INIT { .home = CMD_HOME_INIT, .listener = -1, .signals = -1, \
    .notify = -1 }

static void
daemon_done(struct daemon *d)
{
	store_close(d->store);
	cmd_home_done(&d->home);
	sys_close(&d->listener);
	sys_close(&d->signals);
	sys_close(&d->notify);
}
JIT_SCOPED_OBJ(struct daemon, daemon_done);

static void
tell_ready(void *arg)
{
	const struct daemon *d = arg;
	char id[TLOG_LOGID_TEXT];

	tlog_vkey_logid(&d->home.keys.vkey, id);
	log_line(LOG_L_INFO, "ready", LOG_STR("log", id),
	    LOG_NUM("size", ledger_size(store_ledger(d->store))));
	sys_notify(d->notify, "READY=1\n");
}

static enum jit_err
open_all(const struct options *o, const struct rng *rng, struct daemon *d,
    struct jit_why *why)
{
	struct passphrase_from from;

	JIT_TRY(cmd_passphrase(o->file, o->fd, &from, why));
	JIT_TRY(home_open(o->home, &d->home.dir, why));
	JIT_TRY(cmd_open_policy(&d->home, o->policy, why));
	if (o->front != NULL)
		JIT_TRY(find_user(o->front, &d->serve.front, why));
	JIT_TRY(cmd_open_keys(&d->home, o->home, &from, why));
	const struct store_config c = {
		.home = d->home.dir,
		.vkey = &d->home.keys.vkey,
		.ca = cmd_privs(&d->home.keys),
		.log = d->home.keys.log,
		.rng = rng,
	};
	JIT_TRY(store_open(&c, &d->store, why));
	JIT_TRY(sys_notify_open(&d->notify, why));
	JIT_TRY(serve_signals(&d->signals, why));
	/* The log's lock is ours: nobody else of this log listens. */
	return sys_listen(o->socket, 0660, o->group, &d->listener, why);
}

static enum jit_err
enter_jail(const struct options *o, const struct daemon *d,
    struct jit_why *why)
{
	const struct jail j = {
		.home = d->home.dir,
		.policy = d->home.policy_dir.dir,
		.landlock_optional = o->no_landlock,
	};
	struct jail_state state = { 0 };

	JIT_TRY(jail_enter(&j, &state, why));
	log_line(state.note[0] == '\0' ? LOG_L_INFO : LOG_L_WARN, "jailed",
	    LOG_NUM("landlock", state.landlock),
	    LOG_STR("note", state.note));
	return JIT_OK;
}

static enum jit_err
run(const struct options *o, struct daemon *d, struct jit_why *why)
{
	const struct rng rng = rand_system();

	JIT_TRY(open_all(o, &rng, d, why));
	d->serve.store = d->store;
	d->serve.policy = &d->home.policy_dir;
	d->serve.first = d->home.policy;
	d->serve.listener = d->listener;
	d->serve.signals = d->signals;
	d->serve.has_front = o->front != NULL;
	d->serve.conns = raise_limit();
	JIT_TRY(enter_jail(o, d, why));
	enum jit_err e = serve_run(&d->serve, tell_ready, d, why);

	if (e != JIT_OK) {
		/* Nobody is answered, nothing is tidied up. */
		log_line(LOG_L_ERROR, "fatal", LOG_CODE(e), LOG_WHY(why));
		_exit(1);
	}
	return JIT_OK;
}

static enum jit_err
parse(int argc, char **argv, struct options *o, struct jit_why *why)
{
	const struct cmd_opt opts[] = {
		{ .name = "--socket", .text = &o->socket },
		{ .name = "--group", .text = &o->group },
		{ .name = "--front", .text = &o->front },
		{ .name = "--log-level", .text = &o->level },
		{ .name = "--passphrase-file", .text = &o->file },
		{ .name = "--passphrase-fd", .text = &o->fd },
		{ .name = "--no-landlock", .flag = &o->no_landlock },
	};
	enum log_level level = LOG_L_INFO;
	const char *operand[2];

	JIT_TRY(cmd_parse(argc, argv, opts, sizeof(opts) / sizeof(opts[0]),
	    operand, 2, why));
	o->home = operand[0];
	o->policy = operand[1];
	if (o->socket == NULL)
		return jit_fail(why, JIT_E_ARG, "serve needs --socket PATH");
	if (o->level != NULL && log_level_parse(o->level, &level) != JIT_OK)
		return jit_fail(why, JIT_E_ARG, "--log-level: accepted is "
		    "error, warn, info, debug");
	log_setup("jit-signer", STDERR_FILENO, level, wall_s);
	return sys_no_dumps(why);
}

int
cmd_serve(int argc, char **argv)
{
	JIT_DONE(daemon_done) struct daemon d = DAEMON_INIT;
	struct options o = { .home = NULL };
	struct jit_why why = { 0 };
	enum jit_err e = parse(argc, argv, &o, &why);

	if (e == JIT_OK)
		e = run(&o, &d, &why);
	return e == JIT_OK ? 0 : cmd_complain(e, &why);
}
