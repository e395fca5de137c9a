/*
 * verify: every profile under every type of CA key, one level and two, judged
 * by openssl and GnuTLS' certtool at the second before, of and after both
 * ends (case 52).
 *
 * openssl takes notAfter itself (before - 1) for expired, certtool does not;
 * neither takes before.
 */
#include <stdio.h>
#include <string.h>

#include "tests/ca/x509/pki.h"

static const struct moment {
	const char *name;
	utc_s at;
	bool openssl, certtool;
} moments[] = {
	{ "the second before the start", PKI_FROM - 1, false, false },
	{ "the first second", PKI_FROM, true, true },
	{ "the second second", PKI_FROM + 1, true, true },
	{ "two before the end", PKI_FROM + 3598, true, true },
	{ "the last second", PKI_FROM + 3599, false, true },
	{ "the end", PKI_FROM + 3600, false, false },
	{ "one after the end", PKI_FROM + 3601, false, false },
};

static void
judge(const struct pki *p, const struct pki_leaf *l,
    const struct ssh_key *subject, const char *what)
{
	JIT_DONE(buf_done) struct buf der = pki_cert(p, l, subject);
	const char *leaf = pki_file("leaf.pem", "CERTIFICATE", BUF_SPAN(der));
	bool server = l->f.profile->use == X509_USE_SERVER;
	const char *good = server ? "sslserver" : "sslclient";
	const char *other = server ? "sslclient" : "sslserver";

	for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
		const struct moment *m = &moments[i];

		if (pki_openssl(p, leaf, good, m->at, NULL) != m->openssl)
			fail_msg("openssl, %s: %s", what, m->name);
		if (pki_certtool(p, leaf, good, m->at, NULL) != m->certtool)
			fail_msg("certtool, %s: %s", what, m->name);
	}
	if (pki_openssl(p, leaf, other, PKI_FROM, NULL) ||
	    pki_certtool(p, leaf, other, PKI_FROM, NULL))
		fail_msg("%s is good for %s as well", what, other);
}

static void
every_profile(void **state)
{
	const struct x509_profile *const *p = *state;
	struct pki_leaf l;

	pki_leaf(&l, (*p)->name);
	judge(pki(SSH_ECDSA_P256, true), &l, pki_pub(SSH_ECDSA_P256, 2),
	    (*p)->name);
}

static void
every_key(void **state)
{
	const struct pki_type *t = *state;
	struct pki_leaf l;

	pki_leaf(&l, "server");
	judge(pki(t->t, false), &l, pki_pub(SSH_ECDSA_P256, 2), t->name);
	pki_leaf(&l, "client");
	l.f.crl_url = span_str("http://pki.example.com/ca.crl");
	judge(pki(t->t, true), &l, pki_pub(t->t, 2), t->name);
}

int
main(void)
{
	struct { const char *name; const struct x509_profile *p; } rows[32];
	int failed = 0;

	for (size_t i = 0; x509_profile_at(i) != NULL; i++) {
		const struct x509_profile *p = x509_profile_at(i);
		struct CMUnitTest t = { .name = p->name,
		    .test_func = every_profile };

		rows[i].name = p->name;
		rows[i].p = p;
		t.initial_state = &rows[i].p;
		failed += _cmocka_run_group_tests("profile", &t, 1, NULL,
		    NULL);
	}
	failed += JT_ROWS("key", every_key, pki_types);
	return failed;
}
