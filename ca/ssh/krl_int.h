/*
 * krl_int - what the files of krl share: the numbers of the wire, sets of
 * serials and of byte strings, and a list that was read.
 */
#ifndef JIT_SSH_KRL_INT_H
#define JIT_SSH_KRL_INT_H

#include "ca/ssh/krl.h"

#define KRL_MAGIC 0x5353484b524c0a00u	/* "SSHKRL" LF NUL */
#define KRL_FORMAT 1

enum krl_section_type {
	KRL_CERTIFICATES = 1, KRL_KEYS = 2, KRL_SHA1 = 3, KRL_SIGNATURE = 4,
	KRL_SHA256 = 5, KRL_EXTENSION = 255
};

enum krl_cert_type {
	KRL_LIST = 0x20, KRL_RANGE = 0x21, KRL_BITMAP = 0x22, KRL_IDS = 0x23,
	KRL_CERT_EXTENSION = 0x39
};

/* ---- serials ---- */

struct krl_run { uint64_t lo, hi; };	/* both in it; 1 <= lo <= hi */

/* A set of serials as runs.  All zero is empty. */
struct krl_runs {
	struct krl_run *v;	/* owned */
	size_t n, cap;
};
/*
 * One more run; *left is how many more are allowed, and is taken from.
 * JIT_E_SIZE, JIT_E_NOMEM.
 */
enum jit_err krl_runs_add(struct krl_runs *r, uint64_t lo, uint64_t hi,
    size_t *left);
/* After the last one: sorted, none touches the next. */
void krl_runs_settle(struct krl_runs *r);
bool krl_runs_has(const struct krl_runs *r, uint64_t serial);
void krl_runs_done(struct krl_runs *r);
JIT_SCOPED_OBJ(struct krl_runs, krl_runs_done);

/* ---- key ids, keys, hashes ---- */

/* A set of byte strings, which are borrowed.  All zero is empty. */
struct krl_set {
	struct span *v;		/* owned */
	size_t n, cap;
};
enum jit_err krl_set_add(struct krl_set *s, struct span one); /* JIT_E_NOMEM */
/* After the last one: in the order of span_cmp(), each once. */
void krl_set_settle(struct krl_set *s);
bool krl_set_has(const struct krl_set *s, struct span one);
bool krl_set_eq(const struct krl_set *a, const struct krl_set *b);
void krl_set_done(struct krl_set *s);
JIT_SCOPED_OBJ(struct krl_set, krl_set_done);

/* The key ids of a section, the keys of a spec; settled.  JIT_E_NOMEM. */
enum jit_err krl_set_of_ids(struct krl_set *ret, const struct krl_section *s);
enum jit_err krl_set_of_keys(struct krl_set *ret, const struct krl_spec *s);

/* ---- lists ---- */

/* What is revoked of one CA. */
struct krl_ca {
	struct span key;	/* blob; empty: of every CA */
	struct krl_runs serials;
	struct krl_set ids;
};

struct krl {
	struct buf bytes;	/* what every span below borrows from */
	uint64_t version;
	utc_s generated;
	struct span comment;
	struct krl_set keys, sha1s, sha256s;
	struct krl_ca cas[KRL_CAS_MAX];
	size_t n_cas;
};

/* NULL: nothing is said of that CA. */
const struct krl_ca *krl_ca_of(const struct krl *k, struct span key);
/* The rules of krl.h for a spec; JIT_E_ARG, JIT_E_SIZE. */
enum jit_err krl_spec_check(const struct krl_spec *s, struct jit_why *why);

#endif
