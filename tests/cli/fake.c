#define _XOPEN_SOURCE 700
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/cli/fake.h"

static int64_t
held(void)
{
	return FAKE_NOW * 1000;
}

static int
nameless(void)
{
	FILE *f = tmpfile();
	int fd;

	assert_non_null(f);
	fd = dup(fileno(f));
	assert_true(fd >= 0);
	(void)fclose(f);
	return fd;
}

void
fake_init(struct cli *c)
{
	*c = (struct cli){ .clock = { held, held } };
	out_init(&c->out, nameless(), nameless());
	c->out.utf8 = true;
}

void
fake_done(struct cli *c)
{
	(void)close(c->out.fd);
	(void)close(c->out.err_fd);
}

struct buf
fake_read(int fd)
{
	struct buf ret = { NULL, 0 };
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	ret.p = calloc((size_t)st.st_size + 1, 1);
	assert_non_null(ret.p);
	ret.n = (size_t)st.st_size;
	assert_int_equal(pread(fd, ret.p, ret.n, 0), st.st_size);
	return ret;
}

void
fake_said(int fd, const char *want)
{
	JIT_DONE(buf_done) struct buf got = fake_read(fd);

	assert_string_equal((const char *)got.p, want);
}
