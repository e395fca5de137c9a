#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/http/server_int.h"

void
exchange_free(struct exchange *x)
{
	if (x == NULL)
		return;
	if (x->response != NULL)
		MHD_destroy_response(x->response);
	loop_unwatch(x->watch);
	buf_done(&x->target);
	wr_done(&x->body);
	free(x);
}

/* ---- the request line ---- */

static struct conn *
conn_of(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd,
	    MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info == NULL ? NULL : info->socket_context;
}

/* The target, copied before libmicrohttpd decodes it in place. */
void *
request_line(void *cls, const char *uri, struct MHD_Connection *mhd)
{
	struct server *s = cls;
	struct conn *c = conn_of(mhd);
	struct exchange *x = calloc(1, sizeof(*x));

	if (x == NULL || c == NULL || buf_copy(&x->target,
	    SPAN(uri, strlen(uri))) != JIT_OK) {
		free(x);
		return NULL;
	}
	x->s = s;
	x->conn = c;
	x->id = ++s->id;
	x->method = METHOD_NONE;
	wr_init(&x->body, s->c.limits.max_body);
	exchange_free(c->x);
	c->x = x;
	conn_came(c);
	/* The first request's time began when it was accepted. */
	if (!c->first)
		conn_phase(c, PHASE_HEAD, s->c.limits.head_s);
	return x;
}

/* ---- its steps ---- */

static enum MHD_Result
queue(struct exchange *x)
{
	enum MHD_Result r;

	if (x->response == NULL)
		return MHD_NO;
	r = MHD_queue_response(x->conn->mhd, x->status, x->response);
	MHD_destroy_response(x->response);
	x->response = NULL;
	conn_phase(x->conn, PHASE_ANSWER, x->s->c.limits.body_s);
	return r;
}

static enum MHD_Result
refuse(struct exchange *x, enum jit_err e, const struct jit_why *why)
{
	exchange_refuse(x, e, why);
	return queue(x);
}

static enum jit_err
too_large(const struct exchange *x, struct jit_why *why)
{
	return jit_fail(why, JIT_E_SIZE, "a body of more than %zu bytes",
	    x->s->c.limits.max_body);
}

static enum MHD_Result
begin(struct exchange *x, const char *method, const char *url,
    const char *version)
{
	struct jit_why why = { 0 };
	uint64_t length;
	enum jit_err e = head_check(x, method, url, version, &length, &why);

	if (e == JIT_OK && length > x->s->c.limits.max_body)
		e = too_large(x, &why);
	if (e != JIT_OK)
		return refuse(x, e, &why);
	x->state = EXCHANGE_BODY;
	conn_phase(x->conn, PHASE_BODY, x->s->c.limits.body_s);
	return MHD_YES;
}

/*
 * libmicrohttpd takes no answer between two pieces of a body.  One that is
 * too large is read on for as much again, so that its sender sees the answer,
 * and cut off then.
 */
static enum MHD_Result
take_body(struct exchange *x, const char *data, size_t *n)
{
	size_t max = x->s->c.limits.max_body;

	x->body_seen += *n;
	if (x->body_seen > max * 2)
		return MHD_NO;
	wr_raw(&x->body, data, *n);
	*n = 0;
	return MHD_YES;
}

static enum MHD_Result
hand_on(struct exchange *x)
{
	struct server *s = x->s;
	struct jit_why why = { 0 };

	if (x->body_seen > s->c.limits.max_body)
		return refuse(x, too_large(x, &why), &why);
	if (x->body.err != JIT_OK)
		return refuse(x, x->body.err, &why);
	if (s->stopping)
		return refuse(x, jit_fail(&why, JIT_E_BUSY,
		    "the server is stopping"), &why);
	x->state = EXCHANGE_SERVED;
	conn_phase(x->conn, PHASE_SERVE, 0);
	s->c.serve(s->c.arg, x);
	if (x->state == EXCHANGE_PARKED) {
		x->suspended = true;
		MHD_suspend_connection(x->conn->mhd);
		return MHD_YES;
	}
	if (x->state != EXCHANGE_ANSWERED)
		return refuse(x, jit_fail(&why, JIT_E_IO,
		    "nobody answered this"), &why);
	return queue(x);
}

enum MHD_Result
request_ready(void *cls, struct MHD_Connection *mhd, const char *url,
    const char *method, const char *version, const char *data, size_t *n,
    void **ctx)
{
	struct exchange *x = *ctx;

	(void)cls;
	(void)mhd;
	if (x == NULL)
		return MHD_NO;
	switch (x->state) {
	case EXCHANGE_HEAD:
		return begin(x, method, url, version);
	case EXCHANGE_BODY:
		return *n > 0 ? take_body(x, data, n) : hand_on(x);
	case EXCHANGE_ANSWERED:
		return queue(x);
	default:
		return MHD_NO;
	}
}

void
request_done(void *cls, struct MHD_Connection *mhd, void **ctx,
    enum MHD_RequestTerminationCode how)
{
	struct server *s = cls;
	struct exchange *x = *ctx;
	struct conn *c;

	(void)mhd;
	*ctx = NULL;
	if (x == NULL)
		return;
	c = x->conn;
	if (x->state == EXCHANGE_PARKED)
		exchange_lose(x);
	if (x->state >= EXCHANGE_SERVED || x->status != 0) {
		s->counts.served++;
		if (s->c.served != NULL)
			s->c.served(s->c.arg, x, how ==
			    MHD_REQUEST_TERMINATED_COMPLETED_OK ?
			    x->status : 0);
	}
	c->x = NULL;
	c->first = false;
	conn_phase(c, PHASE_IDLE, s->c.limits.idle_s);
	exchange_free(x);
	if (s->stopping)
		conn_doom(c);
}

/* ---- what its holder may ask ---- */

const char *
method_name(enum method m)
{
	switch (m) {
	case METHOD_GET: return "GET";
	case METHOD_HEAD: return "HEAD";
	case METHOD_POST: return "POST";
	case METHOD_DELETE: return "DELETE";
	case METHOD_NONE: break;
	}
	return "-";
}

enum method
exchange_method(const struct exchange *x)
{
	return x->method;
}

struct span
exchange_path(const struct exchange *x)
{
	return (struct span){ x->target.p, x->path };
}

struct span
exchange_query(const struct exchange *x)
{
	if (x->path >= x->target.n)
		return SPAN_NONE;
	return (struct span){ x->target.p + x->path + 1,
	    x->target.n - x->path - 1 };
}

struct search { const char *name, *value; unsigned n; };

static enum MHD_Result
search_one(void *arg, enum MHD_ValueKind kind, const char *name,
    const char *value)
{
	struct search *s = arg;

	(void)kind;
	if (strcasecmp(name, s->name) == 0) {
		s->value = value;
		s->n++;
	}
	return MHD_YES;
}

const char *
exchange_header(const struct exchange *x, const char *name)
{
	struct search s = { .name = name };

	(void)MHD_get_connection_values(x->conn->mhd, MHD_HEADER_KIND,
	    search_one, &s);
	return s.n == 1 ? s.value : NULL;
}

struct span
exchange_body(const struct exchange *x)
{
	return wr_view(&x->body);
}

uint64_t
exchange_id(const struct exchange *x)
{
	return x->id;
}

const char *
exchange_peer(const struct exchange *x)
{
	return x->conn->peer;
}
