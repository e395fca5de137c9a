#define _GNU_SOURCE
#include <string.h>

#include <jansson.h>

#include "ca/base/text.h"
#include "ca/grant/login.h"
#include "ca/ssh/sshsig.h"
#include "tests/bench/bench.h"
#include "tests/bench/person.h"

#define REQUEST_BYTES 65536

/* ---- HTTP ---- */

static void
put_head(struct wr *w, const struct station *s, const char *method,
    const char *path, struct buf token)
{
	wr_fmt(w, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, path, s->server);
	if (token.n == 0)
		return;
	wr_str(w, "Authorization: Bearer ");
	wr_span(w, BUF_SPAN(token));
	wr_str(w, "\r\n");
}

static struct buf
taken(struct wr *w)
{
	struct buf b = { NULL, 0 };

	NEED(wr_take(w, &b));
	return b;
}

struct buf
http_get(const struct station *s, struct buf token, const char *path)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(REQUEST_BYTES);

	put_head(&w, s, "GET", path, token);
	wr_str(&w, "\r\n");
	return taken(&w);
}

struct buf
http_post(const struct station *s, struct buf token, const char *path,
    struct span body)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(REQUEST_BYTES);

	put_head(&w, s, "POST", path, token);
	wr_fmt(&w, "Content-Type: application/json\r\n"
	    "Content-Length: %zu\r\n\r\n", body.n);
	wr_span(&w, body);
	return taken(&w);
}

/* ---- bodies ---- */

/* {"text": …, "sigs": […]}, openapi.yaml's Signed. */
static void
put_signed(struct wr *w, struct span text, struct span sig,
    struct span second)
{
	wr_str(w, "{\"text\":\"");
	b64_put(w, text);
	wr_str(w, "\",\"sigs\":[\"");
	b64_put(w, sig);
	if (second.n > 0) {
		wr_str(w, "\",\"");
		b64_put(w, second);
	}
	wr_str(w, "\"]}");
}

/* A frame of the signer's socket as the body of the same act. */
static void
put_frame(struct wr *w, struct buf frame)
{
	struct ask a;

	NEED(ask_get(SPAN(frame.p + 4, frame.n - 4), &a, NULL));
	if (a.op == OP_COLLECT) {
		wr_str(w, "{\"secret\":\"");
		b64_put(w, a.secret);
		wr_str(w, "\"}");
	} else {
		put_signed(w, a.text, a.sig, a.possess);
	}
}

/* ---- logging in ---- */

static struct buf
b64_member(json_t *o, const char *name)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(REQUEST_BYTES);
	const char *s = json_string_value(json_object_get(o, name));

	NEED(s != NULL ? JIT_OK : JIT_E_FORMAT);
	NEED(b64_get(span_str(s), &w));
	return taken(&w);
}

static json_t *
parsed(struct span s)
{
	json_t *o = json_loadb((const char *)s.p, s.n, 0, NULL);

	NEED(o != NULL ? JIT_OK : JIT_E_FORMAT);
	return o;
}

/* The text that jit-certd offers for name. */
static struct buf
login_text(struct tls_conn *c, const struct station *s, const char *name)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(REQUEST_BYTES);
	JIT_DONE(buf_done) struct buf ask = { NULL, 0 };
	struct buf text;
	json_t *o;

	wr_fmt(&w, "{\"person\":\"%s\"}", name);
	ask = http_post(s, ask, "/v1/login/nonce", wr_view(&w));
	tls_call(c, BUF_SPAN(ask), 200);
	o = parsed(c->body);
	text = b64_member(o, "text");
	json_decref(o);
	return text;
}

struct buf
person_login(struct tls_conn *c, const struct station *s, const char *name,
    const struct ssh_priv *k)
{
	JIT_DONE(buf_done) struct buf text = login_text(c, s, name);
	JIT_DONE(wr_done) struct wr sig = WR_INIT(SSHSIG_MAX);
	JIT_DONE(wr_done) struct wr body = WR_INIT(REQUEST_BYTES);
	JIT_DONE(buf_done) struct buf ask = { NULL, 0 };
	struct buf token = { NULL, 0 };
	json_t *o;

	NEED(sshsig_make(k, NS_LOGIN, BUF_SPAN(text), &sig));
	put_signed(&body, BUF_SPAN(text), wr_view(&sig), SPAN_NONE);
	ask = http_post(s, ask, "/v1/login", wr_view(&body));
	tls_call(c, BUF_SPAN(ask), 201);
	o = parsed(c->body);
	NEED(buf_copy(&token, span_str(json_string_value(
	    json_object_get(o, "token")))));
	json_decref(o);
	return token;
}

void
people_login(struct tls_conn *c, const struct station *s, struct people *p)
{
	char name[8];

	for (unsigned i = 0; i < STATION_USERS; i++) {
		(void)snprintf(name, sizeof(name), "u%02u", i % 100);
		p->user[i] = person_login(c, s, name, s->user[i]);
	}
	for (unsigned i = 0; i < STATION_BOSSES; i++) {
		(void)snprintf(name, sizeof(name), "b%u", i % 10);
		p->boss[i] = person_login(c, s, name, s->boss[i]);
	}
}

void
people_done(struct people *p)
{
	for (unsigned i = 0; i < STATION_USERS; i++)
		buf_done(&p->user[i]);
	for (unsigned i = 0; i < STATION_BOSSES; i++)
		buf_done(&p->boss[i]);
}

/* ---- trips ---- */

static struct buf
act(struct station *s, struct buf token, const struct ulid *id,
    const char *verb, struct buf frame)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(REQUEST_BYTES);
	char path[64];

	(void)snprintf(path, sizeof(path), "/v1/requests%s%s%s", id != NULL ?
	    "/" : "", id != NULL ? id->s : "", verb);
	put_frame(&w, frame);
	NEED(w.err);
	return http_post(s, token, path, wr_view(&w));
}

void
trip_make(struct station *s, const struct people *p, unsigned who,
    unsigned boss, struct trip *t)
{
	struct errand e;

	station_errand(s, who, 0, 60, &e);

	JIT_DONE(buf_done) struct buf d = station_decision(s, &e, boss, true);

	*t = (struct trip){ .id = e.id, .step = {
	    act(s, p->user[who], NULL, "", e.request),
	    act(s, p->boss[boss], &e.id, "/decisions", d),
	    act(s, p->user[who], &e.id, "/collect", e.collect) } };
	errand_done(&e);
}

void
trip_done(struct trip *t)
{
	for (size_t i = 0; i < 3; i++)
		buf_done(&t->step[i]);
}
