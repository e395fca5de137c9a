/*
 * profile: what each kind of leaf may name.
 */
#include "ca/x509/profile.h"
#include "tests/ca/x509/pki.h"

#define S(s) SPAN(s, sizeof(s) - 1)
#define GRANT S("URI:urn:jit:grant:" PKI_ID)

static const struct row {
	const char *name, *profile;
	struct span o, san;	/* beside CN and the grant's URI */
	enum jit_err want;
} rows[] = {
	{ "client", "client", { 0 }, { 0 }, JIT_OK },
	{ "client with O", "client", S("O=dba"), { 0 }, JIT_OK },
	{ "client with mail", "client", { 0 }, S("email:a@b.c"), JIT_OK },
	{ "client with a URI", "client", { 0 }, S("URI:zz:y"), JIT_OK },
	{ "client with DNS", "client", { 0 }, S("DNS:a.b"), JIT_E_FORMAT },
	{ "client with IP", "client", { 0 }, S("IP:10.0.0.1"), JIT_E_FORMAT },
	{ "postgresql", "postgresql", { 0 }, { 0 }, JIT_OK },
	{ "postgresql with O", "postgresql", S("O=a"), { 0 }, JIT_OK },
	{ "mariadb with O", "mariadb", S("O=a"), { 0 }, JIT_OK },
	{ "redis with O", "redis", S("O=a"), { 0 }, JIT_OK },
	{ "kubernetes with a group", "kubernetes", S("O=system:masters"),
	    { 0 }, JIT_OK },
	{ "kubernetes with mail", "kubernetes", { 0 }, S("email:a@b.c"),
	    JIT_E_FORMAT },
	{ "vnc", "vnc", { 0 }, { 0 }, JIT_OK },
	{ "vnc with DNS", "vnc", { 0 }, S("DNS:a.b"), JIT_E_FORMAT },
	{ "server with DNS", "server", { 0 }, S("DNS:a.b"), JIT_OK },
	{ "server with IP", "server", { 0 }, S("IP:10.0.0.1"), JIT_OK },
	{ "server with nothing", "server", { 0 }, { 0 }, JIT_E_FORMAT },
	{ "server with a URI alone", "server", { 0 }, S("URI:zz:y"),
	    JIT_E_FORMAT },
	{ "server with mail", "server", { 0 }, S("email:a@b.c"),
	    JIT_E_FORMAT },
};

static void
check(void **state)
{
	const struct row *r = *state;
	const struct x509_profile *p = x509_profile_find(
	    span_str(r->profile));
	struct span subject[2] = { S("CN=a"), r->o };
	struct span sans[2] = { GRANT, r->san };
	struct jit_why why = { 0 };

	assert_non_null(p);
	if (r->san.n > 0 && span_cmp(sans[0], sans[1]) > 0) {
		sans[0] = r->san;
		sans[1] = GRANT;
	}
	JT_WHY(x509_profile_check(p, subject, r->o.n > 0 ? 2 : 1, sans,
	    r->san.n > 0 ? 2 : 1, &why), r->want, &why);
	if (r->want != JIT_OK)
		assert_true(why.msg[0] != '\0');
}

static void
find(void **state)
{
	(void)state;
	assert_null(x509_profile_find(S("")));
	assert_null(x509_profile_find(S("Client")));
	assert_null(x509_profile_find(S("client ")));
	assert_null(x509_profile_at(7));
	for (size_t i = 0; i < 7; i++) {
		const struct x509_profile *p = x509_profile_at(i);

		assert_ptr_equal(x509_profile_find(span_str(p->name)), p);
		assert_int_equal(p->use == X509_USE_SERVER, i == 6);
	}
}

int
main(void)
{
	return JT_ROWS("profile", check, rows) + jt_one("find", find);
}
