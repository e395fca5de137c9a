/*
 * tree - a strict YAML file as a typed tree, with places for error messages.
 *
 * A subset on purpose (YAML 1.1 as libyaml reads it): block and flow
 * mappings, sequences, plain and quoted scalars.  Refused, each by name:
 * anchors, aliases, tags, merge keys, duplicate keys, block scalars (| >),
 * directives, a second document, keys that are not scalars, depth over 16,
 * files over 1 MiB, bytes that are not UTF-8 of plain characters (tab and
 * LF aside), written or escaped.  Every scalar is a string until its reader
 * gives it a type, so "no" is a name, not false.
 * Reads memory, not files; no clock, no logging.
 */
#ifndef JIT_BASE_TREE_H
#define JIT_BASE_TREE_H

#include "ca/base/bytes.h"
#include "ca/base/utc.h"

#define TREE_FILE_MAX (1024u * 1024)
#define TREE_DEPTH_MAX 16

enum tree_kind { TREE_MAP, TREE_LIST, TREE_SCALAR };

struct tree;		/* the whole; owns all nodes */
struct tree_node;	/* borrowed from its tree */

/*
 * file names the source in messages: "policy.yaml:3:7: found a tab; indent
 * with spaces".  JIT_E_POLICY.
 */
enum jit_err tree_parse(const char *file, struct span yaml,
    struct tree **ret, struct jit_why *why);
void tree_free(struct tree *t);
JIT_SCOPED_PTR(struct tree, tree_free);

const struct tree_node *tree_root(const struct tree *t);
enum tree_kind tree_kind(const struct tree_node *n);
/* Members of a map or a list; 0 for a scalar. */
size_t tree_count(const struct tree_node *n);
const struct tree_node *tree_at(const struct tree_node *n, size_t i);
/* The key of a map's i-th member. */
struct span tree_key(const struct tree_node *n, size_t i);
/* A map's member by key, NULL when absent. */
const struct tree_node *tree_get(const struct tree_node *n, const char *key);
struct span tree_scalar(const struct tree_node *n);	/* empty if none */

/*
 * "file:line:column: message", JIT_E_POLICY: the one way in which readers of
 * a tree complain.  n is the node that is wrong.
 */
enum jit_err tree_fail(const struct tree_node *n, struct jit_why *why,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The same, at the key of the i-th member of a map. */
enum jit_err tree_fail_key(const struct tree_node *n, size_t i,
    struct jit_why *why, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* ---- typed readers: each complains by tree_fail with what is accepted ---- */
enum jit_err tree_want(const struct tree_node *n, enum tree_kind k,
    struct jit_why *why);
/* Every key of map n is one of known (NULL-terminated); else it says which
 * key, and what is accepted. */
enum jit_err tree_only(const struct tree_node *n, const char *const *known,
    struct jit_why *why);
/* The member, or an error at n that it is missing. */
enum jit_err tree_need(const struct tree_node *n, const char *key,
    const struct tree_node **ret, struct jit_why *why);
enum jit_err tree_uint(const struct tree_node *n, uint64_t min, uint64_t max,
    uint64_t *ret, struct jit_why *why);
enum jit_err tree_bool(const struct tree_node *n, bool *ret,
    struct jit_why *why);			/* true, false */
enum jit_err tree_dur(const struct tree_node *n, dur_s min, dur_s max,
    dur_s *ret, struct jit_why *why);		/* "45m", as utc.h */
/* A name of text.h's form. */
enum jit_err tree_name(const struct tree_node *n, struct span *ret,
    struct jit_why *why);

#endif
