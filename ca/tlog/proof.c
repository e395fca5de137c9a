#include <string.h>

#include "ca/base/text.h"
#include "ca/tlog/proof.h"

static const char head[] = "c2sp.org/tlog-proof@v1\n";

void
tlog_proof_put(struct wr *w, uint64_t index, const struct merkle_proof *p,
    struct span note)
{
	wr_str(w, head);
	wr_fmt(w, "index %llu\n", (unsigned long long)index);
	for (size_t i = 0; i < p->n; i++) {
		b64_put(w, DIGEST_SPAN(p->h[i]));
		wr_u8(w, '\n');
	}
	wr_u8(w, '\n');
	wr_span(w, note);
}

/* "index <decimal>". */
static enum jit_err
parse_index(struct span line, uint64_t *ret)
{
	if (line.n < 7 || memcmp(line.p, "index ", 6) != 0)
		return JIT_E_FORMAT;
	return uint_parse(SPAN(line.p + 6, line.n - 6), UINT64_MAX, ret);
}

enum jit_err
tlog_proof_parse(struct span s, uint64_t *index, struct merkle_proof *p,
    struct span *note, struct jit_why *why)
{
	struct merkle_proof got = { .n = 0 };
	struct span line;
	uint64_t at;
	size_t n = strlen(head);

	if (s.n < n || memcmp(s.p, head, n) != 0)
		return jit_fail(why, JIT_E_FORMAT, "not a C2SP tlog-proof");
	s = SPAN(s.p + n, s.n - n);
	if (!span_take_line(&s, &line) || parse_index(line, &at) != JIT_OK)
		return jit_fail(why, JIT_E_FORMAT, "tlog-proof: accepted here "
		    "is \"index <number>\"");
	for (;;) {
		JIT_DONE(wr_done) struct wr w = WR_INIT(64);

		if (!span_take_line(&s, &line))
			return jit_fail(why, JIT_E_FORMAT, "tlog-proof ends "
			    "before its checkpoint");
		if (line.n == 0)
			break;
		if (got.n == MERKLE_PROOF_MAX || b64_get(line, &w) != JIT_OK ||
		    w.n != 32)
			return jit_fail(why, JIT_E_FORMAT, "tlog-proof: a hash "
			    "is no base64 of 32 bytes, or there are too many");
		memcpy(got.h[got.n++].b, w.p, 32);
	}
	*index = at;
	*p = got;
	*note = s;
	return JIT_OK;
}

enum jit_err
tlog_proof_check(struct span s, const struct tlog_vkey *v, struct span entry,
    uint64_t *index, struct checkpoint *cp, struct jit_why *why)
{
	struct merkle_proof p;
	struct checkpoint c;
	struct digest leaf;
	struct span note;
	uint64_t at;

	JIT_TRY(tlog_proof_parse(s, &at, &p, &note, why));
	JIT_TRY(checkpoint_open(note, v, &c, why));
	JIT_TRY(merkle_leaf(entry, &leaf));
	JIT_TRY(merkle_check(at, c.size, &leaf, &p, &c.root, why));
	*index = at;
	*cp = c;
	return JIT_OK;
}
