/*
 * krl: what is written is read back as the same, in the form that is
 * smallest; each rule of krl.h broken once on both ways (case 30).  Against
 * ssh-keygen: test_krl_keygen.
 */
#include <stdlib.h>
#include <string.h>

#include "ca/base/digest.h"
#include "ca/base/text.h"
#include "ca/ssh/krl.h"
#include "ca/ssh/sig.h"
#include "tests/lib/jt.h"

#define NOW ((utc_s)1795471200)
#define LAST UINT64_MAX
#define HEADER (8 + 4 + 3 * 8 + 4 + 4)	/* bytes, without a comment */
#define SECTION (5 + 4 + 51 + 4)	/* of an Ed25519 CA */

static struct ssh_priv *priv[3];
#define CA ssh_priv_public(priv[0])
#define OTHER ssh_priv_public(priv[1])
#define SUBJECT ssh_priv_public(priv[2])

/* ---- serials, as runs of steps ---- */

struct run { uint64_t lo, hi, step; };

static size_t
serials_of(const struct run *run, size_t n_runs, uint64_t **ret)
{
	size_t n = 0, at = 0;

	for (size_t i = 0; i < n_runs && run[i].step > 0; i++)
		n += (size_t)((run[i].hi - run[i].lo) / run[i].step) + 1;
	*ret = calloc(n + 1, sizeof(**ret));
	assert_non_null(*ret);
	for (size_t i = 0; i < n_runs && run[i].step > 0; i++)
		for (uint64_t k = 0;
		    k <= (run[i].hi - run[i].lo) / run[i].step; k++)
			(*ret)[at++] = run[i].lo + k * run[i].step;
	return n;
}

static int
serial_cmp(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static bool
has(const uint64_t *v, size_t n, uint64_t serial)
{
	return bsearch(&serial, v, n, sizeof(*v), serial_cmp) != NULL;
}

/* The serials and both neighbours of each, and 0, have the right verdict. */
static void
verdicts(const struct krl *k, const uint64_t *v, size_t n)
{
	for (size_t i = 0; i < n; i += n > 2000 ? 37 : 1)
		for (uint64_t s = v[i] - 1, c = 0; c < 3; s++, c++)
			assert_int_equal(krl_is_revoked(k, CA, s,
			    SPAN_NONE, SUBJECT), s != 0 && has(v, n, s));
	assert_false(krl_is_revoked(k, CA, 0, SPAN_NONE, SUBJECT));
	if (n > 0)
		assert_false(krl_is_revoked(k, OTHER, v[0], SPAN_NONE,
		    SUBJECT));
}

/* Forms are the types of the subsections, one after the other. */
struct mix {
	const char *name;
	struct run runs[6];
	const char *forms;
	size_t bytes;		/* of the subsections */
};
#define L "\x20"
#define R "\x21"
#define B "\x22"

static const struct mix mixes[] = {
	{ "none", { { 0, 0, 0 } }, "", 0 },
	{ "one", { { 7, 7, 1 } }, L, 5 + 8 },
	{ "the first", { { 1, 1, 1 } }, L, 5 + 8 },
	{ "the last", { { LAST, LAST, 1 } }, L, 5 + 8 },
	{ "two apart", { { 7, 7, 1 }, { 1u << 30, 1u << 30, 1 } }, L, 5 + 16 },
	{ "two beside each other", { { 7, 8, 1 } }, B, 5 + 12 + 1 },
	{ "seven bits are a byte", { { 7, 13, 1 } }, B, 5 + 12 + 1 },
	{ "eight need one more", { { 7, 14, 1 } }, B, 5 + 12 + 2 },
	{ "as large as a range", { { 7, 37, 1 } }, R, 21 },
	{ "a range", { { 7, 5000, 1 } }, R, 21 },
	{ "a range up to the last", { { LAST - 5000, LAST, 1 } }, R, 21 },
	{ "a few up to the last", { { LAST - 2, LAST, 1 } }, B, 5 + 12 + 1 },
	{ "the last and its second", { { LAST - 2, LAST, 2 } }, B,
	    5 + 12 + 1 },
	{ "every second", { { 2, 400, 2 } }, B, 5 + 12 + 399 / 8 + 1 },
	{ "16,384 bits", { { 2, 2 + 16382, 2 }, { 2 + 16383, 2 + 16383, 1 } },
	    B, 5 + 12 + 2049 },
	{ "16,385 bits", { { 2, 2 + 16384, 2 } }, B L,
	    5 + 12 + 2048 + 5 + 8 },
	{ "many bitmaps", { { 2, 2 + 49200, 2 } }, B B B B, 0 },
	{ "more than are planned at once", { { 1, 20000 * 100 + 1, 100 } },
	    L L, 2 * 5 + 20001 * 8 },
	{ "too far for a bitmap", { { 5, 100 * 8000 + 5, 8000 } }, L,
	    5 + 101 * 8 },
	{ "list, range, bitmap", { { 5, 5, 1 }, { 3000, 3000, 1 },
	    { 1000000, 2000000, 1 }, { 3000000, 3000200, 2 } }, L R B, 0 },
	{ "a range between bitmaps", { { 10, 310, 2 }, { 400, 9000, 1 },
	    { 9010, 9310, 2 } }, B R B, 0 },
	{ "a run too long for a bitmap", { { 10, 40, 2 },
	    { 100, 100 + 16384, 1 } }, B R, 0 },
	{ "near the last", { { LAST - 400, LAST - 200, 2 },
	    { LAST - 4, LAST, 2 } }, B B, 0 },
};

/* The types of the only certificates section's subsections, and their bytes. */
static size_t
forms_of(struct span s, char *ret)
{
	struct rd r = rd_of(s), in;
	size_t n = 0, bytes;

	(void)rd_raw(&r, HEADER);
	if (r.n == 0) {
		*ret = '\0';
		return 0;
	}
	assert_int_equal(rd_u8(&r), 1);
	in = rd_of(rd_string(&r, r.n));
	JT_OK(rd_end(&r));
	(void)rd_string(&in, in.n);
	(void)rd_string(&in, in.n);
	for (bytes = in.n; in.n > 0; n++) {
		assert_true(n < 63);
		ret[n] = (char)rd_u8(&in);
		(void)rd_string(&in, in.n);
	}
	JT_OK(rd_end(&in));
	ret[n] = '\0';
	return bytes;
}

static void
mix(void **state)
{
	const struct mix *m = *state;
	JIT_DONE(wr_done) struct wr w = WR_INIT(KRL_MAX);
	JIT_SCOPED(krl_free) struct krl *k = NULL;
	JIT_SCOPED(free) uint64_t *v = NULL;
	struct krl_section sec = { .ca = CA };
	struct krl_spec s = { .version = 9, .generated = NOW,
	    .sections = &sec, .n_sections = 1 };
	struct jit_why why = { JIT_OK, "" };
	char forms[64];
	size_t bytes;

	sec.n_serials = serials_of(m->runs, 6, &v);
	sec.serials = v;
	JT_WHY(krl_make(&w, &s, &why), JIT_OK, &why);
	bytes = forms_of(wr_view(&w), forms);
	assert_string_equal(forms, m->forms);
	if (m->bytes > 0)
		assert_int_equal(bytes, m->bytes);
	JT_OK(krl_parse(wr_view(&w), &k, NULL));
	assert_int_equal(krl_version(k), 9);
	assert_int_equal(krl_generated(k), NOW);
	verdicts(k, v, sec.n_serials);
}

/* ---- the smallest: every way for some runs, tried one by one ---- */

/* Bytes when run i has form way[i] (0 list, 1 range, 2 bitmap, 3 goes on). */
static size_t
size_of_way(const struct run *run, const unsigned *way, size_t n)
{
	size_t bytes = 0, start = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t len = run[i].hi - run[i].lo + 1;

		if (way[i] == 3 && (i == 0 || way[i - 1] < 2))
			return SIZE_MAX;
		if (way[i] == 0)
			bytes += (i > 0 && way[i - 1] == 0 ? 0 : 5) + 8 * len;
		if (way[i] == 1)
			bytes += 21;
		if (way[i] == 2)
			start = i;
		if (way[i] < 2 || (i + 1 < n && way[i + 1] == 3))
			continue;
		if (run[i].hi - run[start].lo + 1 > KRL_BITMAP_BITS)
			return SIZE_MAX;
		bytes += 17 + (run[i].hi - run[start].lo + 1) / 8 + 1;
	}
	return bytes;
}

