/*
 * jail_tries - what somebody who took the signer over would try.
 *
 * Each function tries one thing in the world below and returns 0 or errno;
 * test_jail.c calls them in a child, in the jail.
 */
#ifndef JIT_TESTS_JAIL_TRIES_H
#define JIT_TESTS_JAIL_TRIES_H

#include "ca/ssh/sig.h"
#include "ca/tlog/checkpoint.h"

#define BAD 120		/* the child could not even try */

/* Opened by the parent, as the signer opens it before its jail. */
struct world {
	char home[4096], policy[4096], outside[4096], sock[4096];
	int homefd, policyfd, journalfd, listener, tcp;
	struct ssh_priv *key[3];
	struct tlog_vkey vkey;
};
extern struct world w;

/* "dir/name"; static memory, four at a time. */
const char *in(const char *dir, const char *name);
/* What a call returned, as 0 or errno. */
int tried(long r);

int do_execve(void);
int do_execveat(void);
int do_fork(void);
int do_clone3(void);
int do_clone_userns(void);
int do_unshare(void);
int do_ptrace(void);
int do_vm_read(void);
int do_socket(void);
int do_connect_tcp(void);
int do_connect_unix(void);
int do_bind(void);
int do_recvmsg(void);
int do_io_uring(void);
int read_passwd(void);
int read_mem(void);
int list_root(void);
int write_outside(void);
int truncate_outside(void);
int create_outside(void);
int climb_out(void);
int move_out(void);
int unlink_outside(void);
int write_policy(void);
int create_policy(void);
int unlink_policy(void);
int move_policy(void);
int do_symlink(void);
int do_link(void);
int do_mkdir(void);
int do_rmdir(void);
int do_mknod(void);
int do_chmod(void);
int open_up_home(void);
int do_chdir(void);
int map_exec(void);
int protect_exec(void);
int kill_parent(void);
int tgkill_parent(void);
int make_dumpable(void);
int set_limit(void);
int steal_descriptor(void);
int type_into_terminal(void);
int be_told_of_others(void);
#ifdef __x86_64__
int other_door(void);
int third_door(void);
#endif
int do_abort(void);
int new_tcp_connect(void);
int new_tcp_bind(void);
int truncate_path(void);
int read_home(void);

#endif
