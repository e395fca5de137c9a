/*
 * sys - what programs ask of the operating system, in one place.
 *
 * Clocks, file descriptors, Unix sockets, files that must be trusted, files
 * that must survive a crash, a passphrase from the terminal, a child process.
 * For programs only: libca has no clock and no I/O.  Linux first; what macOS
 * does otherwise stands under #ifdef here and nowhere else, and what a
 * system does not have is JIT_E_UNBUILT.
 *
 * Every descriptor that is returned is close-on-exec and owned by the
 * caller.  On an error *ret is untouched.  why names the path.
 */
#ifndef JIT_BASE_SYS_H
#define JIT_BASE_SYS_H

#include <sys/types.h>

#include "ca/base/bytes.h"
#include "ca/base/secret.h"
#include "ca/base/utc.h"

/* ---- clocks (sys.c) ---- */

/* What the wall shows; may jump. */
utc_s sys_wall(void);
int64_t sys_wall_ms(void);
/* ms that passed since some moment, sleep of the machine included. */
int64_t sys_boot_ms(void);
/* ms that passed, for timeouts; on Linux without sleep. */
int64_t sys_mono_ms(void);

/* ---- descriptors and the process (sys.c) ---- */

/* JIT_E_IO. */
enum jit_err sys_set_cloexec(int fd, bool on, struct jit_why *why);
enum jit_err sys_set_nonblock(int fd, bool on, struct jit_why *why);
/* Both ends close-on-exec: [0] is read, [1] written.  JIT_E_IO. */
enum jit_err sys_pipe(int ret[static 2], struct jit_why *why);
/* No core file, and on Linux no ptrace by the same user.  JIT_E_IO. */
enum jit_err sys_no_dumps(struct jit_why *why);
/* close() unless fd is -1; for JIT_DONE(sys_close) int fd = -1. */
void sys_close(int *fd);
JIT_SCOPED_OBJ(int, sys_close);

/* ---- Unix sockets (sys_sock.c) ---- */

struct sys_peer {
	uid_t uid;
	gid_t gid;
	pid_t pid;	/* -1 where the system does not tell */
};

/*
 * Who connected, as the kernel recorded it at connect().
 * JIT_E_IO; JIT_E_UNBUILT on a system that has no such call.
 */
enum jit_err sys_peer(int fd, struct sys_peer *ret, struct jit_why *why);

/*
 * Listen on a Unix stream socket; *ret is non-blocking.
 *
 *	mode   of the socket file, 0660 as a rule
 *	group  owner group by name; NULL leaves it
 *
 * The socket is made as path.new and renamed when mode and group are right,
 * so that nobody connects before.  What is at path is replaced only when it
 * is a socket and nobody answers on it.  Two that start at once are kept
 * apart by the caller's own lock, not here.
 *	JIT_E_ARG     the path is too long for a socket; no such group
 *	JIT_E_EXISTS  something else is at path
 *	JIT_E_LOCKED  somebody answers there
 *	JIT_E_IO
 */
enum jit_err sys_listen(const char *path, mode_t mode, const char *group,
    int *ret, struct jit_why *why);
/*
 * Connect to one; *ret is non-blocking.  Waits at most timeout_ms while the
 * other side's queue is full.  JIT_E_ARG: path too long; JIT_E_UNREACHABLE:
 * nobody listens, no permission, no answer in time; JIT_E_IO.
 */
enum jit_err sys_connect(const char *path, int timeout_ms, int *ret,
    struct jit_why *why);
/*
 * Send all of s, or receive exactly n bytes, on a non-blocking stream socket.
 * Waits until the moment end of sys_mono_ms(); -1 waits for ever.  A peer
 * that has gone is an error, never SIGPIPE.
 *	JIT_E_UNREACHABLE  not done in time, or the other side has closed
 *	JIT_E_IO
 */
enum jit_err sys_send(int fd, struct span s, int64_t end,
    struct jit_why *why);
enum jit_err sys_recv(int fd, void *p, size_t n, int64_t end,
    struct jit_why *why);

/*
 * The socket that NOTIFY_SOCKET names (sd_notify(3)); *ret stays as it is
 * when nobody asks.  JIT_E_ARG: not an address; JIT_E_IO.
 */
enum jit_err sys_notify_open(int *ret, struct jit_why *why);
/* "READY=1\n"; does nothing when fd is -1, and never fails. */
void sys_notify(int fd, const char *state);

/* ---- files (sys_file.c) ---- */

/* What makes a file one that may be believed. */
struct sys_rule {
	const uid_t *uids;	/* owners that are accepted; borrowed */
	size_t nuids;
	mode_t forbid;		/* permission bits that must not be set: 0077
				   for a secret, 0022 for what is believed */
	size_t max;		/* bytes */
};

