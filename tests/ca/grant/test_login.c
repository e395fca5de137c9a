/* login: one text for one meaning, and nothing else is one. */
#include <stdio.h>
#include <string.h>

#include "ca/grant/login.h"
#include "tests/lib/jt.h"

#define HEAD "jit-cert login v1\n"
#define LOG "log: jit.example.com+3f1c9a07\n"
#define SERVER "server: jit.example.com:8443\n"
#define TLS "tls: sha256:"						\
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n"
#define NONCE "nonce: q83v-_09AZ\n"
#define PERSON "person: alice\n"
#define AT "at: 2026-11-23T21:03:00Z\n"
#define EXPIRES "expires: 2026-11-23T21:04:00Z\n"
#define GOOD HEAD LOG SERVER TLS NONCE PERSON AT EXPIRES

#define X16 "xxxxxxxxxxxxxxxx"
#define X64 X16 X16 X16 X16
#define X128 X64 X64

struct row { const char *name, *text; enum jit_err want; const char *says; };

#define S(v) HEAD LOG "server: " v "\n" TLS NONCE PERSON AT EXPIRES
#define N(v) HEAD LOG SERVER TLS "nonce: " v "\n" PERSON AT EXPIRES
#define T(a, b) HEAD LOG SERVER TLS NONCE PERSON "at: " a "\nexpires: " b "\n"
static const struct row rows[] = {
	{ "as drawn", GOOD, JIT_OK, "" },
	{ "empty", "", JIT_E_FORMAT, "line 1" },
	{ "another kind", "jit-cert request v1\n" LOG, JIT_E_FORMAT,
	    "accepted is \"jit-cert login v1\"" },
	{ "another version", "jit-cert login v2\n" LOG, JIT_E_FORMAT,
	    "line 1" },
	{ "no log", HEAD SERVER TLS NONCE PERSON AT EXPIRES, JIT_E_FORMAT,
	    "line 2" },
	{ "no server", HEAD LOG TLS NONCE PERSON AT EXPIRES, JIT_E_FORMAT,
	    "line 3" },
	{ "no tls", HEAD LOG SERVER NONCE PERSON AT EXPIRES, JIT_E_FORMAT,
	    "line 4" },
	{ "no nonce", HEAD LOG SERVER TLS PERSON AT EXPIRES, JIT_E_FORMAT,
	    "line 5" },
	{ "no person", HEAD LOG SERVER TLS NONCE AT EXPIRES, JIT_E_FORMAT,
	    "line 6" },
	{ "no at", HEAD LOG SERVER TLS NONCE PERSON EXPIRES, JIT_E_FORMAT,
	    "line 7" },
	{ "no end", HEAD LOG SERVER TLS NONCE PERSON AT, JIT_E_FORMAT,
	    "line 8" },
	{ "two people", HEAD LOG SERVER TLS NONCE PERSON PERSON AT EXPIRES,
	    JIT_E_FORMAT, "line 7" },
	{ "another order", HEAD SERVER LOG TLS NONCE PERSON AT EXPIRES,
	    JIT_E_FORMAT, "line 2" },
	{ "a line behind", GOOD "x: y\n", JIT_E_FORMAT, "should end here" },
	{ "an empty line behind", GOOD "\n", JIT_E_FORMAT, "should end here" },
	{ "CR LF", HEAD "log: jit.example.com+3f1c9a07\r\n" SERVER TLS NONCE
	    PERSON AT EXPIRES, JIT_E_UTF8, "line 2" },
	{ "not ASCII", HEAD "log: j\xc3\xbct+3f1c9a07\n" SERVER TLS NONCE
	    PERSON AT EXPIRES, JIT_E_UTF8, "line 2" },
	{ "two spaces", HEAD LOG SERVER TLS NONCE "person:  alice\n" AT
	    EXPIRES, JIT_E_FORMAT, "line 6" },
	{ "person is none", HEAD LOG SERVER TLS NONCE "person: -\n" AT
	    EXPIRES, JIT_E_FORMAT, "line 6" },
	{ "person in capitals", HEAD LOG SERVER TLS NONCE "person: Alice\n" AT
	    EXPIRES, JIT_E_FORMAT, "line 6" },
	{ "tls in capitals", HEAD LOG SERVER "tls: sha256:"
	    "9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08"
	    "\n" NONCE PERSON AT EXPIRES, JIT_E_FORMAT, "line 4" },
	{ "tls by another hash", HEAD LOG SERVER "tls: sha1:9f86\n" NONCE
	    PERSON AT EXPIRES, JIT_E_FORMAT, "line 4" },

	{ "server by address", S("192.0.2.1:443"), JIT_OK, "" },
	{ "server by address of v6", S("[2001:db8::1]:443"), JIT_OK, "" },
	{ "server by a short name", S("j:1"), JIT_OK, "" },
	{ "server of 255", S(X128 X64 X16 X16 X16 "xxxxxxxxxxxxxxx:65535"),
	    JIT_OK, "" },
	{ "server of 256", S(X128 X64 X16 X16 X16 X16 ":65535"),
	    JIT_E_FORMAT, "server" },
	{ "server without port", S("jit.example.com"), JIT_E_FORMAT,
	    "server: accepted is" },
	{ "server with an empty port", S("jit.example.com:"), JIT_E_FORMAT,
	    "server" },
	{ "server without name", S(":8443"), JIT_E_FORMAT, "server" },
	{ "server in capitals", S("JIT.example.com:8443"), JIT_E_FORMAT,
	    "server" },
	{ "server with a scheme", S("https://jit:8443"), JIT_E_FORMAT,
	    "server" },
	{ "server with a person", S("x@jit:8443"), JIT_E_FORMAT, "server" },
	{ "server and space", S("jit :8443"), JIT_E_FORMAT, "server" },
	{ "port 0", S("jit:0"), JIT_E_FORMAT, "server" },
	{ "port 65536", S("jit:65536"), JIT_E_FORMAT, "server" },
	{ "port with a zero", S("jit:0443"), JIT_E_FORMAT, "server" },
	{ "port by sign", S("jit:+443"), JIT_E_FORMAT, "server" },
	{ "v6 without brackets", S("2001:db8::1:443"), JIT_E_FORMAT,
	    "server" },
	{ "brackets of none", S("[]:443"), JIT_E_FORMAT, "server" },
	{ "one bracket", S("[::1:443"), JIT_E_FORMAT, "server" },

	{ "nonce of 128", N(X128), JIT_OK, "" },
	{ "nonce of 129", N(X128 "x"), JIT_E_FORMAT, "nonce" },
	{ "nonce with padding", N("q83v="), JIT_E_FORMAT, "nonce" },
	{ "nonce of the other alphabet", N("q8+/"), JIT_E_FORMAT, "nonce" },
	{ "nonce with a space", N("q8 3v"), JIT_E_FORMAT, "nonce" },

	{ "one second", T("2026-11-23T21:03:00Z", "2026-11-23T21:03:01Z"),
	    JIT_OK, "" },
	{ "no second", T("2026-11-23T21:03:00Z", "2026-11-23T21:03:00Z"),
	    JIT_E_FORMAT, "1 to 60 seconds" },
	{ "backwards", T("2026-11-23T21:03:00Z", "2026-11-23T21:02:59Z"),
	    JIT_E_FORMAT, "1 to 60 seconds" },
	{ "61 seconds", T("2026-11-23T21:03:00Z", "2026-11-23T21:04:01Z"),
	    JIT_E_FORMAT, "1 to 60 seconds" },
	{ "all of time", T("1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
	    JIT_E_FORMAT, "1 to 60 seconds" },
	{ "another zone", T("2026-11-23T21:03:00+00:00",
	    "2026-11-23T21:04:00Z"), JIT_E_FORMAT, "line 7" },
	{ "too long", HEAD "log: " X128 X128 X128 X128 X128 X128 X128 X128
	    X128 X128 X128 X128 X128 X128 X128 X128 "\n" SERVER TLS NONCE
	    PERSON AT EXPIRES, JIT_E_SIZE, "at most 2048" },
};

static void
text(void **state)
{
	const struct row *r = *state;
	struct login l = { .at = -7 };
	struct jit_why why = { 0 };

	JT_WHY(login_parse(span_str(r->text), &l, &why), r->want, &why);
	if (strstr(why.msg, r->says) == NULL)
		fail_msg("said: %s", why.msg);
	assert_true((l.at == -7) == (r->want != JIT_OK));
}

static void
fields(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(LOGIN_MAX);
	struct login l;
	struct digest tls;

	(void)state;
	JT_OK(login_parse(span_str(GOOD), &l, NULL));
	JT_OK(digest_parse(span_str("sha256:9f86d081884c7d659a2feaa0c55ad015"
	    "a3bf4f1b2b0b822cd15d6c15b0f00a08"), &tls));
	assert_true(span_eq_str(l.log, "jit.example.com+3f1c9a07"));
	assert_true(span_eq_str(l.server, "jit.example.com:8443"));
	assert_true(digest_eq(&l.tls, &tls));
	assert_true(span_eq_str(l.nonce, "q83v-_09AZ"));
	assert_true(span_eq_str(l.person, "alice"));
	assert_true(l.at == 1795467780 && l.expires == 1795467840);
	login_put(&w, &l);
	JT_OK(w.err);
	assert_true(span_eq_str(wr_view(&w), GOOD));
}

/* A value with a line of its own in it is never written. */
static void
no_line_in_a_value(void **state)
{
	struct login l;

	(void)state;
	for (int i = 0; i < 4; i++) {
		JIT_DONE(wr_done) struct wr w = WR_INIT(LOGIN_MAX);
		struct span bad = span_str("x\nperson: bob");

		JT_OK(login_parse(span_str(GOOD), &l, NULL));
		*(struct span *[]){ &l.log, &l.server, &l.nonce,
		    &l.person }[i] = bad;
		login_put(&w, &l);
		JT_ERR(w.err, JIT_E_FORMAT);
	}
}

static void
judge(void *arg, struct span s)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(LOGIN_MAX);
	struct login l;

	(void)arg;
	if (login_parse(s, &l, NULL) != JIT_OK)
		return;
	login_put(&w, &l);
	JT_OK(w.err);
	assert_true(span_eq(wr_view(&w), s));
	assert_true(s.n == sizeof(GOOD) - 1);
}

/* No prefix is taken; what is taken renders to the same bytes. */
static void
flips(void **state)
{
	(void)state;
	jt_flip_truncate(span_str(GOOD), judge, NULL);
}

int
main(void)
{
	return JT_ROWS("text", text, rows) + jt_one("fields", fields) +
	    jt_one("no line in a value", no_line_in_a_value) +
	    jt_one("flips", flips);
}
