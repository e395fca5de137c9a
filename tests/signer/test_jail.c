/*
 * jail: a child enters it and tries; what it may not do fails or ends it,
 * and what the signer does works in the very same jail.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/seccomp.h>
#include <seccomp.h>

#include "ca/base/sys.h"
#include "ca/ssh/sig.h"
#include "signer/home.h"
#include "signer/jail.h"
#include "signer/journal.h"
#include "signer/keyring.h"
#include "signer/landlock.h"
#include "tests/lib/run.h"
#include "tests/signer/jail_tries.h"

/* What became of a child: an errno, 0, or a signal. */
#define KILLED (128 + SIGSYS)
#define ABORTED (128 + SIGABRT)

static void
set_up(void)
{
	static const enum ssh_type types[] = { SSH_ED25519, SSH_ECDSA_P384,
		SSH_RSA };
	JIT_DONE(buf_done) struct buf policy = jt_file(jt_source(
	    "pki-examples/policy/small-team.yaml"));
	uint64_t state = 1;
	struct rng rng = rand_counter(&state);
	const char *top = jt_tmpdir();

	(void)snprintf(w.home, sizeof(w.home), "%s/home", top);
	(void)snprintf(w.policy, sizeof(w.policy), "%s/policy", top);
	(void)snprintf(w.outside, sizeof(w.outside), "%s/outside", top);
	(void)snprintf(w.sock, sizeof(w.sock), "%s/sock", top);
	assert_int_equal(mkdir(w.home, 0700), 0);
	assert_int_equal(mkdir(in(w.home, "journal"), 0700), 0);
	assert_int_equal(mkdir(in(w.home, "empty"), 0700), 0);
	assert_int_equal(mkdir(w.policy, 0755), 0);
	assert_int_equal(mkdir(w.outside, 0777), 0);
	jt_write(in(w.home, "old"), span_str("old"));
	jt_write(in(w.policy, "policy.yaml"), BUF_SPAN(policy));
	jt_write(in(w.outside, "file"), span_str("x"));
	w.homefd = open(w.home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	w.policyfd = open(w.policy, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	w.journalfd = openat(w.homefd, "journal", O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC);
	w.tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(w.homefd >= 0 && w.policyfd >= 0 && w.journalfd >= 0 &&
	    w.tcp >= 0);
	JT_OK(sys_listen(w.sock, 0600, NULL, &w.listener, NULL));
	for (int i = 0; i < 3; i++)
		JT_OK(ssh_priv_generate(types[i], 3072, &rng, &w.key[i],
		    NULL));
	JT_OK(tlog_vkey_make("jit.example.com", (uint8_t[32]){ 9 }, &w.vkey,
	    NULL));
}

static void
tear_down(void)
{
	(void)close(w.homefd);
	(void)close(w.policyfd);
	(void)close(w.listener);
	(void)close(w.tcp);
	(void)close(w.journalfd);
	for (int i = 0; i < 3; i++)
		ssh_priv_free(w.key[i]);
}

static int
status_of(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) :
	    128 + WTERMSIG(status);
}

static int
enter(void)
{
	struct jail j = { w.homefd, w.policyfd, false };
	struct jail_state s;
	struct jit_why why = { 0 };

	if (jail_enter(&j, &s, &why) == JIT_OK)
		return 0;
	(void)fprintf(stderr, "%s\n", why.msg);
	return BAD;
}

/* fork(); the child dies of what it does, cmocka does not catch it. */
static pid_t
child(void)
{
	static const int caught[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE,
		SIGSYS };
	pid_t pid = fork();

	for (size_t i = 0; pid == 0 && i < 5; i++)
		(void)signal(caught[i], SIG_DFL);
	return pid;
}

static int
in_jail(int (*fn)(void))
{
	pid_t pid = child();

	assert_true(pid >= 0);
	if (pid == 0) {
		int e = enter();

		_exit(e != 0 ? e : fn());
	}
	return status_of(pid);
}

/* ---- what is not possible any more ---- */

#ifdef __x86_64__
/* Some kernels have no such door: then the call is a fault. */
static void
skip_without_door(void)
{
	pid_t pid = child();

	if (pid == 0)
		_exit(other_door());
	if (status_of(pid) != 0)
		skip();
}
#endif

struct try_row {
	const char *name;
	int (*fn)(void);
	int want;
};
static const struct try_row tries[] = {
	{ "execve", do_execve, KILLED },
	{ "execveat", do_execveat, KILLED },
	{ "fork", do_fork, EPERM },
	{ "clone3 is not there", do_clone3, ENOSYS },
	{ "a thread in a new user namespace", do_clone_userns, EPERM },
	{ "unshare", do_unshare, KILLED },
	{ "ptrace the parent", do_ptrace, KILLED },
	{ "read the parent's memory", do_vm_read, KILLED },
	{ "a new socket", do_socket, KILLED },
	{ "connect a TCP socket that was open", do_connect_tcp, KILLED },
	{ "connect a Unix socket that was open", do_connect_unix, KILLED },
	{ "bind", do_bind, KILLED },
	{ "be handed a descriptor", do_recvmsg, EPERM },
	{ "steal a descriptor", steal_descriptor, KILLED },
	{ "io_uring", do_io_uring, KILLED },
	{ "read /etc/passwd", read_passwd, EACCES },
	{ "its own memory as a file", read_mem, EACCES },
	{ "list the root", list_root, EACCES },
	{ "write outside", write_outside, EACCES },
	{ "truncate outside", truncate_outside, EACCES },
	{ "create outside", create_outside, EACCES },
	{ "out of home by ..", climb_out, EACCES },
	{ "rename out of home", move_out, EACCES },
	{ "unlink outside", unlink_outside, EACCES },
	{ "write the policy", write_policy, EACCES },
	{ "create beside the policy", create_policy, EACCES },
	{ "unlink the policy", unlink_policy, EACCES },
	{ "rename the policy", move_policy, EACCES },
	{ "a symbolic link in home", do_symlink, EPERM },
	{ "a hard link in home", do_link, EPERM },
	{ "a directory in home", do_mkdir, EPERM },
	{ "remove a directory", do_rmdir, EPERM },
	{ "a FIFO in home", do_mknod, EPERM },
	{ "chmod", do_chmod, EPERM },
	{ "open home to all", open_up_home, EPERM },
	{ "chdir", do_chdir, EPERM },
	{ "map executable memory", map_exec, EPERM },
	{ "make memory executable", protect_exec, EPERM },
	{ "signal the parent", kill_parent, EPERM },
	{ "and its thread", tgkill_parent, EPERM },
	{ "be dumpable again", make_dumpable, EPERM },
	{ "set a limit", set_limit, EPERM },
	{ "type into the terminal", type_into_terminal, EPERM },
	{ "send signals by descriptor", be_told_of_others, EPERM },
#ifdef __x86_64__
	{ "a call by the 32-bit door", other_door, KILLED },
	{ "a call by the x32 door", third_door, KILLED },
#endif
	{ "abort works", do_abort, ABORTED },
};

static void
one_try(void **state)
{
	const struct try_row *r = *state;

#ifdef __x86_64__
	if (r->fn == other_door)
		skip_without_door();
#endif
	assert_int_equal(in_jail(r->fn), r->want);
	/* The control: outside of the jail nothing of it was changed. */
	assert_int_equal(access(in(w.outside, "file"), F_OK), 0);
	assert_int_equal(access(in(w.home, "old"), F_OK), 0);
	assert_int_equal(access(in(w.policy, "policy.yaml"), F_OK), 0);
}

/* ---- what the signer does ---- */

#define MUST(x) do {							\
	if (!(x)) {							\
		(void)fprintf(stderr, "line %d: %s: %s\n", __LINE__, #x, \
		    strerror(errno));					\
		return 1;						\
	}								\
} while (0)

