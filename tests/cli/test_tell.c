/*
 * tell, past: a request in words that are true, what is new about it, and
 * that no request passes which the proven role does not open.
 */
#define _XOPEN_SOURCE 700
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/past.h"
#include "cli/tell.h"
#include "tests/lib/logbook.h"

static struct logbook book;

static void
zone(const char *tz)
{
	assert_int_equal(setenv("TZ", tz, 1), 0);
	tzset();
}

static void
is_text(const struct wr *w, const char *want)
{
	JIT_DONE(buf_done) struct buf got = { NULL, 0 };

	assert_int_equal(w->err, JIT_OK);
	JT_OK(buf_copy(&got, wr_view(w)));
	assert_string_equal(got.n > 0 ? (const char *)got.p : "", want);
}

/* ---- what it opens ---- */

#define DBA "login as dba on db1 (principal dba.prod-db); "
#define LIST(...) { __VA_ARGS__, NULL }

struct opens_row {
	const char *name, *principals[4], *options[8], *want;
};
static const struct opens_row opens[] = {
	{ "nothing but a command line", LIST("dba.prod-db"), { NULL },
	    DBA "no terminal; any command; NO forwarding" },
	{ "a terminal", LIST("dba.prod-db"), LIST("permit-pty"),
	    DBA "terminal; any command; NO forwarding" },
	{ "ports", LIST("dba.prod-db"), LIST("permit-port-forwarding",
	    "permit-pty"), DBA "terminal; PORT FORWARDING; any command" },
	{ "the agent", LIST("dba.prod-db"), LIST("permit-agent-forwarding"),
	    DBA "no terminal; AGENT FORWARDING; any command" },
	{ "X11", LIST("dba.prod-db"), LIST("permit-X11-forwarding"),
	    DBA "no terminal; X11 FORWARDING; any command" },
	{ "a command", LIST("dba.prod-db"), LIST("force-command=/bin/true x"),
	    DBA "no terminal; only the command /bin/true x; NO forwarding" },
	{ "a command that looks like another option", LIST("dba.prod-db"),
	    LIST("force-command=permit-pty"), DBA "no terminal; only the "
	    "command permit-pty; NO forwarding" },
	{ "from somewhere", LIST("dba.prod-db"),
	    LIST("source-address=10.0.0.0/8,192.0.2.0/24"), DBA "no "
	    "terminal; any command; only from 10.0.0.0/8,192.0.2.0/24; NO "
	    "forwarding" },
	{ "a PIN", LIST("dba.prod-db"), LIST("verify-required"), DBA "no "
	    "terminal; only with the key's PIN; any command; NO forwarding" },
	{ "no touch", LIST("dba.prod-db"), LIST("no-touch-required"), DBA
	    "no terminal; NO TOUCH OF THE KEY NEEDED; any command; NO "
	    "forwarding" },
	{ "a script of the account", LIST("dba.prod-db"),
	    LIST("permit-user-rc"), DBA "no terminal; runs ~/.ssh/rc; any "
	    "command; NO forwarding" },
	{ "two accounts", LIST("dba.prod-db", "root.prod-db"), { NULL },
	    DBA "login as root on db1 (principal root.prod-db); no terminal; "
	    "any command; NO forwarding" },
	{ "servers that the policy has not", LIST("dba.test-db"), { NULL },
	    "login as dba on UNKNOWN SERVERS (principal dba.test-db); no "
	    "terminal; any command; NO forwarding" },
	{ "an account with a dot", LIST("a.b.prod-db"), { NULL },
	    "login as a.b on db1 (principal a.b.prod-db); no terminal; any "
	    "command; NO forwarding" },
};

static void
tells_opens(void **state)
{
	const struct opens_row *r = *state;
	JIT_DONE(wr_done) struct wr w = WR_INIT(65536);
	struct request q = { .n_principals = 0 };

	for (size_t i = 0; r->principals[i] != NULL; i++)
		q.principals[q.n_principals++] = span_str(r->principals[i]);
	for (size_t i = 0; r->options[i] != NULL; i++)
		q.options[q.n_options++] = span_str(r->options[i]);
	tell_put_opens(&w, book.w.policy, &q);
	is_text(&w, r->want);
}

