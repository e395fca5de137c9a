/*
 * simdisk - a disk in memory behind struct journal_ops, which can fail, lose
 * and tear.
 *
 * Each file has what is durable and what is written; a crash keeps of the
 * written, not synced 512-byte sectors what the loss mode says, and of
 * renames, creates and removes only those that a directory sync followed.
 * A sync that fails drops what was dirty: the cache still shows it, and no
 * later sync writes it.
 */
#ifndef JIT_TESTS_SIMDISK_H
#define JIT_TESTS_SIMDISK_H

#include "signer/journal.h"

enum loss {
	LOSE_ALL,
	LOSE_NONE,
	LOSE_DATA,	/* every name is there, what was in the files is not */
	LOSE_NAMES,	/* the other way round */
	LOSE_ODD,	/* reordered: every second sector */
	LOSE_EVEN,
	LOSE_TORN,	/* only the first sector came out */
	LOSE_FIRST,	/* all but the first one did */
	LOSSES
};

struct simdisk;

struct simdisk *simdisk_new(uint64_t capacity);
void simdisk_free(struct simdisk *d);
struct journal_ops simdisk_ops(struct simdisk *d);
/* The power goes: unsynced state is lost by mode, descriptors are closed. */
void simdisk_crash(struct simdisk *d, enum loss mode);
/* Only the process ends: the page cache stays as it is. */
void simdisk_restart(struct simdisk *d);
/* The n-th effect from now (1: the next) fails with e; 0: none. */
void simdisk_fail(struct simdisk *d, unsigned n, enum jit_err e);
unsigned simdisk_effects(const struct simdisk *d);	/* so far */
void simdisk_capacity(struct simdisk *d, uint64_t bytes);
/* A file's bytes, to be changed; NULL when it is not there. */
uint8_t *simdisk_file(struct simdisk *d, const char *name, uint64_t *size);

#endif
