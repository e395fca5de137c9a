/* idmatch: ids by their ends. */
#include <string.h>

#include "cli/idmatch.h"
#include "tests/lib/jt.h"

static const struct ulid ids[] = {
	{ "01JDE0V5Y8M3T1K3ZJ6X4N9Q2B" },
	{ "01JDE0V5Y8M3T1K3ZJ6X4A9N2B" },
	{ "01JDE0V5Y8M3T1K3ZJ6X5A9N2B" },
	{ "01JDE0V5Y8M3T1K3ZJ6X4N1010" },
	/* The same request twice in a list is one. */
	{ "01JDE0V5Y8M3T1K3ZJ6X4N1010" },
};
#define NIDS (sizeof(ids) / sizeof(ids[0]))
#define OTHER "01JDE0V5Y8M3T1K3ZJ6X4N7777"

struct row { const char *name, *typed; enum jit_err err; const char *want; };
static const struct row rows[] = {
	{ "four", "9Q2B", JIT_OK, ids[0].s },
	{ "lower case", "n9q2b", JIT_OK, ids[0].s },
	{ "more", "4A9N2B", JIT_OK, ids[1].s },
	{ "I, L and O", "iolo", JIT_OK, ids[3].s },
	{ "whole", "01JDE0V5Y8M3T1K3ZJ6X5A9N2B", JIT_OK, ids[2].s },
	{ "whole, in lower case", "01jde0v5y8m3t1k3zj6x5a9n2b", JIT_OK,
	    ids[2].s },
	{ "whole, not among them", OTHER, JIT_OK, OTHER },
	{ "several", "9N2B", JIT_E_ARG, "2 requests end in 9N2B: 4A9N2B, "
	    "5A9N2B; type more of it" },
	{ "too short", "Q2B", JIT_E_ARG, "\"Q2B\" is too short for a request "
	    "id; its last 4 characters or more" },
	{ "nothing", "", JIT_E_ARG, "\"\" is too short for a request id; its "
	    "last 4 characters or more" },
	{ "none", "7777", JIT_E_UNKNOWN, "no request here ends in 7777; a "
	    "whole id of 26 characters names any" },
	{ "U is no digit", "9U2B", JIT_E_ARG, "\"9U2B\" is no request id; 26 "
	    "characters, or its last 4 or more" },
	{ "other characters", "9Q2\033", JIT_E_ARG, "\"9Q2\\x1b\" is no "
	    "request id; 26 characters, or its last 4 or more" },
	{ "too long", OTHER "7", JIT_E_ARG, "\"" OTHER "7\" is no request id; "
	    "26 characters, or its last 4 or more" },
	{ "past the last ULID", "81JDE0V5Y8M3T1K3ZJ6X4N9Q2B", JIT_E_ARG,
	    "\"81JDE0V5Y8M3T1K3ZJ6X4N9Q2B\" is no request id; its first "
	    "character is 0 to 7" },
};

static void
finds(void **state)
{
	const struct row *r = *state;
	struct jit_why why = { 0 };
	struct ulid got = { "" };

	JT_WHY(id_find(r->typed, ids, NIDS, &got, &why), r->err, &why);
	assert_string_equal(r->err == JIT_OK ? got.s : why.msg, r->want);
}

static void
many(void **state)
{
	struct ulid list[9];
	struct jit_why why = { 0 };
	struct ulid got;

	(void)state;
	for (size_t i = 0; i < 9; i++) {
		memcpy(&list[i], &ids[0], sizeof(list[i]));
		list[i].s[ULID_LEN - 5] = (char)('A' + i);
	}
	JT_ERR(id_find("9Q2B", list, 9, &got, &why), JIT_E_ARG);
	assert_string_equal(why.msg, "9 requests end in 9Q2B: A9Q2B, B9Q2B, "
	    "C9Q2B, D9Q2B, E9Q2B and 4 more; type more of it");
}

static void
shortest(void **state)
{
	(void)state;
	assert_string_equal(id_short(&ids[0], ids, NIDS), "9Q2B");
	assert_string_equal(id_short(&ids[1], ids, NIDS), "4A9N2B");
	assert_string_equal(id_short(&ids[3], ids, NIDS), "1010");
	assert_string_equal(id_short(&ids[0], NULL, 0), "9Q2B");
	/* What is printed finds it again. */
	for (size_t i = 0; i < NIDS; i++) {
		struct ulid got;

		JT_OK(id_find(id_short(&ids[i], ids, NIDS), ids, NIDS, &got,
		    NULL));
		assert_string_equal(got.s, ids[i].s);
	}
}

int
main(void)
{
	return JT_ROWS("finds", finds, rows) + jt_one("many", many) +
	    jt_one("shortest", shortest);
}
