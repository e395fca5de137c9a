/*
 * lost: what a lock ended, counted by the entries that name it, in words.
 */
#define _XOPEN_SOURCE 700
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/lost.h"
#include "tests/lib/logbook.h"

static struct logbook book;

/* ---- in words ---- */

#define NOW WORLD_NOW
#define SILENT(n, when) "NOTHING TELLS SERVERS of " n " of the X.509 " \
	"certificates: no CRL names what its role lets expire. They work " \
	"until " when " at the latest, wherever they were copied.\n"
#define OPEN "Sessions and connections that are open go on: end them on " \
	"the servers.\n"

struct row {
	const char *name;
	struct lost lost;
	const char *what, *left;
};
static const struct row rows[] = {
	{ "nothing", { .requests = 0 }, "nothing", "" },
	{ "a request", { .requests = 1 }, "1 open request", "" },
	{ "requests", { .requests = 3 }, "3 open requests", "" },
	{ "an ssh certificate", { .ssh = 1, .until = NOW + 60 },
	    "1 SSH certificate", "Servers refuse what was revoked once they "
	    "have the new KRL (RevokedKeys in sshd_config); one that does "
	    "not fetch it takes it until 22:01 UTC at the latest.\n"
	    OPEN },
	{ "a certificate on the CRL", { .requests = 1, .crl = 2,
	    .until = NOW + 60 }, "1 open request and 2 X.509 certificates",
	    "Servers refuse what was revoked once they have the new "
	    "CRL; one that does not fetch it takes it until 22:01 UTC at the "
	    "latest.\n" OPEN },
	{ "one that nothing tells of", { .silent = 1, .until = NOW + 120,
	    .silent_until = NOW + 120 }, "1 X.509 certificate",
	    SILENT("1", "22:02 UTC") OPEN },
	{ "all of them", { 1, 1, 1, 1, NOW + 300, NOW + 240 }, "1 open "
	    "request, 1 SSH certificate and 2 X.509 certificates", "Servers "
	    "refuse what was revoked once they have the new KRL "
	    "(RevokedKeys in sshd_config) and CRL; one that does not fetch it "
	    "takes it until 22:05 UTC at the latest.\n"
	    SILENT("1", "22:04 UTC") OPEN },
};

static void
is_text(struct wr *w, const char *want)
{
	JIT_DONE(buf_done) struct buf got = { NULL, 0 };

	JT_OK(wr_take(w, &got));
	assert_string_equal(got.n > 0 ? (const char *)got.p : "", want);
}

static void
tells(void **state)
{
	const struct row *r = *state;
	JIT_DONE(wr_done) struct wr what = WR_INIT(4096);
	JIT_DONE(wr_done) struct wr left = WR_INIT(4096);

	lost_put(&what, &r->lost);
	lost_put_left(&left, &r->lost, NOW);
	is_text(&what, r->what);
	is_text(&left, r->left);
}

/* ---- counted ---- */

static void
end(const struct ulid *id, uint64_t by)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(256);
	const struct rec_ended e = { .request = *id, .cause = ENDED_LOCKED,
	    .by_index = by };
	uint64_t index;

	rec_put_ended(&w, &e);
	JT_OK(w.err);
	index = logbook_add(&book, ENTRY_ENDED, wr_view(&w));
	JT_OK(dossier_add(logbook_find(&book, id)->dossier,
	    &book.entry[index].e, DOSSIER_VERIFY, NULL));
}

static void
counts(void **state)
{
	struct ulid ids[STORY_N];
	struct dossier *v[STORY_N];
	struct dossiers l = { .n = STORY_N, .v = v };
	struct lost x;
	const struct dossier *live;

	(void)state;
	logbook_story(&book, ids);
	for (size_t i = 0; i < STORY_N; i++)
		v[i] = logbook_find(&book, &ids[i])->dossier;
	live = v[STORY_ACTIVE];
	l.now = book.w.now;
	/* Before: what a lock would end. */
	lost_expect(&l, book.w.policy, live->h.request->req.requester, &x);
	assert_int_equal(x.ssh, 1);
	assert_int_equal(x.requests, 2);
	assert_int_equal(x.until, live->h.issued_until);
	lost_expect(&l, book.w.policy, span_str("bob"), &x);
	assert_int_equal(x.ssh + x.requests, 0);
	/* After: what names it, and nothing else. */
	lost_count(&l, 77, &x);
	assert_int_equal(x.ssh + x.requests, 0);
	end(&ids[STORY_ACTIVE], 77);
	end(&ids[STORY_PENDING], 77);
	end(&ids[STORY_APPROVED], 78);
	lost_count(&l, 77, &x);
	assert_int_equal(x.ssh, 1);
	assert_int_equal(x.requests, 1);
	assert_int_equal(x.crl + x.silent, 0);
	assert_int_equal(x.until, live->h.issued_until);
	lost_count(&l, 78, &x);
	assert_int_equal(x.ssh, 0);
	assert_int_equal(x.requests, 1);
}

int
main(void)
{
	int failed;

	(void)setenv("TZ", "UTC", 1);
	tzset();
	logbook_init(&book);
	failed = JT_ROWS("tells", tells, rows) + jt_one("counts", counts);
	logbook_done(&book);
	return failed;
}
