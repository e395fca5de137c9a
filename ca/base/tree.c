#define _DEFAULT_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <yaml.h>

#include "ca/base/text.h"
#include "ca/base/tree.h"

/* A place in the file: 1-based, columns in characters. */
struct place { size_t line, col; };

struct member {
	struct buf key;			/* maps only */
	struct place at;		/* of the key */
	struct tree_node *value;	/* NULL: the key waits for its value */
};

struct tree_node {
	const struct tree *tree;
	struct tree_node *next;		/* all nodes of the tree, to free them */
	enum tree_kind kind;
	struct place at;
	struct buf scalar;
	struct member *m;
	size_t n, cap;
};

struct tree {
	char *file;
	struct tree_node *root, *nodes;
};

struct parse {
	struct tree *t;
	struct tree_node *open[TREE_DEPTH_MAX];
	size_t depth;
	struct jit_why *why;
};

static enum jit_err __attribute__((format(printf, 4, 0)))
fail_va(const struct tree *t, struct place at, struct jit_why *why,
    const char *fmt, va_list ap)
{
	char msg[sizeof(why->msg)], file[TEXT_SHOWN];

	if (vsnprintf(msg, sizeof(msg), fmt, ap) < 0)
		msg[0] = '\0';
	return jit_fail(why, JIT_E_POLICY, "%s:%zu:%zu: %s",
	    text_shown(span_str(t->file), file, sizeof(file)),
	    at.line, at.col, msg);
}

static enum jit_err __attribute__((format(printf, 3, 4)))
fail_at(const struct parse *p, struct place at, const char *fmt, ...)
{
	enum jit_err e;
	va_list ap;

	va_start(ap, fmt);
	e = fail_va(p->t, at, p->why, fmt, ap);
	va_end(ap);
	return e;
}

static struct place
place_of(yaml_mark_t m)
{
	return (struct place){ m.line + 1, m.column + 1 };
}

/* ---- before libyaml sees it ---- */

static bool
is_accepted(uint32_t cp)
{
	return cp == '\t' || cp == '\n' || utf8_is_plain(cp);
}

/*
 * libyaml takes byte order marks, UTF-16, CR, NEL, U+2028 as line ends, and
 * any character that it can print: what is refused is refused here.
 */
static enum jit_err
check_source(const struct parse *p, struct span s)
{
	struct place at = { 1, 1 };

	if (s.n > TREE_FILE_MAX)
		return fail_at(p, at, "a file of %zu bytes, accepted are at "
		    "most %u", s.n, TREE_FILE_MAX);
	for (size_t i = 0, n; i < s.n; i += n) {
		uint32_t cp = 0;

		n = utf8_next(SPAN(s.p + i, s.n - i), &cp);
		if (n == 0)
			return fail_at(p, at, "byte 0x%02x is not UTF-8",
			    (unsigned)s.p[i]);
		if (cp == '\r')
			return fail_at(p, at, "found a carriage return; end "
			    "lines with a line feed alone");
		if (!is_accepted(cp))
			return fail_at(p, at, "U+%04X is a control, format, "
			    "private or unassigned character", (unsigned)cp);
		at.col++;
		if (cp == '\n')
			at = (struct place){ at.line + 1, 1 };
	}
	return JIT_OK;
}

/* ---- nodes ---- */

static struct tree_node *
node_new(struct tree *t, enum tree_kind kind, yaml_mark_t at)
{
	struct tree_node *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return NULL;
	*n = (struct tree_node){ .tree = t, .next = t->nodes, .kind = kind,
		.at = place_of(at) };
	t->nodes = n;
	return n;
}

static struct member *
member_new(struct tree_node *n)
{
	struct member *m = n->m;

	if (n->n == n->cap) {
		size_t cap = n->cap ? 2 * n->cap : 4;

		/* No overflow: a file is at most TREE_FILE_MAX. */
		if ((m = realloc(n->m, cap * sizeof(*m))) == NULL)
			return NULL;
		n->m = m;
		n->cap = cap;
	}
	m = &n->m[n->n++];
	*m = (struct member){ 0 };
	return m;
}

