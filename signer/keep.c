#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "signer/crash.h"
#include "signer/keep.h"

static enum jit_err
write_new(const struct journal_ops *o, const char *name, struct span bytes)
{
	int fd = -1;
	enum jit_err e;

	JIT_TRY(o->open(o->ctx, name, true, &fd));
	e = o->write(o->ctx, fd, 0, bytes.p, bytes.n);
	CRASH_POINT(SNAPSHOT_WRITE);
	if (e == JIT_OK)
		e = o->sync_all(o->ctx, fd);
	CRASH_POINT(SNAPSHOT_SYNC);
	o->close(o->ctx, fd);
	return e;
}

enum jit_err
keep_put(const struct journal_ops *o, const char *name, struct span bytes,
    struct jit_why *why)
{
	char tmp[KEEP_NAME + 4];
	enum jit_err e;

	if (strlen(name) >= KEEP_NAME)
		return jit_fail(why, JIT_E_ARG, "a file's name is too long");
	(void)snprintf(tmp, sizeof(tmp), "%s.new", name);
	if ((e = write_new(o, tmp, bytes)) != JIT_OK) {
		(void)o->remove(o->ctx, tmp);
		return jit_fail(why, e, "cannot write %s in the home "
		    "directory", tmp);
	}
	if ((e = o->rename(o->ctx, tmp, name)) == JIT_OK) {
		CRASH_POINT(SNAPSHOT_RENAME);
		e = o->sync_dir(o->ctx);
	}
	return e == JIT_OK ? e : jit_fail(why, e, "cannot make %s in the "
	    "home directory durable", name);
}

static enum jit_err
read_all(const struct journal_ops *o, int fd, uint64_t max, struct buf *ret)
{
	struct buf b = { NULL, 0 };
	uint64_t size = 0;
	enum jit_err e;

	JIT_TRY(o->size(o->ctx, fd, &size));
	if (size > max)
		return JIT_E_SIZE;
	/* One more: of an empty file something is owned as well. */
	if ((b.p = malloc((size_t)size + 1)) == NULL)
		return JIT_E_NOMEM;
	b.n = (size_t)size;
	e = size > 0 ? o->read(o->ctx, fd, 0, b.p, b.n) : JIT_OK;
	if (e != JIT_OK) {
		free(b.p);
		return e;
	}
	*ret = b;
	return JIT_OK;
}

enum jit_err
keep_get(const struct journal_ops *o, const char *name, uint64_t max,
    struct buf *ret, struct jit_why *why)
{
	int fd = -1;
	enum jit_err e = o->open(o->ctx, name, false, &fd);

	if (e == JIT_OK) {
		e = read_all(o, fd, max, ret);
		o->close(o->ctx, fd);
	}
	return e == JIT_OK ? e : jit_fail(why, e, "%s in the home directory: "
	    "%s", name, jit_err_sentence(e));
}

enum jit_err
keep_remove(const struct journal_ops *o, const char *name,
    struct jit_why *why)
{
	enum jit_err e = o->remove(o->ctx, name);

	if (e == JIT_E_UNKNOWN)
		return JIT_OK;
	if (e == JIT_OK)
		e = o->sync_dir(o->ctx);
	return e == JIT_OK ? e : jit_fail(why, e, "cannot remove %s in the "
	    "home directory", name);
}
