/*
 * view_list: every filter beside what every dossier says, pages without a
 * gap or a double, and what a call with a million requests may not do.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/api/view/vt.h"

static struct logbook b;
static struct view *v;
static uint64_t seed = 11;

static uint64_t
chance(uint64_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (seed >> 33) % below;
}

static struct view_query
any(void)
{
	return (struct view_query){ .now = b.w.now, .sees_all = true,
	    .max = 7 };
}

/* ---- one filter at a time ---- */

struct filter {
	const char *name;
	enum view_state state;
	const char *requester, *role, *text, *person;
	const char *roles[3];
};

static void
set(struct view_query *q, const struct filter *f, struct span *roles)
{
	q->state = f->state;
	q->requester = f->requester == NULL ? SPAN_NONE :
	    span_str(f->requester);
	q->role = f->role == NULL ? SPAN_NONE : span_str(f->role);
	q->text = f->text == NULL ? SPAN_NONE : span_str(f->text);
	q->sees_all = f->person == NULL;
	q->person = f->person == NULL ? SPAN_NONE : span_str(f->person);
	q->roles = roles;
	for (q->n_roles = 0; q->n_roles < 3 &&
	    f->roles[q->n_roles] != NULL; q->n_roles++)
		roles[q->n_roles] = span_str(f->roles[q->n_roles]);
}

static void
filtered(void **state)
{
	const struct filter *f = *state;
	static const size_t sizes[] = { 1, 2, 7, 256 };
	struct view_query q = any();
	struct span roles[3];
	/* At every moment that something ends, and beside it. */
	const utc_s at[] = { WORLD_NOW - 1, WORLD_NOW + 3600, b.w.now - 3600,
		b.w.now, b.w.now + 8 * 3600, b.w.now + 9 * 86400 };

	set(&q, f, roles);
	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++)
		for (size_t k = 0; k < 4; k++) {
			q.now = at[i];
			q.max = sizes[k];
			q.newest_first = k % 2 != 0;
			vt_walk(v, &b, &q);
		}
}

static const struct filter filters[] = {
	{ "all", .state = VIEW_ALL },
	{ "current", .state = VIEW_CURRENT },
	{ "pending", .state = VIEW_PENDING },
	{ "live", .state = VIEW_LIVE },
	{ "over", .state = VIEW_OVER },
	{ "requester", .requester = "alice" },
	{ "nobody", .requester = "zoe" },
	{ "role", .role = "prod-db" },
	{ "no such role", .role = "prod" },
	{ "requester and role", .requester = "bob", .role = "prod-db-ro" },
	{ "live of a role", .state = VIEW_LIVE, .role = "prod-db" },
	{ "over of a requester", .state = VIEW_OVER, .requester = "carol" },
	{ "word of a reason", .text = "slow" },
	{ "word, other case", .text = "pAYmEnTS" },
	{ "part of an id", .text = "0A" },
	{ "a percent sign is one", .text = "%" },
	{ "a word nobody wrote", .text = "payments  " },
	{ "eyes: own", .person = "alice" },
	{ "eyes: own and a role", .person = "bob", .roles = { "prod-db" } },
	{ "eyes: own and two roles", .person = "bob",
	    .roles = { "prod-db-ro", "prod-db" } },
	{ "eyes: the same role twice", .person = "bob",
	    .roles = { "prod-db", "prod-db" } },
	{ "eyes: a role alone", .person = "", .roles = { "prod-db" } },
	{ "eyes: nothing", .person = "" },
	{ "eyes: another's requests", .person = "bob", .requester = "alice",
	    .roles = { "prod-db-ro" } },
	{ "eyes: another's, of a role not seen", .person = "bob",
	    .requester = "alice", .role = "prod-db",
	    .roles = { "prod-db-ro" } },
	{ "eyes: own of a role not seen", .person = "alice",
	    .role = "prod-db" },
	{ "eyes: pending", .state = VIEW_PENDING, .person = "bob",
	    .roles = { "prod-db-ro" } },
	{ "eyes: text", .text = "stuck", .person = "dan",
	    .roles = { "prod-db-ro" } },
};

