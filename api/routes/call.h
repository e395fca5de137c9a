/*
 * call - one request to the API on its way to its answer.
 *
 * certd_serve() makes it, finds its route (routes.def) and whether it may be
 * asked; the route's function answers it or asks the signer first:
 *
 *	function(c) ── call_ask(c, …, then) ──► then(c, answers) ── call_answer
 *	     └──────── call_when_known(c, then) ──► then(c)
 *
 * Every path through a function ends in exactly one of call_answer,
 * call_empty, call_shared, call_fail, call_ask, call_list, call_when_known or
 * call_wait; c is not to be touched behind it.  A client that goes away ends
 * the call by itself.
 */
#ifndef JIT_API_ROUTES_CALL_H
#define JIT_API_ROUTES_CALL_H

#include "api/certd.h"
#include "api/http/query.h"
#include "api/json/answer.h"
#include "api/json/body.h"

enum who { WHO_ANYBODY, WHO_PERSON, WHO_SEES, WHO_AUDITOR };
enum body_kind { BODY_NONE, BODY_JSON };

enum route_name {
#define X(NAME, method, path, who, body, fn) ROUTE_##NAME,
#include "api/routes/routes.def"
#undef X
	ROUTES
};

struct call;
struct route {
	const char *name;		/* "SHOW" */
	enum method method;
	const char *path;
	enum who who;
	enum body_kind body;
	void (*fn)(struct call *c);
};
extern const struct route routes[ROUTES];
#define X(NAME, method, path, who, body, fn) void fn(struct call *c);
#include "api/routes/routes.def"
#undef X

typedef void call_then(struct call *c);
/* Answers of the signer; each holds its own err. */
typedef void call_answers(struct call *c, const struct answer *ans,
    size_t n);

struct call {
	struct certd *d;
	struct exchange *x;
	const struct route *route;
	struct query query;		/* owned values */
	struct token_owner owner;	/* of the token, when there is one */
	struct ulid id;			/* {id} of the path */
	char role[33];			/* {role} of the path */
	/* A function's own, from one step to the next. */
	struct buf kept;		/* owned */
	uint64_t number, more;
	bool flag;
	/* While it waits. */
	bool parked, listed, news, counted;
	uint64_t want;			/* view size, or since */
	struct timer timer;
	call_then *then;
	call_answers *answers;
	struct call *next, **prev;
};

/* ---- reading ---- */

/* Who asks, under the policy in force now; borrowed until that changes. */
enum jit_err call_reader(struct call *c, struct reader *ret,
    struct jit_why *why);
/* c->id's row, if who asks may see it; the same for what is not there. */
enum jit_err call_row(struct call *c, struct view_row *ret,
    struct jit_why *why);

/* ---- ends ---- */

/* Answer with what fn writes, or with its error. */
void call_make(struct call *c, unsigned status,
    enum jit_err (*fn)(struct call *c, struct js *j, struct jit_why *why));
/* Takes what j holds. */
void call_answer(struct call *c, unsigned status, struct js *j);
void call_empty(struct call *c);		/* 204 */
/* Shared bytes of that type; NULL: none, for 304. */
void call_shared(struct call *c, unsigned status, const char *type,
    struct shared *body, const struct exchange_header *more, size_t n_more);
void call_fail(struct call *c, enum jit_err e, const struct jit_why *why);

/* ---- later ---- */

/*
 * Ask the signer n things (1 or 2).  An answer that is an error fails the
 * call, unless lenient; a signer that is not there as well.
 */
void call_ask(struct call *c, const struct ask *a, size_t n, bool lenient,
    call_answers *then);
/*
 * Go on once the view holds all that anybody was told of (d->known): what was
 * acknowledged is not "not there" a moment later, nor after a restart.
 * JIT_E_BUSY after a while; while no signer was seen yet, its error.
 */
void call_when_known(struct call *c, call_then *then);
/*
 * Go on once an entry about c->id, or a policy, at index since or above is
 * there, or after ms.  JIT_E_BUSY: too many wait.
 */
void call_wait(struct call *c, uint64_t since, uint32_t ms, call_then *then);
/* Tell waiting calls of an entry; certd_wake() lets them go on. */
void call_news(struct certd *d, const struct entry *e);

/* The list of that name (api/lists.h): told once, perhaps at once. */
void call_list(struct call *c, struct span name, lists_told *then);

/* ---- shared by functions ---- */

/* One object of openapi.yaml's Request; name NULL in an array. */
void call_put_request(struct js *j, const char *name, const struct certd *d,
    const struct view_row *r, utc_s now);

#endif
