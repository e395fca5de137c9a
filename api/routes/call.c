/* call - its ends, and what happens between the steps. */
#include <string.h>

#include "api/routes/call.h"
#include "ca/base/log.h"

#define JSON_TYPE "application/json"
#define NOT_KNOWN UINT64_MAX	/* how large the log is, no signer has said */

static void
unlist(struct call *c)
{
	if (!c->listed)
		return;
	*c->prev = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	c->listed = false;
	timer_stop(&c->timer);
	if (c->counted)
		c->d->waits--;
	c->counted = false;
}

static void
call_free(struct call *c)
{
	unlist(c);
	query_done(&c->query);
	buf_done(&c->kept);
	free(c);
}

/* The client hung up; whoever works for it stops. */
static void
gone(void *arg)
{
	struct call *c = arg;

	link_forget(c->d->link, c);
	lists_forget(c->d->lists, c);
	call_free(c);
}

/* ---- ends ---- */

/* The exchange outlives neither; what is told to the log is in its data. */
static void
finish(struct call *c, unsigned status, const char *type, struct buf *body,
    const struct exchange_header *more, size_t n_more)
{
	struct exchange *x = c->x;

	call_free(c);
	exchange_answer(x, status, type, body, more, n_more);
}

void
call_answer(struct call *c, unsigned status, struct js *j)
{
	JIT_DONE(buf_done) struct buf b = { NULL, 0 };
	enum jit_err e = js_take(j, &b);

	if (e != JIT_OK)
		call_fail(c, e, NULL);
	else
		finish(c, status, JSON_TYPE, &b, NULL, 0);
}

void
call_make(struct call *c, unsigned status,
    enum jit_err (*fn)(struct call *c, struct js *j, struct jit_why *why))
{
	JIT_DONE(js_done) struct js j = JS_INIT;
	struct jit_why why = { 0 };
	enum jit_err e = fn(c, &j, &why);

	if (e != JIT_OK)
		call_fail(c, e, &why);
	else
		call_answer(c, status, &j);
}

void
call_empty(struct call *c)
{
	JIT_DONE(buf_done) struct buf b = { NULL, 0 };

	finish(c, 204, NULL, &b, NULL, 0);
}

void
call_shared(struct call *c, unsigned status, const char *type,
    struct shared *body, const struct exchange_header *more, size_t n_more)
{
	struct exchange *x = c->x;

	call_free(c);
	if (body != NULL)
		exchange_answer_shared(x, status, type, body, more, n_more);
	else
		exchange_answer(x, status, NULL, NULL, more, n_more);
}

void
call_fail(struct call *c, enum jit_err e, const struct jit_why *why)
{
	static const struct exchange_header login = { "WWW-Authenticate",
	    "Bearer realm=\"jit-cert\"" };
	static const struct exchange_header retry = { "Retry-After", "1" };
	static const struct exchange_header allow[] = {
		[METHOD_GET] = { "Allow", "GET, HEAD" },
		[METHOD_POST] = { "Allow", "POST" },
		[METHOD_DELETE] = { "Allow", "DELETE" },
	};
	const struct exchange_header *more = NULL;
	JIT_DONE(buf_done) struct buf b = { NULL, 0 };
	unsigned status = (unsigned)jit_err_http(e);

	if (e == JIT_E_LOGIN)
		more = &login;
	else if (status == 503 || status == 429)
		more = &retry;
	else if (e == JIT_E_METHOD && c->route != NULL)
		more = &allow[c->route->method];
	if (problem_put(e, why, exchange_id(c->x), &b) != JIT_OK)
		finish(c, 503, NULL, &b, NULL, 0);
	else
		finish(c, status, PROBLEM_TYPE, &b, more, more != NULL);
}

/* ---- parked ---- */

/* False: it was answered instead. */
static bool
park(struct call *c)
{
	struct jit_why why = { 0 };
	enum jit_err e;

	if (c->parked)
		return true;
	e = exchange_park(c->x, gone, c);
	if (e != JIT_OK) {
		(void)jit_fail(&why, e, "too many are waiting already");
		call_fail(c, e, &why);
		return false;
	}
	c->parked = true;
	return true;
}

/* ---- the signer ---- */

static void
answered(void *arg, enum jit_err err, const struct jit_why *why,
    const struct answer *ans, size_t n)
{
	struct call *c = arg;

	if (err != JIT_OK) {
		call_fail(c, err, why);
		return;
	}
	for (size_t i = 0; i < n && !c->flag; i++)
		if (ans[i].err != JIT_OK) {
			call_fail(c, ans[i].err, &ans[i].why);
			return;
		}
	c->answers(c, ans, n);
}

void
call_ask(struct call *c, const struct ask *a, size_t n, bool lenient,
    call_answers *then)
{
	struct jit_why why = { 0 };
	enum jit_err e;

	if (!park(c))
		return;
	c->flag = lenient;
	c->answers = then;
	e = link_ask(c->d->link, a, n, answered, c, &why);
	if (e != JIT_OK)
		call_fail(c, e, &why);
}

