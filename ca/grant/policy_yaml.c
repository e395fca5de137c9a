#include <stdlib.h>
#include <string.h>

#include "ca/base/tree.h"
#include "ca/grant/policy_yaml.h"
#include "ca/ssh/opts.h"
#include "ca/x509/profile.h"

/*
 * Each entity of the file becomes a block's text, which is read by the one
 * reader of blocks; what a person can get wrong is checked before, so that
 * the message says the place.
 */

typedef const struct tree_node node;

#define LIST_MAX 1024

/* ---- lists: sorted, each once ---- */

struct item {
	struct span text;
	node *at;
};

static int
item_cmp(const void *a, const void *b)
{
	return span_cmp(((const struct item *)a)->text,
	    ((const struct item *)b)->text);
}

/* What an item of a list must be; *text may be changed to what is written. */
typedef enum jit_err (*item_fn)(node *at, struct span *text,
    struct jit_why *why);

static enum jit_err
check_list(node *list, const char *what, size_t max, struct jit_why *why)
{
	JIT_TRY(tree_want(list, TREE_LIST, why));
	if (tree_count(list) > max)
		return tree_fail(list, why, "%zu items of %s, accepted are "
		    "at most %zu", tree_count(list), what, max);
	return JIT_OK;
}

static enum jit_err
put_sorted(struct wr *w, struct item *items, size_t n, const char *name,
    struct jit_why *why)
{
	qsort(items, n, sizeof(*items), item_cmp);
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && span_eq(items[i - 1].text, items[i].text))
			return tree_fail(items[i].at, why, "this %s stands "
			    "twice", name);
		lines_put(w, name, items[i].text);
	}
	return w->err;
}

/* Write one "name: item" line for each item of a list, sorted. */
static enum jit_err
put_list(struct wr *w, node *list, const char *name, size_t max, item_fn fn,
    struct jit_why *why)
{
	JIT_SCOPED(free) struct item *items = NULL;
	enum jit_err e = JIT_OK;

	JIT_TRY(check_list(list, name, max, why));
	items = calloc(tree_count(list) + 1, sizeof(*items));
	if (items == NULL)
		return JIT_E_NOMEM;
	for (size_t i = 0; i < tree_count(list) && e == JIT_OK; i++) {
		items[i].at = tree_at(list, i);
		if ((e = tree_want(items[i].at, TREE_SCALAR, why)) != JIT_OK)
			break;
		items[i].text = tree_scalar(items[i].at);
		e = fn(items[i].at, &items[i].text, why);
	}
	if (e != JIT_OK)
		return e;
	return put_sorted(w, items, tree_count(list), name, why);
}

static enum jit_err
item_name(node *at, struct span *text, struct jit_why *why)
{
	return tree_name(at, text, why);
}

static enum jit_err
item_option(node *at, struct span *text, struct jit_why *why)
{
	struct jit_why in = { 0 };
	struct ssh_opt o;

	if (ssh_opt_parse(*text, &o, &in) != JIT_OK)
		return tree_fail(at, why, "%s", in.msg);
	return JIT_OK;
}

static enum jit_err
item_proof(node *at, struct span *text, struct jit_why *why)
{
	struct jit_why in = { 0 };
	enum proof_set p;

	if (proof_parse(*text, &p, &in) != JIT_OK)
		return tree_fail(at, why, "%s", in.msg);
	return JIT_OK;
}

/* A public key line; its comment is left out of the block. */
static enum jit_err
item_key(node *at, struct span *text, struct jit_why *why)
{
	JIT_SCOPED(ssh_key_free) struct ssh_key *k = NULL;
	struct jit_why in = { 0 };
	struct span comment = SPAN_NONE;
	enum jit_err e = ssh_key_parse_line(*text, &k, &comment, &in);
	const uint8_t *sp;

	if (e != JIT_OK)
		return tree_fail(at, why, "%s", jit_why_text(&in, e));
	/* A line that was read has two words at least. */
	sp = memchr(text->p, ' ', text->n);
	sp = memchr(sp + 1, ' ', text->n - (size_t)(sp + 1 - text->p));
	if (sp != NULL)
		text->n = (size_t)(sp - text->p);
	return JIT_OK;
}

