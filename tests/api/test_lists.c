/*
 * lists: pages, one question for many, a list that changes while it is
 * fetched, that shrinks, and a signer that is not there.
 */
#include <stdio.h>
#include <string.h>

#include "api/lists.h"
#include "tests/api/link/peer.h"

#define NOW ((utc_s)1795471200)
#define NEXT (NOW + 86400)

/* What one who wants a list was told. */
struct wanted {
	unsigned calls;
	enum jit_err err;
	uint64_t number;
	bool stale, sig;
	utc_s checked;
	struct buf bytes;
};

struct stage {
	struct peer p;
	struct lists *l;
	utc_s now;
};

static utc_s
now_of(void *arg)
{
	return ((struct stage *)arg)->now;
}

static void
stage_begin(struct stage *s)
{
	struct lists_config c = { .now = now_of, .arg = s };

	peer_begin(&s->p, 0);
	s->now = NOW;
	c.loop = s->p.loop;
	c.link = s->p.link;
	JT_OK(lists_new(&c, &s->l));
}

static void
stage_end(struct stage *s)
{
	lists_free(s->l);
	peer_end(&s->p);
}

static void
told(void *arg, enum jit_err e, const struct jit_why *why,
    const struct list_held *h)
{
	struct wanted *w = arg;

	(void)why;
	w->calls++;
	w->err = e;
	assert_true((h != NULL) == (e == JIT_OK));
	buf_done(&w->bytes);
	if (h == NULL)
		return;
	w->number = h->number;
	w->stale = h->stale;
	w->sig = h->sig != NULL;
	w->checked = h->checked;
	JT_OK(buf_copy(&w->bytes, shared_bytes(h->bytes)));
}

static void
want(struct stage *s, struct wanted *w)
{
	*w = (struct wanted){ .calls = 0 };
	lists_want(s->l, span_str(PUBLISHED_KRL), told, w);
}

/* The next question: of this list, from there on. */
static uint32_t
hear(struct stage *s, uint64_t from)
{
	struct ask a = peer_hear(&s->p);

	assert_int_equal(a.op, OP_PUBLISHED);
	assert_true(span_eq_str(a.name, PUBLISHED_KRL));
	assert_int_equal(a.from, from);
	return a.tag;
}

static void
say(struct stage *s, uint32_t tag, uint64_t number, const char *whole,
    size_t from, size_t n)
{
	const struct published p = { .number = number, .made = NOW,
	    .next = NEXT, .total = strlen(whole), .sig = span_str("SSHSIG"),
	    .bytes = SPAN(whole + from, n) };
	JIT_DONE(wr_done) struct wr w = WR_INIT(4096);
	JIT_DONE(buf_done) struct buf frame = { NULL, 0 };

	published_put(&w, &p);
	JT_OK(w.err);
	frame = peer_frame(OP_PUBLISHED, tag, wr_view(&w));
	peer_send(&s->p, BUF_SPAN(frame));
}

static void
say_error(struct stage *s, uint32_t tag, enum jit_err e)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(4096);
	struct jit_why why = { 0 };

	(void)jit_fail(&why, e, "no");
	answer_error(&w, OP_PUBLISHED, tag, e, &why);
	JT_OK(w.err);
	peer_send(&s->p, wr_view(&w));
}

static void
got(struct stage *s, struct wanted *w, uint64_t number, const char *bytes)
{
	peer_until(&s->p, &w->calls, 1);
	JT_OK(w->err);
	assert_int_equal(w->calls, 1);
	assert_int_equal(w->number, number);
	assert_true(span_eq_str(BUF_SPAN(w->bytes), bytes));
	assert_true(w->sig && !w->stale);
	buf_done(&w->bytes);
}

/* Held from now on. */
static void
hold(struct stage *s, uint64_t number, const char *bytes)
{
	struct wanted w;

	want(s, &w);
	say(s, hear(s, 0), number, bytes, 0, strlen(bytes));
	got(s, &w, number, bytes);
}

/* ---- rows ---- */

