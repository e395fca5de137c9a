#include <stdlib.h>
#include <string.h>

#include "ca/grant/policy.h"
#include "ca/ssh/opts.h"
#include "ca/x509/profile.h"

static const char *const kinds[BLOCK_KINDS] = {
	[BLOCK_SETTINGS] = "settings", [BLOCK_ADMINS] = "admins",
	[BLOCK_PERSON] = "person", [BLOCK_HOST] = "host",
	[BLOCK_HOST_GROUP] = "host-group", [BLOCK_ROLE] = "role",
};

#define HOSTS_MAX 1024

const char *
block_kind_name(enum block_kind k)
{
	return kinds[k];
}

/* At least one, or the cursor fails. */
static void
need_one(struct lines *l, const char *name, size_t n)
{
	if (l->err == JIT_OK && n == 0)
		lines_fail(l, JIT_E_FORMAT, "at least one %s is needed", name);
}

static void
read_names(struct lines *l, const char *name, struct names *ret, size_t max)
{
	ret->n = lines_names(l, name, ret->v, max);
}

/* "key: type base64" lines, strictly ascending. */
static size_t
read_keys(struct lines *l, struct ssh_key *keys[16])
{
	struct span v[16], comment;
	size_t n = lines_list(l, "key", v, 16), i;

	for (i = 0; i < n && l->err == JIT_OK; i++) {
		struct jit_why why = { 0 };
		enum jit_err e = ssh_key_parse_line(v[i], &keys[i], &comment,
		    &why);

		if (e != JIT_OK) {
			lines_fail(l, e, "key: %s", jit_why_text(&why, e));
			return i;
		}
		if (comment.n > 0)
			lines_fail(l, JIT_E_CANON, "key: a comment stands "
			    "behind it");
	}
	return i;
}

static void
read_settings(struct lines *l, struct block *b)
{
	b->settings.log = lines_ascii(l, "log");
	/* What a signed note's name may be. */
	if (l->err == JIT_OK && (b->settings.log.n > 128 ||
	    memchr(b->settings.log.p, ' ', b->settings.log.n) != NULL ||
	    memchr(b->settings.log.p, '+', b->settings.log.n) != NULL))
		lines_fail(l, JIT_E_FORMAT, "log: accepted are at most 128 "
		    "characters without space and +");
	b->settings.rsa_min = (unsigned)lines_uint(l, "rsa-min", 8192);
	if (l->err == JIT_OK && b->settings.rsa_min < 2048)
		lines_fail(l, JIT_E_FORMAT, "rsa-min: accepted are 2048 to "
		    "8192");
}

static void
read_admins(struct lines *l, struct block *b)
{
	b->admins.need = (unsigned)lines_uint(l, "need", 16);
	need_one(l, "need", b->admins.need);
	read_names(l, "of", &b->admins.of, 32);
	need_one(l, "of", b->admins.of.n);
}

static void
read_person(struct lines *l, struct block *b)
{
	b->name = b->person.name = lines_name(l, "name");
	read_names(l, "group", &b->person.groups, 32);
	b->person.n_keys = read_keys(l, b->person.keys);
	need_one(l, "key", b->person.n_keys);
}

/* What ssh may be given as an address: no space, no option, no shell. */
static bool
is_address(struct span s)
{
	if (s.n < 1 || s.n > 253 || s.p[0] == '-')
		return false;
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		    c == '.' || c == '-' || c == ':'))
			return false;
	}
	return true;
}

static void
read_host(struct lines *l, struct block *b)
{
	b->name = b->host.name = lines_name(l, "name");
	b->host.address = lines_ascii(l, "address");
	if (l->err == JIT_OK && !is_address(b->host.address))
		lines_fail(l, JIT_E_FORMAT, "address: accepted is a name or "
		    "an IP address of a-z 0-9 . - :");
	b->host.port = (unsigned)lines_uint(l, "port", 65535);
	need_one(l, "port", b->host.port);
	b->host.n_keys = read_keys(l, b->host.keys);
}

/*
 * A host group's name has no dot, so that a principal's last dot ends its
 * account: else "a.b" in "c" and "a" in "b.c" would be one principal.
 */
