/*
 * view - what the database of jit-certd costs: made anew from a log of N
 * requests (1,000,000 unless an argument says another), and pages of every
 * filter, at its beginning, in its middle and at its end.
 *
 *	view [N] [SPREAD]
 *
 * SPREAD is the seconds between two requests (150: five years of them, of
 * which few are open; 0: all of them are).  The log has no signatures that
 * hold: the view verifies none.
 */
#define _GNU_SOURCE
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/view/view.h"
#include "ca/grant/decision.h"
#include "ca/grant/record.h"
#include "ca/ssh/cert.h"
#include "tests/bench/bench.h"

#define PEOPLE 1000
#define ROLES 50
#define BATCH 512		/* requests */
#define TEXT (1u << 16)
#define T0 ((utc_s)1700000000)
#define HOUR 3600

static struct ssh_priv *ca;
static struct tlog_vkey vkey;
static char log_id[TLOG_LOGID_TEXT];
static struct buf cert_sig;
static struct view *view;
static uint64_t seed = 7, entries, serial, n_requests;
static utc_s spread = 150, now;
static double applied;		/* CPU seconds inside the view */
static struct rng rng;

/* A batch, made before it is timed. */
static struct entry batch[BATCH * 4];
static struct buf bodies[BATCH * 4];
static size_t n_batch;

static uint64_t
chance(uint64_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (seed >> 33) % below;
}

static double
cpu(void)
{
	return bench_now(CLOCK_PROCESS_CPUTIME_ID);
}

static void
apply_batch(void)
{
	double from = cpu();
	struct jit_why why = { 0 };
	enum jit_err e = view_begin(view, &why);

	for (size_t i = 0; e == JIT_OK && i < n_batch; i++)
		e = view_apply(view, &batch[i], &why);
	if (e == JIT_OK)
		e = view_commit(view, &why);
	applied += cpu() - from;
	if (e != JIT_OK) {
		(void)fprintf(stderr, "%s\n", jit_why_text(&why, e));
		exit(1);
	}
	for (size_t i = 0; i < n_batch; i++)
		buf_done(&bodies[i]);
	n_batch = 0;
}

/* Takes w's bytes. */
static void
add(enum entry_type t, struct wr *w)
{
	struct entry *e = &batch[n_batch];

	NEED(wr_take(w, &bodies[n_batch]));
	*e = (struct entry){ .type = (uint8_t)t, .time = now,
	    .index = entries++, .body = BUF_SPAN(bodies[n_batch]) };
	NEED(entry_seal(e));
	n_batch++;
}

static void
add_signed(enum entry_type t, struct span text)
{
	static const uint8_t sig[180];
	const struct rec_signed s = { text, SPAN(sig, 180), SPAN(sig, 180) };
	JIT_DONE(wr_done) struct wr w = WR_INIT(TEXT);

	rec_put_signed(&w, t, &s);
	add(t, &w);
}

/* ---- the beginning of a log ---- */

static void
add_block(struct policy *p, struct span text)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(TEXT);
	struct block *b = NULL;

	wr_span(&w, text);
	NEED(block_parse(text, &b, NULL));
	NEED(policy_add(p, b, NULL));
	add(ENTRY_BLOB, &w);
}

static void
add_person(struct policy *p, const char *name, const char *group)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(TEXT);
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *k = NULL;

	NEED(ssh_priv_generate(SSH_ED25519, 0, &rng, &k, NULL));
	wr_fmt(&w, "jit-cert person v1\nname: %s\ngroup: %s\nkey: ", name,
	    group);
	ssh_key_put_line(&w, ssh_priv_public(k), NULL);
	wr_str(&w, "\n");
	add_block(p, wr_view(&w));
}

