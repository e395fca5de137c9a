#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "ca/grant/policy.h"
#include "ca/x509/profile.h"

struct policy {
	struct block **v;	/* sorted by kind, then name */
	size_t n, cap;
	/* Every enrolled key, sorted by blob, once the policy was checked. */
	struct key_row *keys;
	size_t n_keys;
	const struct span *locked;	/* borrowed, sorted */
	size_t n_locked;
};

struct key_row {
	const struct ssh_key *key;
	const struct block *owner;	/* a person or a host */
};

enum jit_err
policy_new(struct policy **ret)
{
	struct policy *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return JIT_E_NOMEM;
	*ret = p;
	return JIT_OK;
}

void
policy_free(struct policy *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->n; i++)
		block_free(p->v[i]);
	free(p->v);
	free(p->keys);
	free(p);
}

static int
block_cmp(enum block_kind k, struct span name, const struct block *b)
{
	if (k != b->kind)
		return k < b->kind ? -1 : 1;
	return span_cmp(name, b->name);
}

/* Where a block of that kind and name is, or should be. */
static size_t
place(const struct policy *p, enum block_kind k, struct span name, bool *found)
{
	size_t lo = 0, hi = p->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int c = block_cmp(k, name, p->v[mid]);

		if (c == 0) {
			*found = true;
			return mid;
		}
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	*found = false;
	return lo;
}

/* The keys of a person or a host; 0 for other kinds. */
static size_t
block_keys(const struct block *b, struct ssh_key *const **ret)
{
	if (b->kind == BLOCK_PERSON) {
		*ret = b->person.keys;
		return b->person.n_keys;
	}
	if (b->kind == BLOCK_HOST) {
		*ret = b->host.keys;
		return b->host.n_keys;
	}
	return 0;
}

static size_t
key_place(const struct policy *p, struct span blob, bool *found)
{
	size_t lo = 0, hi = p->n_keys;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int c = span_cmp(blob, ssh_key_blob(p->keys[mid].key));

		if (c == 0) {
			*found = true;
			return mid;
		}
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	*found = false;
	return lo;
}

static enum jit_err
add_keys(struct policy *p, const struct block *b, struct jit_why *why)
{
	struct ssh_key *const *keys = NULL;
	size_t n = block_keys(b, &keys);
	struct key_row *rows;

	if (n == 0)
		return JIT_OK;
	rows = realloc(p->keys, (p->n_keys + n) * sizeof(*rows));
	if (rows == NULL)
		return JIT_E_NOMEM;
	p->keys = rows;
	for (size_t i = 0; i < n; i++) {
		char fp[SSH_FP_TEXT];
		bool found;
		size_t at = key_place(p, ssh_key_blob(keys[i]), &found);

		if (found) {
			const struct block *o = p->keys[at].owner;

			ssh_key_fingerprint(keys[i], fp);
			return jit_fail(why, JIT_E_POLICY, "key %s of %s %.*s "
			    "is enrolled for %s %.*s already", fp,
			    block_kind_name(b->kind), (int)b->name.n,
			    (const char *)b->name.p, block_kind_name(o->kind),
			    (int)o->name.n, (const char *)o->name.p);
		}
		memmove(&p->keys[at + 1], &p->keys[at],
		    (p->n_keys - at) * sizeof(*rows));
		p->keys[at] = (struct key_row){ keys[i], b };
		p->n_keys++;
	}
	return JIT_OK;
}

static void
drop_keys(struct policy *p, const struct block *b)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_keys; i++)
		if (p->keys[i].owner != b)
			p->keys[n++] = p->keys[i];
	p->n_keys = n;
}

