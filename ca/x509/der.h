/*
 * der - the little of DER (X.690) that certificates need, and PEM around it.
 *
 * The writer nests: der_begin() a tag, write what is inside, der_end().  The
 * reader walks a struct rd and knows one form for each thing: definite
 * minimal lengths, single-byte tags, minimal integers, TRUE as 0xff.  What
 * it does not like makes the rd's sticky error.  Pure.
 */
#ifndef JIT_X509_DER_H
#define JIT_X509_DER_H

#include "ca/base/utc.h"

enum {
	DER_BOOL = 0x01, DER_INT = 0x02, DER_BITS = 0x03, DER_OCTETS = 0x04,
	DER_NULL = 0x05, DER_OID = 0x06, DER_ENUM = 0x0a, DER_UTF8 = 0x0c,
	DER_PRINTABLE = 0x13, DER_IA5 = 0x16, DER_UTCTIME = 0x17,
	DER_GENTIME = 0x18, DER_SEQ = 0x30, DER_SET = 0x31,
};
#define DER_CTX(n) ((uint8_t)(0x80 | (n)))	/* [n] IMPLICIT, primitive */
#define DER_CTXC(n) ((uint8_t)(0xa0 | (n)))	/* [n], constructed */

/* ---- writer ---- */
/* Begin tag; the mark goes to der_end(), which writes the length. */
size_t der_begin(struct wr *w, uint8_t tag);
void der_end(struct wr *w, size_t mark);
void der_put(struct wr *w, uint8_t tag, struct span content);
void der_put_true(struct wr *w);
void der_put_small(struct wr *w, uint8_t v);		/* INTEGER 0 to 127 */
/* INTEGER of a big-endian magnitude; leading zeros are dropped. */
void der_put_uint(struct wr *w, struct span magnitude);
/* BIT STRING of whole bytes. */
void der_put_bits(struct wr *w, struct span bytes);
/* UTCTime through 2049, GeneralizedTime later (RFC 5280 section 4.1.2.5). */
void der_put_time(struct wr *w, utc_s t);

/* ---- reader ---- */
/* The next thing must have that tag; its content, borrowed. */
struct span der_get(struct rd *r, uint8_t tag);
/* As der_get, as a reader of what is inside (failed when r is). */
struct rd der_enter(struct rd *r, uint8_t tag);
/* Is there another thing, and of that tag? */
bool der_is(const struct rd *r, uint8_t tag);
/* The next thing whole, tag and length with it; any single-byte tag. */
struct span der_whole(struct rd *r);
/* A minimal INTEGER's magnitude of at most max bytes; zero's is empty. */
struct span der_get_uint(struct rd *r, size_t max);
/* BIT STRING of whole bytes. */
struct span der_get_bits(struct rd *r);
/* BOOLEAN DEFAULT FALSE: absent, or TRUE. */
bool der_get_default_false(struct rd *r);
/* Either time, in the one form that RFC 5280 gives each moment. */
utc_s der_get_time(struct rd *r);

/* ---- PEM (RFC 7468) ---- */
/* BEGIN, base64 in lines of 64, END. */
void x509_put_pem(struct wr *w, const char *label, struct span der);
/*
 * Cut the next block off the front of *s and append its bytes to der.  White
 * space may stand between blocks, nothing else.  False: nothing is left.
 *	JIT_E_FORMAT  no block, another label, or not base64
 */
enum jit_err x509_get_pem(struct span *s, const char *label, struct wr *der,
    bool *more, struct jit_why *why);
/* Exactly one block.  Returns owned.  JIT_E_FORMAT, JIT_E_SIZE. */
enum jit_err x509_pem_one(struct span pem, const char *label, struct buf *ret,
    struct jit_why *why);

#define X509_PEM_CHAIN_MAX 8
/* One to X509_PEM_CHAIN_MAX certificates; each owned.  Errors as above. */
struct x509_chain {
	struct buf der[X509_PEM_CHAIN_MAX];
	size_t n;
};
enum jit_err x509_pem_chain(struct span pem, struct x509_chain *ret,
    struct jit_why *why);
void x509_chain_done(struct x509_chain *c);
JIT_SCOPED_OBJ(struct x509_chain, x509_chain_done);

#endif