static void
many_servers(void **state)
{
	JIT_DONE(wr_done) struct wr block = WR_INIT(65536);
	JIT_DONE(wr_done) struct wr w = WR_INIT(65536);
	JIT_DONE(buf_done) struct buf got = { NULL, 0 };
	struct request q = { .principals = { span_str("dba.many") },
	    .n_principals = 1 };
	struct block *b = NULL;
	struct policy *p = NULL;

	(void)state;
	wr_str(&block, "jit-cert host-group v1\nname: many\n");
	for (int i = 100; i < 140; i++)
		wr_fmt(&block, "host: db%d\n", i);
	JT_OK(block_parse(wr_view(&block), &b, NULL));
	JT_OK(policy_new(&p));
	JT_OK(policy_add(p, b, NULL));
	tell_put_opens(&w, p, &q);
	JT_OK(wr_take(&w, &got));
	assert_non_null(strstr((const char *)got.p, ", db131 and 8 more "
	    "(principal dba.many)"));
	policy_free(p);
}

/* ---- when ---- */

struct when_row {
	const char *name;
	dur_s opens, closes, life;	/* from WORLD_NOW, 23:00 in Berlin */
	const char *want;
};
static const struct when_row whens[] = {
	{ "now", 0, 7 * 3600, 2700, "45m from first use, between now and 24 "
	    "Nov 06:00 CET (05:00Z)" },
	{ "open for a while", -600, 3600, 600, "10m from first use, between "
	    "now and 24 Nov 00:00 CET (23 Nov 23:00Z)" },
	{ "long over", -7200, -3600, 600, "10m from first use, between 21:00 "
	    "CET (20:00Z) and 22:00 CET (21:00Z)" },
	{ "later", 600, 1800, 900, "15m from first use, between 23:10 CET "
	    "(22:10Z) and 23:30 CET (22:30Z)" },
};

static void
tells_when(void **state)
{
	const struct when_row *r = *state;
	JIT_DONE(wr_done) struct wr w = WR_INIT(1024);
	struct request q = { .opens = WORLD_NOW + r->opens,
	    .closes = WORLD_NOW + r->closes, .duration = r->life };

	zone("Europe/Berlin");
	tell_put_when(&w, &q, WORLD_NOW);
	is_text(&w, r->want);
}

/* ---- what is new ---- */

struct new_row {
	const char *name;
	void (*now)(struct draft *d);
	void (*policy)(struct world *w);
	enum world_key by;
	const char *want;
};

static void
same(struct draft *d)
{
	(void)d;
}

static void
longer(struct draft *d)
{
	d->req.duration = 7200;
}

static void
root_too(struct draft *d)
{
	d->req.principals[d->req.n_principals++] = span_str("root.prod-db");
}

static void
no_pty(struct draft *d)
{
	d->req.n_options = 0;
}

static void
longer_and_root(struct draft *d)
{
	longer(d);
	root_too(d);
}

static void
more_servers(struct world *w)
{
	world_add(w, "jit-cert host v1\nname: db2\naddress: db2\nport: 22\n");
	world_without(w, BLOCK_HOST_GROUP, "prod-db");
	world_add(w, "jit-cert host-group v1\nname: prod-db\nhost: db1\n"
	    "host: db2\n");
}

static void
other_rules(struct draft *d)
{
	d->req.role_digest.b[0] ^= 1;
}

