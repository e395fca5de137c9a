/*
 * json - outside test vectors in JSON, read with jansson.  Tests only.
 */
#ifndef JIT_TESTS_JSON_H
#define JIT_TESTS_JSON_H

#include <jansson.h>

#include "tests/lib/jt.h"

/* Returns owned (json_decref); the test fails when it cannot be read. */
json_t *jt_json(const char *path);
/* A member that is a string, "" when it is absent or null. */
const char *jt_json_str(json_t *o, const char *key);
/*
 * A member that is a number; 0 when it is absent.  Integers are read as
 * reals, since jansson has none above 2^63: exact to 2^53, and 2^64 - 1.
 */
uint64_t jt_json_uint(json_t *o, const char *key);
/* Bytes written in hex. */
struct buf jt_hex(const char *hex);

#endif