static int
use_home(void)
{
	char got[4] = "";
	int fd = openat(w.homefd, "journal/a", O_RDWR | O_CREAT | O_EXCL |
	    O_CLOEXEC | O_NOFOLLOW, 0600);
	struct stat st;

	MUST(fd >= 0);
	MUST(posix_fallocate(fd, 0, 65536) == 0);
	MUST(pwrite(fd, "abcd", 4, 100) == 4);
	MUST(fdatasync(fd) == 0 && fsync(fd) == 0);
	MUST(pread(fd, got, 4, 100) == 4 && memcmp(got, "abcd", 4) == 0);
	MUST(ftruncate(fd, 200) == 0 && fstat(fd, &st) == 0);
	MUST(st.st_size == 200 && flock(fd, LOCK_EX | LOCK_NB) == 0);
	MUST(close(fd) == 0);
	MUST(renameat(w.homefd, "journal/a", w.homefd, "journal/b") == 0);
	MUST(renameat(w.homefd, "journal/b", w.homefd, "c") == 0);
	MUST(unlinkat(w.homefd, "c", 0) == 0 && fsync(w.homefd) == 0);
	/* By a path, and with the house's own writer. */
	MUST(sys_write_file(in(w.home, "snapshot"), span_str("one"), 0600,
	    SYS_REPLACE, NULL) == JIT_OK);
	MUST(sys_write_file(in(w.home, "snapshot"), span_str("two"), 0600,
	    SYS_REPLACE, NULL) == JIT_OK);
	MUST(unlink(in(w.home, "snapshot")) == 0);
	return 0;
}

