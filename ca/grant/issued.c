#include <stdio.h>
#include <string.h>

#include "ca/grant/issued.h"

enum jit_err
issued_parse(struct span bytes, struct issued *ret, struct jit_why *why)
{
	struct issued c = { .kind = KIND_SSH_USER };

	if (bytes.n > 0 && bytes.p[0] == 0x30) {
		c.kind = KIND_X509;
		JIT_TRY(x509_cert_parse(bytes, &c.x509, why));
	} else {
		JIT_TRY(ssh_cert_parse(bytes, &c.ssh, why));
	}
	*ret = c;
	return JIT_OK;
}

void
issued_done(struct issued *c)
{
	ssh_cert_free(c->ssh);
	x509_cert_free(c->x509);
	*c = (struct issued){ .kind = KIND_SSH_USER };
}

struct window
issued_life(const struct issued *c)
{
	if (c->kind == KIND_X509)
		return (struct window){ x509_cert_fields(c->x509)->after,
		    x509_cert_fields(c->x509)->before };
	return (struct window){ ssh_cert_fields(c->ssh)->after,
	    ssh_cert_fields(c->ssh)->before };
}

void
issued_serial(const struct issued *c, uint8_t ret[static ISSUED_SERIAL])
{
	if (c->kind == KIND_X509) {
		memcpy(ret, x509_cert_fields(c->x509)->serial, ISSUED_SERIAL);
		return;
	}
	memset(ret, 0, ISSUED_SERIAL);
	for (int i = 0; i < 8; i++)
		ret[ISSUED_SERIAL - 1 - i] =
		    (uint8_t)(ssh_cert_fields(c->ssh)->serial >> (8 * i));
}

const char *
issued_serial_text(enum request_kind kind,
    const uint8_t serial[static ISSUED_SERIAL],
    char ret[static ISSUED_SERIAL_TEXT])
{
	uint64_t n = 0;

	if (kind == KIND_X509) {
		for (size_t i = 0; i < ISSUED_SERIAL; i++)
			(void)snprintf(ret + 2 * i, 3, "%02x", serial[i]);
		return ret;
	}
	for (size_t i = 8; i < ISSUED_SERIAL; i++)
		n = n << 8 | serial[i];
	(void)snprintf(ret, ISSUED_SERIAL_TEXT, "%llu",
	    (unsigned long long)n);
	return ret;
}

static bool
hex_digit(uint8_t c, uint8_t *ret)
{
	*ret = c >= '0' && c <= '9' ? (uint8_t)(c - '0') :
	    c >= 'a' && c <= 'f' ? (uint8_t)(c - 'a' + 10) :
	    c >= 'A' && c <= 'F' ? (uint8_t)(c - 'A' + 10) : 16;
	return *ret < 16;
}

enum jit_err
issued_serial_parse(struct span text, enum request_kind *kind,
    uint8_t ret[static ISSUED_SERIAL])
{
	uint64_t n;
	uint8_t hi, lo;

	memset(ret, 0, ISSUED_SERIAL);
	if (text.n == 2 * ISSUED_SERIAL) {
		for (size_t i = 0; i < ISSUED_SERIAL; i++) {
			if (!hex_digit(text.p[2 * i], &hi) ||
			    !hex_digit(text.p[2 * i + 1], &lo))
				return JIT_E_FORMAT;
			ret[i] = (uint8_t)(hi << 4 | lo);
		}
		*kind = KIND_X509;
		return JIT_OK;
	}
	if (uint_parse(text, UINT64_MAX, &n) != JIT_OK || n == 0)
		return JIT_E_FORMAT;
	for (int i = 0; i < 8; i++)
		ret[ISSUED_SERIAL - 1 - i] = (uint8_t)(n >> (8 * i));
	*kind = KIND_SSH_USER;
	return JIT_OK;
}

enum jit_err
issued_check_is(const struct issued *c, const struct issue *i,
    const struct ssh_key *subject, const struct ca_key *ca,
    struct jit_why *why)
{
	struct x509_fields f = i->x509;

	if (c->kind != i->kind)
		return jit_fail(why, JIT_E_VERIFY, "the certificate is of "
		    "another kind than was asked for");
	if (ca == NULL || !issued_by(c, ca))
		return jit_fail(why, JIT_E_VERIFY, "the certificate is of "
		    "another CA");
	if (c->kind == KIND_SSH_USER)
		return ssh_cert_check_is(c->ssh, &i->fields, subject, why);
	memcpy(f.serial, x509_cert_fields(c->x509)->serial,
	    sizeof(f.serial));
	return x509_cert_check_is(c->x509, &f, subject, ca->ca, why);
}

enum jit_err
issued_verify(const struct issued *c, const struct ca_key *ca,
    struct jit_why *why)
{
	if (c->kind == KIND_SSH_USER)
		return ssh_cert_verify(c->ssh, ca->key, why);
	if (ca->ca == NULL)
		return jit_fail(why, JIT_E_SIG, "the CA is for SSH");
	return x509_cert_verify(c->x509, ca->ca, why);
}

bool
issued_by(const struct issued *c, const struct ca_key *ca)
{
	if (c->kind == KIND_SSH_USER)
		return ca->use == CA_SSH_USER &&
		    ssh_key_eq(ssh_cert_ca(c->ssh), ca->key);
	return ca->use == CA_X509 &&
	    x509_cert_names(c->x509, ca->ca);
}