/* ---- all together, by chance ---- */

static void
by_chance(void **state)
{
	static const char *const people[] = { NULL, "alice", "bob", "carol",
		"dan", "eve" };
	static const char *const words[] = { NULL, NULL, NULL, "stuck",
		"inc-1", "7" };
	static const char *const rs[] = { NULL, "prod-db", "prod-db-ro" };
	dur_s span = b.w.now - WORLD_NOW;

	(void)state;
	for (unsigned i = 0; i < 600; i++) {
		struct view_query q = any();
		struct span roles[3];
		const struct filter f = { .state = (enum view_state)chance(5),
		    .requester = chance(2) ? NULL : people[chance(6)],
		    .role = chance(2) ? NULL : rs[chance(3)],
		    .text = words[chance(6)],
		    .person = chance(2) ? NULL : people[chance(6)],
		    .roles = { rs[chance(3)] } };

		set(&q, &f, roles);
		q.now = WORLD_NOW + (utc_s)chance((uint64_t)span + 90000);
		q.since = chance(3) ? 0 : WORLD_NOW +
		    (utc_s)chance((uint64_t)span);
		q.until = chance(3) ? 0 : WORLD_NOW +
		    (utc_s)chance((uint64_t)span);
		q.max = 1 + chance(9);
		q.newest_first = chance(2) != 0;
		vt_walk(v, &b, &q);
	}
}

/* The very second in which a request becomes over. */
static void
moments(void **state)
{
	(void)state;
	for (size_t i = 0; i < b.n_matters; i += 3) {
		const struct dossier *d = b.matter[i].dossier;
		const utc_s ends[] = { d->h.request->req.closes,
			d->h.issued_until,
			d->h.request->req.closes + LEDGER_GRACE };

		for (int k = 0; k < 3; k++)
			for (int by = -1; ends[k] > 0 && by <= 1; by++)
				for (int s = VIEW_CURRENT; s <= VIEW_OVER;
				    s++) {
					struct view_query q = any();

					q.max = 64;
					q.now = ends[k] + by;
					q.state = (enum view_state)s;
					vt_walk(v, &b, &q);
				}
	}
}

/* ---- pages while the log grows ---- */

static void
growing(void **state)
{
	static const char *const names[] = { "up", "down" };

	(void)state;
	for (int down = 0; down < 2; down++) {
		JIT_SCOPED(view_free) struct view *g = vt_open(&b,
		    vt_path(names[down]), VIEW_MAKE);
		uint64_t at = b.n / 3, seen[LOGBOOK_REQUESTS], want, n = 0;
		struct view_query q = any();
		bool more = true;

		q.newest_first = down != 0;
		q.max = 3;
		vt_apply(g, &b, 0, at);
		want = at;
		while (more) {
			JIT_DONE(view_page_done) struct view_page p = {
			    .n = 0 };

			JT_OK(view_list(g, &q, &p, NULL));
			for (size_t i = 0; i < p.n; i++)
				seen[n++] = p.v[i].index;
			more = p.more;
			q.has_after = true;
			q.after = p.next;
			if (at + 5 < b.n)
				vt_apply(g, &b, at, at + 5);
			at += at + 5 < b.n ? 5 : 0;
		}
		/* Up meets what came; down only what was there. */
		for (size_t i = 0, k = 0; i < b.n_matters; i++) {
			uint64_t index =
			    b.matter[i].dossier->h.request_index;

			if (index >= (down ? want : at))
				continue;
			assert_true(k < n);
			assert_int_equal(seen[down ? n - 1 - k : k], index);
			k++;
			if (index == seen[down ? 0 : n - 1])
				assert_int_equal(k, n);
		}
	}
}

