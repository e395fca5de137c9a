#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/http/server_int.h"
#include "api/json/answer.h"

/* Of every answer. */
static const struct exchange_header always[] = {
	{ "Cache-Control", "no-store" },
	{ "X-Content-Type-Options", "nosniff" },
	{ "Content-Security-Policy",
	    "default-src 'none'; frame-ancestors 'none'" },
	{ "Strict-Transport-Security", "max-age=31536000" },
};

static void
wipe(void *arg)
{
	struct buf *b = arg;

	buf_done(b);
	free(b);
}

/* An answer may hold a token: libmicrohttpd is not to free it unwiped. */
static struct MHD_Response *
response_of(struct buf *body)
{
	struct MHD_Response *r;
	struct buf *own;

	if (body == NULL || body->n == 0)
		return MHD_create_response_from_buffer(0,
		    (void *)(uintptr_t)"", MHD_RESPMEM_PERSISTENT);
	if ((own = malloc(sizeof(*own))) == NULL)
		return NULL;
	*own = *body;
	r = MHD_create_response_from_buffer_with_free_callback_cls(own->n,
	    own->p, wipe, own);
	if (r == NULL) {
		free(own);
		return NULL;
	}
	*body = (struct buf){ 0 };
	return r;
}

/* ---- shared bytes ---- */

struct shared {
	unsigned refs;
	struct buf bytes;		/* owned */
};

enum jit_err
shared_new(struct buf *body, struct shared **ret)
{
	struct shared *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		buf_done(body);
		return JIT_E_NOMEM;
	}
	s->refs = 1;
	s->bytes = *body;
	*body = (struct buf){ NULL, 0 };
	*ret = s;
	return JIT_OK;
}

struct shared *
shared_hold(struct shared *s)
{
	s->refs++;
	return s;
}

void
shared_drop(struct shared *s)
{
	if (s == NULL || --s->refs > 0)
		return;
	buf_done(&s->bytes);
	free(s);
}

struct span
shared_bytes(const struct shared *s)
{
	return BUF_SPAN(s->bytes);
}

static void
drop(void *arg)
{
	shared_drop(arg);
}

static struct MHD_Response *
response_of_shared(struct shared *s)
{
	struct MHD_Response *r;

	if (s->bytes.n == 0)
		return response_of(NULL);
	r = MHD_create_response_from_buffer_with_free_callback_cls(
	    s->bytes.n, s->bytes.p, drop, s);
	if (r != NULL)
		(void)shared_hold(s);
	return r;
}

/* ---- answers ---- */

/* Does the answer say that by itself? */
static bool
says(const struct exchange_header *more, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(more[i].name, name) == 0)
			return true;
	return false;
}

static bool
add(struct MHD_Response *r, const char *name, const char *value)
{
	return MHD_add_response_header(r, name, value) == MHD_YES;
}

static bool
add_headers(struct exchange *x, struct MHD_Response *r, const char *type,
    const struct exchange_header *more, size_t n_more)
{
	char id[24];
	bool ok = true;

	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		ok = ok && (says(more, n_more, always[i].name) ||
		    add(r, always[i].name, always[i].value));
	(void)snprintf(id, sizeof(id), "%llu", (unsigned long long)x->id);
	ok = ok && add(r, "X-Request-Id", id);
	if (type != NULL)
		ok = ok && add(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	for (size_t i = 0; i < n_more; i++)
		ok = ok && add(r, more[i].name, more[i].value);
	if (x->close || x->s->stopping)
		ok = ok && add(r, MHD_HTTP_HEADER_CONNECTION, "close");
	return ok;
}

/* It is no longer waiting; libmicrohttpd goes on with it in its next run. */
static void
unpark(struct exchange *x)
{
	if (x->state != EXCHANGE_PARKED)
		return;
	x->s->counts.parked--;
	loop_unwatch(x->watch);
	x->watch = NULL;
	if (x->suspended) {
		x->suspended = false;
		MHD_resume_connection(x->conn->mhd);
		server_again(x->s);
	}
}

/* Takes r, which may be NULL. */
static void
answer(struct exchange *x, unsigned status, const char *type,
    struct MHD_Response *r, const struct exchange_header *more,
    size_t n_more)
{
	if (r != NULL && !add_headers(x, r, type, more, n_more)) {
		MHD_destroy_response(r);
		r = NULL;
	}
	/* Without memory there is no answer: the connection is closed. */
	x->response = r;
	x->status = r == NULL ? 0 : status;
	unpark(x);
	x->state = EXCHANGE_ANSWERED;
}

void
exchange_answer(struct exchange *x, unsigned status, const char *type,
    struct buf *body, const struct exchange_header *more, size_t n_more)
{
	struct MHD_Response *r = response_of(body);

	if (body != NULL)
		buf_done(body);
	answer(x, status, type, r, more, n_more);
}

void
exchange_answer_shared(struct exchange *x, unsigned status, const char *type,
    struct shared *body, const struct exchange_header *more, size_t n_more)
{
	answer(x, status, type, response_of_shared(body), more, n_more);
}

void
exchange_refuse(struct exchange *x, enum jit_err e,
    const struct jit_why *why)
{
	static const struct exchange_header allow = { "Allow",
	    "GET, HEAD, POST, DELETE" };
	JIT_DONE(buf_done) struct buf body = { 0 };

	x->close = true;
	if (problem_put(e, why, x->id, &body) != JIT_OK) {
		exchange_answer(x, (unsigned)jit_err_http(e), NULL, NULL,
		    NULL, 0);
		return;
	}
	exchange_answer(x, (unsigned)jit_err_http(e), PROBLEM_TYPE, &body,
	    &allow, e == JIT_E_METHOD ? 1 : 0);
}

/* ---- later ---- */

static void
hung_up(void *arg, uint32_t events)
{
	struct exchange *x = arg;

	(void)events;
	exchange_lose(x);
}

enum jit_err
exchange_park(struct exchange *x, void (*gone)(void *arg), void *arg)
{
	struct server *s = x->s;

	if (x->state != EXCHANGE_SERVED)
		return JIT_E_ARG;
	if (s->counts.parked >= s->c.limits.parked)
		return JIT_E_BUSY;
	/*
	 * libmicrohttpd does not look at a suspended connection, and has taken
	 * it out of its own epoll: whether the client hangs up is for us.
	 */
	JIT_TRY(loop_watch(s->loop, x->conn->fd, EPOLLRDHUP, hung_up, x,
	    &x->watch, NULL));
	s->counts.parked++;
	x->gone = gone;
	x->gone_arg = arg;
	x->state = EXCHANGE_PARKED;
	return JIT_OK;
}

void
exchange_lose(struct exchange *x)
{
	if (x->state != EXCHANGE_PARKED)
		return;
	unpark(x);
	x->state = EXCHANGE_GONE;
	if (x->gone != NULL)
		x->gone(x->gone_arg);
}