/* ---- members ---- */

static enum jit_err
need_list(struct wr *w, node *map, const char *key, const char *name,
    size_t max, item_fn fn, struct jit_why *why)
{
	node *list = NULL;

	JIT_TRY(tree_need(map, key, &list, why));
	if (tree_kind(list) == TREE_LIST && tree_count(list) == 0)
		return tree_fail(list, why, "%s is empty; at least one is "
		    "needed", key);
	return put_list(w, list, name, max, fn, why);
}

static enum jit_err
maybe_list(struct wr *w, node *map, const char *key, const char *name,
    size_t max, item_fn fn, struct jit_why *why)
{
	node *list = tree_get(map, key);

	return list == NULL ? JIT_OK : put_list(w, list, name, max, fn, why);
}

static enum jit_err
put_uint(struct wr *w, node *map, const char *key, uint64_t min, uint64_t max,
    uint64_t otherwise, struct jit_why *why)
{
	node *n = tree_get(map, key);
	uint64_t v = otherwise;

	if (n != NULL)
		JIT_TRY(tree_uint(n, min, max, &v, why));
	else if (otherwise == 0)
		JIT_TRY(tree_need(map, key, &n, why));
	wr_fmt(w, "%s: %llu\n", key, (unsigned long long)v);
	return w->err;
}

/* A duration; where it is optional and absent, "-" is written. */
static enum jit_err
put_dur(struct wr *w, node *map, const char *key, dur_s max, bool optional,
    struct jit_why *why)
{
	node *n = tree_get(map, key);
	dur_s d = 0;

	if (n != NULL)
		JIT_TRY(tree_dur(n, 1, max, &d, why));
	else if (!optional)
		JIT_TRY(tree_need(map, key, &n, why));
	lines_put_dur(w, key, d);
	return w->err;
}

/* A scalar as a line: it may not hold a line feed or the like. */
static enum jit_err
put_scalar(struct wr *w, node *n, const char *name, struct jit_why *why)
{
	struct jit_why in = { 0 };

	JIT_TRY(tree_want(n, TREE_SCALAR, why));
	/* "-" is how a block writes that there is none. */
	if (tree_scalar(n).n == 0 || span_eq_str(tree_scalar(n), "-"))
		return tree_fail(n, why, "%s is empty", name);
	if (text_check_plain(tree_scalar(n), &in) != JIT_OK)
		return tree_fail(n, why, "%s", in.msg);
	lines_put(w, name, tree_scalar(n));
	return w->err;
}

static enum jit_err
need_map(node *map, const char *key, const char *const *known, node **ret,
    struct jit_why *why)
{
	JIT_TRY(tree_need(map, key, ret, why));
	JIT_TRY(tree_want(*ret, TREE_MAP, why));
	return tree_only(*ret, known, why);
}

/* ---- entities ---- */

static enum jit_err
add_block(struct policy *p, node *at, const struct wr *w, struct jit_why *why)
{
	struct jit_why in = { 0 };
	struct block *b = NULL;
	enum jit_err e = w->err;

	if (e == JIT_OK)
		e = block_parse(wr_view(w), &b, &in);
	if (e == JIT_OK)
		e = policy_add(p, b, &in);
	if (e == JIT_E_NOMEM)
		return e;
	return e == JIT_OK ? e : tree_fail(at, why, "%s",
	    jit_why_text(&in, e));
}

static enum jit_err
read_person(struct wr *w, node *n, struct jit_why *why)
{
	static const char *const known[] = { "groups", "keys", NULL };

	JIT_TRY(tree_only(n, known, why));
	JIT_TRY(maybe_list(w, n, "groups", "group", 32, item_name, why));
	return need_list(w, n, "keys", "key", 16, item_key, why);
}

