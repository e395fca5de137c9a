/*
 * locker: what is put comes back and works for ssh; what was damaged, opened
 * to others, replaced by a link or given by somebody else is refused by name.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/locker.h"
#include "tests/ca/ssh/keygen.h"
#include "tests/cli/agents.h"
#include "tests/lib/run.h"

#define TEXT "jit-cert request 1\n"
#define ID "01KAT3Z5M0VJ8Q4W6E2R9T7YXN"

static const struct ulid id = { ID };
static const uint8_t secret[LOCKER_SECRET] = "0123456789abcdef0123456789ABCDE";

/* A base of its own for each row. */
static const char *
base_of(const char *name)
{
	const char *p = ag_tmp(name, "-base");

	assert_int_equal(mkdir(p, 0700), 0);
	return p;
}

static enum jit_err
put(const char *base, const struct ulid *i, const struct ssh_priv *p,
    struct jit_why *why)
{
	struct rng rng = rand_system();

	return locker_put(base, i, p, SPAN(secret, sizeof(secret)),
	    span_str(TEXT), "jit-cert " ID, &rng, why);
}

static const char *
file(const char *base, enum locker_file f)
{
	static struct locker_path p[8];
	static unsigned next;
	struct locker_path *ret = &p[next++ % 8];

	JT_OK(locker_path(base, &id, f, ret, NULL));
	return ret->s;
}

static const char *
dir_of(const char *base)
{
	static char path[600];

	(void)snprintf(path, sizeof(path), "%s/jit-cert/" ID, base);
	return path;
}

static mode_t
mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

/* ---- there and back ---- */

struct key_row { const char *name; enum ssh_type type; };
static const struct key_row keys[] = {
	{ "ed25519", SSH_ED25519 }, { "p256", SSH_ECDSA_P256 },
	{ "p384", SSH_ECDSA_P384 }, { "p521", SSH_ECDSA_P521 },
	{ "rsa", SSH_RSA },
};

/* ssh-keygen reads the key file, and it is this key. */
static void
key_for_ssh(const char *base, const struct ssh_key *k)
{
	JIT_DONE(buf_done) struct buf out = { NULL, 0 };
	JIT_SCOPED(ssh_key_free) struct ssh_key *got = NULL;
	struct span comment;

	assert_int_equal(kg_run(SPAN_NONE, &out, "-y", "-f",
	    file(base, LOCKER_KEY), (char *)NULL), 0);
	JT_OK(ssh_key_parse_line(BUF_SPAN(out), &got, &comment, NULL));
	assert_true(ssh_key_eq(got, k));
	assert_true(span_eq_str(comment, "jit-cert " ID));
}

static void
there_and_back(void **state)
{
	const struct key_row *r = *state;
	const char *base = base_of(r->name);
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *p = ag_key(r->type);
	JIT_DONE(locker_done) struct locker l = { 0 };
	struct jit_why why = { 0 };
	mode_t mask = umask(0);

	JT_WHY(put(base, &id, p, &why), JIT_OK, &why);
	(void)umask(mask);
	assert_int_equal(mode_of(dir_of(base)), 0700);
	for (int f = LOCKER_REQUEST; f <= LOCKER_KEY_JIT; f++)
		assert_int_equal(mode_of(file(base, (enum locker_file)f)),
		    0600);
	JT_WHY(locker_get(base, &id, &l, &why), JIT_OK, &why);
	assert_true(ssh_key_eq(ssh_priv_public(l.priv), ssh_priv_public(p)));
	assert_true(secret_equal(SPAN(l.secret.p, l.secret.n),
	    SPAN(secret, sizeof(secret))));
	assert_true(span_eq_str(BUF_SPAN(l.text), TEXT));
	key_for_ssh(base, ssh_priv_public(p));
	/* A second of the same id does not replace it. */
	JT_ERR(put(base, &id, p, &why), JIT_E_EXISTS);
	assert_non_null(strstr(why.msg, ID));
	JT_WHY(locker_remove(base, &id, &why), JIT_OK, &why);
	assert_int_not_equal(access(dir_of(base), F_OK), 0);
	JT_ERR(locker_remove(base, &id, &why), JIT_E_UNKNOWN);
	JT_ERR(locker_get(base, &id, &l, &why), JIT_E_UNKNOWN);
}

