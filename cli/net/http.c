#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <curl/curl.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "ca/base/text.h"
#include "cli/net/http.h"

#define PIN_TEXT 64		/* "sha256//" and 44 of base64 */
#define TYPE_JSON "application/json"
#define TYPE_PROBLEM "application/problem+json"

JIT_SCOPED_PTR(X509, X509_free);
JIT_SCOPED_PTR(BIO, BIO_free_all);

struct http {
	CURL *curl;
	struct http_config config;	/* url is not kept */
	char base[URL_TEXT];
	char name[URL_TEXT + 16];
	char said[CURL_ERROR_SIZE];
	bool spoken;
	struct digest spki;
};

/* ---- open ---- */

static void
set(CURLcode got, CURLcode *sticky)
{
	if (*sticky == CURLE_OK)
		*sticky = got;
}

#define OPT(option, value) set(curl_easy_setopt(h->curl, option, value), &e)

/* NULL: none. */
static CURLcode
set_pin(struct http *h, const struct digest *pin)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(PIN_TEXT);
	CURLcode e = CURLE_OK;

	if (pin == NULL) {
		OPT(CURLOPT_PINNEDPUBLICKEY, NULL);
		return e;
	}
	wr_str(&w, "sha256//");
	b64_put(&w, DIGEST_SPAN(*pin));
	wr_u8(&w, 0);
	if (w.err != JIT_OK)
		return CURLE_OUT_OF_MEMORY;
	OPT(CURLOPT_PINNEDPUBLICKEY, (const char *)w.p);
	return e;
}

