/*
 * frame: each kind there and back; nothing else is taken; and through a
 * socket in pieces.
 */
#define _GNU_SOURCE
#include <string.h>
#include <sys/socket.h>

#include "ca/base/sys.h"
#include "signer/token/frame_io.h"
#include "tests/lib/jt.h"

#define D32 "12345678901234567890123456789012"
#define S(s) SPAN(s, sizeof(s) - 1)

struct row {
	const char *name;
	struct frame f;
};

static const struct row rows[] = {
	{ "config", { .kind = FRAME_CONFIG, .timeout_ms = 10000,
	    .backoff_ms = 1000, .n = 2, .keys = {
	    { S("/a"), S("pkcs11:token=a"), S("1234") },
	    { S("/b"), S("pkcs11:token=b"), { NULL, 0 } } } } },
	{ "list", { .kind = FRAME_LIST, .tag = 1, .key = 2 } },
	{ "info", { .kind = FRAME_INFO, .tag = UINT64_MAX, .key = 15 } },
	{ "sign a digest", { .kind = FRAME_SIGN, .tag = 5, .key = 1,
	    .what = FRAME_H_SHA256, .data = S(D32) } },
	{ "sign a message", { .kind = FRAME_SIGN, .tag = 5,
	    .what = FRAME_H_NONE, .data = S("hello") } },
	{ "generate", { .kind = FRAME_GENERATE, .tag = 9, .what =
	    FRAME_G_RSA3072 } },
	{ "an answer", { .kind = FRAME_ANSWER, .tag = 9, .data = S(D32) } },
	{ "a bad answer", { .kind = FRAME_ANSWER, .tag = 9,
	    .err = JIT_E_TOKEN, .words = S("C_Sign: nö") } },
	{ "ready", { .kind = FRAME_READY } },
	{ "not ready", { .kind = FRAME_READY, .err = JIT_E_TOKENPIN,
	    .words = S("no") } },
	{ "log in", { .kind = FRAME_LOGIN, .label = S("a"), .serial = S("b"),
	    .manufacturer = S("c"), .model = S("d") } },
	{ "a PIN", { .kind = FRAME_PIN, .data = S("1234") } },
	{ "no PIN", { .kind = FRAME_PIN, .err = JIT_E_TOKENPIN } },
	{ "logged in", { .kind = FRAME_LOGGED } },
};

static void
encode(const struct frame *f, struct wr *w)
{
	frame_put(w, f);
	JT_OK(w->err);
}

/* What is taken is written again as the same bytes. */
static void
again(void *arg, struct span s)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(FRAME_MAX + 4);
	struct frame f;

	(void)arg;
	if (frame_get(s, &f, NULL) != JIT_OK)
		return;
	encode(&f, &w);
	assert_true(span_eq(SPAN(w.p + 4, w.n - 4), s));
}

static void
there_and_back(void **state)
{
	const struct row *row = *state;
	JIT_DONE(wr_done) struct wr w = WR_INIT(FRAME_MAX + 4);
	struct span body;
	struct frame f;

	encode(&row->f, &w);
	body = SPAN(w.p + 4, w.n - 4);
	JT_OK(frame_get(body, &f, NULL));
	assert_int_equal(f.kind, row->f.kind);
	assert_int_equal(f.tag, row->f.tag);
	assert_int_equal(f.key, row->f.key);
	assert_int_equal(f.what, row->f.what);
	assert_int_equal(f.err, row->f.err);
	assert_true(span_eq(f.data, row->f.data));
	assert_true(span_eq(f.words, row->f.words));
	assert_true(span_eq(f.serial, row->f.serial));
	for (uint32_t i = 0; i < f.n; i++)
		assert_true(span_eq(f.keys[i].pin, row->f.keys[i].pin));
	jt_flip_truncate(body, again, NULL);
}