#define TRIED 6		/* runs; 4^6 ways */
static size_t
smallest(const struct run *run)
{
	size_t best = SIZE_MAX;

	for (unsigned w = 0; w < 1u << 2 * TRIED; w++) {
		unsigned way[TRIED];
		size_t n;

		for (unsigned i = 0; i < TRIED; i++)
			way[i] = w >> 2 * i & 3;
		n = size_of_way(run, way, TRIED);
		best = n < best ? n : best;
	}
	return best;
}

static void
is_smallest(void **state)
{
	static const uint64_t gaps[] = { 1, 3, 40, 100, 300, 9000, 1u << 20 };
	static const uint64_t lens[] = { 1, 1, 2, 5, 30, 300, 20000 };
	uint64_t seed = 1;

	(void)state;
	for (int round = 0; round < 300; round++) {
		JIT_DONE(wr_done) struct wr w = WR_INIT(KRL_MAX);
		JIT_SCOPED(free) uint64_t *v = NULL;
		struct krl_section sec = { .ca = CA };
		struct krl_spec s = { .sections = &sec, .n_sections = 1 };
		struct run run[TRIED];
		uint64_t at = 1;
		size_t best, got;

		for (int i = 0; i < TRIED; i++) {
			seed = seed * 6364136223846793005u + 1;
			at += 1 + gaps[(seed >> 40) % 7];
			run[i].lo = at;
			at += lens[(seed >> 50) % 7] - 1;
			run[i].hi = at;
			run[i].step = 1;
		}
		sec.n_serials = serials_of(run, TRIED, &v);
		sec.serials = v;
		JT_OK(krl_make(&w, &s, NULL));
		best = smallest(run);
		got = w.n - HEADER - SECTION;
		/* krl_put() may miss it by what ending a bitmap wastes. */
		assert_in_range(got, best, best + 2);
	}
}

/* ---- specs ---- */

struct say {
	struct krl_spec s;
	struct krl_section sec[2];
	uint64_t serials[8];
	struct span ids[4];
	const struct ssh_key *keys[4];
	uint8_t longer[300];
};