static void
pages(void **state)
{
	struct stage s;
	struct wanted w;

	(void)state;
	stage_begin(&s);
	peer_up(&s.p);
	want(&s, &w);
	say(&s, hear(&s, 0), 7, "abcdefgh", 0, 3);
	say(&s, hear(&s, 3), 7, "abcdefgh", 3, 4);
	assert_int_equal(w.calls, 0);
	say(&s, hear(&s, 7), 7, "abcdefgh", 7, 1);
	got(&s, &w, 7, "abcdefgh");
	/* Nothing new: a small question, and none of its bytes again. */
	s.now += 5;
	want(&s, &w);
	say(&s, hear(&s, 8), 7, "abcdefgh", 8, 0);
	got(&s, &w, 7, "abcdefgh");
	assert_int_equal(w.checked, s.now);
	/* Something new of the same length. */
	want(&s, &w);
	say(&s, hear(&s, 8), 8, "ABCDEFGH", 8, 0);
	say(&s, hear(&s, 0), 8, "ABCDEFGH", 0, 8);
	got(&s, &w, 8, "ABCDEFGH");
	/* Shorter: its end is behind it. */
	want(&s, &w);
	say_error(&s, hear(&s, 8), JIT_E_ARG);
	say(&s, hear(&s, 0), 9, "ABC", 0, 3);
	got(&s, &w, 9, "ABC");
	stage_end(&s);
}

/* One question for all who came before it, another for who came after. */
static void
together(void **state)
{
	struct wanted early[5], late[5], gone;
	struct stage s;
	uint32_t tag;

	(void)state;
	stage_begin(&s);
	peer_up(&s.p);
	hold(&s, 1, "one");
	want(&s, &early[0]);
	tag = hear(&s, 3);
	/* It was asked before they came: its answer is none for them. */
	want(&s, &gone);
	for (size_t i = 0; i < 5; i++)
		want(&s, &late[i]);
	lists_forget(s.l, &gone);
	say(&s, tag, 1, "one", 3, 0);
	got(&s, &early[0], 1, "one");
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(late[i].calls, 0);
	say(&s, hear(&s, 3), 2, "two", 3, 0);
	say(&s, hear(&s, 0), 2, "two", 0, 3);
	for (size_t i = 0; i < 5; i++)
		got(&s, &late[i], 2, "two");
	assert_int_equal(gone.calls, 0);
	stage_end(&s);
}

static void
changes(void **state)
{
	struct stage s;
	struct wanted w;

	(void)state;
	stage_begin(&s);
	peer_up(&s.p);
	/* Another list half way: from the beginning again. */
	want(&s, &w);
	say(&s, hear(&s, 0), 7, "abcdef", 0, 3);
	say(&s, hear(&s, 3), 8, "ABCDEF", 3, 3);
	say(&s, hear(&s, 0), 8, "ABCDEF", 0, 6);
	got(&s, &w, 8, "ABCDEF");
	/* All the time: some tries, and then no more. */
	want(&s, &w);
	say(&s, hear(&s, 6), 100, "abcdef", 6, 0);
	for (unsigned i = 0; i < LISTS_TRIES; i++) {
		say(&s, hear(&s, 0), 200 + i, "abcdef", 0, 3);
		say(&s, hear(&s, 3), 300 + i, "ABCDEF", 3, 3);
	}
	peer_until(&s.p, &w.calls, 1);
	assert_int_equal(w.err, JIT_E_BUSY);
	/* And it can be had again. */
	want(&s, &w);
	say(&s, hear(&s, 6), 8, "ABCDEF", 6, 0);
	got(&s, &w, 8, "ABCDEF");
	stage_end(&s);
}

