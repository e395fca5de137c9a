#include <string.h>
#include <unistd.h>

#include "ca/base/sys.h"
#include "signer/passphrase.h"

/* With the line feed that an editor leaves behind. */
#define BYTES_MAX (SYS_PASSPHRASE_MAX + 1)

static enum jit_err
of_bytes(struct span s, const char *where, struct secret *ret,
    struct jit_why *why)
{
	if (s.n > 0 && s.p[s.n - 1] == '\n')
		s.n--;
	if (s.n == 0)
		return jit_fail(why, JIT_E_ARG, "%s: the passphrase is empty",
		    where);
	if (s.n > SYS_PASSPHRASE_MAX)
		return jit_fail(why, JIT_E_SIZE, "%s: a passphrase has at "
		    "most %d bytes", where, SYS_PASSPHRASE_MAX);
	if (memchr(s.p, '\0', s.n) != NULL || memchr(s.p, '\n', s.n) != NULL)
		return jit_fail(why, JIT_E_FORMAT, "%s: a passphrase is one "
		    "line of text", where);
	return secret_copy(ret, s);
}

static enum jit_err
of_file(const char *path, struct secret *ret, struct jit_why *why)
{
	const uid_t own = geteuid();
	const struct sys_rule rule = { &own, 1, 0077, BYTES_MAX };
	JIT_DONE(buf_done) struct buf b = { NULL, 0 };

	JIT_TRY(sys_read_file(path, &rule, &b, why));
	return of_bytes(BUF_SPAN(b), path, ret, why);
}

static enum jit_err
of_fd(int number, struct secret *ret, struct jit_why *why)
{
	JIT_DONE(sys_close) int fd = number;
	JIT_DONE(buf_done) struct buf b = { NULL, 0 };
	enum jit_err e;

	/* Whoever gave it may have made it non-blocking. */
	if (fd < 0 || sys_set_nonblock(fd, false, NULL) != JIT_OK)
		return jit_fail(why, JIT_E_ARG, "passphrase: %d is not an "
		    "open descriptor", number);
	if ((e = sys_read_fd(fd, BYTES_MAX, &b, why)) != JIT_OK)
		return jit_at(why, e, "passphrase from descriptor %d",
		    number);
	return of_bytes(BUF_SPAN(b), "the descriptor", ret, why);
}

static enum jit_err
of_person(const struct passphrase_from *from, struct secret *ret,
    struct jit_why *why)
{
	JIT_DONE(secret_done) struct secret one = { NULL, 0, 0 };
	JIT_DONE(secret_done) struct secret two = { NULL, 0, 0 };

	JIT_TRY(sys_ask_passphrase(from->prompt, &one, why));
	if (from->again != NULL) {
		JIT_TRY(sys_ask_passphrase(from->again, &two, why));
		if (!secret_equal(SPAN(one.p, one.n), SPAN(two.p, two.n)))
			return jit_fail(why, JIT_E_PASSPHRASE, "the two "
			    "passphrases differ");
	}
	*ret = one;
	one = (struct secret){ NULL, 0, 0 };
	return JIT_OK;
}

enum jit_err
passphrase_get(const struct passphrase_from *from, struct secret *ret,
    struct jit_why *why)
{
	switch (from->place) {
	case PASSPHRASE_FILE:
		return of_file(from->path, ret, why);
	case PASSPHRASE_FD:
		return of_fd(from->fd, ret, why);
	case PASSPHRASE_ASK:
		return of_person(from, ret, why);
	}
	return jit_fail(why, JIT_E_ARG, "passphrase: no such place");
}
