/*
 * krl against OpenSSH: what we write, ssh-keygen -Q reads and judges as we do;
 * what ssh-keygen -k writes, we read and judge as it does (case 30).  On
 * every certificate of a mix: each end of each run, its neighbours, other
 * CAs, key ids, keys.
 */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca/ssh/cert.h"
#include "ca/ssh/krl.h"
#include "tests/ca/ssh/keygen.h"
#include "tests/lib/run.h"

#define NOW ((utc_s)1795471200)
#define LAST UINT64_MAX
static const uint8_t nonce[32] = "thirty-two bytes of a fixed non";

/* Keys: two CAs, two subjects; as files "k0.pub" and, private, "k0". */
#define KEYS 4
static struct ssh_priv *priv[KEYS];
#define KEY(i) ssh_priv_public(priv[i])
static const char *const ids[] = { "alice:01", "alice:02", "bob" };

/* ---- what is revoked ---- */

struct run { uint64_t lo, hi, step; };

struct mix {
	const char *name;
	struct run runs[8];	/* of CA 0 */
	const char *ids[3];
	const char *keys;	/* "2": the key of that number, explicitly */
	const char *hashed;	/* ssh-keygen's only: "sha256:", "sha1:" */
	bool every_ca;		/* ssh-keygen's only: of every CA */
};

static const struct mix mixes[] = {
	{ .name = "nothing" },
	{ .name = "one", .runs = { { 7, 7, 1 } } },
	{ .name = "a list", .runs = { { 1, 1, 1 }, { 5000, 5000, 1 },
	    { 90000, 90000, 1 }, { 1u << 31, 1u << 31, 1 },
	    { 1ull << 63, 1ull << 63, 1 } } },
	{ .name = "ranges", .runs = { { 10, 1000, 1 }, { 5000, 99999, 1 },
	    { 1ull << 40, (1ull << 40) + 5000, 1 } } },
	{ .name = "a bitmap", .runs = { { 30, 230, 2 }, { 240, 245, 1 },
	    { 300, 380, 5 } } },
	{ .name = "a bitmap of 16,384 bits", .runs = { { 3, 3 + 16380, 60 },
	    { 3 + 16383, 3 + 16383, 1 } } },
	{ .name = "all three", .runs = { { 5, 5, 1 }, { 4000, 4000, 1 },
	    { 10000, 60000, 1 }, { 60010, 60250, 3 }, { 60300, 60999, 1 },
	    { 61010, 61200, 2 }, { 1ull << 33, 1ull << 33, 1 },
	    { 1ull << 34, (1ull << 34) + 40, 1 } } },
	{ .name = "bytes full and one over", .runs = { { 100, 106, 1 },
	    { 1000, 1007, 1 }, { 2000, 2008, 1 }, { 3000, 3006, 2 },
	    { 4000, 4007, 7 }, { 5000, 5008, 8 }, { 6000, 6016, 16 } } },
	{ .name = "up to the last", .runs = { { LAST - 9000, LAST - 5000, 1 },
	    { LAST - 400, LAST - 300, 2 }, { LAST - 5, LAST, 1 } } },
	{ .name = "a range to the last", .runs = { { LAST - 500, LAST, 1 } } },
	{ .name = "key ids", .ids = { "alice:02", "bob" } },
	{ .name = "serials and key ids", .runs = { { 7, 9, 1 },
	    { 50, 90, 2 } }, .ids = { "alice:01" } },
	{ .name = "a subject's key", .runs = { { 7, 9, 1 } }, .keys = "2" },
	{ .name = "the CA's key", .runs = { { 7, 9, 1 } }, .keys = "0" },
	{ .name = "another CA's key", .keys = "1" },
	{ .name = "all keys", .keys = "0123" },
	{ .name = "a subject's SHA-256", .keys = "2", .hashed = "sha256: " },
	{ .name = "the CA's SHA-256", .keys = "0", .hashed = "sha256: " },
	{ .name = "a subject's SHA-1", .keys = "2", .hashed = "sha1: " },
	{ .name = "the CA's SHA-1", .keys = "0", .hashed = "sha1: " },
	{ .name = "several hashes", .keys = "123", .hashed = "sha256: " },
	{ .name = "serials of every CA", .runs = { { 7, 9, 1 },
	    { 50, 90, 2 }, { 300, 900, 1 } }, .every_ca = true },
	{ .name = "key ids of every CA", .ids = { "alice:01" },
	    .every_ca = true },
};

