/*
 * uri: what is read out of a URI, and what is refused, by rows.
 */
#include <string.h>

#include "signer/token/uri.h"
#include "tests/lib/jt.h"

struct good_row {
	const char *name, *in;
	const char *out;	/* NULL: the same */
};

static const struct good_row good[] = {
	{ "label and object", "pkcs11:token=jit;object=user-ca", NULL },
	{ "everything", "pkcs11:token=a;manufacturer=b;model=d;serial=c;"
	    "object=e;id=%01%FF;slot-id=7?module-path=/usr/lib/x.so", NULL },
	{ "another order", "pkcs11:id=%01;object=e;token=a",
	    "pkcs11:token=a;object=e;id=%01" },
	{ "type", "pkcs11:token=a;type=private;object=e",
	    "pkcs11:token=a;object=e" },
	{ "blanks", "pkcs11:token=my%20token;object=e", NULL },
	{ "id as characters", "pkcs11:token=a;id=AB", "pkcs11:token=a;"
	    "id=%41%42" },
	{ "a NUL in the id", "pkcs11:token=a;id=%00", NULL },
	{ "UTF-8", "pkcs11:token=%C3%BC;object=e", NULL },
	{ "lower-case hex", "pkcs11:token=%c3%bc;object=e",
	    "pkcs11:token=%C3%BC;object=e" },
	{ "what need not be escaped", "pkcs11:token=:[]@!$'()*+,=&;object=e",
	    "pkcs11:token=%3A%5B%5D%40%21%24%27%28%29%2A%2B%2C%3D%26;"
	    "object=e" },
	{ "a longest label", "pkcs11:token=12345678901234567890123456789012;"
	    "object=e", NULL },
	{ "nothing at all", "pkcs11:", NULL },
};

static void
accepts(void **state)
{
	const struct good_row *row = *state;
	JIT_DONE(wr_done) struct wr w = WR_INIT(2 * URI_TEXT_MAX);
	struct uri u, again;
	struct jit_why why = { 0 };

	JT_WHY(uri_parse(span_str(row->in), &u, &why), JIT_OK, &why);
	uri_put(&w, &u);
	JT_OK(w.err);
	if (!span_eq_str(wr_view(&w), row->out == NULL ? row->in : row->out))
		fail_msg("%.*s", (int)w.n, (const char *)w.p);
	JT_OK(uri_parse(wr_view(&w), &again, NULL));
	assert_memory_equal(&u, &again, sizeof(u));
}

struct bad_row {
	const char *name, *in;
	enum jit_err err;
	const char *words;
};

#define L33 "123456789012345678901234567890123"
static const struct bad_row bad[] = {
	{ "another scheme", "file:token=a", JIT_E_FORMAT, "not a pkcs11" },
	{ "upper-case scheme", "PKCS11:token=a", JIT_E_FORMAT, "not a" },
	{ "no scheme", "", JIT_E_FORMAT, "not a pkcs11" },
	{ "unknown", "pkcs11:token=a;colour=b", JIT_E_FORMAT,
	    "colour: not known; accepted are token, manufacturer, serial" },
	{ "vendor's own", "pkcs11:token=a;x-foo=b", JIT_E_FORMAT, "x-foo" },
	{ "library-version", "pkcs11:library-version=3", JIT_E_FORMAT,
	    "not known" },
	{ "twice", "pkcs11:token=a;token=a", JIT_E_FORMAT, "twice" },
	{ "id twice", "pkcs11:id=a;id=b", JIT_E_FORMAT, "twice" },
	{ "module twice", "pkcs11:token=a?module-path=/a&module-path=/a",
	    JIT_E_FORMAT, "twice" },
	{ "empty value", "pkcs11:token=;object=a", JIT_E_FORMAT, "is empty" },
	{ "empty attribute", "pkcs11:token=a;;object=a", JIT_E_FORMAT,
	    "name=value" },
	{ "a trailing ;", "pkcs11:token=a;", JIT_E_FORMAT, "name=value" },
	{ "no name", "pkcs11:=a", JIT_E_FORMAT, "name=value" },
	{ "no value", "pkcs11:token", JIT_E_FORMAT, "name=value" },
	{ "half an escape", "pkcs11:token=a%4", JIT_E_FORMAT, "two hex" },
	{ "a lone %", "pkcs11:token=a%", JIT_E_FORMAT, "two hex" },
	{ "no hex", "pkcs11:token=a%4g", JIT_E_FORMAT, "two hex" },
	{ "a blank", "pkcs11:token=a b", JIT_E_FORMAT, "as %HH" },
	{ "a slash in the path", "pkcs11:token=a/b", JIT_E_FORMAT, "as %HH" },
	{ "a quote", "pkcs11:token=a\"b", JIT_E_FORMAT, "as %HH" },
	{ "raw UTF-8", "pkcs11:token=\xc3\xbc", JIT_E_FORMAT, "as %HH" },
	{ "bad UTF-8", "pkcs11:token=%C3", JIT_E_FORMAT, "plain" },
	{ "a NUL in a label", "pkcs11:token=a%00b", JIT_E_FORMAT, "plain" },
	{ "a line feed", "pkcs11:object=a%0Ab", JIT_E_FORMAT, "plain" },
	{ "a long label", "pkcs11:token=" L33, JIT_E_SIZE, "longer" },
	{ "a long serial", "pkcs11:serial=12345678901234567", JIT_E_SIZE,
	    "longer" },
	{ "a long id", "pkcs11:id=" L33 L33, JIT_E_SIZE, "longer" },
	{ "a public key", "pkcs11:token=a;type=public", JIT_E_FORMAT,
	    "accepted is private" },
	{ "slot in hex", "pkcs11:slot-id=0x1", JIT_E_FORMAT, "decimal" },
	{ "slot too large", "pkcs11:slot-id=4294967296", JIT_E_FORMAT,
	    "decimal" },
	{ "PIN", "pkcs11:token=a;object=b?pin-value=1234", JIT_E_FORMAT,
	    "no PIN in a URI" },
	{ "PIN's file", "pkcs11:token=a?pin-source=file:/x", JIT_E_FORMAT,
	    "no PIN in a URI" },
	{ "PIN as a path attribute", "pkcs11:pin-value=1234", JIT_E_FORMAT,
	    "no PIN in a URI" },
	{ "module-name", "pkcs11:token=a?module-name=softhsm2", JIT_E_FORMAT,
	    "give module-path" },
	{ "module as a path attribute", "pkcs11:module-path=/a", JIT_E_FORMAT,
	    "not known" },
	{ "token as a query", "pkcs11:object=a?token=b", JIT_E_FORMAT,
	    "not known" },
	{ "a relative module", "pkcs11:token=a?module-path=x.so",
	    JIT_E_FORMAT, "absolute" },
	{ "an empty query", "pkcs11:token=a?", JIT_E_FORMAT, "behind ?" },
};

