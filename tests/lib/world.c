#include <stdlib.h>
#include <string.h>

#include "ca/x509/csr.h"
#include "tests/lib/world.h"

static const char *const names[WORLD_KEYS] = {
	"alice", "bob", "bob", "carol", "dan", "eve", "dana", "", "", "", "",
	"",
};

const char *
world_name(enum world_key k)
{
	return names[k];
}

void
world_add(struct world *w, const char *text)
{
	struct jit_why why = { 0 };
	struct block *b = NULL;

	JT_WHY(block_parse(span_str(text), &b, &why), JIT_OK, &why);
	JT_WHY(policy_add(w->policy, b, &why), JIT_OK, &why);
}

void
world_without(struct world *w, enum block_kind k, const char *name)
{
	struct policy *p = NULL;

	JT_OK(policy_new(&p));
	for (size_t i = 0; i < policy_count(w->policy); i++) {
		const struct block *old = policy_at(w->policy, i);
		struct block *b = NULL;

		if (old->kind == k && span_eq_str(old->name, name))
			continue;
		JT_OK(block_parse(BUF_SPAN(old->bytes), &b, NULL));
		JT_OK(policy_add(p, b, NULL));
	}
	policy_free(w->policy);
	w->policy = p;
}

static int
line_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void
world_person(struct world *w, const char *name, const char *groups,
    const enum world_key *keys, size_t n)
{
	JIT_DONE(wr_done) struct wr t = WR_INIT(POLICY_BLOCK_MAX);
	struct buf line[16] = { { NULL, 0 } };
	char *sorted[16];

	wr_fmt(&t, "jit-cert person v1\nname: %s\n%s", name, groups);
	for (size_t i = 0; i < n; i++) {
		JIT_DONE(wr_done) struct wr l = WR_INIT(SSH_BLOB_MAX * 2);

		ssh_key_put_line(&l, ssh_priv_public(w->key[keys[i]]), NULL);
		JT_OK(wr_take(&l, &line[i]));
		sorted[i] = (char *)line[i].p;
	}
	qsort(sorted, n, sizeof(sorted[0]), line_cmp);
	for (size_t i = 0; i < n; i++)
		wr_fmt(&t, "key: %s\n", sorted[i]);
	wr_u8(&t, 0);
	world_add(w, (const char *)wr_view(&t).p);
	for (size_t i = 0; i < n; i++)
		buf_done(&line[i]);
}

static void
add_person(struct world *w, const char *groups, enum world_key first, size_t n)
{
	enum world_key k[2] = { first, (enum world_key)(first + 1) };

	world_person(w, names[first], groups, k, n);
}

static void
add_host(struct world *w)
{
	JIT_DONE(wr_done) struct wr t = WR_INIT(POLICY_BLOCK_MAX);

	wr_str(&t, "jit-cert host v1\nname: db1\naddress: db1.example.com\n"
	    "port: 22\nkey: ");
	ssh_key_put_line(&t, ssh_priv_public(w->key[K_HOST]), NULL);
	wr_str(&t, "\n");
	wr_u8(&t, 0);
	world_add(w, (const char *)wr_view(&t).p);
}

