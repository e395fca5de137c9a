/* entry: the 53 bytes, and the body that they hold. */
#include <string.h>

#include "ca/base/text.h"
#include "ca/tlog/entry.h"
#include "tests/lib/jt.h"

static struct entry
example(void)
{
	struct entry e = { .type = ENTRY_REQUEST, .time = 1700000000,
	    .index = 7, .body = span_str("body") };

	memset(e.salt, 0x5a, sizeof(e.salt));
	JT_OK(entry_seal(&e));
	return e;
}

/* By python3: hashlib.sha256(b"Z" * 16 + b"body"). */
static void
golden(void **state)
{
	struct entry e = example();
	char hex[2 * ENTRY_LEAF + 1];

	(void)state;
	hex_text(SPAN(e.leaf, ENTRY_LEAF), hex);
	assert_string_equal(hex, "6a697431" "02" "000000006553f100"
	    "0000000000000007"
	    "2f7370565241c2896feb19a3a56fabc62746691a898c1cf856c4fc98cbfecc76");
	JT_OK(entry_check_body(&e, NULL));
}

static void
both_ways(void **state)
{
	struct entry e = example(), f = { 0 };

	(void)state;
	JT_OK(entry_parse_leaf(SPAN(e.leaf, ENTRY_LEAF), &f));
	assert_int_equal(f.type, e.type);
	assert_true(f.time == e.time && f.index == e.index);
	memcpy(f.salt, e.salt, sizeof(f.salt));
	f.body = e.body;
	JT_OK(entry_check_body(&f, NULL));
	f.salt[3] ^= 1;
	JT_ERR(entry_check_body(&f, NULL), JIT_E_VERIFY);
	f.erased = true;
	JT_ERR(entry_check_body(&f, NULL), JIT_E_ERASED);
}

static void
accept(void *arg, struct span s)
{
	struct entry f = { 0 };

	(void)arg;
	if (entry_parse_leaf(s, &f) == JIT_OK)
		assert_memory_equal(f.leaf, s.p, ENTRY_LEAF);
}

static void
refused(void **state)
{
	struct entry e = example(), f = { 0 };
	uint8_t leaf[ENTRY_LEAF + 1] = { 0 };

	(void)state;
	jt_flip_truncate(SPAN(e.leaf, ENTRY_LEAF), accept, NULL);
	memcpy(leaf, e.leaf, ENTRY_LEAF);
	JT_ERR(entry_parse_leaf(SPAN(leaf, ENTRY_LEAF + 1), &f),
	    JIT_E_FORMAT);
	leaf[4] = 99;
	JT_ERR(entry_parse_leaf(SPAN(leaf, ENTRY_LEAF), &f), JIT_E_FORMAT);
	e.type = 99;
	JT_ERR(entry_seal(&e), JIT_E_ARG);
	e.type = ENTRY_BLOB;
	e.time = -1;
	JT_ERR(entry_seal(&e), JIT_E_ARG);
	e.time = UTC_MAX + 1;
	JT_ERR(entry_seal(&e), JIT_E_ARG);
	e.time = UTC_MAX;
	JT_OK(entry_seal(&e));
	e.body.n = ENTRY_BODY_MAX + 1;	/* refused before it is read */
	JT_ERR(entry_seal(&e), JIT_E_ARG);
	leaf[4] = ENTRY_REQUEST;
	leaf[5] = 0x80;			/* a time below 0 or past UTC_MAX */
	JT_ERR(entry_parse_leaf(SPAN(leaf, ENTRY_LEAF), &f), JIT_E_FORMAT);
	assert_null(entry_type_name(99));
	assert_string_equal(entry_type_name(ENTRY_ISSUED), "issued");
}

int
main(void)
{
	return jt_one("golden", golden) + jt_one("both ways", both_ways) +
	    jt_one("refused", refused);
}