/* Whom we speak with. */
static CURLcode
set_trust(struct http *h, const struct http_config *c)
{
	bool system = c->trust == HTTP_SYSTEM;
	CURLcode e = CURLE_OK;

	OPT(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	OPT(CURLOPT_SSL_VERIFYPEER, system ? 1L : 0L);
	OPT(CURLOPT_SSL_VERIFYHOST, system ? 2L : 0L);
	OPT(CURLOPT_CERTINFO, 1L);
	if (c->trust == HTTP_PINNED)
		set(set_pin(h, &c->pin), &e);
	return e;
}

/* What is not done, whatever the server or the environment wants. */
static CURLcode
set_rules(struct http *h)
{
	CURLcode e = CURLE_OK;

	OPT(CURLOPT_PROTOCOLS_STR, "https");
	OPT(CURLOPT_FOLLOWLOCATION, 0L);
	OPT(CURLOPT_PROXY, "");
	OPT(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	OPT(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	OPT(CURLOPT_HTTP09_ALLOWED, 0L);
	OPT(CURLOPT_USERAGENT, "jit-cert");
	OPT(CURLOPT_NOSIGNAL, 1L);
	OPT(CURLOPT_NOPROGRESS, 1L);
	OPT(CURLOPT_MAXCONNECTS, 1L);
	OPT(CURLOPT_TCP_KEEPALIVE, 1L);
	OPT(CURLOPT_CONNECTTIMEOUT_MS, (long)HTTP_CONNECT_MS);
	OPT(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)HTTP_BODY_MAX);
	OPT(CURLOPT_ERRORBUFFER, h->said);
	/* A resolver that hangs is not waited for. */
	OPT(CURLOPT_QUICK_EXIT, 1L);
	return e;
}

enum jit_err
http_open(const struct http_config *c, struct http **ret,
    struct jit_why *why)
{
	JIT_SCOPED(http_free) struct http *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return JIT_E_NOMEM;
	(void)snprintf(h->base, sizeof(h->base), "%s", c->url->text);
	(void)snprintf(h->name, sizeof(h->name), "jit-certd at %s", h->base);
	h->config = *c;
	h->config.url = NULL;
	if ((h->curl = curl_easy_init()) == NULL)
		return jit_fail(why, JIT_E_NOMEM, "libcurl does not start");
	if (set_rules(h) != CURLE_OK || set_trust(h, c) != CURLE_OK)
		return jit_fail(why, JIT_E_CRYPTO, "this libcurl lacks what "
		    "is needed: 7.87 or newer, with OpenSSL");
	*ret = h;
	h = NULL;
	return JIT_OK;
}

void
http_free(struct http *h)
{
	if (h == NULL)
		return;
	curl_easy_cleanup(h->curl);
	free(h);
}

const char *
http_name(const struct http *h)
{
	return h->name;
}

void
http_answer_done(struct http_answer *a)
{
	buf_done(&a->body);
	*a = (struct http_answer){ 0 };
}

bool
http_spoken(const struct http *h, struct digest *ret)
{
	if (h->spoken)
		*ret = h->spki;
	return h->spoken;
}

enum jit_err
http_hold(struct http *h, const struct digest *spki)
{
	if (spki == NULL && h->config.trust == HTTP_PINNED)
		spki = &h->config.pin;
	return set_pin(h, spki) == CURLE_OK ? JIT_OK : JIT_E_NOMEM;
}

void
http_hang_up(struct http *h)
{
	curl_easy_cleanup(h->curl);
	h->curl = NULL;
}

/* ---- a call ---- */

/* Its headers; the token is in one, which is wiped. */
struct heads {
	struct curl_slist *list;
};

static void
heads_done(struct heads *l)
{
	for (struct curl_slist *i = l->list; i != NULL; i = i->next)
		OPENSSL_cleanse(i->data, strlen(i->data));
	curl_slist_free_all(l->list);
	l->list = NULL;
}
JIT_SCOPED_OBJ(struct heads, heads_done);

static enum jit_err
heads_add(struct heads *l, const char *line)
{
	struct curl_slist *more = curl_slist_append(l->list, line);

	if (more == NULL)
		return JIT_E_NOMEM;
	l->list = more;
	return JIT_OK;
}

static enum jit_err
make_heads(const struct http_call *c, struct heads *ret)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(1024);

	JIT_TRY(heads_add(ret, "Accept: " TYPE_JSON ", " TYPE_PROBLEM));
	JIT_TRY(heads_add(ret, "Expect:"));
	if (c->post)
		JIT_TRY(heads_add(ret, "Content-Type: " TYPE_JSON));
	if (c->token == NULL || c->token->n == 0)
		return JIT_OK;
	wr_str(&w, "Authorization: Bearer ");
	wr_raw(&w, c->token->p, c->token->n);
	wr_u8(&w, 0);
	JIT_TRY(w.err);
	return heads_add(ret, (const char *)w.p);
}

/* What comes in, with its ceilings. */
struct coming {
	struct wr body;
	size_t head;
};

static void
coming_done(struct coming *c)
{
	wr_done(&c->body);
}
JIT_SCOPED_OBJ(struct coming, coming_done);

static size_t
on_body(char *p, size_t size, size_t n, void *arg)
{
	struct coming *c = arg;

	wr_raw(&c->body, p, size * n);
	return c->body.err == JIT_OK ? size * n : 0;
}

static size_t
on_head(char *p, size_t size, size_t n, void *arg)
{
	struct coming *c = arg;

	(void)p;
	c->head += size * n;
	return c->head <= HTTP_HEAD_MAX ? size * n : 0;
}

/* Which key was it?  Told of new connections only. */
static void
see_key(struct http *h)
{
	struct curl_certinfo *info = NULL;
	JIT_SCOPED(X509_free) X509 *x = NULL;
	JIT_SCOPED(BIO_free_all) BIO *b = NULL;
	const char *pem = NULL;
	unsigned char *der = NULL;
	int n;

	if (curl_easy_getinfo(h->curl, CURLINFO_CERTINFO, &info) != CURLE_OK
	    || info == NULL || info->num_of_certs < 1)
		return;
	h->spoken = false;
	for (const struct curl_slist *i = info->certinfo[0]; i != NULL;
	    i = i->next)
		if (strncmp(i->data, "Cert:", 5) == 0)
			pem = i->data + 5;
	if (pem == NULL || (b = BIO_new_mem_buf(pem, -1)) == NULL ||
	    (x = PEM_read_bio_X509(b, NULL, NULL, NULL)) == NULL ||
	    (n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der)) <= 0)
		return;
	h->spoken = digest_sha256(SPAN(der, (size_t)n), &h->spki) == JIT_OK;
	OPENSSL_free(der);
}

/* ---- what went wrong ---- */

static enum jit_err
fail_to_reach(const struct http *h, CURLcode got, struct jit_why *why)
{
	long no = 0;

	(void)curl_easy_getinfo(h->curl, CURLINFO_OS_ERRNO, &no);
	if (got == CURLE_OPERATION_TIMEDOUT)
		return jit_fail(why, JIT_E_UNREACHABLE, "%s: no answer in "
		    "time", h->name);
	if (got == CURLE_COULDNT_CONNECT && no != 0)
		return jit_fail(why, JIT_E_UNREACHABLE, "%s: %s", h->name,
		    strerror((int)no));
	return jit_fail(why, JIT_E_UNREACHABLE, "%s: %s", h->name,
	    curl_easy_strerror(got));
}

static enum jit_err
fail_call(const struct http *h, CURLcode got, const struct coming *in,
    struct jit_why *why)
{
	char shown[TEXT_SHOWN];

