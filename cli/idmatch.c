#include <string.h>

#include "cli/idmatch.h"

#define LISTED 5	/* candidates that a message has room for */

/* Upper case, I and L as 1, O as 0.  JIT_E_FORMAT: not of the alphabet. */
static enum jit_err
normal(const char *typed, char ret[static ULID_LEN + 1])
{
	size_t n = strlen(typed);

	if (n > ULID_LEN)
		return JIT_E_FORMAT;
	for (size_t i = 0; i < n; i++) {
		char c = typed[i];

		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		if (c == 'I' || c == 'L')
			c = '1';
		if (c == 'O')
			c = '0';
		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z')) ||
		    c == 'U')
			return JIT_E_FORMAT;
		ret[i] = c;
	}
	ret[n] = '\0';
	return JIT_OK;
}

static bool
ends_so(const struct ulid *id, const char *end)
{
	return strcmp(id->s + ULID_LEN - strlen(end), end) == 0;
}

static enum jit_err
several(const char *end, const struct ulid *ids, size_t n,
    struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(1024);
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		if (ends_so(&ids[i], end) && found++ < LISTED)
			wr_fmt(&w, "%s%s", w.n > 0 ? ", " : "",
			    id_short(&ids[i], ids, n));
	if (found > LISTED)
		wr_fmt(&w, " and %zu more", found - LISTED);
	wr_u8(&w, 0);
	if (w.err != JIT_OK)
		return w.err;
	return jit_fail(why, JIT_E_ARG, "%zu requests end in %s: %s; type more "
	    "of it", found, end, (const char *)w.p);
}

enum jit_err
id_find(const char *typed, const struct ulid *ids, size_t n,
    struct ulid *ret, struct jit_why *why)
{
	char end[ULID_LEN + 1], shown[TEXT_SHOWN];
	const struct ulid *found = NULL;

	(void)text_shown(span_str(typed), shown, sizeof(shown));
	if (normal(typed, end) != JIT_OK)
		return jit_fail(why, JIT_E_ARG, "\"%s\" is no request id; "
		    "26 characters, or its last %d or more", shown,
		    ID_SHORT_MIN);
	if (strlen(end) == ULID_LEN) {
		if (ulid_parse(span_str(end), ret) == JIT_OK)
			return JIT_OK;
		return jit_fail(why, JIT_E_ARG, "\"%s\" is no request id; "
		    "its first character is 0 to 7", shown);
	}
	if (strlen(end) < ID_SHORT_MIN)
		return jit_fail(why, JIT_E_ARG, "\"%s\" is too short for a "
		    "request id; its last %d characters or more", shown,
		    ID_SHORT_MIN);
	for (size_t i = 0; i < n; i++) {
		if (!ends_so(&ids[i], end))
			continue;
		if (found != NULL && strcmp(found->s, ids[i].s) != 0)
			return several(end, ids, n, why);
		found = &ids[i];
	}
	if (found == NULL)
		return jit_fail(why, JIT_E_UNKNOWN, "no request here ends in "
		    "%s; a whole id of 26 characters names any", end);
	*ret = *found;
	return JIT_OK;
}

const char *
id_short(const struct ulid *id, const struct ulid *ids, size_t n)
{
	size_t need = ID_SHORT_MIN;

	for (size_t i = 0; i < n; i++) {
		size_t same = 0;

		if (strcmp(ids[i].s, id->s) == 0)
			continue;
		while (id->s[ULID_LEN - 1 - same] ==
		    ids[i].s[ULID_LEN - 1 - same])
			same++;
		if (same + 1 > need)
			need = same + 1;
	}
	return id->s + ULID_LEN - need;
}
