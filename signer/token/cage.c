#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <seccomp.h>

#include "ca/base/sys.h"
#include "signer/landlock.h"
#include "signer/token/cage.h"

JIT_SCOPED_PTR(void, seccomp_release);

/* Those that an architecture or a libseccomp does not have are left out. */
static const char *const refused[] = {
	"execve", "execveat", "ptrace", "process_vm_readv",
	"process_vm_writev", "pidfd_getfd", "kcmp", "bpf",
	"perf_event_open", "userfaultfd", "io_uring_setup",
	"open_by_handle_at", "name_to_handle_at", "mount", "umount2",
	"pivot_root", "chroot", "unshare", "setns", "move_mount",
	"open_tree", "fsopen", "init_module", "finit_module",
	"delete_module", "kexec_load", "kexec_file_load", "reboot",
	"swapon", "swapoff", "acct", "quotactl", "add_key", "request_key",
	"keyctl", "settimeofday", "clock_settime", "adjtimex",
	"sethostname", "setdomainname", "syslog", "iopl", "ioperm",
};

static enum jit_err
refuse_calls(struct jit_why *why)
{
	JIT_SCOPED(seccomp_release) scmp_filter_ctx ctx =
	    seccomp_init(SCMP_ACT_ALLOW);
	int e = ctx == NULL ? -ENOMEM : 0;

	for (size_t i = 0; e == 0 && i < sizeof(refused) / sizeof(refused[0]);
	    i++) {
		int nr = seccomp_syscall_resolve_name(refused[i]);

		if (nr >= 0)
			e = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), nr,
			    0);
	}
	if (e == 0)
		e = seccomp_load(ctx);
	return e == 0 ? JIT_OK : jit_fail(why, JIT_E_IO, "seccomp: %s",
	    strerror(-e));
}

enum jit_err
cage_keep(struct jit_why *why)
{
	JIT_TRY(sys_no_dumps(why));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return jit_fail(why, JIT_E_IO, "no_new_privs: %s",
		    strerror(errno));
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	return JIT_OK;
}

static enum jit_err
hide(char *const hidden[], struct jit_why *why)
{
	const char *real[CAGE_HIDDEN_MAX];
	enum jit_err e = JIT_OK;
	size_t n = 0;
	int abi = landlock_abi();

	for (; abi > 0 && *hidden != NULL && e == JIT_OK; hidden++)
		if (n == CAGE_HIDDEN_MAX)
			e = jit_fail(why, JIT_E_ARG, "more than %d paths to "
			    "hide", CAGE_HIDDEN_MAX);
		else if ((real[n] = realpath(*hidden, NULL)) != NULL)
			n++;
	if (e == JIT_OK && n > 0)
		e = landlock_hide(abi, real, n, why);
	while (n > 0)
		/* The array has const for landlock_hide(); realpath() gave
		 * the memory. */
		free((void *)(uintptr_t)real[--n]);
	return e;
}

enum jit_err
cage_enter(char *const hidden[], struct jit_why *why)
{
	JIT_TRY(cage_keep(why));
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
		return jit_fail(why, JIT_E_IO, "parent death signal: %s",
		    strerror(errno));
	/* It may have gone before; then a reaper is our parent, or none. */
	if (getppid() <= 1)
		return jit_fail(why, JIT_E_UNREACHABLE, "the keeper has "
		    "gone");
	JIT_TRY(hide(hidden, why));
	return refuse_calls(why);
}