static void
say(struct say *y)
{
	static const uint64_t serials[] = { 3, 4, 5, 90, 5000, LAST };

	memset(y, 0, sizeof(*y));
	memcpy(y->serials, serials, sizeof(serials));
	y->ids[0] = span_str("zoe:1");
	y->ids[1] = span_str("alice:2");
	y->keys[0] = SUBJECT;
	y->sec[0] = (struct krl_section){ CA, y->serials, 6, y->ids, 2 };
	y->sec[1] = (struct krl_section){ OTHER, y->serials, 2, NULL, 0 };
	y->s = (struct krl_spec){ 7, NOW, span_str("jit log.example"),
	    y->sec, 2, y->keys, 1 };
}

static void nothing(struct say *y) { y->s.n_sections = y->s.n_keys = 0; }
static void no_keys(struct say *y) { y->s.n_keys = 0; }
static void empty_sec(struct say *y) { y->sec[1].n_serials = 0; }
static void only_ids(struct say *y) { y->sec[0].n_serials = 0; }
static void id_twice(struct say *y) { y->ids[1] = y->ids[0]; }

static void
key_twice(struct say *y)
{
	y->keys[1] = y->keys[0];
	y->s.n_keys = 2;
}

static void unnumbered(struct say *y) { y->serials[0] = 0; }
static void twice(struct say *y) { y->serials[3] = 5; }
static void unsorted(struct say *y) { y->serials[3] = 6000; }
static void wrapped(struct say *y) { y->serials[4] = LAST; }
static void no_ca(struct say *y) { y->sec[1].ca = NULL; }
static void ca_twice(struct say *y) { y->sec[1].ca = CA; }
static void no_key(struct say *y) { y->keys[0] = NULL; }
static void id_none(struct say *y) { y->ids[1] = SPAN_NONE; }
static void id_nul(struct say *y) { y->ids[1] = SPAN("a\0b", 3); }
static void id_end_nul(struct say *y) { y->ids[1] = SPAN("a\0", 2); }

static void
id_size(struct say *y, size_t n)
{
	memset(y->longer, 'a', sizeof(y->longer));
	y->ids[1] = SPAN(y->longer, n);
}

static void id_255(struct say *y) { id_size(y, 255); }
static void id_256(struct say *y) { id_size(y, 256); }
static void early(struct say *y) { y->s.generated = -1; }
static void late(struct say *y) { y->s.generated = UTC_MAX + 1; }
static void remark_lf(struct say *y) { y->s.comment = span_str("a\nb"); }
static void remark_nul(struct say *y) { y->s.comment = SPAN("a\0b", 3); }
static void remark_none(struct say *y) { y->s.comment = SPAN_NONE; }

static void
remark_256(struct say *y)
{
	id_256(y);
	y->s.comment = y->ids[1];
	y->ids[1] = span_str("a");
}

static void many_cas(struct say *y) { y->s.n_sections = KRL_CAS_MAX + 1; }

struct change {
	const char *name;
	void (*fn)(struct say *);
	enum jit_err want;
};

static const struct change changes[] = {
	{ "nothing at all", nothing, JIT_OK },
	{ "no key", no_keys, JIT_OK },
	{ "a section that revokes nothing", empty_sec, JIT_OK },
	{ "key ids alone", only_ids, JIT_OK },
	{ "a key id twice", id_twice, JIT_OK },
	{ "a key twice", key_twice, JIT_OK },
	{ "a key id of 255", id_255, JIT_OK },
	{ "no comment", remark_none, JIT_OK },

	{ "serial 0", unnumbered, JIT_E_ARG },
	{ "a serial twice", twice, JIT_E_ARG },
	{ "serials out of order", unsorted, JIT_E_ARG },
	{ "the last serial twice", wrapped, JIT_E_ARG },
	{ "no CA", no_ca, JIT_E_ARG },
	{ "a CA twice", ca_twice, JIT_E_ARG },
	{ "a key that is none", no_key, JIT_E_ARG },
	{ "an empty key id", id_none, JIT_E_ARG },
	{ "NUL in a key id", id_nul, JIT_E_ARG },
	{ "NUL behind a key id", id_end_nul, JIT_E_ARG },
	{ "a key id of 256", id_256, JIT_E_ARG },
	{ "before 1970", early, JIT_E_ARG },
	{ "after 9999", late, JIT_E_ARG },
	{ "LF in the comment", remark_lf, JIT_E_ARG },
	{ "NUL in the comment", remark_nul, JIT_E_ARG },
	{ "a comment of 256", remark_256, JIT_E_ARG },
	{ "257 CAs", many_cas, JIT_E_SIZE },
};

static void
changed(void **state)
{
	const struct change *c = *state;
	JIT_DONE(wr_done) struct wr w = WR_INIT(KRL_MAX);
	JIT_DONE(wr_done) struct wr good = WR_INIT(KRL_MAX);
	JIT_SCOPED(krl_free) struct krl *k = NULL;
	struct jit_why why = { JIT_OK, "" };
	struct say y;

	say(&y);
	JT_OK(krl_make(&good, &y.s, NULL));
	JT_OK(krl_parse(wr_view(&good), &k, NULL));
	c->fn(&y);
	JT_WHY(krl_make(&w, &y.s, &why), c->want, &why);
	assert_int_equal(w.n > 0, c->want == JIT_OK);
	if (c->want == JIT_OK)
		return;
	assert_true(why.msg[0] != '\0');
	JT_ERR(krl_check_is(k, &y.s, NULL), c->want);
}

