#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/base/text.h"
#include "ca/base/digest.h"
#include "cli/folder.h"

#define PATH_BYTES 4096

static enum jit_err
text_of(struct wr *w, char **ret)
{
	struct buf b = { NULL, 0 };

	JIT_TRY(wr_take(w, &b));
	*ret = (char *)b.p;
	return JIT_OK;
}

/* Every folder on the way that is not there, for us alone. */
static enum jit_err
make_folders(char *path, struct jit_why *why)
{
	for (char *p = path + 1;; p++) {
		char was = *p;
		int e;

		if (was != '/' && was != '\0')
			continue;
		*p = '\0';
		e = mkdir(path, 0700) == 0 ? 0 : errno;
		*p = was;
		/* Of what is not ours, only the end is judged. */
		if (e != 0 && e != EEXIST && was == '\0')
			return jit_fail(why, JIT_E_IO, "%s: %s", path,
			    strerror(e));
		if (was == '\0')
			return JIT_OK;
	}
}

static enum jit_err
check_folder(const char *path, struct jit_why *why)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return jit_fail(why, JIT_E_IO, "%s: %s", path,
		    strerror(errno));
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid())
		return jit_fail(why, JIT_E_OWNER, "%s: not a folder of ours",
		    path);
	if ((st.st_mode & 077) != 0)
		return jit_fail(why, JIT_E_MODE, "%s: mode %03o; others may "
		    "not see or change it", path, st.st_mode & 0777);
	return JIT_OK;
}

enum jit_err
folder_open(const char *state, const char *of, char **ret,
    struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(PATH_BYTES);
	JIT_SCOPED(free) char *dir = NULL;
	struct digest d;
	char hex[17];

	wr_fmt(&w, "%s/jit-cert", state);
	if (of != NULL) {
		JIT_TRY(digest_sha256(span_str(of), &d));
		hex_text(SPAN(d.b, 8), hex);
		wr_fmt(&w, "/%s", hex);
	}
	JIT_TRY(text_of(&w, &dir));
	JIT_TRY(make_folders(dir, why));
	JIT_TRY(check_folder(dir, why));
	*ret = dir;
	dir = NULL;
	return JIT_OK;
}

enum jit_err
folder_path(const char *dir, const char *name, char **ret)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(PATH_BYTES);

	wr_fmt(&w, "%s/%s", dir, name);
	return text_of(&w, ret);
}

enum jit_err
folder_read(const char *dir, const char *name, size_t max, struct buf *ret,
    struct jit_why *why)
{
	const uid_t me = geteuid();
	const struct sys_rule rule = { &me, 1, 0077, max };
	JIT_SCOPED(free) char *path = NULL;
	enum jit_err e;

	JIT_TRY(folder_path(dir, name, &path));
	e = sys_read_file(path, &rule, ret, why);
	return e == JIT_E_UNKNOWN ? buf_copy(ret, SPAN_NONE) : e;
}

enum jit_err
folder_write(const char *dir, const char *name, struct span s,
    struct jit_why *why)
{
	JIT_SCOPED(free) char *path = NULL;

	JIT_TRY(folder_path(dir, name, &path));
	return sys_write_file(path, s, 0600, SYS_REPLACE, why);
}

enum jit_err
folder_remove(const char *dir, const char *name, struct jit_why *why)
{
	JIT_SCOPED(free) char *path = NULL;

	JIT_TRY(folder_path(dir, name, &path));
	if (unlink(path) == 0 || errno == ENOENT)
		return JIT_OK;
	return jit_fail(why, JIT_E_IO, "%s: %s", path, strerror(errno));
}
