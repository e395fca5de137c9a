/*
 * digest: FIPS 180-4's examples (by python3 hashlib), and one written form.
 */
#include <string.h>

#include "ca/base/digest.h"
#include "ca/base/text.h"
#include "tests/lib/jt.h"

struct row { const char *name, *in, *sha256, *sha384, *sha512; };
static const struct row rows[] = {
	{ "nothing", "",
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	    "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da"
	    "274edebfe76f65fbd51ad2f14898b95b",
	    "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
	    "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e" },
	{ "one block", "abc",
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
	    "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
	    "8086072ba1e7cc2358baeca134c825a7",
	    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
	    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f" },
	{ "two blocks", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmno"
	    "mnopnopq",
	    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
	    "3391fdddfc8dc7393707a65b1b4709397cf8b1d162af05abfe8f450de5f36bc6"
	    "b0455a8520bc4e6f5fe95b1fe3c8452b",
	    "204a8fc6dda82f0a0ced7beb8e08a41657c16ef468b228a8279be331a703c335"
	    "96fd15c13b1b07f9aa1d3bea57789ca031ad85c7a71dd70354ec631238ca3445" },
};

static void
known(void **state)
{
	const struct row *r = *state;
	struct digest d;
	uint8_t b[64];
	char hex[129];

	JT_OK(digest_sha256(span_str(r->in), &d));
	hex_text(DIGEST_SPAN(d), hex);
	assert_string_equal(hex, r->sha256);
	JT_OK(digest_sha384(span_str(r->in), b));
	hex_text(SPAN(b, 48), hex);
	assert_string_equal(hex, r->sha384);
	JT_OK(digest_sha512(span_str(r->in), b));
	hex_text(SPAN(b, 64), hex);
	assert_string_equal(hex, r->sha512);
}

/* Several spans hash as one, wherever they are cut. */
static void
in_parts(void **state)
{
	const char *s = rows[2].in;
	struct digest whole, parts;

	(void)state;
	JT_OK(digest_sha256(span_str(s), &whole));
	for (size_t i = 0; i <= strlen(s); i++) {
		struct span v[3] = { SPAN(s, i), SPAN_NONE, span_str(s + i) };

		JT_OK(digest_sha256v(v, 3, &parts));
		assert_true(digest_eq(&whole, &parts));
	}
	parts.b[31] ^= 1;
	assert_false(digest_eq(&whole, &parts));
}

#define HEX63 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a"
struct form { const char *name, *in; size_t n; enum jit_err want; };
static const struct form forms[] = {
	{ "right", "sha256:" HEX63 "d", 71, JIT_OK },
	{ "one digit short", "sha256:" HEX63, 70, JIT_E_FORMAT },
	{ "one digit more", "sha256:" HEX63 "dd", 72, JIT_E_FORMAT },
	{ "upper case", "sha256:" HEX63 "D", 71, JIT_E_FORMAT },
	{ "not hex", "sha256:" HEX63 "g", 71, JIT_E_FORMAT },
	{ "another hash", "sha512:" HEX63 "d", 71, JIT_E_FORMAT },
	{ "upper-case name", "SHA256:" HEX63 "d", 71, JIT_E_FORMAT },
	{ "a NUL for the last", "sha256:" HEX63 "\0", 71, JIT_E_FORMAT },
	{ "nothing", "", 0, JIT_E_FORMAT },
};

static void
written(void **state)
{
	const struct form *f = *state;
	struct digest d;
	char text[DIGEST_TEXT];

	JT_ERR(digest_parse(SPAN(f->in, f->n), &d), f->want);
	if (f->want != JIT_OK)
		return;
	digest_text(&d, text);
	assert_string_equal(text, f->in);
}

int
main(void)
{
	return JT_ROWS("known", known, rows) + jt_one("in parts", in_parts) +
	    JT_ROWS("written", written, forms);
}