static enum jit_err
read_host(struct wr *w, node *n, struct jit_why *why)
{
	static const char *const known[] = { "address", "port", "keys", NULL };
	node *addr = NULL;

	JIT_TRY(tree_only(n, known, why));
	JIT_TRY(tree_need(n, "address", &addr, why));
	JIT_TRY(put_scalar(w, addr, "address", why));
	JIT_TRY(put_uint(w, n, "port", 1, 65535, 22, why));
	return need_list(w, n, "keys", "key", 16, item_key, why);
}

static enum jit_err
read_reason(struct wr *w, node *role, struct jit_why *why)
{
	static const char *const known[] = { "required", "pattern", NULL };
	node *n = tree_get(role, "reason"), *m = NULL;
	struct jit_why in = { 0 };
	bool required = false;

	if (n != NULL) {
		JIT_TRY(tree_want(n, TREE_MAP, why));
		JIT_TRY(tree_only(n, known, why));
		if ((m = tree_get(n, "required")) != NULL)
			JIT_TRY(tree_bool(m, &required, why));
		m = tree_get(n, "pattern");
	}
	lines_put_str(w, "reason", required ? "required" : "optional");
	if (m == NULL) {
		lines_put(w, "reason-pattern", SPAN_NONE);
		return w->err;
	}
	JIT_TRY(put_scalar(w, m, "reason-pattern", why));
	if (pattern_check(tree_scalar(m), &in) != JIT_OK)
		return tree_fail(m, why, "%s", in.msg);
	return JIT_OK;
}

static enum jit_err
read_asking(struct wr *w, node *role, struct jit_why *why)
{
	static const char *const request[] = { "of", "proofs", NULL };
	static const char *const approve[] = { "need", "of", "proofs", NULL };
	node *n = NULL;

	JIT_TRY(need_map(role, "request", request, &n, why));
	JIT_TRY(need_list(w, n, "of", "request-of", 32, item_name, why));
	JIT_TRY(need_list(w, n, "proofs", "request-proof", PROOF_SETS,
	    item_proof, why));
	JIT_TRY(need_map(role, "approve", approve, &n, why));
	JIT_TRY(put_uint(w, n, "need", 1, 16, 0, why));
	JIT_TRY(need_list(w, n, "of", "approve-of", 32, item_name, why));
	return need_list(w, n, "proofs", "approve-proof", PROOF_SETS,
	    item_proof, why);
}

/* What may stand in a line of a block; its meaning is judged with the rest. */
static enum jit_err
item_word(node *at, struct span *text, struct jit_why *why)
{
	if (text->n == 0 || !text_is_ascii(*text))
		return tree_fail(at, why, "accepted is plain ASCII, at least "
		    "one character");
	return JIT_OK;
}

static int
span_order(const void *a, const void *b)
{
	return span_cmp(*(const struct span *)a, *(const struct span *)b);
}

static enum jit_err
read_organisations(struct wr *w, node *list, struct jit_why *why)
{
	struct span v[REQUEST_SUBJECT - 1];
	size_t n = tree_count(list);

	JIT_TRY(check_list(list, "o", REQUEST_SUBJECT - 1, why));
	for (size_t i = 0; i < n; i++) {
		JIT_TRY(tree_want(tree_at(list, i), TREE_SCALAR, why));
		v[i] = tree_scalar(tree_at(list, i));
		JIT_TRY(item_word(tree_at(list, i), &v[i], why));
	}
	qsort(v, n, sizeof(v[0]), span_order);
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && span_eq(v[i - 1], v[i]))
			return tree_fail(list, why, "an o stands twice");
		wr_fmt(w, "subject: O=%.*s\n", (int)v[i].n,
		    (const char *)v[i].p);
	}
	return w->err;
}