#define RUNS 8
static size_t
steps(const struct run *r)
{
	return r->step == 0 ? 0 : (size_t)((r->hi - r->lo) / r->step) + 1;
}

static size_t
serials_of(const struct mix *m, uint64_t **ret)
{
	size_t n = 0, at = 0;

	for (size_t i = 0; i < RUNS; i++)
		n += steps(&m->runs[i]);
	*ret = calloc(n + 1, sizeof(**ret));
	assert_non_null(*ret);
	for (size_t i = 0; i < RUNS; i++)
		for (size_t k = 0; k < steps(&m->runs[i]); k++)
			(*ret)[at++] = m->runs[i].lo + k * m->runs[i].step;
	return n;
}

/* By the mix itself, without any list. */
static bool
serial_is_in(const struct mix *m, uint64_t s)
{
	for (size_t i = 0; i < RUNS; i++) {
		const struct run *r = &m->runs[i];

		if (r->step != 0 && s >= r->lo && s <= r->hi &&
		    (s - r->lo) % r->step == 0)
			return true;
	}
	return false;
}

static bool
id_is_in(const struct mix *m, const char *id)
{
	for (size_t i = 0; i < 3 && m->ids[i] != NULL; i++)
		if (strcmp(m->ids[i], id) == 0)
			return true;
	return false;
}

static bool
key_is_in(const struct mix *m, unsigned key)
{
	return m->keys != NULL && strchr(m->keys, (int)('0' + key)) != NULL;
}

/* ---- what is asked ---- */

/* A certificate, or with ca == KEYS a plain key. */
struct probe {
	unsigned ca, subject;
	uint64_t serial;
	const char *id;
	char path[600];
};
#define PROBES_MAX 1000
struct probes { struct probe v[PROBES_MAX]; size_t n; };

static bool
truth(const struct mix *m, const struct probe *p)
{
	if (p->ca == KEYS)
		return key_is_in(m, p->subject);
	return key_is_in(m, p->subject) || key_is_in(m, p->ca) ||
	    ((p->ca == 0 || m->every_ca) &&
	    (id_is_in(m, p->id) || serial_is_in(m, p->serial)));
}

static void
save_cert(const struct probe *p)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(SSH_CERT_MAX);
	JIT_DONE(wr_done) struct wr line = WR_INIT(4 * SSH_CERT_MAX);
	const struct span dba = span_str("dba");
	const struct ssh_cert_fields f = { .serial = p->serial,
	    .type = SSH_CERT_USER, .key_id = span_str(p->id),
	    .principals = &dba, .n_principals = 1, .after = NOW,
	    .before = NOW + 60 };

	JT_OK(ssh_cert_make(&f, KEY(p->subject), priv[p->ca], nonce, &w,
	    NULL));
	ssh_cert_put_line(&line, wr_view(&w), "x");
	jt_write(p->path, wr_view(&line));
}

/* Our certificates have no serial 0, ssh-keygen's may. */
static void
save_unnumbered(const struct probe *p)
{
	char ca[32], pub[32], made[32];

	(void)snprintf(ca, sizeof(ca), "k%u", p->ca);
	(void)snprintf(pub, sizeof(pub), "k%u.pub", p->subject);
	(void)snprintf(made, sizeof(made), "k%u-cert.pub", p->subject);
	assert_int_equal(kg_run(SPAN_NONE, NULL, "-q", "-s", kg_tmp(ca),
	    "-I", p->id, "-n", "dba", "-z", "0", kg_tmp(pub), (char *)NULL),
	    0);
	JIT_DONE(buf_done) struct buf line = jt_file(kg_tmp(made));
	jt_write(p->path, BUF_SPAN(line));
}

static void
ask(struct probes *all, unsigned ca, unsigned subject, uint64_t serial,
    const char *id)
{
	struct probe *p = &all->v[all->n];

	assert_true(all->n < PROBES_MAX);
	*p = (struct probe){ ca, subject, serial, id, "" };
	if (ca == KEYS)
		(void)snprintf(p->path, sizeof(p->path), "%s/k%u.pub",
		    jt_tmpdir(), subject);
	else
		(void)snprintf(p->path, sizeof(p->path), "%s/c%u-%u-%" PRIu64
		    "-%s-cert.pub", jt_tmpdir(), ca, subject, serial, id);
	all->n++;
	if (access(p->path, R_OK) == 0)
		return;		/* another mix asked for it */
	if (serial == 0)
		save_unnumbered(p);
	else
		save_cert(p);
}

