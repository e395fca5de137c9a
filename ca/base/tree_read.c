/* The typed readers of tree.h; what a tree is made of stands in tree.c. */
#include "ca/base/text.h"
#include "ca/base/tree.h"

enum jit_err
tree_want(const struct tree_node *n, enum tree_kind k, struct jit_why *why)
{
	static const char *const name[] = {
		[TREE_MAP] = "a map", [TREE_LIST] = "a list",
		[TREE_SCALAR] = "a single value",
	};

	if (tree_kind(n) == k)
		return JIT_OK;
	return tree_fail(n, why, "found %s, want %s", name[tree_kind(n)],
	    name[k]);
}

static bool
is_known(struct span key, const char *const *known)
{
	for (; *known != NULL; known++)
		if (span_eq_str(key, *known))
			return true;
	return false;
}

static void
put_known(struct wr *w, const char *const *known)
{
	for (size_t i = 0; known[i] != NULL; i++)
		wr_fmt(w, "%s%s", i ? ", " : "", known[i]);
	wr_u8(w, 0);
}

enum jit_err
tree_only(const struct tree_node *n, const char *const *known,
    struct jit_why *why)
{
	JIT_TRY(tree_want(n, TREE_MAP, why));
	for (size_t i = 0; i < tree_count(n); i++) {
		JIT_DONE(wr_done) struct wr list = WR_INIT(4096);
		char key[TEXT_SHOWN];

		if (is_known(tree_key(n, i), known))
			continue;
		put_known(&list, known);
		return tree_fail_key(n, i, why, "unknown key \"%s\", accepted "
		    "are: %s", text_shown(tree_key(n, i), key, sizeof(key)),
		    list.err == JIT_OK ? (const char *)list.p : "-");
	}
	return JIT_OK;
}

enum jit_err
tree_need(const struct tree_node *n, const char *key,
    const struct tree_node **ret, struct jit_why *why)
{
	const struct tree_node *m;

	JIT_TRY(tree_want(n, TREE_MAP, why));
	if ((m = tree_get(n, key)) == NULL)
		return tree_fail(n, why, "\"%s\" is missing", key);
	*ret = m;
	return JIT_OK;
}

enum jit_err
tree_uint(const struct tree_node *n, uint64_t min, uint64_t max,
    uint64_t *ret, struct jit_why *why)
{
	char shown[TEXT_SHOWN];
	uint64_t v;

	JIT_TRY(tree_want(n, TREE_SCALAR, why));
	if (uint_parse(tree_scalar(n), max, &v) != JIT_OK || v < min)
		return tree_fail(n, why, "found \"%s\", want a whole number "
		    "from %llu to %llu",
		    text_shown(tree_scalar(n), shown, sizeof(shown)),
		    (unsigned long long)min, (unsigned long long)max);
	*ret = v;
	return JIT_OK;
}

enum jit_err
tree_bool(const struct tree_node *n, bool *ret, struct jit_why *why)
{
	char shown[TEXT_SHOWN];
	bool yes;

	JIT_TRY(tree_want(n, TREE_SCALAR, why));
	yes = span_eq_str(tree_scalar(n), "true");
	if (!yes && !span_eq_str(tree_scalar(n), "false"))
		return tree_fail(n, why, "found \"%s\", want true or false",
		    text_shown(tree_scalar(n), shown, sizeof(shown)));
	*ret = yes;
	return JIT_OK;
}

enum jit_err
tree_dur(const struct tree_node *n, dur_s min, dur_s max, dur_s *ret,
    struct jit_why *why)
{
	char shown[TEXT_SHOWN], lo[DUR_TEXT], hi[DUR_TEXT];
	dur_s v;

	JIT_TRY(tree_want(n, TREE_SCALAR, why));
	if (dur_parse(tree_scalar(n), &v) == JIT_OK && v >= min && v <= max) {
		*ret = v;
		return JIT_OK;
	}
	dur_text(min < 1 ? 1 : min, lo);
	dur_text(max, hi);
	return tree_fail(n, why, "found \"%s\", want a duration from %s to %s "
	    "such as 45m or 8h, in its largest unit",
	    text_shown(tree_scalar(n), shown, sizeof(shown)), lo, hi);
}

enum jit_err
tree_name(const struct tree_node *n, struct span *ret, struct jit_why *why)
{
	char shown[TEXT_SHOWN];

	JIT_TRY(tree_want(n, TREE_SCALAR, why));
	if (!text_is_name(tree_scalar(n)))
		return tree_fail(n, why, "found \"%s\", want a name: a-z 0-9 "
		    ". _ -, at most 32 characters, a letter or digit first",
		    text_shown(tree_scalar(n), shown, sizeof(shown)));
	*ret = tree_scalar(n);
	return JIT_OK;
}