/* The innermost open node, NULL at the top. */
static struct tree_node *
innermost(const struct parse *p)
{
	return p->depth > 0 ? p->open[p->depth - 1] : NULL;
}

static bool
wants_key(const struct tree_node *n)
{
	return n != NULL && n->kind == TREE_MAP &&
	    (n->n == 0 || n->m[n->n - 1].value != NULL);
}

/* Hang n where the parser stands. */
static enum jit_err
attach(struct parse *p, struct tree_node *n)
{
	struct tree_node *up = innermost(p);
	struct member *m;

	if (up == NULL) {
		p->t->root = n;
		return JIT_OK;
	}
	if (up->kind == TREE_MAP)
		m = &up->m[up->n - 1];
	else if ((m = member_new(up)) == NULL)
		return JIT_E_NOMEM;
	m->value = n;
	return JIT_OK;
}

static int
by_key(const void *a, const void *b)
{
	const struct member *const *x = a, *const *y = b;
	int c = span_cmp(BUF_SPAN((*x)->key), BUF_SPAN((*y)->key));

	/* Equal keys in the order of the file. */
	return c != 0 ? c : (*x > *y) - (*x < *y);
}

/* Sorted, so that a file of one huge map costs n log n. */
static enum jit_err
check_duplicates(const struct parse *p, const struct tree_node *n)
{
	JIT_SCOPED(free) const struct member **s = NULL;
	const struct member *again = NULL, *first = NULL;
	char key[TEXT_SHOWN];

	if (n->n < 2)
		return JIT_OK;
	if ((s = calloc(n->n, sizeof(*s))) == NULL)
		return JIT_E_NOMEM;
	for (size_t i = 0; i < n->n; i++)
		s[i] = &n->m[i];
	qsort(s, n->n, sizeof(*s), by_key);
	for (size_t i = 1; i < n->n; i++)
		if (span_eq(BUF_SPAN(s[i - 1]->key), BUF_SPAN(s[i]->key)) &&
		    (again == NULL || s[i] < again)) {
			first = s[i - 1];
			again = s[i];
		}
	if (again == NULL)
		return JIT_OK;
	return fail_at(p, again->at, "key \"%s\" again, first at line %zu",
	    text_shown(BUF_SPAN(again->key), key, sizeof(key)),
	    first->at.line);
}

/* ---- events ---- */

/* An escape in double quotes can make what the source may not hold. */
static enum jit_err
check_escapes(const struct parse *p, struct place at, struct span s)
{
	for (size_t i = 0, n; i < s.n; i += n) {
		uint32_t cp = 0;

		if ((n = utf8_next(SPAN(s.p + i, s.n - i), &cp)) == 0)
			return fail_at(p, at, "an escape gives bytes that "
			    "are not UTF-8");
		if (!is_accepted(cp))
			return fail_at(p, at, "an escape gives U+%04X, a "
			    "control, format, private or unassigned character",
			    (unsigned)cp);
	}
	return JIT_OK;
}

static enum jit_err
on_key(struct parse *p, struct tree_node *up, struct place at, struct span s)
{
	struct member *m;

	if (span_eq_str(s, "<<"))
		return fail_at(p, at, "merge keys (<<) are not accepted");
	if ((m = member_new(up)) == NULL)
		return JIT_E_NOMEM;
	m->at = at;
	return buf_copy(&m->key, s);
}

static enum jit_err
on_scalar(struct parse *p, const yaml_event_t *ev)
{
	struct span s = SPAN(ev->data.scalar.value, ev->data.scalar.length);
	struct place at = place_of(ev->start_mark);
	yaml_scalar_style_t style = ev->data.scalar.style;
	struct tree_node *n;

	if (style == YAML_LITERAL_SCALAR_STYLE ||
	    style == YAML_FOLDED_SCALAR_STYLE)
		return fail_at(p, at, "block scalars (| and >) are not "
		    "accepted; quote the text");
	JIT_TRY(check_escapes(p, at, s));
	if (wants_key(innermost(p)))
		return on_key(p, innermost(p), at, s);
	if ((n = node_new(p->t, TREE_SCALAR, ev->start_mark)) == NULL)
		return JIT_E_NOMEM;
	JIT_TRY(buf_copy(&n->scalar, s));
	return attach(p, n);
}

