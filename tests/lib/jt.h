/*
 * jt - what every test needs beside cmocka.
 *
 * A row is a test: put rows in a table whose first member is their name and
 * hand the table to jt_rows(); each row becomes a cmocka test of that name,
 * called with *state pointing at the row.
 */
#ifndef JIT_TESTS_JT_H
#define JIT_TESTS_JT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ca/base/bytes.h"

/* Run fn once a row; returns the number that failed. */
int jt_rows(const char *group, CMUnitTestFunction fn, const void *rows,
    size_t n, size_t size);
#define JT_ROWS(group, fn, rows)					\
	jt_rows(group, fn, rows, sizeof(rows) / sizeof((rows)[0]),	\
	    sizeof((rows)[0]))
/* Run one test function that has no rows. */
int jt_one(const char *name, CMUnitTestFunction fn);

/* Fail with both names unless got is want. */
void jt_err(enum jit_err got, enum jit_err want, const struct jit_why *why,
    const char *file, int line);
#define JT_ERR(got, want) jt_err((got), (want), NULL, __FILE__, __LINE__)
#define JT_WHY(got, want, why)						\
	jt_err((got), (want), (why), __FILE__, __LINE__)
#define JT_OK(got) JT_ERR((got), JIT_OK)

/*
 * Call fn with every prefix of valid, and with every bit of it flipped (at
 * most 1 << 16 variants, spread evenly), each in memory of exactly its size
 * so that ASan sees a byte too far.  fn must return; what it accepts is its
 * own to judge.
 */
void jt_flip_truncate(struct span valid,
    void (*fn)(void *arg, struct span s), void *arg);
/* The same with about max prefixes and flips each, for what is slow to try. */
void jt_flip_truncate_max(struct span valid, size_t max,
    void (*fn)(void *arg, struct span s), void *arg);

/* A whole file; the test fails when it cannot be read. */
struct buf jt_file(const char *path);
/* Path below the source tree (JIT_SOURCE); static memory, four at a time. */
const char *jt_source(const char *rel);
/*
 * Path of outside test data, from JIT_VECTORS or ../shared/vectors beside
 * the source tree.  Where it is absent the program says so and exits 77.
 */
const char *jt_vectors(const char *rel);
/* A fresh directory below TMPDIR, removed when the program ends. */
const char *jt_tmpdir(void);

#endif
