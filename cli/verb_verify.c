/*
 * verify - an evidence file, offline, under keys from outside of it; or the
 * log itself.  0 only when all of it holds; what does not is 18.
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "ca/grant/audit.h"
#include "ca/grant/bundle.h"
#include "ca/x509/der.h"
#include "cli/desk.h"

/* Whatever is wrong with evidence, it is not evidence. */
static int
unproven(struct cli *c, enum jit_err e, const struct jit_why *why)
{
	return out_error_exit(c, e, why, e == JIT_E_NOMEM ? CLI_FAILED :
	    CLI_UNVERIFIED);
}

/*
 * Has nobody shown anything against it: the log was not to be had?  A server
 * does not tell who may not see a request that there is one.
 */
static bool
is_no_answer(const struct desk *d, enum jit_err e)
{
	return e == JIT_E_UNREACHABLE || e == JIT_E_LOGIN ||
	    e == JIT_E_FORBIDDEN || e == JIT_E_RATE ||
	    (e == JIT_E_UNKNOWN && d->server != NULL);
}

/* ---- the keys from outside ---- */

static enum jit_err
take_pins(struct cli *c, struct client_trust *t, struct jit_why *why)
{
	if (c->pin != NULL) {
		/* Given is given: what is kept is not even looked at. */
		*t = (struct client_trust){ .pinned = true };
		return tlog_vkey_parse(span_str(c->pin), &t->log, why);
	}
	JIT_TRY(desk_pins(c, t, why));
	out_note(c, "Under the keys that this machine keeps for %s.\n",
	    c->signer != NULL ? c->signer : c->server != NULL ? c->server :
	    "the server that was set up");
	return JIT_OK;
}

/* Any certificate of that PEM is ca's own or of one above it. */
static enum jit_err
is_pem_of(struct span pem, const struct ca_key *ca, bool *ret,
    struct jit_why *why)
{
	JIT_DONE(x509_chain_done) struct x509_chain c = { .n = 0 };

	JIT_TRY(x509_pem_chain(pem, &c, why));
	for (size_t i = 0; i < c.n; i++)
		for (size_t k = 0; k < ca->n_chain; k++)
			*ret |= span_eq(BUF_SPAN(c.der[i]),
			    BUF_SPAN(ca->chain[k]));
	return JIT_OK;
}

/* Is it what a file holds: a public key's line, or PEM? */
static enum jit_err
is_file_of(const char *path, const struct ca_key *ca, bool *ret,
    struct jit_why *why)
{
	static const char begin[] = "-----BEGIN ";
	JIT_DONE(buf_done) struct buf b = { NULL, 0 };
	JIT_SCOPED(ssh_key_free) struct ssh_key *k = NULL;
	const uid_t any[] = { geteuid(), 0 };
	const struct sys_rule rule = { any, 2, 0022, 65536 };

	JIT_TRY(sys_read_file(path, &rule, &b, why));
	if (b.n > sizeof(begin) && memcmp(b.p, begin, sizeof(begin) - 1) == 0)
		return is_pem_of(BUF_SPAN(b), ca, ret, why);
	JIT_TRY(ssh_key_parse_line(BUF_SPAN(b), &k, NULL, why));
	*ret |= ssh_key_eq(k, ca->key);
	return JIT_OK;
}

/* Is ca one of the --ca keys, a file or SHA256:...? */
static enum jit_err
check_ca(const struct args *a, const struct ca_key *ca, struct jit_why *why)
{
	char fp[SSH_FP_TEXT];
	bool is = false;
	const char *s;

	if (!args_has(a, OPT_CA))
		return JIT_OK;
	if (ca == NULL)
		return jit_fail(why, JIT_E_VERIFY, "the log names no CA for "
		    "it");
	ssh_key_fingerprint(ca->key, fp);
	for (size_t i = 0; (s = args_nth(a, OPT_CA, i)) != NULL; i++) {
		if (strncmp(s, "SHA256:", 7) == 0)
			is |= strcmp(s, fp) == 0;
		else
			JIT_TRY(is_file_of(s, ca, &is, why));
	}
	return is ? JIT_OK : jit_fail(why, JIT_E_VERIFY, "the CA is %s, none "
	    "of those given by --ca", fp);
}

