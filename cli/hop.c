/* hop - run ssh to one server of a role. */
#define _XOPEN_SOURCE 700
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/child.h"
#include "cli/hop_int.h"

#define HOP_ARGS 48
#define HOP_LOG_MAX (1u << 20)
#define HOP_COMMAND_MAX 100000

/* ---- which server, which account ---- */

static const struct host *
host_of(const struct policy *p, const struct role *role, struct span name,
    struct span *group)
{
	for (size_t i = 0; i < role->host_groups.n; i++) {
		const struct block *g = policy_get(p, BLOCK_HOST_GROUP,
		    role->host_groups.v[i]);

		for (size_t j = 0; g != NULL && j < g->host_group.n; j++) {
			const struct block *h = policy_get(p, BLOCK_HOST,
			    g->host_group.hosts[j]);

			if (h == NULL || !span_eq(h->name, name))
				continue;
			*group = role->host_groups.v[i];
			return &h->host;
		}
	}
	return NULL;
}

/* "db1, db2" of the role, for a message. */
static const char *
hosts_text(const struct policy *p, const struct role *role, char *ret,
    size_t size)
{
	size_t n = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < role->host_groups.n; i++) {
		const struct block *g = policy_get(p, BLOCK_HOST_GROUP,
		    role->host_groups.v[i]);

		for (size_t j = 0; g != NULL && j < g->host_group.n &&
		    n < size; j++)
			n += (size_t)snprintf(ret + n, size - n, "%s%.*s",
			    n > 0 ? ", " : "",
			    OUT_SPAN(g->host_group.hosts[j]));
	}
	return ret;
}

static enum jit_err
choose_account(const struct role *role, struct span typed,
    const char *option, struct span *ret, struct jit_why *why)
{
	struct span want = typed;
	char shown[TEXT_SHOWN];

	if (option != NULL) {
		if (typed.n > 0 && !span_eq_str(typed, option))
			return jit_fail(why, JIT_E_ARG, "--account and "
			    "ACCOUNT@HOST name two accounts");
		want = span_str(option);
	}
	if (want.n == 0 && role->accounts.n == 1)
		want = role->accounts.v[0];
	if (want.n == 0)
		return jit_fail(why, JIT_E_ARG, "%.*s has several accounts: "
		    "say %.*s@HOST, or --account", OUT_SPAN(role->name),
		    OUT_SPAN(role->accounts.v[0]));
	for (size_t i = 0; i < role->accounts.n; i++)
		if (span_eq(role->accounts.v[i], want)) {
			*ret = role->accounts.v[i];
			return JIT_OK;
		}
	return jit_fail(why, JIT_E_REFUSED, "%.*s does not open the account "
	    "%s", OUT_SPAN(role->name), text_shown(want, shown,
	    sizeof(shown)));
}

enum jit_err
hop_choose(const struct policy *p, const struct role *role,
    const char *typed, const char *account, struct hop *ret,
    struct jit_why *why)
{
	const char *at = strrchr(typed, '@');
	struct span name = span_str(at != NULL ? at + 1 : typed);
	struct span user = at != NULL ? SPAN(typed, (size_t)(at - typed)) :
	    SPAN_NONE;
	struct hop h = { 0 };
	char shown[TEXT_SHOWN], hosts[160];

	if ((h.host = host_of(p, role, name, &h.group)) == NULL)
		return jit_fail(why, JIT_E_REFUSED, "%.*s does not open \"%s\""
		    "; it opens %s", OUT_SPAN(role->name), text_shown(name,
		    shown, sizeof(shown)), hosts_text(p, role, hosts,
		    sizeof(hosts)));
	if (h.host->n_keys == 0)
		return jit_fail(why, JIT_E_REFUSED, "the policy has no host "
		    "key for %.*s, and a server is not trusted because it "
		    "answers: an admin adds its key under hosts",
		    OUT_SPAN(h.host->name));
	JIT_TRY(choose_account(role, user, account, &h.account, why));
	*ret = h;
	return JIT_OK;
}

/* ---- the arguments ---- */