/* Numbers around one; 0 has its own probes. */
static void
ask_around(struct probes *all, uint64_t serial)
{
	for (uint64_t s = serial - 1, i = 0; i < 3; s++, i++)
		if (s != 0)
			ask(all, 0, 2, s, "nobody");
}

static void
ask_all(struct probes *all, const struct mix *m)
{
	for (size_t i = 0; i < RUNS; i++) {
		const struct run *r = &m->runs[i];
		size_t n = steps(r), by = n / 10 + 1;

		if (n == 0)
			continue;
		for (size_t k = 0; k < n; k += by)
			ask_around(all, r->lo + k * r->step);
		ask_around(all, r->hi);
		ask(all, 1, 2, r->lo, "nobody");	/* another CA's */
	}
	ask(all, 0, 3, 12345678901, "nobody");
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		for (unsigned ca = 0; ca < 2; ca++) {
			ask(all, ca, 3, 12345678902, ids[i]);
			ask(all, ca, 2, 0, ids[i]);
		}
	for (unsigned key = 0; key < KEYS; key++) {
		ask(all, KEYS, key, 0, "");
		ask(all, 0, key, 12345678903, "nobody");
		ask(all, 1, key, 12345678903, "nobody");
	}
}

/* ---- both judge ---- */

static bool
we_say(const struct krl *k, const struct probe *p)
{
	return krl_is_revoked(k, p->ca == KEYS ? NULL : KEY(p->ca),
	    p->serial, span_str(p->id), KEY(p->subject));
}

/* ssh-keygen -Q prints "path (comment): ok" or "REVOKED", in our order. */
static bool
keygen_says(struct span *out, const struct probe *p)
{
	struct span line = SPAN_NONE;
	size_t n = strlen(p->path);

	assert_true(span_take_line(out, &line));
	assert_true(line.n > n && memcmp(line.p, p->path, n) == 0);
	if (line.n > 9 && memcmp(line.p + line.n - 9, ": REVOKED", 9) == 0)
		return true;
	assert_true(line.n > 4 && memcmp(line.p + line.n - 4, ": ok", 4) == 0);
	return false;
}

static void
agree(const struct mix *m, const struct probes *all, const char *path)
{
	JIT_DONE(buf_done) struct buf out = { NULL, 0 };
	JIT_DONE(buf_done) struct buf bytes = jt_file(path);
	JIT_SCOPED(krl_free) struct krl *k = NULL;
	JIT_SCOPED(free) const char **argv = calloc(all->n + 6,
	    sizeof(*argv));
	struct jit_why why = { JIT_OK, "" };
	struct span text;
	bool any = false;

	assert_non_null(argv);
	argv[0] = "ssh-keygen";
	argv[1] = "-Q";
	argv[2] = "-f";
	argv[3] = path;
	for (size_t i = 0; i < all->n; i++) {
		argv[4 + i] = all->v[i].path;
		any = any || truth(m, &all->v[i]);
	}
	JT_WHY(krl_parse(BUF_SPAN(bytes), &k, &why), JIT_OK, &why);
	assert_int_equal(jt_run(argv, SPAN_NONE, &out), any);
	text = BUF_SPAN(out);
	for (size_t i = 0; i < all->n; i++) {
		const struct probe *p = &all->v[i];
		bool want = truth(m, p), ours = we_say(k, p);
		bool theirs = keygen_says(&text, p);

		if (ours != want || theirs != want)
			fail_msg("CA %u serial %" PRIu64 " id %s key %u: is "
			    "%d, we say %d, ssh-keygen %d", p->ca, p->serial,
			    p->id, p->subject, want, ours, theirs);
	}
	assert_int_equal(text.n, 0);
	/* And it can be shown. */
	JIT_DONE(buf_done) struct buf shown = { NULL, 0 };
	assert_int_equal(kg_run(SPAN_NONE, &shown, "-Q", "-l", "-f", path,
	    (char *)NULL), 0);
	assert_non_null(strstr((const char *)shown.p, "# KRL version 9"));
}

