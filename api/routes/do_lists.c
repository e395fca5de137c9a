/*
 * What was taken back: the lists that servers read, as they are (krl, crl),
 * and page by page as JSON, for clients that speak nothing else.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "api/routes/call.h"
#include "ca/x509/der.h"

#define TYPE_BYTES "application/octet-stream"
#define TYPE_CRL "application/pkix-crl"
#define TYPE_PEM "application/x-pem-file"
#define TYPE_TEXT "text/plain"
#define CRL_LABEL "X509 CRL"
#define DATE_TEXT 32
#define NUMBER_TEXT 24
#define KEY_ID 40		/* hex digits */

/* ---- headers ---- */

/* Of an answer with a list; values stand in here. */
struct heads {
	char etag[NUMBER_TEXT + 2], number[NUMBER_TEXT], date[DATE_TEXT];
	char age[NUMBER_TEXT], warning[96];
	struct exchange_header v[6];
	size_t n;
};

/* "Mon, 23 Nov 2026 22:00:00 GMT" */
static void
put_date(utc_s t, char ret[static DATE_TEXT])
{
	const time_t at = (time_t)t;
	struct tm tm;

	ret[0] = '\0';
	if (gmtime_r(&at, &tm) != NULL)
		(void)strftime(ret, DATE_TEXT, "%a, %d %b %Y %H:%M:%S GMT",
		    &tm);
}

static void
add(struct heads *h, const char *name, const char *value)
{
	h->v[h->n++] = (struct exchange_header){ name, value };
}

static void
fill(struct heads *h, const struct list_held *l, utc_s now)
{
	const unsigned long long n = l->number;

	h->n = 0;
	(void)snprintf(h->number, sizeof(h->number), "%llu", n);
	(void)snprintf(h->etag, sizeof(h->etag), "\"%llu\"", n);
	put_date(l->made, h->date);
	add(h, "ETag", h->etag);
	add(h, "Last-Modified", h->date);
	add(h, "X-List-Number", h->number);
	add(h, "Cache-Control", "no-cache");
	if (!l->stale)
		return;
	(void)snprintf(h->age, sizeof(h->age), "%lld", (long long)(now >
	    l->checked ? now - l->checked : 0));
	(void)snprintf(h->warning, sizeof(h->warning), "110 - \"the signer "
	    "is not reached; this list may not be its newest\"");
	add(h, "Age", h->age);
	add(h, "Warning", h->warning);
}

/*
 * RFC 9110 section 13.1.2: a list of tags, weak ones compared as strong ones,
 * or "*".  If-Modified-Since is not looked at: two lists may be of a second.
 */
static bool
has_it(const struct call *c, const char *etag)
{
	const char *h = exchange_header(c->x, "If-None-Match");
	size_t n = strlen(etag);

	while (h != NULL && *h != '\0') {
		h += strspn(h, " \t,");
		if (strncmp(h, "W/", 2) == 0)
			h += 2;
		if (*h == '*' || (strncmp(h, etag, n) == 0 &&
		    strchr(" \t,", h[n]) != NULL))
			return true;
		h += strcspn(h, ",");
	}
	return false;
}

/* ---- the lists themselves ---- */

static enum jit_err
as_pem(struct span der, struct shared **ret)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(2 * der.n + 256);
	struct buf b = { NULL, 0 };

	x509_put_pem(&w, CRL_LABEL, der);
	JIT_TRY(wr_take(&w, &b));
	return shared_new(&b, ret);
}

/* Held once more for the caller.  Which of its forms the route gives. */
static enum jit_err
form_of(const struct call *c, const struct list_held *l, const char **type,
    struct shared **ret)
{
	if (c->route == &routes[ROUTE_CRL_PEM]) {
		*type = TYPE_PEM;
		return as_pem(shared_bytes(l->bytes), ret);
	}
	if (c->route == &routes[ROUTE_KRL_SIG]) {
		*type = TYPE_TEXT;
		if (l->sig == NULL)
			return JIT_E_PROTOCOL;
		*ret = shared_hold(l->sig);
		return JIT_OK;
	}
	*type = c->route == &routes[ROUTE_CRL] ? TYPE_CRL : TYPE_BYTES;
	*ret = shared_hold(l->bytes);
	return JIT_OK;
}