static enum jit_err
on_start(struct parse *p, const yaml_event_t *ev, enum tree_kind kind)
{
	struct place at = place_of(ev->start_mark);
	struct tree_node *n;

	if (wants_key(innermost(p)))
		return fail_at(p, at, "a key must be a single value");
	if (p->depth == TREE_DEPTH_MAX)
		return fail_at(p, at, "nested deeper than %d", TREE_DEPTH_MAX);
	if ((n = node_new(p->t, kind, ev->start_mark)) == NULL)
		return JIT_E_NOMEM;
	JIT_TRY(attach(p, n));
	p->open[p->depth++] = n;
	return JIT_OK;
}

static enum jit_err
on_document(struct parse *p, const yaml_event_t *ev)
{
	struct place at = place_of(ev->start_mark);

	if (p->t->root != NULL)
		return fail_at(p, at, "a second document");
	if (ev->data.document_start.version_directive != NULL ||
	    ev->data.document_start.tag_directives.start !=
	    ev->data.document_start.tag_directives.end)
		return fail_at(p, at, "directives (%%) are not accepted");
	return JIT_OK;
}

/* Anchors and tags, wherever they may stand. */
static enum jit_err
check_properties(const struct parse *p, const yaml_event_t *ev)
{
	const yaml_char_t *anchor = NULL, *tag = NULL;
	struct place at = place_of(ev->start_mark);

	switch (ev->type) {
	case YAML_ALIAS_EVENT:
		return fail_at(p, at, "aliases (*) are not accepted");
	case YAML_SCALAR_EVENT:
		anchor = ev->data.scalar.anchor;
		tag = ev->data.scalar.tag;
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = ev->data.sequence_start.anchor;
		tag = ev->data.sequence_start.tag;
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = ev->data.mapping_start.anchor;
		tag = ev->data.mapping_start.tag;
		break;
	default:
		break;
	}
	if (anchor != NULL)
		return fail_at(p, at, "anchors (&) are not accepted");
	if (tag != NULL)
		return fail_at(p, at, "tags (!) are not accepted");
	return JIT_OK;
}

static enum jit_err
on_event(struct parse *p, const yaml_event_t *ev)
{
	JIT_TRY(check_properties(p, ev));
	switch (ev->type) {
	case YAML_DOCUMENT_START_EVENT:
		return on_document(p, ev);
	case YAML_SCALAR_EVENT:
		return on_scalar(p, ev);
	case YAML_SEQUENCE_START_EVENT:
		return on_start(p, ev, TREE_LIST);
	case YAML_MAPPING_START_EVENT:
		return on_start(p, ev, TREE_MAP);
	case YAML_MAPPING_END_EVENT:
		return check_duplicates(p, p->open[--p->depth]);
	case YAML_SEQUENCE_END_EVENT:
		p->depth--;
		return JIT_OK;
	default:
		return JIT_OK;
	}
}

/* The byte of the source at a mark, whose index counts characters. */
static int
byte_at(struct span s, size_t index)
{
	for (size_t i = 0, n; i < s.n; i += n, index--) {
		uint32_t cp;

		if (index == 0)
			return s.p[i];
		if ((n = utf8_next(SPAN(s.p + i, s.n - i), &cp)) == 0)
			break;
	}
	return -1;
}

/* What libyaml said, in this module's form. */
static enum jit_err
on_problem(const struct parse *p, const yaml_parser_t *y, struct span s)
{
	struct place at = place_of(y->problem_mark);

	if (y->error == YAML_MEMORY_ERROR)
		return JIT_E_NOMEM;
	if (y->error == YAML_SCANNER_ERROR &&
	    byte_at(s, y->problem_mark.index) == '\t')
		return fail_at(p, at, "found a tab; indent with spaces");
	if (y->context == NULL)
		return fail_at(p, at, "%s", y->problem);
	return fail_at(p, at, "%s (%s from line %zu)", y->problem,
	    y->context, y->context_mark.line + 1);
}

