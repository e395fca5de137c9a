#include <arpa/inet.h>
#include <string.h>
#include <unistd.h>

#include "api/config/config.h"
#include "ca/base/sys.h"
#include "ca/base/text.h"
#include "ca/base/tree.h"

#define CONNECTIONS 1024
#define PER_ADDRESS 256
#define WAITERS 512
#define TOKEN_LIFE ((dur_s)12 * 3600)
#define TOKEN_LIFE_MAX ((dur_s)7 * 86400)

/* ---- single values ---- */

static enum jit_err
text_in(const struct tree_node *n, char *ret, size_t size,
    struct jit_why *why)
{
	struct span s;

	JIT_TRY(tree_want(n, TREE_SCALAR, why));
	s = tree_scalar(n);
	if (s.n == 0 || s.n >= size || !text_is_ascii(s))
		return tree_fail(n, why, "1 to %zu characters of ASCII are "
		    "accepted", size - 1);
	memcpy(ret, s.p, s.n);
	ret[s.n] = '\0';
	return JIT_OK;
}

static enum jit_err
path_in(const struct tree_node *map, const char *key, char *ret,
    struct jit_why *why)
{
	const struct tree_node *n = NULL;

	JIT_TRY(tree_need(map, key, &n, why));
	JIT_TRY(text_in(n, ret, CONFIG_PATH, why));
	return ret[0] == '/' ? JIT_OK : tree_fail(n, why, "a path that begins "
	    "with \"/\" is accepted");
}

/* Cut ":port" off the end of s; false when it is none. */
static bool
cut_port(char *s, uint16_t *ret)
{
	char *colon = strrchr(s, ':');
	uint64_t port;

	if (colon == NULL || uint_parse(span_str(colon + 1), 65535, &port) !=
	    JIT_OK || port == 0)
		return false;
	*colon = '\0';
	*ret = (uint16_t)port;
	return true;
}

static bool
is_address(char *s)
{
	struct in6_addr a;
	size_t n = strlen(s);

	if (inet_pton(AF_INET, s, &a) == 1)
		return true;
	if (n < 3 || s[0] != '[' || s[n - 1] != ']')
		return false;
	memmove(s, s + 1, n - 2);
	s[n - 2] = '\0';
	return inet_pton(AF_INET6, s, &a) == 1;
}

static enum jit_err
take_listen(const struct tree_node *root, struct config *c,
    struct jit_why *why)
{
	const struct tree_node *n = NULL;

	JIT_TRY(tree_need(root, "listen", &n, why));
	JIT_TRY(text_in(n, c->address, sizeof(c->address), why));
	if (!cut_port(c->address, &c->port) || !is_address(c->address))
		return tree_fail(n, why, "an address and a port are accepted: "
		    "127.0.0.1:8443, [::]:8443");
	return JIT_OK;
}

/* ---- names ---- */

static bool
is_host_name(const char *s)
{
	if (s[0] == '\0' || s[0] == '.' || s[0] == '-')
		return false;
	for (; *s != '\0'; s++)
		if (strchr("abcdefghijklmnopqrstuvwxyz0123456789.-", *s) ==
		    NULL)
			return false;
	return true;
}

static enum jit_err
check_name(const struct tree_node *n, const char *name, struct jit_why *why)
{
	char host[CONFIG_NAME_MAX + 1];
	uint16_t port = 0;

	memcpy(host, name, strlen(name) + 1);
	if (!cut_port(host, &port) ||
	    (!is_host_name(host) && !is_address(host)))
		return tree_fail(n, why, "a lower-case host name or an "
		    "address, and a port, are accepted: jit.example.com:8443");
	return JIT_OK;
}

static enum jit_err
take_names(const struct tree_node *root, struct config *c,
    struct jit_why *why)
{
	const struct tree_node *list = NULL;

	JIT_TRY(tree_need(root, "names", &list, why));
	JIT_TRY(tree_want(list, TREE_LIST, why));
	if (tree_count(list) == 0 || tree_count(list) > CONFIG_NAMES)
		return tree_fail(list, why, "1 to %d names are accepted",
		    CONFIG_NAMES);
	for (size_t i = 0; i < tree_count(list); i++) {
		const struct tree_node *n = tree_at(list, i);

		JIT_TRY(text_in(n, c->name[i], sizeof(c->name[i]), why));
		JIT_TRY(check_name(n, c->name[i], why));
	}
	c->n_names = tree_count(list);
	return JIT_OK;
}

/* ---- the rest ---- */

static enum jit_err
take_tls(const struct tree_node *root, struct config *c, struct jit_why *why)
{
	static const char *const known[] = { "certificate", "key", NULL };
	const struct tree_node *tls = NULL;

	JIT_TRY(tree_need(root, "tls", &tls, why));
	JIT_TRY(tree_want(tls, TREE_MAP, why));
	JIT_TRY(tree_only(tls, known, why));
	JIT_TRY(path_in(tls, "certificate", c->certificate, why));
	return path_in(tls, "key", c->key, why);
}