static void
certificate(void **state)
{
	const char *base = base_of("certificate");
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *p = ag_key(SSH_ED25519);
	JIT_DONE(buf_done) struct buf cert = ag_cert(p, ssh_priv_public(p),
	    7), got = { NULL, 0 };
	JIT_DONE(wr_done) struct wr line = WR_INIT(65536);
	struct jit_why why = { 0 };

	(void)state;
	ssh_cert_put_line(&line, BUF_SPAN(cert), "x");
	JT_ERR(locker_put_cert(base, &id, wr_view(&line), SPAN_NONE, &why),
	    JIT_E_UNKNOWN);
	JT_OK(put(base, &id, p, &why));
	JT_ERR(locker_get_cert(base, &id, &got, &why), JIT_E_UNKNOWN);
	JT_ERR(locker_put_cert(base, &id, span_str("x"), SPAN_NONE, &why),
	    JIT_E_FORMAT);
	assert_int_not_equal(access(file(base, LOCKER_CERT), F_OK), 0);
	JT_WHY(locker_put_cert(base, &id, wr_view(&line), SPAN_NONE, &why),
	    JIT_OK, &why);
	assert_int_not_equal(access(file(base, LOCKER_HOSTS), F_OK), 0);
	/* Again, with hosts. */
	JT_WHY(locker_put_cert(base, &id, wr_view(&line), span_str("db1 x\n"),
	    &why), JIT_OK, &why);
	assert_int_equal(mode_of(file(base, LOCKER_CERT)), 0600);
	assert_int_equal(mode_of(file(base, LOCKER_HOSTS)), 0600);
	JT_WHY(locker_get_cert(base, &id, &got, &why), JIT_OK, &why);
	assert_true(span_eq(BUF_SPAN(got), BUF_SPAN(cert)));
	assert_int_equal(kg_run(SPAN_NONE, NULL, "-L", "-f",
	    file(base, LOCKER_CERT), (char *)NULL), 0);
	buf_done(&got);
	jt_write(file(base, LOCKER_CERT), span_str("ssh-ed25519 AAAA\n"));
	JT_ERR(locker_get_cert(base, &id, &got, &why), JIT_E_FORMAT);
	assert_non_null(strstr(why.msg, file(base, LOCKER_CERT)));
}

/* ---- the list ---- */

static void
list(void **state)
{
	const char *base = base_of("list");
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *p = ag_key(SSH_ED25519);
	static const struct ulid made[3] = {
		{ "01KAT3Z5M0VJ8Q4W6E2R9T7YXB" },
		{ "01KAT3Z5M0VJ8Q4W6E2R9T7YXA" },
		{ "00KAT3Z5M0VJ8Q4W6E2R9T7YXC" },
	};
	struct ulid *ids = NULL;
	struct jit_why why = { 0 };
	size_t n = 9;

	(void)state;
	JT_OK(locker_list(base, &ids, &n, &why));
	assert_int_equal(n, 0);
	assert_null(ids);
	JT_OK(locker_list(ag_tmp("no-such-base", ""), &ids, &n, &why));
	assert_int_equal(n, 0);
	for (size_t i = 0; i < 3; i++)
		JT_WHY(put(base, &made[i], p, &why), JIT_OK, &why);
	jt_write(ag_tmp("list-base/jit-cert/notes", ""), span_str("x"));
	JT_WHY(locker_list(base, &ids, &n, &why), JIT_OK, &why);
	assert_int_equal(n, 3);
	assert_string_equal(ids[0].s, made[2].s);
	assert_string_equal(ids[1].s, made[1].s);
	assert_string_equal(ids[2].s, made[0].s);
	free(ids);
}

/* ---- what somebody did to it ---- */

static void
write_at(const char *path, struct span s)
{
	jt_write(path, s);
}

/* Keep the first n bytes, n < 0: all but -n. */
static void
cut(const char *path, long n)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(truncate(path, n >= 0 ? n : st.st_size + n), 0);
}

static void
to_link(const char *path)
{
	char real[4200];

	(void)snprintf(real, sizeof(real), "%s.real", path);
	assert_int_equal(rename(path, real), 0);
	assert_int_equal(symlink(real, path), 0);
}

static void
second_name(const char *path)
{
	assert_int_equal(link(path, ag_tmp("second-name", "")), 0);
}

