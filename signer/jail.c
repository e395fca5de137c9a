#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/seccomp.h>
#include <seccomp.h>

#include "ca/base/sys.h"
#include "signer/jail.h"
#include "signer/landlock.h"

#if defined(__SANITIZE_ADDRESS__)
#define JAIL_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define JAIL_SANITIZED 1
#endif
#endif
#ifndef JAIL_SANITIZED
#define JAIL_SANITIZED 0
#endif

/* What pthread_create() of glibc asks clone() for, bit by bit. */
#define JAIL_CLONE (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM | \
    CLONE_SIGHAND | CLONE_THREAD | CLONE_SETTLS | CLONE_PARENT_SETTID | \
    CLONE_CHILD_CLEARTID)

#define INT UINT32_MAX
#define WORD UINT64_MAX

JIT_SCOPED_PTR(void, seccomp_release);

struct row {
	const char *name;
	uint32_t action;
	bool compared;
	struct scmp_arg_cmp cmp;
};

#if JAIL_SANITIZED
/* Leaks are looked for with ptrace: not in the jail. */
static bool jailed;
int __lsan_is_turned_off(void);

int
__lsan_is_turned_off(void)
{
	return jailed;
}
#endif

static enum jit_err
refused(const char *what, int err, struct jit_why *why)
{
	return jit_fail(why, err == ENOMEM ? JIT_E_NOMEM : JIT_E_IO,
	    "%s: %s", what, strerror(err));
}

/* ---- seccomp ---- */

static enum jit_err
add_row(scmp_filter_ctx ctx, const struct row *r, struct jit_why *why)
{
	int nr = seccomp_syscall_resolve_name(r->name), e;

	if (nr == __NR_SCMP_ERROR)
		return jit_fail(why, JIT_E_UNBUILT, "this libseccomp does not "
		    "know %s", r->name);
	/* Known, but not to this architecture. */
	if (nr < 0)
		return JIT_OK;
	e = seccomp_rule_add_array(ctx, r->action, nr, r->compared ? 1 : 0,
	    r->compared ? &r->cmp : NULL);
	return e == 0 ? JIT_OK : refused(r->name, -e, why);
}

static enum jit_err
add_rows(scmp_filter_ctx ctx, struct jit_why *why)
{
	const uint64_t own = (uint64_t)getpid();
	const struct row rows[] = {
#define ALLOW(n) { #n, SCMP_ACT_ALLOW, false, { 0 } },
#define ONLY(n, i, mask, value) { #n, SCMP_ACT_ALLOW, true,		\
	{ (i), SCMP_CMP_MASKED_EQ, (mask), (uint64_t)(value) } },
#define KILL(n) { #n, SCMP_ACT_KILL_PROCESS, false, { 0 } },
#define ABSENT(n) { #n, SCMP_ACT_ERRNO(ENOSYS), false, { 0 } },
#include "signer/jail.def"
#if JAIL_SANITIZED
		ALLOW(readlink)
		ALLOW(getrlimit)
		ALLOW(uname)
		ONLY(prctl, 0, INT, PR_GET_DUMPABLE)
#endif
#undef ALLOW
#undef ONLY
#undef KILL
#undef ABSENT
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		JIT_TRY(add_row(ctx, &rows[i], why));
	return JIT_OK;
}

/* Filters, and the action that ends a whole process. */
static enum jit_err
check_seccomp(struct jit_why *why)
{
	const uint32_t action = SECCOMP_RET_KILL_PROCESS;

	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0 &&
	    syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0)
		return JIT_OK;
	return jit_fail(why, JIT_E_UNBUILT, "this kernel has no seccomp "
	    "filters (%s): the signer does not run without them",
	    strerror(errno));
}

static enum jit_err
enter_seccomp(struct jit_why *why)
{
	JIT_SCOPED(seccomp_release) scmp_filter_ctx ctx =
	    seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int e;

	if (ctx == NULL)
		return refused("seccomp", ENOMEM, why);
	if ((e = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH,
	    SCMP_ACT_KILL_PROCESS)) != 0 ||
	    (e = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1)) != 0)
		return refused("seccomp", -e, why);
	JIT_TRY(add_rows(ctx, why));
	if ((e = seccomp_load(ctx)) != 0)
		return refused("seccomp", -e, why);
	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != SECCOMP_MODE_FILTER)
		return jit_fail(why, JIT_E_IO, "seccomp: loaded, but not in "
		    "force");
	return JIT_OK;
}

/* ---- Landlock ---- */

/* What an older kernel cannot forbid. */
static void
note_abi(struct jail_state *s)
{
	if (s->landlock < 4)
		(void)snprintf(s->note, sizeof(s->note), "Landlock ABI %d: "
		    "TCP is forbidden by seccomp alone", s->landlock);
}

static enum jit_err
enter_landlock(const struct jail *j, struct jail_state *s,
    struct jit_why *why)
{
	s->landlock = landlock_abi();
	if (s->landlock > 0) {
		note_abi(s);
		return landlock_enter(s->landlock, j->home, j->policy, why);
	}
	if (!j->landlock_optional)
		return jit_fail(why, JIT_E_UNBUILT, "this kernel has no "
		    "Landlock (%s): nothing would keep the signer from other "
		    "files; it was not said to run without", strerror(errno));
	(void)snprintf(s->note, sizeof(s->note), "no Landlock (%s): files "
	    "outside of the home directory are not fenced off",
	    strerror(errno));
	return JIT_OK;
}

enum jit_err
jail_enter(const struct jail *j, struct jail_state *ret, struct jit_why *why)
{
	struct jail_state s = { 0, "" };

	/* unshare(2): no effect in a process of one thread, else EINVAL. */
	if (unshare(CLONE_THREAD) != 0)
		return jit_fail(why, JIT_E_ARG, "the jail has to be entered "
		    "before there are threads (%s)", strerror(errno));
	JIT_TRY(check_seccomp(why));
	JIT_TRY(sys_no_dumps(why));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return refused("no_new_privs", errno, why);
	JIT_TRY(enter_landlock(j, &s, why));
#if JAIL_SANITIZED
	jailed = true;
#endif
	JIT_TRY(enter_seccomp(why));
	if (ret != NULL)
		*ret = s;
	return JIT_OK;
}
