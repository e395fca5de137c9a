/*
 * home: which directories and policy files the signer accepts.  Who owns
 * what is tried as root only, and said where it is not.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/base/sys.h"
#include "signer/home.h"
#include "tests/lib/run.h"

#define FOREIGN 65534

static const char *
in(const char *dir, const char *name)
{
	static char path[4][8192];
	static unsigned next;
	char *p = path[next++ % 4], joined[sizeof(path[0])];

	/* dir may be one of the four. */
	(void)snprintf(joined, sizeof(joined), "%s/%s", dir, name);
	memcpy(p, joined, sizeof(joined));
	return p;
}

static const char *
fresh(mode_t mode)
{
	static char path[4][4096];
	static unsigned n;
	char *p = path[n % 4];

	(void)snprintf(p, sizeof(path[0]), "%s/dir%u", jt_tmpdir(), n);
	n++;
	assert_int_equal(mkdir(p, 0700), 0);
	assert_int_equal(chmod(p, mode), 0);
	return p;
}

static void
give_away(const char *path)
{
	if (geteuid() != 0) {
		print_message("needs root to give a file away\n");
		skip();
	}
	assert_int_equal(lchown(path, FOREIGN, (gid_t)-1), 0);
}

/* ---- the home directory ---- */

enum home_kind { DIRECTORY, NOTHING, A_FILE, A_LINK, NOT_OURS };

struct home_row {
	const char *name;
	enum home_kind kind;
	mode_t mode;
	enum jit_err open, make;
	const char *says;
};
static const struct home_row homes[] = {
	{ "0700", DIRECTORY, 0700, JIT_OK, JIT_OK, "" },
	{ "set-group-id", DIRECTORY, 02700, JIT_OK, JIT_OK, "" },
	{ "0750", DIRECTORY, 0750, JIT_E_MODE, JIT_E_MODE, "0750, accepted" },
	{ "0701", DIRECTORY, 0701, JIT_E_MODE, JIT_E_MODE, "0701, accepted" },
	{ "0777", DIRECTORY, 0777, JIT_E_MODE, JIT_E_MODE, "0777, accepted" },
	{ "0500", DIRECTORY, 0500, JIT_E_MODE, JIT_E_MODE, "0500, accepted" },
	{ "none", NOTHING, 0, JIT_E_UNKNOWN, JIT_OK, "no such directory" },
	{ "a file", A_FILE, 0700, JIT_E_FORMAT, JIT_E_FORMAT, "directory" },
	{ "a symbolic link", A_LINK, 0700, JIT_E_FORMAT, JIT_E_FORMAT,
	    "symbolic link" },
	{ "not ours", NOT_OURS, 0700, JIT_E_OWNER, JIT_E_OWNER,
	    "belongs to user 65534, accepted is" },
};

/* Another name so that it is beside, not below. */
static const char *
home_of(const struct home_row *r)
{
	const char *top = fresh(0700), *path = in(top, "home");

	if (r->kind == A_LINK) {
		assert_int_equal(mkdir(in(top, "real"), 0700), 0);
		assert_int_equal(symlink("real", path), 0);
		return path;
	}
	if (r->kind == A_FILE)
		jt_write(path, SPAN_NONE);
	else if (r->kind != NOTHING)
		assert_int_equal(mkdir(path, 0700), 0);
	if (r->kind != NOTHING)
		assert_int_equal(chmod(path, r->mode), 0);
	if (r->kind == NOT_OURS)
		give_away(path);
	return path;
}