static void
no_dot(struct lines *l, struct span group)
{
	if (l->err == JIT_OK && memchr(group.p, '.', group.n) != NULL)
		lines_fail(l, JIT_E_FORMAT, "host group \"%.*s\": a dot is "
		    "not accepted here", (int)group.n, (const char *)group.p);
}

static void
read_host_group(struct lines *l, struct block *b)
{
	b->name = b->host_group.name = lines_name(l, "name");
	no_dot(l, b->name);
	b->host_group.hosts = calloc(HOSTS_MAX, sizeof(struct span));
	if (b->host_group.hosts == NULL) {
		lines_fail(l, JIT_E_NOMEM, "out of memory");
		return;
	}
	b->host_group.n = lines_names(l, "host", b->host_group.hosts,
	    HOSTS_MAX);
	need_one(l, "host", b->host_group.n);
}

/* Lists of proof sets: a mask; the order is that of their names. */
static unsigned
read_proofs(struct lines *l, const char *name)
{
	struct span v[PROOF_SETS];
	size_t n = lines_list(l, name, v, PROOF_SETS);
	unsigned mask = 0;

	need_one(l, name, n);
	for (size_t i = 0; i < n && l->err == JIT_OK; i++) {
		struct jit_why why = { 0 };
		enum proof_set p = PROOF_SSHSIG;
		enum jit_err e = proof_parse(v[i], &p, &why);

		if (e != JIT_OK)
			lines_fail(l, e, "%s", why.msg);
		mask |= 1u << p;
	}
	return mask;
}

static void
read_options(struct lines *l, struct names *ret)
{
	ret->n = lines_list(l, "option", ret->v, REQUEST_OPTIONS);
	for (size_t i = 0; i < ret->n && l->err == JIT_OK; i++) {
		struct jit_why why = { 0 };
		struct ssh_opt o, other;

		if (ssh_opt_parse(ret->v[i], &o, &why) != JIT_OK)
			lines_fail(l, JIT_E_FORMAT, "option: %s", why.msg);
		for (size_t k = 0; k < i && l->err == JIT_OK; k++)
			if (ssh_opt_parse(ret->v[k], &other, NULL) == JIT_OK &&
			    span_eq(o.name, other.name))
				lines_fail(l, JIT_E_FORMAT, "option %.*s "
				    "stands twice", (int)o.name.n,
				    (const char *)o.name.p);
	}
}

static void
read_reason(struct lines *l, struct role *r)
{
	struct span v = lines_value(l, "reason");
	struct jit_why why = { 0 };

	r->reason_required = span_eq_str(v, "required");
	if (l->err == JIT_OK && !r->reason_required &&
	    !span_eq_str(v, "optional"))
		lines_fail(l, JIT_E_FORMAT, "reason: accepted is required or "
		    "optional");
	r->reason_pattern = lines_plain(l, "reason-pattern",
	    POLICY_PATTERN_MAX);
	if (l->err == JIT_OK && r->reason_pattern.n > 0 &&
	    pattern_check(r->reason_pattern, &why) != JIT_OK)
		lines_fail(l, JIT_E_FORMAT, "%s", why.msg);
}

static void
read_ssh_role(struct lines *l, struct role *r)
{
	read_names(l, "account", &r->accounts, 16);
	need_one(l, "account", r->accounts.n);
	read_names(l, "host-group", &r->host_groups, 16);
	need_one(l, "host-group", r->host_groups.n);
	for (size_t i = 0; i < r->host_groups.n; i++)
		no_dot(l, r->host_groups.v[i]);
	read_options(l, &r->options);
}

/* What "{person}" makes of it is judged when the policy is whole. */
static void
read_x509_role(struct lines *l, struct role *r)
{
	char shown[64];

	if (!span_eq_str(lines_value(l, "kind"), "x509"))
		lines_fail(l, JIT_E_FORMAT, "kind: accepted is x509; a role "
		    "for SSH has none");
	r->kind = KIND_X509;
	r->profile = lines_name(l, "profile");
	if (l->err == JIT_OK && x509_profile_find(r->profile) == NULL)
		lines_fail(l, JIT_E_FORMAT, "profile: there is no \"%s\"",
		    text_shown(r->profile, shown, sizeof(shown)));
	r->subject.n = lines_list(l, "subject", r->subject.v,
	    REQUEST_SUBJECT);
	need_one(l, "subject", r->subject.n);
	r->sans.n = lines_list(l, "san", r->sans.v, REQUEST_SANS - 1);
	r->crl = lines_plain(l, "crl", REQUEST_CRL_MAX);
	if (l->err == JIT_OK && r->crl.n > 0 && !request_crl_ok(r->crl))
		lines_fail(l, JIT_E_FORMAT, "crl: accepted is an http or "
		    "https URL of at most %d bytes", REQUEST_CRL_MAX);
}