/* The CA that a bundle's matter rests on. */
static const struct ca_key *
ca_of(const struct bundle_summary *s)
{
	enum request_kind kind = s->has_cert ? s->cert.kind :
	    s->request->kind;

	return ca_keys_active(&s->ca, kind == KIND_X509 ? CA_X509 :
	    CA_SSH_USER);
}

/* ---- a file ---- */

static enum jit_err
read_file(const char *path, struct buf *ret, struct jit_why *why)
{
	JIT_DONE(sys_close) int fd = -1;

	/* Anybody's file: it is believed for what it proves. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return jit_fail(why, JIT_E_IO, "%s: %s", path,
		    strerror(errno));
	return sys_read_fd(fd, BUNDLE_MAX, ret, why);
}

/* An SSH serial is a number as well, as it always was. */
static void
put_cert(json_t *o, const struct bundle_summary *s)
{
	const bool ssh = s->cert.kind == KIND_SSH_USER;

	(void)json_object_set_new(o, "serial_text", json_string(s->serial));
	(void)json_object_set_new(o, "serial", ssh ? json_integer((json_int_t)
	    ssh_cert_fields(s->cert.ssh)->serial) : json_string(s->serial));
	if (ssh)
		(void)json_object_set_new(o, "key_id", out_json_span(
		    ssh_cert_fields(s->cert.ssh)->key_id));
	(void)json_object_set_new(o, "from", out_json_utc(s->life.from));
	(void)json_object_set_new(o, "until", out_json_utc(s->life.until));
}

static json_t *
json_summary(const struct bundle_summary *s)
{
	const struct request *q = s->request;
	json_t *by = json_array(), *o;

	for (size_t i = 0; by != NULL && i < s->n_by; i++)
		(void)json_array_append_new(by, json_pack(
		    "{s:o, s:s, s:s, s:s, s:b}", "person",
		    out_json_span(s->by[i].who), "verdict",
		    s->by[i].verdict == VERDICT_APPROVE ? "approve" : "deny",
		    "key", s->by[i].fp, "proof", s->by[i].proof, "counts",
		    (int)s->by[i].counts));
	o = json_pack("{s:b, s:s, s:s, s:o, s:o, s:o, s:s, s:o, s:I}",
	    "verified", 1, "id", q->id.s, "kind", request_kind_name(q->kind),
	    "requester", out_json_span(q->requester),
	    "role", out_json_span(q->role), "reason",
	    out_json_span(q->reason), "state", standing_name(s->standing),
	    "decisions", by, "log_size", (json_int_t)s->checkpoint.size);
	if (o != NULL && s->has_cert)
		put_cert(o, s);
	return o;
}

/*
 * What the live log holds about it: *ret (owned) begins with what the file
 * has.  A signer that does not answer has shown nothing against the file.
 */
static int
ask_log(struct cli *c, const struct bundle_summary *s, struct dossier **ret)
{
	JIT_DONE(desk_done) struct desk d = { 0 };
	JIT_SCOPED(dossier_free) struct dossier *r = NULL;
	struct jit_why why = { 0 };
	enum jit_err e;
	utc_s now = 0;

	if ((e = desk_open(&d, c, &why)) != JIT_OK ||
	    (e = session_show(d.s, &s->request->id, &r, &now, &why)) !=
	    JIT_OK)
		return is_no_answer(&d, e) ? out_error(c, e, &why) :
		    unproven(c, e, &why);
	if (r->n < s->dossier->n)
		return unproven(c, jit_fail(&why, JIT_E_VERIFY, "the log "
		    "shows less about it than the file"), &why);
	for (size_t i = 0; i < s->dossier->n; i++)
		if (memcmp(r->entry[i].e.leaf, s->dossier->entry[i].e.leaf,
		    ENTRY_LEAF) != 0)
			return unproven(c, jit_fail(&why, JIT_E_VERIFY,
			    "entry %llu of the log is another than the "
			    "file's", (unsigned long long)
			    r->entry[i].e.index), &why);
	*ret = r;
	r = NULL;
	return CLI_DONE;
}

/* Of the entries from n on. */
static void
say_since(struct cli *c, const struct dossier *r, size_t n)
{
	char at[WHEN_TEXT];

	if (r->n == n)
		out_say(c, "Nothing was logged about it since.\n");
	for (; n < r->n; n++)
		out_say(c, "Since then: %s, %s, log #%llu\n",
		    entry_type_name(r->entry[n].e.type),
		    when_text(WHEN_BOTH, r->entry[n].e.time, cli_now(c), at),
		    (unsigned long long)r->entry[n].e.index);
}

static json_t *
json_since(const struct dossier *r, size_t n)
{
	json_t *list = json_array();

	for (; list != NULL && n < r->n; n++)
		(void)json_array_append_new(list, json_pack("{s:s, s:o, s:I}",
		    "type", entry_type_name(r->entry[n].e.type), "time",
		    out_json_utc(r->entry[n].e.time), "log_index",
		    (json_int_t)r->entry[n].e.index));
	return list;
}

static int
report(struct cli *c, const struct args *a, const struct bundle_summary *s)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(1u << 20);
	JIT_SCOPED(dossier_free) struct dossier *live = NULL;
	struct jit_why why = { 0 };
	enum jit_err e = check_ca(a, ca_of(s), &why);
	json_t *o;
	int status;

	if (e != JIT_OK)
		return unproven(c, e, &why);
	bundle_summary_put(&w, s);
	if (w.err != JIT_OK)
		return unproven(c, w.err, NULL);
	/* Before a word of it is said: the log may say otherwise. */
	if (args_has(a, OPT_LOG) &&
	    (status = ask_log(c, s, &live)) != CLI_DONE)
		return status;
	out_text(c, "", wr_view(&w));
	o = json_summary(s);
	if (o != NULL && live != NULL)
		(void)json_object_set_new(o, "since", json_since(live,
		    s->dossier->n));
	out_json(c, o);
	if (live != NULL)
		say_since(c, live, s->dossier->n);
	else if (s->has_cert)
		out_note(c, "All of it holds. What came after checkpoint "
		    "%llu is shown with --log only.\n",
		    (unsigned long long)s->checkpoint.size);
	else
		out_note(c, "All of it holds; it shows no certificate.\n");
	return CLI_DONE;
}

