/*
 * race - things that happen at once, a thousand times, through the socket of
 * the real daemon (cases 20 and 21).
 *
 *	race JIT-SIGNER
 *
 * JIT_RACE_ROUNDS: how many of each.
 *	waits     the second approval before, during and after somebody waits:
 *	          whoever waits learns of it, always
 *	verdicts  approve, deny, cancel and collect at once from four
 *	          connections: one of deny, cancel, certificate; and when the
 *	          deny or the cancel was acknowledged, no certificate comes
 *	collects  eight at once: one certificate, the same bytes for all
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/check_log.h"

#define LINES 8

static struct station st;
static int fd[LINES];
static struct wr in[LINES];
static uint64_t certificates;

static void
fail(const char *what, unsigned round)
{
	(void)fprintf(stderr, "race: FAILED: %s, in round %u\n", what, round);
	exit(1);
}

static void
send_on(unsigned line, struct buf f)
{
	if (!station_send(fd[line], BUF_SPAN(f)))
		fail("the signer closed a connection", 0);
}

/* The answer on that line, within ten seconds. */
static struct answer
answer_on(unsigned line, unsigned round)
{
	struct pollfd p = { fd[line], POLLIN, 0 };
	struct answer a;

	if (poll(&p, 1, 10000) != 1)
		fail("somebody waits for ever", round);
	if (!station_read(fd[line], &in[line], &a))
		fail("the signer closed a connection", round);
	return a;
}

static enum jit_err
ask_on(unsigned line, struct buf f, unsigned round)
{
	send_on(line, f);
	return answer_on(line, round).err;
}

/* ---- waits ---- */

static uint64_t
index_of(struct answer a, unsigned round)
{
	JIT_DONE(receipts_done) struct receipts v = { 0 };
	struct rd r = rd_of(a.payload);

	if (a.err != JIT_OK || receipts_get(&r, &v, NULL) != JIT_OK ||
	    v.n != 1)
		fail("no receipt", round);
	return v.v[0].e.index;
}

static void
check_learned(struct answer a, unsigned decisions, unsigned round)
{
	JIT_DONE(listing_done) struct listing l = { 0 };
	unsigned n = 0;

	if (a.err != JIT_OK ||
	    dossier_answer_get(a.payload, &l, NULL) != JIT_OK)
		fail("a wait ends without a dossier", round);
	for (size_t i = 0; i < l.receipts.n; i++)
		n += l.receipts.v[i].e.type == ENTRY_DECISION;
	if (n < decisions)
		fail("a decision was missed", round);
}

static void
wait_round(unsigned round)
{
	struct errand e;
	uint64_t since;

	station_errand(&st, round % STATION_USERS, 0, 60, &e);
	send_on(0, e.request);
	since = index_of(answer_on(0, round), round) + 1;

	JIT_DONE(buf_done) struct buf yes = station_decision(&st, &e, 0,
	    true);
	JIT_DONE(buf_done) struct buf wait = station_frame(&(struct ask){
	    .op = OP_WAIT, .id = e.id, .from = since, .max = 9000 });
	JIT_DONE(buf_done) struct buf end = station_act(&st, &e, false);

	switch (round % 3) {
	case 0:				/* before */
		if (ask_on(0, yes, round) != JIT_OK)
			fail("an approval is refused", round);
		send_on(1, wait);
		break;
	case 1:				/* during, as near as can be */
		send_on(1, wait);
		send_on(0, yes);
		if (answer_on(0, round).err != JIT_OK)
			fail("an approval is refused", round);
		break;
	default:			/* after it waits for sure */
		send_on(1, wait);
		(void)poll(NULL, 0, 1);
		if (ask_on(0, yes, round) != JIT_OK)
			fail("an approval is refused", round);
		break;
	}
	check_learned(answer_on(1, round), 1, round);
	if (ask_on(0, end, round) != JIT_OK)
		fail("a cancel is refused", round);
	errand_done(&e);
}

/* ---- verdicts ---- */