static enum jit_err
run(struct parse *p, yaml_parser_t *y, struct span s)
{
	bool end = false;

	yaml_parser_set_encoding(y, YAML_UTF8_ENCODING);
	/* It asserts that there is a pointer, also to nothing. */
	yaml_parser_set_input_string(y,
	    s.p != NULL ? s.p : (const uint8_t *)"", s.n);
	while (!end) {
		yaml_event_t ev;
		enum jit_err e;

		if (yaml_parser_parse(y, &ev) != 1)
			return on_problem(p, y, s);
		end = ev.type == YAML_STREAM_END_EVENT;
		e = on_event(p, &ev);
		yaml_event_delete(&ev);
		JIT_TRY(e);
	}
	if (p->t->root == NULL)
		return fail_at(p, (struct place){ 1, 1 }, "the file is empty");
	return JIT_OK;
}

enum jit_err
tree_parse(const char *file, struct span yaml, struct tree **ret,
    struct jit_why *why)
{
	JIT_SCOPED(tree_free) struct tree *t = calloc(1, sizeof(*t));
	struct parse p = { .t = t, .why = why };
	yaml_parser_t y;
	enum jit_err e;

	if (t == NULL || (t->file = strdup(file)) == NULL)
		return JIT_E_NOMEM;
	JIT_TRY(check_source(&p, yaml));
	if (yaml_parser_initialize(&y) != 1)
		return JIT_E_NOMEM;
	e = run(&p, &y, yaml);
	yaml_parser_delete(&y);
	JIT_TRY(e);
	*ret = t;
	t = NULL;
	return JIT_OK;
}

void
tree_free(struct tree *t)
{
	if (t == NULL)
		return;
	for (struct tree_node *n = t->nodes, *next; n != NULL; n = next) {
		next = n->next;
		for (size_t i = 0; i < n->n; i++)
			buf_done(&n->m[i].key);
		free(n->m);
		buf_done(&n->scalar);
		free(n);
	}
	free(t->file);
	free(t);
}

/* ---- looking at it ---- */

const struct tree_node *
tree_root(const struct tree *t)
{
	return t->root;
}

enum tree_kind
tree_kind(const struct tree_node *n)
{
	return n->kind;
}

size_t
tree_count(const struct tree_node *n)
{
	return n->n;
}

const struct tree_node *
tree_at(const struct tree_node *n, size_t i)
{
	return i < n->n ? n->m[i].value : NULL;
}

struct span
tree_key(const struct tree_node *n, size_t i)
{
	return i < n->n ? BUF_SPAN(n->m[i].key) : SPAN_NONE;
}

const struct tree_node *
tree_get(const struct tree_node *n, const char *key)
{
	if (n->kind != TREE_MAP)
		return NULL;
	for (size_t i = 0; i < n->n; i++)
		if (span_eq_str(BUF_SPAN(n->m[i].key), key))
			return n->m[i].value;
	return NULL;
}

struct span
tree_scalar(const struct tree_node *n)
{
	return BUF_SPAN(n->scalar);
}

enum jit_err
tree_fail(const struct tree_node *n, struct jit_why *why, const char *fmt, ...)
{
	enum jit_err e;
	va_list ap;

	va_start(ap, fmt);
	e = fail_va(n->tree, n->at, why, fmt, ap);
	va_end(ap);
	return e;
}

enum jit_err
tree_fail_key(const struct tree_node *n, size_t i, struct jit_why *why,
    const char *fmt, ...)
{
	enum jit_err e;
	va_list ap;

	va_start(ap, fmt);
	e = fail_va(n->tree, i < n->n && n->kind == TREE_MAP ?
	    n->m[i].at : n->at, why, fmt, ap);
	va_end(ap);
	return e;
}