static void
no_room(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(200);
	struct say y;

	(void)state;
	say(&y);
	JT_ERR(krl_make(&w, &y.s, NULL), JIT_E_SIZE);
	assert_int_equal(w.n, 0);
}

/* Behind what is there, which stays. */
static void
appended(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(KRL_MAX);
	JIT_DONE(wr_done) struct wr alone = WR_INIT(KRL_MAX);
	struct say y;

	(void)state;
	say(&y);
	JT_OK(krl_make(&alone, &y.s, NULL));
	wr_str(&w, "before");
	JT_OK(krl_make(&w, &y.s, NULL));
	assert_memory_equal(w.p, "before", 6);
	assert_true(span_eq(SPAN(w.p + 6, w.n - 6), wr_view(&alone)));
}

/* ---- a list that says something else ---- */

static void more(struct say *y) { y->sec[0].n_serials--; }
static void fewer(struct say *y) { y->serials[6] = LAST; y->serials[5] = 6000;
    y->sec[0].n_serials = 7; }
static void moved(struct say *y) { y->serials[3] = 91; }
static void shifted(struct say *y) { y->serials[0] = 2; }
static void gap(struct say *y) { y->serials[1] = 5; y->serials[2] = 6; }
static void id_less(struct say *y) { y->sec[0].n_key_ids = 1; }
static void id_other(struct say *y) { y->ids[0] = span_str("zoe:2"); }
static void ca_less(struct say *y) { y->s.n_sections = 1; }
static void ca_other(struct say *y) { y->sec[1].ca = SUBJECT; }
static void key_less(struct say *y) { y->s.n_keys = 0; }
static void key_other(struct say *y) { y->keys[0] = CA; }
static void version(struct say *y) { y->s.version++; }
static void generated(struct say *y) { y->s.generated++; }
static void comment(struct say *y) { y->s.comment.n--; }

static const struct change differences[] = {
	{ "a serial more", more, JIT_E_VERIFY },
	{ "a serial fewer", fewer, JIT_E_VERIFY },
	{ "another serial", moved, JIT_E_VERIFY },
	{ "a run that begins earlier", shifted, JIT_E_VERIFY },
	{ "a run with a gap", gap, JIT_E_VERIFY },
	{ "a key id more", id_less, JIT_E_VERIFY },
	{ "another key id", id_other, JIT_E_VERIFY },
	{ "a CA more", ca_less, JIT_E_VERIFY },
	{ "another CA", ca_other, JIT_E_VERIFY },
	{ "a key more", key_less, JIT_E_VERIFY },
	{ "another key", key_other, JIT_E_VERIFY },
	{ "another version", version, JIT_E_VERIFY },
	{ "another time", generated, JIT_E_VERIFY },
	{ "another comment", comment, JIT_E_VERIFY },
};

static void
different(void **state)
{
	const struct change *c = *state;
	JIT_DONE(wr_done) struct wr w = WR_INIT(KRL_MAX);
	JIT_SCOPED(krl_free) struct krl *k = NULL;
	struct jit_why why = { JIT_OK, "" };
	struct say y;

	say(&y);
	JT_OK(krl_put(&w, &y.s, NULL));
	JT_OK(krl_parse(wr_view(&w), &k, NULL));
	JT_OK(krl_check_is(k, &y.s, NULL));
	c->fn(&y);
	JT_WHY(krl_check_is(k, &y.s, &why), c->want, &why);
	assert_true(why.msg[0] != '\0');
}

/* ---- who is revoked ---- */

static void
asked(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(KRL_MAX);
	JIT_SCOPED(krl_free) struct krl *k = NULL;
	const struct span id = span_str("alice:2"), none = SPAN_NONE;
	struct say y;

	(void)state;
	say(&y);
	y.keys[0] = OTHER;
	JT_OK(krl_put(&w, &y.s, NULL));
	JT_OK(krl_parse(wr_view(&w), &k, NULL));
	assert_true(krl_is_revoked(k, CA, 90, none, SUBJECT));
	assert_false(krl_is_revoked(k, CA, 91, none, SUBJECT));
	/* By key id, also where the serial says nothing. */
	assert_true(krl_is_revoked(k, CA, 91, id, SUBJECT));
	assert_true(krl_is_revoked(k, CA, 0, id, SUBJECT));
	assert_false(krl_is_revoked(k, CA, 0, span_str("alice:"), SUBJECT));
	assert_false(krl_is_revoked(k, CA, 0, span_str("alice:22"), SUBJECT));
	/* By the key: as a plain key, of a certificate, and as a CA. */
	assert_true(krl_is_revoked(k, NULL, 0, none, OTHER));
	assert_true(krl_is_revoked(k, CA, 91, none, OTHER));
	assert_true(krl_is_revoked(k, OTHER, 91, none, SUBJECT));
	/* A plain key has neither serial nor id. */
	assert_false(krl_is_revoked(k, NULL, 90, id, SUBJECT));
	assert_false(krl_is_revoked(k, SUBJECT, 90, id, CA));
}