static void
edges(void **state)
{
	JIT_DONE(view_page_done) struct view_page p = { .n = 0 };
	JIT_SCOPED(view_free) struct view *bulk = vt_open(&b, vt_path("bulk"),
	    VIEW_BULK);
	struct view_query q = any();

	(void)state;
	JT_ERR(view_list(bulk, &q, &p, NULL), JIT_E_ARG);
	q.max = 0;
	JT_ERR(view_list(v, &q, &p, NULL), JIT_E_ARG);
	q.max = 257;
	JT_ERR(view_list(v, &q, &p, NULL), JIT_E_ARG);
	q.max = 256;
	q.has_after = true;
	q.after = UINT64_MAX;
	JT_OK(view_list(v, &q, &p, NULL));
	assert_true(p.n == 0 && !p.more);
	view_page_done(&p);
	q.newest_first = true;
	JT_OK(view_list(v, &q, &p, NULL));
	assert_int_equal(p.n, b.n_matters);
	view_page_done(&p);
	q.after = 0;
	JT_OK(view_list(v, &q, &p, NULL));
	assert_true(p.n == 0 && !p.more);
}

/* ---- many ---- */

#define MANY 9000

struct one {
	uint64_t index;
	unsigned who, role;
	bool cancelled;
};
static struct one many[MANY];

static void
add_text(struct view *m, struct logbook *l, uint64_t *index,
    enum entry_type t, struct span text)
{
	const struct rec_signed s = { text, span_str("s"), span_str("p") };
	JIT_DONE(wr_done) struct wr w = WR_INIT(ENTRY_BODY_MAX);
	struct entry e = { .type = (uint8_t)t, .time = l->w.now,
	    .index = *index };

	rec_put_signed(&w, t, &s);
	e.body = wr_view(&w);
	JT_OK(entry_seal(&e));
	JT_OK(view_apply(m, &e, NULL));
	++*index;
}

/* Most are pending at once; the first third is cancelled. */
static void
add_many(struct view *m, struct logbook *l)
{
	static const char *const who[] = { "p0", "p1", "p2", "p3" };
	static const char *const role[] = { "r0", "r1", "r2" };
	uint64_t index = view_size(m);

	JT_OK(view_begin(m, NULL));
	for (size_t i = 0; i < MANY; i++) {
		JIT_DONE(wr_done) struct wr w = WR_INIT(REQUEST_MAX),
		    c = WR_INIT(ACT_MAX);
		struct draft d;
		struct act a = { .kind = ACT_CANCEL, .at = l->w.now };

		world_draft(&l->w, "prod-db", K_ALICE, &d);
		many[i] = (struct one){ index, (unsigned)chance(4),
		    (unsigned)chance(3), i < MANY / 3 };
		d.req.requester = span_str(who[many[i].who]);
		d.req.role = span_str(role[many[i].role]);
		request_put(&w, &d.req);
		add_text(m, l, &index, ENTRY_REQUEST, wr_view(&w));
		if (!many[i].cancelled)
			continue;
		a.log = d.req.log;
		a.by = d.req.requester;
		a.request = d.req.id;
		JT_OK(digest_sha256(wr_view(&w), &a.digest));
		act_put(&c, &a);
		add_text(m, l, &index, ENTRY_CANCEL, wr_view(&c));
	}
	JT_OK(view_commit(m, NULL));
}

static void
walk_many(struct view *m, const struct view_query *q, unsigned who,
    unsigned role, bool eyes)
{
	struct view_query page = *q;
	size_t at = 0, short_ones = 0;
	bool more = true;

	for (size_t pages = 0; more; pages++) {
		JIT_DONE(view_page_done) struct view_page p = { .n = 0 };

		JT_OK(view_list(m, &page, &p, NULL));
		for (size_t i = 0; i < p.n; i++) {
			const struct one *o;

			do {
				assert_true(at < MANY);
				o = &many[q->newest_first ? MANY - 1 - at :
				    at];
				at++;
			} while ((who < 4 && o->who != who) ||
			    (role < 3 && o->role != role) ||
			    (eyes && o->who != 0 && o->role != 1) ||
			    (q->state == VIEW_PENDING && o->cancelled) ||
			    (q->state == VIEW_OVER && !o->cancelled));
			assert_int_equal(p.v[i].index, o->index);
		}
		short_ones += p.n < q->max && p.more;
		more = p.more;
		page.has_after = true;
		page.after = p.next;
	}
	/* A page that is not full has looked at thousands. */
	assert_true(short_ones <= 2 * MANY / 2048);
	for (; at < MANY; at++) {
		const struct one *o = &many[q->newest_first ? MANY - 1 - at :
		    at];

		assert_true((who < 4 && o->who != who) ||
		    (role < 3 && o->role != role) ||
		    (eyes && o->who != 0 && o->role != 1) ||
		    (q->state == VIEW_PENDING && o->cancelled) ||
		    (q->state == VIEW_OVER && !o->cancelled));
	}
}