/* Arguments, and the memory of those that are put together here. */
struct argv {
	const char *v[HOP_ARGS + 1];
	size_t n;
	char *own[HOP_ARGS];		/* owned */
	size_t n_own;
	enum jit_err err;
};

static void
argv_done(struct argv *a)
{
	for (size_t i = 0; i < a->n_own; i++)
		free(a->own[i]);
}
JIT_SCOPED_OBJ(struct argv, argv_done);

static void
arg(struct argv *a, const char *s)
{
	if (a->n == HOP_ARGS)
		a->err = JIT_E_SIZE;
	else
		a->v[a->n++] = s;
}

static void arg_fmt(struct argv *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static void
arg_fmt(struct argv *a, const char *fmt, ...)
{
	va_list ap;
	char *s = malloc(8192);
	int n = -1;

	va_start(ap, fmt);
	if (s != NULL)
		n = vsnprintf(s, 8192, fmt, ap);
	va_end(ap);
	if (n < 0 || n >= 8192 || a->n_own == HOP_ARGS) {
		free(s);
		a->err = s == NULL ? JIT_E_NOMEM : JIT_E_SIZE;
		return;
	}
	a->own[a->n_own++] = s;
	arg(a, s);
}

/* What a server may sign with: the algorithms of its keys. */
static void
put_algorithms(struct wr *w, const struct host *h)
{
	for (size_t i = 0; i < h->n_keys; i++) {
		bool rsa = ssh_key_type(h->keys[i]) == SSH_RSA;

		wr_fmt(w, "%s%s", i > 0 ? "," : "", rsa ?
		    "rsa-sha2-512,rsa-sha2-256" :
		    ssh_key_type_name(h->keys[i]));
	}
	wr_u8(w, 0);
}

/* A path in an option of ssh_config: quoted if need be, % is doubled. */
static void
put_path(struct wr *w, const char *path)
{
	const char *quote = path[strcspn(path, " \t\"\\'#=")] != '\0' ?
	    "\"" : "";

	wr_str(w, quote);
	for (; *path != '\0'; path++) {
		if (*path == '"' || *path == '\\')
			wr_str(w, "\\");
		if (*path == '%')
			wr_str(w, "%");
		wr_u8(w, (uint8_t)*path);
	}
	wr_str(w, quote);
	wr_u8(w, 0);
}

static void
arg_path(struct argv *a, const char *option, const char *path)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(8192);

	put_path(&w, path);
	if (w.err != JIT_OK)
		a->err = w.err;
	else
		arg_fmt(a, "-o%s=%s", option, (const char *)w.p);
}

static void
build(struct argv *a, const struct hop *h, const struct fetched *f)
{
	JIT_DONE(wr_done) struct wr algos = WR_INIT(2048);

	put_algorithms(&algos, h->host);
	if (algos.err != JIT_OK) {
		a->err = algos.err;
		return;
	}
	arg(a, "ssh");
	/* The certificate alone: its key is looked for in the agent. */
	arg_path(a, "IdentityFile", f->in_agent ? f->line.s : f->key.s);
	if (!f->in_agent)
		arg_path(a, "CertificateFile", f->line.s);
	/* That one, whichever other the user's configuration names. */
	if (f->in_agent)
		arg(a, "-oIdentityAgent=SSH_AUTH_SOCK");
	arg(a, "-oIdentitiesOnly=yes");
	arg(a, "-oPubkeyAuthentication=yes");
	arg(a, "-oPreferredAuthentications=publickey");
	arg(a, "-oAddKeysToAgent=no");
	arg(a, "-oControlMaster=no");
	arg(a, "-oControlPath=none");
	arg_path(a, "UserKnownHostsFile", f->hosts.s);
	arg(a, "-oGlobalKnownHostsFile=/dev/null");
	arg(a, "-oKnownHostsCommand=none");
	arg(a, "-oStrictHostKeyChecking=yes");
	arg(a, "-oUpdateHostKeys=no");
	arg(a, "-oVerifyHostKeyDNS=no");
	arg_fmt(a, "-oHostKeyAlias=%.*s", OUT_SPAN(h->host->name));
	arg_fmt(a, "-oHostKeyAlgorithms=%s", (const char *)algos.p);
	arg_fmt(a, "-p%u", h->host->port);
	arg_fmt(a, "-l%.*s", OUT_SPAN(h->account));
}

