#include <string.h>

#include "ca/base/text.h"
#include "ca/x509/der.h"

#define PEM_LINE 64
#define PEM_DER_MAX 65536

void
x509_put_pem(struct wr *w, const char *label, struct span der)
{
	wr_fmt(w, "-----BEGIN %s-----\n", label);
	b64_put_lines(w, der, PEM_LINE);
	wr_fmt(w, "-----END %s-----\n", label);
}

static void
skip_space(struct span *s)
{
	while (s->n > 0 && (s->p[0] == '\n' || s->p[0] == '\r' ||
	    s->p[0] == ' ' || s->p[0] == '\t')) {
		s->p++;
		s->n--;
	}
}

/* One line, which may end with CR LF or with the text. */
static struct span
take_line(struct span *s)
{
	struct span line;

	if (!span_take_line(s, &line)) {
		line = *s;
		*s = SPAN(s->p + s->n, 0);
	}
	while (line.n > 0 && (line.p[line.n - 1] == '\r' ||
	    line.p[line.n - 1] == ' '))
		line.n--;
	return line;
}

static bool
is_edge(struct span line, const char *edge, const char *label)
{
	size_t e = strlen(edge), l = strlen(label);

	return line.n == e + l + 5 && memcmp(line.p, edge, e) == 0 &&
	    memcmp(line.p + e, label, l) == 0 &&
	    memcmp(line.p + e + l, "-----", 5) == 0;
}

enum jit_err
x509_get_pem(struct span *s, const char *label, struct wr *der, bool *more,
    struct jit_why *why)
{
	struct span at = *s, line, body;
	enum jit_err e;

	skip_space(&at);
	if ((*more = at.n > 0) == false)
		return JIT_OK;
	if (!is_edge(take_line(&at), "-----BEGIN ", label))
		return jit_fail(why, JIT_E_FORMAT, "not PEM; accepted is a "
		    "block that begins -----BEGIN %s-----", label);
	body = SPAN(at.p, 0);
	do {
		if (at.n == 0)
			return jit_fail(why, JIT_E_FORMAT, "the PEM block has "
			    "no -----END %s-----", label);
		body.n = (size_t)(at.p - body.p);
		line = take_line(&at);
	} while (!is_edge(line, "-----END ", label));
	if ((e = b64_get_lines(body, der)) != JIT_OK)
		return jit_fail(why, e, "the PEM block %s", e == JIT_E_SIZE ?
		    "is too long" : "holds no base64");
	*s = at;
	return JIT_OK;
}

enum jit_err
x509_pem_one(struct span pem, const char *label, struct buf *ret,
    struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(PEM_DER_MAX);
	bool more = false;

	JIT_TRY(x509_get_pem(&pem, label, &w, &more, why));
	skip_space(&pem);
	if (!more || w.n == 0 || pem.n > 0)
		return jit_fail(why, JIT_E_FORMAT, "%s; accepted is one block "
		    "%s", !more ? "empty PEM" : "an empty block, or something "
		    "behind it", label);
	return wr_take(&w, ret);
}

enum jit_err
x509_pem_chain(struct span pem, struct x509_chain *ret, struct jit_why *why)
{
	JIT_DONE(x509_chain_done) struct x509_chain c = { .n = 0 };

	for (;;) {
		JIT_DONE(wr_done) struct wr w = WR_INIT(PEM_DER_MAX);
		bool more = false;

		JIT_TRY(x509_get_pem(&pem, "CERTIFICATE", &w, &more, why));
		if (!more)
			break;
		if (c.n == X509_PEM_CHAIN_MAX || w.n == 0)
			return jit_fail(why, JIT_E_FORMAT, "an empty block, "
			    "or more than %d certificates",
			    X509_PEM_CHAIN_MAX);
		JIT_TRY(wr_take(&w, &c.der[c.n]));
		c.n++;
	}
	if (c.n == 0)
		return jit_fail(why, JIT_E_FORMAT, "no certificate");
	*ret = c;
	c.n = 0;
	return JIT_OK;
}

void
x509_chain_done(struct x509_chain *c)
{
	for (size_t i = 0; i < c->n; i++)
		buf_done(&c->der[i]);
	c->n = 0;
}