/* ---- bytes that break a rule ---- */

#define HEAD "5353484b524c0a00" "00000001" "0000000000000007"		\
    "000000006b000000" "0000000000000000" "00000000" "00000000"
#define KEY "00000033" "0000000b7373682d6564323535313900000020"		\
    "9f2c1a6c5b1a6ff2b2c3a7f36a6c2f0c8b7b6d1f0e5a4d3c2b1a09f8e7d6c5b4"
/* A certificates section, of every CA, of n bytes with its two strings. */
#define ANY(n, hex) "01" "000000" n "00000000" "00000000" hex

struct wire { const char *name, *hex; enum jit_err want; };
static const struct wire wires[] = {
	{ "nothing revoked", HEAD, JIT_OK },
	{ "an empty section of every CA", HEAD ANY("08", ""), JIT_OK },
	{ "something reserved", "5353484b524c0a00" "00000001"
	    "0000000000000007" "000000006b000000" "0000000000000000"
	    "00000002abcd" "00000000", JIT_OK },
	{ "a list", HEAD ANY("15", "20" "00000008" "0000000000000001"),
	    JIT_OK },
	{ "a list out of order", HEAD ANY("1d", "20" "00000010"
	    "0000000000000005" "0000000000000001"), JIT_OK },
	{ "a range to the last", HEAD ANY("1d", "21" "00000010"
	    "0000000000000001" "ffffffffffffffff"), JIT_OK },
	{ "a bitmap at 0 without bit 0", HEAD ANY("1a", "22" "0000000d"
	    "0000000000000000" "00000001" "02"), JIT_OK },
	{ "a bitmap up to the last", HEAD ANY("1a", "22" "0000000d"
	    "fffffffffffffffe" "00000001" "03"), JIT_OK },
	{ "key ids", HEAD ANY("13", "23" "00000006" "00000002" "6162"),
	    JIT_OK },
	{ "an extension", HEAD "ff" "0000000c" "00000001" "78" "00"
	    "00000002" "abcd", JIT_OK },
	{ "an extension of certificates", HEAD ANY("19", "39" "0000000c"
	    "00000001" "78" "00" "00000002" "abcd"), JIT_OK },

	{ "no bytes", "", JIT_E_FORMAT },
	{ "the magic alone", "5353484b524c0a00", JIT_E_FORMAT },
	{ "another magic", "5353484b524c0a01" "00000001" "0000000000000007"
	    "000000006b000000" "0000000000000000" "00000000" "00000000",
	    JIT_E_FORMAT },
	{ "format 2", "5353484b524c0a00" "00000002" "0000000000000007"
	    "000000006b000000" "0000000000000000" "00000000" "00000000",
	    JIT_E_FORMAT },
	{ "flags", "5353484b524c0a00" "00000001" "0000000000000007"
	    "000000006b000000" "0000000000000001" "00000000" "00000000",
	    JIT_E_FORMAT },
	{ "after the year 9999", "5353484b524c0a00" "00000001"
	    "0000000000000007" "8000000000000000" "0000000000000000"
	    "00000000" "00000000", JIT_E_FORMAT },
	{ "NUL in the comment", "5353484b524c0a00" "00000001"
	    "0000000000000007" "000000006b000000" "0000000000000000"
	    "00000000" "0000000100", JIT_E_FORMAT },
	{ "a byte behind", HEAD "01", JIT_E_FORMAT },
	{ "an unknown section", HEAD "06" "00000000", JIT_E_FORMAT },
	{ "a signature", HEAD "04" KEY "00000000", JIT_E_FORMAT },
	{ "a signature cut short", HEAD "04" "000000ff" "00", JIT_E_FORMAT },
	{ "a critical extension", HEAD "ff" "0000000c" "00000001" "78" "01"
	    "00000002" "abcd", JIT_E_FORMAT },
	{ "an extension that is 2 critical", HEAD "ff" "0000000c" "00000001"
	    "78" "02" "00000002" "abcd", JIT_E_FORMAT },
	{ "an extension with more behind", HEAD "ff" "0000000d" "00000001"
	    "78" "00" "00000002" "abcdef", JIT_E_FORMAT },
	{ "a critical extension of certificates", HEAD ANY("19", "39"
	    "0000000c" "00000001" "78" "01" "00000002" "abcd"),
	    JIT_E_FORMAT },
	{ "a section of half a CA", HEAD "01" "00000004" "00000001",
	    JIT_E_FORMAT },
	{ "a CA that is no key", HEAD "01" "0000000a" "00000002" "abcd"
	    "00000000", JIT_E_FORMAT },
	{ "a CA of an unknown type", HEAD "01" "0000000f" "00000007"
	    "00000003" "616263" "00000000", JIT_E_KEYTYPE },
	{ "an unknown subsection", HEAD ANY("0d", "24" "00000000"),
	    JIT_E_FORMAT },
	{ "an empty list", HEAD ANY("0d", "20" "00000000"), JIT_E_FORMAT },
	{ "serial 0", HEAD ANY("15", "20" "00000008" "0000000000000000"),
	    JIT_E_FORMAT },
	{ "half a serial", HEAD ANY("19", "20" "0000000c"
	    "0000000000000001" "00000000"), JIT_E_FORMAT },
	{ "a range from 0", HEAD ANY("1d", "21" "00000010"
	    "0000000000000000" "0000000000000001"), JIT_E_FORMAT },
	{ "a range backwards", HEAD ANY("1d", "21" "00000010"
	    "0000000000000002" "0000000000000001"), JIT_E_FORMAT },
	{ "a range of three", HEAD ANY("25", "21" "00000018"
	    "0000000000000001" "0000000000000002" "0000000000000003"),
	    JIT_E_FORMAT },
	{ "a bitmap at 0 with bit 0", HEAD ANY("1a", "22" "0000000d"
	    "0000000000000000" "00000001" "03"), JIT_E_FORMAT },
	{ "an empty bitmap", HEAD ANY("19", "22" "0000000c"
	    "0000000000000001" "00000000"), JIT_E_FORMAT },
	{ "a bitmap with zeros in front", HEAD ANY("1b", "22" "0000000e"
	    "0000000000000001" "00000002" "0001"), JIT_E_FORMAT },
	{ "a negative bitmap", HEAD ANY("1a", "22" "0000000d"
	    "0000000000000001" "00000001" "81"), JIT_E_FORMAT },
	{ "a bitmap past the last", HEAD ANY("1a", "22" "0000000d"
	    "ffffffffffffffff" "00000001" "02"), JIT_E_FORMAT },
	{ "a bitmap past the last, beyond 0", HEAD ANY("1a", "22" "0000000d"
	    "ffffffffffffffff" "00000001" "04"), JIT_E_FORMAT },
	{ "a byte behind a bitmap", HEAD ANY("1b", "22" "0000000e"
	    "0000000000000001" "00000001" "01" "00"), JIT_E_FORMAT },
	{ "no key ids", HEAD ANY("0d", "23" "00000000"), JIT_E_FORMAT },
	{ "NUL in a key id", HEAD ANY("13", "23" "00000006" "00000002"
	    "6100"), JIT_E_FORMAT },
	{ "no keys", HEAD "02" "00000000", JIT_E_FORMAT },
	{ "an empty key", HEAD "02" "00000004" "00000000", JIT_E_FORMAT },
	{ "a SHA-1 of 19 bytes", HEAD "03" "00000017" "00000013"
	    "00112233445566778899aabbccddeeff001122", JIT_E_FORMAT },
	{ "a SHA-256 of 20 bytes", HEAD "05" "00000018" "00000014"
	    "00112233445566778899aabbccddeeff00112233", JIT_E_FORMAT },
};