static void group_reads(const char *p) { (void)chmod(p, 0640); }
static void others_read(const char *p) { (void)chmod(p, 0604); }
static void others_enter(const char *p) { (void)chmod(p, 0701); }
static void others_write(const char *p) { (void)chmod(p, 0777); }
static void sticky(const char *p) { (void)chmod(p, 01777); }
static void missing(const char *p) { assert_int_equal(unlink(p), 0); }
static void empty(const char *p) { cut(p, 0); }
static void shorter(const char *p) { cut(p, -1); }
static void garbage(const char *p) { write_at(p, span_str("garbage")); }
static void
larger(const char *p)
{
	assert_int_equal(truncate(p, 70000), 0);
}
static void
a_fifo(const char *p)
{
	assert_int_equal(unlink(p), 0);
	assert_int_equal(mkfifo(p, 0600), 0);
}
static void
a_dir(const char *p)
{
	assert_int_equal(unlink(p), 0);
	assert_int_equal(mkdir(p, 0700), 0);
}
static void
foreign(const char *p)
{
	assert_int_equal(lchown(p, 65534, (gid_t)-1), 0);
}

/* The last byte is of the seed, and every seed is a key. */
static void
flipped(const char *p)
{
	JIT_DONE(buf_done) struct buf b = jt_file(p);

	b.p[b.n - 1] ^= 1;
	write_at(p, BUF_SPAN(b));
}
static void
other_magic(const char *p)
{
	JIT_DONE(buf_done) struct buf b = jt_file(p);

	b.p[4] ^= 1;
	write_at(p, BUF_SPAN(b));
}
static void
sk_type(const char *p)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(4096);

	wr_cstring(&w, "jit-cert locker key v1");
	wr_cstring(&w, "sk-ssh-ed25519@openssh.com");
	wr_cstring(&w, "x");
	wr_cstring(&w, "x");
	write_at(p, wr_view(&w));
}

#define DIR_ITSELF -1
#define TOP -2
#define BASE -3
struct bad_row {
	const char *name;
	int what;		/* enum locker_file, or above */
	void (*harm)(const char *path);
	enum jit_err want;
};
static const struct bad_row bads[] = {
	{ "request missing", LOCKER_REQUEST, missing, JIT_E_UNKNOWN },
	{ "secret missing", LOCKER_SECRET_FILE, missing, JIT_E_UNKNOWN },
	{ "key missing", LOCKER_KEY, missing, JIT_E_UNKNOWN },
	{ "key.jit missing", LOCKER_KEY_JIT, missing, JIT_E_UNKNOWN },
	{ "request read by the group", LOCKER_REQUEST, group_reads,
	    JIT_E_MODE },
	{ "secret read by others", LOCKER_SECRET_FILE, others_read,
	    JIT_E_MODE },
	{ "key read by the group", LOCKER_KEY, group_reads, JIT_E_MODE },
	{ "key.jit read by others", LOCKER_KEY_JIT, others_read, JIT_E_MODE },
	{ "request is a link", LOCKER_REQUEST, to_link, JIT_E_FORMAT },
	{ "secret is a link", LOCKER_SECRET_FILE, to_link, JIT_E_FORMAT },
	{ "key is a link", LOCKER_KEY, to_link, JIT_E_FORMAT },
	{ "key.jit is a link", LOCKER_KEY_JIT, to_link, JIT_E_FORMAT },
	{ "secret has a second name", LOCKER_SECRET_FILE, second_name,
	    JIT_E_FORMAT },
	{ "secret is a FIFO", LOCKER_SECRET_FILE, a_fifo, JIT_E_FORMAT },
	{ "key.jit is a directory", LOCKER_KEY_JIT, a_dir, JIT_E_FORMAT },
	{ "foreign request", LOCKER_REQUEST, foreign, JIT_E_OWNER },
	{ "foreign secret", LOCKER_SECRET_FILE, foreign, JIT_E_OWNER },
	{ "foreign key", LOCKER_KEY, foreign, JIT_E_OWNER },
	{ "foreign key.jit", LOCKER_KEY_JIT, foreign, JIT_E_OWNER },
	{ "request empty", LOCKER_REQUEST, empty, JIT_E_FORMAT },
	{ "request too large", LOCKER_REQUEST, larger, JIT_E_SIZE },
	{ "secret truncated", LOCKER_SECRET_FILE, shorter, JIT_E_FORMAT },
	{ "secret empty", LOCKER_SECRET_FILE, empty, JIT_E_FORMAT },
	{ "secret too large", LOCKER_SECRET_FILE, larger, JIT_E_SIZE },
	{ "key.jit truncated", LOCKER_KEY_JIT, shorter, JIT_E_FORMAT },
	{ "key.jit empty", LOCKER_KEY_JIT, empty, JIT_E_FORMAT },
	{ "key.jit garbage", LOCKER_KEY_JIT, garbage, JIT_E_FORMAT },
	{ "key.jit, a bit of the seed", LOCKER_KEY_JIT, flipped,
	    JIT_E_FORMAT },
	{ "key.jit of another version", LOCKER_KEY_JIT, other_magic,
	    JIT_E_FORMAT },
	{ "key.jit of a security key", LOCKER_KEY_JIT, sk_type,
	    JIT_E_FORMAT },
	{ "locker entered by others", DIR_ITSELF, others_enter, JIT_E_MODE },
	{ "locker is a link", DIR_ITSELF, to_link, JIT_E_FORMAT },
	{ "foreign locker", DIR_ITSELF, foreign, JIT_E_OWNER },
	{ "jit-cert entered by others", TOP, others_enter, JIT_E_MODE },
	{ "jit-cert is a link", TOP, to_link, JIT_E_FORMAT },
	{ "foreign jit-cert", TOP, foreign, JIT_E_OWNER },
	{ "base written by others", BASE, others_write, JIT_E_MODE },
	{ "foreign base", BASE, foreign, JIT_E_OWNER },
	{ "base written by others, sticky", BASE, sticky, JIT_OK },
	{ "base is a link", BASE, to_link, JIT_OK },
};