static int
verify_file(struct cli *c, const struct args *a)
{
	JIT_DONE(buf_done) struct buf text = { NULL, 0 };
	JIT_SCOPED(free) struct bundle_summary *s = calloc(1, sizeof(*s));
	struct client_trust t = { 0 };
	struct bundle_pins pins;
	struct jit_why why = { 0 };
	enum jit_err e;
	int status;

	if (s == NULL)
		return out_error(c, JIT_E_NOMEM, NULL);
	if ((e = take_pins(c, &t, &why)) != JIT_OK)
		return out_error(c, e, &why);
	/* The CA is what that log names; one from outside is --ca. */
	pins = (struct bundle_pins){ t.log, NULL };
	if ((e = read_file(a->operand[0], &text, &why)) != JIT_OK)
		status = out_error(c, e, &why);
	else if ((e = bundle_verify(BUF_SPAN(text), &pins, cli_now(c), s,
	    &why)) != JIT_OK)
		status = unproven(c, e, &why);
	else
		status = report(c, a, s);
	bundle_summary_done(s);
	ssh_key_free(t.user_ca);
	return status;
}

/* ---- the log ---- */

struct auditing {
	struct cli *c;
	struct audit *a;
	enum ledger_mode mode;
	int64_t told;			/* of mono_ms */
	struct jit_why *why;
};

static enum jit_err
audit_one(struct auditing *x, const struct entry *e, uint64_t size)
{
	int64_t now = x->c->clock.mono_ms();

	if (now - x->told > 2000) {
		x->told = now;
		out_note(x->c, "%llu of %llu entries\n",
		    (unsigned long long)e->index, (unsigned long long)size);
	}
	return audit_entry(x->a, e, x->mode, x->why);
}