/* How the role's certificates say who they are for. */
static enum jit_err
read_subject(struct wr *w, node *role, struct jit_why *why)
{
	static const char *const known[] = { "cn", "o", NULL };
	node *n = NULL, *cn = NULL, *o;
	struct span name;

	JIT_TRY(need_map(role, "subject", known, &n, why));
	JIT_TRY(tree_need(n, "cn", &cn, why));
	JIT_TRY(tree_want(cn, TREE_SCALAR, why));
	name = tree_scalar(cn);
	JIT_TRY(item_word(cn, &name, why));
	wr_fmt(w, "subject: CN=%.*s\n", (int)name.n, (const char *)name.p);
	o = tree_get(n, "o");
	return o == NULL ? w->err : read_organisations(w, o, why);
}

static enum jit_err
read_revocation(struct wr *w, node *role, struct jit_why *why)
{
	node *n = NULL;

	JIT_TRY(tree_need(role, "revocation", &n, why));
	JIT_TRY(tree_want(n, TREE_SCALAR, why));
	if (span_eq_str(tree_scalar(n), "expiry")) {
		lines_put(w, "crl", SPAN_NONE);
		return w->err;
	}
	if (!request_crl_ok(tree_scalar(n)))
		return tree_fail(n, why, "revocation: accepted is \"expiry\", "
		    "or the http or https URL of the CRL");
	lines_put(w, "crl", tree_scalar(n));
	return w->err;
}

static enum jit_err
read_x509(struct wr *w, node *n, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr list = WR_INIT(1024);
	const struct x509_profile *p;
	node *profile = NULL;

	JIT_TRY(tree_need(n, "profile", &profile, why));
	JIT_TRY(tree_want(profile, TREE_SCALAR, why));
	for (size_t i = 0; (p = x509_profile_at(i)) != NULL; i++)
		wr_fmt(&list, " %s", p->name);
	if (x509_profile_find(tree_scalar(profile)) == NULL)
		return tree_fail(profile, why, "no such profile; accepted "
		    "are%.*s", (int)list.n, (const char *)list.p);
	lines_put_str(w, "kind", "x509");
	lines_put(w, "profile", tree_scalar(profile));
	JIT_TRY(read_subject(w, n, why));
	JIT_TRY(maybe_list(w, n, "sans", "san", REQUEST_SANS - 1, item_word,
	    why));
	return read_revocation(w, n, why);
}

static enum jit_err
read_ssh(struct wr *w, node *n, struct jit_why *why)
{
	JIT_TRY(need_list(w, n, "accounts", "account", 16, item_name, why));
	JIT_TRY(need_list(w, n, "host-groups", "host-group", 16, item_name,
	    why));
	return maybe_list(w, n, "options", "option", REQUEST_OPTIONS,
	    item_option, why);
}

/* What a role is for decides which members it has; SSH when it says nothing. */
static enum jit_err
read_kind(struct wr *w, node *n, struct jit_why *why)
{
	static const char *const ssh[] = { "kind", "accounts", "host-groups",
	    "options", "max", "horizon", "skew", "reason", "request",
	    "approve", "read", NULL };
	static const char *const x509[] = { "kind", "profile", "subject",
	    "sans", "revocation", "max", "horizon", "skew", "reason",
	    "request", "approve", "read", NULL };
	node *kind = tree_get(n, "kind");

	if (kind != NULL)
		JIT_TRY(tree_want(kind, TREE_SCALAR, why));
	if (kind != NULL && span_eq_str(tree_scalar(kind), "x509")) {
		JIT_TRY(tree_only(n, x509, why));
		return read_x509(w, n, why);
	}
	if (kind != NULL && !span_eq_str(tree_scalar(kind), "ssh-user"))
		return tree_fail(kind, why, "kind: accepted is ssh-user or "
		    "x509");
	JIT_TRY(tree_only(n, ssh, why));
	return read_ssh(w, n, why);
}

static enum jit_err
read_role(struct wr *w, node *n, struct jit_why *why)
{
	JIT_TRY(read_kind(w, n, why));
	JIT_TRY(put_dur(w, n, "max", DUR_MAX, false, why));
	JIT_TRY(put_dur(w, n, "horizon", DUR_MAX, false, why));
	JIT_TRY(put_dur(w, n, "skew", 60, true, why));
	JIT_TRY(read_reason(w, n, why));
	JIT_TRY(read_asking(w, n, why));
	return maybe_list(w, n, "read", "read", 32, item_name, why);
}