static const char *
harmed_path(const char *base, int what)
{
	static char path[4096];

	if (what >= 0)
		return file(base, (enum locker_file)what);
	(void)snprintf(path, sizeof(path), "%s%s", base,
	    what == BASE ? "" : what == TOP ? "/jit-cert" : "/jit-cert/" ID);
	return path;
}

static void
bad(void **state)
{
	const struct bad_row *r = *state;
	const char *base = base_of(r->name);
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *p = NULL;
	JIT_DONE(locker_done) struct locker l = { 0 };
	struct jit_why why = { 0 };
	struct ulid *ids = NULL;
	size_t n;
	enum jit_err e;

	/* Before anything is owned: skip() frees nothing. */
	if (r->harm == foreign && geteuid() != 0) {
		print_message("only root can give a file away\n");
		skip();
	}
	p = ag_key(SSH_ED25519);
	JT_WHY(put(base, &id, p, &why), JIT_OK, &why);
	r->harm(harmed_path(base, r->what));
	JT_WHY(locker_get(base, &id, &l, &why), r->want, &why);
	if (r->want != JIT_OK) {
		assert_null(l.priv);
		assert_null(l.secret.p);
		assert_non_null(strstr(why.msg, harmed_path(base, r->what)));
	}
	e = locker_list(base, &ids, &n, &why);
	free(ids);
	JT_WHY(e, r->what == TOP || r->what == BASE ? r->want : JIT_OK, &why);
	/* Its files may be in any state; its directories may not. */
	if (r->what >= 0 && r->harm != a_dir) {
		JT_WHY(locker_remove(base, &id, &why), JIT_OK, &why);
		assert_int_not_equal(access(dir_of(base), F_OK), 0);
	} else if (r->want != JIT_OK) {
		JT_WHY(locker_remove(base, &id, &why), r->want, &why);
	}
	(void)unlink(ag_tmp("second-name", ""));
}

/* Every cut and every bit of key.jit is noticed. */
struct variant { const char *base; };

static void
variant(void *arg, struct span s)
{
	const struct variant *v = arg;
	JIT_DONE(locker_done) struct locker l = { 0 };

	jt_write(file(v->base, LOCKER_KEY_JIT), s);
	JT_ERR(locker_get(v->base, &id, &l, NULL), JIT_E_FORMAT);
}

static void
variants(void **state)
{
	struct variant v = { base_of("variants") };
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *p = ag_key(SSH_ED25519);
	JIT_DONE(buf_done) struct buf good = { NULL, 0 };
	JIT_DONE(locker_done) struct locker l = { 0 };

	(void)state;
	JT_OK(put(v.base, &id, p, NULL));
	good = jt_file(file(v.base, LOCKER_KEY_JIT));
	jt_flip_truncate(BUF_SPAN(good), variant, &v);
	jt_write(file(v.base, LOCKER_KEY_JIT), BUF_SPAN(good));
	JT_OK(locker_get(v.base, &id, &l, NULL));
}

/* ---- putting ---- */

