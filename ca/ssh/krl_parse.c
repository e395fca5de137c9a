#include <stdlib.h>
#include <string.h>

#include "ca/base/text.h"
#include "ca/ssh/krl_int.h"
#include "ca/ssh/mpint.h"

/* The list that is read, and what it may still hold. */
struct reading {
	struct krl *k;
	size_t runs_left;
	struct jit_why *why;
};

static enum jit_err
bad(struct reading *g, const char *what)
{
	return jit_fail(g->why, JIT_E_FORMAT, "revocation list: %s", what);
}

static enum jit_err
add_run(struct reading *g, struct krl_ca *ca, uint64_t lo, uint64_t hi)
{
	enum jit_err e;

	if (lo == 0)
		return bad(g, "serial 0 is revoked, which means nothing");
	e = krl_runs_add(&ca->serials, lo, hi, &g->runs_left);
	return e != JIT_E_SIZE ? e : jit_fail(g->why, e, "revocation list: "
	    "accepted are at most %zu runs of serials", KRL_RUNS_MAX);
}

/* ---- what a certificates section holds ---- */

static enum jit_err
read_list(struct reading *g, struct krl_ca *ca, struct rd *r)
{
	while (r->n > 0) {
		uint64_t serial = rd_u64(r);

		if (r->err == JIT_OK)
			JIT_TRY(add_run(g, ca, serial, serial));
	}
	return JIT_OK;
}

static enum jit_err
read_range(struct reading *g, struct krl_ca *ca, struct rd *r)
{
	uint64_t lo = rd_u64(r), hi = rd_u64(r);

	if (r->err != JIT_OK)
		return JIT_OK;		/* the caller looks at r */
	if (lo > hi)
		return bad(g, "a range that ends before it begins");
	return add_run(g, ca, lo, hi);
}

static enum jit_err
read_bitmap(struct reading *g, struct krl_ca *ca, struct rd *r)
{
	uint64_t offset = rd_u64(r);
	struct span map = rd_mpint(r, KRL_BITMAP_BITS / 8);

	if (r->err != JIT_OK)
		return bad(g, "a bitmap that is empty, above 16,384 bits or "
		    "no minimal mpint");
	for (size_t i = 0; i < map.n; i++)
		for (unsigned bit = 0; map.p[map.n - 1 - i] >> bit != 0;
		    bit++) {
			uint64_t serial = offset + 8 * i + bit;

			if (!(map.p[map.n - 1 - i] >> bit & 1))
				continue;
			if (serial < offset)
				return bad(g, "a bitmap that passes the "
				    "largest serial");
			JIT_TRY(add_run(g, ca, serial, serial));
		}
	return JIT_OK;
}

static enum jit_err
read_ids(struct reading *g, struct krl_ca *ca, struct rd *r)
{
	(void)g;
	while (r->n > 0) {
		struct span id = rd_cstring(r, r->n);

		if (r->err == JIT_OK)
			JIT_TRY(krl_set_add(&ca->ids, id));
	}
	return JIT_OK;
}

/* None is known: what is critical is refused, the others say nothing. */
static enum jit_err
read_extension(struct reading *g, struct rd *r)
{
	struct span name = rd_cstring(r, r->n);
	uint8_t critical = rd_u8(r);
	char shown[64];

	(void)rd_string(r, r->n);
	if (r->err != JIT_OK || critical == 0)
		return JIT_OK;
	return jit_fail(g->why, JIT_E_FORMAT, "revocation list: unknown "
	    "critical extension \"%s\"",
	    text_shown(name, shown, sizeof(shown)));
}

static enum jit_err
read_cert_extension(struct reading *g, struct krl_ca *ca, struct rd *r)
{
	(void)ca;
	return read_extension(g, r);
}

/* ---- sections ---- */

static const struct {
	uint8_t type;
	const char *name;
	enum jit_err (*read)(struct reading *, struct krl_ca *, struct rd *);
} cert_types[] = {
	{ KRL_LIST, "list of serials", read_list },
	{ KRL_RANGE, "range", read_range },
	{ KRL_BITMAP, "bitmap", read_bitmap },
	{ KRL_IDS, "list of key ids", read_ids },
	{ KRL_CERT_EXTENSION, "extension", read_cert_extension },
};
#define CERT_TYPES (sizeof(cert_types) / sizeof(cert_types[0]))

static enum jit_err
read_cert_type(struct reading *g, struct krl_ca *ca, uint8_t type,
    struct span s)
{
	struct rd r = rd_of(s);
	size_t i;

	for (i = 0; i < CERT_TYPES && cert_types[i].type != type; i++)
		;
	if (i == CERT_TYPES)
		return jit_fail(g->why, JIT_E_FORMAT, "revocation list: "
		    "unknown certificates section 0x%02x", type);
	if (s.n == 0)
		return bad(g, "an empty certificates section");
	JIT_TRY(cert_types[i].read(g, ca, &r));
	return rd_end(&r) == JIT_OK ? JIT_OK : jit_fail(g->why, JIT_E_FORMAT,
	    "revocation list: malformed %s", cert_types[i].name);
}

