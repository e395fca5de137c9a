/* The signer's questions as calls of the API. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/net/net_int.h"

#define WAIT_MORE_MS 1000	/* a wait's answer comes in 5 s at most */

void
built_done(struct built *b)
{
	wr_done(&b->body);
}

void
built_path(struct built *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(b->path, sizeof(b->path), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(b->path))
		wr_fail(&b->body, JIT_E_SIZE);
}

/* "text" in quotes, and what stands in front of it. */
static void
put_quoted(struct built *b, const char *before, struct span s)
{
	wr_str(&b->body, before);
	wr_u8(&b->body, '"');
	b64_put(&b->body, s);
	wr_u8(&b->body, '"');
}

void
built_signed(struct built *b, struct span text, struct span sig,
    struct span possess)
{
	b->post = true;
	put_quoted(b, "{\"text\":", text);
	put_quoted(b, ",\"sigs\":[", sig);
	if (possess.n > 0)
		put_quoted(b, ",", possess);
	wr_str(&b->body, "]}");
}

/* Which request is a decision or an act about?  The text says. */
static enum jit_err
id_in(struct span text, struct ulid *ret, struct jit_why *why)
{
	static const char name[] = "request: ";
	struct span line;

	while (span_take_line(&text, &line))
		if (line.n > strlen(name) &&
		    memcmp(line.p, name, strlen(name)) == 0)
			return ulid_parse(SPAN(line.p + strlen(name),
			    line.n - strlen(name)), ret);
	return jit_fail(why, JIT_E_ARG, "a text that names no request");
}

static enum jit_err
put_act(struct built *b, const struct ask *a, struct jit_why *why)
{
	struct ulid id;

	JIT_TRY(id_in(a->text, &id, why));
	built_path(b, "/v1/requests/%s/%s", id.s, a->op == OP_DECISION ?
	    "decisions" : op_name((uint8_t)a->op));
	built_signed(b, a->text, a->sig, SPAN_NONE);
	return JIT_OK;
}

/* "krl", "crl-6b41…": checked to need no escape. */
static void
put_published(struct built *b, const struct ask *a)
{
	b->need = NEED_NOTHING;
	for (size_t i = 0; i < a->name.n; i++) {
		uint8_t c = a->name.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    c != '-')
			wr_fail(&b->body, JIT_E_ARG);
	}
	built_path(b, "/v1/lists?name=%.*s&offset=%llu", (int)a->name.n,
	    (const char *)a->name.p, (unsigned long long)a->from);
}

static void
put_items(struct built *b, const struct ask *a)
{
	struct digest d;

	b->post = true;
	wr_str(&b->body, a->op == OP_PROVE ? "{\"indexes\":[" :
	    "{\"digests\":[");
	for (uint32_t i = 0; i < a->count; i++) {
		if (a->op == OP_PROVE) {
			wr_fmt(&b->body, "%s%llu", i > 0 ? "," : "",
			    (unsigned long long)ask_index(a, i));
			continue;
		}
		ask_digest(a, i, &d);
		put_quoted(b, i > 0 ? "," : "", DIGEST_SPAN(d));
	}
	wr_str(&b->body, "]}");
}

/* The size that a note states, which the caller has verified. */
static enum jit_err
size_in(struct span note, uint64_t *ret, struct jit_why *why)
{
	struct span line;

	if (span_take_line(&note, &line) && span_take_line(&note, &line) &&
	    uint_parse(line, INT64_MAX, ret) == JIT_OK)
		return JIT_OK;
	return jit_fail(why, JIT_E_ARG, "a note without a size");
}

static enum jit_err
build_hello(struct built *b, const struct ask *a, struct jit_why *why)
{
	uint64_t size = 0;

	b->need = NEED_NOTHING;
	if (a->note.n > 0)
		JIT_TRY(size_in(a->note, &size, why));
	if (size > 0)
		built_path(b, "/v1/ca?old=%llu", (unsigned long long)size);
	else
		built_path(b, "/v1/ca");
	return JIT_OK;
}

enum jit_err
built_ask(struct built *b, const struct ask *a, size_t n,
    struct jit_why *why)
{
	const unsigned long long from = a->from;

	switch (a->op) {
	case OP_HELLO:
		return build_hello(b, a, why);
	case OP_CHECKPOINT:
		b->need = NEED_NOTHING;
		if (n == 2)
			built_path(b, "/v1/checkpoint?old=%llu,%llu", from,
			    (unsigned long long)a[1].from);
		else
			built_path(b, "/v1/checkpoint?old=%llu", from);
		break;
	case OP_REQUEST:
		built_path(b, "/v1/requests");
		built_signed(b, a->text, a->sig, a->possess);
		break;
	case OP_DECISION:
	case OP_CANCEL:
	case OP_DROP:
	case OP_REVOKE:
		return put_act(b, a, why);
	case OP_LOCK:
		built_path(b, "/v1/lock");
		built_signed(b, a->text, a->sig, SPAN_NONE);
		break;
	case OP_PUBLISHED:
		put_published(b, a);
		break;
	case OP_COLLECT:
		built_path(b, "/v1/requests/%s/collect", a->id.s);
		b->post = true;
		put_quoted(b, "{\"secret\":", a->secret);
		wr_str(&b->body, "}");
		break;
	case OP_SHOW:
	case OP_FIND:
		built_path(b, "/v1/requests/%s", a->id.s);
		break;
	case OP_WAIT:
		built_path(b, "/v1/requests/%s?since=%llu&wait=%u", a->id.s,
		    from, a->max);
		b->wait_ms = a->max + WAIT_MORE_MS;
		break;
	case OP_LIST:
		built_path(b, "/v1/requests?state=current&proofs=true&after="
		    "%llu&limit=%u", from, a->max);
		break;
	case OP_PROVE:
		built_path(b, "/v1/log/prove");
		put_items(b, a);
		break;
	case OP_BLOBS:
		built_path(b, "/v1/log/blobs");
		put_items(b, a);
		break;
	case OP_ENTRIES:
		built_path(b, "/v1/log/entries?first=%llu&limit=%u", from,
		    a->max);
		break;
	case OP_FOLLOW:
		return jit_fail(why, JIT_E_UNBUILT, "jit-certd follows the "
		    "log; its clients wait for requests");
	}
	return JIT_OK;
}

/* "&name=value", checked to need no escape; nothing for an empty one. */
static void
put_name(struct wr *w, const char *name, struct span s)
{
	if (s.n == 0)
		return;
	if (!text_is_name(s))
		wr_fail(w, JIT_E_ARG);
	wr_fmt(w, "&%s=", name);
	wr_span(w, s);
}

enum jit_err
built_search(struct built *b, const struct wire_search *q,
    struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(NET_PATH_MAX);

	put_name(&w, "requester", q->requester);
	put_name(&w, "role", q->role);
	if (q->newest)
		wr_str(&w, "&order=newest");
	if (q->after > 0)
		wr_fmt(&w, "&after=%llu", (unsigned long long)q->after);
	if (w.err != JIT_OK)
		return jit_fail(why, w.err, "a search for a name that is "
		    "none");
	built_path(b, "/v1/requests?proofs=true&limit=%u%.*s", q->max,
	    (int)w.n, w.n > 0 ? (const char *)w.p : "");
	return JIT_OK;
}