static void
verdict_round(unsigned round)
{
	enum { APPROVE, DENY, CANCEL, COLLECT, ACTS };
	enum jit_err e[ACTS], late;
	struct errand er;
	int ends;

	station_errand(&st, round % STATION_USERS, 0, 60, &er);

	JIT_DONE(buf_done) struct buf first = station_decision(&st, &er, 0,
	    true);
	JIT_DONE(buf_done) struct buf approve = station_decision(&st, &er, 1,
	    true);
	JIT_DONE(buf_done) struct buf deny = station_decision(&st, &er, 2,
	    false);
	JIT_DONE(buf_done) struct buf cancel = station_act(&st, &er, false);
	const struct buf act[ACTS] = { approve, deny, cancel, er.collect };

	if (ask_on(0, er.request, round) != JIT_OK ||
	    ask_on(0, first, round) != JIT_OK)
		fail("a request is refused", round);
	/* In every other round it can be collected from the start. */
	if (round % 2 == 1 && ask_on(0, approve, round) != JIT_OK)
		fail("an approval is refused", round);
	for (unsigned i = 0; i < ACTS; i++)
		send_on((i + round) % ACTS, act[(i + round / 4) % ACTS]);
	for (unsigned i = 0; i < ACTS; i++)
		e[(i + round / 4) % ACTS] = answer_on((i + round) % ACTS,
		    round).err;
	ends = (e[DENY] == JIT_OK) + (e[CANCEL] == JIT_OK) +
	    (e[COLLECT] == JIT_OK);
	if (ends != 1)
		fail("not one of denied, cancelled, issued", round);
	late = ask_on(0, er.collect, round);
	if ((late == JIT_OK) != (e[COLLECT] == JIT_OK))
		fail("a certificate after a deny or a cancel", round);
	certificates += e[COLLECT] == JIT_OK;
	errand_done(&er);
}

/* ---- collects ---- */

static void
collect_round(unsigned round)
{
	JIT_DONE(buf_done) struct buf cert = { NULL, 0 };
	struct errand e;

	station_errand(&st, round % STATION_USERS, 0, 60, &e);

	JIT_DONE(buf_done) struct buf one = station_decision(&st, &e, 0,
	    true);
	JIT_DONE(buf_done) struct buf two = station_decision(&st, &e, 1,
	    true);

	if (ask_on(0, e.request, round) != JIT_OK ||
	    ask_on(0, one, round) != JIT_OK ||
	    ask_on(0, two, round) != JIT_OK)
		fail("a request is refused", round);
	for (unsigned i = 0; i < LINES; i++)
		send_on(i, e.collect);
	for (unsigned i = 0; i < LINES; i++) {
		JIT_DONE(receipts_done) struct receipts v = { 0 };
		struct answer a = answer_on(i, round);
		struct rd r = rd_of(a.payload);

		if (a.err != JIT_OK || receipts_get(&r, &v, NULL) != JIT_OK ||
		    v.n != 1)
			fail("a collect is refused", round);
		if (cert.p == NULL && buf_copy(&cert, v.v[0].e.body) !=
		    JIT_OK)
			fail("no memory", round);
		if (!span_eq(BUF_SPAN(cert), v.v[0].e.body))
			fail("two certificates", round);
	}
	certificates++;
	errand_done(&e);
}

int
main(int argc, char **argv)
{
	const char *given = getenv("JIT_RACE_ROUNDS");
	unsigned rounds = given != NULL ?
	    (unsigned)strtoul(given, NULL, 10) : 1000;
	struct audit_counts n;

	if (argc != 2)
		return 2;
	station_make(&st, argv[1], 2);
	(void)station_start(&st);
	for (unsigned i = 0; i < LINES; i++) {
		wr_init(&in[i], PROTO_ANSWER_MAX);
		fd[i] = station_connect(&st);
	}
	for (unsigned i = 0; i < rounds; i++) {
		wait_round(i);
		verdict_round(i);
		collect_round(i);
	}
	check_log(&st, &n);
	(void)printf("%u rounds of each; %" PRIu64 " certificates, %" PRIu64
	    " in the log\n", rounds, certificates, n.issued);
	if (n.issued != certificates)
		fail("another number of certificates in the log", rounds);
	for (unsigned i = 0; i < LINES; i++) {
		(void)close(fd[i]);
		wr_done(&in[i]);
	}
	station_done(&st);
	return 0;
}