static void
nonsense(void **state)
{
	struct stage s;
	struct wanted w;
	uint32_t tag;

	(void)state;
	stage_begin(&s);
	peer_up(&s.p);
	/* No bytes where there should be some. */
	want(&s, &w);
	say(&s, hear(&s, 0), 7, "abc", 0, 0);
	peer_until(&s.p, &w.calls, 1);
	assert_int_equal(w.err, JIT_E_PROTOCOL);
	/* Another length than before. */
	want(&s, &w);
	say(&s, hear(&s, 0), 7, "abcdef", 0, 3);
	say(&s, hear(&s, 3), 7, "abcde", 3, 2);
	peer_until(&s.p, &w.calls, 1);
	assert_int_equal(w.err, JIT_E_PROTOCOL);
	/* No list at all. */
	want(&s, &w);
	tag = hear(&s, 0);
	peer_say(&s.p, OP_PUBLISHED, tag, "xyz");
	peer_until(&s.p, &w.calls, 1);
	assert_int_equal(w.err, JIT_E_FORMAT);
	/* The signer's own words. */
	want(&s, &w);
	say_error(&s, hear(&s, 0), JIT_E_UNKNOWN);
	peer_until(&s.p, &w.calls, 1);
	assert_int_equal(w.err, JIT_E_UNKNOWN);
	/* What was held is held on, unless there is no such list any more. */
	hold(&s, 9, "nine");
	want(&s, &w);
	say_error(&s, hear(&s, 4), JIT_E_NOMEM);
	peer_until(&s.p, &w.calls, 1);
	assert_int_equal(w.err, JIT_E_NOMEM);
	want(&s, &w);
	say_error(&s, hear(&s, 4), JIT_E_UNKNOWN);
	peer_until(&s.p, &w.calls, 1);
	assert_int_equal(w.err, JIT_E_UNKNOWN);
	want(&s, &w);
	(void)hear(&s, 0);
	stage_end(&s);
}

/* Told at once: stale for as long as it is good, then not at all. */
static void
alone(void **state)
{
	static const struct { const char *name; utc_s at; bool good; }
	rows[] = {
		{ "at once", NOW, true },
		{ "the second before its end", NEXT - 1, true },
		{ "its end", NEXT, false },
		{ "long after", NEXT + 86400, false },
	};
	struct wanted w, v;
	struct stage s;

	(void)state;
	stage_begin(&s);
	want(&s, &w);
	assert_true(w.calls == 1 && w.err == JIT_E_UNREACHABLE);
	peer_up(&s.p);
	hold(&s, 7, "seven");
	/* While it is asked. */
	want(&s, &w);
	(void)hear(&s, 5);
	want(&s, &v);
	peer_hang_up(&s.p);
	peer_until(&s.p, &v.calls, 1);
	assert_true(w.calls == 1 && w.err == JIT_OK && w.stale);
	assert_true(v.calls == 1 && v.stale && v.number == 7);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("  %s\n", rows[i].name);
		buf_done(&w.bytes);
		s.now = rows[i].at;
		want(&s, &w);
		assert_int_equal(w.calls, 1);
		assert_int_equal(w.err, rows[i].good ? JIT_OK :
		    JIT_E_UNREACHABLE);
		assert_true(!rows[i].good || (w.stale && w.checked == NOW &&
		    span_eq_str(BUF_SPAN(w.bytes), "seven")));
	}
	buf_done(&w.bytes);
	buf_done(&v.bytes);
	/* Back again. */
	peer_accept(&s.p);
	peer_greet(&s.p);
	peer_until(&s.p, &s.p.ups, 2);
	want(&s, &w);
	say(&s, hear(&s, 5), 7, "seven", 5, 0);
	got(&s, &w, 7, "seven");
	stage_end(&s);
}

/* Names that are none take no place. */
static void
many_names(void **state)
{
	struct stage s;
	struct wanted w = { .calls = 0 };

	(void)state;
	stage_begin(&s);
	for (unsigned i = 0; i < 3 * LISTS_MAX; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "crl-%u", i);
		lists_want(s.l, span_str(name), told, &w);
		assert_true(w.calls == i + 1 && w.err == JIT_E_UNREACHABLE);
	}
	peer_up(&s.p);
	for (unsigned i = 0; i < LISTS_MAX; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "crl-%u", i);
		lists_want(s.l, span_str(name), told, &w);
		assert_int_equal(w.calls, 3 * LISTS_MAX);
	}
	lists_want(s.l, span_str("one-more"), told, &w);
	assert_true(w.calls == 3 * LISTS_MAX + 1 && w.err == JIT_E_BUSY);
	stage_end(&s);
}

int
main(void)
{
	return jt_one("in pages, and when nothing changed", pages) +
	    jt_one("one question for many", together) +
	    jt_one("a list that changes", changes) +
	    jt_one("what is no list", nonsense) +
	    jt_one("without the signer", alone) +
	    jt_one("many names", many_names);
}