/* Read again as on SIGHUP. */
static int
use_policy(void)
{
	JIT_SCOPED(policy_free) struct policy *p = NULL;

	MUST(home_load_policy(w.policyfd, "policy.yaml", &p, NULL) == JIT_OK);
	MUST(policy_count(p) > 8);
	return 0;
}

/* A journal is begun, closed, opened with a copy of its live segment. */
static int
use_journal(void)
{
	const struct journal_mark none = { 0 };
	struct journal_disk disk = { w.journalfd, -1 };
	struct journal_ops ops = journal_ops_posix(&disk);
	const struct journal_config c = { &ops, &w.vkey, 1 << 20, false };
	JIT_SCOPED(journal_close) struct journal *j = NULL;
	struct jit_why why = { 0 };

	MUST(journal_create(&c, &j, &why) == JIT_OK);
	MUST(journal_has_spare(j));
	journal_close(j);
	j = NULL;
	MUST(close(disk.lockfd) == 0);
	disk.lockfd = -1;
	MUST(journal_open(&c, &none, NULL, NULL, &j, &why) == JIT_OK);
	MUST(close(disk.lockfd) == 0);
	return 0;
}

static int
use_socket(void)
{
	struct pollfd p = { w.listener, POLLIN, 0 };
	struct epoll_event ev = { .events = EPOLLIN };
	struct sys_peer peer;
	int ep = epoll_create1(EPOLL_CLOEXEC), bell = eventfd(0, EFD_CLOEXEC);
	char got[3] = "";
	int fd;

	MUST(ep >= 0 && bell >= 0 && poll(&p, 1, 5000) == 1);
	MUST((fd = accept4(w.listener, NULL, NULL, SOCK_CLOEXEC)) >= 0);
	MUST(sys_peer(fd, &peer, NULL) == JIT_OK && peer.uid == getuid());
	MUST(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) == 0);
	MUST(epoll_wait(ep, &ev, 1, 5000) == 1);
	MUST(recv(fd, got, 3, 0) == 3 && memcmp(got, "yes", 3) == 0);
	MUST(sys_set_nonblock(fd, true, NULL) == JIT_OK);
	MUST(send(fd, "ok", 2, MSG_NOSIGNAL) == 2 && close(fd) == 0);
	MUST(close(ep) == 0 && close(bell) == 0);
	return 0;
}

