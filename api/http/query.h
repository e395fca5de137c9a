/*
 * query - the target of a request, read strictly.
 *
 *	/v1/requests/01JDE0V5Y8M3T1K3ZJ6X4N9Q2B?since=18&wait=25000
 *
 * A path is "/" and segments of [A-Za-z0-9._~-]+ with single slashes between
 * them; nothing in it may be percent-encoded, no segment is "." or "..", no
 * slash ends it.  A query is name=value with "&" between; names [a-z_]{1,32},
 * each at most once; values are percent-decoded UTF-8 of plain characters
 * (text.h), "+" is a plus.  At most QUERY_MAX pairs.  Pure.
 */
#ifndef JIT_API_HTTP_QUERY_H
#define JIT_API_HTTP_QUERY_H

#include "ca/base/text.h"

#define TARGET_MAX 4096		/* bytes of path and query */
#define PATH_SEGMENTS 8
#define QUERY_MAX 16

struct path {
	size_t n;
	struct span v[PATH_SEGMENTS];	/* borrowed */
};
/* JIT_E_FORMAT: why says which byte, and what is accepted; JIT_E_SIZE. */
enum jit_err path_parse(struct span s, struct path *ret,
    struct jit_why *why);

struct query_pair { struct span name; struct buf value; };
struct query {
	size_t n;
	struct query_pair v[QUERY_MAX];	/* values owned */
	bool used[QUERY_MAX];
};
/* An empty s is an empty query.  JIT_E_FORMAT, JIT_E_SIZE, JIT_E_UTF8. */
enum jit_err query_parse(struct span s, struct query *ret,
    struct jit_why *why);
void query_done(struct query *q);
JIT_SCOPED_OBJ(struct query, query_done);

/*
 * Typed readers; each marks its name as used.  An absent one leaves *ret as
 * it is and is JIT_OK.  JIT_E_FORMAT: what was found, what is accepted.
 */
enum jit_err query_uint(struct query *q, const char *name, uint64_t max,
    uint64_t *ret, struct jit_why *why);
enum jit_err query_bool(struct query *q, const char *name, bool *ret,
    struct jit_why *why);			/* true, false */
enum jit_err query_text(struct query *q, const char *name, size_t max,
    struct span *ret, struct jit_why *why);
enum jit_err query_utc(struct query *q, const char *name, utc_s *ret,
    struct jit_why *why);
/* One of words (NULL-terminated), by its place. */
enum jit_err query_word(struct query *q, const char *name,
    const char *const *words, unsigned *ret, struct jit_why *why);
/* "7,18,19": at most max numbers. */
enum jit_err query_uints(struct query *q, const char *name, size_t max,
    uint64_t *ret, size_t *n, struct jit_why *why);
/* JIT_E_FORMAT naming the first one that nobody read. */
enum jit_err query_end(const struct query *q, struct jit_why *why);

#endif