static void
begin_log(void)
{
	JIT_SCOPED(policy_free) struct policy *p = NULL;
	JIT_DONE(wr_done) struct wr g = WR_INIT(TEXT), w = WR_INIT(TEXT);
	struct rec_genesis gen = { .log = vkey,
	    .user_ca = ssh_key_blob(ssh_priv_public(ca)), .need = 1,
	    .n_admins = 1 };

	gen.admins[0] = (struct rec_admin){ .name = span_str("dana"),
	    .n_keys = 1, .keys = { gen.user_ca } };
	rec_put_genesis(&g, &gen);
	add(ENTRY_GENESIS, &g);
	NEED(policy_new(&p));
	add_block(p, span_str("jit-cert settings v1\nlog: bench\n"
	    "rsa-min: 3072\n"));
	add_block(p, span_str("jit-cert admins v1\nneed: 1\nof: admins\n"));
	add_person(p, "dana", "admins");
	NEED(rec_put_policy(&w, p));
	add(ENTRY_POLICY, &w);
	apply_batch();
}

/* ---- requests ---- */

static void
put_cert(struct wr *w, const struct request *r)
{
	static const uint8_t nonce[32];
	const struct ssh_key *key = ssh_priv_public(ca);
	struct ssh_cert_fields f = { .serial = ++serial,
	    .type = SSH_CERT_USER, .principals = r->principals,
	    .n_principals = r->n_principals, .after = now - 30,
	    .before = now + r->duration };
	char key_id[96];

	(void)snprintf(key_id, sizeof(key_id), "someone:%s:digest", r->id.s);
	f.key_id = span_str(key_id);
	NEED(ssh_cert_put_tbs(w, &f, key, key, nonce, NULL));
	wr_string(w, BUF_SPAN(cert_sig));
}

static void
decide(const struct request *r, struct span text, enum verdict v)
{
	const struct decision d = { .log = r->log, .verdict = v,
	    .approver = span_str("p0001"), .decided = now,
	    .request = r->id, .request_text = text };
	JIT_DONE(wr_done) struct wr w = WR_INIT(TEXT);

	decision_put(&w, &d);
	NEED(w.err);
	add_signed(ENTRY_DECISION, wr_view(&w));
}

static void
cancel(const struct request *r, struct span text)
{
	struct act a = { .kind = ACT_CANCEL, .log = r->log,
	    .by = r->requester, .at = now, .request = r->id };
	JIT_DONE(wr_done) struct wr w = WR_INIT(TEXT);

	NEED(digest_sha256(text, &a.digest));
	act_put(&w, &a);
	NEED(w.err);
	add_signed(ENTRY_CANCEL, wr_view(&w));
}

static void
issue(const struct request *r, uint64_t index)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(TEXT), c = WR_INIT(TEXT);
	struct rec_issued i = { .request = r->id, .request_index = index,
	    .policy_index = 4, .n_approvals = 1 };

	put_cert(&c, r);
	i.cert = wr_view(&c);
	i.approvals[0] = entries - 1;
	rec_put_issued(&w, &i);
	add(ENTRY_ISSUED, &w);
}

static void
one_request(void)
{
	static const char fp[] =
	    "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";
	JIT_DONE(wr_done) struct wr w = WR_INIT(TEXT);
	char who[16], role[16], reason[64];
	uint64_t what = chance(10), index = entries;
	struct request r = { .log = span_str(log_id),
	    .certify_type = span_str("ssh-ed25519"), .certify = span_str(fp),
	    .principals = { span_str("dba.prod-db") }, .n_principals = 1,
	    .created = now, .opens = now, .closes = now + 8 * HOUR,
	    .duration = HOUR };

	(void)snprintf(who, sizeof(who), "p%04u", (unsigned)chance(PEOPLE));
	(void)snprintf(role, sizeof(role), "role-%02u",
	    (unsigned)chance(ROLES));
	(void)snprintf(reason, sizeof(reason), "INC-%llu payments are stuck "
	    "in the queue", (unsigned long long)n_requests++);
	r.requester = span_str(who);
	r.role = span_str(role);
	r.reason = span_str(reason);
	NEED(ulid_make(now * 1000 + (int64_t)chance(1000), &rng, &r.id));
	request_put(&w, &r);
	NEED(w.err);
	add_signed(ENTRY_REQUEST, wr_view(&w));
	if (what == 0)
		cancel(&r, wr_view(&w));
	if (what == 0 || what == 1)
		return;
	decide(&r, wr_view(&w), what == 2 ? VERDICT_DENY : VERDICT_APPROVE);
	if (what > 2)
		issue(&r, index);
}

