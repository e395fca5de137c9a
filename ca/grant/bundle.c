#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/grant/bundle.h"
#include "ca/tlog/proof.h"

#define BYTES_MAX (ENTRY_LEAF + ENTRY_SALT + ENTRY_BODY_MAX)
#define COLUMNS 64

/* Entries that can stand in a bundle, and their block's label. */
static const struct {
	enum entry_type type;
	const char *label;
} labels[] = {
	{ ENTRY_GENESIS, "GENESIS" }, { ENTRY_POLICY, "POLICY" },
	{ ENTRY_BLOB, "BLOB" }, { ENTRY_REQUEST, "REQUEST" },
	{ ENTRY_DECISION, "DECISION" }, { ENTRY_CANCEL, "CANCEL" },
	{ ENTRY_ISSUED, "ISSUED" }, { ENTRY_DROP, "DROP" },
	{ ENTRY_REVOKE, "REVOKE" }, { ENTRY_ENDED, "ENDED" },
	{ ENTRY_KEYS, "KEYS" },
};
#define LABELS (sizeof(labels) / sizeof(labels[0]))

static const char *
label_of(uint8_t type)
{
	for (size_t i = 0; i < LABELS; i++)
		if (labels[i].type == type)
			return labels[i].label;
	return NULL;
}

/* ---- writing ---- */

static void
put_entry(struct wr *w, const char *label, const struct entry *e)
{
	JIT_DONE(wr_done) struct wr t = WR_INIT(BYTES_MAX);

	wr_raw(&t, e->leaf, sizeof(e->leaf));
	wr_raw(&t, e->salt, sizeof(e->salt));
	wr_span(&t, e->body);
	if (t.err != JIT_OK)
		wr_fail(w, t.err);
	wr_fmt(w, "-----BEGIN JIT %s-----\n", label);
	b64_put_lines(w, wr_view(&t), COLUMNS);
	wr_fmt(w, "-----END JIT %s-----\n", label);
}

enum jit_err
bundle_put(struct wr *w, const char *log, const struct ulid *id,
    const struct receipt *v, size_t n, struct span note, struct jit_why *why)
{
	if (n == 0 || n > BUNDLE_ENTRIES_MAX)
		return jit_fail(why, JIT_E_ARG, "%zu entries, accepted are 1 "
		    "to %d", n, BUNDLE_ENTRIES_MAX);
	wr_fmt(w, "jit-cert evidence v1\nlog: %s\nrequest: %s\n\n", log,
	    id->s);
	for (size_t i = 0; i < n; i++) {
		const struct entry *e = &v[i].e;
		const char *label = label_of(e->type);

		if (label == NULL || (i > 0 && e->index <= v[i - 1].e.index))
			return jit_fail(why, JIT_E_ARG, "entry %llu has no "
			    "place in a bundle", (unsigned long long)e->index);
		if (e->erased)
			return jit_fail(why, JIT_E_ERASED, "the body of entry "
			    "%llu was erased", (unsigned long long)e->index);
		put_entry(w, label, e);
		wr_str(w, "-----BEGIN JIT PROOF-----\n");
		tlog_proof_put(w, e->index, &v[i].proof, note);
		wr_str(w, "-----END JIT PROOF-----\n");
	}
	return w->err;
}

/* ---- reading ---- */

static enum jit_err
malformed(struct jit_why *why, const char *what)
{
	return jit_fail(why, JIT_E_FORMAT, "evidence: %s", what);
}

static bool
is_mark(struct span line, const char *word, const char *label)
{
	char want[64];

	(void)snprintf(want, sizeof(want), "-----%s JIT %s-----", word,
	    label);
	return span_eq_str(line, want);
}

/* The lines between the marks of that label; s moves behind the second. */
static bool
take_content(struct span *s, const char *label, struct span *ret)
{
	struct span line, all = *s;

	while (span_take_line(s, &line))
		if (is_mark(line, "END", label)) {
			*ret = SPAN(all.p, (size_t)(line.p - all.p));
			return true;
		}
	return false;
}

static const char *
take_begin(struct span *s)
{
	struct span line;

	if (!span_take_line(s, &line))
		return NULL;
	for (size_t i = 0; i < LABELS; i++)
		if (is_mark(line, "BEGIN", labels[i].label))
			return labels[i].label;
	return NULL;
}