static void
unhex(struct wr *w, const char *hex)
{
	uint8_t b;

	for (; *hex != '\0'; hex += 2) {
		JT_OK(hex_parse(SPAN(hex, 2), &b, 1));
		wr_u8(w, b);
	}
}

static void
wire(void **state)
{
	const struct wire *t = *state;
	JIT_DONE(wr_done) struct wr w = WR_INIT(4096);
	JIT_SCOPED(krl_free) struct krl *k = NULL;
	struct jit_why why = { JIT_OK, "" };

	unhex(&w, t->hex);
	JT_WHY(krl_parse(wr_view(&w), &k, &why), t->want, &why);
	assert_int_equal(k != NULL, t->want == JIT_OK);
	if (t->want != JIT_OK) {
		assert_true(why.msg[0] != '\0');
		return;
	}
	assert_int_equal(krl_version(k), 7);
	assert_int_equal(krl_generated(k), 0x6b000000);
}

static void
put_header(struct wr *w)
{
	unhex(w, HEAD);
}

/* A certificates section of every CA whose subsection holds what follows. */
static size_t
begin_any(struct wr *w, uint8_t type, size_t *inner)
{
	size_t mark;

	wr_u8(w, 1);
	mark = wr_string_begin(w);
	wr_u32(w, 0);
	wr_u32(w, 0);
	wr_u8(w, type);
	*inner = wr_string_begin(w);
	return mark;
}

/* One bit more than sshd reads. */
static void
bitmaps(void **state)
{
	(void)state;
	for (unsigned over = 0; over < 2; over++) {
		JIT_DONE(wr_done) struct wr w = WR_INIT(8192);
		JIT_SCOPED(krl_free) struct krl *k = NULL;
		size_t inner, mark;

		put_header(&w);
		mark = begin_any(&w, 0x22, &inner);
		wr_u64(&w, 1);
		wr_u32(&w, 2049);
		/* 2^16383 with its zero in front, or 2^16384. */
		wr_u8(&w, (uint8_t)over);
		wr_u8(&w, over ? 0 : 0x80);
		for (unsigned i = 2; i < 2049; i++)
			wr_u8(&w, 0);
		wr_string_end(&w, inner);
		wr_string_end(&w, mark);
		JT_ERR(krl_parse(wr_view(&w), &k, NULL),
		    over ? JIT_E_FORMAT : JIT_OK);
		if (over)
			continue;
		assert_true(krl_is_revoked(k, CA, 16384, SPAN_NONE, SUBJECT));
		assert_false(krl_is_revoked(k, CA, 16383, SPAN_NONE,
		    SUBJECT));
	}
}

