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
		ok = ok && add(r, always[i].name, always[i].value);
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

void
exchange_answer(struct exchange *x, unsigned status, const char *type,
    struct buf *body, const struct exchange_header *more, size_t n_more)
{
	struct MHD_Response *r = response_of(body);

	if (body != NULL)
		buf_done(body);
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
