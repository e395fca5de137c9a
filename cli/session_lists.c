/* session_lists - KRL and CRL: whole, and as their CA signed them. */
#include <string.h>

#include "ca/ssh/krl.h"
#include "ca/x509/crl.h"
#include "ca/x509/key.h"
#include "cli/session_int.h"

#define LIST_MAX X509_CRL_MAX	/* bytes; a KRL has fewer */
#define LIST_TRIES 3		/* lists that a newer one came in between */

/* A list as its pieces come. */
struct gathered {
	struct wr bytes;
	struct buf sig;			/* owned */
	struct list_facts facts;
	uint64_t total;
};

static void
gathered_done(struct gathered *g)
{
	wr_done(&g->bytes);
	buf_done(&g->sig);
}
JIT_SCOPED_OBJ(struct gathered, gathered_done);

static enum jit_err
begin(struct gathered *g, const struct published *p, struct jit_why *why)
{
	if (p->total == 0 || p->total > LIST_MAX)
		return jit_fail(why, JIT_E_VERIFY, "a list of %llu bytes",
		    (unsigned long long)p->total);
	g->facts = (struct list_facts){ p->number, p->made, p->next };
	g->total = p->total;
	return buf_copy(&g->sig, p->sig);
}

/* All of one list; *torn: a newer one was made between two pieces. */
static enum jit_err
gather(struct session *s, const char *name, struct gathered *g, bool *torn,
    struct jit_why *why)
{
	struct published p;

	do {
		JIT_TRY(client_published(s->client, span_str(name),
		    g->bytes.n, &p, why));
		if (g->bytes.n == 0)
			JIT_TRY(begin(g, &p, why));
		*torn = p.number != g->facts.number || p.total != g->total;
		if (*torn)
			return JIT_OK;
		if (p.bytes.n == 0 || p.bytes.n > g->total - g->bytes.n)
			return jit_fail(why, JIT_E_VERIFY, "a piece of %zu "
			    "bytes of a list of %llu", p.bytes.n,
			    (unsigned long long)g->total);
		wr_span(&g->bytes, p.bytes);
		JIT_TRY(g->bytes.err);
	} while (g->bytes.n < g->total);
	return JIT_OK;
}

/* Signed apart by an SSH user CA, and one that sshd can read. */
static enum jit_err
check_krl(const struct gathered *g, const struct ca_keys *keys,
    struct jit_why *why)
{
	JIT_DONE(signer_done) struct signer by = { .key = NULL };
	JIT_SCOPED(krl_free) struct krl *krl = NULL;
	const struct ca_key *ca;

	JIT_TRY(signer_open(BUF_SPAN(g->sig), NS_KRL, wr_view(&g->bytes), &by,
	    why));
	ca = ca_keys_find(keys, by.key);
	if (ca == NULL || ca->use != CA_SSH_USER)
		return jit_fail(why, JIT_E_SIG, "the KRL is signed by another "
		    "key than a CA's");
	JIT_TRY(krl_parse(wr_view(&g->bytes), &krl, why));
	return krl_version(krl) == g->facts.number ? JIT_OK : jit_fail(why,
	    JIT_E_VERIFY, "the KRL has another number than was said");
}

/* By whichever CA is published; by the active one where that was asked. */
static enum jit_err
check_crl(const struct gathered *g, const char *name,
    const struct ca_keys *keys, struct jit_why *why)
{
	JIT_SCOPED(crl_free) struct crl *crl = NULL;
	const struct ca_key *active = ca_keys_active(keys, CA_X509);
	bool any = strcmp(name, PUBLISHED_CRL) != 0;
	enum jit_err e = JIT_E_VERIFY;

	JIT_TRY(crl_parse(wr_view(&g->bytes), &crl, why));
	if (crl_fields(crl)->number != g->facts.number)
		return jit_fail(why, JIT_E_VERIFY, "the CRL has another "
		    "number than was said");
	for (size_t i = 0; i < keys->n && e != JIT_OK; i++) {
		const struct ca_key *k = &keys->v[i];
		char hex[2 * X509_SKI_LEN + 1] = "";
		struct span ski;

		if (k->use != CA_X509 || (!any && k != active))
			continue;
		ski = x509_ca_ski(k->ca);
		if (ski.n == X509_SKI_LEN)
			hex_text(ski, hex);
		if (any && strcmp(name + strlen(PUBLISHED_CRL_OF), hex) != 0)
			continue;
		e = crl_verify(crl, k->ca, why);
	}
	return e == JIT_OK ? e : jit_fail(why, JIT_E_VERIFY, "the CRL is not "
	    "that CA's");
}

enum jit_err
session_list_of(struct session *s, const char *name, struct buf *ret,
    struct buf *sig, struct list_facts *facts, struct jit_why *why)
{
	JIT_DONE(gathered_done) struct gathered g = {
		.bytes = WR_INIT(LIST_MAX) };
	const struct own_keys *own = NULL;
	bool torn = true, krl = strcmp(name, PUBLISHED_KRL) == 0;

	if (!krl && strcmp(name, PUBLISHED_CRL) != 0 && strncmp(name,
	    PUBLISHED_CRL_OF, strlen(PUBLISHED_CRL_OF)) != 0)
		return JIT_E_ARG;
	JIT_TRY(session_keys(s, &own, why));
	for (int i = 0; torn && i < LIST_TRIES; i++) {
		gathered_done(&g);
		g = (struct gathered){ .bytes = WR_INIT(LIST_MAX) };
		JIT_TRY(gather(s, name, &g, &torn, why));
	}
	if (torn)
		return jit_fail(why, JIT_E_BUSY, "the list changes faster "
		    "than it can be read");
	JIT_TRY(client_untrue(krl ? check_krl(&g, own->ca, why) :
	    check_crl(&g, name, own->ca, why), why));
	JIT_TRY(wr_take(&g.bytes, ret));
	if (facts != NULL)
		*facts = g.facts;
	if (sig != NULL) {
		*sig = g.sig;
		g.sig = (struct buf){ NULL, 0 };
	}
	return JIT_OK;
}