enum jit_err
policy_add(struct policy *p, struct block *b, struct jit_why *why)
{
	bool found;
	size_t at = place(p, b->kind, b->name, &found);
	enum jit_err e = JIT_OK;

	if (found) {
		e = jit_fail(why, JIT_E_EXISTS, "%s \"%.*s\" stands twice",
		    block_kind_name(b->kind), (int)b->name.n,
		    (const char *)b->name.p);
	} else if (p->n >= POLICY_BLOCKS_MAX) {
		e = jit_fail(why, JIT_E_SIZE, "more than %d blocks",
		    POLICY_BLOCKS_MAX);
	} else if (p->n == p->cap) {
		size_t cap = p->cap ? p->cap * 2 : 16;
		struct block **v = realloc(p->v, cap * sizeof(*v));

		if (v == NULL) {
			e = JIT_E_NOMEM;
		} else {
			p->v = v;
			p->cap = cap;
		}
	}
	if (e == JIT_OK && (e = add_keys(p, b, why)) != JIT_OK)
		drop_keys(p, b);
	if (e != JIT_OK) {
		block_free(b);
		return e;
	}
	memmove(&p->v[at + 1], &p->v[at], (p->n - at) * sizeof(p->v[0]));
	p->v[at] = b;
	p->n++;
	return JIT_OK;
}

size_t
policy_count(const struct policy *p)
{
	return p->n;
}

const struct block *
policy_at(const struct policy *p, size_t i)
{
	return p->v[i];
}

const struct block *
policy_get(const struct policy *p, enum block_kind k, struct span name)
{
	bool found;
	bool single = k == BLOCK_SETTINGS || k == BLOCK_ADMINS;
	size_t at = place(p, k, single ? SPAN_NONE : name, &found);

	return found ? p->v[at] : NULL;
}

const struct role *
policy_role(const struct policy *p, struct span name)
{
	const struct block *b = policy_get(p, BLOCK_ROLE, name);

	return b != NULL ? &b->role : NULL;
}

const struct person *
policy_person(const struct policy *p, struct span name)
{
	const struct block *b = policy_get(p, BLOCK_PERSON, name);

	return b != NULL ? &b->person : NULL;
}

static const struct block *
key_owner(const struct policy *p, const struct ssh_key *k)
{
	bool found;
	size_t at = key_place(p, ssh_key_blob(k), &found);

	return found ? p->keys[at].owner : NULL;
}

const struct person *
policy_key_person(const struct policy *p, const struct ssh_key *k)
{
	const struct block *b = key_owner(p, k);

	return b != NULL && b->kind == BLOCK_PERSON ? &b->person : NULL;
}

bool
policy_key_is_host(const struct policy *p, const struct ssh_key *k)
{
	const struct block *b = key_owner(p, k);

	return b != NULL && b->kind == BLOCK_HOST;
}

bool
person_has_key(const struct person *p, const struct ssh_key *k)
{
	for (size_t i = 0; i < p->n_keys; i++)
		if (ssh_key_eq(p->keys[i], k))
			return true;
	return false;
}

bool
person_in(const struct person *p, const struct names *groups)
{
	for (size_t i = 0; i < p->groups.n; i++)
		for (size_t k = 0; k < groups->n; k++)
			if (span_eq(p->groups.v[i], groups->v[k]))
				return true;
	return false;
}

void
policy_set_locked(struct policy *p, const struct span *names, size_t n)
{
	p->locked = names;
	p->n_locked = n;
}

bool
policy_is_locked(const struct policy *p, struct span name)
{
	for (size_t i = 0; i < p->n_locked; i++)
		if (span_eq(p->locked[i], name))
			return true;
	return false;
}

bool
policy_is_admin(const struct policy *p, const struct person *who)
{
	const struct block *b = policy_get(p, BLOCK_ADMINS, SPAN_NONE);

	return b != NULL && person_in(who, &b->admins.of);
}

/* ---- is it whole? ---- */

static bool
group_has_member(const struct policy *p, struct span group)
{
	struct names one = { .n = 1, .v = { group } };

	for (size_t i = 0; i < p->n; i++)
		if (p->v[i]->kind == BLOCK_PERSON &&
		    person_in(&p->v[i]->person, &one))
			return true;
	return false;
}

static enum jit_err
check_groups(const struct policy *p, const struct names *g, const char *what,
    struct jit_why *why)
{
	for (size_t i = 0; i < g->n; i++)
		if (!group_has_member(p, g->v[i]))
			return jit_fail(why, JIT_E_POLICY, "%s names group "
			    "\"%.*s\", which no person is in", what,
			    (int)g->v[i].n, (const char *)g->v[i].p);
	return JIT_OK;
}

