#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "ca/base/sys.h"
#include "ca/base/text.h"
#include "signer/cmd.h"

int
cmd_complain(enum jit_err e, const struct jit_why *why)
{
	(void)fprintf(stderr, "jit-signer: %s\n", jit_why_text(why, e));
	return jit_err_exit(e);
}

/* ---- options ---- */

static const struct cmd_opt *
find(const char *arg, const struct cmd_opt *o, size_t n, const char **value)
{
	const char *eq = strchr(arg, '=');
	size_t len = eq != NULL ? (size_t)(eq - arg) : strlen(arg);

	*value = eq != NULL ? eq + 1 : NULL;
	for (size_t i = 0; i < n; i++)
		if (strlen(o[i].name) == len &&
		    memcmp(o[i].name, arg, len) == 0)
			return &o[i];
	return NULL;
}

static enum jit_err
set(const struct cmd_opt *o, const char *value, struct jit_why *why)
{
	if (o->text != NULL) {
		if (*o->text != NULL)
			return jit_fail(why, JIT_E_ARG, "%s stands twice",
			    o->name);
		*o->text = value;
		return JIT_OK;
	}
	if (o->list->n == CMD_LIST)
		return jit_fail(why, JIT_E_ARG, "%s stands more than %d times",
		    o->name, CMD_LIST);
	o->list->v[o->list->n++] = value;
	return JIT_OK;
}

/* The option at argv[*i], with its value; *i is then at the last word of it. */
static enum jit_err
take(int argc, char **argv, int *i, const struct cmd_opt *o, size_t n,
    struct jit_why *why)
{
	const char *value = NULL;
	const struct cmd_opt *is = find(argv[*i], o, n, &value);
	char shown[TEXT_SHOWN];

	if (is == NULL)
		return jit_fail(why, JIT_E_ARG, "there is no option %s; "
		    "jit-signer --help lists them", text_shown(
		    span_str(argv[*i]), shown, sizeof(shown)));
	if (is->flag != NULL) {
		if (value != NULL)
			return jit_fail(why, JIT_E_ARG, "%s takes no value",
			    is->name);
		*is->flag = true;
		return JIT_OK;
	}
	if (value == NULL && *i + 1 < argc)
		value = argv[++*i];
	if (value == NULL || value[0] == '\0')
		return jit_fail(why, JIT_E_ARG, "%s needs a value", is->name);
	return set(is, value, why);
}

enum jit_err
cmd_parse(int argc, char **argv, const struct cmd_opt *o, size_t n_opts,
    const char **operand, size_t n, struct jit_why *why)
{
	size_t have = 0;

	for (int i = 0; i < argc; i++) {
		if (strncmp(argv[i], "--", 2) == 0)
			JIT_TRY(take(argc, argv, &i, o, n_opts, why));
		else if (have < n)
			operand[have++] = argv[i];
		else
			return jit_fail(why, JIT_E_ARG, "too many words: "
			    "jit-signer --help shows what is accepted");
	}
	return have == n ? JIT_OK : jit_fail(why, JIT_E_ARG, "words are "
	    "missing: jit-signer --help shows what is accepted");
}

enum jit_err
cmd_passphrase(const char *file, const char *fd, struct passphrase_from *ret,
    struct jit_why *why)
{
	uint64_t n = 0;

	*ret = (struct passphrase_from){ .place = PASSPHRASE_ASK,
	    .fd = -1, .prompt = "Passphrase of the CA keys: " };
	if (file != NULL && fd != NULL)
		return jit_fail(why, JIT_E_ARG, "--passphrase-file or "
		    "--passphrase-fd, not both");
	if (file != NULL) {
		ret->place = PASSPHRASE_FILE;
		ret->path = file;
	}
	if (fd == NULL)
		return JIT_OK;
	if (uint_parse(span_str(fd), 1023, &n) != JIT_OK)
		return jit_fail(why, JIT_E_ARG, "--passphrase-fd: accepted is "
		    "the number of an open descriptor");
	ret->place = PASSPHRASE_FD;
	ret->fd = (int)n;
	return JIT_OK;
}

/* ---- home, policy, keys ---- */

void
cmd_home_done(struct cmd_home *h)
{
	sys_close(&h->dir);
	home_policy_done(&h->policy_dir);
	policy_free(h->policy);
	h->policy = NULL;
	keyring_done(&h->keys);
}

enum jit_err
cmd_open_policy(struct cmd_home *h, const char *policy, struct jit_why *why)
{
	const struct block *b;

	JIT_TRY(home_policy_open(policy, &h->policy_dir, why));
	JIT_TRY(home_load_policy(h->policy_dir.dir, h->policy_dir.name,
	    &h->policy, why));
	b = policy_get(h->policy, BLOCK_SETTINGS, SPAN_NONE);
	if (b == NULL || b->settings.log.n >= sizeof(h->origin))
		return jit_fail(why, JIT_E_POLICY, "%s: no name of the log",
		    policy);
	memcpy(h->origin, b->settings.log.p, b->settings.log.n);
	h->origin[b->settings.log.n] = '\0';
	return JIT_OK;
}

enum jit_err
cmd_open_keys(struct cmd_home *h, const char *home,
    const struct passphrase_from *from, struct jit_why *why)
{
	JIT_DONE(secret_done) struct secret passphrase = { NULL, 0, 0 };

	JIT_TRY(passphrase_get(from, &passphrase, why));
	return keyring_load(home, h->origin, &passphrase, &h->keys, why);
}

struct ca_privs
cmd_privs(const struct keyring *k)
{
	struct ca_privs p = { .n = 0 };

	for (size_t i = 0; i < k->n && p.n < CA_KEYS_MAX; i++)
		p.v[p.n++] = k->ca[i];
	return p;
}

enum jit_err
cmd_read_file(const char *path, size_t max, struct buf *ret,
    struct jit_why *why)
{
	JIT_DONE(sys_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum jit_err e;

	if (fd < 0)
		return jit_fail(why, JIT_E_UNKNOWN, "%s: cannot be opened",
		    path);
	e = sys_read_fd(fd, max, ret, why);
	return e == JIT_OK ? e : jit_at(why, e, "%s", path);
}
