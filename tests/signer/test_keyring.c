/*
 * keyring: made, loaded, refused; and what of a key is on disk when the
 * process aborts.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "ca/base/sys.h"
#include "signer/keyring.h"
#include "tests/lib/run.h"

#define PASS "correct horse battery staple"
#define ORIGIN "jit.example.com"
#define FOREIGN 65534
#define CHEAP { KEY_COST_N_MIN, 8, 1 }

static const char *self;	/* this program */

static const char *
in(const char *dir, const char *name)
{
	static char path[4][8192];
	static unsigned next;
	char *p = path[next++ % 4];

	(void)snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
	return p;
}

/* A fresh directory of mode 0700; static memory, four at a time. */
static const char *
new_home(void)
{
	static char path[4][8192];
	static unsigned n;
	char *p = path[n % 4];

	(void)snprintf(p, sizeof(path[0]), "%s/home%u", jt_tmpdir(), n);
	n++;
	assert_int_equal(mkdir(p, 0700), 0);
	return p;
}

static struct secret
pass_of(const char *s)
{
	struct secret p = { NULL, 0, 0 };

	if (s[0] != '\0')
		JT_OK(secret_copy(&p, span_str(s)));
	return p;
}

static enum jit_err
create(const char *home, const char *type, const struct rng *rng,
    struct keyring *ret, struct jit_why *why)
{
	JIT_DONE(secret_done) struct secret pass = pass_of(PASS);
	struct keyring_new n = { ORIGIN, SSH_ED25519, 0, &pass, CHEAP, rng };

	JIT_TRY(keyring_type_parse(type, &n.type, &n.bits, why));
	return keyring_create(home, &n, ret, why);
}

/* A home with Ed25519 keys of seeds that are always the same. */
static const char *
full_home(void)
{
	JIT_DONE(keyring_done) struct keyring k = { 0 };
	const char *home = new_home();
	uint64_t state = 5;
	struct rng rng = rand_counter(&state);
	struct jit_why why = { 0 };

	JT_WHY(create(home, "ed25519", &rng, &k, &why), JIT_OK, &why);
	return home;
}

static int
count(const char *home)
{
	static const char *const names[] = { "user-ca.key", "log.key",
		"user-ca.pub", "log.vkey" };
	int n = 0;

	for (int i = 0; i < 4; i++)
		n += access(in(home, names[i]), F_OK) == 0;
	return n;
}

static unsigned
mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

/* ---- made ---- */

struct type_row {
	const char *name;
	const char *type;	/* as ssh-keygen -l shows it */
	unsigned bits;
	enum jit_err want;
};
static const struct type_row types[] = {
	{ "ed25519", "(ED25519)", 256, JIT_OK },
	{ "ecdsa-p256", "(ECDSA)", 256, JIT_OK },
	{ "ecdsa-p384", "(ECDSA)", 384, JIT_OK },
	{ "rsa", "(RSA)", 3072, JIT_OK },
	{ "rsa-4096", "(RSA)", 4096, JIT_OK },
	{ "rsa-2048", "", 0, JIT_E_ARG },
	{ "dsa", "", 0, JIT_E_ARG },
	{ "", "", 0, JIT_E_ARG },
};

/* The public file as ssh-keygen reads it. */
static void
ssh_reads(const char *path, const struct type_row *r)
{
	const char *const argv[] = { "ssh-keygen", "-l", "-f", path, NULL };
	JIT_DONE(buf_done) struct buf out = { NULL, 0 };
	char bits[16];

	assert_int_equal(jt_run(argv, SPAN_NONE, &out), 0);
	(void)snprintf(bits, sizeof(bits), "%u ", r->bits);
	assert_int_equal(strncmp((char *)out.p, bits, strlen(bits)), 0);
	assert_non_null(strstr((char *)out.p, r->type));
	assert_non_null(strstr((char *)out.p, "user-ca " ORIGIN));
}