/*
 * Open a file for reading and look at what was opened (not at its name).
 *	JIT_E_UNKNOWN  there is none
 *	JIT_E_FORMAT   a symbolic link, not a regular file, or several links
 *	JIT_E_OWNER    its owner is not in uids
 *	JIT_E_MODE     a bit of forbid is set
 *	JIT_E_SIZE     larger than max
 *	JIT_E_IO       the rest
 */
enum jit_err sys_open(const char *path, const struct sys_rule *rule,
    int *ret, struct jit_why *why);
/* The same of a name below an open directory, or AT_FDCWD. */
enum jit_err sys_open_at(int dir, const char *name,
    const struct sys_rule *rule, int *ret, struct jit_why *why);
/* Open by a rule and read the whole; errors as sys_open, JIT_E_NOMEM. */
enum jit_err sys_read_file(const char *path, const struct sys_rule *rule,
    struct buf *ret, struct jit_why *why);
enum jit_err sys_read_file_at(int dir, const char *name,
    const struct sys_rule *rule, struct buf *ret, struct jit_why *why);
/*
 * Read a blocking descriptor to its end.  JIT_E_SIZE when there is more than
 * max; JIT_E_IO, JIT_E_NOMEM.
 */
enum jit_err sys_read_fd(int fd, size_t max, struct buf *ret,
    struct jit_why *why);
/* Write all of s to a blocking descriptor.  JIT_E_FULL, JIT_E_IO. */
enum jit_err sys_write_fd(int fd, struct span s, struct jit_why *why);

/*
 * Hold a lock on a file (flock), made 0600 when it is not there; closing
 * *ret lets it go.  JIT_E_BUSY: another process held it for timeout_ms;
 * JIT_E_IO.
 */
enum jit_err sys_lock(const char *path, int timeout_ms, int *ret,
    struct jit_why *why);

enum sys_write { SYS_REPLACE, SYS_NEW };
/*
 * Write a file so that after a crash it is the old one or the new one, whole:
 * a new file beside it with exactly mode, synced, renamed over path, the
 * directory synced.  SYS_NEW refuses when path exists (JIT_E_EXISTS).
 * JIT_E_FULL, JIT_E_IO; then nothing changed, unless it is the directory's
 * sync that failed: the file is there, and a crash may undo it.
 */
enum jit_err sys_write_file(const char *path, struct span s, mode_t mode,
    enum sys_write how, struct jit_why *why);

/* ---- the terminal (sys_tty.c) ---- */

#define SYS_PASSPHRASE_MAX 1024		/* bytes */

/*
 * Ask for a passphrase on /dev/tty, with echo off, up to the line feed.  A
 * signal that would end or stop the program puts the terminal back first;
 * after a stop it asks again.  Not for a program with several threads:
 * signal handlers are the process's.
 *	JIT_E_ARG   nothing was typed (an empty line or end of input)
 *	JIT_E_SIZE  longer than SYS_PASSPHRASE_MAX
 *	JIT_E_IO    no terminal, or a signal whose handler returned
 */
enum jit_err sys_ask_passphrase(const char *prompt, struct secret *ret,
    struct jit_why *why);

enum sys_ask {
	SYS_ASK_LINE,	/* shown while it is typed, up to the line feed */
	SYS_ASK_KEY	/* one byte, no line feed awaited; size 1 is enough */
};
/*
 * Ask on /dev/tty for something that is no secret; signals as above, and
 * what was typed before the question is thrown away.  *n is what was typed,
 * without the line feed (an empty line: 0).
 *	JIT_E_SIZE  longer than size
 *	JIT_E_IO    no terminal, end of input, or a signal whose handler
 *	            returned
 */
enum jit_err sys_ask(const char *prompt, enum sys_ask how, uint8_t *ret,
    size_t size, size_t *n, struct jit_why *why);

/* ---- a child (sys_run.c) ---- */

/*
 * Run a program, give it input, take what it writes to its standard output;
 * standard error and the environment are ours.  No shell: argv goes as it
 * is; argv[0] without a slash is looked up in PATH.
 *
 *	argv        NULL-terminated
 *	max         bytes of output
 *	timeout_ms  for all of it; -1 waits for ever
 *	*out        owned, even when the program failed
 *	*status     its exit status, or 128 and the signal that ended it
 *
 * It stays in our process group, so that it may ask on the terminal; what it
 * started itself outlives its being killed.
 *
 * SIGPIPE is ignored while it runs: not for a program with several threads
 * that want it.
 *	JIT_E_UNKNOWN      there is no such program, or none in PATH that we
 *	                   may run
 *	JIT_E_SIZE         it wrote more than max; it was killed
 *	JIT_E_UNREACHABLE  not done in time; it was killed
 *	JIT_E_IO, JIT_E_NOMEM
 */
enum jit_err sys_run(const char *const argv[], struct span input, size_t max,
    int timeout_ms, struct buf *out, int *status, struct jit_why *why);

#endif
