#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ca/base/sys.h"
#include "tests/scenarios/walk.h"

/*
 * Where a walker is: HELLO, then 0 to 3 of the road before, then 4 to 7 of
 * the one that it is on.
 */
#define HELLO 8u
#define PATIENCE_MS 60000

static void
fail(const char *what, const char *more)
{
	(void)fprintf(stderr, "walk: FAILED: %s: %s\n", what, more);
	exit(1);
}

static void
must(enum jit_err e, const char *what)
{
	if (e != JIT_OK)
		fail(what, jit_err_name(e));
}

/* ---- roads ---- */

static void
road_done(struct road *r)
{
	for (int i = 0; i < 4; i++) {
		buf_done(&r->frame[i]);
		buf_done(&r->body[i]);
	}
	errand_done(&r->errand);
	*r = (struct road){ .index = { 0 } };
}

static void
new_road(struct walk *w, struct walker *k)
{
	struct road *r = &k->now;

	station_errand(w->st, k->who, 0, 900, &r->errand);
	r->frame[1] = station_decision(w->st, &r->errand, 0, true);
	r->frame[2] = station_decision(w->st, &r->errand, 1, true);
	must(buf_copy(&r->frame[0], BUF_SPAN(r->errand.request)), "memory");
	must(buf_copy(&r->frame[3], BUF_SPAN(r->errand.collect)), "memory");
	k->told = 0;
	k->at = 4;
	w->begun++;
}

void
walk_init(struct walk *w, struct station *st, unsigned n)
{
	*w = (struct walk){ .st = st, .n = n };
	for (unsigned i = 0; i < n; i++) {
		w->w[i].fd = -1;
		w->w[i].who = i;
		wr_init(&w->w[i].in, PROTO_ANSWER_MAX);
		new_road(w, &w->w[i]);
	}
}

static void
leave(struct walker *k)
{
	sys_close(&k->fd);
}

void
walk_done(struct walk *w)
{
	for (unsigned i = 0; i < w->n; i++) {
		leave(&w->w[i]);
		wr_done(&w->w[i].in);
		road_done(&w->w[i].before);
		road_done(&w->w[i].now);
	}
	buf_done(&w->note);
}

/* ---- asking ---- */

static void
ask(struct walker *k)
{
	const struct road *r = k->at < 4 ? &k->before : &k->now;

	if (!station_send(k->fd, BUF_SPAN(r->frame[k->at % 4])))
		leave(k);
}

static void
come_again(struct walk *w, struct walker *k)
{
	JIT_DONE(buf_done) struct buf f = station_frame(&(struct ask){
	    .op = OP_HELLO, .version = PROTO_VERSION,
	    .note = BUF_SPAN(w->note) });

	if (sys_connect(w->st->sock, 1000, &k->fd, NULL) != JIT_OK)
		return;
	must(sys_set_nonblock(k->fd, false, NULL), "a socket");
	k->at = HELLO;
	if (!station_send(k->fd, BUF_SPAN(f)))
		leave(k);
}

/* ---- answers ---- */

/* A receipt under the log's key; what everybody has seen grows. */
static void
check_receipt(struct walk *w, const struct receipts *v)
{
	struct jit_why why = { 0 };
	struct checkpoint c;

	if (v->n != 1 || checkpoint_open(v->note, &w->st->log, &c, &why) !=
	    JIT_OK || receipt_check(&v->v[0], &c, &why) != JIT_OK)
		fail("a receipt does not hold", why.msg);
	if (c.size <= w->seen)
		return;
	buf_done(&w->note);
	must(buf_copy(&w->note, v->note), "memory");
	w->seen = c.size;
}

static void
remember(struct road *r, unsigned i, const struct entry *e)
{
	r->index[i] = e->index;
	must(buf_copy(&r->body[i], e->body), "memory");
}

static void
take_receipt(struct walk *w, struct walker *k, struct span payload)
{
	JIT_DONE(receipts_done) struct receipts v = { 0 };
	struct road *r = k->at < 4 ? &k->before : &k->now;
	struct rd rd = rd_of(payload);
	unsigned i = k->at % 4;

	must(receipts_get(&rd, &v, NULL), "an answer");
	check_receipt(w, &v);
	if (k->at == 4 + k->told) {
		remember(r, i, &v.v[0].e);
		k->told++;
		return;
	}
	w->again++;
	if (v.v[0].e.index != r->index[i] ||
	    !span_eq(v.v[0].e.body, BUF_SPAN(r->body[i])))
		fail("asked again, another entry", r->errand.id.s);
}

/* The frame after the one that was answered. */
static void
step(struct walk *w, struct walker *k, bool last)
{
	if (k->at == HELLO) {
		k->at = k->before.frame[0].p != NULL ? 0 : 4;
		return;
	}
	if (++k->at < HELLO)
		return;
	w->roads++;
	road_done(&k->before);
	k->before = k->now;
	k->now = (struct road){ .index = { 0 } };
	new_road(w, k);
	k->rests = last;
}

static void
listen_to(struct walk *w, struct walker *k, bool last)
{
	struct answer a;

	if (!station_read(k->fd, &k->in, &a)) {
		leave(k);
		return;
	}
	if (a.err != JIT_OK) {
		(void)fprintf(stderr, "walk: frame %u, %u told: %s\n", k->at,
		    k->told, jit_err_name(a.err));
		fail("a true road is refused", a.why.msg);
	}
	if (k->at != HELLO)
		take_receipt(w, k, a.payload);
	step(w, k, last);
	if (!k->rests)
		ask(k);
}

/* ---- all of them ---- */

/* What had left before the end was acknowledged: it is read, all of it. */
static void
drain(struct walk *w)
{
	for (unsigned i = 0; i < w->n; i++)
		while (w->w[i].fd >= 0)
			listen_to(w, &w->w[i], false);
}

static bool
all_rest(const struct walk *w)
{
	for (unsigned i = 0; i < w->n; i++)
		if (!w->w[i].rests)
			return false;
	return true;
}

static void
round_of(struct walk *w, bool last)
{
	struct pollfd p[WALKERS];

	for (unsigned i = 0; i < w->n; i++) {
		if (w->w[i].fd < 0 && !w->w[i].rests)
			come_again(w, &w->w[i]);
		p[i] = (struct pollfd){ w->w[i].fd, POLLIN, 0 };
	}
	(void)poll(p, w->n, 2);
	for (unsigned i = 0; i < w->n; i++)
		if (p[i].fd >= 0 && p[i].revents != 0)
			listen_to(w, &w->w[i], last);
}

static bool
has_ended(struct walk *w, int *status)
{
	if (waitpid(w->st->signer, status, WNOHANG) == 0)
		return false;
	w->st->signer = -1;
	drain(w);
	return true;
}

int
walk_on(struct walk *w, uint64_t roads, int64_t kill_at)
{
	uint64_t until = w->roads + roads, moved = w->roads;
	int64_t since = sys_mono_ms();
	int status = 0;

	for (unsigned i = 0; i < w->n; i++) {
		w->w[i].rests = false;
		if (w->w[i].fd >= 0)
			ask(&w->w[i]);
	}
	while (!all_rest(w)) {
		if (has_ended(w, &status))
			return status;
		if (kill_at != 0 && sys_mono_ms() >= kill_at)
			(void)kill(w->st->signer, SIGKILL);
		round_of(w, w->roads >= until);
		if (w->roads != moved) {
			moved = w->roads;
			since = sys_mono_ms();
		}
		if (sys_mono_ms() - since > PATIENCE_MS)
			fail("nobody gets on", "for a minute");
	}
	return 0;
}
