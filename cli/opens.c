/* opens - what an X.509 certificate is good for, in words. */
#include <string.h>

#include "ca/x509/cert.h"
#include "cli/opens.h"

bool
opens_is_grant(struct span san)
{
	const size_t n = sizeof(X509_GRANT_URI) - 1;

	return san.n > n && memcmp(san.p, X509_GRANT_URI, n) == 0;
}

/* "PostgreSQL: CN is what pg_ident.conf maps": what for, and what to know. */
static void
put_profile(struct wr *w, struct span name, const char **know)
{
	const struct x509_profile *p = x509_profile_find(name);
	const char *colon;

	*know = NULL;
	if (p == NULL) {
		wr_str(w, "UNKNOWN PROFILE ");
		wr_span(w, name);
		return;
	}
	wr_str(w, p->use == X509_USE_SERVER ? "TLS SERVER" : "TLS client");
	if ((colon = strstr(p->what, ": ")) == NULL)
		return;
	wr_str(w, " for ");
	wr_span(w, SPAN(p->what, (size_t)(colon - p->what)));
	*know = colon + 2;
}

void
opens_put_names(struct wr *w, const struct request *q)
{
	const char *know = NULL;
	size_t n = 0;

	put_profile(w, q->profile, &know);
	wr_str(w, " as ");
	for (size_t i = 0; i < q->n_subject; i++) {
		wr_str(w, i > 0 ? ", " : "");
		wr_span(w, q->subject[i]);
	}
	if (know != NULL)
		wr_fmt(w, " (%s)", know);
	for (size_t i = 0; i < q->n_sans; i++) {
		if (opens_is_grant(q->sans[i]))
			continue;
		wr_str(w, n++ == 0 ? "; also " : ", ");
		wr_span(w, q->sans[i]);
	}
}

void
opens_put_end(struct wr *w, const struct request *q)
{
	if (q->crl.n == 0) {
		wr_str(w, "cannot be revoked, ends by itself");
		return;
	}
	wr_str(w, "can be revoked, by the CRL at ");
	wr_span(w, q->crl);
}