static void
check_signs(const struct ssh_priv *k)
{
	JIT_DONE(wr_done) struct wr sig = WR_INIT(SSH_SIG_MAX);

	JT_OK(ssh_priv_sign(k, span_str("text"), &sig));
	JT_OK(ssh_sig_verify(ssh_priv_public(k), span_str("text"),
	    wr_view(&sig), NULL, NULL));
}

static void
made(void **state)
{
	const struct type_row *r = *state;
	JIT_DONE(keyring_done) struct keyring k = { 0 }, back = { 0 };
	JIT_DONE(secret_done) struct secret pass = pass_of(PASS);
	JIT_DONE(buf_done) struct buf line = { NULL, 0 };
	const char *home = new_home();
	struct rng rng = rand_system();
	struct jit_why why = { 0 };
	struct tlog_vkey v;

	JT_WHY(create(home, r->name, &rng, &k, &why), r->want, &why);
	if (r->want != JIT_OK) {
		assert_int_equal(count(home), 0);
		return;
	}
	assert_int_equal(ssh_key_bits(ssh_priv_public(k.ca[0])), r->bits);
	JT_WHY(keyring_load(home, ORIGIN, &pass, &back, &why), JIT_OK, &why);
	assert_true(ssh_key_eq(ssh_priv_public(k.ca[0]),
	    ssh_priv_public(back.ca[0])));
	assert_true(tlog_vkey_eq(&k.vkey, &back.vkey));
	assert_false(ssh_key_eq(ssh_priv_public(k.ca[0]),
	    ssh_priv_public(k.log)));
	check_signs(back.ca[0]);
	check_signs(back.log);
	ssh_reads(in(home, "user-ca.pub"), r);
	line = jt_file(in(home, "log.vkey"));
	assert_true(line.n > 0 && line.p[line.n - 1] == '\n');
	JT_OK(tlog_vkey_parse(SPAN(line.p, line.n - 1), &v, NULL));
	assert_true(tlog_vkey_eq(&v, &k.vkey));
	assert_int_equal(mode_of(in(home, "user-ca.key")), 0600);
	assert_int_equal(mode_of(in(home, "log.key")), 0600);
	assert_int_equal(mode_of(in(home, "user-ca.pub")), 0644);
	assert_int_equal(mode_of(in(home, "log.vkey")), 0644);
}

struct there_row { const char *name; };
static const struct there_row theres[] = {
	{ "user-ca.key" }, { "log.key" }, { "user-ca.pub" }, { "log.vkey" },
};

static void
is_there(void **state)
{
	const struct there_row *r = *state;
	JIT_DONE(keyring_done) struct keyring k = { 0 };
	JIT_DONE(buf_done) struct buf b = { NULL, 0 };
	const char *home = new_home();
	struct rng rng = rand_system();
	struct jit_why why = { 0 };

	jt_write(in(home, r->name), span_str("mine"));
	JT_ERR(create(home, "ed25519", &rng, &k, &why), JIT_E_EXISTS);
	assert_non_null(strstr(why.msg, r->name));
	assert_int_equal(count(home), 1);
	b = jt_file(in(home, r->name));
	assert_true(span_eq_str(BUF_SPAN(b), "mine"));
	/* A link that leads nowhere is something as well. */
	assert_int_equal(unlink(in(home, r->name)), 0);
	assert_int_equal(symlink("nowhere", in(home, r->name)), 0);
	JT_ERR(create(home, "ed25519", &rng, &k, NULL), JIT_E_EXISTS);
}

/* ---- what fails leaves nothing ---- */

struct failing { struct rng real; int left; };

static enum jit_err
fill(void *ctx, uint8_t *p, size_t n)
{
	struct failing *f = ctx;

	return f->left-- > 0 ? rng_fill(&f->real, p, n) : JIT_E_RANDOM;
}

