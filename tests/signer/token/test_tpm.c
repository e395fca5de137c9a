/*
 * The helper before a TPM 2.0 in software: swtpm, and tpm2-pkcs11 as the
 * module.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ca/base/sys.h"
#include "tests/lib/run.h"
#include "tests/signer/token/rig.h"

#define MODULE "/usr/lib/x86_64-linux-gnu/pkcs11/libtpm2_pkcs11.so"

static pid_t swtpm = -1;
static unsigned short port;

static bool
is_free(unsigned short p)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
	    .sin_port = htons(p) };
	JIT_DONE(sys_close) int fd = socket(AF_INET, SOCK_STREAM |
	    SOCK_CLOEXEC, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0;
}

/* The TPM's and, behind it, that of its control channel. */
static void
pick_port(void)
{
	unsigned at = 20000 + (unsigned)getpid() % 10000;

	for (unsigned i = 0; i < 1000; i++, at += 2)
		if (is_free((unsigned short)at) &&
		    is_free((unsigned short)(at + 1))) {
			port = (unsigned short)at;
			return;
		}
	fail_msg("no free port");
}

static void
run(const char *const argv[])
{
	JIT_DONE(buf_done) struct buf out = { NULL, 0 };

	if (jt_run(argv, SPAN_NONE, &out) != 0)
		fail_msg("%s: %s", argv[0], (const char *)out.p);
}

static bool
answers(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
	    .sin_port = htons((unsigned short)(port + 1)) };
	JIT_DONE(sys_close) int fd = socket(AF_INET, SOCK_STREAM |
	    SOCK_CLOEXEC, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0;
}

static void
start_swtpm(const char *state)
{
	char dir[620], server[100], ctrl[100];
	int64_t end = rig_later();

	(void)snprintf(dir, sizeof(dir), "dir=%s", state);
	(void)snprintf(server, sizeof(server),
	    "type=tcp,port=%u,bindaddr=127.0.0.1", (unsigned)port);
	(void)snprintf(ctrl, sizeof(ctrl),
	    "type=tcp,port=%u,bindaddr=127.0.0.1", port + 1u);
	if ((swtpm = fork()) == 0) {
		(void)execlp("swtpm", "swtpm", "socket", "--tpm2",
		    "--tpmstate", dir, "--server", server, "--ctrl", ctrl,
		    "--flags", "not-need-init,startup-clear", (char *)NULL);
		_exit(127);
	}
	assert_true(swtpm > 0);
	while (!answers()) {
		assert_true(sys_mono_ms() < end);
		assert_int_equal(waitpid(swtpm, NULL, WNOHANG), 0);
		(void)poll(NULL, 0, 20);
	}
}

/* Without a resource manager what a process loaded stays in the TPM. */
static void
flush(void)
{
	const char *const t[] = { "tpm2_flushcontext", "-t", NULL };
	const char *const l[] = { "tpm2_flushcontext", "-l", NULL };

	run(t);
	run(l);
}

static void
init_token(void)
{
	const char *const init[] = { "pkcs11-tool", "--module", MODULE,
	    "--slot-index", "0", "--init-token", "--label", "tpm", "--so-pin",
	    "87654321", NULL };
	const char *const pin[] = { "pkcs11-tool", "--module", MODULE,
	    "--token-label", "tpm", "--init-pin", "--so-pin", "87654321",
	    "--pin", RIG_PIN, NULL };

	run(init);
	flush();
	run(pin);
	flush();
}

static void
setup(void)
{
	char state[600], store[600], tcti[100];
	const char *const setup_argv[] = { "swtpm_setup", "--tpm2",
	    "--tpmstate", state, "--createek", NULL };

	(void)snprintf(state, sizeof(state), "%s/state", jt_tmpdir());
	(void)snprintf(store, sizeof(store), "%s/store", jt_tmpdir());
	assert_int_equal(mkdir(state, 0700), 0);
	assert_int_equal(mkdir(store, 0700), 0);
	run(setup_argv);
	pick_port();
	start_swtpm(state);
	(void)snprintf(tcti, sizeof(tcti), "swtpm:host=127.0.0.1,port=%u",
	    (unsigned)port);
	(void)setenv("TPM2_PKCS11_TCTI", tcti, 1);
	(void)setenv("TPM2_PKCS11_STORE", store, 1);
	(void)setenv("TPM2TOOLS_TCTI", tcti, 1);
	init_token();
}

static struct token *
start(bool later)
{
	JIT_DONE(secret_done) struct secret pin = { NULL, 0, 0 };
	const struct token_key k = { .name = "ca", .pin = &pin,
	    .uri = "pkcs11:token=tpm;object=ca", .module = MODULE,
	    .later = later };
	struct token *t = NULL;
	struct jit_why why = { 0 };

	JT_OK(secret_copy(&pin, span_str(RIG_PIN)));
	JT_WHY(rig_start_keys(&k, 1, 30000, 50, &t, &why), JIT_OK, &why);
	return t;
}

static void
p256(void **state)
{
	JIT_DONE(buf_done) struct buf uri = { NULL, 0 };
	struct jit_why why = { 0 };
	struct token *t;

	(void)state;
	setup();
	t = start(true);
	/* Not what a TPM has. */
	JT_ERR(token_generate_wait(t, 0, FRAME_G_ED25519, rig_later(), &uri,
	    &why), JIT_E_KEYTYPE);
	JT_WHY(token_generate_wait(t, 0, FRAME_G_P256, rig_later(), &uri,
	    &why), JIT_OK, &why);
	rig_check_sign(t, 0, span_str("a TPM signed this"));
	token_free(t);
	flush();
	/* Another process finds it again. */
	t = start(false);
	JT_WHY(token_check(t, 0, &why), JIT_OK, &why);
	for (int i = 0; i < 5; i++)
		rig_check_sign(t, 0, span_str("and this"));
	/* The TPM goes away. */
	assert_int_equal(kill(swtpm, SIGKILL), 0);
	assert_int_equal(waitpid(swtpm, NULL, 0), swtpm);
	swtpm = -1;
	JT_ERR(rig_sign(t, 0, &why), JIT_E_TOKEN);
	(void)printf("the TPM went away: %s\n", why.msg);
	token_free(t);
}

int
main(void)
{
	int failed;

	if (access(MODULE, R_OK) != 0) {
		(void)printf("no %s: skipped\n", MODULE);
		return 77;
	}
	failed = jt_one("P-256 in a TPM", p256);
	if (swtpm > 0) {
		(void)kill(swtpm, SIGKILL);
		(void)waitpid(swtpm, NULL, 0);
	}
	return failed;
}