void
call_list(struct call *c, struct span name, lists_told *then)
{
	if (park(c))
		lists_want(c->d->lists, name, then, c);
}

/* ---- the view, and news ---- */

static void
list(struct call *c, int64_t ms, void (*over)(void *arg))
{
	struct certd *d = c->d;

	c->next = d->waiting;
	c->prev = &d->waiting;
	if (c->next != NULL)
		c->next->prev = &c->next;
	d->waiting = c;
	c->listed = true;
	c->timer.fn = over;
	c->timer.arg = c;
	timer_set(d->loop, &c->timer, loop_ms(d->loop) + ms);
}

static void
not_caught_up(void *arg)
{
	struct call *c = arg;
	struct jit_why why = { 0 };
	enum jit_err e = c->d->view_err != JIT_OK ? c->d->view_err :
	    JIT_E_BUSY;

	if (!c->d->greeted && link_state(c->d->link, &why) != JIT_OK) {
		call_fail(c, why.code, &why);
		return;
	}
	(void)jit_fail(&why, e, "the view of the log is behind: %llu of %llu "
	    "entries", (unsigned long long)view_size(c->d->view),
	    (unsigned long long)c->want);
	call_fail(c, e, &why);
}

void
call_when_known(struct call *c, call_then *then)
{
	const struct certd *d = c->d;

	if (d->greeted && view_size(d->view) >= d->known) {
		then(c);
		return;
	}
	if (!park(c))
		return;
	c->want = d->greeted ? d->known : NOT_KNOWN;
	c->then = then;
	list(c, CERTD_CATCH_UP_MS, not_caught_up);
}

static void
waited(void *arg)
{
	struct call *c = arg;
	call_then *then = c->then;

	unlist(c);
	then(c);
}

static unsigned
waits_of(const struct certd *d, const char *person)
{
	unsigned n = 0;

	for (const struct call *c = d->waiting; c != NULL; c = c->next)
		n += c->counted && strcmp(c->owner.person, person) == 0;
	return n;
}

/* What is new for c is there already. */
static bool
has_news(struct call *c, uint64_t since)
{
	JIT_DONE(view_row_done) struct view_row r = { .index = 0 };

	if (view_policy_index(c->d->view) >= since)
		return true;
	return view_get(c->d->view, &c->id, &r, NULL) == JIT_OK &&
	    r.last >= since;
}

void
call_wait(struct call *c, uint64_t since, uint32_t ms, call_then *then)
{
	struct certd *d = c->d;
	struct jit_why why = { 0 };
	unsigned own;

	if (ms == 0 || has_news(c, since)) {
		then(c);
		return;
	}
	own = waits_of(d, c->owner.person);
	if (d->waits >= d->conf.waiters || own >= CERTD_WAITS_OF_ONE) {
		call_fail(c, jit_fail(&why, JIT_E_BUSY, own >=
		    CERTD_WAITS_OF_ONE ? "you wait %u times already" :
		    "%u are waiting already", own >= CERTD_WAITS_OF_ONE ?
		    own : d->waits), &why);
		return;
	}
	if (!park(c))
		return;
	c->want = since;
	c->news = false;
	c->counted = true;
	d->waits++;
	c->then = then;
	list(c, ms, waited);
}

void
call_news(struct certd *d, const struct entry *e)
{
	struct ulid id;
	bool about = !e->erased && rec_about((enum entry_type)e->type,
	    e->body, &id);

	/* Who is locked out learns it now. */
	if (!about && e->type != ENTRY_POLICY && e->type != ENTRY_LOCK)
		return;
	for (struct call *c = d->waiting; c != NULL; c = c->next)
		if (c->counted && e->index >= c->want &&
		    (!about || strcmp(c->id.s, id.s) == 0))
			c->news = true;
}

/* Everything that may go on leaves the list first: steps change it. */
void
certd_wake(struct certd *d)
{
	struct call *ready = NULL, *next;

	for (struct call *c = d->waiting; c != NULL; c = next) {
		next = c->next;
		if (!c->counted && c->want == NOT_KNOWN && d->greeted)
			c->want = d->known;
		if (c->counted ? !c->news : view_size(d->view) < c->want)
			continue;
		unlist(c);
		c->next = ready;
		ready = c;
	}
	for (struct call *c = ready; c != NULL; c = next) {
		next = c->next;
		c->then(c);
	}
}

void
certd_stop_waiting(struct certd *d)
{
	struct jit_why why = { 0 };

	(void)jit_fail(&why, JIT_E_UNREACHABLE, "jit-certd is being stopped");
	while (d->waiting != NULL)
		call_fail(d->waiting, JIT_E_UNREACHABLE, &why);
}