static void
make_all(uint64_t n)
{
	double from = cpu(), settle, wall;

	begin_log();
	applied = 0;
	for (uint64_t i = 0; i < n; i++) {
		now = T0 + (utc_s)i * spread;
		one_request();
		if (n_batch + 4 > BATCH * 4)
			apply_batch();
	}
	apply_batch();
	(void)printf("%-44s %10.1f s CPU (%.1f s to make them)\n",
	    "rebuild: entries taken", applied, cpu() - from - applied);
	wall = bench_now(CLOCK_MONOTONIC);
	settle = cpu();
	NEED(view_settle(view, NULL));
	settle = cpu() - settle;
	(void)printf("%-44s %10.1f s CPU, %.1f s with the disk\n",
	    "rebuild: indexes, sync", settle,
	    bench_now(CLOCK_MONOTONIC) - wall);
	(void)printf("%-44s %10llu, %.0f /s of one core\n", "entries",
	    (unsigned long long)entries, (double)entries / (applied + settle));
}

/* ---- pages ---- */

static struct span roles[ROLES];

static double slowest, slowest_wall;	/* ms of all pages */

/* The slowest of five by CPU, disk cache included. */
static double
page_ms(struct view_query *q, size_t *n, bool *more)
{
	double worst = 0, best_wall = 1e9;

	for (int i = 0; i < 5; i++) {
		double from = cpu(), wall = bench_now(CLOCK_MONOTONIC), took;
		JIT_DONE(view_page_done) struct view_page p = { .n = 0 };

		NEED(view_list(view, q, &p, NULL));
		took = (cpu() - from) * 1e3;
		wall = (bench_now(CLOCK_MONOTONIC) - wall) * 1e3;
		worst = took > worst ? took : worst;
		best_wall = wall < best_wall ? wall : best_wall;
		*n = p.n;
		*more = p.more;
	}
	slowest = worst > slowest ? worst : slowest;
	slowest_wall = best_wall > slowest_wall ? best_wall : slowest_wall;
	return worst;
}

static void
pages(const char *what, struct view_query q)
{
	const uint64_t place[] = { UINT64_MAX, entries / 2, entries / 1000 };

	(void)printf("  %-42s", what);
	for (int down = 1; down >= 0; down--)
		for (size_t i = 0; i < 3; i++) {
			size_t n = 0;
			bool more = false;
			double ms;

			q.newest_first = down != 0;
			q.has_after = true;
			q.after = down ? place[i] : i == 0 ? 0 :
			    entries - place[i];
			ms = page_ms(&q, &n, &more);
			(void)printf(" %5.1f(%zu%s)", ms, n,
			    more ? "+" : "");
		}
	(void)printf("\n");
}

static void
all_pages(utc_s at)
{
	static char name[ROLES][16];
	struct view_query all = { .now = at, .sees_all = true, .max = 50 }, q;
	struct span p7 = span_str("p0007"), r7 = span_str("role-07");

	for (int i = 0; i < ROLES; i++) {
		(void)snprintf(name[i], sizeof(name[i]), "role-%02d", i);
		roles[i] = span_str(name[i]);
	}
	(void)printf("pages of 50, slowest of 5, ms of CPU (rows, + more): "
	    "newest first, from its middle, at\nits end; oldest first, from "
	    "its middle, at its end\n");
	for (int who = 0; who < 6; who++)
		for (int state = VIEW_ALL; state <= VIEW_OVER; state++) {
			static const char *const ws[] = { "all", "requester",
				"role", "both", "eyes: own and 10 roles",
				"eyes: own and 50 roles" };
			static const char *const ss[] = { "", ", current",
				", pending", ", live", ", over" };
			char what[64];

			q = all;
			q.state = (enum view_state)state;
			q.requester = who == 1 || who == 3 ? p7 : SPAN_NONE;
			q.role = who == 2 || who == 3 ? r7 : SPAN_NONE;
			if (who >= 4) {
				q.sees_all = false;
				q.person = p7;
				q.roles = roles;
				q.n_roles = who == 4 ? 10 : ROLES;
			}
			(void)snprintf(what, sizeof(what), "%s%s", ws[who],
			    ss[state]);
			pages(what, q);
		}
	q = all;
	q.since = T0 + (now - T0) / 3;
	q.until = q.since + 86400;
	pages("created on one day", q);
	q = all;
	q.text = span_str("inc-77");
	pages("text, often", q);
	q.text = span_str("no such words");
	pages("text, never", q);
	q.role = r7;
	pages("text, never, of a role", q);
	q = all;
	q.max = 256;
	pages("all, 256 a page", q);
	(void)printf("%-44s %10.1f ms of CPU; by the clock, the best of its "
	    "five, %.1f ms\n", "slowest page of all", slowest, slowest_wall);
}

