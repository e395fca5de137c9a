#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/ssh/krl.h"
#include "ca/ssh/sshsig.h"
#include "ca/x509/crl.h"
#include "signer/crash.h"
#include "signer/turn_int.h"

#define SKI_MAX 32		/* bytes of a key id that a name can hold */

static void
list_done(struct list *l)
{
	buf_done(&l->bytes);
	buf_done(&l->sig);
	*l = (struct list){ 0 };
}
JIT_SCOPED_OBJ(struct list, list_done);

void
lists_done(struct lists *l)
{
	list_done(&l->krl);
	for (size_t i = 0; i < CA_KEYS_MAX; i++)
		list_done(&l->crl[i]);
}

/* ---- what was taken back, of one CA ---- */

struct taken {
	const struct ssh_key *ca;
	enum request_kind kind;
	size_t n, cap;
	struct crl_entry *v;		/* owned; SSH serials are its last eight */
};

static void
taken_done(struct taken *t)
{
	free(t->v);
}
JIT_SCOPED_OBJ(struct taken, taken_done);

static enum jit_err
take(void *arg, const struct settled *s)
{
	struct taken *t = arg;

	if (s->kind != t->kind || !ssh_key_eq(s->ca, t->ca))
		return JIT_OK;
	if (t->n == t->cap) {
		size_t cap = t->cap > 0 ? 2 * t->cap : 64;
		void *v = realloc(t->v, cap * sizeof(*t->v));

		if (v == NULL)
			return JIT_E_NOMEM;
		t->v = v;
		t->cap = cap;
	}
	memcpy(t->v[t->n].serial, s->serial, sizeof(s->serial));
	t->v[t->n++].at = s->ended;
	return JIT_OK;
}

static int
by_serial(const void *a, const void *b)
{
	return memcmp(((const struct crl_entry *)a)->serial,
	    ((const struct crl_entry *)b)->serial, X509_SERIAL_LEN);
}

static enum jit_err
collect(const struct turn *t, const struct ca_key *k, utc_s now,
    struct taken *ret)
{
	ret->ca = k->key;
	ret->kind = k->use == CA_X509 ? KIND_X509 : KIND_SSH_USER;
	JIT_TRY(ledger_revoked(t->ledger, now, take, ret));
	if (ret->n > 0)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_serial);
	return JIT_OK;
}

/* ---- KRL ---- */

/* Of every SSH CA that is published. */
struct krl_parts {
	struct krl_section section[CA_KEYS_MAX];
	uint64_t *serials[CA_KEYS_MAX];		/* owned */
	size_t n;
};

static void
krl_parts_done(struct krl_parts *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->serials[i]);
}
JIT_SCOPED_OBJ(struct krl_parts, krl_parts_done);

static enum jit_err
add_section(const struct turn *t, const struct ca_key *k, utc_s now,
    struct krl_parts *p)
{
	JIT_DONE(taken_done) struct taken taken = { 0 };
	uint64_t *v;

	JIT_TRY(collect(t, k, now, &taken));
	if ((v = calloc(taken.n + 1, sizeof(*v))) == NULL)
		return JIT_E_NOMEM;
	for (size_t i = 0; i < taken.n; i++)
		for (size_t b = 8; b < ISSUED_SERIAL; b++)
			v[i] = v[i] << 8 | taken.v[i].serial[b];
	p->serials[p->n] = v;
	p->section[p->n++] = (struct krl_section){ .ca = k->key,
	    .serials = v, .n_serials = taken.n };
	return JIT_OK;
}

static enum jit_err
make_krl(const struct turn *t, struct list *l, struct jit_why *why)
{
	const struct ca_keys *keys = ledger_own(t->ledger)->ca;
	JIT_DONE(krl_parts_done) struct krl_parts p = { .n = 0 };
	JIT_DONE(wr_done) struct wr w = WR_INIT(KRL_MAX);
	JIT_DONE(wr_done) struct wr sig = WR_INIT(SSHSIG_MAX);
	struct krl_spec spec = { .version = l->number, .generated = l->made,
	    .comment = span_str(ledger_log_id(t->ledger)) };

	for (size_t i = 0; i < keys->n; i++)
		if (keys->v[i].use == CA_SSH_USER)
			JIT_TRY(add_section(t, &keys->v[i], l->made, &p));
	spec.sections = p.section;
	spec.n_sections = p.n;
	JIT_TRY(krl_make(&w, &spec, why));
	CRASH_POINT(LIST_SIGN);
	JIT_TRY(sshsig_make(turn_ca(t, CA_SSH_USER), NS_KRL, wr_view(&w), &sig));
	JIT_TRY(wr_take(&sig, &l->sig));
	return wr_take(&w, &l->bytes);
}