static enum jit_err
check_exists(const struct policy *p, enum block_kind k, struct span name,
    struct jit_why *why)
{
	if (policy_get(p, k, name) != NULL)
		return JIT_OK;
	return jit_fail(why, JIT_E_POLICY, "there is no %s \"%.*s\"",
	    block_kind_name(k), (int)name.n, (const char *)name.p);
}

static enum jit_err
check_role(const struct policy *p, const struct role *r, struct jit_why *why)
{
	struct request q = { .requester = span_str("a"),
	    .id = { "00000000000000000000000000" } };
	struct request_store store;
	enum jit_err e;

	for (size_t i = 0; i < r->host_groups.n; i++)
		JIT_TRY(check_exists(p, BLOCK_HOST_GROUP, r->host_groups.v[i],
		    why));
	JIT_TRY(check_groups(p, &r->request_of, "request.of", why));
	JIT_TRY(check_groups(p, &r->approve_of, "approve.of", why));
	JIT_TRY(check_groups(p, &r->read, "read", why));
	e = policy_fill_request(p, r->name, &q, &store, why);
	return e == JIT_E_FORMAT ? JIT_E_POLICY : e;
}

static enum jit_err
check_keys(const struct block *b, unsigned rsa_min, struct jit_why *why)
{
	struct ssh_key *const *keys = NULL;
	size_t n = block_keys(b, &keys);

	for (size_t i = 0; i < n; i++)
		JIT_TRY(ssh_key_check_strength(keys[i], rsa_min, why));
	return JIT_OK;
}

static enum jit_err
check_block(const struct policy *p, const struct block *b, unsigned rsa_min,
    struct jit_why *why)
{
	switch (b->kind) {
	case BLOCK_PERSON:
	case BLOCK_HOST:
		return check_keys(b, rsa_min, why);
	case BLOCK_HOST_GROUP:
		for (size_t i = 0; i < b->host_group.n; i++)
			JIT_TRY(check_exists(p, BLOCK_HOST,
			    b->host_group.hosts[i], why));
		return JIT_OK;
	case BLOCK_ROLE:
		return check_role(p, &b->role, why);
	default:
		return JIT_OK;
	}
}

static enum jit_err
check_admins(const struct policy *p, const struct admins *a,
    struct jit_why *why)
{
	size_t n = 0;

	JIT_TRY(check_groups(p, &a->of, "admins.of", why));
	for (size_t i = 0; i < p->n; i++)
		n += p->v[i]->kind == BLOCK_PERSON &&
		    person_in(&p->v[i]->person, &a->of);
	if (n < a->need)
		return jit_fail(why, JIT_E_POLICY, "admins: %u are needed, "
		    "and only %zu are enrolled", a->need, n);
	return JIT_OK;
}

enum jit_err
policy_check(const struct policy *p, struct jit_why *why)
{
	const struct block *s = policy_get(p, BLOCK_SETTINGS, SPAN_NONE);
	const struct block *a = policy_get(p, BLOCK_ADMINS, SPAN_NONE);

	if (s == NULL || a == NULL)
		return jit_fail(why, JIT_E_POLICY, "no %s", s == NULL ?
		    "settings (log)" : "admins");
	JIT_TRY(check_admins(p, &a->admins, why));
	for (size_t i = 0; i < p->n; i++) {
		const struct block *b = p->v[i];
		enum jit_err e = check_block(p, b, s->settings.rsa_min, why);

		if (e != JIT_OK)
			return jit_at(why, e, "%s \"%.*s\"",
			    block_kind_name(b->kind), (int)b->name.n,
			    b->name.n ? (const char *)b->name.p : "");
	}
	return JIT_OK;
}

/* ---- what a role says ---- */

static int
line_cmp(const void *a, const void *b)
{
	return span_cmp(*(const struct span *)a, *(const struct span *)b);
}