	if (in->body.err == JIT_E_NOMEM || got == CURLE_OUT_OF_MEMORY)
		return JIT_E_NOMEM;
	switch (got) {
	case CURLE_PEER_FAILED_VERIFICATION:
		return jit_fail(why, JIT_E_VERIFY, "%s: this machine does not "
		    "trust its TLS certificate: %s", h->name,
		    text_shown(span_str(h->said), shown, sizeof(shown)));
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
		return jit_fail(why, JIT_E_VERIFY, "%s: it has another TLS "
		    "key than the one that is pinned", h->name);
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_PARTIAL_FILE:
		return fail_to_reach(h, got, why);
	case CURLE_FILESIZE_EXCEEDED:
	case CURLE_WRITE_ERROR:
		return jit_fail(why, JIT_E_PROTOCOL, "%s: an answer of more "
		    "than is accepted (%u bytes)", h->name, HTTP_BODY_MAX);
	default:
		return jit_fail(why, JIT_E_PROTOCOL, "%s: %s", h->name,
		    curl_easy_strerror(got));
	}
}

/* "application/json; charset=utf-8" too. */
static bool
is_type(const char *got, const char *want)
{
	size_t n = strlen(want);

	return strncmp(got, want, n) == 0 && (got[n] == '\0' ||
	    got[n] == ';' || got[n] == ' ');
}

/* A status and a type that belong together, or not jit-certd. */
static enum jit_err
check_answer(const struct http *h, struct http_answer *a,
    struct jit_why *why)
{
	const char *type = NULL;
	char shown[TEXT_SHOWN];
	long status = 0;

	(void)curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(h->curl, CURLINFO_CONTENT_TYPE, &type);
	a->status = (int)status;
	a->problem = type != NULL && is_type(type, TYPE_PROBLEM);
	if (status >= 300 && status < 400)
		return jit_fail(why, JIT_E_PROTOCOL, "%s: it sends us "
		    "somewhere else (status %ld); that is not followed",
		    h->name, status);
	if (status == 204 || (status >= 400 && a->problem) ||
	    (status >= 200 && status < 300 && type != NULL &&
	    is_type(type, TYPE_JSON)))
		return JIT_OK;
	/* By what stands before it. */
	if (status >= 502 && status <= 504)
		return jit_fail(why, JIT_E_UNREACHABLE, "%s: a gateway "
		    "answers with status %ld", h->name, status);
	return jit_fail(why, JIT_E_PROTOCOL, "%s: an answer of type %s with "
	    "status %ld, not jit-certd's JSON", h->name, type == NULL ?
	    "none" : text_shown(span_str(type), shown, sizeof(shown)),
	    status);
}

enum jit_err
http_ask(struct http *h, const struct http_call *c, struct http_answer *ret,
    struct jit_why *why)
{
	JIT_DONE(heads_done) struct heads heads = { NULL };
	JIT_DONE(coming_done) struct coming in = {
		.body = WR_INIT(HTTP_BODY_MAX) };
	JIT_DONE(http_answer_done) struct http_answer a = { 0 };
	char url[URL_TEXT + 1024];
	CURLcode e = CURLE_OK, got;

	if (h->curl == NULL)
		return jit_fail(why, JIT_E_UNREACHABLE, "%s: the connection "
		    "was ended", h->name);
	if ((size_t)snprintf(url, sizeof(url), "%s%s", h->base, c->path) >=
	    sizeof(url))
		return jit_fail(why, JIT_E_SIZE, "too long a path");
	JIT_TRY(make_heads(c, &heads));
	h->said[0] = '\0';
	OPT(CURLOPT_URL, url);
	OPT(CURLOPT_HTTPHEADER, heads.list);
	OPT(CURLOPT_WRITEFUNCTION, on_body);
	OPT(CURLOPT_WRITEDATA, &in);
	OPT(CURLOPT_HEADERFUNCTION, on_head);
	OPT(CURLOPT_HEADERDATA, &in);
	OPT(CURLOPT_TIMEOUT_MS, (long)h->config.timeout_ms + (long)c->wait_ms);
	if (c->post) {
		OPT(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)c->body.n);
		OPT(CURLOPT_POSTFIELDS, c->body.n > 0 ?
		    (const char *)c->body.p : "");
	} else {
		OPT(CURLOPT_HTTPGET, 1L);
	}
	if (e != CURLE_OK)
		return jit_fail(why, JIT_E_NOMEM, "libcurl: %s",
		    curl_easy_strerror(e));
	got = curl_easy_perform(h->curl);
	(void)curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, NULL);
	if (got != CURLE_OK)
		return fail_call(h, got, &in, why);
	see_key(h);
	JIT_TRY(check_answer(h, &a, why));
	JIT_TRY(wr_take(&in.body, &a.body));
	*ret = a;
	a = (struct http_answer){ 0 };
	return JIT_OK;
}
