/* The path, or behind its "?" the query, of a request. */
#include <string.h>

#include "api/http/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* What was accepted keeps its promises. */
static void
check_path(const struct path *path)
{
	for (size_t i = 0; i < path->n; i++) {
		struct span s = path->v[i];

		if (s.n == 0 || span_eq_str(s, ".") || span_eq_str(s, "..") ||
		    memchr(s.p, '/', s.n) != NULL ||
		    memchr(s.p, '%', s.n) != NULL ||
		    memchr(s.p, '\0', s.n) != NULL)
			__builtin_trap();
	}
}

static void
check_query(struct query *q)
{
	static const char *const words[] = { "open", "closed", NULL };
	uint64_t v[4];
	size_t n;
	struct span s;
	unsigned word;
	utc_s t;
	bool b;

	for (size_t i = 0; i < q->n; i++)
		if (text_check_plain(BUF_SPAN(q->v[i].value), NULL) != JIT_OK)
			__builtin_trap();
	(void)query_uint(q, "since", 1000, v, NULL);
	(void)query_uints(q, "ids", 4, v, &n, NULL);
	(void)query_text(q, "q", 64, &s, NULL);
	(void)query_utc(q, "from", &t, NULL);
	(void)query_word(q, "state", words, &word, NULL);
	(void)query_bool(q, "mine", &b, NULL);
	(void)query_end(q, NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const uint8_t *mark = n == 0 ? NULL : memchr(p, '?', n);
	size_t n_path = mark == NULL ? n : (size_t)(mark - p);
	JIT_DONE(query_done) struct query q = { 0 };
	struct path path;

	if (path_parse(SPAN(p, n_path), &path, NULL) == JIT_OK)
		check_path(&path);
	if (mark != NULL && query_parse(SPAN(mark + 1, n - n_path - 1), &q,
	    NULL) == JIT_OK)
		check_query(&q);
	return 0;
}