/* Append pieces to the store; *ret is what they make.  JIT_E_SIZE. */
static enum jit_err
join(struct request_store *store, const struct span *v, size_t n,
    struct span *ret, struct jit_why *why)
{
	size_t begin = store->n;

	for (size_t i = 0; i < n; i++) {
		if (v[i].n > sizeof(store->text) - store->n)
			return jit_fail(why, JIT_E_SIZE, "the role makes more "
			    "than a request can hold");
		if (v[i].n > 0)
			memcpy(store->text + store->n, v[i].p, v[i].n);
		store->n += v[i].n;
	}
	*ret = SPAN(store->text + begin, store->n - begin);
	return JIT_OK;
}

static enum jit_err
fill_principals(const struct role *role, struct request *r,
    struct request_store *store, struct jit_why *why)
{
	r->n_principals = 0;
	for (size_t a = 0; a < role->accounts.n; a++)
		for (size_t g = 0; g < role->host_groups.n; g++) {
			const struct span v[] = { role->accounts.v[a],
			    span_str("."), role->host_groups.v[g] };

			if (r->n_principals == REQUEST_PRINCIPALS)
				return jit_fail(why, JIT_E_SIZE, "accounts "
				    "times host groups are more than %d "
				    "principals", REQUEST_PRINCIPALS);
			JIT_TRY(join(store, v, 3,
			    &r->principals[r->n_principals++], why));
		}
	qsort(r->principals, r->n_principals, sizeof(r->principals[0]),
	    line_cmp);
	return JIT_OK;
}

/* A template with every "{person}" replaced. */
static enum jit_err
fill_person(struct request_store *store, struct span t, struct span person,
    struct span *ret, struct jit_why *why)
{
	static const char mark[] = "{person}";
	size_t begin = store->n, at = 0;
	struct span piece;

	while (at < t.n) {
		size_t end = at;

		while (end < t.n && (t.n - end < sizeof(mark) - 1 ||
		    memcmp(t.p + end, mark, sizeof(mark) - 1) != 0))
			end++;
		const struct span v[] = { SPAN(t.p + at, end - at),
		    end < t.n ? person : SPAN_NONE };

		JIT_TRY(join(store, v, 2, &piece, why));
		at = end < t.n ? end + sizeof(mark) - 1 : end;
	}
	*ret = SPAN(store->text + begin, store->n - begin);
	return JIT_OK;
}

static enum jit_err
fill_x509(const struct role *role, struct request *r,
    struct request_store *store, struct jit_why *why)
{
	const struct x509_profile *p = x509_profile_find(role->profile);
	char own[REQUEST_SAN_TEXT];
	const struct span san = SPAN(own, sizeof(own) - 1);

	if (p == NULL)
		return jit_fail(why, JIT_E_FORMAT, "no such profile");
	r->profile = role->profile;
	r->crl = role->crl;
	r->n_subject = role->subject.n;
	for (size_t i = 0; i < r->n_subject; i++)
		JIT_TRY(fill_person(store, role->subject.v[i], r->requester,
		    &r->subject[i], why));
	/* The name may sort elsewhere than "{person}"; "CN=" stays first. */
	qsort(r->subject, r->n_subject, sizeof(r->subject[0]), line_cmp);
	request_san(&r->id, own);
	r->n_sans = role->sans.n + 1;
	JIT_TRY(join(store, &san, 1, &r->sans[0], why));
	for (size_t i = 1; i < r->n_sans; i++)
		JIT_TRY(fill_person(store, role->sans.v[i - 1], r->requester,
		    &r->sans[i], why));
	qsort(r->sans, r->n_sans, sizeof(r->sans[0]), line_cmp);
	return x509_profile_check(p, r->subject, r->n_subject, r->sans,
	    r->n_sans, why);
}

enum jit_err
policy_fill_request(const struct policy *p, struct span role,
    struct request *r, struct request_store *store, struct jit_why *why)
{
	const struct block *b = policy_get(p, BLOCK_ROLE, role);
	char shown[64];

