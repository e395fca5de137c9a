#include "ca/base/text.h"
#include "ca/x509/cert.h"
#include "ca/x509/profile.h"

#include <string.h>

static const struct x509_profile rows[] = {
#define X(n, name, use, max_o, kinds, need, what)			\
	{ name, X509_USE_##use, max_o, kinds, need, what },
#include "ca/x509/profile.def"
#undef X
};

const struct x509_profile *
x509_profile_at(size_t i)
{
	return i < sizeof(rows) / sizeof(rows[0]) ? &rows[i] : NULL;
}

const struct x509_profile *
x509_profile_find(struct span name)
{
	const struct x509_profile *p;

	for (size_t i = 0; (p = x509_profile_at(i)) != NULL; i++)
		if (span_eq_str(name, p->name))
			return p;
	return NULL;
}

static bool
is_grant(struct span san)
{
	size_t n = strlen(X509_GRANT_URI);

	return san.n > n && memcmp(san.p, X509_GRANT_URI, n) == 0;
}

enum jit_err
x509_profile_check(const struct x509_profile *p, const struct span *subject,
    size_t n_subject, const struct span *sans, size_t n_sans,
    struct jit_why *why)
{
	char shown[TEXT_SHOWN];
	unsigned have = 0;

	JIT_TRY(x509_subject_check(subject, n_subject, why));
	JIT_TRY(x509_san_check(sans, n_sans, why));
	if (n_subject - 1 > p->max_o)
		return jit_fail(why, JIT_E_FORMAT, "%zu O in the subject, "
		    "profile %s accepts at most %u", n_subject - 1, p->name,
		    p->max_o);
	for (size_t i = 0; i < n_sans; i++) {
		unsigned kind = x509_san_kind(sans[i]);

		if (is_grant(sans[i]))
			continue;
		if ((kind & p->kinds) == 0)
			return jit_fail(why, JIT_E_FORMAT, "profile %s takes "
			    "no SAN like \"%s\"", p->name, text_shown(sans[i],
			    shown, sizeof(shown)));
		have |= kind;
	}
	if (p->need != 0 && (have & p->need) == 0)
		return jit_fail(why, JIT_E_FORMAT, "profile %s needs a SAN "
		    "DNS: or IP:", p->name);
	return JIT_OK;
}
