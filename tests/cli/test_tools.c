/*
 * tools: which program is which, what stands in its argument vector and its
 * environment, and that what was typed comes after ours.
 */
#include <string.h>

#include "cli/tools.h"
#include "tests/lib/jt.h"

static const struct tool_facts facts = {
	.cert = "/d/leaf.pem", .chain = "/d/cert.pem", .ca = "/d/ca.pem",
	.key = "/d/key.pem", .request = "01JDE0V5Y8M3T1K3ZJ6X4N9Q2B",
	.serial = "0f", .until = "2026-11-23T20:58:11Z",
};

/* ---- by its name ---- */

struct find_row { const char *name, *command; int want; };
static const struct find_row finds_rows[] = {
	{ "psql", "psql", TOOL_LIBPQ },
	{ "in a folder", "/usr/lib/postgresql/15/bin/pg_dump", TOOL_LIBPQ },
	{ "mysql", "mysql", TOOL_MYSQL },
	{ "mariadb-dump", "mariadb-dump", TOOL_MYSQL },
	{ "redis-cli", "./redis-cli", TOOL_REDIS },
	{ "curl", "curl", TOOL_CURL },
	{ "wget", "wget", TOOL_WGET },
	{ "git", "git", TOOL_GIT },
	{ "kubectl has kube", "kubectl", -1 },
	{ "openssl", "openssl", -1 },
	{ "a beginning is no name", "psq", -1 },
	{ "nor is a longer one", "psqlx", -1 },
	{ "nor two of them", "psql pg_dump", -1 },
	{ "nor a space", " ", -1 },
	{ "nothing", "", -1 },
	{ "a folder", "psql/", -1 },
};

static void
finds(void **state)
{
	const struct find_row *r = *state;
	const struct tool *t = tool_find(r->command);

	assert_true(t == (r->want < 0 ? NULL : &tools[r->want]));
}

struct named_row {
	const char *name, *typed;
	enum jit_err err;
	int want;
};
static const struct named_row named_rows[] = {
	{ "psql", "psql", JIT_OK, TOOL_LIBPQ },
	{ "another name of it", "createdb", JIT_OK, TOOL_LIBPQ },
	{ "none", "none", JIT_OK, -1 },
	{ "no such", "sqlplus", JIT_E_ARG, -1 },
	{ "a path is no name", "/usr/bin/psql", JIT_E_ARG, -1 },
	{ "nothing", "", JIT_E_ARG, -1 },
};

static void
named(void **state)
{
	const struct named_row *r = *state;
	const struct tool *t = NULL;
	struct jit_why why = { 0 };

	JT_WHY(tool_named(r->typed, &t, &why), r->err, &why);
	if (r->err == JIT_OK)
		assert_true(t == (r->want < 0 ? NULL : &tools[r->want]));
	else
		assert_non_null(strstr(why.msg, "; there are psql, mysql, "
		    "redis-cli, curl, wget, git, none"));
}

/* ---- what it is told ---- */

#define LIST(...) { __VA_ARGS__, NULL }

struct run_row {
	const char *name;
	int tool;
	const char *argv[8], *want[12], *vars[3];
};
static const struct run_row runs[] = {
	{ "none: as it was typed", -1, LIST("env", "--cert", "x"),
	    LIST("env", "--cert", "x"), { NULL } },
	{ "psql: variables alone", TOOL_LIBPQ, LIST("psql", "host=db1"),
	    LIST("psql", "host=db1"), LIST("PGSSLCERT=/d/cert.pem",
	    "PGSSLKEY=/d/key.pem") },
	{ "mysql: before what was typed", TOOL_MYSQL, LIST("mysql", "app"),
	    LIST("mysql", "--ssl-cert=/d/cert.pem", "--ssl-key=/d/key.pem",
	    "app"), { NULL } },
	{ "mysql: its first argument stays", TOOL_MYSQL,
	    LIST("mysql", "--defaults-file=/x", "app"),
	    LIST("mysql", "--defaults-file=/x", "--ssl-cert=/d/cert.pem",
	    "--ssl-key=/d/key.pem", "app"), { NULL } },
	{ "mysql: --no-defaults", TOOL_MYSQL,
	    LIST("mariadb", "--no-defaults", "-e", "select 1"),
	    LIST("mariadb", "--no-defaults", "--ssl-cert=/d/cert.pem",
	    "--ssl-key=/d/key.pem", "-e", "select 1"), { NULL } },
	{ "mysql: not when it is the second", TOOL_MYSQL,
	    LIST("mysql", "app", "--no-defaults"),
	    LIST("mysql", "--ssl-cert=/d/cert.pem", "--ssl-key=/d/key.pem",
	    "app", "--no-defaults"), { NULL } },
	{ "redis-cli", TOOL_REDIS, LIST("redis-cli", "-h", "r1", "GET", "k"),
	    LIST("redis-cli", "--tls", "--cert", "/d/cert.pem", "--key",
	    "/d/key.pem", "-h", "r1", "GET", "k"), { NULL } },
	{ "curl: an own --cert comes later and wins", TOOL_CURL,
	    LIST("curl", "--cert", "own"), LIST("curl", "--cert",
	    "/d/cert.pem", "--key", "/d/key.pem", "--cert", "own"), { NULL } },
	{ "curl -q", TOOL_CURL, LIST("curl", "-q", "https://x"),
	    LIST("curl", "-q", "--cert", "/d/cert.pem", "--key",
	    "/d/key.pem", "https://x"), { NULL } },
	{ "curl alone", TOOL_CURL, LIST("curl"), LIST("curl", "--cert",
	    "/d/cert.pem", "--key", "/d/key.pem"), { NULL } },
	{ "git", TOOL_GIT, LIST("git", "pull"), LIST("git", "pull"),
	    LIST("GIT_SSL_CERT=/d/cert.pem", "GIT_SSL_KEY=/d/key.pem") },
};

