#include <stdlib.h>

#include <openssl/evp.h>

#include "ca/base/digest.h"
#include "ca/ssh/krl_int.h"

void
krl_free(struct krl *k)
{
	if (k == NULL)
		return;
	for (size_t i = 0; i < k->n_cas; i++) {
		krl_runs_done(&k->cas[i].serials);
		krl_set_done(&k->cas[i].ids);
	}
	krl_set_done(&k->keys);
	krl_set_done(&k->sha1s);
	krl_set_done(&k->sha256s);
	buf_done(&k->bytes);
	free(k);
}

uint64_t
krl_version(const struct krl *k)
{
	return k->version;
}

utc_s
krl_generated(const struct krl *k)
{
	return k->generated;
}

const struct krl_ca *
krl_ca_of(const struct krl *k, struct span key)
{
	for (size_t i = 0; i < k->n_cas; i++)
		if (span_eq(k->cas[i].key, key))
			return &k->cas[i];
	return NULL;
}

/* ---- asked ---- */

/* SHA-1 is here because the format has it: a name, not a proof. */
static bool
sha1_is_revoked(const struct krl *k, struct span blob)
{
	uint8_t md[20];

	if (k->sha1s.n == 0)
		return false;
	return EVP_Digest(blob.p, blob.n, md, NULL, EVP_sha1(), NULL) != 1 ||
	    krl_set_has(&k->sha1s, SPAN(md, sizeof(md)));
}

static bool
sha256_is_revoked(const struct krl *k, struct span blob)
{
	struct digest d;

	if (k->sha256s.n == 0)
		return false;
	return digest_sha256(blob, &d) != JIT_OK ||
	    krl_set_has(&k->sha256s, DIGEST_SPAN(d));
}

static bool
key_is_revoked(const struct krl *k, const struct ssh_key *key)
{
	struct span blob = ssh_key_blob(key);

	return sha1_is_revoked(k, blob) || sha256_is_revoked(k, blob) ||
	    krl_set_has(&k->keys, blob);
}

static bool
cert_is_revoked(const struct krl_ca *ca, uint64_t serial, struct span key_id)
{
	if (ca == NULL)
		return false;
	return krl_set_has(&ca->ids, key_id) ||
	    (serial != 0 && krl_runs_has(&ca->serials, serial));
}

bool
krl_is_revoked(const struct krl *k, const struct ssh_key *ca, uint64_t serial,
    struct span key_id, const struct ssh_key *subject)
{
	if (key_is_revoked(k, subject))
		return true;
	if (ca == NULL)
		return false;
	return cert_is_revoked(krl_ca_of(k, ssh_key_blob(ca)), serial,
	    key_id) ||
	    cert_is_revoked(krl_ca_of(k, SPAN_NONE), serial, key_id) ||
	    key_is_revoked(k, ca);
}

/* ---- compared ---- */

static enum jit_err
differs(struct jit_why *why, const char *what)
{
	return jit_fail(why, JIT_E_VERIFY, "the revocation list's %s not "
	    "what was to be written", what);
}

/*
 * Exactly those serials, which ascend, each once: when a run's first and last
 * stand as far apart in the array as in the run, all between them are there.
 */
static bool
runs_are(const struct krl_runs *r, const uint64_t *serials, size_t n)
{
	size_t at = 0;

	for (size_t i = 0; i < r->n; i++) {
		uint64_t more = r->v[i].hi - r->v[i].lo;

		if (at == n || more >= n - at ||
		    serials[at] != r->v[i].lo ||
		    serials[at + (size_t)more] != r->v[i].hi)
			return false;
		at += (size_t)more + 1;
	}
	return at == n;
}

static enum jit_err
check_section(const struct krl *k, const struct krl_section *s,
    struct jit_why *why)
{
	static const struct krl_ca none;
	JIT_DONE(krl_set_done) struct krl_set ids = { NULL, 0, 0 };
	const struct krl_ca *ca = krl_ca_of(k, ssh_key_blob(s->ca));

	if (ca == NULL)
		ca = &none;
	if (!runs_are(&ca->serials, s->serials, s->n_serials))
		return differs(why, "serials are");
	JIT_TRY(krl_set_of_ids(&ids, s));
	return krl_set_eq(&ca->ids, &ids) ? JIT_OK :
	    differs(why, "key ids are");
}

/* Every CA of which k revokes something is one of s. */
static bool
no_other_ca(const struct krl *k, const struct krl_spec *s)
{
	for (size_t i = 0; i < k->n_cas; i++) {
		const struct krl_ca *ca = &k->cas[i];
		size_t j;

		for (j = 0; j < s->n_sections; j++)
			if (span_eq(ssh_key_blob(s->sections[j].ca), ca->key))
				break;
		if (j == s->n_sections && (ca->serials.n > 0 ||
		    ca->ids.n > 0))
			return false;
	}
	return true;
}

enum jit_err
krl_check_is(const struct krl *k, const struct krl_spec *s,
    struct jit_why *why)
{
	JIT_DONE(krl_set_done) struct krl_set keys = { NULL, 0, 0 };

	JIT_TRY(krl_spec_check(s, why));
	if (k->version != s->version)
		return differs(why, "version is");
	if (k->generated != s->generated)
		return differs(why, "time is");
	if (!span_eq(k->comment, s->comment))
		return differs(why, "comment is");
	for (size_t i = 0; i < s->n_sections; i++)
		JIT_TRY(check_section(k, &s->sections[i], why));
	if (!no_other_ca(k, s))
		return differs(why, "CAs are");
	JIT_TRY(krl_set_of_keys(&keys, s));
	if (!krl_set_eq(&k->keys, &keys))
		return differs(why, "keys are");
	if (k->sha1s.n > 0 || k->sha256s.n > 0)
		return differs(why, "hashes of keys are");
	return JIT_OK;
}

static enum jit_err
read_back(struct span bytes, const struct krl_spec *s, struct jit_why *why)
{
	JIT_SCOPED(krl_free) struct krl *k = NULL;

	JIT_TRY(krl_parse(bytes, &k, why));
	return krl_check_is(k, s, why);
}

enum jit_err
krl_make(struct wr *w, const struct krl_spec *s, struct jit_why *why)
{
	size_t before = w->n;
	enum jit_err e = krl_put(w, s, why);

	if (e == JIT_OK)
		e = read_back(SPAN(w->p + before, w->n - before), s, why);
	if (e != JIT_OK)
		w->n = before;
	return e;
}