/* Parts that overlap, touch and repeat; those of a CA and of every CA. */
static void
overlaps(void **state)
{
	static const uint64_t ranges[][2] = { { 50, 60 }, { 10, 20 },
	    { 55, 70 }, { 21, 30 }, { 10, 20 }, { LAST - 1, LAST },
	    { LAST, LAST }, { 12, 13 } };
	JIT_DONE(wr_done) struct wr w = WR_INIT(8192);
	JIT_SCOPED(krl_free) struct krl *k = NULL;
	size_t inner, mark;

	(void)state;
	put_header(&w);
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		mark = begin_any(&w, 0x21, &inner);
		wr_u64(&w, ranges[i][0]);
		wr_u64(&w, ranges[i][1]);
		wr_string_end(&w, inner);
		wr_string_end(&w, mark);
	}
	JT_OK(krl_parse(wr_view(&w), &k, NULL));
	for (uint64_t s = 0; s < 80; s++)
		assert_int_equal(krl_is_revoked(k, CA, s, SPAN_NONE,
		    SUBJECT), (s >= 10 && s <= 30) || (s >= 50 && s <= 70));
	assert_false(krl_is_revoked(k, CA, LAST - 2, SPAN_NONE, SUBJECT));
	assert_true(krl_is_revoked(k, CA, LAST - 1, SPAN_NONE, SUBJECT));
	assert_true(krl_is_revoked(k, CA, LAST, SPAN_NONE, SUBJECT));
}

/* Ranges of CA's certificates; what krl_check_is() says of v against them. */
static enum jit_err
ranges_are(const uint64_t ranges[][2], size_t n_ranges, const uint64_t *v,
    size_t n)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(8192);
	JIT_SCOPED(krl_free) struct krl *k = NULL;
	const struct krl_section sec = { .ca = CA, .serials = v,
	    .n_serials = n };
	const struct krl_spec s = { .version = 7, .generated = 0x6b000000,
	    .sections = &sec, .n_sections = 1 };
	size_t mark;

	put_header(&w);
	wr_u8(&w, 1);
	mark = wr_string_begin(&w);
	wr_string(&w, ssh_key_blob(CA));
	wr_u32(&w, 0);
	for (size_t i = 0; i < n_ranges; i++) {
		wr_u8(&w, 0x21);
		wr_u32(&w, 16);
		wr_u64(&w, ranges[i][0]);
		wr_u64(&w, ranges[i][1]);
	}
	wr_string_end(&w, mark);
	JT_OK(krl_parse(wr_view(&w), &k, NULL));
	return krl_check_is(k, &s, NULL);
}

static void
exactly(void **state)
{
	static const uint64_t all[][2] = { { 1, LAST } };
	static const uint64_t parts[][2] = { { 4, 5 }, { 6, 6 }, { 2, 4 } };
	static const uint64_t v[] = { 1, 2, 3, 4, 5, 6, LAST };

	(void)state;
	JT_OK(ranges_are(parts, 3, v + 1, 5));
	JT_ERR(ranges_are(parts, 3, v, 6), JIT_E_VERIFY);
	JT_ERR(ranges_are(parts, 3, v + 1, 4), JIT_E_VERIFY);
	JT_ERR(ranges_are(parts, 3, v + 1, 6), JIT_E_VERIFY);
	JT_ERR(ranges_are(parts, 2, v + 1, 5), JIT_E_VERIFY);
	JT_ERR(ranges_are(all, 1, v, 7), JIT_E_VERIFY);
	JT_ERR(ranges_are(all, 1, v, 0), JIT_E_VERIFY);
	JT_ERR(ranges_are(all, 0, v, 1), JIT_E_VERIFY);
	JT_OK(ranges_are(all, 0, v, 0));
}

/* By hash; krl_check_is() takes no hash for a key, and nothing of every CA. */
static void
hashes(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(8192);
	JIT_SCOPED(krl_free) struct krl *k = NULL;
	const struct krl_spec s = { .version = 7, .generated = 0x6b000000 };
	struct digest d;

	(void)state;
	JT_OK(digest_sha256(ssh_key_blob(CA), &d));
	put_header(&w);
	wr_u8(&w, 5);
	wr_u32(&w, 36);
	wr_string(&w, DIGEST_SPAN(d));
	JT_OK(krl_parse(wr_view(&w), &k, NULL));
	assert_true(krl_is_revoked(k, NULL, 0, SPAN_NONE, CA));
	assert_true(krl_is_revoked(k, CA, 1, SPAN_NONE, SUBJECT));
	assert_true(krl_is_revoked(k, SUBJECT, 1, SPAN_NONE, CA));
	assert_false(krl_is_revoked(k, OTHER, 1, SPAN_NONE, SUBJECT));
	JT_ERR(krl_check_is(k, &s, NULL), JIT_E_VERIFY);
}

static void
every_ca(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(8192);
	JIT_SCOPED(krl_free) struct krl *k = NULL;
	const struct krl_spec s = { .version = 7, .generated = 0x6b000000 };
	size_t inner, mark;

	(void)state;
	put_header(&w);
	mark = begin_any(&w, 0x20, &inner);
	wr_u64(&w, 5);
	wr_string_end(&w, inner);
	wr_string_end(&w, mark);
	JT_OK(krl_parse(wr_view(&w), &k, NULL));
	assert_true(krl_is_revoked(k, CA, 5, SPAN_NONE, SUBJECT));
	assert_true(krl_is_revoked(k, OTHER, 5, SPAN_NONE, SUBJECT));
	assert_false(krl_is_revoked(k, NULL, 5, SPAN_NONE, SUBJECT));
	JT_ERR(krl_check_is(k, &s, NULL), JIT_E_VERIFY);
}