static const struct section {
	const char *key, *kind;
	enum tree_kind want;
	enum jit_err (*read)(struct wr *w, node *n, struct jit_why *why);
	bool optional;
} sections[] = {
	{ "people", "person", TREE_MAP, read_person, false },
	{ "hosts", "host", TREE_MAP, read_host, true },
	{ "host-groups", "host-group", TREE_LIST, NULL, true },
	{ "roles", "role", TREE_MAP, read_role, false },
};
#define SECTIONS (sizeof(sections) / sizeof(sections[0]))

/* One named entity of a section. */
static enum jit_err
read_entity(struct policy *p, const struct section *s, node *map, size_t i,
    struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(POLICY_BLOCK_MAX);
	struct span name = tree_key(map, i);
	node *n = tree_at(map, i);
	char shown[64];

	if (!text_is_name(name))
		return tree_fail_key(map, i, why, "name \"%s\"; accepted are 1 "
		    "to 32 of a-z 0-9 . _ -, beginning with a letter or digit",
		    text_shown(name, shown, sizeof(shown)));
	JIT_TRY(tree_want(n, s->want, why));
	lines_put_head(&w, s->kind);
	lines_put(&w, "name", name);
	if (s->read != NULL)
		JIT_TRY(s->read(&w, n, why));
	else
		JIT_TRY(put_list(&w, n, "host", LIST_MAX, item_name, why));
	return add_block(p, n, &w, why);
}

static enum jit_err
read_section(struct policy *p, const struct section *s, node *root,
    struct jit_why *why)
{
	node *map = tree_get(root, s->key);

	if (map == NULL && s->optional)
		return JIT_OK;
	JIT_TRY(tree_need(root, s->key, &map, why));
	JIT_TRY(tree_want(map, TREE_MAP, why));
	for (size_t i = 0; i < tree_count(map); i++)
		JIT_TRY(read_entity(p, s, map, i, why));
	return JIT_OK;
}

static enum jit_err
read_settings(struct policy *p, node *root, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(POLICY_BLOCK_MAX);
	node *n = NULL;

	JIT_TRY(tree_need(root, "policy", &n, why));
	if (!span_eq_str(tree_scalar(n), "v1"))
		return tree_fail(n, why, "accepted is v1");
	JIT_TRY(tree_need(root, "log", &n, why));
	lines_put_head(&w, "settings");
	JIT_TRY(put_scalar(&w, n, "log", why));
	JIT_TRY(put_uint(&w, root, "rsa-min", 2048, 8192, 3072, why));
	return add_block(p, n, &w, why);
}

static enum jit_err
read_admins(struct policy *p, node *root, struct jit_why *why)
{
	static const char *const known[] = { "need", "of", NULL };
	JIT_DONE(wr_done) struct wr w = WR_INIT(POLICY_BLOCK_MAX);
	node *n = NULL;

	JIT_TRY(need_map(root, "admins", known, &n, why));
	lines_put_head(&w, "admins");
	JIT_TRY(put_uint(&w, n, "need", 1, 16, 0, why));
	JIT_TRY(need_list(&w, n, "of", "of", 32, item_name, why));
	return add_block(p, n, &w, why);
}

/* ---- references, with their places ---- */

static bool
group_exists(const struct policy *p, struct span group)
{
	const struct names one = { .n = 1, .v = { group } };

	for (size_t i = 0; i < policy_count(p); i++) {
		const struct block *b = policy_at(p, i);

		if (b->kind == BLOCK_PERSON && person_in(&b->person, &one))
			return true;
	}
	return false;
}

