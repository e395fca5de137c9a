/*
 * entry - what the log's leaves and bodies are.
 *
 * A leaf is 53 bytes and holds no personal data:
 *
 *	byte[4]  "jit1"
 *	uint8    type, from entry.def
 *	uint64   time, seconds since 1970, never less than the leaf before
 *	uint64   index in the log
 *	byte[32] SHA-256(salt || body)
 *
 * The body stands beside it with its 16-byte random salt, and can be erased:
 * the tree still verifies, and the salt keeps a short body from being
 * guessed.  A body is length-prefixed fields in fixed order, per type; see
 * ca/grant/record.h.
 */
#ifndef JIT_TLOG_ENTRY_H
#define JIT_TLOG_ENTRY_H

#include "ca/base/digest.h"
#include "ca/base/utc.h"

#define ENTRY_LEAF 53
#define ENTRY_SALT 16
#define ENTRY_BODY_MAX (1024u * 1024)

enum entry_type {
#define X(NAME, value, wire) ENTRY_##NAME = (value),
#include "ca/tlog/entry.def"
#undef X
};
/* "request"; NULL for a value of no row. */
const char *entry_type_name(uint8_t type);

struct entry {
	uint8_t type;			/* enum entry_type */
	utc_s time;
	uint64_t index;
	uint8_t leaf[ENTRY_LEAF];	/* the bytes that are hashed */
	uint8_t salt[ENTRY_SALT];
	struct span body;		/* borrowed */
	bool erased;			/* body and salt are gone */
};

/* Fill leaf from the other fields.  JIT_E_ARG: unknown type, negative time. */
enum jit_err entry_seal(struct entry *e);
/*
 * Read the 53 bytes into type, time, index, leaf.  JIT_E_FORMAT.  Does not
 * touch salt and body.
 */
enum jit_err entry_parse_leaf(struct span leaf, struct entry *ret);
/* salt and body are the ones that the leaf holds.  JIT_E_VERIFY; JIT_E_ERASED. */
enum jit_err entry_check_body(const struct entry *e, struct jit_why *why);

#endif