/* leaf || salt || body, of the type that the block says. */
static enum jit_err
read_entry(struct span content, const char *label, struct buf *bytes,
    struct entry *ret, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(BYTES_MAX);
	struct rd r;
	struct span leaf;

	if (b64_get_lines(content, &w) != JIT_OK)
		return malformed(why, "a block is no base64, or too long");
	JIT_TRY(wr_take(&w, bytes));
	r = rd_of(BUF_SPAN(*bytes));
	leaf = rd_raw(&r, ENTRY_LEAF);
	rd_copy(&r, ret->salt, sizeof(ret->salt));
	ret->body = rd_raw(&r, r.n);
	if (rd_end(&r) != JIT_OK || entry_parse_leaf(leaf, ret) != JIT_OK ||
	    label_of(ret->type) != label)
		return malformed(why, "a block is no entry of its type");
	return JIT_OK;
}

/* One entry and its proof, into the next place of b. */
static enum jit_err
read_pair(struct span *s, struct bundle *b, struct jit_why *why)
{
	struct receipt *r = &b->v[b->n];
	const char *label = take_begin(s);
	struct span content, line, note;
	uint64_t index;

	if (label == NULL || !take_content(s, label, &content))
		return malformed(why, "accepted here is a block with its end");
	/* The place is counted first: what it owns is freed with the rest. */
	b->n++;
	JIT_TRY(read_entry(content, label, &b->bytes[b->n - 1], &r->e, why));
	if (!span_take_line(s, &line) || !is_mark(line, "BEGIN", "PROOF") ||
	    !take_content(s, "PROOF", &content))
		return malformed(why, "an entry without its proof");
	JIT_TRY(tlog_proof_parse(content, &index, &r->proof, &note, why));
	if (index != r->e.index)
		return malformed(why, "a proof of another entry");
	if (b->n == 1)
		b->note = note;
	else if (!span_eq(b->note, note))
		return malformed(why, "proofs under two checkpoints");
	if (b->n > 1 && index <= b->v[b->n - 2].e.index)
		return malformed(why, "entries are not in log order");
	return JIT_OK;
}

/* The value of the next line, "<name>: <value>". */
static bool
take_value(struct span *s, const char *name, struct span *ret)
{
	size_t n = strlen(name);
	struct span line;

	if (!span_take_line(s, &line) || line.n <= n ||
	    memcmp(line.p, name, n) != 0)
		return false;
	*ret = SPAN(line.p + n, line.n - n);
	return true;
}

static enum jit_err
read_head(struct span *s, struct bundle *b, struct jit_why *why)
{
	struct span line, log, id;

	if (!span_take_line(s, &line) ||
	    !span_eq_str(line, "jit-cert evidence v1"))
		return malformed(why, "the first line is not \"jit-cert "
		    "evidence v1\"");
	if (!take_value(s, "log: ", &log) || log.n >= sizeof(b->log) ||
	    !text_is_ascii(log) || !take_value(s, "request: ", &id) ||
	    ulid_parse(id, &b->id) != JIT_OK || !span_take_line(s, &line) ||
	    line.n > 0)
		return malformed(why, "accepted are \"log:\", \"request:\" "
		    "and an empty line");
	memcpy(b->log, log.p, log.n);
	b->log[log.n] = '\0';
	return JIT_OK;
}

/* There is one text for one meaning. */
static enum jit_err
check_same(struct span text, const struct bundle *b, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(BUNDLE_MAX);

	JIT_TRY(bundle_put(&w, b->log, &b->id, b->v, b->n, b->note, why));
	if (!span_eq(wr_view(&w), text))
		return jit_fail(why, JIT_E_CANON, "evidence: not in the form "
		    "in which it is written");
	return JIT_OK;
}

enum jit_err
bundle_parse(struct span text, struct bundle *ret, struct jit_why *why)
{
	JIT_DONE(bundle_done) struct bundle b = { .n = 0 };
	struct span s = text;

	if (text.n > BUNDLE_MAX)
		return jit_fail(why, JIT_E_SIZE, "evidence of %zu bytes, "
		    "accepted are %u", text.n, BUNDLE_MAX);
	JIT_TRY(read_head(&s, &b, why));
	b.v = calloc(BUNDLE_ENTRIES_MAX, sizeof(*b.v));
	b.bytes = calloc(BUNDLE_ENTRIES_MAX, sizeof(*b.bytes));
	if (b.v == NULL || b.bytes == NULL)
		return JIT_E_NOMEM;
	while (s.n > 0) {
		if (b.n == BUNDLE_ENTRIES_MAX)
			return malformed(why, "too many entries");
		JIT_TRY(read_pair(&s, &b, why));
	}
	if (b.n == 0)
		return malformed(why, "no entries");
	JIT_TRY(check_same(text, &b, why));
	*ret = b;
	b = (struct bundle){ .n = 0 };
	return JIT_OK;
}

void
bundle_done(struct bundle *b)
{
	for (size_t i = 0; i < b->n; i++)
		buf_done(&b->bytes[i]);
	free(b->bytes);
	free(b->v);
	*b = (struct bundle){ .n = 0 };
}