static const struct new_row news[] = {
	{ "nothing", same, NULL, K_BOB, "the same as last time (23 Nov)" },
	{ "longer", longer, NULL, K_BOB, "2h, last time 1h (23 Nov); else "
	    "the same" },
	{ "an account", root_too, NULL, K_BOB, "since last time (23 Nov): "
	    "also principal root.prod-db; else the same" },
	{ "an option less", no_pty, NULL, K_BOB, "since last time (23 Nov): "
	    "no more option permit-pty; else the same" },
	{ "longer, and an account", longer_and_root, NULL, K_BOB, "2h, last "
	    "time 1h (23 Nov); also principal root.prod-db; else the same" },
	{ "a server", same, more_servers, K_BOB, "since last time (23 Nov): "
	    "also server db2; else the same" },
	{ "another key", same, NULL, K_BOB2, "since last time (23 Nov): "
	    "signed by ANOTHER KEY; else the same" },
	{ "rules", other_rules, NULL, K_BOB, "since last time (23 Nov): the "
	    "role's rules have changed; else the same" },
};

/* As logged, whatever it says; owned. */
static struct dossier *
logged(struct draft *d, enum world_key who)
{
	JIT_DONE(buf_done) struct buf text = world_request_text(d);
	JIT_DONE(buf_done) struct buf sig = world_sign(&book.w, who,
	    NS_REQUEST, BUF_SPAN(text));
	JIT_DONE(buf_done) struct buf possess = world_sign(&book.w,
	    K_SUBJECT, NS_POSSESS, BUF_SPAN(text));
	JIT_DONE(wr_done) struct wr body = WR_INIT(ENTRY_BODY_MAX);
	const struct rec_signed s = { BUF_SPAN(text), BUF_SPAN(sig),
	    BUF_SPAN(possess) };
	struct dossier *ret = NULL;
	struct jit_why why = { 0 };
	uint64_t index;

	rec_put_signed(&body, ENTRY_REQUEST, &s);
	assert_int_equal(body.err, JIT_OK);
	index = logbook_add(&book, ENTRY_REQUEST, wr_view(&body));
	JT_WHY(dossier_new(&book.entry[index].e, DOSSIER_VERIFY, &ret, &why),
	    JIT_OK, &why);
	return ret;
}

static void
tells_new(void **state)
{
	const struct new_row *r = *state;
	JIT_SCOPED(dossier_free) struct dossier *then = NULL, *now = NULL;
	JIT_DONE(wr_done) struct wr w = WR_INIT(65536);
	struct world other;
	struct draft d;

	zone("UTC");
	world_init(&other);
	if (r->policy != NULL)
		r->policy(&other);
	world_draft(&book.w, "prod-db", K_BOB, &d);
	d.req.duration = 3600;
	then = logged(&d, K_BOB);
	world_draft(&book.w, "prod-db", K_BOB, &d);
	d.req.duration = 3600;
	r->now(&d);
	now = logged(&d, r->by);
	past_put_new(&w, now, other.policy, then, book.w.policy, book.w.now);
	is_text(&w, r->want);
	world_done(&other);
}

/* The policy of then is not known: servers are not compared. */
static void
no_old_policy(void **state)
{
	JIT_SCOPED(dossier_free) struct dossier *then = NULL;
	JIT_DONE(wr_done) struct wr w = WR_INIT(65536);
	struct draft d;

	(void)state;
	zone("UTC");
	world_draft(&book.w, "prod-db", K_BOB, &d);
	then = logged(&d, K_BOB);
	past_put_new(&w, then, book.w.policy, then, NULL, book.w.now);
	is_text(&w, "the same as last time (23 Nov)");
}

/* ---- is it what it says? ---- */

static void
bad_principal(struct draft *d)
{
	d->req.principals[0] = span_str("root.prod-db");
}

static void
x11(struct draft *d)
{
	d->req.options[0] = span_str("permit-X11-forwarding");
	d->req.options[1] = span_str("permit-pty");
	d->req.n_options = 2;
}

static void
no_role(struct draft *d)
{
	d->req.role = span_str("prod-xx");
}

static void
other_log(struct draft *d)
{
	d->req.log = span_str("jit.example.com+00000000");
}

static void
as_carol(struct draft *d)
{
	d->req.requester = span_str("carol");
}

static void
as_nobody(struct draft *d)
{
	d->req.requester = span_str("nobody");
}