	if (b == NULL)
		return jit_fail(why, JIT_E_ROLE, "there is no role \"%s\"",
		    text_shown(role, shown, sizeof(shown)));
	store->n = 0;
	r->role = b->role.name;
	r->role_digest = b->digest;
	r->kind = b->role.kind;
	if (r->kind == KIND_X509)
		return fill_x509(&b->role, r, store, why);
	JIT_TRY(fill_principals(&b->role, r, store, why));
	r->n_options = b->role.options.n;
	for (size_t i = 0; i < r->n_options; i++)
		r->options[i] = b->role.options.v[i];
	return JIT_OK;
}

/* A pattern compiled, or JIT_E_FORMAT. */
static enum jit_err
compile(struct span pattern, regex_t *re, struct jit_why *why)
{
	char text[POLICY_PATTERN_MAX + 1], msg[128];
	int rc;

	if (pattern.n > POLICY_PATTERN_MAX)
		return jit_fail(why, JIT_E_FORMAT, "a pattern of %zu bytes, "
		    "accepted are at most %d", pattern.n, POLICY_PATTERN_MAX);
	memcpy(text, pattern.p, pattern.n);
	text[pattern.n] = '\0';
	if ((rc = regcomp(re, text, REG_EXTENDED | REG_NOSUB)) != 0) {
		(void)regerror(rc, re, msg, sizeof(msg));
		return jit_fail(why, JIT_E_FORMAT, "the pattern is no POSIX "
		    "extended regular expression: %s", msg);
	}
	return JIT_OK;
}

enum jit_err
pattern_check(struct span pattern, struct jit_why *why)
{
	regex_t re;

	/* GNU's \1 makes matching exponential: 500 bytes took 5 s. */
	for (size_t i = 0; i + 1 < pattern.n; i++) {
		if (pattern.p[i] != '\\')
			continue;
		if (pattern.p[i + 1] >= '1' && pattern.p[i + 1] <= '9')
			return jit_fail(why, JIT_E_FORMAT, "the pattern holds "
			    "a back-reference (\\%c)", pattern.p[i + 1]);
		i++;
	}
	JIT_TRY(compile(pattern, &re, why));
	regfree(&re);
	return JIT_OK;
}

enum jit_err
role_check_reason(const struct role *r, struct span reason,
    struct jit_why *why)
{
	char text[REASON_MAX + 1];
	regex_t re;
	int rc;

	if (reason.n == 0 && !r->reason_required && r->reason_pattern.n == 0)
		return JIT_OK;
	if (reason.n == 0)
		return jit_fail(why, JIT_E_REASON, "role %.*s needs a reason",
		    (int)r->name.n, (const char *)r->name.p);
	if (r->reason_pattern.n == 0)
		return JIT_OK;
	if (reason.n > REASON_MAX)
		return jit_fail(why, JIT_E_REASON, "the reason is too long");
	memcpy(text, reason.p, reason.n);
	text[reason.n] = '\0';
	JIT_TRY(compile(r->reason_pattern, &re, why));
	rc = regexec(&re, text, 0, NULL, 0);
	regfree(&re);
	if (rc != 0)
		return jit_fail(why, JIT_E_REASON, "role %.*s wants a reason "
		    "that matches %.*s", (int)r->name.n,
		    (const char *)r->name.p, (int)r->reason_pattern.n,
		    (const char *)r->reason_pattern.p);
	return JIT_OK;
}

bool
role_may_approve(const struct role *r, const struct person *who,
    struct span requester)
{
	return !span_eq(who->name, requester) &&
	    person_in(who, &r->approve_of);
}

size_t
policy_count_approvers(const struct policy *p, const struct role *r,
    struct span requester)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		n += p->v[i]->kind == BLOCK_PERSON &&
		    role_may_approve(r, &p->v[i]->person, requester) &&
		    !policy_is_locked(p, p->v[i]->name);
	return n;
}

enum jit_err
policy_digest(const struct policy *p, struct digest *ret)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(POLICY_BLOCKS_MAX * 32);

	for (size_t i = 0; i < p->n; i++)
		wr_span(&w, DIGEST_SPAN(p->v[i]->digest));
	JIT_TRY(w.err);
	return digest_sha256(wr_view(&w), ret);
}