/* Each item of a list names something that is there; list may be NULL. */
static enum jit_err
check_refs(const struct policy *p, node *list, enum block_kind k,
    struct jit_why *why)
{
	for (size_t i = 0; list != NULL && i < tree_count(list); i++) {
		node *n = tree_at(list, i);
		struct span name = tree_scalar(n);

		/* BLOCK_PERSON stands for a group: people are its members. */
		if (k == BLOCK_PERSON ? group_exists(p, name) :
		    policy_get(p, k, name) != NULL)
			continue;
		return tree_fail(n, why, k == BLOCK_PERSON ?
		    "no person is in group \"%.*s\"" :
		    k == BLOCK_HOST ? "there is no host \"%.*s\"" :
		    "there is no host group \"%.*s\"", (int)name.n,
		    (const char *)name.p);
	}
	return JIT_OK;
}

/* Is what an x509 role makes a certificate, were "a" to ask? */
static enum jit_err
check_names(const struct policy *p, struct span name, node *role,
    struct jit_why *why)
{
	struct request q = { .requester = span_str("a"),
	    .id = { "00000000000000000000000000" } };
	node *sans = tree_get(role, "sans");
	struct request_store store;
	struct jit_why in = { 0 };
	enum jit_err e = policy_fill_request(p, name, &q, &store, &in);

	if (e == JIT_OK || q.kind != KIND_X509)
		return JIT_OK;		/* policy_check has the rest */
	if (x509_subject_check(q.subject, q.n_subject, NULL) != JIT_OK)
		return tree_fail(tree_get(role, "subject"), why, "%s",
		    jit_why_text(&in, e));
	return tree_fail(sans != NULL ? sans : tree_get(role, "profile"), why,
	    "%s", jit_why_text(&in, e));
}

static enum jit_err
check_role_refs(const struct policy *p, node *role, struct jit_why *why)
{
	node *req = tree_get(role, "request"), *app = tree_get(role, "approve");

	JIT_TRY(check_refs(p, tree_get(role, "host-groups"), BLOCK_HOST_GROUP,
	    why));
	JIT_TRY(check_refs(p, tree_get(req, "of"), BLOCK_PERSON, why));
	JIT_TRY(check_refs(p, tree_get(app, "of"), BLOCK_PERSON, why));
	return check_refs(p, tree_get(role, "read"), BLOCK_PERSON, why);
}

static enum jit_err
check_all_refs(const struct policy *p, node *root, struct jit_why *why)
{
	node *groups = tree_get(root, "host-groups");
	node *roles = tree_get(root, "roles");

	JIT_TRY(check_refs(p, tree_get(tree_get(root, "admins"), "of"),
	    BLOCK_PERSON, why));
	for (size_t i = 0; groups != NULL && i < tree_count(groups); i++)
		JIT_TRY(check_refs(p, tree_at(groups, i), BLOCK_HOST, why));
	for (size_t i = 0; i < tree_count(roles); i++) {
		JIT_TRY(check_role_refs(p, tree_at(roles, i), why));
		JIT_TRY(check_names(p, tree_key(roles, i), tree_at(roles, i),
		    why));
	}
	return JIT_OK;
}

enum jit_err
policy_from_yaml(const char *file, struct span yaml, struct policy **ret,
    struct jit_why *why)
{
	static const char *const known[] = { "policy", "log", "rsa-min",
	    "admins", "people", "hosts", "host-groups", "roles", NULL };
	JIT_SCOPED(tree_free) struct tree *t = NULL;
	JIT_SCOPED(policy_free) struct policy *p = NULL;
	enum jit_err e;
	node *root;

	JIT_TRY(tree_parse(file, yaml, &t, why));
	root = tree_root(t);
	JIT_TRY(tree_want(root, TREE_MAP, why));
	JIT_TRY(tree_only(root, known, why));
	JIT_TRY(policy_new(&p));
	JIT_TRY(read_settings(p, root, why));
	for (size_t i = 0; i < SECTIONS; i++)
		JIT_TRY(read_section(p, &sections[i], root, why));
	JIT_TRY(read_admins(p, root, why));
	JIT_TRY(check_all_refs(p, root, why));
	if ((e = policy_check(p, why)) != JIT_OK)
		return jit_at(why, e, "%s", file);
	*ret = p;
	p = NULL;
	return JIT_OK;
}