static void
puts_(void **state)
{
	const char *base = base_of("puts"), *deep = ag_tmp("puts-base",
	    "/a/b/c");
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *p = ag_key(SSH_ED25519);
	JIT_DONE(wr_done) struct wr w = WR_INIT(1u << 20);
	struct rng rng = rand_system();
	struct jit_why why = { 0 };
	char longer[5000];

	(void)state;
	/* The state directory may not be there yet. */
	JT_WHY(put(deep, &id, p, &why), JIT_OK, &why);
	assert_int_equal(mode_of(ag_tmp("puts-base/a", "")), 0700);
	/* A text that is too long leaves nothing behind. */
	while (w.n <= LOCKER_TEXT_MAX)
		wr_str(&w, "xxxxxxxx");
	JT_ERR(locker_put(base, &id, p, SPAN(secret, 32), wr_view(&w), "c",
	    &rng, &why), JIT_E_SIZE);
	assert_int_not_equal(access(dir_of(base), F_OK), 0);
	JT_ERR(locker_put(base, &id, p, SPAN(secret, 31), span_str("x"), "c",
	    &rng, &why), JIT_E_ARG);
	JT_ERR(put("relative", &id, p, &why), JIT_E_ARG);
	JT_ERR(put("", &id, p, &why), JIT_E_ARG);
	memset(longer, 'a', sizeof(longer));
	longer[0] = '/';
	longer[sizeof(longer) - 1] = '\0';
	JT_ERR(put(longer, &id, p, &why), JIT_E_ARG);
	/* Not into a base that others may write. */
	assert_int_equal(chmod(base, 0777), 0);
	JT_ERR(put(base, &id, p, &why), JIT_E_MODE);
	/* Not over a file. */
	jt_write(ag_tmp("puts-file", ""), span_str("x"));
	JT_ERR(put(ag_tmp("puts-file", ""), &id, p, &why), JIT_E_IO);
}

/* ---- removing ---- */

/* The bytes are gone, not the name alone: seen through an open descriptor. */
static void
wipes(void **state)
{
	const char *base = base_of("wipes");
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *p = ag_key(SSH_ED25519);
	static const enum locker_file f[3] = { LOCKER_SECRET_FILE, LOCKER_KEY,
		LOCKER_KEY_JIT };
	char target[4096], bytes[4096];
	int fd[3];

	(void)state;
	JT_OK(put(base, &id, p, NULL));
	for (size_t i = 0; i < 3; i++)
		assert_true((fd[i] = open(file(base, f[i]), O_RDONLY)) >= 0);
	/* What a crash leaves, and a link to what is not ours to wipe. */
	(void)snprintf(target, sizeof(target), "%s/key.1-0.tmp",
	    dir_of(base));
	jt_write(target, span_str("half a key"));
	jt_write(ag_tmp("not-ours", ""), span_str("keep me"));
	(void)snprintf(target, sizeof(target), "%s/link", dir_of(base));
	assert_int_equal(symlink(ag_tmp("not-ours", ""), target), 0);
	(void)snprintf(target, sizeof(target), "%s/hard", dir_of(base));
	assert_int_equal(link(ag_tmp("not-ours", ""), target), 0);
	JT_OK(locker_remove(base, &id, NULL));
	assert_int_not_equal(access(dir_of(base), F_OK), 0);
	for (size_t i = 0; i < 3; i++) {
		ssize_t n = read(fd[i], bytes, sizeof(bytes));

		assert_true(n >= LOCKER_SECRET);
		for (ssize_t k = 0; k < n; k++)
			assert_int_equal(bytes[k], 0);
		(void)close(fd[i]);
	}
	JIT_DONE(buf_done) struct buf kept = jt_file(ag_tmp("not-ours", ""));
	assert_true(span_eq_str(BUF_SPAN(kept), "keep me"));
}

/* The key alone goes; what is left still says which request it was. */
static void
forgets_key(void **state)
{
	const char *base = base_of("forgets");
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *p = ag_key(SSH_ED25519);
	JIT_DONE(locker_done) struct locker l = { 0 };

	(void)state;
	JT_ERR(locker_forget_key(base, &id, NULL), JIT_E_UNKNOWN);
	JT_OK(put(base, &id, p, NULL));
	JT_OK(locker_forget_key(base, &id, NULL));
	assert_int_not_equal(access(file(base, LOCKER_KEY), F_OK), 0);
	assert_int_not_equal(access(file(base, LOCKER_KEY_JIT), F_OK), 0);
	assert_int_equal(access(file(base, LOCKER_REQUEST), F_OK), 0);
	JT_ERR(locker_get(base, &id, &l, NULL), JIT_E_UNKNOWN);
	JT_OK(locker_forget_key(base, &id, NULL));
	JT_OK(locker_remove(base, &id, NULL));
}

int
main(void)
{
	return JT_ROWS("there and back", there_and_back, keys) +
	    jt_one("certificate", certificate) + jt_one("list", list) +
	    JT_ROWS("bad", bad, bads) + jt_one("variants", variants) +
	    jt_one("puts", puts_) + jt_one("wipes", wipes) +
	    jt_one("forgets the key", forgets_key);
}