struct fail_row {
	const char *name;
	int fills;		/* that succeed */
	const char *pass, *origin;
	enum jit_err want;
};
static const struct fail_row fails[] = {
	{ "no seed", 0, PASS, ORIGIN, JIT_E_RANDOM },
	{ "one seed", 1, PASS, ORIGIN, JIT_E_RANDOM },
	{ "no salt", 2, PASS, ORIGIN, JIT_E_RANDOM },
	{ "no nonce", 3, PASS, ORIGIN, JIT_E_RANDOM },
	{ "no second salt", 4, PASS, ORIGIN, JIT_E_RANDOM },
	{ "no second nonce", 5, PASS, ORIGIN, JIT_E_RANDOM },
	{ "no passphrase", 9, "", ORIGIN, JIT_E_ARG },
	{ "an origin with a space", 9, PASS, "jit example", JIT_E_FORMAT },
};

static void
leaves_nothing(void **state)
{
	const struct fail_row *r = *state;
	JIT_DONE(keyring_done) struct keyring k = { 0 };
	JIT_DONE(secret_done) struct secret pass = pass_of(r->pass);
	struct failing f = { rand_system(), r->fills };
	struct rng rng = { fill, &f };
	struct keyring_new n = { r->origin, SSH_ED25519, 0, &pass, CHEAP,
		&rng };
	const char *home = new_home();

	JT_ERR(keyring_create(home, &n, &k, NULL), r->want);
	assert_int_equal(count(home), 0);
	assert_int_equal(rmdir(home), 0);
	assert_null(k.ca[0]);
}

/* ---- loaded, or not ---- */

static void
do_nothing(const char *home)
{
	(void)home;
}

static void
do_truncate(const char *home)
{
	assert_int_equal(truncate(in(home, "user-ca.key"), 200), 0);
}

static void
do_truncate_log(const char *home)
{
	assert_int_equal(truncate(in(home, "log.key"), 200), 0);
}

static void
do_chmod(const char *home)
{
	assert_int_equal(chmod(in(home, "log.key"), 0640), 0);
}

static void
do_chown(const char *home)
{
	if (geteuid() != 0) {
		print_message("needs root to give a file away\n");
		skip();
	}
	assert_int_equal(chown(in(home, "user-ca.key"), FOREIGN,
	    (gid_t)-1), 0);
}

static void
do_remove(const char *home)
{
	assert_int_equal(unlink(in(home, "log.key")), 0);
}

static void
do_swap(const char *home)
{
	assert_int_equal(renameat2(AT_FDCWD, in(home, "user-ca.key"),
	    AT_FDCWD, in(home, "log.key"), RENAME_EXCHANGE), 0);
}

static void
do_link(const char *home)
{
	assert_int_equal(link(in(home, "log.key"), in(home, "two")), 0);
}

static void
do_symlink(const char *home)
{
	assert_int_equal(rename(in(home, "log.key"), in(home, "two")), 0);
	assert_int_equal(symlink("two", in(home, "log.key")), 0);
}

struct load_row {
	const char *name;
	void (*fn)(const char *home);
	const char *pass, *origin;
	enum jit_err want;
	const char *says;
};
static const struct load_row loads[] = {
	{ "right", do_nothing, PASS, ORIGIN, JIT_OK, "" },
	{ "wrong passphrase", do_nothing, PASS "r", ORIGIN, JIT_E_PASSPHRASE,
	    "/user-ca.key: wrong passphrase" },
	{ "truncated", do_truncate, PASS, ORIGIN, JIT_E_FORMAT,
	    "/user-ca.key: not a whole" },
	{ "truncated log key", do_truncate_log, PASS, ORIGIN, JIT_E_FORMAT,
	    "/log.key: not a whole" },
	{ "wrong mode", do_chmod, PASS, ORIGIN, JIT_E_MODE,
	    "/log.key: mode is 0640" },
	{ "foreign owner", do_chown, PASS, ORIGIN, JIT_E_OWNER,
	    "/user-ca.key: belongs to" },
	{ "no passphrase", do_nothing, "", ORIGIN, JIT_E_ARG, "passphrase" },
	{ "one is missing", do_remove, PASS, ORIGIN, JIT_E_UNKNOWN,
	    "/log.key: there is no" },
	{ "exchanged", do_swap, PASS, ORIGIN, JIT_E_ARG, "a key for log" },
	{ "two names", do_link, PASS, ORIGIN, JIT_E_FORMAT, "names" },
	{ "symbolic link", do_symlink, PASS, ORIGIN, JIT_E_FORMAT, "link" },
	{ "an origin with +", do_nothing, PASS, "a+b", JIT_E_FORMAT, "" },
};

