/* sys: files that are believed, files that survive. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#include "ca/base/sys.h"
#include "tests/lib/jt.h"

#define FOREIGN 65534	/* nobody: not us, whoever we are */

static const char *
in_tmp(const char *name)
{
	static char path[8][4096];
	static unsigned next;
	char *p = path[next++ % 8];

	(void)snprintf(p, sizeof(path[0]), "%s/%s", jt_tmpdir(), name);
	return p;
}

static const char *
make(const char *name, const char *text, mode_t mode)
{
	const char *path = in_tmp(name);
	struct jit_why why = { 0 };

	JT_WHY(sys_write_file(path, span_str(text), mode, SYS_REPLACE, &why),
	    JIT_OK, &why);
	return path;
}

static const char *
make_plain(void)
{
	return make("plain", "abc", 0600);
}

static const char *
make_group(void)
{
	return make("group", "abc", 0640);
}

static const char *
make_world(void)
{
	return make("world", "abc", 0602);
}

static const char *
make_large(void)
{
	return make("large", "123456789", 0600);
}

static const char *
make_fits(void)
{
	return make("fits", "12345678", 0400);
}

static const char *
make_symlink(void)
{
	const char *path = in_tmp("symlink");

	assert_int_equal(symlink(make_plain(), path), 0);
	return path;
}

static const char *
make_twice(void)
{
	const char *path = make("twice", "abc", 0600);

	assert_int_equal(link(path, in_tmp("twice2")), 0);
	return path;
}

static const char *
make_fifo(void)
{
	const char *path = in_tmp("fifo");

	assert_int_equal(mkfifo(path, 0600), 0);
	return path;
}

static const char *
make_dir(void)
{
	return jt_tmpdir();
}

static const char *
make_none(void)
{
	return in_tmp("none");
}

static const char *
make_below_file(void)
{
	(void)make_plain();
	return in_tmp("plain/x");
}

static const char *
make_foreign(void)
{
	const char *path = make("foreign", "abc", 0600);

	if (geteuid() != 0) {
		print_message("SKIPPED: a foreign owner needs root\n");
		return NULL;
	}
	assert_int_equal(chown(path, FOREIGN, (gid_t)-1), 0);
	return path;
}

struct row {
	const char *name;
	const char *(*make)(void);
	enum jit_err want;
	const char *say;	/* end of the message */
};
static const struct row rows[] = {
	{ "as it should be", make_plain, JIT_OK, NULL },
	{ "exactly the maximum", make_fits, JIT_OK, NULL },
	{ "one byte more", make_large, JIT_E_SIZE,
	    ": 9 bytes, accepted are at most 8" },
	{ "readable by the group", make_group, JIT_E_MODE,
	    ": mode is 0640, accepted is at most 0700" },
	{ "writable by all", make_world, JIT_E_MODE,
	    ": mode is 0602, accepted is at most 0700" },
	{ "a foreign owner", make_foreign, JIT_E_OWNER,
	    ": belongs to user 65534" },
	{ "a symbolic link", make_symlink, JIT_E_FORMAT,
	    ": a symbolic link or a socket, not a regular file" },
	{ "two names", make_twice, JIT_E_FORMAT,
	    ": has 2 names, accepted is one" },
	{ "a FIFO", make_fifo, JIT_E_FORMAT, ": not a regular file" },
	{ "a directory", make_dir, JIT_E_FORMAT, ": not a regular file" },
	{ "nothing", make_none, JIT_E_UNKNOWN, ": there is no such file" },
	{ "below a file", make_below_file, JIT_E_UNKNOWN,
	    ": there is no such file" },
};

