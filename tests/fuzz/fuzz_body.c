/*
 * fuzz_body: an act that is taken is written and read as the same one; each
 * reader takes what it promises; whatever is refused, the words are plain,
 * and a problem made of them, or of any bytes, is JSON.  The first byte
 * chooses.
 */
#include <stdlib.h>
#include <string.h>

#include "api/json/answer.h"
#include "api/json/body.h"
#include "ca/ssh/sshsig.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
must(bool good)
{
	if (!good)
		abort();
}

static void
check_problem(enum jit_err e, const struct jit_why *why)
{
	JIT_DONE(buf_done) struct buf b = { NULL, 0 };
	JIT_DONE(body_done) struct body again = { 0 };

	must(problem_put(e, why, 1, &b) == JIT_OK);
	must(body_parse(BUF_SPAN(b), &again, NULL) == JIT_OK);
}

static void
check_refusal(enum jit_err e, const struct jit_why *why)
{
	if (e == JIT_OK)
		return;
	must(e == JIT_E_FORMAT || e == JIT_E_SIZE);
	must(why->msg[0] != '\0');
	must(text_check_plain(span_str(why->msg), NULL) == JIT_OK);
	check_problem(e, why);
}

static void
same_act(const struct body_signed *a)
{
	JIT_DONE(body_signed_done) struct body_signed b = { .n = 0 };
	JIT_DONE(buf_done) struct buf text = { NULL, 0 };
	JIT_DONE(js_done) struct js j = JS_INIT;

	js_open(&j, NULL, '{');
	js_open(&j, "sigs", '[');
	for (size_t i = 0; i < a->n; i++)
		js_b64(&j, NULL, BUF_SPAN(a->sig[i]));
	js_close(&j, ']');
	js_b64(&j, "text", BUF_SPAN(a->text));
	js_close(&j, '}');
	must(js_take(&j, &text) == JIT_OK);
	must(body_signed(BUF_SPAN(text), 4096, 2, &b, NULL) == JIT_OK);
	must(b.n == a->n && span_eq(BUF_SPAN(a->text), BUF_SPAN(b.text)));
	for (size_t i = 0; i < a->n; i++)
		must(span_eq(BUF_SPAN(a->sig[i]), BUF_SPAN(b.sig[i])));
}

static void
act(struct span s)
{
	JIT_DONE(body_signed_done) struct body_signed a = { .n = 0 };
	struct jit_why why = { 0 };
	enum jit_err e = body_signed(s, 4096, 2, &a, &why);

	check_refusal(e, &why);
	if (e != JIT_OK)
		return;
	must(a.text.n > 0 && a.text.n <= 4096 && a.n >= 1 && a.n <= 2);
	for (size_t i = 0; i < a.n; i++)
		must(a.sig[i].n > 0 && a.sig[i].n <= SSHSIG_MAX);
	same_act(&a);
}

/* Written, and read again, it is the same text. */
static void
same_text(struct span t)
{
	JIT_DONE(buf_done) struct buf b = { NULL, 0 };
	JIT_DONE(body_done) struct body again = { 0 };
	JIT_DONE(js_done) struct js j = JS_INIT;
	struct span u = SPAN_NONE;

	js_open(&j, NULL, '{');
	js_text(&j, "t", t);
	js_close(&j, '}');
	must(js_take(&j, &b) == JIT_OK);
	must(body_parse(BUF_SPAN(b), &again, NULL) == JIT_OK);
	must(body_text(&again, "t", t.n, &u, NULL) == JIT_OK);
	must(span_eq(t, u));
}

static void
texts(struct body *b, struct jit_why *why)
{
	struct span t = SPAN_NONE, maybe = SPAN_NONE;
	enum jit_err e = body_text(b, "t", 64, &t, why);

	check_refusal(e, why);
	if (e == JIT_OK)
		same_text(t);
	must(t.n <= 64);
	e = body_text_opt(b, "o", 8, &maybe, why);
	check_refusal(e, why);
	must(maybe.n <= 8);
}

static void
bytes(struct body *b, struct jit_why *why)
{
	JIT_DONE(buf_done) struct buf one = { NULL, 0 };
	struct buf v[3] = { { NULL, 0 } };
	size_t n = 0;
	enum jit_err e = body_b64(b, "b", 2, 32, &one, why);

	check_refusal(e, why);
	must(e == JIT_OK ? one.n >= 2 && one.n <= 32 : one.p == NULL);
	e = body_b64s(b, "s", 1, 3, 32, v, &n, why);
	check_refusal(e, why);
	must((e == JIT_OK) == (n > 0) && n <= 3);
	for (size_t i = 0; i < 3; i++) {
		must((v[i].p != NULL) == (i < n) && v[i].n <= 32);
		buf_done(&v[i]);
	}
}

static void
numbers(struct body *b, struct jit_why *why)
{
	uint64_t one = 77, v[4] = { 0 };
	size_t n = 0;
	enum jit_err e = body_uint_opt(b, "u", 99, &one, why);

	check_refusal(e, why);
	must(one <= 99);
	e = body_uints(b, "n", 1, 4, v, &n, why);
	check_refusal(e, why);
	must((e == JIT_OK) == (n > 0) && n <= 4);
}

static void
members(struct span s)
{
	JIT_DONE(body_done) struct body b = { 0 };
	struct jit_why why = { 0 };
	enum jit_err e = body_parse(s, &b, &why);

	check_refusal(e, &why);
	must((e == JIT_OK) == (b.root != NULL));
	if (e != JIT_OK)
		return;
	texts(&b, &why);
	bytes(&b, &why);
	numbers(&b, &why);
	check_refusal(body_end(&b, &why), &why);
}

/* Any bytes as a message, and as a text. */
static void
words(struct span s)
{
	JIT_DONE(js_done) struct js j = JS_INIT;
	struct jit_why why = { .code = JIT_E_IO };
	size_t n = s.n < sizeof(why.msg) - 1 ? s.n : sizeof(why.msg) - 1;

	if (n > 0)
		memcpy(why.msg, s.p, n);
	check_problem(JIT_E_IO, &why);
	js_text(&j, NULL, s);
	must(j.w.err == JIT_OK || j.w.err == JIT_E_UTF8);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span s = n > 0 ? SPAN(p + 1, n - 1) : SPAN_NONE;

	/* The same order of members, whenever the same bytes come. */
	json_object_seed(1);
	switch (n > 0 ? p[0] % 3 : 0) {
	case 0:
		act(s);
		break;
	case 1:
		members(s);
		break;
	default:
		words(s);
		break;
	}
	return 0;
}