/* ---- CRL ---- */

static enum jit_err
make_crl(const struct turn *t, const struct ca_key *k, struct list *l,
    struct jit_why *why)
{
	JIT_DONE(taken_done) struct taken taken = { 0 };
	JIT_DONE(wr_done) struct wr w = WR_INIT(X509_CRL_MAX);
	struct crl_fields f = { .number = l->number, .this_update = l->made,
	    .next_update = l->next };

	JIT_TRY(collect(t, k, l->made, &taken));
	f.entries = taken.v;
	f.n = taken.n;
	CRASH_POINT(LIST_SIGN);
	JIT_TRY(crl_make(&w, &f, k->ca, ca_privs_find(&t->c.ca, k->key),
	    why));
	return wr_take(&w, &l->bytes);
}

/* ---- which ---- */

static bool
is_fresh(const struct list *l, const struct turn *t, utc_s now)
{
	return l->bytes.n > 0 && now - l->made < LISTS_REFRESH &&
	    l->revoked == ledger_revoked_index(t->ledger) &&
	    l->keys == ledger_keys_index(t->ledger);
}

/* A list without its bytes. */
static struct list
begin(const struct lists *all, const struct turn *t)
{
	utc_s now = turn_time(t);
	uint64_t n = (uint64_t)now << 24 |
	    (ledger_size(t->ledger) & 0xffffff);

	return (struct list){
		.number = n > all->number ? n : all->number + 1,
		.made = now, .next = now + LISTS_NEXT,
		.revoked = ledger_revoked_index(t->ledger),
		.keys = ledger_keys_index(t->ledger),
	};
}

/* "crl", or "crl-" and the key id of a CA that is published. */
static const struct ca_key *
find_ca(const struct ca_keys *keys, struct span name)
{
	static const char of[] = PUBLISHED_CRL_OF;
	size_t n = sizeof(of) - 1;

	if (span_eq_str(name, PUBLISHED_CRL))
		return ca_keys_active(keys, CA_X509);
	if (name.n <= n || memcmp(name.p, of, n) != 0)
		return NULL;
	for (size_t i = 0; i < keys->n; i++) {
		char hex[2 * SKI_MAX + 1];

		if (keys->v[i].use != CA_X509 ||
		    x509_ca_ski(keys->v[i].ca).n > SKI_MAX)
			continue;
		hex_text(x509_ca_ski(keys->v[i].ca), hex);
		if (span_eq_str(SPAN(name.p + n, name.n - n), hex))
			return &keys->v[i];
	}
	return NULL;
}

static enum jit_err
refresh(struct lists *all, struct turn *t, const struct ca_key *k,
    struct list *l, struct jit_why *why)
{
	JIT_DONE(list_done) struct list new = { 0 };

	if (is_fresh(l, t, turn_time(t)))
		return JIT_OK;
	new = begin(all, t);
	JIT_TRY(k == NULL ? make_krl(t, &new, why) :
	    make_crl(t, k, &new, why));
	all->number = new.number;
	list_done(l);
	*l = new;
	new = (struct list){ 0 };
	return JIT_OK;
}

enum jit_err
lists_get(struct lists *all, struct turn *t, struct span name,
    const struct list **ret, struct jit_why *why)
{
	const struct ca_keys *keys = ledger_own(t->ledger)->ca;
	const struct ca_key *k = NULL;
	struct list *l = &all->krl;
	char shown[TEXT_SHOWN];

	if (!span_eq_str(name, PUBLISHED_KRL)) {
		if ((k = find_ca(keys, name)) == NULL ||
		    ca_privs_find(&t->c.ca, k->key) == NULL)
			return jit_fail(why, JIT_E_UNKNOWN, "there is no list "
			    "\"%s\"; accepted are krl, and crl where there is "
			    "an X.509 CA", text_shown(name, shown,
			    sizeof(shown)));
		l = &all->crl[k - keys->v];
	}
	JIT_TRY(refresh(all, t, k, l, why));
	*ret = l;
	return JIT_OK;
}