static void
read_role(struct lines *l, struct block *b)
{
	struct role *r = &b->role;

	b->name = r->name = lines_name(l, "name");
	if (lines_more(l, "kind"))
		read_x509_role(l, r);
	else
		read_ssh_role(l, r);
	r->max = lines_dur(l, "max");
	r->horizon = lines_dur(l, "horizon");
	r->skew = lines_dur_or_none(l, "skew");
	read_reason(l, r);
	read_names(l, "request-of", &r->request_of, 32);
	need_one(l, "request-of", r->request_of.n);
	r->request_proofs = read_proofs(l, "request-proof");
	r->need = (unsigned)lines_uint(l, "need", 16);
	need_one(l, "need", r->need);
	read_names(l, "approve-of", &r->approve_of, 32);
	need_one(l, "approve-of", r->approve_of.n);
	r->approve_proofs = read_proofs(l, "approve-proof");
	read_names(l, "read", &r->read, 32);
	if (l->err == JIT_OK && r->max > r->horizon)
		lines_fail(l, JIT_E_FORMAT, "max is longer than horizon");
	if (l->err == JIT_OK && r->skew > 60)
		lines_fail(l, JIT_E_FORMAT, "skew: accepted are at most 60s");
}

static void (*const readers[BLOCK_KINDS])(struct lines *, struct block *) = {
	[BLOCK_SETTINGS] = read_settings, [BLOCK_ADMINS] = read_admins,
	[BLOCK_PERSON] = read_person, [BLOCK_HOST] = read_host,
	[BLOCK_HOST_GROUP] = read_host_group, [BLOCK_ROLE] = read_role,
};

/* The kind that the first line names, or BLOCK_KINDS. */
static enum block_kind
kind_of(struct span bytes)
{
	for (int k = 0; k < BLOCK_KINDS; k++)
		if (lines_open(bytes, kinds[k], NULL).err == JIT_OK)
			return (enum block_kind)k;
	return BLOCK_KINDS;
}

enum jit_err
block_parse(struct span bytes, struct block **ret, struct jit_why *why)
{
	JIT_SCOPED(block_free) struct block *b = calloc(1, sizeof(*b));
	struct lines l;

	if (b == NULL)
		return JIT_E_NOMEM;
	if (bytes.n > POLICY_BLOCK_MAX)
		return jit_fail(why, JIT_E_SIZE, "a block of %zu bytes, "
		    "accepted are at most %d", bytes.n, POLICY_BLOCK_MAX);
	if ((b->kind = kind_of(bytes)) == BLOCK_KINDS)
		return jit_fail(why, JIT_E_FORMAT, "not a policy block");
	JIT_TRY(buf_copy(&b->bytes, bytes));
	JIT_TRY(digest_sha256(bytes, &b->digest));
	l = lines_open(BUF_SPAN(b->bytes), kinds[b->kind], why);
	readers[b->kind](&l, b);
	JIT_TRY(lines_end(&l));
	*ret = b;
	b = NULL;
	return JIT_OK;
}

static void
free_keys(struct ssh_key *const keys[16])
{
	for (size_t i = 0; i < 16; i++)
		ssh_key_free(keys[i]);
}

void
block_free(struct block *b)
{
	if (b == NULL)
		return;
	if (b->kind == BLOCK_PERSON)
		free_keys(b->person.keys);
	else if (b->kind == BLOCK_HOST)
		free_keys(b->host.keys);
	else if (b->kind == BLOCK_HOST_GROUP)
		free(b->host_group.hosts);
	buf_done(&b->bytes);
	free(b);
}
