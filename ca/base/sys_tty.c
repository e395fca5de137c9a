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

/* One question: how it is asked, and what was typed. */
struct ask {
	const char *prompt;
	bool echo, key;		/* key: one byte, at once */
	uint8_t *p;
	size_t max, n;
	bool ended;		/* end of input before a line feed */
};

static enum jit_err
read_line(int tty, struct ask *a, struct jit_why *why)
{
	bool longer = false;

	a->ended = false;
	for (a->n = 0; pending == 0;) {
		uint8_t c;
		ssize_t k = read(tty, &c, 1);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return jit_fail(why, JIT_E_IO, "terminal: %s",
			    strerror(errno));
		/* Without ICANON, Ctrl-D is a byte as others. */
		if (k == 0 || (a->key && c == 4)) {
			a->ended = true;
			break;
		}
		if (!a->key && (c == '\n' || c == '\r'))
			break;
		if (a->n < a->max)
			a->p[a->n++] = c;
		else
			longer = true;
		if (a->key)
			break;
	}
	if (pending != 0)
		return jit_fail(why, JIT_E_IO, "interrupted by a signal");
	if (longer)
		return jit_fail(why, JIT_E_SIZE, "longer than %zu bytes",
		    a->max);
	return JIT_OK;
}

static struct termios
mode_for(const struct ask *a, struct termios t)
{
	t.c_lflag |= ICANON | ISIG;
	if (!a->echo)
		t.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	if (a->key) {
		t.c_lflag &= ~(tcflag_t)ICANON;
		t.c_cc[VMIN] = 1;
		t.c_cc[VTIME] = 0;
	}
	return t;
}

/* Ask once: whichever way it ends, the terminal is as it was. */
static enum jit_err
ask_once(int tty, struct ask *a, int *sig, struct jit_why *why)
{
	struct sigaction old[CAUGHT];
	struct termios was, mode;
	enum jit_err e;

	if (tcgetattr(tty, &was) != 0)
		return jit_fail(why, JIT_E_IO, "terminal: %s",
		    strerror(errno));
	catch_all(old);
	mode = mode_for(a, was);
	if (tcsetattr(tty, TCSAFLUSH, &mode) != 0) {
		e = jit_fail(why, JIT_E_IO, "terminal: %s", strerror(errno));
	} else if ((e = sys_write_fd(tty, span_str(a->prompt), why)) ==
	    JIT_OK) {
		e = read_line(tty, a, why);
		/* A key is shown when it is one that can be. */
		if (a->key && a->n == 1 && a->p[0] > ' ' && a->p[0] < 0x7f)
			(void)sys_write_fd(tty, SPAN(a->p, 1), NULL);
		if (!a->echo)
			(void)sys_write_fd(tty, span_str("\n"), NULL);
	}
	(void)tcsetattr(tty, TCSAFLUSH, &was);
	restore_all(old);
	*sig = pending;
	return e;
}

/* Until no stop of the process came between. */
static enum jit_err
ask(int tty, struct ask *a, struct jit_why *why)
{
	int sig = 0;
	enum jit_err e;

	do {
		e = ask_once(tty, a, &sig, why);
		if (sig != 0)
			(void)kill(getpid(), sig);
	} while (sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU);
	return e;
}

enum jit_err
sys_ask_passphrase(const char *prompt, struct secret *ret,
    struct jit_why *why)
{
	JIT_DONE(sys_close) int tty = open("/dev/tty",
	    O_RDWR | O_NOCTTY | O_CLOEXEC);
	JIT_DONE(secret_done) struct secret s = { NULL, 0, 0 };
	struct ask a = { .prompt = prompt };

	if (tty < 0)
		return jit_fail(why, JIT_E_IO, "there is no terminal to ask "
		    "for the passphrase");
	JIT_TRY(secret_new(&s, SYS_PASSPHRASE_MAX));
	a.p = s.p;
	a.max = s.n;
	JIT_TRY(ask(tty, &a, why));
	if (a.n == 0)
		return jit_fail(why, JIT_E_ARG, "nothing was typed");
	s.n = a.n;
	*ret = s;
	s = (struct secret){ NULL, 0, 0 };
	return JIT_OK;
}

enum jit_err
sys_ask(const char *prompt, enum sys_ask how, uint8_t *ret, size_t size,
    size_t *n, struct jit_why *why)
{
	JIT_DONE(sys_close) int tty = open("/dev/tty",
	    O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct ask a = { .prompt = prompt, .echo = how == SYS_ASK_LINE,
		.key = how == SYS_ASK_KEY, .p = ret, .max = size };

	if (tty < 0)
		return jit_fail(why, JIT_E_IO, "there is no terminal to ask "
		    "on");
	JIT_TRY(ask(tty, &a, why));
	if (a.ended && a.n == 0)
		return jit_fail(why, JIT_E_IO, "end of input on the terminal");
	*n = a.n;
	return JIT_OK;
}