static const struct row bad[] = {
	{ "no keys", { .kind = FRAME_CONFIG, .timeout_ms = 1,
	    .backoff_ms = 1 } },
	{ "no timeout", { .kind = FRAME_CONFIG, .backoff_ms = 1, .n = 1 } },
	{ "a timeout of days", { .kind = FRAME_CONFIG, .timeout_ms =
	    1000000000, .backoff_ms = 1, .n = 1 } },
	{ "a key far away", { .kind = FRAME_INFO, .key = FRAME_KEYS_MAX } },
	{ "no such hash", { .kind = FRAME_SIGN, .what = FRAME_HASHES } },
	{ "a digest of another size", { .kind = FRAME_SIGN,
	    .what = FRAME_H_SHA384, .data = S(D32) } },
	{ "no such type", { .kind = FRAME_GENERATE, .what = FRAME_GENS } },
	{ "an error with a result", { .kind = FRAME_ANSWER,
	    .err = JIT_E_TOKEN, .data = S("x") } },
	{ "a PIN with a refusal", { .kind = FRAME_PIN,
	    .err = JIT_E_TOKENPIN, .data = S("x") } },
	{ "an escape sequence", { .kind = FRAME_ANSWER, .err = JIT_E_TOKEN,
	    .words = S("\x1b[2J") } },
	{ "bytes that are no UTF-8", { .kind = FRAME_READY,
	    .err = JIT_E_TOKEN, .words = S("\xff") } },
};

static void
refused(void **state)
{
	const struct row *row = *state;
	JIT_DONE(wr_done) struct wr w = WR_INIT(FRAME_MAX + 4);
	struct frame f;

	encode(&row->f, &w);
	JT_ERR(frame_get(SPAN(w.p + 4, w.n - 4), &f, NULL), JIT_E_FORMAT);
}

static void
no_kind(void **state)
{
	struct frame f;

	(void)state;
	JT_ERR(frame_get(S("\x00"), &f, NULL), JIT_E_FORMAT);
	JT_ERR(frame_get(S("\x0b"), &f, NULL), JIT_E_FORMAT);
	JT_ERR(frame_get(SPAN_NONE, &f, NULL), JIT_E_FORMAT);
	/* A listed error only. */
	JT_ERR(frame_get(S("\x0a\0\0\0\x03" "nix"), &f, NULL), JIT_E_FORMAT);
	JT_OK(frame_get(S("\x0a\0\0\0\x02" "ok"), &f, NULL));
	JT_OK(frame_get(S("\x0a\0\0\0\x0ctoken-failed"), &f, NULL));
}

/* Long words are cut, never into something that is refused. */
static void
long_words(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(FRAME_MAX + 4);
	char buf[FRAME_WORDS_MAX + 1], text[600];
	struct frame f = { .kind = FRAME_READY, .err = JIT_E_TOKEN }, got;
	struct jit_why why = { 0 };

	(void)state;
	text[0] = 'x';
	for (size_t i = 1; i + 2 < sizeof(text); i += 2)
		memcpy(text + i, "\xc3\xbc\0", 3);
	(void)jit_fail(&why, JIT_E_TOKEN, "%s%s", "", text);
	f.words = frame_words(JIT_E_TOKEN, &why, buf);
	encode(&f, &w);
	JT_OK(frame_get(SPAN(w.p + 4, w.n - 4), &got, NULL));
	assert_true(got.words.n > 100);
}

/* ---- through a socket ---- */

static void
pair(struct frame_io *a, struct frame_io *b)
{
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0, fd), 0);
	frame_io_init(a, fd[0]);
	frame_io_init(b, fd[1]);
}