static void
believed(void **state)
{
	const struct row *r = *state;
	uid_t me = geteuid();
	struct sys_rule rule = { &me, 1, 0077, 8 };
	JIT_DONE(sys_close) int fd = -1;
	JIT_DONE(buf_done) struct buf b = { NULL, 0 };
	const char *path = r->make();
	struct jit_why why = { 0 };

	if (path == NULL)
		return;
	JT_WHY(sys_open(path, &rule, &fd, &why), r->want, &why);
	JT_ERR(sys_read_file(path, &rule, &b, NULL), r->want);
	if (r->want != JIT_OK) {
		assert_int_equal(fd, -1);
		assert_memory_equal(why.msg, path, strlen(path));
		assert_string_equal(why.msg + strlen(path), r->say);
		return;
	}
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_false(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(b.n > 0);
}

/* Of several owners any will do; of none, none. */
static void
owners(void **state)
{
	uid_t two[2] = { FOREIGN, geteuid() };
	struct sys_rule rule = { two, 2, 0022, 100 };
	JIT_DONE(buf_done) struct buf b = { NULL, 0 };
	const char *path = make("owned", "abc", 0644);

	(void)state;
	JT_OK(sys_read_file(path, &rule, &b, NULL));
	assert_true(span_eq_str(BUF_SPAN(b), "abc"));
	rule.nuids = 1;
	JT_ERR(sys_read_file(path, &rule, &b, NULL), JIT_E_OWNER);
	rule.nuids = 0;
	JT_ERR(sys_read_file(path, &rule, &b, NULL), JIT_E_OWNER);
}

static unsigned
count_files(const char *dir)
{
	DIR *d = opendir(dir);
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	(void)closedir(d);
	return n - 2;
}

static void
written(void **state)
{
	const char *dir = in_tmp("w");
	const char *path = in_tmp("w/f");
	JIT_DONE(buf_done) struct buf b = { NULL, 0 };
	struct jit_why why = { 0 };
	struct stat st;
	mode_t mask = umask(0077);

	(void)state;
	assert_int_equal(mkdir(dir, 0700), 0);
	JT_OK(sys_write_file(path, span_str("one"), 0644, SYS_NEW, &why));
	(void)umask(mask);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(st.st_nlink, 1);
	JT_ERR(sys_write_file(path, span_str("two"), 0644, SYS_NEW, &why),
	    JIT_E_EXISTS);
	b = jt_file(path);
	assert_true(span_eq_str(BUF_SPAN(b), "one"));
	buf_done(&b);
	JT_OK(sys_write_file(path, SPAN_NONE, 0600, SYS_REPLACE, &why));
	b = jt_file(path);
	assert_int_equal(b.n, 0);
	/* A link is replaced, not followed. */
	assert_int_equal(symlink(path, in_tmp("w/l")), 0);
	JT_OK(sys_write_file(in_tmp("w/l"), span_str("x"), 0600, SYS_REPLACE,
	    &why));
	assert_int_equal(lstat(in_tmp("w/l"), &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(count_files(dir), 2);
	JT_ERR(sys_write_file(in_tmp("w/no/f"), span_str("x"), 0600,
	    SYS_REPLACE, &why), JIT_E_IO);
}

/* A write that fails half-way leaves the old file and nothing else. */
static int
child_hits_limit(const char *path)
{
	struct rlimit r = { 10000, 10000 };
	struct jit_why why = { 0 };
	static char big[20000];

	(void)signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &r) != 0)
		return 1;
	return sys_write_file(path, SPAN(big, sizeof(big)), 0600, SYS_REPLACE,
	    &why) == JIT_E_IO ? 0 : 2;
}

static void
half_way(void **state)
{
	const char *dir = in_tmp("h"), *path = in_tmp("h/f");
	JIT_DONE(buf_done) struct buf b = { NULL, 0 };
	struct jit_why why = { 0 };
	pid_t pid;
	int st = -1;

	(void)state;
	assert_int_equal(mkdir(dir, 0700), 0);
	JT_OK(sys_write_file(path, span_str("old"), 0600, SYS_NEW, &why));
	if ((pid = fork()) == 0)
		_exit(child_hits_limit(path));
	assert_int_equal(waitpid(pid, &st, 0), pid);
	assert_int_equal(st, 0);
	b = jt_file(path);
	assert_true(span_eq_str(BUF_SPAN(b), "old"));
	assert_int_equal(count_files(dir), 1);
}

static void
full(void **state)
{
	JIT_DONE(sys_close) int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct jit_why why = { 0 };

	(void)state;
	if (fd < 0) {
		print_message("SKIPPED: no /dev/full\n");
		return;
	}
	JT_ERR(sys_write_fd(fd, span_str("x"), &why), JIT_E_FULL);
}

static void
bounded(void **state)
{
	JIT_DONE(buf_done) struct buf b = { NULL, 0 };
	struct jit_why why = { 0 };
	int p[2];

	(void)state;
	JT_OK(sys_pipe(p, &why));
	JT_OK(sys_write_fd(p[1], span_str("12345"), &why));
	sys_close(&p[1]);
	JT_ERR(sys_read_fd(p[0], 4, &b, &why), JIT_E_SIZE);
	assert_string_equal(why.msg, "more than 4 bytes");
	sys_close(&p[0]);
	JT_OK(sys_pipe(p, &why));
	JT_OK(sys_write_fd(p[1], span_str("1234"), &why));
	sys_close(&p[1]);
	JT_OK(sys_read_fd(p[0], 4, &b, &why));
	assert_int_equal(b.n, 4);
	sys_close(&p[0]);
	JT_ERR(sys_read_fd(-1, 4, &b, &why), JIT_E_IO);
}

static void
locked(void **state)
{
	char path[4096];
	struct jit_why why = { 0 };
	int one = -1, two = -1;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/lock", jt_tmpdir());
	JT_WHY(sys_lock(path, 0, &one, &why), JIT_OK, &why);
	/* Another open file is as another process's. */
	JT_ERR(sys_lock(path, 50, &two, &why), JIT_E_BUSY);
	assert_int_equal(two, -1);
	sys_close(&one);
	JT_WHY(sys_lock(path, 0, &two, &why), JIT_OK, &why);
	sys_close(&two);
	JT_ERR(sys_lock("/nonexistent/lock", 0, &two, &why), JIT_E_IO);
}

int
main(void)
{
	return JT_ROWS("believed", believed, rows) + jt_one("owners", owners) +
	    jt_one("written", written) + jt_one("half-way", half_way) +
	    jt_one("full", full) + jt_one("bounded", bounded) +
	    jt_one("locked", locked);
}
