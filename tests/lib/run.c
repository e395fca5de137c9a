#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/run.h"

void
jt_write(const char *path, struct span s)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, s.p, s.n), s.n);
	(void)close(fd);
}

int
jt_run(const char *const argv[], struct span in, struct buf *out)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(16u << 20);
	FILE *stdin_file = tmpfile();
	int p[2], status = 0;
	char chunk[4096];
	ssize_t n;
	pid_t pid;

	assert_non_null(stdin_file);
	if (in.n > 0)
		assert_int_equal(fwrite(in.p, 1, in.n, stdin_file), in.n);
	rewind(stdin_file);
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	if ((pid = fork()) == 0) {
		(void)dup2(fileno(stdin_file), 0);
		(void)dup2(p[1], 1);
		(void)dup2(p[1], 2);
		/* execvp wants char *const; it changes nothing. */
		(void)execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	assert_true(pid > 0);
	(void)close(p[1]);
	while ((n = read(p[0], chunk, sizeof(chunk))) > 0 ||
	    (n < 0 && errno == EINTR))
		if (n > 0)
			wr_raw(&w, chunk, (size_t)n);
	(void)close(p[0]);
	(void)fclose(stdin_file);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (out != NULL)
		JT_OK(wr_take(&w, out));
	return WIFEXITED(status) ? WEXITSTATUS(status) :
	    128 + WTERMSIG(status);
}
