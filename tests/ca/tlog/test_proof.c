/* proof: the one text that goes with a certificate for years. */
#include <string.h>

#include "ca/base/text.h"
#include "ca/tlog/proof.h"
#include "tests/lib/jt.h"

static struct ssh_priv *priv;
static struct tlog_vkey key;
static struct buf text;
static const struct span entry = SPAN("second", 6);

/* A log of three entries, and the proof of the second. */
static void
set_up(void)
{
	uint64_t n = 1;
	struct rng rng = rand_counter(&n);
	struct digest a, b, c, ab;
	struct merkle_proof p = { .n = 2 };
	struct checkpoint cp = { .size = 3 };
	JIT_DONE(wr_done) struct wr note = WR_INIT(TLOG_NOTE_MAX);
	JIT_DONE(wr_done) struct wr w = WR_INIT(TLOG_NOTE_MAX);
	struct span blob;

	JT_OK(ssh_priv_generate(SSH_ED25519, 0, &rng, &priv, NULL));
	blob = ssh_key_blob(ssh_priv_public(priv));
	JT_OK(tlog_vkey_make("a.log", blob.p + blob.n - 32, &key, NULL));
	JT_OK(merkle_leaf(span_str("first"), &a));
	JT_OK(merkle_leaf(entry, &b));
	JT_OK(merkle_leaf(span_str("third"), &c));
	JT_OK(merkle_node(&a, &b, &ab));
	JT_OK(merkle_node(&ab, &c, &cp.root));
	p.h[0] = a;
	p.h[1] = c;
	JT_OK(checkpoint_sign(&note, &cp, &key, priv));
	tlog_proof_put(&w, 1, &p, wr_view(&note));
	JT_OK(wr_take(&w, &text));
}

static void
holds(void **state)
{
	struct checkpoint cp;
	uint64_t index;

	(void)state;
	JT_OK(tlog_proof_check(BUF_SPAN(text), &key, entry, &index, &cp,
	    NULL));
	assert_true(index == 1 && cp.size == 3);
	/* Case 93: any valid proof is not this one's. */
	JT_ERR(tlog_proof_check(BUF_SPAN(text), &key, span_str("third"),
	    &index, &cp, NULL), JIT_E_VERIFY);
}

/* The same hashes and note under another index, or under another key. */
static void
swapped(void **state)
{
	struct tlog_vkey other = key;
	struct checkpoint cp = { 0 };
	struct merkle_proof p;
	struct span note;
	uint64_t index;

	(void)state;
	JT_OK(tlog_proof_parse(BUF_SPAN(text), &index, &p, &note, NULL));
	for (uint64_t i = 0; i < 4; i++) {
		JIT_DONE(wr_done) struct wr w = WR_INIT(TLOG_NOTE_MAX);

		tlog_proof_put(&w, i, &p, note);
		JT_OK(w.err);
		JT_ERR(tlog_proof_check(wr_view(&w), &key, entry, &index, &cp,
		    NULL), i == 1 ? JIT_OK : JIT_E_VERIFY);
	}
	other.pub[0] ^= 1;
	assert_int_not_equal(tlog_proof_check(BUF_SPAN(text), &other, entry,
	    &index, &cp, NULL), JIT_OK);
}

static void
too_many(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(8192);
	struct merkle_proof p = { .n = MERKLE_PROOF_MAX };
	struct span note;
	uint64_t index;

	(void)state;
	tlog_proof_put(&w, 1, &p, SPAN_NONE);
	JT_OK(w.err);
	JT_OK(tlog_proof_parse(wr_view(&w), &index, &p, &note, NULL));
	assert_int_equal(p.n, MERKLE_PROOF_MAX);
	w.n--;
	b64_put(&w, SPAN(p.h[0].b, 32));
	wr_str(&w, "\n\n");
	JT_OK(w.err);
	JT_ERR(tlog_proof_parse(wr_view(&w), &index, &p, &note, NULL),
	    JIT_E_FORMAT);
}

static void
never(void *arg, struct span s)
{
	struct checkpoint cp;
	uint64_t index;

	(void)arg;
	assert_int_not_equal(tlog_proof_check(s, &key, entry, &index, &cp,
	    NULL), JIT_OK);
}

static void
flipped(void **state)
{
	(void)state;
	jt_flip_truncate(BUF_SPAN(text), never, NULL);
}

struct row { const char *name, *text; };
static const struct row rows[] = {
	{ "empty", "" },
	{ "other version", "c2sp.org/tlog-proof@v2\nindex 1\n\n" },
	{ "an extra line", "c2sp.org/tlog-proof@v1\nextra AA==\nindex 1\n\n" },
	{ "leading zero", "c2sp.org/tlog-proof@v1\nindex 01\n\n" },
	{ "negative", "c2sp.org/tlog-proof@v1\nindex -1\n\n" },
	{ "too large", "c2sp.org/tlog-proof@v1\n"
	    "index 18446744073709551616\n\n" },
	{ "short hash", "c2sp.org/tlog-proof@v1\nindex 1\nAAAA\n\n" },
	{ "no checkpoint", "c2sp.org/tlog-proof@v1\nindex 1\n" },
};

static void
refused(void **state)
{
	const struct row *r = *state;
	struct merkle_proof p;
	struct span note;
	uint64_t index;

	JT_ERR(tlog_proof_parse(span_str(r->text), &index, &p, &note, NULL),
	    JIT_E_FORMAT);
}

int
main(void)
{
	int bad;

	set_up();
	bad = jt_one("holds", holds) + jt_one("flipped", flipped) +
	    jt_one("swapped", swapped) + jt_one("65 hashes", too_many) +
	    JT_ROWS("refused", refused, rows);
	ssh_priv_free(priv);
	buf_done(&text);
	return bad;
}
