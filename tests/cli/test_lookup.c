/*
 * lookup: a serial as it is written by us, by openssl, by a server's log.
 */
#include <string.h>

#include "cli/lookup.h"
#include "tests/lib/jt.h"

struct row {
	const char *name, *typed;
	enum jit_err err;
	enum request_kind kind;
	const char *want;		/* as issued_serial_text() has it */
};
static const struct row rows[] = {
	{ "ssh", "4182", JIT_OK, KIND_SSH_USER, "4182" },
	{ "ssh, one digit", "7", JIT_OK, KIND_SSH_USER, "7" },
	{ "ssh, the largest", "18446744073709551615", JIT_OK, KIND_SSH_USER,
	    "18446744073709551615" },
	{ "ssh, too large", "18446744073709551616", JIT_E_FORMAT, 0, NULL },
	{ "ssh, none", "0", JIT_E_FORMAT, 0, NULL },
	{ "ssh, a zero in front", "04182", JIT_E_FORMAT, 0, NULL },
	{ "x509", "0123456789abcdef0123456789abcdef", JIT_OK, KIND_X509,
	    "0123456789abcdef0123456789abcdef" },
	{ "x509, digits alone", "12345678901234567890123456789012", JIT_OK,
	    KIND_X509, "12345678901234567890123456789012" },
	{ "x509, capitals", "0123456789ABCDEF0123456789ABCDEF", JIT_OK,
	    KIND_X509, "0123456789abcdef0123456789abcdef" },
	{ "x509, colons", "01:23:45:67:89:ab:cd:ef:01:23:45:67:89:ab:cd:ef",
	    JIT_OK, KIND_X509, "0123456789abcdef0123456789abcdef" },
	{ "x509, a byte of zeros left out", "23456789abcdef0123456789abcdef",
	    JIT_OK, KIND_X509, "0023456789abcdef0123456789abcdef" },
	{ "x509, with 0x", "0x23456789abcdef0123456789abcdef", JIT_E_FORMAT,
	    0, NULL },
	{ "x509, too long", "00123456789abcdef0123456789abcdef0",
	    JIT_E_FORMAT, 0, NULL },
	{ "the end of an id", "9N2B", JIT_E_FORMAT, 0, NULL },
	{ "the end of an id that could be hex", "ABCD", JIT_E_FORMAT, 0,
	    NULL },
	{ "a whole id", "01JDE0V5Y8M3T1K3ZJ6X4N9Q2B", JIT_E_FORMAT, 0, NULL },
	{ "nothing", "", JIT_E_FORMAT, 0, NULL },
	{ "colons alone", ":::::::::::::::::::::::::::::", JIT_E_FORMAT, 0,
	    NULL },
};

static void
parses(void **state)
{
	const struct row *r = *state;
	enum request_kind kind = REQUEST_KINDS;
	uint8_t serial[ISSUED_SERIAL];
	char text[ISSUED_SERIAL_TEXT];

	JT_ERR(lookup_parse(r->typed, &kind, serial), r->err);
	if (r->err != JIT_OK)
		return;
	assert_int_equal(kind, r->kind);
	assert_string_equal(issued_serial_text(kind, serial, text), r->want);
}

int
main(void)
{
	return JT_ROWS("parses", parses, rows);
}