static void
in_pieces(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(FRAME_MAX + 4);
	JIT_DONE(frame_io_done) struct frame_io a = FRAME_IO_INIT;
	JIT_DONE(frame_io_done) struct frame_io b = FRAME_IO_INIT;
	struct frame got;
	bool yes;

	(void)state;
	pair(&a, &b);
	encode(&rows[0].f, &w);
	for (size_t i = 0; i < w.n; i++) {
		JT_OK(frame_io_next(&b, &got, &yes, NULL));
		assert_false(yes);
		assert_int_equal(send(a.fd, w.p + i, 1, 0), 1);
		JT_OK(frame_io_fill(&b, NULL));
	}
	JT_OK(frame_io_next(&b, &got, &yes, NULL));
	assert_true(yes);
	assert_int_equal(got.n, 2);
	/* What was read is wiped. */
	frame_io_wipe(&b);
	assert_null(memmem(b.in.p, 64, "1234", 4));
}

static void
many_and_large(void **state)
{
	enum { N = 30 };
	static uint8_t data[300000];
	JIT_DONE(frame_io_done) struct frame_io a = FRAME_IO_INIT;
	JIT_DONE(frame_io_done) struct frame_io b = FRAME_IO_INIT;
	struct frame f = { .kind = FRAME_SIGN, .data = SPAN(data,
	    sizeof(data)) }, got;
	unsigned sent = 0, read = 0;
	bool yes;

	(void)state;
	pair(&a, &b);
	for (; sent < N; sent++, f.tag++)
		JT_OK(frame_io_put(&a, &f, NULL));
	assert_int_equal(frame_io_events(&a) & 4, 4);
	while (read < N) {
		JT_OK(frame_io_flush(&a, NULL));
		JT_OK(frame_io_fill(&b, NULL));
		for (;;) {
			JT_OK(frame_io_next(&b, &got, &yes, NULL));
			if (!yes)
				break;
			assert_int_equal(got.tag, read++);
			assert_int_equal(got.data.n, sizeof(data));
		}
	}
	/* Nobody reads: bounded, and no half frame. */
	enum jit_err e = JIT_OK;

	for (int i = 0; i < 100 && e == JIT_OK; i++)
		e = frame_io_put(&a, &f, NULL);
	JT_ERR(e, JIT_E_BUSY);
}

static void
ends(void **state)
{
	JIT_DONE(frame_io_done) struct frame_io a = FRAME_IO_INIT;
	JIT_DONE(frame_io_done) struct frame_io b = FRAME_IO_INIT;
	struct frame got;
	bool yes;

	(void)state;
	pair(&a, &b);
	JT_ERR(frame_io_wait(&b, sys_mono_ms() + 20, &got, NULL),
	    JIT_E_UNREACHABLE);
	JT_OK(frame_io_put(&a, &rows[1].f, NULL));
	frame_io_done(&a);
	/* What was sent before the end is read. */
	JT_OK(frame_io_fill(&b, NULL));
	JT_OK(frame_io_next(&b, &got, &yes, NULL));
	assert_true(yes);
	JT_ERR(frame_io_fill(&b, NULL), JIT_E_UNREACHABLE);
	JT_ERR(frame_io_put(&b, &rows[1].f, NULL), JIT_E_UNREACHABLE);
}

static void
too_long(void **state)
{
	JIT_DONE(frame_io_done) struct frame_io a = FRAME_IO_INIT;
	JIT_DONE(frame_io_done) struct frame_io b = FRAME_IO_INIT;
	struct frame got;
	bool yes;

	(void)state;
	pair(&a, &b);
	assert_int_equal(send(a.fd, "\xff\xff\xff\xff", 4, 0), 4);
	JT_OK(frame_io_fill(&b, NULL));
	JT_ERR(frame_io_next(&b, &got, &yes, NULL), JIT_E_FORMAT);
}

int
main(void)
{
	return JT_ROWS("there and back", there_and_back, rows) +
	    JT_ROWS("refused", refused, bad) + jt_one("no kind", no_kind) +
	    jt_one("long words", long_words) +
	    jt_one("in pieces", in_pieces) +
	    jt_one("many and large", many_and_large) + jt_one("ends", ends) +
	    jt_one("too long", too_long);
}