void
world_init(struct world *w)
{
	struct span pub;

	*w = (struct world){ .chance = 1, .now = WORLD_NOW };
	w->rng = rand_counter(&w->chance);
	for (int k = 0; k < WORLD_KEYS; k++)
		JT_OK(ssh_priv_generate(SSH_ED25519, 0, &w->rng, &w->key[k],
		    NULL));
	pub = ssh_key_blob(ssh_priv_public(w->key[K_LOG]));
	JT_OK(tlog_vkey_make("jit.example.com", pub.p + pub.n - 32, &w->log,
	    NULL));
	tlog_vkey_logid(&w->log, w->log_id);
	JT_OK(ca_keys_add(&w->ca, CA_SSH_USER, CA_ACTIVE,
	    ssh_priv_public(w->key[K_CA]), NULL, 0, NULL));
	w->own = (struct own_keys){ &w->ca, ssh_priv_public(w->key[K_LOG]) };
	JT_OK(policy_new(&w->policy));
	world_add(w, "jit-cert settings v1\nlog: jit.example.com\n"
	    "rsa-min: 3072\n");
	world_add(w, "jit-cert admins v1\nneed: 1\nof: admins\n");
	add_person(w, "group: sre\n", K_ALICE, 1);
	add_person(w, "group: sre\n", K_BOB, 2);
	add_person(w, "group: sre\n", K_CAROL, 1);
	add_person(w, "group: sre\n", K_DAN, 1);
	add_person(w, "group: dev\n", K_EVE, 1);
	add_person(w, "group: admins\n", K_DANA, 1);
	add_host(w);
	world_add(w, "jit-cert host-group v1\nname: prod-db\nhost: db1\n");
	world_add(w, "jit-cert role v1\nname: prod-db\naccount: dba\n"
	    "host-group: prod-db\noption: permit-pty\nmax: 8h\nhorizon: 1d\n"
	    "skew: 30s\nreason: required\nreason-pattern: ^INC-[0-9]+\n"
	    "request-of: sre\nrequest-proof: sshsig\nneed: 2\n"
	    "approve-of: sre\napprove-proof: sshsig\n");
	world_add(w, "jit-cert role v1\nname: prod-db-ro\naccount: ro\n"
	    "host-group: prod-db\nmax: 1h\nhorizon: 1d\nskew: -\n"
	    "reason: optional\nreason-pattern: -\nrequest-of: dev\n"
	    "request-of: sre\nrequest-proof: sshsig\nneed: 1\n"
	    "approve-of: sre\napprove-proof: sshsig+touch\n");
}

void
world_x509(struct world *w)
{
	JIT_DONE(wr_done) struct wr der = WR_INIT(X509_CA_MAX);
	struct x509_ca_fields f = { .cn = span_str("jit.example.com-x509-ca"),
	    .after = WORLD_NOW - 86400, .before = WORLD_NOW + 400 * 86400,
	    .eku = true, .serial = { 1 } };
	const struct ssh_key *ca;
	struct span chain;

	for (int k = 0; k < WORLD_X509_KEYS; k++)
		JT_OK(ssh_priv_generate(SSH_ECDSA_P256, 0, &w->rng,
		    &w->x509[k], NULL));
	ca = ssh_priv_public(w->x509[K_X509_CA]);
	JT_OK(x509_ca_make(&der, &f, ca, NULL, w->x509[K_X509_CA], NULL));
	chain = wr_view(&der);
	JT_OK(ca_keys_add(&w->ca, CA_X509, CA_ACTIVE, ca, &chain, 1, NULL));
	world_add(w, "jit-cert role v1\nname: pg-write\nkind: x509\n"
	    "profile: client\nsubject: CN={person}\nsubject: O=app-write\n"
	    "san: email:{person}@example.com\n"
	    "crl: http://ca.example.com/crl\nmax: 8h\nhorizon: 1d\n"
	    "skew: 30s\nreason: optional\nreason-pattern: -\n"
	    "request-of: sre\nrequest-proof: sshsig\nneed: 1\n"
	    "approve-of: sre\napprove-proof: sshsig\n");
	world_add(w, "jit-cert role v1\nname: pg-read\nkind: x509\n"
	    "profile: client\nsubject: CN={person}\ncrl: -\nmax: 8h\n"
	    "horizon: 1d\nskew: -\nreason: optional\nreason-pattern: -\n"
	    "request-of: sre\nrequest-proof: sshsig\nneed: 1\n"
	    "approve-of: sre\napprove-proof: sshsig\n");
	JT_OK(policy_check(w->policy, NULL));
}

size_t
world_privs(const struct world *w, const struct ssh_priv *ret[static 2])
{
	ret[0] = w->key[K_CA];
	ret[1] = w->x509[K_X509_CA];
	return ret[1] != NULL ? 2 : 1;
}

void
world_done(struct world *w)
{
	for (int k = 0; k < WORLD_KEYS; k++)
		ssh_priv_free(w->key[k]);
	for (int k = 0; k < WORLD_X509_KEYS; k++)
		ssh_priv_free(w->x509[k]);
	ca_keys_done(&w->ca);
	policy_free(w->policy);
}

void
world_draft(struct world *w, const char *role, enum world_key who,
    struct draft *d)
{
	struct jit_why why = { 0 };
	const struct ssh_key *subject;
	struct request *q = &d->req;