static void
put_quoted(struct wr *w, const char *s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-";

	if (*s != '\0' && strspn(s, plain) == strlen(s)) {
		wr_str(w, s);
		return;
	}
	wr_str(w, "'");
	for (; *s != '\0'; s++)
		if (*s == '\'')
			wr_str(w, "'\\''");
		else
			wr_u8(w, (uint8_t)*s);
	wr_str(w, "'");
}

void
hop_put_line(struct wr *w, const struct hop *h, const struct fetched *f)
{
	JIT_DONE(argv_done) struct argv a = { 0 };

	build(&a, h, f);
	arg_fmt(&a, "%.*s", OUT_SPAN(h->host->address));
	wr_fail(w, a.err);
	for (size_t i = 0; i < a.n && a.err == JIT_OK; i++) {
		wr_str(w, i > 0 ? " " : "");
		put_quoted(w, a.v[i]);
	}
}

/* ---- the child ---- */

static enum jit_err
run_child(const struct argv *a, int *status, struct jit_why *why)
{
	JIT_DONE(child_end) struct child c = { .begun = false };
	int sig = 0;

	JIT_TRY(child_begin(&c, why));
	JIT_TRY(child_run(&c, a->v, NULL, 0, status, &sig, why));
	if (sig != 0)
		*status = 128 + sig;
	return JIT_OK;
}

/* ---- all of it ---- */

/* A new file beside the certificate; the locker's end is its end too. */
static enum jit_err
make_log(const struct fetched *f, struct locker_path *ret,
    struct jit_why *why)
{
	const char *slash = strrchr(f->line.s, '/');
	int n = snprintf(ret->s, sizeof(ret->s), "%.*s/ssh-XXXXXX",
	    (int)(slash - f->line.s), f->line.s), fd;

	if (n < 0 || (size_t)n >= sizeof(ret->s))
		return jit_fail(why, JIT_E_ARG, "the path is too long");
	if ((fd = mkstemp(ret->s)) < 0)
		return jit_fail(why, JIT_E_IO, "%s: %s", ret->s,
		    strerror(errno));
	(void)close(fd);
	return JIT_OK;
}

/* With a space between, as ssh does it; borrowed from w. */
static const char *
joined(const char *const *command, struct wr *w)
{
	for (size_t i = 0; command[i] != NULL; i++) {
		wr_str(w, i > 0 ? " " : "");
		wr_str(w, command[i]);
	}
	wr_u8(w, 0);
	return w->err == JIT_OK ? (const char *)w->p : "";
}

enum jit_err
hop_run(struct desk *d, const struct hop *h, const struct fetched *f,
    const char *const *command, int *status, struct jit_why *why)
{
	JIT_DONE(argv_done) struct argv a = { 0 };
	JIT_DONE(wr_done) struct wr words = WR_INIT(HOP_COMMAND_MAX);
	JIT_DONE(buf_done) struct buf log = { 0 };
	const uid_t me = geteuid();
	const struct sys_rule rule = { &me, 1, 0077, HOP_LOG_MAX };
	struct locker_path path;
	enum jit_err e;

	JIT_TRY(make_log(f, &path, why));
	build(&a, h, f);
	arg(&a, "-v");
	arg_fmt(&a, "-E%s", path.s);
	/* What was typed here, not what the user's configuration runs. */
	if (*command != NULL)
		arg(&a, "-oRemoteCommand=none");
	arg(&a, "--");
	arg_fmt(&a, "%.*s", OUT_SPAN(h->host->address));
	if (*command != NULL)
		arg(&a, joined(command, &words));
	if (words.err != JIT_OK)
		a.err = words.err;
	e = a.err != JIT_OK ? jit_fail(why, a.err, "the command is "
	    "too long") : run_child(&a, status, why);
	if (e == JIT_OK && sys_read_file(path.s, &rule, &log, NULL) == JIT_OK) {
		hop_pass_on(d->c, BUF_SPAN(log));
		if (*status == 255)
			hop_explain(d, h, f, BUF_SPAN(log));
	}
	(void)unlink(path.s);
	return e;
}