static void
one_get(void)
{
	JIT_DONE(view_row_done) struct view_row r = { .n_approved = 0 };
	struct ulid id;

	while (view_about(view, chance(entries), &id, NULL) != JIT_OK)
		;
	NEED(view_get(view, &id, &r, NULL));
}

static void
make_keys(void)
{
	static const struct span principal = SPAN("x", 1);
	const struct ssh_cert_fields f = { .serial = 1, .type = SSH_CERT_USER,
	    .key_id = SPAN("x", 1), .principals = &principal,
	    .n_principals = 1, .after = 1, .before = 2 };
	JIT_DONE(wr_done) struct wr w = WR_INIT(TEXT), tbs = WR_INIT(TEXT);
	static const uint8_t nonce[32];
	struct span pub;
	struct rd r;

	rng = rand_system();
	NEED(ssh_priv_generate(SSH_ED25519, 0, &rng, &ca, NULL));
	pub = ssh_key_blob(ssh_priv_public(ca));
	NEED(tlog_vkey_make("bench", pub.p + pub.n - 32, &vkey, NULL));
	tlog_vkey_logid(&vkey, log_id);
	NEED(ssh_cert_make(&f, ssh_priv_public(ca), ca, nonce, &w, NULL));
	NEED(ssh_cert_put_tbs(&tbs, &f, ssh_priv_public(ca),
	    ssh_priv_public(ca), nonce, NULL));
	r = rd_of(SPAN(w.p + tbs.n, w.n - tbs.n));
	NEED(buf_copy(&cert_sig, rd_string(&r, 1024)));
}

int
main(int argc, char **argv)
{
	uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
	const char *base = getenv("TMPDIR");
	char dir[4000], path[4096];
	struct stat st;

	if (argc > 2)
		spread = strtoll(argv[2], NULL, 10);
	make_keys();
	(void)snprintf(dir, sizeof(dir), "%s/jit-bench-XXXXXX",
	    base != NULL ? base : "/var/tmp");
	if (mkdtemp(dir) == NULL)
		return 1;
	(void)snprintf(path, sizeof(path), "%s/view.db", dir);
	NEED(view_open(path, VIEW_BULK, &vkey, &view, NULL));
	now = T0;
	make_all(n);
	bench_rss("memory while made", getpid());
	view_free(view);
	view = NULL;
	(void)sqlite3_memory_highwater(1);
	NEED(view_open(path, VIEW_USE, &vkey, &view, NULL));
	if (stat(path, &st) == 0)
		(void)printf("%-44s %10.0f MiB\n", "file",
		    (double)st.st_size / (1 << 20));
	all_pages(now);
	(void)bench_rate("one request by an entry's index, read", one_get);
	(void)printf("%-44s %10.2f MiB at most\n",
	    "memory of SQLite while asked",
	    (double)sqlite3_memory_highwater(0) / (1 << 20));
	view_free(view);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/view.db.lock", dir);
	(void)unlink(path);
	(void)rmdir(dir);
	buf_done(&cert_sig);
	ssh_priv_free(ca);
	return 0;
}