static void
refuses(void **state)
{
	const struct bad_row *row = *state;
	struct jit_why why = { 0 };
	struct uri u;

	JT_ERR(uri_parse(span_str(row->in), &u, &why), row->err);
	if (strstr(why.msg, row->words) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", row->words, why.msg);
	/* A PIN is not repeated either. */
	assert_null(strstr(why.msg, "1234"));
}

struct key_row {
	const char *name, *in;
	enum jit_err err;
};

static const struct key_row keys[] = {
	{ "token and object", "pkcs11:token=a;object=b", JIT_OK },
	{ "serial and id", "pkcs11:serial=a;id=b", JIT_OK },
	{ "no object", "pkcs11:token=a", JIT_E_FORMAT },
	{ "no token", "pkcs11:object=a", JIT_E_FORMAT },
	{ "a slot is no token", "pkcs11:slot-id=1;object=a", JIT_E_FORMAT },
	{ "a model is no token", "pkcs11:model=a;object=a", JIT_E_FORMAT },
	{ "nothing", "pkcs11:", JIT_E_FORMAT },
};

static void
names_a_key(void **state)
{
	const struct key_row *row = *state;
	struct uri u;

	JT_OK(uri_parse(span_str(row->in), &u, NULL));
	JT_ERR(uri_check_key(&u, NULL), row->err);
}

static void
same_token(void **state)
{
	struct uri a, b, c, d;

	(void)state;
	JT_OK(uri_parse(span_str("pkcs11:token=a;object=x"), &a, NULL));
	JT_OK(uri_parse(span_str("pkcs11:token=a;object=y;id=1"), &b, NULL));
	JT_OK(uri_parse(span_str("pkcs11:token=b;object=x"), &c, NULL));
	JT_OK(uri_parse(span_str("pkcs11:token=a;slot-id=0"), &d, NULL));
	assert_true(uri_same_token(&a, &b));
	assert_false(uri_same_token(&a, &c));
	assert_false(uri_same_token(&a, &d));
}

static void
one(void *arg, struct span s)
{
	struct uri u;

	(void)arg;
	(void)uri_parse(s, &u, NULL);
}

static void
flipped(void **state)
{
	char big[URI_TEXT_MAX + 2];
	struct uri u;

	(void)state;
	jt_flip_truncate(span_str(good[1].in), one, NULL);
	memset(big, 'a', sizeof(big));
	JT_ERR(uri_parse(SPAN(big, sizeof(big)), &u, NULL), JIT_E_SIZE);
}

int
main(void)
{
	return JT_ROWS("accepts", accepts, good) +
	    JT_ROWS("refuses", refuses, bad) +
	    JT_ROWS("names a key", names_a_key, keys) +
	    jt_one("the same token", same_token) + jt_one("flipped", flipped);
}