/* The CA of that blob; one that is new must have a key that is one. */
static enum jit_err
ca_for(struct reading *g, struct span key, struct krl_ca **ret)
{
	JIT_SCOPED(ssh_key_free) struct ssh_key *parsed = NULL;
	struct krl *k = g->k;

	for (size_t i = 0; i < k->n_cas; i++)
		if (span_eq(k->cas[i].key, key)) {
			*ret = &k->cas[i];
			return JIT_OK;
		}
	if (k->n_cas == KRL_CAS_MAX)
		return jit_fail(g->why, JIT_E_SIZE, "revocation list: "
		    "accepted are at most %zu CAs", KRL_CAS_MAX);
	if (key.n > 0)
		JIT_TRY(ssh_key_parse(key, &parsed, g->why));
	k->cas[k->n_cas].key = key;
	*ret = &k->cas[k->n_cas++];
	return JIT_OK;
}

static enum jit_err
read_certificates(struct reading *g, struct rd *r)
{
	struct span key = rd_string(r, SSH_BLOB_MAX);
	struct krl_ca *ca = NULL;

	(void)rd_string(r, r->n);
	if (r->err != JIT_OK)
		return bad(g, "a certificates section without a CA key");
	JIT_TRY(ca_for(g, key, &ca));
	while (r->n > 0) {
		uint8_t type = rd_u8(r);
		struct span s = rd_string(r, r->n);

		if (r->err == JIT_OK)
			JIT_TRY(read_cert_type(g, ca, type, s));
	}
	return JIT_OK;
}

/* Strings of size bytes each, or of any when size is 0. */
static enum jit_err
read_set(struct reading *g, struct krl_set *set, size_t size, struct rd *r)
{
	if (r->n == 0)
		return bad(g, "an empty section of keys");
	while (r->n > 0) {
		struct span s = rd_string(r, r->n);

		if (s.n == 0 || (size > 0 && s.n != size))
			return bad(g, "a key or hash of the wrong length");
		JIT_TRY(krl_set_add(set, s));
	}
	return JIT_OK;
}

static enum jit_err
read_section(struct reading *g, uint8_t type, struct rd *r)
{
	switch (type) {
	case KRL_CERTIFICATES:
		return read_certificates(g, r);
	case KRL_KEYS:
		return read_set(g, &g->k->keys, 0, r);
	case KRL_SHA1:
		return read_set(g, &g->k->sha1s, 20, r);
	case KRL_SHA256:
		return read_set(g, &g->k->sha256s, 32, r);
	case KRL_EXTENSION:
		return read_extension(g, r);
	case KRL_SIGNATURE:
		return bad(g, "a signature inside, which OpenSSH 9.4 and "
		    "newer refuse");
	default:
		return jit_fail(g->why, JIT_E_FORMAT, "revocation list: "
		    "unknown section %u", type);
	}
}

/* ---- the whole ---- */

static enum jit_err
read_header(struct reading *g, struct rd *r)
{
	uint64_t magic = rd_u64(r), generated, flags;
	uint32_t format = rd_u32(r);

	if (r->err != JIT_OK || magic != KRL_MAGIC)
		return bad(g, "it does not begin as one");
	if (format != KRL_FORMAT)
		return jit_fail(g->why, JIT_E_FORMAT, "revocation list: "
		    "format %u, accepted is 1", format);
	g->k->version = rd_u64(r);
	generated = rd_u64(r);
	flags = rd_u64(r);
	(void)rd_string(r, r->n);
	g->k->comment = rd_cstring(r, r->n);
	if (r->err != JIT_OK)
		return bad(g, "cut short in its header");
	if (generated > (uint64_t)UTC_MAX)
		return bad(g, "generated after the year 9999");
	if (flags != 0)
		return bad(g, "flags are set, and none is defined");
	g->k->generated = (utc_s)generated;
	return JIT_OK;
}

static enum jit_err
read_all(struct reading *g)
{
	struct rd r = rd_of(BUF_SPAN(g->k->bytes));

	JIT_TRY(read_header(g, &r));
	while (r.n > 0) {
		uint8_t type = rd_u8(&r);
		struct rd in = rd_of(rd_string(&r, r.n));

		/* Before the cut: a signature has no length that covers it. */
		if (r.err != JIT_OK && type != KRL_SIGNATURE)
			return bad(g, "cut short in a section");
		JIT_TRY(read_section(g, type, &in));
		if (rd_end(&in) != JIT_OK)
			return jit_fail(g->why, JIT_E_FORMAT, "revocation "
			    "list: malformed section %u", type);
	}
	return JIT_OK;
}

enum jit_err
krl_parse(struct span s, struct krl **ret, struct jit_why *why)
{
	JIT_SCOPED(krl_free) struct krl *k = NULL;
	struct reading g = { NULL, KRL_RUNS_MAX, why };

	if (s.n > KRL_MAX)
		return jit_fail(why, JIT_E_SIZE, "a revocation list of %zu "
		    "bytes, accepted are at most %zu", s.n, KRL_MAX);
	if ((k = calloc(1, sizeof(*k))) == NULL)
		return JIT_E_NOMEM;
	JIT_TRY(buf_copy(&k->bytes, s));
	g.k = k;
	JIT_TRY(read_all(&g));
	krl_set_settle(&k->keys);
	krl_set_settle(&k->sha1s);
	krl_set_settle(&k->sha256s);
	for (size_t i = 0; i < k->n_cas; i++) {
		krl_runs_settle(&k->cas[i].serials);
		krl_set_settle(&k->cas[i].ids);
	}
	*ret = k;
	k = NULL;
	return JIT_OK;
}