static bool
has_var(const struct tool_run *r, const char *want)
{
	const size_t n = strcspn(want, "=");

	for (size_t i = 0; i < r->n_vars; i++)
		if (strlen(r->vars[i].name) == n &&
		    strncmp(r->vars[i].name, want, n) == 0)
			return strcmp(r->vars[i].value, want + n + 1) == 0;
	return false;
}

static const char *const always[] = {
	"JIT_CERT_FILE=/d/leaf.pem", "JIT_CHAIN_FILE=/d/cert.pem",
	"JIT_CA_FILE=/d/ca.pem", "JIT_KEY_FILE=/d/key.pem",
	"JIT_REQUEST=01JDE0V5Y8M3T1K3ZJ6X4N9Q2B", "JIT_SERIAL=0f",
	"JIT_UNTIL=2026-11-23T20:58:11Z",
};
#define ALWAYS (sizeof(always) / sizeof(always[0]))

static void
prepares(void **state)
{
	const struct run_row *row = *state;
	JIT_DONE(tool_run_done) struct tool_run r = { .argc = 0 };
	struct jit_why why = { 0 };
	size_t n = 0, vars = 0;

	while (row->argv[n] != NULL)
		n++;
	JT_WHY(tool_prepare(row->tool < 0 ? NULL : &tools[row->tool], &facts,
	    row->argv, n, &r, &why), JIT_OK, &why);
	for (size_t i = 0; i <= r.argc; i++) {
		if (row->want[i] == NULL || r.argv[i] == NULL)
			assert_true(row->want[i] == r.argv[i]);
		else
			assert_string_equal(r.argv[i], row->want[i]);
	}
	for (size_t i = 0; i < ALWAYS; i++)
		assert_true(has_var(&r, always[i]));
	for (; row->vars[vars] != NULL; vars++)
		assert_true(has_var(&r, row->vars[vars]));
	assert_int_equal(r.n_vars, ALWAYS + vars);
}

/* Every row of the table can be filled in, and names paths alone. */
static void
whole_table(void **state)
{
	const char *const argv[] = { "x", NULL };

	(void)state;
	for (size_t i = 0; i < TOOL_COUNT; i++) {
		JIT_DONE(tool_run_done) struct tool_run r = { .argc = 0 };

		JT_OK(tool_prepare(&tools[i], &facts, argv, 1, &r, NULL));
		assert_true(r.argc > 1 || r.n_vars > ALWAYS);
		for (size_t k = 0; k < r.argc; k++)
			assert_null(strchr(r.argv[k], '{'));
		for (size_t k = 0; k < r.n_vars; k++)
			assert_null(strchr(r.vars[k].value, '{'));
	}
}

static void
too_many(void **state)
{
	JIT_DONE(tool_run_done) struct tool_run r = { .argc = 0 };
	const char **argv = calloc(TOOL_ARGS_MAX + 2, sizeof(*argv));

	(void)state;
	assert_non_null(argv);
	for (size_t i = 0; i <= TOOL_ARGS_MAX; i++)
		argv[i] = "x";
	JT_ERR(tool_prepare(&tools[0], &facts, argv, TOOL_ARGS_MAX + 1, &r,
	    NULL), JIT_E_SIZE);
	free(argv);
}

int
main(void)
{
	return JT_ROWS("finds", finds, finds_rows) +
	    JT_ROWS("--tool", named, named_rows) +
	    JT_ROWS("prepares", prepares, runs) +
	    jt_one("the whole table", whole_table) +
	    jt_one("too many arguments", too_many);
}