static int
use_key(void)
{
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *fresh = NULL;
	struct rng rng = rand_system();
	struct span text = span_str("text");

	for (int i = 0; i < 3; i++) {
		JIT_DONE(wr_done) struct wr sig = WR_INIT(SSH_SIG_MAX);

		MUST(ssh_priv_sign(w.key[i], text, &sig) == JIT_OK);
		MUST(ssh_sig_verify(ssh_priv_public(w.key[i]), text,
		    wr_view(&sig), NULL, NULL) == JIT_OK);
	}
	/* Chance is there. */
	MUST(ssh_priv_generate(SSH_ED25519, 0, &rng, &fresh, NULL) == JIT_OK);
	return 0;
}

/* A worker of the pool: signs, and is in the jail as well. */
static void *
worker(void *arg)
{
	void *big = malloc(1 << 22);
	int *ret = arg;

	*ret = use_key() == 0 && big != NULL && read_passwd() == EACCES &&
	    do_fork() == EPERM;
	free(big);
	return NULL;
}

static int
use_threads(void)
{
	pthread_t t[4];
	int ok[4] = { 0 };

	for (int i = 0; i < 4; i++)
		MUST(pthread_create(&t[i], NULL, worker, &ok[i]) == 0);
	for (int i = 0; i < 4; i++)
		MUST(pthread_join(t[i], NULL) == 0 && ok[i]);
	return 0;
}

static int
everything(void)
{
	struct rlimit core;
	void *p = malloc(1 << 20), *more;

	MUST(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0);
	MUST(p != NULL && (more = realloc(p, 1 << 24)) != NULL);
	free(more);
	MUST(sys_wall() > 0 && sys_boot_ms() > 0 && sys_mono_ms() > 0);
	MUST(use_home() == 0 && use_policy() == 0 && use_socket() == 0);
	MUST(use_journal() == 0 && use_key() == 0 && use_threads() == 0);
	return 0;
}

static void
the_work(void **state)
{
	char got[2];
	int fd = -1;

	(void)state;
	JT_OK(sys_connect(w.sock, 5000, &fd, NULL));
	JT_OK(sys_set_nonblock(fd, false, NULL));
	assert_int_equal(write(fd, "yes", 3), 3);
	assert_int_equal(in_jail(everything), 0);
	assert_int_equal(read(fd, got, 2), 2);
	(void)close(fd);
}

/* What the kernel itself says; its file is opened before. */
static int
status_says(int fd)
{
	char text[8192];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	MUST(n > 0);
	text[n] = '\0';
	MUST(strstr(text, "\nSeccomp:\t2\n") != NULL);
	MUST(strstr(text, "\nNoNewPrivs:\t1\n") != NULL);
	return 0;
}

static void
the_status(void **state)
{
	pid_t pid = child();

	(void)state;
	if (pid == 0) {
		int fd = open("/proc/self/status", O_RDONLY), e = enter();

		_exit(e != 0 ? e : status_says(fd));
	}
	assert_int_equal(status_of(pid), 0);
}

/* ---- Landlock by itself ---- */

struct landlock_row {
	const char *name;
	int abi;	/* from which on */
	int (*fn)(void);
	int want;
};
static const struct landlock_row landlocks[] = {
	{ "home", 1, read_home, 0 },
	{ "policy", 1, use_policy, 0 },
	{ "execute", 1, do_execve, EACCES },
	{ "/etc/passwd", 1, read_passwd, EACCES },
	{ "create outside", 1, create_outside, EACCES },
	{ "unlink outside", 1, unlink_outside, EACCES },
	{ "write the policy", 1, write_policy, EACCES },
	{ "symbolic link in home", 1, do_symlink, EACCES },
	{ "directory in home", 1, do_mkdir, EACCES },
	{ "FIFO in home", 1, do_mknod, EACCES },
	{ "rename out of home", 2, move_out, EACCES },
	{ "truncate outside", 3, truncate_path, EACCES },
	{ "connect TCP", 4, new_tcp_connect, EACCES },
	{ "bind TCP", 4, new_tcp_bind, EACCES },
	{ "signal the parent", 6, kill_parent, EPERM },
};

