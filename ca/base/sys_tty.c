#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "ca/base/sys.h"

/* Signals that would leave the terminal without echo. */
static const int caught[] = {
	SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGALRM, SIGPIPE,
	SIGTSTP, SIGTTIN, SIGTTOU,
};
#define CAUGHT (sizeof(caught) / sizeof(caught[0]))

static volatile sig_atomic_t pending;

static void
on_signal(int sig)
{
	pending = sig;
}

/* No SA_RESTART: read() must come back, so that it can be put right. */
static void
catch_all(struct sigaction old[static CAUGHT])
{
	struct sigaction sa = { .sa_handler = on_signal };

	(void)sigemptyset(&sa.sa_mask);
	pending = 0;
	for (size_t i = 0; i < CAUGHT; i++)
		(void)sigaction(caught[i], &sa, &old[i]);
}

static void
restore_all(const struct sigaction old[static CAUGHT])
{
	for (size_t i = 0; i < CAUGHT; i++)
		(void)sigaction(caught[i], &old[i], NULL);
}

static enum jit_err
read_line(int tty, struct secret *s, size_t *n, struct jit_why *why)
{
	bool longer = false;

	for (*n = 0; pending == 0;) {
		uint8_t c;
		ssize_t k = read(tty, &c, 1);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return jit_fail(why, JIT_E_IO, "terminal: %s",
			    strerror(errno));
		if (k == 0 || c == '\n' || c == '\r')
			break;
		if (*n < s->n)
			s->p[(*n)++] = c;
		else
			longer = true;
	}
	if (pending != 0)
		return jit_fail(why, JIT_E_IO, "interrupted by a signal");
	if (longer)
		return jit_fail(why, JIT_E_SIZE, "a passphrase has at most %d "
		    "bytes", SYS_PASSPHRASE_MAX);
	if (*n == 0)
		return jit_fail(why, JIT_E_ARG, "nothing was typed");
	return JIT_OK;
}

/* Ask once: whichever way it ends, the terminal is as it was. */
static enum jit_err
ask_once(int tty, const char *prompt, struct secret *s, size_t *n, int *sig,
    struct jit_why *why)
{
	struct sigaction old[CAUGHT];
	struct termios was, quiet;
	enum jit_err e;

	if (tcgetattr(tty, &was) != 0)
		return jit_fail(why, JIT_E_IO, "terminal: %s",
		    strerror(errno));
	catch_all(old);
	quiet = was;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	quiet.c_lflag |= ICANON | ISIG;
	if (tcsetattr(tty, TCSAFLUSH, &quiet) != 0) {
		e = jit_fail(why, JIT_E_IO, "terminal: %s", strerror(errno));
	} else if ((e = sys_write_fd(tty, span_str(prompt), why)) == JIT_OK) {
		e = read_line(tty, s, n, why);
		(void)sys_write_fd(tty, span_str("\n"), NULL);
	}
	(void)tcsetattr(tty, TCSAFLUSH, &was);
	restore_all(old);
	*sig = pending;
	return e;
}

enum jit_err
sys_ask_passphrase(const char *prompt, struct secret *ret,
    struct jit_why *why)
{
	JIT_DONE(sys_close) int tty = open("/dev/tty",
	    O_RDWR | O_NOCTTY | O_CLOEXEC);
	JIT_DONE(secret_done) struct secret s = { NULL, 0, 0 };
	size_t n = 0;
	int sig = 0;
	enum jit_err e;

	if (tty < 0)
		return jit_fail(why, JIT_E_IO, "there is no terminal to ask "
		    "for the passphrase");
	JIT_TRY(secret_new(&s, SYS_PASSPHRASE_MAX));
	do {
		e = ask_once(tty, prompt, &s, &n, &sig, why);
		if (sig != 0)
			(void)kill(getpid(), sig);
	} while (sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU);
	JIT_TRY(e);
	s.n = n;
	*ret = s;
	s = (struct secret){ NULL, 0, 0 };
	return JIT_OK;
}
