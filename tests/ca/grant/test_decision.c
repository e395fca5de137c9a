/* decision, cancel, drop, recovery: the frozen texts, and other writings. */
#define _GNU_SOURCE
#include <string.h>

#include "ca/grant/decision.h"
#include "tests/lib/jt.h"

#define HEX8 "9f9f9f9f"
#define HEX64 HEX8 HEX8 HEX8 HEX8 HEX8 HEX8 HEX8 HEX8
#define LOG "log: jit.example.com+3f1c9a07\n"
#define ID "01JDE0V5Y8M3T1K3ZJ6X4N9Q2B"
#define REQUEST								\
	"jit-cert request v1\n" LOG "id: " ID "\nkind: ssh-user\n"	\
	"mode: normal\nextends: -\nrole: prod-db sha256:" HEX64 "\n"	\
	"requester: alice\ncertify: ssh-ed25519 "			\
	"SHA256:0pE0pE0pE0pE0pE0pE0pE0pE0pE0pE0pE0pE0pE0pE0\n"		\
	"principal: dba.prod-db\ncreated: 2026-11-23T20:58:11Z\n"	\
	"opens: 2026-11-23T21:00:00Z\ncloses: 2026-11-24T05:00:00Z\n"	\
	"duration: 45m\ncollect: sha256:" HEX64 "\nreason: INC-4711\n"

static const char decision[] = "jit-cert decision v1\n" LOG
    "verdict: approve\napprover: bob\ndecided: 2026-11-23T21:03:00Z\n"
    "request: " ID "\ncomment: -\n\n" REQUEST;
static const char drop[] = "jit-cert drop v1\n" LOG
    "by: alice\nat: 2026-11-23T21:03:00Z\nrequest: " ID "\n"
    "digest: sha256:" HEX64 "\ncomment: done\n";
static const char recovery[] = "jit-cert recovery v1\n" LOG
    "by: dana\nat: 2026-11-23T21:03:00Z\nsize: 18231\n"
    "root: sha256:" HEX64 "\ncause: rollback\ncomment: -\n";

static enum jit_err
read_decision(struct span s, struct wr *again, struct jit_why *why)
{
	struct decision d;

	JIT_TRY(decision_parse(s, &d, why));
	decision_put(again, &d);
	return JIT_OK;
}

static enum jit_err
read_drop(struct span s, struct wr *again, struct jit_why *why)
{
	struct act a;

	JIT_TRY(act_parse(s, ACT_DROP, &a, why));
	act_put(again, &a);
	return JIT_OK;
}

static enum jit_err
read_recovery(struct span s, struct wr *again, struct jit_why *why)
{
	struct recovery r;

	JIT_TRY(recovery_parse(s, &r, why));
	recovery_put(again, &r);
	return JIT_OK;
}

typedef enum jit_err (*read_fn)(struct span, struct wr *, struct jit_why *);
struct row {
	const char *name, *text, *find, *put;
	read_fn read;
	enum jit_err want;
};

static const struct row rows[] = {
	{ "decision", decision, "", "", read_decision, JIT_OK },
	{ "deny", decision, "approve\n", "deny\n", read_decision, JIT_OK },
	{ "comment", decision, "comment: -", "comment: use the replica",
	    read_decision, JIT_OK },
	{ "another verdict", decision, "approve\n", "maybe\n", read_decision,
	    JIT_E_FORMAT },
	{ "upper-case approver", decision, "bob", "Bob", read_decision,
	    JIT_E_FORMAT },
	{ "about another id", decision, "request: 01J", "request: 01K",
	    read_decision, JIT_E_OTHERTEXT },
	{ "holding another log's request", decision,
	    "\njit-cert request v1\nlog: jit", "\njit-cert request v1\nlog: tij",
	    read_decision, JIT_E_OTHERTEXT },
	{ "no empty line", decision, "comment: -\n\n", "comment: -\n",
	    read_decision, JIT_E_FORMAT },
	{ "two empty lines", decision, "comment: -\n\n", "comment: -\n\n\n",
	    read_decision, JIT_E_FORMAT },
	{ "a broken request inside", decision, "duration: 45m",
	    "duration: 45", read_decision, JIT_E_FORMAT },
	{ "something behind", decision, "INC-4711\n", "INC-4711\nx\n",
	    read_decision, JIT_E_FORMAT },
	{ "control in the comment", decision, "comment: -", "comment: \x1b[m",
	    read_decision, JIT_E_UTF8 },
	{ "drop", drop, "", "", read_drop, JIT_OK },
	{ "a cancel as drop", drop, "cert drop", "cert cancel", read_drop,
	    JIT_E_FORMAT },
	{ "a digest cut short", drop, "9f\n", "9\n", read_drop,
	    JIT_E_FORMAT },
	{ "recovery", recovery, "", "", read_recovery, JIT_OK },
	{ "for the clock", recovery, "rollback", "clock", read_recovery,
	    JIT_OK },
	{ "another cause", recovery, "rollback", "boredom", read_recovery,
	    JIT_E_FORMAT },
	{ "size -1 (case 19)", recovery, "18231", "-1", read_recovery,
	    JIT_E_FORMAT },
	{ "size +1 (case 19)", recovery, "18231", "+1", read_recovery,
	    JIT_E_FORMAT },
	{ "size 1e3 (case 19)", recovery, "18231", "1e3", read_recovery,
	    JIT_E_FORMAT },
	{ "size with a leading zero", recovery, "18231", "018231",
	    read_recovery, JIT_E_FORMAT },
	{ "size 2^64 - 1", recovery, "18231", "18446744073709551615",
	    read_recovery, JIT_OK },
	{ "size 2^64", recovery, "18231", "18446744073709551616",
	    read_recovery, JIT_E_FORMAT },
};

static void
row(void **state)
{
	const struct row *r = *state;
	JIT_DONE(wr_done) struct wr w = WR_INIT(16384), again = WR_INIT(16384);
	const char *at = strstr(r->text, r->find);
	struct jit_why why = { 0 };

	assert_non_null(at);
	wr_raw(&w, r->text, (size_t)(at - r->text));
	wr_str(&w, r->put);
	wr_str(&w, at + strlen(r->find));
	JT_WHY(r->read(wr_view(&w), &again, &why), r->want, &why);
	if (r->want == JIT_OK)
		assert_true(span_eq(wr_view(&w), wr_view(&again)));
	else
		assert_true(why.msg[0] != '\0');
}

static void
same_or_refused(void *arg, struct span s)
{
	const read_fn *read = arg;
	JIT_DONE(wr_done) struct wr again = WR_INIT(16384);

	if ((*read)(s, &again, NULL) == JIT_OK)
		assert_true(span_eq(s, wr_view(&again)));
}

static void
flipped(void **state)
{
	read_fn fn[] = { read_decision, read_drop, read_recovery };

	(void)state;
	jt_flip_truncate(span_str(decision), same_or_refused, &fn[0]);
	jt_flip_truncate(span_str(drop), same_or_refused, &fn[1]);
	jt_flip_truncate(span_str(recovery), same_or_refused, &fn[2]);
}

static void
too_long(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(16384);
	struct decision d;

	(void)state;
	for (int i = 0; i <= DECISION_MAX; i++)
		wr_u8(&w, 'x');
	JT_ERR(decision_parse(wr_view(&w), &d, NULL), JIT_E_SIZE);
}

int
main(void)
{
	return JT_ROWS("texts", row, rows) + jt_one("flipped", flipped) +
	    jt_one("too long", too_long);
}