	*q = (struct request){ .log = span_str(w->log_id),
	    .requester = span_str(names[who]) };
	JT_OK(ulid_make(w->now * 1000, &w->rng, &q->id));
	JT_WHY(policy_fill_request(w->policy, span_str(role), q, &d->store,
	    &why), JIT_OK, &why);
	subject = ssh_priv_public(q->kind == KIND_X509 ? w->x509[K_LEAF] :
	    w->key[K_SUBJECT]);
	ssh_key_fingerprint(subject, d->fp);
	q->certify_type = span_str(ssh_key_type_name(subject));
	q->certify = span_str(d->fp);
	q->created = w->now;
	q->opens = w->now;
	q->closes = w->now + 8 * 3600;
	q->duration = 45 * 60;
	JT_OK(rng_fill(&w->rng, d->secret, sizeof(d->secret)));
	JT_OK(digest_sha256(SPAN(d->secret, 32), &q->collect));
	q->reason = span_str("INC-4711 payments stuck");
}

struct buf
world_request_text(const struct draft *d)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(2 * REQUEST_MAX);
	struct buf b = { NULL, 0 };

	request_put(&w, &d->req);
	JT_OK(wr_take(&w, &b));
	return b;
}

struct buf
world_sign(struct world *w, enum world_key k, const char *ns,
    struct span text)
{
	JIT_DONE(wr_done) struct wr s = WR_INIT(SSHSIG_MAX);
	struct buf b = { NULL, 0 };

	JT_OK(sshsig_make(w->key[k], ns, text, &s));
	JT_OK(wr_take(&s, &b));
	return b;
}

struct buf
world_possess(struct world *w, struct span text)
{
	JIT_DONE(wr_done) struct wr csr = WR_INIT(X509_CSR_MAX);
	struct buf b = { NULL, 0 };
	struct request q;

	if (request_parse(text, &q, NULL) != JIT_OK || q.kind != KIND_X509)
		return world_sign(w, K_SUBJECT, NS_POSSESS, text);
	JT_OK(csr_put(&csr, w->x509[K_LEAF], span_str(q.id.s), NULL));
	JT_OK(wr_take(&csr, &b));
	return b;
}

enum jit_err
world_open(struct world *w, struct span text, enum world_key who,
    struct open_request **ret, struct jit_why *why)
{
	JIT_DONE(buf_done) struct buf sig = world_sign(w, who, NS_REQUEST,
	    text);
	JIT_DONE(buf_done) struct buf own = world_possess(w, text);

	return open_request_new(text, BUF_SPAN(sig), BUF_SPAN(own), ret, why);
}

struct buf
world_decision_text(struct world *w, enum verdict v, const char *approver,
    struct span request_text, const struct ulid *id)
{
	JIT_DONE(wr_done) struct wr t = WR_INIT(2 * DECISION_MAX);
	struct decision d = { .log = span_str(w->log_id), .verdict = v,
	    .approver = span_str(approver), .decided = w->now,
	    .request = *id, .request_text = request_text };
	struct buf b = { NULL, 0 };

	decision_put(&t, &d);
	JT_OK(wr_take(&t, &b));
	return b;
}

struct buf
world_lock_text(struct world *w, const char *person, bool unlock,
    const char *by)
{
	const struct lock l = { .unlock = unlock, .log = span_str(w->log_id),
	    .by = span_str(by), .at = w->now, .person = span_str(person),
	    .comment = span_str("laptop stolen") };
	JIT_DONE(wr_done) struct wr t = WR_INIT(ACT_MAX);
	struct buf b = { NULL, 0 };

	lock_put(&t, &l);
	JT_OK(wr_take(&t, &b));
	return b;
}

enum jit_err
world_decide(struct world *w, enum verdict v, enum world_key who,
    const struct open_request *r, struct open_decision **ret,
    struct jit_why *why)
{
	JIT_DONE(buf_done) struct buf text = world_decision_text(w, v,
	    names[who], BUF_SPAN(r->text), &r->req.id);
	JIT_DONE(buf_done) struct buf sig = world_sign(w, who, NS_DECISION,
	    BUF_SPAN(text));

	return open_decision_new(BUF_SPAN(text), BUF_SPAN(sig), ret, why);
}
