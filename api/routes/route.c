/* route - from a request to its function: which one, and may they? */
#include <string.h>

#include "api/routes/call.h"
#include "ca/base/log.h"

const struct route routes[ROUTES] = {
#define X(NAME, method, path, who, body, fn)				\
	[ROUTE_##NAME] = { #NAME, METHOD_##method, path, WHO_##who,	\
	    BODY_##body, fn },
#include "api/routes/routes.def"
#undef X
};

/* ---- which one ---- */

/* The next segment of a route's path, without its slash; NULL: no more. */
static const char *
segment(const char *p, size_t *n)
{
	if (p == NULL || *p != '/')
		return NULL;
	*n = strcspn(p + 1, "/");
	return p + 1;
}

static bool
fits(const char *want, size_t n, struct span have, struct call *c)
{
	if (n == 4 && memcmp(want, "{id}", 4) == 0)
		return ulid_parse(have, &c->id) == JIT_OK;
	if (n == 6 && memcmp(want, "{role}", 6) == 0) {
		if (!text_is_name(have))
			return false;
		memcpy(c->role, have.p, have.n);
		c->role[have.n] = '\0';
		return true;
	}
	return span_eq(SPAN(want, n), have);
}

static bool
matches(const struct route *r, const struct path *p, struct call *c)
{
	const char *at = r->path, *s;
	size_t i, n = 0;

	for (i = 0; i < p->n; i++) {
		if ((s = segment(at, &n)) == NULL || !fits(s, n, p->v[i], c))
			return false;
		at = s + n;
	}
	return *at == '\0';
}

static enum jit_err
find(struct call *c, const struct path *p, struct jit_why *why)
{
	enum method m = exchange_method(c->x);
	const struct route *other = NULL;

	if (m == METHOD_HEAD)
		m = METHOD_GET;
	for (size_t i = 0; i < ROUTES; i++) {
		if (!matches(&routes[i], p, c))
			continue;
		other = &routes[i];
		if (routes[i].method != m)
			continue;
		c->route = &routes[i];
		return JIT_OK;
	}
	c->route = other;
	return other == NULL ? jit_fail(why, JIT_E_ROUTE, "the API has no "
	    "such place; openapi.yaml lists them") : jit_fail(why,
	    JIT_E_METHOD, "%s takes %s", other->path,
	    method_name(other->method));
}

/* ---- who ---- */

static bool
bearer(const char *h, struct span *ret)
{
	if (h == NULL || strncmp(h, "Bearer ", 7) != 0)
		return false;
	*ret = span_str(h + 7);
	return true;
}

static enum jit_err
log_in(struct call *c, struct jit_why *why)
{
	const char *h = exchange_header(c->x, "Authorization");
	struct reader r;
	struct span token;

	if (h == NULL)
		return jit_fail(why, JIT_E_LOGIN, "no token: log in first");
	if (!bearer(h, &token))
		return jit_fail(why, JIT_E_LOGIN, "Authorization: Bearer and "
		    "a token are accepted");
	JIT_TRY(token_find(c->d->tokens, token, certd_now(c->d), &c->owner,
	    why));
	return call_reader(c, &r, why);
}

enum jit_err
call_reader(struct call *c, struct reader *ret, struct jit_why *why)
{
	const struct policy *p = view_policy(c->d->view);

	if (p == NULL)
		return jit_fail(why, JIT_E_BUSY, "the view of the log holds no "
		    "policy yet");
	return reader_of(p, span_str(c->owner.person), &c->owner.key, ret,
	    why);
}

enum jit_err
call_row(struct call *c, struct view_row *ret, struct jit_why *why)
{
	JIT_DONE(view_row_done) struct view_row row = { .index = 0 };
	struct reader r;
	enum jit_err e;

	JIT_TRY(call_reader(c, &r, why));
	e = view_get(c->d->view, &c->id, &row, why);
	if (e == JIT_OK && !reader_sees(&r, row.requester, row.role))
		e = JIT_E_UNKNOWN;
	if (e == JIT_E_UNKNOWN)
		return jit_fail(why, e, "there is no request %s that you may "
		    "see", c->id.s);
	JIT_TRY(e);
	*ret = row;
	row = (struct view_row){ .index = 0 };
	return JIT_OK;
}

/* The view knows by now what anybody was told of. */
static void
may_see(struct call *c)
{
	JIT_DONE(view_row_done) struct view_row row = { .index = 0 };
	struct jit_why why = { 0 };
	enum jit_err e = call_row(c, &row, &why);

	if (e != JIT_OK)
		call_fail(c, e, &why);
	else
		c->route->fn(c);
}

static void
admit(struct call *c)
{
	struct jit_why why = { 0 };
	struct reader r;
	enum jit_err e = JIT_OK;

	if (c->route->who != WHO_ANYBODY && (e = log_in(c, &why)) != JIT_OK) {
		call_fail(c, e, &why);
		return;
	}
	if (c->route->who == WHO_SEES) {
		call_when_known(c, may_see);
		return;
	}
	if (c->route->who == WHO_AUDITOR &&
	    ((e = call_reader(c, &r, &why)) != JIT_OK || !r.all)) {
		call_fail(c, e != JIT_OK ? e : jit_fail(&why, JIT_E_FORBIDDEN,
		    "the whole log is for admins, and for whoever every role "
		    "names under \"read\""), &why);
		return;
	}
	c->route->fn(c);
}

/* ---- the server's callbacks ---- */

static enum jit_err
check_body(const struct call *c, struct jit_why *why)
{
	const char *type = exchange_header(c->x, "Content-Type");

	if (c->route->body == BODY_NONE)
		return exchange_body(c->x).n == 0 ? JIT_OK : jit_fail(why,
		    JIT_E_FORMAT, "%s takes no body", c->route->path);
	if (type == NULL || (strcmp(type, "application/json") != 0 &&
	    strcmp(type, "application/json; charset=utf-8") != 0))
		return jit_fail(why, JIT_E_TYPE, "Content-Type: "
		    "application/json is accepted");
	return JIT_OK;
}

static enum jit_err
read_call(struct call *c, struct jit_why *why)
{
	struct path p;

	JIT_TRY(path_parse(exchange_path(c->x), &p, why));
	JIT_TRY(find(c, &p, why));
	JIT_TRY(query_parse(exchange_query(c->x), &c->query, why));
	if (c->route->method == METHOD_POST)
		JIT_TRY(query_end(&c->query, why));
	return check_body(c, why);
}

void
certd_serve(void *arg, struct exchange *x)
{
	struct certd *d = arg;
	struct call *c = calloc(1, sizeof(*c));
	struct buf none = { NULL, 0 };
	struct jit_why why = { 0 };
	enum jit_err e;

	if (c == NULL) {
		exchange_answer(x, 503, NULL, &none, NULL, 0);
		return;
	}
	c->d = d;
	c->x = x;
	if ((e = read_call(c, &why)) != JIT_OK)
		call_fail(c, e, &why);
	else
		admit(c);
}

void
certd_served(void *arg, const struct exchange *x, unsigned status)
{
	enum log_level level = status >= 500 ? LOG_L_WARN : status >= 400 ||
	    exchange_method(x) == METHOD_POST ? LOG_L_INFO : LOG_L_DEBUG;

	(void)arg;
	log_line(level, "served", LOG_NUM("request", exchange_id(x)),
	    LOG_STR("method", method_name(exchange_method(x))),
	    LOG_SPAN("path", exchange_path(x)), LOG_NUM("status", status),
	    LOG_STR("peer", exchange_peer(x)));
}
