/* entry: 53 bytes, and the body that stands beside them. */
#include <string.h>

#include "ca/base/text.h"
#include "ca/tlog/entry.h"
#include "tests/lib/jt.h"

/*
 * The digest: python3 -c "import hashlib; print(hashlib.sha256(
 *     bytes(range(16)) + b'hello').hexdigest())"
 */
static const char golden[] = "6a69743102000000006924f0f30000000000000007"
    "7c9f5b9e4cc36c703715bb6eedcbb8bd80840fd48d135a07af861d1a027be360";

static struct entry
sample(void)
{
	struct entry e = {
		.type = ENTRY_REQUEST, .time = 0x6924f0f3, .index = 7,
		.body = SPAN("hello", 5),
	};

	for (uint8_t i = 0; i < ENTRY_SALT; i++)
		e.salt[i] = i;
	JT_OK(entry_seal(&e));
	return e;
}

static void
golden_bytes(void **state)
{
	struct entry e = sample(), back = { .erased = true };
	char hex[2 * ENTRY_LEAF + 1];

	(void)state;
	hex_text(SPAN(e.leaf, ENTRY_LEAF), hex);
	assert_string_equal(hex, golden);
	JT_OK(entry_parse_leaf(SPAN(e.leaf, ENTRY_LEAF), &back));
	assert_int_equal(back.type, ENTRY_REQUEST);
	assert_int_equal(back.time, e.time);
	assert_int_equal(back.index, 7);
	assert_memory_equal(back.leaf, e.leaf, ENTRY_LEAF);
	assert_true(back.erased && back.body.p == NULL);
}

static void
bodies(void **state)
{
	struct entry e = sample();
	struct jit_why why = { 0 };

	(void)state;
	JT_OK(entry_check_body(&e, NULL));
	e.body = SPAN("hellp", 5);
	JT_ERR(entry_check_body(&e, &why), JIT_E_VERIFY);
	assert_non_null(strstr(why.msg, "entry 7"));
	e = sample();
	e.salt[0] ^= 1;
	JT_ERR(entry_check_body(&e, NULL), JIT_E_VERIFY);
	e = sample();
	e.body = SPAN_NONE;
	JT_ERR(entry_check_body(&e, NULL), JIT_E_VERIFY);
	e.erased = true;
	JT_ERR(entry_check_body(&e, NULL), JIT_E_ERASED);
	JT_ERR(entry_seal(&e), JIT_E_ERASED);
}

static void
arguments(void **state)
{
	struct entry e = sample();

	(void)state;
	e.type = 12;
	JT_ERR(entry_seal(&e), JIT_E_ARG);
	e = sample();
	e.time = -1;
	JT_ERR(entry_seal(&e), JIT_E_ARG);
	assert_string_equal(entry_type_name(ENTRY_GENESIS), "genesis");
	assert_string_equal(entry_type_name(ENTRY_CLAIMED), "claimed");
	assert_null(entry_type_name(12));
	assert_null(entry_type_name(255));
}

struct row { const char *name; size_t at; uint8_t value; enum jit_err want; };
static const struct row rows[] = {
	{ "another magic", 3, '2', JIT_E_FORMAT },
	{ "a type of no row", 4, 12, JIT_E_FORMAT },
	{ "a time past 2^63", 5, 0x80, JIT_E_FORMAT },
	{ "another index", 20, 9, JIT_OK },
};

static void
leaf_row(void **state)
{
	const struct row *r = *state;
	struct entry e = sample(), back = { .type = 99 };

	e.leaf[r->at] = r->value;
	JT_ERR(entry_parse_leaf(SPAN(e.leaf, ENTRY_LEAF), &back), r->want);
	assert_int_equal(back.type == 99, r->want != JIT_OK);
}

/* A flipped bit is refused or changes what the leaf says. */
static void
flipped(void *arg, struct span s)
{
	const struct entry *e = arg;
	struct entry back = *e;

	if (entry_parse_leaf(s, &back) != JIT_OK)
		return;
	assert_int_equal(s.n, ENTRY_LEAF);
	assert_true(back.type != e->type || back.time != e->time ||
	    back.index != e->index ||
	    entry_check_body(&back, NULL) == JIT_E_VERIFY);
}

static void
flip(void **state)
{
	struct entry e = sample();
	uint8_t longer[ENTRY_LEAF + 1] = { 0 };

	(void)state;
	jt_flip_truncate(SPAN(e.leaf, ENTRY_LEAF), flipped, &e);
	memcpy(longer, e.leaf, ENTRY_LEAF);
	JT_ERR(entry_parse_leaf(SPAN(longer, sizeof(longer)), &e),
	    JIT_E_FORMAT);
}

int
main(void)
{
	return jt_one("golden bytes", golden_bytes) +
	    jt_one("bodies", bodies) +
	    jt_one("arguments", arguments) +
	    JT_ROWS("leaves", leaf_row, rows) +
	    jt_one("flip and truncate", flip);
}
