#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/signer/jail_tries.h"

struct world w;

const char *
in(const char *dir, const char *name)
{
	static char path[4][8192];
	static unsigned next;
	char *p = path[next++ % 4];

	(void)snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
	return p;
}

int
tried(long r)
{
	return r < 0 ? errno : 0;
}

/* ---- what is not possible any more ---- */

static char *const argv[] = { NULL };

int
do_execve(void)
{
	return tried(execve("/bin/true", argv, argv));
}

int
do_execveat(void)
{
	return tried(syscall(SYS_execveat, w.homefd, "x", argv, argv, 0));
}

int
do_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return tried(pid);
}

int
do_clone3(void)
{
	return tried(syscall(SYS_clone3, NULL, (size_t)0));
}

int
do_clone_userns(void)
{
	return tried(syscall(SYS_clone, CLONE_VM | CLONE_FS | CLONE_FILES |
	    CLONE_SIGHAND | CLONE_THREAD | CLONE_NEWUSER, NULL, NULL, NULL,
	    0));
}

int
do_unshare(void)
{
	return tried(unshare(CLONE_NEWUSER));
}

int
do_ptrace(void)
{
	return tried(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
}

int
do_vm_read(void)
{
	return tried(process_vm_readv(getppid(), NULL, 0, NULL, 0, 0));
}

int
do_socket(void)
{
	return tried(socket(AF_UNIX, SOCK_STREAM, 0));
}

int
do_connect_tcp(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons(9), .sin_addr = { htonl(INADDR_LOOPBACK) } };

	return tried(connect(w.tcp, (struct sockaddr *)&a, sizeof(a)));
}

int
do_connect_unix(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "x" };

	return tried(connect(w.listener, (struct sockaddr *)&a, sizeof(a)));
}

int
do_bind(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };

	return tried(bind(w.tcp, (struct sockaddr *)&a, sizeof(a)));
}

int
do_recvmsg(void)
{
	struct msghdr m = { 0 };

	return tried(recvmsg(w.listener, &m, 0));
}

int
do_io_uring(void)
{
	return tried(syscall(SYS_io_uring_setup, 1, NULL));
}

int
read_passwd(void)
{
	return tried(open("/etc/passwd", O_RDONLY));
}

int
read_mem(void)
{
	return tried(open("/proc/self/mem", O_RDWR));
}

int
list_root(void)
{
	return tried(open("/", O_RDONLY | O_DIRECTORY));
}

int
write_outside(void)
{
	return tried(open(in(w.outside, "file"), O_WRONLY));
}

int
truncate_outside(void)
{
	return tried(open(in(w.outside, "file"), O_RDONLY | O_TRUNC));
}

int
create_outside(void)
{
	return tried(open(in(w.outside, "new"), O_WRONLY | O_CREAT, 0600));
}

int
climb_out(void)
{
	return tried(openat(w.homefd, "../outside/file", O_RDONLY));
}

int
move_out(void)
{
	return tried(rename(in(w.home, "old"), in(w.outside, "old")));
}

int
unlink_outside(void)
{
	return tried(unlink(in(w.outside, "file")));
}

int
write_policy(void)
{
	return tried(openat(w.policyfd, "policy.yaml", O_WRONLY));
}

int
create_policy(void)
{
	return tried(openat(w.policyfd, "new", O_WRONLY | O_CREAT, 0600));
}

int
unlink_policy(void)
{
	return tried(unlinkat(w.policyfd, "policy.yaml", 0));
}

int
move_policy(void)
{
	return tried(renameat(w.policyfd, "policy.yaml", w.homefd, "p"));
}

int
do_symlink(void)
{
	return tried(symlinkat("/etc/passwd", w.homefd, "link"));
}

int
do_link(void)
{
	return tried(linkat(w.homefd, "old", w.homefd, "link", 0));
}

int
do_mkdir(void)
{
	return tried(mkdirat(w.homefd, "dir", 0700));
}

int
do_rmdir(void)
{
	return tried(unlinkat(w.homefd, "empty", AT_REMOVEDIR));
}

int
do_mknod(void)
{
	return tried(mknodat(w.homefd, "fifo", S_IFIFO | 0600, 0));
}

int
do_chmod(void)
{
	return tried(chmod(in(w.home, "old"), 0600));
}

int
open_up_home(void)
{
	return tried(fchmod(w.homefd, 0777));
}

int
do_chdir(void)
{
	return tried(chdir("/"));
}

int
map_exec(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno : 0;
}

int
protect_exec(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return BAD;
	return tried(mprotect(p, 4096, PROT_READ | PROT_EXEC));
}

int
kill_parent(void)
{
	return tried(kill(getppid(), 0));
}

int
tgkill_parent(void)
{
	return tried(syscall(SYS_tgkill, getppid(), getppid(), 0));
}

int
make_dumpable(void)
{
	return tried(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

int
set_limit(void)
{
	struct rlimit r = { 64, 64 };

	return tried(setrlimit(RLIMIT_NOFILE, &r));
}

int
steal_descriptor(void)
{
	return tried(syscall(SYS_pidfd_getfd, 0, 0, 0));
}

int
type_into_terminal(void)
{
	return tried(ioctl(0, TIOCSTI, "x"));
}

int
be_told_of_others(void)
{
	return tried(fcntl(w.homefd, F_SETOWN, getppid()));
}

#ifdef __x86_64__
/* getpid() by the door of 32-bit programs. */
int
other_door(void)
{
	long r;

	__asm__ volatile("int $0x80" : "=a"(r) : "a"(20L) : "memory", "r8",
	    "r9", "r10", "r11");
	return r < 0 ? (int)-r : 0;
}

/* getpid() by that of x32. */
int
third_door(void)
{
	return tried(syscall(0x40000000 | SYS_getpid));
}
#endif

int
do_abort(void)
{
	abort();
}

/* ---- for Landlock by itself ---- */

int
new_tcp_connect(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	w.tcp = fd;
	return fd < 0 ? BAD : do_connect_tcp();
}

int
new_tcp_bind(void)
{
	w.tcp = socket(AF_INET, SOCK_STREAM, 0);
	return w.tcp < 0 ? BAD : do_bind();
}

int
truncate_path(void)
{
	return tried(truncate(in(w.outside, "file"), 0));
}

int
read_home(void)
{
	return tried(openat(w.homefd, "old", O_RDONLY));
}