static void
too_many_to_gather(void **state)
{
	static const char *const whos[] = { "p0", "p1", "p2", "p3" };
	static const char *const rs[] = { "r0", "r1", "r2" };
	static struct logbook l;
	const struct span seen[] = { span_str("r1") };
	sqlite3_int64 before = sqlite3_memory_used();

	(void)state;
	(void)sqlite3_memory_highwater(1);
	logbook_init(&l);
	JIT_SCOPED(view_free) struct view *m = vt_open(&l, vt_path("many"),
	    VIEW_MAKE);
	vt_apply(m, &l, 0, l.n);
	add_many(m, &l);
	for (unsigned i = 0; i < 24; i++) {
		unsigned who = i % 3 == 0 ? 4 : i % 4, role = i % 2 ? 3 :
		    i % 3;
		struct view_query q = { .now = l.w.now, .sees_all = true,
		    .max = 200, .newest_first = i % 2 != 0,
		    .state = i % 4 == 0 ? VIEW_ALL : i % 4 == 1 ?
		    VIEW_PENDING : i % 4 == 2 ? VIEW_OVER : VIEW_CURRENT };

		q.requester = who < 4 ? span_str(whos[who]) : SPAN_NONE;
		q.role = role < 3 ? span_str(rs[role]) : SPAN_NONE;
		walk_many(m, &q, who, role, false);
		q.sees_all = false;
		q.person = span_str("p0");
		q.roles = seen;
		q.n_roles = 1;
		walk_many(m, &q, who, role, true);
	}
	/* All that SQLite ever held for it. */
	assert_true(sqlite3_memory_highwater(0) - before < 5 << 19);
	logbook_done(&l);
}

/* ---- how SQLite goes about it ---- */

static void
plans(void **state)
{
	static const struct { const char *name, *sql; } all[] = {
#define X(NAME, sql) { #NAME, "EXPLAIN QUERY PLAN " sql },
#include "api/view/view_sql.def"
#undef X
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct stmt *s = NULL;
		bool row = true, whole = strstr(all[i].name, "ALL") != NULL ||
		    strstr(all[i].name, "COUNT") != NULL;

		JT_OK(db_prepare(view_db(v), all[i].sql, &s, NULL));
		while (row) {
			char step[256];

			JT_OK(stmt_step(s, &row, NULL));
			if (!row)
				break;
			(void)text_shown(stmt_get(s, 3), step, sizeof(step));
			if (strstr(step, "TEMP B-TREE") != NULL ||
			    (strstr(step, "SCAN") != NULL && !whole))
				fail_msg("%s: %s", all[i].name, step);
		}
	}
}

int
main(void)
{
	int failed = 0;

	logbook_init(&b);
	vt_live(&b, 420);
	v = vt_anew(&b, vt_path("view"));
	failed += JT_ROWS("filters", filtered, filters);
	failed += jt_one("all filters together, by chance", by_chance);
	failed += jt_one("the second in which each is over", moments);
	failed += jt_one("pages while the log grows", growing);
	failed += jt_one("edges of a page", edges);
	failed += jt_one("more than are gathered", too_many_to_gather);
	failed += jt_one("no scan, no sort", plans);
	view_free(v);
	logbook_done(&b);
	return failed;
}