static enum jit_err
audit_pages(struct desk *d, struct auditing *x)
{
	struct checkpoint c;
	struct page p = { .count = 0 };
	struct entry e;
	uint64_t next = 0;

	do {
		JIT_TRY(session_page(d->s, next, 1024, &p, x->why));
		JIT_TRY(checkpoint_open(p.note, session_log(d->s), &c,
		    x->why));
		for (uint32_t i = 0; i < p.count; i++, next++) {
			JIT_TRY(page_next(&p, &e, x->why));
			JIT_TRY(audit_one(x, &e, c.size));
		}
	} while (p.count > 0);
	return audit_checkpoint(x->a, session_note(d->s), NULL, x->why);
}

static void
say_counts(struct cli *c, const struct audit_counts *n, bool deep)
{
	out_say(c, "The whole log holds: %llu entries, every one under the "
	    "signed checkpoint, every act allowed when it was done%s.\n",
	    (unsigned long long)n->entries, deep ? ", every signature "
	    "verified" : "");
	out_say(c, "  %llu requests, %llu approvals, %llu denials, %llu "
	    "cancelled, %llu certificates, %llu dropped, %llu revoked, %llu "
	    "locks, %llu policies, %llu recoveries\n",
	    (unsigned long long)n->requests,
	    (unsigned long long)n->approvals,
	    (unsigned long long)n->denials, (unsigned long long)n->cancelled,
	    (unsigned long long)n->issued, (unsigned long long)n->dropped,
	    (unsigned long long)n->revoked, (unsigned long long)n->locks,
	    (unsigned long long)n->policies,
	    (unsigned long long)n->recoveries);
	if (n->erased > 0)
		out_say(c, "  %llu bodies were erased; %llu acts could not be "
		    "judged again without them\n",
		    (unsigned long long)n->erased,
		    (unsigned long long)n->unjudged);
	out_json(c, json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
	    "verified", 1, "entries", (json_int_t)n->entries, "requests",
	    (json_int_t)n->requests, "approvals", (json_int_t)n->approvals,
	    "denials", (json_int_t)n->denials, "issued",
	    (json_int_t)n->issued, "revoked", (json_int_t)n->revoked,
	    "locks", (json_int_t)n->locks, "erased", (json_int_t)n->erased));
}

static int
verify_log(struct cli *c, const struct args *a)
{
	JIT_DONE(desk_done) struct desk d = { 0 };
	JIT_SCOPED(audit_free) struct audit *au = NULL;
	struct jit_why why = { 0 };
	bool deep = args_has(a, OPT_DEEP);
	const struct own_keys *own = NULL;
	struct auditing x = { .c = c, .why = &why,
	    .mode = deep ? LEDGER_DEEP : LEDGER_JUDGE,
	    .told = c->clock.mono_ms() };
	enum jit_err e;

	if ((e = desk_open(&d, c, &why)) != JIT_OK)
		return out_error(c, e, &why);
	if ((e = audit_new(session_log(d.s), &au)) != JIT_OK)
		return out_error(c, e, NULL);
	x.a = au;
	e = audit_pages(&d, &x);
	if (e == JIT_OK)
		e = session_keys(d.s, &own, &why);
	if (e == JIT_OK)
		e = check_ca(a, ca_keys_active(own->ca, CA_SSH_USER), &why);
	if (is_no_answer(&d, e))
		return out_error(c, e, &why);
	if (e != JIT_OK)
		return unproven(c, e, &why);
	say_counts(c, audit_counts(au), deep);
	return CLI_DONE;
}

int
verb_verify(struct cli *c, const struct args *a)
{
	const char *level = args_get(a, OPT_REQUIRE);
	struct jit_why why = { 0 };

	/* All that is logged today is signed; claims are not built yet. */
	if (level != NULL && strcmp(level, "signed") != 0)
		return out_error(c, jit_fail(&why, JIT_E_ARG, "--require: "
		    "accepted is \"signed\""), &why);
	if (a->n > 0)
		return verify_file(c, a);
	if (args_has(a, OPT_LOG))
		return verify_log(c, a);
	return out_error(c, jit_fail(&why, JIT_E_ARG, "verify: which FILE?  "
	    "Or --log for the log itself"), &why);
}