static void
loaded(void **state)
{
	const struct load_row *r = *state;
	JIT_DONE(keyring_done) struct keyring k = { 0 };
	JIT_DONE(secret_done) struct secret pass = pass_of(r->pass);
	const char *home = full_home();
	struct jit_why why = { 0 };

	r->fn(home);
	JT_WHY(keyring_load(home, r->origin, &pass, &k, &why), r->want,
	    &why);
	assert_non_null(strstr(why.msg, r->says));
	assert_null(strstr(why.msg, PASS));
	assert_true((k.log != NULL) == (r->want == JIT_OK));
}

/* ---- in memory and on disk ---- */

/* The numbers of each type are in the secure heap. */
static void
in_secure_heap(void **state)
{
	const struct type_row *r = *state;
	JIT_DONE(keyring_done) struct keyring k = { 0 };
	struct rng rng = rand_system();
	size_t before;

	if (r->want != JIT_OK)
		return;
	JT_OK(keyring_memory(NULL, NULL));
	before = CRYPTO_secure_used();
	JT_OK(create(new_home(), r->name, &rng, &k, NULL));
	/* Ed25519 takes 32 bytes; others more. */
	assert_true(CRYPTO_secure_used() >= before + 64);
	check_signs(k.ca[0]);
	keyring_done(&k);
	assert_int_equal(CRYPTO_secure_used(), before);
}

enum protect { BARE, MEMORY, NO_DUMPS };

/* Run by exec, so that nothing of the test's own memory is in it. */
static int
load_and_abort(const char *home, enum protect protect)
{
	JIT_DONE(keyring_done) struct keyring k = { 0 };
	JIT_DONE(secret_done) struct secret pass = pass_of(PASS);
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	if (setrlimit(RLIMIT_CORE, &all) != 0 || keyring_load(home, ORIGIN,
	    &pass, &k, NULL) != JIT_OK)
		return 1;
	if (protect == NO_DUMPS && sys_no_dumps(NULL) != JIT_OK)
		return 2;
	abort();
}

static struct { struct secret needle; int cores, found; } search;

static int
search_file(const char *path, const struct stat *st, int flag, struct FTW *f)
{
	/* As long as a piece and a needle, so that none is cut in two. */
	static uint8_t chunk[(1 << 20) + 16];
	size_t keep = 0;
	ssize_t n;
	int fd;

	(void)st;
	if (flag != FTW_F)
		return 0;
	search.cores += strncmp(path + f->base, "core", 4) == 0;
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return -1;
	while ((n = read(fd, chunk + keep, 1 << 20)) > 0) {
		size_t have = keep + (size_t)n;

		/* Half of a seed is too much already. */
		for (int half = 0; half < 2; half++)
			search.found += memmem(chunk, have, search.needle.p +
			    16 * half, 16) != NULL;
		keep = have < 15 ? have : 15;
		memmove(chunk, chunk + have - keep, keep);
	}
	(void)close(fd);
	return n < 0 ? -1 : 0;
}

/* In how many pieces below dir half of that key's seed is. */
static int
pieces(const char *dir, const struct ssh_priv *k)
{
	JT_OK(ssh_priv_save(k, &search.needle));
	assert_int_equal(search.needle.n, 32);
	search.cores = search.found = 0;
	assert_int_equal(nftw(dir, search_file, 8, FTW_PHYS), 0);
	secret_done(&search.needle);
	return search.found;
}