static void
too_long(struct draft *d)
{
	d->req.closes = d->req.opens + 20 * 3600;
	d->req.duration = 9 * 3600;
}

static void
too_far(struct draft *d)
{
	d->req.closes = d->req.created + 2 * 86400;
}

static void
no_reason(struct draft *d)
{
	d->req.reason = span_str("because");
}

static void
other_time(struct draft *d)
{
	d->req.created -= 3600;
}

struct check_row {
	const char *name;
	void (*change)(struct draft *d);
	enum world_key by;
	enum jit_err want;
	const char *says;
};
static const struct check_row checks[] = {
	{ "as the role has it", same, K_BOB, JIT_OK, "" },
	{ "by the other key", same, K_BOB2, JIT_OK, "" },
	{ "another account", bad_principal, K_BOB, JIT_E_RENDER,
	    "principal \"dba.prod-db\" in the role is \"root.prod-db\" here" },
	{ "an account more", root_too, K_BOB, JIT_E_RENDER,
	    "\"root.prod-db\" here" },
	{ "an option more", x11, K_BOB, JIT_E_RENDER,
	    "permit-X11-forwarding" },
	{ "an option less", no_pty, K_BOB, JIT_E_RENDER, "permit-pty" },
	{ "another block of the role", other_rules, K_BOB, JIT_E_STALE,
	    "has changed since" },
	{ "no such role", no_role, K_BOB, JIT_E_ROLE, "prod-xx" },
	{ "another log", other_log, K_BOB, JIT_E_LOGNAME, "another log" },
	{ "somebody else's key", same, K_CAROL, JIT_E_KEYUNKNOWN, "bob" },
	{ "somebody else's name", as_carol, K_BOB, JIT_E_KEYUNKNOWN,
	    "carol" },
	{ "somebody who left", as_nobody, K_BOB, JIT_E_PERSON, "nobody" },
	{ "a stranger's key", same, K_STRANGER, JIT_E_KEYUNKNOWN, "bob" },
	{ "longer than the role's max", too_long, K_BOB, JIT_E_WINDOW,
	    "max" },
	{ "beyond its horizon", too_far, K_BOB, JIT_E_WINDOW, "horizon" },
	{ "not its reason", no_reason, K_BOB, JIT_E_REASON, "" },
	{ "logged at another time", other_time, K_BOB, JIT_E_CLOCK, "" },
};

static void
checks_text(void **state)
{
	const struct check_row *r = *state;
	JIT_SCOPED(dossier_free) struct dossier *x = NULL;
	struct jit_why why = { 0 };
	struct draft d;

	world_draft(&book.w, "prod-db", K_BOB, &d);
	r->change(&d);
	x = logged(&d, r->by);
	JT_WHY(tell_check(book.w.policy, book.w.log_id, &book.w.own, x, &why),
	    r->want, &why);
	assert_non_null(strstr(why.msg, r->says));
}

/* Too few are left who could approve: still to be decided on. */
static void
few_left(void **state)
{
	JIT_SCOPED(dossier_free) struct dossier *x = NULL;
	struct jit_why why = { 0 };
	struct world few;
	struct draft d;

	(void)state;
	world_init(&few);
	world_without(&few, BLOCK_PERSON, "carol");
	world_without(&few, BLOCK_PERSON, "dan");
	world_draft(&book.w, "prod-db", K_BOB, &d);
	x = logged(&d, K_BOB);
	JT_WHY(tell_check(few.policy, book.w.log_id, &book.w.own, x, &why),
	    JIT_OK, &why);
	assert_string_equal(why.msg, "");
	world_done(&few);
}

int
main(void)
{
	int failed;

	logbook_init(&book);
	failed = JT_ROWS("opens", tells_opens, opens) +
	    jt_one("many servers", many_servers) +
	    JT_ROWS("when", tells_when, whens) +
	    JT_ROWS("new", tells_new, news) +
	    jt_one("no old policy", no_old_policy) +
	    JT_ROWS("check", checks_text, checks) +
	    jt_one("few left", few_left);
	logbook_done(&book);
	return failed;
}
