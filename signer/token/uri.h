/*
 * uri - which key on which token: "pkcs11:" URIs, RFC 7512.
 *
 *	pkcs11:token=jit;object=user-ca?module-path=/usr/lib/softhsm/libsofthsm2.so
 *
 * Path attributes, ";" between, each once: token, manufacturer, serial,
 * model, slot-id say which token; object (its label) and id (any bytes) say
 * which key; type may be there when it is "private".  Query attributes, "&"
 * between: module-path, the vendor's library.
 *
 * Stricter than the RFC, since a CA key hangs on it: an attribute that we do
 * not know is refused (the RFC lets readers ignore it, and then another key
 * may match), no empty values, no module-name (which library that is depends
 * on the machine).  pin-value and pin-source are refused: a URI stands in
 * configuration, process lists and logs, and a PIN must not.
 *
 * Pure: no allocation, no I/O.
 */
#ifndef JIT_SIGNER_TOKEN_URI_H
#define JIT_SIGNER_TOKEN_URI_H

#include "ca/base/bytes.h"

#define URI_TEXT_MAX 2048	/* bytes of a URI */
#define URI_MODULE_MAX 512	/* bytes of a path, its NUL included */
#define URI_ID_MAX 64

/* What was said; "" is not said.  Sizes are those of PKCS #11's structures. */
struct uri {
	char token[33], manufacturer[33];
	char model[17], serial[17];
	char object[129];
	uint8_t id[URI_ID_MAX];
	size_t id_n;			/* 0: not said */
	bool has_slot;
	uint32_t slot;
	char module[URI_MODULE_MAX];
};

/*
 * JIT_E_FORMAT: not such a URI; why names the attribute and what is accepted.
 * JIT_E_SIZE: longer than URI_TEXT_MAX, or a value than its field.
 */
enum jit_err uri_parse(struct span s, struct uri *ret, struct jit_why *why);
/*
 * Is it precise enough for a key?  token or serial, and object or id.
 * JIT_E_FORMAT, why says what is missing.
 */
enum jit_err uri_check_key(const struct uri *u, struct jit_why *why);
/* Do both name the same token by the same words, through the same module? */
bool uri_same_token(const struct uri *a, const struct uri *b);
/*
 * The URI again, in one form: attributes in the order of the struct, only
 * unreserved characters as they are, id as %HH throughout.
 */
void uri_put(struct wr *w, const struct uri *u);

#endif