static void
got_list(void *arg, enum jit_err e, const struct jit_why *why,
    const struct list_held *l)
{
	struct call *c = arg;
	struct shared *body = NULL;
	const char *type = NULL;
	struct heads h;

	if (e != JIT_OK) {
		call_fail(c, e, why);
		return;
	}
	fill(&h, l, certd_now(c->d));
	if (has_it(c, h.etag))
		call_shared(c, 304, NULL, NULL, h.v, h.n);
	else if ((e = form_of(c, l, &type, &body)) != JIT_OK)
		call_fail(c, e, NULL);
	else
		call_shared(c, 200, type, body, h.v, h.n);
	shared_drop(body);
}

static void
krl(struct call *c)
{
	struct jit_why why = { 0 };
	enum jit_err e = query_end(&c->query, &why);

	if (e != JIT_OK)
		call_fail(c, e, &why);
	else
		call_list(c, span_str(PUBLISHED_KRL), got_list);
}

void
do_krl(struct call *c)
{
	krl(c);
}

void
do_krl_sig(struct call *c)
{
	krl(c);
}

/* ?ca=: the key id of a CA; without it, of the one that signs now. */
static enum jit_err
read_ca(struct call *c, struct wr *name, struct jit_why *why)
{
	struct span ca = SPAN_NONE;
	uint8_t id[KEY_ID / 2];

	JIT_TRY(query_text(&c->query, "ca", KEY_ID, &ca, why));
	JIT_TRY(query_end(&c->query, why));
	wr_str(name, ca.p == NULL ? PUBLISHED_CRL : PUBLISHED_CRL_OF);
	wr_span(name, ca);
	if (ca.p != NULL && (ca.n != KEY_ID || hex_parse(ca, id, sizeof(id)) !=
	    JIT_OK))
		return jit_fail(why, JIT_E_FORMAT, "\"ca\": a key id of %d "
		    "hex digits is accepted, as /v1/ca has it", KEY_ID);
	return name->err;
}

static void
crl(struct call *c)
{
	JIT_DONE(wr_done) struct wr name = WR_INIT(PUBLISHED_NAME_MAX);
	struct jit_why why = { 0 };
	enum jit_err e = read_ca(c, &name, &why);

	if (e != JIT_OK)
		call_fail(c, e, &why);
	else
		call_list(c, wr_view(&name), got_list);
}

void
do_crl(struct call *c)
{
	crl(c);
}

void
do_crl_pem(struct call *c)
{
	crl(c);
}

/* ---- pages ---- */

static void
got_page(struct call *c, const struct answer *ans, size_t n)
{
	JIT_DONE(js_done) struct js j = JS_INIT;
	struct jit_why why = { 0 };
	struct published p;
	enum jit_err e = published_get(ans[0].payload, &p, &why);

	(void)n;
	if (e != JIT_OK) {
		call_fail(c, e, &why);
		return;
	}
	js_open(&j, NULL, '{');
	js_uint(&j, "number", p.number);
	js_utc(&j, "made", p.made);
	js_utc(&j, "next", p.next);
	js_uint(&j, "total", p.total);
	js_b64(&j, "sig", p.sig);
	js_b64(&j, "bytes", p.bytes);
	js_close(&j, '}');
	call_answer(c, 200, &j);
}

void
do_lists(struct call *c)
{
	struct ask a = { .op = OP_PUBLISHED };
	struct jit_why why = { 0 };
	enum jit_err e;

	if ((e = query_text(&c->query, "name", PUBLISHED_NAME_MAX, &a.name,
	    &why)) == JIT_OK && (e = query_uint(&c->query, "offset",
	    UINT64_MAX, &a.from, &why)) == JIT_OK &&
	    (e = query_end(&c->query, &why)) == JIT_OK && a.name.p == NULL)
		e = jit_fail(&why, JIT_E_FORMAT, "\"name\" is missing; krl and "
		    "crl are accepted");
	if (e != JIT_OK)
		call_fail(c, e, &why);
	else
		call_ask(c, &a, 1, false, got_page);
}