static enum jit_err
take_log(const struct tree_node *root, struct config *c, struct jit_why *why)
{
	const struct tree_node *n = NULL;

	JIT_TRY(tree_need(root, "log", &n, why));
	JIT_TRY(tree_want(n, TREE_SCALAR, why));
	if (tlog_vkey_parse(tree_scalar(n), &c->log, NULL) != JIT_OK)
		return tree_fail(n, why, "the log's verifier key is accepted, "
		    "as jit-signer init printed it");
	tlog_vkey_logid(&c->log, c->log_id);
	return JIT_OK;
}

static enum jit_err
take_level(const struct tree_node *root, struct config *c,
    struct jit_why *why)
{
	const struct tree_node *n = tree_get(root, "log-level");
	char text[16];

	c->level = LOG_L_INFO;
	if (n == NULL)
		return JIT_OK;
	JIT_TRY(text_in(n, text, sizeof(text), why));
	return log_level_parse(text, &c->level) == JIT_OK ? JIT_OK :
	    tree_fail(n, why, "error, warn, info or debug is accepted");
}

static enum jit_err
take_number(const struct tree_node *map, const char *key, unsigned min,
    unsigned max, unsigned *ret, struct jit_why *why)
{
	const struct tree_node *n = tree_get(map, key);
	uint64_t v = *ret;

	if (n != NULL)
		JIT_TRY(tree_uint(n, min, max, &v, why));
	*ret = (unsigned)v;
	return JIT_OK;
}

static enum jit_err
take_limits(const struct tree_node *root, struct config *c,
    struct jit_why *why)
{
	static const char *const known[] = { "connections", "per-address",
	    "waiters", NULL };
	const struct tree_node *n = tree_get(root, "limits");

	c->connections = CONNECTIONS;
	c->per_address = PER_ADDRESS;
	c->waiters = WAITERS;
	if (n == NULL)
		return JIT_OK;
	JIT_TRY(tree_want(n, TREE_MAP, why));
	JIT_TRY(tree_only(n, known, why));
	JIT_TRY(take_number(n, "connections", 1, 65536, &c->connections,
	    why));
	JIT_TRY(take_number(n, "per-address", 0, 65536, &c->per_address,
	    why));
	return take_number(n, "waiters", 1, 4096, &c->waiters, why);
}

static enum jit_err
take_all(const struct tree_node *root, struct config *c, struct jit_why *why)
{
	static const char *const known[] = { "certd", "listen", "names",
	    "signer", "state", "log", "tls", "log-level", "token-life",
	    "limits", NULL };
	const struct tree_node *n = NULL;

	JIT_TRY(tree_want(root, TREE_MAP, why));
	JIT_TRY(tree_only(root, known, why));
	JIT_TRY(tree_need(root, "certd", &n, why));
	if (!span_eq_str(tree_scalar(n), "v1"))
		return tree_fail(n, why, "v1 is accepted");
	JIT_TRY(take_listen(root, c, why));
	JIT_TRY(take_names(root, c, why));
	JIT_TRY(path_in(root, "signer", c->signer, why));
	JIT_TRY(path_in(root, "state", c->state, why));
	JIT_TRY(take_log(root, c, why));
	JIT_TRY(take_tls(root, c, why));
	JIT_TRY(take_level(root, c, why));
	c->token_life = TOKEN_LIFE;
	if ((n = tree_get(root, "token-life")) != NULL)
		JIT_TRY(tree_dur(n, 60, TOKEN_LIFE_MAX, &c->token_life, why));
	return take_limits(root, c, why);
}

enum jit_err
config_parse(const char *file, struct span yaml, struct config *ret,
    struct jit_why *why)
{
	JIT_SCOPED(tree_free) struct tree *t = NULL;
	JIT_SCOPED(free) struct config *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return JIT_E_NOMEM;
	JIT_TRY(tree_parse(file, yaml, &t, why));
	JIT_TRY(take_all(tree_root(t), c, why));
	*ret = *c;
	return JIT_OK;
}

enum jit_err
config_read(const char *path, struct config *ret, struct jit_why *why)
{
	const uid_t owners[] = { 0, geteuid() };
	const struct sys_rule rule = { owners, 2, 0022, TREE_FILE_MAX };
	JIT_DONE(buf_done) struct buf b = { NULL, 0 };
	const char *slash = strrchr(path, '/');

	JIT_TRY(sys_read_file(path, &rule, &b, why));
	return config_parse(slash != NULL ? slash + 1 : path, BUF_SPAN(b),
	    ret, why);
}
