#include "signer/crash.h"
#include "signer/serve_int.h"

/*
 * Parked tasks stand in one list, oldest first: a few hundred at most, looked
 * through after a turn that logged something and when one's time is up.
 */

static unsigned
waits_of(const struct serve *s, uid_t uid)
{
	unsigned n = 0;

	for (const struct task *t = s->parked.first; t != NULL; t = t->next)
		n += ((const struct conn *)t->owner)->uid == uid;
	return n;
}

static enum jit_err
check_room(const struct serve *s, uid_t uid, struct jit_why *why)
{
	if (s->parked.n >= SERVE_WAITS)
		return jit_fail(why, JIT_E_BUSY, "%zu are waiting already",
		    s->parked.n);
	if ((!s->c.has_front || uid != s->c.front) &&
	    waits_of(s, uid) >= SERVE_UID_WAITS)
		return jit_fail(why, JIT_E_BUSY, "uid %lu waits %u times "
		    "already", (unsigned long)uid, SERVE_UID_WAITS);
	return JIT_OK;
}

enum jit_err
serve_park(struct serve *s, struct task *t, int64_t ms)
{
	const struct conn *c = t->owner;

	t->err = check_room(s, c->uid, &t->why);
	if (t->err != JIT_OK) {
		t->parked = false;
		answer_error(&t->answer, (uint8_t)t->ask.op, t->ask.tag,
		    t->err, &t->why);
		CRASH_POINT(TELL_WAITER);
		return t->answer.err != JIT_OK ? t->answer.err :
		    serve_deliver(s, t, ms);
	}
	t->deadline = ms + ask_waits(&t->ask);
	tasks_put(&s->parked, t);
	return JIT_OK;
}

enum jit_err
serve_wake(struct serve *s, bool all, int64_t ms)
{
	struct task **at = &s->parked.first, *t;
	bool news = s->news;
	utc_s now = 0;
	enum jit_err e = JIT_OK;

	if (s->parked.n == 0 || (!all && !news &&
	    serve_wait_deadline(s) > ms))
		return JIT_OK;
	JIT_TRY(serve_now(s, &now));
	s->news = false;
	while (e == JIT_OK && (t = *at) != NULL) {
		bool over = all || t->deadline <= ms;

		if (!serve_orphan(t) && !over && s->out > SERVE_OUT) {
			/* Told when there is room for it. */
			s->news = news;
			at = &t->next;
			continue;
		}
		if (!serve_orphan(t) && !turn_wake(s->turn, t, over, now)) {
			at = &t->next;
			continue;
		}
		CRASH_POINT(TELL_WAITER);
		*at = t->next;
		s->parked.n--;
		if (serve_orphan(t))
			serve_drop(t);
		else
			e = serve_deliver(s, t, ms);
	}
	/* The list's end may have gone. */
	while (*at != NULL)
		at = &(*at)->next;
	s->parked.last = at;
	return e;
}

int64_t
serve_wait_deadline(const struct serve *s)
{
	int64_t until = INT64_MAX;

	for (const struct task *t = s->parked.first; t != NULL; t = t->next)
		if (serve_orphan(t))
			return 0;
		else if (t->deadline < until)
			until = t->deadline;
	return until;
}