/* What we would publish for that mix. */
static void
make_ours(const struct mix *m, struct wr *w)
{
	JIT_SCOPED(free) uint64_t *serials = NULL;
	struct span names[3];
	const struct ssh_key *keys[KEYS];
	struct krl_section sec = { .ca = KEY(0), .key_ids = names };
	struct krl_spec s = { 9, NOW, span_str("jit log.example"), &sec, 1,
	    keys, 0 };
	struct jit_why why = { JIT_OK, "" };

	sec.n_serials = serials_of(m, &serials);
	sec.serials = serials;
	for (; sec.n_key_ids < 3 && m->ids[sec.n_key_ids] != NULL;
	    sec.n_key_ids++)
		names[sec.n_key_ids] = span_str(m->ids[sec.n_key_ids]);
	for (unsigned i = 0; i < KEYS; i++)
		if (key_is_in(m, i))
			keys[s.n_keys++] = KEY(i);
	JT_WHY(krl_make(w, &s, &why), JIT_OK, &why);
}

/* The mix as ssh-keygen's own list of what to revoke. */
static void
put_keygen_spec(struct wr *w, const struct mix *m)
{
	for (size_t i = 0; i < RUNS; i++) {
		const struct run *r = &m->runs[i];

		/* "7-7" is no range for it. */
		if (r->step == 1 && r->lo < r->hi) {
			wr_fmt(w, "serial: %" PRIu64 "-%" PRIu64 "\n", r->lo,
			    r->hi);
			continue;
		}
		for (size_t k = 0; k < steps(r); k++)
			wr_fmt(w, "serial: %" PRIu64 "\n",
			    r->lo + k * r->step);
	}
	for (size_t i = 0; i < 3 && m->ids[i] != NULL; i++)
		wr_fmt(w, "id: %s\n", m->ids[i]);
	for (unsigned i = 0; i < KEYS; i++) {
		if (!key_is_in(m, i))
			continue;
		wr_str(w, m->hashed != NULL ? m->hashed : "key: ");
		ssh_key_put_line(w, KEY(i), NULL);
		wr_str(w, "\n");
	}
}

static int
keygen_writes(const struct mix *m, const char *path)
{
	JIT_DONE(wr_done) struct wr text = WR_INIT(1u << 20);

	put_keygen_spec(&text, m);
	JT_OK(text.err);
	jt_write(kg_tmp("spec"), wr_view(&text));
	return kg_run(SPAN_NONE, NULL, "-q", "-k", "-f", path, "-s",
	    m->every_ca ? "none" : kg_tmp("k0.pub"), "-z", "9",
	    kg_tmp("spec"), (char *)NULL);
}

static void
both(void **state)
{
	const struct mix *m = *state;
	JIT_DONE(wr_done) struct wr ours = WR_INIT(KRL_MAX);
	JIT_SCOPED(free) struct probes *all = calloc(1, sizeof(*all));
	char path[600];

	assert_non_null(all);
	(void)snprintf(path, sizeof(path), "%s", kg_tmp("krl"));
	ask_all(all, m);
	assert_int_equal(keygen_writes(m, path), 0);
	agree(m, all, path);
	JIT_DONE(buf_done) struct buf theirs = jt_file(path);
	if (m->hashed != NULL || m->every_ca)
		return;
	make_ours(m, &ours);
	jt_write(path, wr_view(&ours));
	agree(m, all, path);
	/* ssh-keygen leaves the comment out, which ours has. */
	assert_true(ours.n <= theirs.n + 15);
}

/* ssh-keygen -k -u: more is revoked in a list that is there. */
static void
updated(void **state)
{
	static const struct mix first = { .name = "", .runs = {
	    { 100, 200, 1 } }, .ids = { "bob" } };
	static const struct mix sum = { .name = "", .runs = { { 100, 200, 1 },
	    { 300, 400, 2 }, { 1000, 1000, 1 } }, .ids = { "bob",
	    "alice:01" }, .keys = "3" };
	JIT_DONE(wr_done) struct wr w = WR_INIT(KRL_MAX);
	JIT_SCOPED(free) struct probes *all = calloc(1, sizeof(*all));
	JIT_DONE(wr_done) struct wr text = WR_INIT(1u << 20);
	char path[600];

	(void)state;
	assert_non_null(all);
	(void)snprintf(path, sizeof(path), "%s", kg_tmp("krl"));
	make_ours(&first, &w);
	jt_write(path, wr_view(&w));
	put_keygen_spec(&text, &sum);
	jt_write(kg_tmp("spec"), wr_view(&text));
	assert_int_equal(kg_run(SPAN_NONE, NULL, "-q", "-k", "-u", "-f", path,
	    "-s", kg_tmp("k0.pub"), "-z", "9", kg_tmp("spec"), (char *)NULL),
	    0);
	ask_all(all, &sum);
	agree(&sum, all, path);
}