static void
open_home(void **state)
{
	const struct home_row *r = *state;
	JIT_DONE(sys_close) int fd = -1, again = -1;
	const char *path = home_of(r);
	struct jit_why why = { 0 };
	struct stat st;

	JT_WHY(home_open(path, &fd, &why), r->open, &why);
	assert_true((fd >= 0) == (r->open == JIT_OK));
	assert_non_null(strstr(why.msg, r->says));
	assert_true(why.msg[0] == '\0' || strstr(why.msg, path) != NULL);
	JT_WHY(home_make(path, &again, &why), r->make, &why);
	if (again < 0)
		return;
	assert_int_equal(fstat(again, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_true(fcntl(again, F_GETFD) & FD_CLOEXEC);
}

static void
no_parent(void **state)
{
	struct jit_why why = { 0 };
	int fd = -1;

	(void)state;
	JT_ERR(home_make(in(fresh(0700), "a/b"), &fd, &why), JIT_E_UNKNOWN);
	assert_int_equal(fd, -1);
}

/* ---- the policy's directory ---- */

struct dir_row {
	const char *name;
	mode_t mode;
	const char *other;	/* beside the policy file; NULL: nothing */
	const char *ask;	/* for the file, below the directory's parent */
	bool foreign;
	enum jit_err want;
	const char *says;
};
static const struct dir_row dirs[] = {
	{ "alone", 0755, NULL, "d/policy.yaml", false, JIT_OK, "" },
	{ "0700", 0700, NULL, "d/policy.yaml", false, JIT_OK, "" },
	{ "others write", 0757, NULL, "d/policy.yaml", false, JIT_E_MODE,
	    "0757, others may write" },
	{ "the group writes", 0775, NULL, "d/policy.yaml", false, JIT_E_MODE,
	    "at most 0755" },
	{ "sticky is no excuse", 01777, NULL, "d/policy.yaml", false,
	    JIT_E_MODE, "1777" },
	{ "an editor's file", 0755, "policy.yaml~", "d/policy.yaml", false,
	    JIT_E_FORMAT, "holds \"policy.yaml~\"" },
	{ "a hidden one", 0755, ".x", "d/policy.yaml", false, JIT_E_FORMAT,
	    "holds \".x\"" },
	{ "an escape in a name", 0755, "\x1b[2J", "d/policy.yaml", false,
	    JIT_E_FORMAT, "holds \"\\x1b[2J\"" },
	{ "another name", 0755, NULL, "d/other.yaml", false, JIT_E_UNKNOWN,
	    "other.yaml: there is no" },
	{ "no directory", 0755, NULL, "e/policy.yaml", false, JIT_E_UNKNOWN,
	    "no such directory" },
	{ "through a link", 0755, NULL, "link/policy.yaml", false,
	    JIT_E_FORMAT, "symbolic link" },
	{ "a directory's name", 0755, NULL, "d/", false, JIT_E_ARG,
	    "not the name of a file" },
	{ "a dot", 0755, NULL, "d/.", false, JIT_E_ARG, "" },
	{ "two dots", 0755, NULL, "d/..", false, JIT_E_ARG, "" },
	{ "not ours", 0755, NULL, "d/policy.yaml", true, JIT_E_OWNER,
	    "accepted are root and" },
};

static void
open_policy_dir(void **state)
{
	const struct dir_row *r = *state;
	JIT_DONE(home_policy_done) struct home_policy p = HOME_POLICY_INIT;
	const char *top = fresh(0700), *dir = in(top, "d");
	struct jit_why why = { 0 };

	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(symlink("d", in(top, "link")), 0);
	jt_write(in(dir, "policy.yaml"), span_str("x"));
	if (r->other != NULL)
		jt_write(in(dir, r->other), SPAN_NONE);
	assert_int_equal(chmod(dir, r->mode), 0);
	if (r->foreign)
		give_away(dir);
	JT_WHY(home_policy_open(in(top, r->ask), &p, &why), r->want, &why);
	assert_non_null(strstr(why.msg, r->says));
	assert_true((p.dir >= 0) == (r->want == JIT_OK));
	if (r->want == JIT_OK)
		assert_string_equal(p.name, "policy.yaml");
}

/* "policy.yaml" alone is in the working directory, "/x" in the root. */
static void
short_paths(void **state)
{
	JIT_DONE(home_policy_done) struct home_policy p = HOME_POLICY_INIT;
	JIT_DONE(sys_close) int was = open(".", O_RDONLY | O_DIRECTORY);
	const char *dir = fresh(0755);
	struct jit_why why = { 0 };

	(void)state;
	jt_write(in(dir, "policy.yaml"), span_str("x"));
	assert_int_equal(chdir(dir), 0);
	JT_WHY(home_policy_open("policy.yaml", &p, &why), JIT_OK, &why);
	assert_int_equal(fchdir(was), 0);
	JT_ERR(home_policy_open("/jit-cert-no-such-file", &p, &why),
	    JIT_E_UNKNOWN);
	assert_non_null(strstr(why.msg, "there is no such file"));
}

/* ---- the policy file, read again and again ---- */

struct file_row {
	const char *name;
	mode_t mode;
	enum { PLAIN, GIVEN, LINKED, SYMLINK, FIFO, BAD } kind;
	enum jit_err want;
	const char *says;
};
static const struct file_row files[] = {
	{ "0644", 0644, PLAIN, JIT_OK, "" },
	{ "0600", 0600, PLAIN, JIT_OK, "" },
	{ "0666", 0666, PLAIN, JIT_E_MODE, "0666, accepted is at most 0755" },
	{ "0664", 0664, PLAIN, JIT_E_MODE, "0664" },
	{ "somebody else's", 0644, GIVEN, JIT_E_OWNER, "belongs to" },
	{ "two names", 0644, LINKED, JIT_E_FORMAT, "2 names" },
	{ "a symbolic link", 0644, SYMLINK, JIT_E_FORMAT, "symbolic link" },
	{ "a FIFO", 0644, FIFO, JIT_E_FORMAT, "not a regular file" },
	{ "not a policy", 0644, BAD, JIT_E_POLICY, "policy.yaml:1:" },
};

static void
load(void **state)
{
	const struct file_row *r = *state;
	JIT_DONE(home_policy_done) struct home_policy p = HOME_POLICY_INIT;
	JIT_SCOPED(policy_free) struct policy *policy = NULL;
	JIT_DONE(buf_done) struct buf good = jt_file(jt_source(
	    "pki-examples/policy/small-team.yaml"));
	const char *top = fresh(0700), *dir = in(top, "d");
	const char *path = in(dir, "policy.yaml");
	struct jit_why why = { 0 };

	assert_int_equal(mkdir(dir, 0755), 0);
	jt_write(path, BUF_SPAN(good));
	JT_WHY(home_policy_open(path, &p, &why), JIT_OK, &why);
	/* Replaced by rename under the open directory, as an editor does. */
	jt_write(in(top, "new"), r->kind == BAD ? span_str("hello\n") :
	    BUF_SPAN(good));
	if (r->kind == SYMLINK) {
		assert_int_equal(symlink("../new", in(top, "s")), 0);
		assert_int_equal(rename(in(top, "s"), path), 0);
	} else if (r->kind == FIFO) {
		assert_int_equal(mkfifo(in(top, "f"), 0600), 0);
		assert_int_equal(rename(in(top, "f"), path), 0);
	} else {
		assert_int_equal(rename(in(top, "new"), path), 0);
	}
	assert_int_equal(chmod(path, r->mode), 0);
	if (r->kind == GIVEN)
		give_away(path);
	if (r->kind == LINKED)
		assert_int_equal(link(path, in(top, "two")), 0);
	JT_WHY(home_load_policy(p.dir, p.name, &policy, &why), r->want,
	    &why);
	assert_non_null(strstr(why.msg, r->says));
	assert_true((policy != NULL) == (r->want == JIT_OK));
}

int
main(void)
{
	return JT_ROWS("home", open_home, homes) +
	    jt_one("no parent", no_parent) +
	    JT_ROWS("policy directory", open_policy_dir, dirs) +
	    jt_one("short paths", short_paths) +
	    JT_ROWS("policy file", load, files);
}
