/*
 * idmatch - request ids by their last characters.
 *
 * A request id is a ULID; people read and type its last four or more
 * characters where that is unique among the requests at hand.  Lower case is
 * taken, and as Crockford's base32 has it I and L for 1, O for 0.  Pure.
 */
#ifndef JIT_CLI_IDMATCH_H
#define JIT_CLI_IDMATCH_H

#include "ca/base/text.h"

#define ID_SHORT_MIN 4

/*
 * The id that was typed.  A whole ULID is itself, also when it is not among
 * ids.
 *	JIT_E_ARG      not an id, fewer than four characters, or several ids
 *	               end so: why lists them
 *	JIT_E_UNKNOWN  none ends so
 */
enum jit_err id_find(const char *typed, const struct ulid *ids, size_t n,
    struct ulid *ret, struct jit_why *why);

/*
 * The end of id that is enough among ids: its shortest suffix of four or
 * more characters that no other of them has.  Points into id.
 */
const char *id_short(const struct ulid *id, const struct ulid *ids, size_t n);

#endif