struct abort_row {
	const char *name;
	enum protect how;
	bool core, seed;	/* expected in the working directory */
};
static const struct abort_row aborts[] = {
	{ "control: a core holds the seed", BARE, true, true },
	{ "a core without it", MEMORY, true, false },
	{ "no core", NO_DUMPS, false, false },
};

/* Home, working directory and TMPDIR are all below *top. */
static void
abort_child(const char *top, const char *home, enum protect how)
{
	const char how_text[2] = { (char)('0' + (int)how), '\0' };
	int status;
	pid_t pid;

	if ((pid = fork()) == 0) {
		int null = open("/dev/null", O_WRONLY);

		/* A sanitizer reports the signal. */
		(void)dup2(null, 2);
		(void)setenv("TMPDIR", top, 1);
		(void)setenv("ASAN_OPTIONS", "handle_abort=0:"
		    "disable_coredump=0:detect_leaks=0", 1);
		if (chdir(top) == 0)
			(void)execl(self, self, "abort", home, how_text,
			    (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 1) {
		print_message("the limit for cores cannot be raised\n");
		skip();
	}
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void
aborted(void **state)
{
	const struct abort_row *r = *state;
	JIT_DONE(keyring_done) struct keyring k = { 0 };
	JIT_DONE(secret_done) struct secret pass = pass_of(PASS);
	const char *home = full_home(), *top = new_home();

	abort_child(top, home, r->how);
	JT_OK(keyring_load(home, ORIGIN, &pass, &k, NULL));
	assert_int_equal(pieces(home, k.ca[0]) + pieces(home, k.log), 0);
	if (r->seed && (pieces(top, k.log), search.cores) == 0) {
		print_message("this machine writes no core files\n");
		skip();
	}
	assert_true((pieces(top, k.ca[0]) > 0) == r->seed);
	assert_true((pieces(top, k.log) > 0) == r->seed);
	assert_true(search.cores == 0 || r->core);
	(void)unlink(in(top, "core"));
}

/* The control of the search itself. */
static void
planted(void **state)
{
	JIT_DONE(keyring_done) struct keyring k = { 0 };
	JIT_DONE(secret_done) struct secret pass = pass_of(PASS);
	JIT_DONE(secret_done) struct secret seed = { NULL, 0, 0 };
	JIT_DONE(wr_done) struct wr w = WR_INIT(4u << 20);
	const char *home = full_home(), *top = new_home();

	(void)state;
	JT_OK(keyring_load(home, ORIGIN, &pass, &k, NULL));
	JT_OK(ssh_priv_save(k.log, &seed));
	/* Across the border of two pieces. */
	for (int i = 0; i < (1 << 20) - 7; i++)
		wr_u8(&w, 'x');
	wr_raw(&w, seed.p + 16, 16);
	jt_write(in(top, "some.file"), wr_view(&w));
	assert_int_equal(pieces(top, k.log), 1);
	assert_int_equal(pieces(top, k.ca[0]), 0);
}

int
main(int argc, char **argv)
{
	static char path[4096];
	int failed = 0;

	/* The control alone does without. */
	if (argc == 4 && argv[3][0] == '0')
		return load_and_abort(argv[2], BARE);
	if (realpath("/proc/self/exe", path) == NULL ||
	    keyring_memory(NULL, NULL) != JIT_OK)
		return 1;
	self = path;
	if (argc == 4)
		return load_and_abort(argv[2], (enum protect)(argv[3][0] -
		    '0'));
	failed += JT_ROWS("made", made, types);
	failed += JT_ROWS("is there", is_there, theres);
	failed += JT_ROWS("leaves nothing", leaves_nothing, fails);
	failed += JT_ROWS("loaded", loaded, loads);
	failed += jt_one("planted", planted);
	failed += JT_ROWS("aborted", aborted, aborts);
	failed += JT_ROWS("in the secure heap", in_secure_heap, types);
	return failed;
}
