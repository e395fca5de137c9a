#include <stdlib.h>

#include "api/auth/rights.h"
#include "ca/grant/login.h"
#include "ca/ssh/sshsig.h"

/* ---- who ---- */

/* The i-th role, NULL behind the last: they are the policy's last blocks. */
static const struct role *
role_at(const struct policy *p, size_t i)
{
	size_t n = policy_count(p);
	const struct block *b = i < n ? policy_at(p, n - 1 - i) : NULL;

	return b != NULL && b->kind == BLOCK_ROLE ? &b->role : NULL;
}

/* Where there is no role there is nothing to audit. */
static bool
reads_every_role(const struct policy *p, const struct person *who)
{
	const struct role *role;
	size_t i;

	for (i = 0; (role = role_at(p, i)) != NULL; i++)
		if (!person_in(who, &role->read))
			return false;
	return i > 0;
}

static enum jit_err
has_key(const struct person *who, const struct digest *key, bool *ret)
{
	*ret = false;
	for (size_t i = 0; i < who->n_keys && !*ret; i++) {
		struct digest d;

		JIT_TRY(digest_sha256(ssh_key_blob(who->keys[i]), &d));
		*ret = digest_eq(&d, key);
	}
	return JIT_OK;
}

enum jit_err
reader_of(const struct policy *p, struct span person,
    const struct digest *key, struct reader *ret, struct jit_why *why)
{
	const struct person *who = policy_person(p, person);
	bool good = false;

	if (who != NULL)
		JIT_TRY(has_key(who, key, &good));
	if (!good)
		return jit_fail(why, JIT_E_LOGIN, "the person or the key that "
		    "logged in is not enrolled any more; log in again");
	if (policy_is_locked(p, person))
		return jit_fail(why, JIT_E_LOGIN, "%.*s is locked out; an "
		    "admin can let them in again", (int)person.n,
		    (const char *)person.p);
	*ret = (struct reader){ .policy = p, .person = who };
	ret->admin = policy_is_admin(p, who);
	ret->all = ret->admin || reads_every_role(p, who);
	return JIT_OK;
}

/* ---- what ---- */

bool
reader_sees_role(const struct reader *r, const struct role *role)
{
	return r->all || person_in(r->person, &role->approve_of) ||
	    person_in(r->person, &role->read);
}

bool
reader_sees(const struct reader *r, struct span requester, struct span role)
{
	const struct role *known;

	if (r->all || span_eq(r->person->name, requester))
		return true;
	known = policy_role(r->policy, role);
	return known != NULL && reader_sees_role(r, known);
}

bool
reader_knows_role(const struct reader *r, const struct role *role)
{
	return reader_sees_role(r, role) ||
	    person_in(r->person, &role->request_of);
}

enum jit_err
reader_roles(const struct reader *r, struct span **ret, size_t *n)
{
	const struct role *role;
	struct span *v = NULL;
	size_t roles = 0, seen = 0;

	while (role_at(r->policy, roles) != NULL)
		roles++;
	if (roles > 0 && (v = calloc(roles, sizeof(*v))) == NULL)
		return JIT_E_NOMEM;
	/* From the last, so that they come in the policy's order. */
	while (roles > 0) {
		role = role_at(r->policy, --roles);
		if (reader_sees_role(r, role))
			v[seen++] = role->name;
	}
	if (seen == 0) {
		free(v);
		v = NULL;
	}
	*ret = v;
	*n = seen;
	return JIT_OK;
}

/* ---- logging in ---- */

/* It is for this server, whichever of its names was used. */
static enum jit_err
check_here(const struct login *l, const struct login_here *h,
    struct jit_why *why)
{
	bool named = false;

	if (!span_eq(l->log, h->log))
		return jit_fail(why, JIT_E_LOGNAME, "log: the log-in is for "
		    "another log; accepted is \"%.*s\"", (int)h->log.n,
		    (const char *)h->log.p);
	for (size_t i = 0; h->names[i] != NULL && !named; i++)
		named = span_eq_str(l->server, h->names[i]);
	if (!named)
		return jit_fail(why, JIT_E_LOGNAME, "server: this server does "
		    "not go by \"%.*s\"", (int)l->server.n,
		    (const char *)l->server.p);
	if (!digest_eq(&l->tls, h->tls))
		return jit_fail(why, JIT_E_LOGNAME, "tls: the log-in names "
		    "another TLS key than this server's: somebody may stand "
		    "between");
	return JIT_OK;
}

static enum jit_err
check_clock(const struct login *l, utc_s now, struct jit_why *why)
{
	char at[UTC_TEXT], here[UTC_TEXT];

	if (l->expires > now && l->at <= now + LOGIN_LIFE)
		return JIT_OK;
	utc_text(l->at, at);
	utc_text(now, here);
	return jit_fail(why, JIT_E_CLOCK, "the log-in is of %s, here it is "
	    "%s; accepted are %d seconds", at, here, LOGIN_LIFE);
}

/*
 * The signature names its key, so it is verified under that one whoever is
 * meant, and its owner is looked up by the key: nothing here takes longer or
 * shorter, or sounds different, when a person exists.
 */
static enum jit_err
check_signer(const struct policy *p, const struct login *l, struct span text,
    struct span sig, struct digest *key, struct jit_why *why)
{
	JIT_DONE(sshsig_done) struct sshsig s = { 0 };
	const struct person *owner;
	enum jit_err e;

	JIT_TRY(sshsig_parse(sig, &s, why));
	e = sshsig_verify(&s, NS_LOGIN, text, NULL, why);
	if (e == JIT_E_NAMESPACE || e == JIT_E_NOMEM)
		return e;
	owner = policy_key_person(p, s.key);
	if (e != JIT_OK || owner == NULL || !span_eq(owner->name, l->person))
		return jit_fail(why, JIT_E_LOGIN, "no person of that name "
		    "with that key is enrolled, or the signature does not "
		    "match the text");
	return digest_sha256(ssh_key_blob(s.key), key);
}

enum jit_err
login_check(const struct policy *p, const struct login_here *h,
    struct span text, struct span sig, utc_s now, struct span *person,
    struct digest *key, struct jit_why *why)
{
	struct login l;

	JIT_TRY(login_parse(text, &l, why));
	JIT_TRY(check_here(&l, h, why));
	JIT_TRY(check_clock(&l, now, why));
	JIT_TRY(check_signer(p, &l, text, sig, key, why));
	if (policy_is_locked(p, l.person))
		return jit_fail(why, JIT_E_LOCKEDOUT, "%.*s is locked out; an "
		    "admin can let them in again", (int)l.person.n,
		    (const char *)l.person.p);
	*person = l.person;
	return JIT_OK;
}