/* As this kernel has it, and as each older one since the row's. */
static void
landlock_alone(void **state)
{
	const struct landlock_row *r = *state;
	int abi = landlock_abi();

	if (abi < r->abi)
		skip();
	for (int a = r->abi; a <= abi; a++) {
		pid_t pid = child();

		if (pid == 0) {
			if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
			    landlock_enter(a, w.homefd, w.policyfd, NULL) !=
			    JIT_OK)
				_exit(BAD);
			_exit(r->fn());
		}
		assert_int_equal(status_of(pid), r->want);
	}
}

/* ---- kernels that lack something, and calls that are wrong ---- */

/* As if the kernel did not have that call. */
static int
take_away(int nr)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int e = ctx == NULL || seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS),
	    nr, 0) != 0 || seccomp_load(ctx) != 0;

	seccomp_release(ctx);
	return e;
}

struct lack_row {
	const char *name;
	int nr;			/* the call that is not there, -1: none */
	bool optional;
	int home;		/* -1: the right one */
	enum jit_err want;
	const char *says;	/* in why, or in the note */
};
static const struct lack_row lacks[] = {
	{ "all is there", -1, false, -1, JIT_OK, "" },
	{ "no Landlock", SYS_landlock_create_ruleset, false, -1,
	    JIT_E_UNBUILT, "no Landlock" },
	{ "no Landlock, optional", SYS_landlock_create_ruleset, true, -1,
	    JIT_OK, "no Landlock" },
	{ "no seccomp", SYS_seccomp, true, -1, JIT_E_UNBUILT, "no seccomp" },
	{ "Landlock refuses", SYS_landlock_restrict_self, true, -1, JIT_E_IO,
	    "Landlock" },
	{ "home is no directory", -1, false, 0, JIT_E_ARG, "directory" },
	{ "home is not open", -1, false, 999, JIT_E_ARG, "directory" },
};

static int
enter_lacking(const struct lack_row *r)
{
	struct jail j = { r->home < 0 ? w.homefd : r->home, w.policyfd,
	    r->optional };
	struct jail_state s = { -1, "untouched" };
	struct jit_why why = { 0 };

	if (r->nr >= 0 && take_away(r->nr) != 0)
		return BAD;
	if (jail_enter(&j, &s, &why) != r->want)
		return 1;
	if (r->want != JIT_OK)
		return strstr(why.msg, r->says) == NULL ||
		    strcmp(s.note, "untouched") != 0 ? 2 : 0;
	if (strstr(s.note, r->says) == NULL || (r->nr >= 0) !=
	    (s.landlock == 0))
		return 3;
	/* Without Landlock seccomp still holds. */
	return do_fork() == EPERM ? 0 : 4;
}

static void
lacking(void **state)
{
	pid_t pid = child();

	if (pid == 0)
		_exit(enter_lacking(*state));
	assert_int_equal(status_of(pid), 0);
}

static void *
wait_for_ever(void *arg)
{
	(void)arg;
	for (;;)
		(void)pause();
	return NULL;
}

static void
with_threads(void **state)
{
	pid_t pid = child();

	(void)state;
	if (pid == 0) {
		struct jail j = { w.homefd, w.policyfd, false };
		pthread_t t;

		if (pthread_create(&t, NULL, wait_for_ever, NULL) != 0)
			_exit(BAD);
		_exit(jail_enter(&j, NULL, NULL) == JIT_E_ARG ? 0 : 1);
	}
	assert_int_equal(status_of(pid), 0);
}

int
main(void)
{
	int failed = 0;

	/* As the signer's main does it. */
	if (keyring_memory(NULL, NULL) != JIT_OK)
		return 1;
	set_up();
	failed += JT_ROWS("not possible", one_try, tries);
	failed += jt_one("what the signer does", the_work);
	failed += jt_one("what the kernel says", the_status);
	failed += JT_ROWS("Landlock alone", landlock_alone, landlocks);
	failed += JT_ROWS("lacking", lacking, lacks);
	failed += jt_one("with threads", with_threads);
	tear_down();
	return failed;
}
