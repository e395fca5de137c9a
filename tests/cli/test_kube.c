/*
 * kube: what kubectl says is read strictly; what it is answered is JSON that
 * holds certificate and key byte for byte.
 */
#include <string.h>

#include <jansson.h>

#include "cli/kube.h"
#include "tests/lib/jt.h"

#define V1 "\"apiVersion\":\"client.authentication.k8s.io/v1\""
#define KIND ",\"kind\":\"ExecCredential\""

struct row {
	const char *name, *info;
	enum jit_err err;
	bool interactive;
	const char *says;
};
static const struct row rows[] = {
	{ "by hand", NULL, JIT_OK, true, NULL },
	{ "a terminal", "{" V1 KIND ",\"spec\":{\"interactive\":true}}",
	    JIT_OK, true, NULL },
	{ "nobody there", "{" V1 KIND ",\"spec\":{\"interactive\":false}}",
	    JIT_OK, false, NULL },
	{ "it does not say", "{" V1 KIND ",\"spec\":{}}", JIT_OK, false,
	    NULL },
	{ "no spec", "{" V1 KIND "}", JIT_OK, false, NULL },
	{ "with its cluster", "{" V1 KIND ",\"spec\":{\"interactive\":true,"
	    "\"cluster\":{\"server\":\"https://k\"}}}", JIT_OK, true, NULL },
	{ "v1beta1", "{\"apiVersion\":\"client.authentication.k8s.io/v1beta1"
	    "\"" KIND ",\"spec\":{\"interactive\":true}}", JIT_E_PROTOCOL,
	    false, "client.authentication.k8s.io/v1beta1" },
	{ "somebody's bytes", "{\"apiVersion\":\"\\u001b[2J\"" KIND "}",
	    JIT_E_PROTOCOL, false, "\\x1b[2J" },
	{ "another kind", "{" V1 ",\"kind\":\"Config\"}", JIT_E_FORMAT,
	    false, "no ExecCredential" },
	{ "no kind", "{" V1 "}", JIT_E_FORMAT, false, "no ExecCredential" },
	{ "no version", "{\"kind\":\"ExecCredential\"}", JIT_E_FORMAT, false,
	    "no ExecCredential" },
	{ "a list", "[]", JIT_E_FORMAT, false, "no ExecCredential" },
	{ "twice the same name", "{" V1 "," V1 KIND "}", JIT_E_FORMAT, false,
	    "no JSON" },
	{ "no JSON", "kubectl", JIT_E_FORMAT, false, "no JSON" },
	{ "cut", "{" V1 KIND, JIT_E_FORMAT, false, "no JSON" },
};

static void
reads(void **state)
{
	const struct row *r = *state;
	struct jit_why why = { 0 };
	bool may = !r->interactive;

	JT_WHY(kube_read(r->info, &may, &why), r->err, &why);
	if (r->err == JIT_OK)
		assert_int_equal(may, r->interactive);
	else
		assert_non_null(strstr(why.msg, r->says));
}

#define CERT "-----BEGIN CERTIFICATE-----\nMIIB+/==\n-----END CERTIFICATE-" \
	"----\n"
#define KEY "-----BEGIN PRIVATE KEY-----\nMC4CAQ\n-----END PRIVATE KEY-----\n"

static void
make(struct leaf *l, const char *cert)
{
	JT_OK(buf_copy(&l->chain, span_str(cert)));
	JT_OK(secret_copy(&l->key, span_str(KEY)));
	l->until = 1795467491 + 1;	/* 2026-11-23T20:58:12Z */
}

static const char *
at(const json_t *o, const char *name)
{
	return json_string_value(json_object_get(o, name));
}

static void
answers(void **state)
{
	JIT_DONE(leaf_done) struct leaf l = { .fresh = false };
	JIT_DONE(wr_done) struct wr w = WR_INIT(65536);
	const json_t *status;
	json_t *o;

	(void)state;
	make(&l, CERT CERT);
	JT_OK(kube_put(&w, &l));
	assert_int_equal(w.p[w.n - 1], '\n');
	o = json_loadb((const char *)w.p, w.n, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(o);
	assert_string_equal(at(o, "apiVersion"), KUBE_API);
	assert_string_equal(at(o, "kind"), "ExecCredential");
	status = json_object_get(o, "status");
	/* The last second in which it is good. */
	assert_string_equal(at(status, "expirationTimestamp"),
	    "2026-11-23T20:58:11Z");
	assert_string_equal(at(status, "clientCertificateData"), CERT CERT);
	assert_string_equal(at(status, "clientKeyData"), KEY);
	assert_int_equal(json_object_size(o), 3);
	assert_int_equal(json_object_size(status), 3);
	json_decref(o);
}

/* Nothing that is no PEM is put into a string. */
static void
refuses(void **state)
{
	JIT_DONE(leaf_done) struct leaf l = { .fresh = false };
	JIT_DONE(wr_done) struct wr w = WR_INIT(65536);

	(void)state;
	make(&l, "a\"b");
	JT_ERR(kube_put(&w, &l), JIT_E_FORMAT);
}

int
main(void)
{
	return JT_ROWS("reads", reads, rows) + jt_one("answers", answers) +
	    jt_one("refuses", refuses);
}