/*
 * The trap: ssh-keygen 9.2 writes a bitmap that neither it nor sshd can read
 * back.  Ours of the same serials is read.
 */
static void
trap(void **state)
{
	static const struct mix m = { .name = "", .runs = {
	    { 2, 2 + 20000, 2 } } };
	JIT_DONE(wr_done) struct wr ours = WR_INIT(KRL_MAX);
	JIT_SCOPED(free) struct probes *all = calloc(1, sizeof(*all));
	JIT_SCOPED(krl_free) struct krl *k = NULL;
	char path[600];

	(void)state;
	assert_non_null(all);
	(void)snprintf(path, sizeof(path), "%s", kg_tmp("krl"));
	ask_all(all, &m);
	/* A newer ssh-keygen may refuse, or know better. */
	if (keygen_writes(&m, path) == 0) {
		JIT_DONE(buf_done) struct buf theirs = jt_file(path);
		int read = kg_run(SPAN_NONE, NULL, "-Q", "-l", "-f", path,
		    (char *)NULL);

		JT_ERR(krl_parse(BUF_SPAN(theirs), &k, NULL),
		    read == 0 ? JIT_OK : JIT_E_FORMAT);
	}
	make_ours(&m, &ours);
	jt_write(path, wr_view(&ours));
	agree(&m, all, path);
}

/* Damaged: sshd reads whatever we do, so that what we checked is no outage. */
static void
they_read_it_too(void *arg, struct span bytes)
{
	JIT_SCOPED(krl_free) struct krl *k = NULL;
	size_t *read = arg;

	if (krl_parse(bytes, &k, NULL) != JIT_OK)
		return;
	++*read;
	jt_write(kg_tmp("krl"), bytes);
	assert_int_equal(kg_run(SPAN_NONE, NULL, "-Q", "-l", "-f",
	    kg_tmp("krl"), (char *)NULL), 0);
}

static void
damaged(void **state)
{
	static const struct mix m = { .name = "", .runs = { { 5, 5, 1 },
	    { 4000, 4000, 1 }, { 10000, 60000, 1 }, { 60010, 60250, 3 },
	    { LAST - 5, LAST, 1 } }, .ids = { "bob", "alice:01" },
	    .keys = "13" };
	JIT_DONE(wr_done) struct wr w = WR_INIT(KRL_MAX);
	size_t read = 0;

	(void)state;
	make_ours(&m, &w);
	jt_flip_truncate_max(wr_view(&w), 150, they_read_it_too, &read);
	assert_true(read > 20);
}

static int
save_keys(void)
{
	uint64_t n = 1;
	struct rng rng = rand_counter(&n);

	for (unsigned i = 0; i < KEYS; i++) {
		JIT_DONE(wr_done) struct wr file = WR_INIT(16384);
		JIT_DONE(wr_done) struct wr line = WR_INIT(16384);
		char name[16], pub[16];

		(void)snprintf(name, sizeof(name), "k%u", i);
		(void)snprintf(pub, sizeof(pub), "k%u.pub", i);
		/* Of each sort one; the CAs have to be of two types too. */
		if (ssh_priv_generate(i % 2 ? SSH_ECDSA_P256 : SSH_ED25519, 0,
		    &rng, &priv[i], NULL) != JIT_OK ||
		    ssh_priv_put_file(priv[i], name, &rng, &file) != JIT_OK)
			return -1;
		ssh_key_put_line(&line, KEY(i), name);
		wr_str(&line, "\n");
		jt_write(kg_tmp(name), wr_view(&file));
		jt_write(kg_tmp(pub), wr_view(&line));
	}
	return 0;
}

int
main(void)
{
	int failed;

	if (save_keys() != 0)
		return 1;
	failed = JT_ROWS("ssh-keygen and we", both, mixes) +
	    jt_one("ssh-keygen updates ours", updated) +
	    jt_one("a bitmap that nobody reads", trap) +
	    jt_one("damaged", damaged);
	for (unsigned i = 0; i < KEYS; i++)
		ssh_priv_free(priv[i]);
	return failed;
}