/* ---- large ---- */

/* More than KRL_MAX, and more runs than KRL_RUNS_MAX out of few bytes. */
static void
too_much(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(KRL_MAX + 1);
	JIT_SCOPED(krl_free) struct krl *k = NULL;
	uint8_t map[2048];
	uint64_t serial = 1;

	(void)state;
	memset(map, 0x55, sizeof(map));
	put_header(&w);
	for (size_t bits = 0; bits <= 2 * KRL_RUNS_MAX; bits += 16384) {
		size_t inner, mark = begin_any(&w, 0x22, &inner);

		wr_u64(&w, serial);
		wr_string(&w, SPAN(map, sizeof(map)));
		wr_string_end(&w, inner);
		wr_string_end(&w, mark);
		serial += 16384;
	}
	assert_true(w.n < 2u << 20);
	JT_ERR(krl_parse(wr_view(&w), &k, NULL), JIT_E_SIZE);
	while (w.n <= KRL_MAX)
		wr_raw(&w, map, w.n < KRL_MAX - sizeof(map) ? sizeof(map) : 1);
	JT_ERR(krl_parse(wr_view(&w), &k, NULL), JIT_E_SIZE);
	assert_null(k);
}

/* Neither section alone has too many runs. */
static void
too_many_runs(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(KRL_MAX);
	JIT_SCOPED(free) uint64_t *v = NULL;
	struct run run = { 1, 1 + KRL_RUNS_MAX, 2 };
	struct krl_section sec[2] = { { .ca = CA }, { .ca = OTHER } };
	struct krl_spec s = { .sections = sec, .n_sections = 2 };

	(void)state;
	sec[0].n_serials = serials_of(&run, 1, &v);
	sec[1].n_serials = sec[0].n_serials;
	sec[0].serials = sec[1].serials = v;
	assert_int_equal(sec[0].n_serials, KRL_RUNS_MAX / 2 + 1);
	JT_ERR(krl_put(&w, &s, NULL), JIT_E_SIZE);
}

/* Dense serials are small, sparse ones are not, as ssh-keygen has it. */
static void
sizes(void **state)
{
	static const struct { uint64_t step; size_t most; } rows[] = {
		{ 1, 200 }, { 2, 26000 }, { 5, 64000 }, { 977, 801000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		JIT_DONE(wr_done) struct wr w = WR_INIT(KRL_MAX);
		JIT_SCOPED(free) uint64_t *v = NULL;
		struct run run = { 1000, 1000 + 99999 * rows[i].step,
		    rows[i].step };
		struct krl_section sec = { .ca = CA };
		struct krl_spec s = { .sections = &sec, .n_sections = 1 };

		sec.n_serials = serials_of(&run, 1, &v);
		sec.serials = v;
		assert_int_equal(sec.n_serials, 100000);
		JT_OK(krl_make(&w, &s, NULL));
		assert_true(w.n <= rows[i].most);
	}
}

/* ---- flipped and cut ---- */

/* What is still read either says the same or is seen to say something else. */
static void
no_harm(void *arg, struct span bytes)
{
	const struct say *y = arg;
	JIT_SCOPED(krl_free) struct krl *k = NULL;

	if (krl_parse(bytes, &k, NULL) != JIT_OK)
		return;
	JT_ERR(krl_check_is(k, &y->s, NULL), JIT_E_VERIFY);
	(void)krl_is_revoked(k, CA, 5, y->ids[0], SUBJECT);
}

/* A reserved string may hold anything, but its length cannot be flipped. */
static void
flipped(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(KRL_MAX);
	struct say y;

	(void)state;
	say(&y);
	JT_OK(krl_put(&w, &y.s, NULL));
	jt_flip_truncate(wr_view(&w), no_harm, &y);
}

int
main(void)
{
	uint64_t n = 1;
	struct rng rng = rand_counter(&n);
	int failed;

	for (size_t i = 0; i < 3; i++)
		if (ssh_priv_generate(SSH_ED25519, 0, &rng, &priv[i],
		    NULL) != JIT_OK)
			return 1;
	failed = JT_ROWS("forms", mix, mixes) +
	    jt_one("the smallest", is_smallest) +
	    JT_ROWS("specs", changed, changes) +
	    jt_one("no room", no_room) +
	    jt_one("appended", appended) +
	    JT_ROWS("says something else", different, differences) +
	    jt_one("asked", asked) +
	    JT_ROWS("bytes", wire, wires) +
	    jt_one("bitmaps of 16,384 and 16,385 bits", bitmaps) +
	    jt_one("overlaps", overlaps) +
	    jt_one("exactly", exactly) +
	    jt_one("hashes", hashes) +
	    jt_one("of every CA", every_ca) +
	    jt_one("too much", too_much) +
	    jt_one("too many runs", too_many_runs) +
	    jt_one("sizes", sizes) +
	    jt_one("flipped and cut", flipped);
	for (size_t i = 0; i < 3; i++)
		ssh_priv_free(priv[i]);
	return failed;
}
