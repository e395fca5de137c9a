/*
 * bundle: evidence both ways, and whatever is not evidence: blocks removed,
 * doubled, swapped, proofs moved, pins of others, logs that lie, and every
 * bit.  The golden file is checked by other people's tools as well
 * (check_bundle.py).
 */
#define _GNU_SOURCE	/* memmem */
#include <string.h>

#include "ca/grant/bundle.h"
#include "tests/lib/logbook.h"

static struct logbook b;
static struct ulid ids[STORY_N];

static struct bundle_pins
pins(void)
{
	return (struct bundle_pins){ .log = b.w.log,
	    .user_ca = b.w.ca.v[0].key };
}

static enum jit_err
verify(struct span text, struct jit_why *why)
{
	JIT_DONE(bundle_summary_done) struct bundle_summary s = { .n_by = 0 };
	const struct bundle_pins p = pins();

	return bundle_verify(text, &p, b.w.now, &s, why);
}

static void
check_refused(struct span text)
{
	struct jit_why why = { 0 };

	if (verify(text, &why) == JIT_OK)
		fail_msg("altered evidence was taken");
	assert_true(why.msg[0] != '\0');
}

/* ---- as it is ---- */

static void
stands(void **state)
{
	static const struct { const char *standing; size_t by, have; } want[] =
	    { { "dropped", 2, 2 }, { "denied", 2, 0 }, { "cancelled", 1, 0 },
	    { "active", 2, 2 }, { "approved", 2, 2 }, { "pending", 1, 1 } };

	(void)state;
	for (int i = 0; i < STORY_N; i++) {
		JIT_DONE(buf_done) struct buf text = logbook_bundle(&b,
		    &ids[i]);
		JIT_DONE(bundle_summary_done) struct bundle_summary s = {
		    .n_by = 0 };
		JIT_DONE(wr_done) struct wr w = WR_INIT(1u << 16);
		struct bundle_pins p = pins();
		struct jit_why why = { 0 };

		p.user_ca = i % 2 ? NULL : p.user_ca;
		JT_WHY(bundle_verify(BUF_SPAN(text), &p, b.w.now, &s, &why),
		    JIT_OK, &why);
		assert_string_equal(standing_name(s.standing),
		    want[i].standing);
		assert_true(s.n_by == want[i].by &&
		    s.quorum.have == want[i].have && !s.stale);
		assert_true(s.has_cert == (i == STORY_DROPPED ||
		    i == STORY_ACTIVE));
		assert_int_equal(s.checkpoint.size, b.n);
		bundle_summary_put(&w, &s);
		JT_OK(w.err);
		assert_true(memmem(w.p, w.n, "standing: ", 10) != NULL);
	}
}

static void
summary(void **state)
{
	JIT_DONE(buf_done) struct buf text = logbook_bundle(&b,
	    &ids[STORY_ACTIVE]);
	JIT_DONE(bundle_summary_done) struct bundle_summary s = { .n_by = 0 };
	const struct bundle_pins p = pins();
	const struct dossier *d = logbook_find(&b, &ids[STORY_ACTIVE])->dossier;

	(void)state;
	JT_OK(bundle_verify(BUF_SPAN(text), &p, b.w.now, &s, NULL));
	buf_done(&text);	/* nothing borrows from it */
	assert_true(span_eq_str(s.request->requester, "alice") &&
	    span_eq_str(s.request->reason, "INC-4711 payments stuck"));
	assert_true(strcmp(s.serial, "2") == 0 &&
	    ssh_cert_fields(s.cert.ssh)->n_principals == 1 &&
	    span_eq_str(ssh_cert_fields(s.cert.ssh)->principals[0],
	    "dba.prod-db"));
	assert_true(s.life.until == s.issued + 45 * 60 && s.ended == 0);
	assert_true(s.issued_index == dossier_last(d));
	assert_true(span_eq_str(s.by[0].who, "bob") && s.by[0].counts &&
	    s.by[0].enrolled && span_eq_str(s.by[1].who, "carol"));
	assert_string_equal(s.by[0].proof, "sshsig");
	assert_string_equal(s.by[0].key_type, "ssh-ed25519");
	assert_true(strncmp(s.by[0].fp, "SHA256:", 7) == 0);
	bundle_summary_done(&s);
	text = logbook_bundle(&b, &ids[STORY_ACTIVE]);
	JT_OK(bundle_verify(BUF_SPAN(text), &p, b.w.now + 3600, &s, NULL));
	assert_int_equal(s.standing, STAND_ENDED);
}

static void
round_trip(void **state)
{
	JIT_DONE(buf_done) struct buf text = logbook_bundle(&b,
	    &ids[STORY_DROPPED]);
	JIT_DONE(bundle_done) struct bundle u = { .n = 0 };
	JIT_DONE(wr_done) struct wr w = WR_INIT(BUNDLE_MAX);
	struct receipt *v;

	(void)state;
	JT_OK(bundle_parse(BUF_SPAN(text), &u, NULL));
	JT_OK(bundle_put(&w, u.log, &u.id, u.v, u.n, u.note, NULL));
	assert_true(span_eq(wr_view(&w), BUF_SPAN(text)));
	/* What cannot be written. */
	v = u.v;
	wr_done(&w);
	JT_ERR(bundle_put(&w, u.log, &u.id, v, 0, u.note, NULL), JIT_E_ARG);
	v[1].e.erased = true;
	JT_ERR(bundle_put(&w, u.log, &u.id, v, u.n, u.note, NULL),
	    JIT_E_ERASED);
	v[1].e.erased = false;
	v[1].e.index = 0;
	JT_ERR(bundle_put(&w, u.log, &u.id, v, u.n, u.note, NULL), JIT_E_ARG);
	v[1].e.index = 1;
	v[1].e.type = ENTRY_RECOVERY;
	JT_ERR(bundle_put(&w, u.log, &u.id, v, u.n, u.note, NULL), JIT_E_ARG);
}

static void
golden(void **state)
{
	JIT_DONE(buf_done) struct buf want =
	    jt_file(jt_source("tests/vectors/grant/evidence.txt"));
	JIT_DONE(buf_done) struct buf text = logbook_bundle(&b,
	    &ids[STORY_DROPPED]);

	(void)state;
	assert_true(span_eq(BUF_SPAN(text), BUF_SPAN(want)));
}

/* ---- pins ---- */

static void
other_pins(void **state)
{
	JIT_DONE(buf_done) struct buf text = logbook_bundle(&b,
	    &ids[STORY_ACTIVE]);
	JIT_DONE(bundle_summary_done) struct bundle_summary s = { .n_by = 0 };
	struct bundle_pins p = pins();
	struct span stranger =
	    ssh_key_blob(ssh_priv_public(b.w.key[K_STRANGER]));

	(void)state;
	p.user_ca = ssh_priv_public(b.w.key[K_STRANGER]);
	JT_ERR(bundle_verify(BUF_SPAN(text), &p, 0, &s, NULL), JIT_E_VERIFY);
	p = pins();
	p.log.pub[3] ^= 1;	/* the name is kept, the key is another */
	JT_ERR(bundle_verify(BUF_SPAN(text), &p, 0, &s, NULL), JIT_E_SIG);
	JT_OK(tlog_vkey_make("jit.example.com", stranger.p + stranger.n - 32,
	    &p.log, NULL));
	JT_ERR(bundle_verify(BUF_SPAN(text), &p, 0, &s, NULL),
	    JIT_E_LOGNAME);
	assert_null(s.dossier);
}

/* ---- entries that are missing, and too many ---- */

static void
one_removed(void **state)
{
	uint64_t index[BUNDLE_ENTRIES_MAX], less[BUNDLE_ENTRIES_MAX];
	size_t n = logbook_evidence(&b, &ids[STORY_DROPPED], index);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		JIT_DONE(buf_done) struct buf text = { NULL, 0 };
		size_t k = 0;

		for (size_t j = 0; j < n; j++)
			if (j != i)
				less[k++] = index[j];
		text = logbook_bundle_of(&b, &ids[STORY_DROPPED], less, k,
		    b.n);
		/* Without its drop it is evidence of what was before. */
		if (i == n - 1)
			JT_OK(verify(BUF_SPAN(text), NULL));
		else
			check_refused(BUF_SPAN(text));
	}
}

static void
one_more(void **state)
{
	uint64_t index[BUNDLE_ENTRIES_MAX];
	size_t n = logbook_evidence(&b, &ids[STORY_DROPPED], index);

	(void)state;
	for (uint64_t x = 0; x < b.n; x++) {
		uint64_t more[BUNDLE_ENTRIES_MAX + 1];
		JIT_DONE(buf_done) struct buf text = { NULL, 0 };
		bool had = false;
		size_t k = 0;

		if (b.entry[x].e.type == ENTRY_RECOVERY)
			continue;
		for (size_t j = 0; j < n; j++)
			had |= index[j] == x;
		for (size_t j = 0; j < n && !had; j++) {
			if (index[j] > x && (j == 0 || index[j - 1] < x))
				more[k++] = x;
			more[k++] = index[j];
		}
		if (had)
			continue;
		if (k == n)
			more[k++] = x;
		text = logbook_bundle_of(&b, &ids[STORY_DROPPED], more, k,
		    b.n);
		check_refused(BUF_SPAN(text));
	}
}

/* ---- pieces of text moved about ---- */

struct pieces {
	struct span head, v[BUNDLE_ENTRIES_MAX * 2];
	size_t n;
};

/* head, then entry and proof by turns. */
static struct pieces
cut(struct span text)
{
	static const char mark[] = "-----BEGIN JIT ";
	struct pieces p = { .n = 0 };
	const uint8_t *at = text.p, *end = text.p + text.n;

	for (;;) {
		const uint8_t *next = memmem(at + 1, (size_t)(end - at - 1),
		    mark, sizeof(mark) - 1);
		size_t n = (size_t)((next != NULL ? next : end) - at);

		if (at == text.p)
			p.head = SPAN(at, n);
		else
			p.v[p.n++] = SPAN(at, n);
		if (next == NULL)
			return p;
		at = next;
	}
}

static void
check_pieces(const struct pieces *p)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(BUNDLE_MAX);

	wr_span(&w, p->head);
	for (size_t i = 0; i < p->n; i++)
		wr_span(&w, p->v[i]);
	check_refused(wr_view(&w));
}

static void
moved(void **state)
{
	JIT_DONE(buf_done) struct buf text = logbook_bundle(&b,
	    &ids[STORY_DROPPED]);
	JIT_DONE(buf_done) struct buf other = logbook_bundle(&b,
	    &ids[STORY_ACTIVE]);
	uint64_t index[BUNDLE_ENTRIES_MAX];
	size_t n = logbook_evidence(&b, &ids[STORY_DROPPED], index);
	JIT_DONE(buf_done) struct buf older = logbook_bundle_of(&b,
	    &ids[STORY_DROPPED], index, n, b.n - 1);
	const struct pieces p = cut(BUF_SPAN(text)), q = cut(BUF_SPAN(other)),
	    old = cut(BUF_SPAN(older));

	(void)state;
	assert_true(p.n == 2 * n && old.n == p.n);
	JT_OK(verify(BUF_SPAN(older), NULL));
	for (size_t i = 0; i < p.n; i++) {
		struct pieces t = p;

		/* One piece removed, doubled, of the older checkpoint. */
		memmove(&t.v[i], &t.v[i + 1], (p.n - i - 1) * sizeof(t.v[0]));
		t.n--;
		check_pieces(&t);
		t = p;
		memmove(&t.v[i + 1], &t.v[i], (p.n - i) * sizeof(t.v[0]));
		t.n++;
		check_pieces(&t);
		t = p;
		t.v[i] = old.v[i];
		if (i % 2 > 0)
			check_pieces(&t);
		/* Another's in its place, and two exchanged. */
		for (size_t j = i % 2; j < q.n; j += 2) {
			t = p;
			t.v[i] = q.v[j];
			if (!span_eq(q.v[j], p.v[i]))
				check_pieces(&t);
		}
		for (size_t j = i + 2; j < p.n; j += 2) {
			t = p;
			t.v[i] = p.v[j];
			t.v[j] = p.v[i];
			check_pieces(&t);
			if (i % 2 > 0 || j + 1 == p.n)
				continue;
			t.v[i + 1] = p.v[j + 1];
			t.v[j + 1] = p.v[i + 1];
			check_pieces(&t);
		}
	}
}

/* ---- texts that are nearly that ---- */

static void
replace(struct span text, const char *from, const char *to, struct wr *w)
{
	const uint8_t *at = memmem(text.p, text.n, from, strlen(from));

	assert_non_null(at);
	wr_raw(w, text.p, (size_t)(at - text.p));
	wr_str(w, to);
	at += strlen(from);
	wr_raw(w, at, text.n - (size_t)(at - text.p));
}

static void
forms(void **state)
{
	static const struct { const char *from, *to; } rows[] = {
		{ "v1\n", "v2\n" }, { "v1\n", "v1\r\n" }, { "\n\n", "\n" },
		{ "\n\n", "\n\n\n" }, { "log: jit", "log: jot" },
		{ "log: jit", "log:  jit" }, { "request: 01", "request: 00" },
		{ "BEGIN JIT GENESIS", "BEGIN JIT POLICY" },
		{ "END JIT GENESIS", "END JIT POLICY" },
		{ "BEGIN JIT REQUEST", "BEGIN JIT RECOVERY" },
		{ "-----END JIT GENESIS-----\n",
		    "\n-----END JIT GENESIS-----\n" },
		{ "-----END JIT GENESIS-----\n",
		    "-----END JIT GENESIS-----\n\n" },
		{ "-----END JIT GENESIS-----\n",
		    "-----END JIT GENESIS-----\r\n" },
		{ "-----BEGIN JIT GENESIS-----\n",
		    "-----BEGIN JIT GENESIS-----\nA: b\n" },
		{ "index 0\n", "index 00\n" }, { "index 0\n", "index 1\n" },
		{ "jit-cert evidence", " jit-cert evidence" },
	};
	JIT_DONE(buf_done) struct buf text = logbook_bundle(&b,
	    &ids[STORY_ACTIVE]);
	JIT_DONE(wr_done) struct wr w = WR_INIT(BUNDLE_MAX);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		replace(BUF_SPAN(text), rows[i].from, rows[i].to, &w);
		check_refused(wr_view(&w));
		wr_done(&w);
	}
	wr_span(&w, BUF_SPAN(text));
	wr_str(&w, "\n");
	check_refused(wr_view(&w));
	check_refused(SPAN_NONE);
	check_refused(cut(BUF_SPAN(text)).head);
}

static void
try_flipped(void *arg, struct span s)
{
	(void)arg;
	check_refused(s);
}

static void
flips(void **state)
{
	(void)state;
	for (int i = 0; i < STORY_N; i++) {
		JIT_DONE(buf_done) struct buf text = logbook_bundle(&b,
		    &ids[i]);

		jt_flip_truncate_max(BUF_SPAN(text),
		    i == STORY_ACTIVE ? 4000 : 300, try_flipped, NULL);
	}
}

/* ---- a log that lies: validly logged, and still no evidence ---- */

/* Put in, without a judge, what the dossier takes as well. */
static void
force(const struct ulid *id, enum entry_type t, struct buf body)
{
	struct logbook_matter *m = logbook_find(&b, id);
	uint64_t at = logbook_add(&b, t, BUF_SPAN(body));
	struct jit_why why = { 0 };

	JT_WHY(dossier_add(m->dossier, &b.entry[at].e, DOSSIER_OWN, &why),
	    JIT_OK, &why);
	buf_done(&body);
}

static struct ulid
forced(void (*fields)(struct ssh_cert_fields *),
    void (*record)(struct rec_issued *), enum world_key ca)
{
	const struct logbook_spoil s = { .fields = fields,
	    .record = record, .ca = ca };
	struct ulid id = logbook_asked(&b, 2);

	force(&id, ENTRY_ISSUED, logbook_issued_body(&b, &id, &s));
	return id;
}

#define SPOIL(name, type, code)						\
static void name(struct type *x) { code; }
SPOIL(longer, ssh_cert_fields, x->before++)
SPOIL(earlier, ssh_cert_fields, x->after--)
SPOIL(no_option, ssh_cert_fields, x->n_opts = 0)
SPOIL(half, rec_issued, x->n_approvals = 1)
SPOIL(twice, rec_issued, x->approvals[1] = x->approvals[0])
SPOIL(other_request, rec_issued, x->request_index--)
SPOIL(other_policy, rec_issued, x->policy_index--)
SPOIL(other_secret, rec_issued, x->secret[0] ^= 1)

static void
principal(struct ssh_cert_fields *f)
{
	static const struct span root[] = { { (const uint8_t *)"root.prod-db",
	    12 } };

	f->principals = root;
}

#define LIE(name, fields, record, ca)					\
static struct ulid name(void) { return forced(fields, record, ca); }
LIE(honest, NULL, NULL, K_CA)
LIE(l_longer, longer, NULL, K_CA)
LIE(l_earlier, earlier, NULL, K_CA)
LIE(l_option, no_option, NULL, K_CA)
LIE(l_principal, principal, NULL, K_CA)
LIE(l_ca, NULL, NULL, K_STRANGER)
LIE(l_half, NULL, half, K_CA)
LIE(l_twice, NULL, twice, K_CA)
LIE(l_request, NULL, other_request, K_CA)
LIE(l_secret, NULL, other_secret, K_CA)

static struct ulid
l_policy(void)
{
	struct ulid id = logbook_asked(&b, 2);
	const struct logbook_spoil s = { .record = other_policy,
	    .ca = K_CA };

	/* Logged twice: the list is the same, its index is not. */
	(void)logbook_policy(&b);
	force(&id, ENTRY_ISSUED, logbook_issued_body(&b, &id, &s));
	logbook_find(&b, &id)->dossier->issued.policy_index++;
	return id;
}

/* A deny whose text was turned: it is in the log, and not signed. */
static struct ulid
l_turned(void)
{
	struct ulid id = logbook_asked(&b, 1);
	JIT_DONE(buf_done) struct buf deny = logbook_decision_body(&b, &id,
	    VERDICT_DENY, K_CAROL);
	JIT_DONE(wr_done) struct wr text = WR_INIT(DECISION_MAX), w =
	    WR_INIT(ENTRY_BODY_MAX);
	struct rec_signed s;
	struct buf body = { NULL, 0 };

	JT_OK(rec_get_signed(BUF_SPAN(deny), ENTRY_DECISION, &s, NULL));
	replace(s.text, "verdict: deny", "verdict: approve", &text);
	s.text = wr_view(&text);
	rec_put_signed(&w, ENTRY_DECISION, &s);
	JT_OK(wr_take(&w, &body));
	force(&id, ENTRY_DECISION, body);
	(void)logbook_collect(&b, &id);
	return id;
}

static struct ulid
decided_by(enum world_key who, dur_s later)
{
	struct ulid id = logbook_asked(&b, 1);
	struct buf body = { NULL, 0 };

	body = logbook_decision_body(&b, &id, VERDICT_APPROVE, who);
	b.w.now += later;
	force(&id, ENTRY_DECISION, body);
	return id;
}

static struct ulid
l_late(void)
{
	struct ulid id = decided_by(K_CAROL, 301);

	(void)logbook_collect(&b, &id);
	return id;
}

static struct ulid
l_late_enough(void)
{
	struct ulid id = decided_by(K_CAROL, 300);

	(void)logbook_collect(&b, &id);
	return id;
}

/*
 * Issued under another policy than the one that it names: in the log carol
 * left, or never was an approver.
 */
static struct ulid
l_lenient(const char *groups)
{
	static const enum world_key carol[] = { K_CAROL };
	struct ulid id;

	world_without(&b.w, BLOCK_PERSON, "carol");
	if (groups != NULL)
		world_person(&b.w, "carol", groups, carol, 1);
	(void)logbook_policy(&b);
	world_without(&b.w, BLOCK_PERSON, "carol");
	world_person(&b.w, "carol", "group: sre\n", carol, 1);
	id = logbook_asked(&b, 2);
	(void)logbook_collect(&b, &id);
	return id;
}

static struct ulid
l_left(void)
{
	return l_lenient(NULL);
}

static struct ulid
l_no_approver(void)
{
	return l_lenient("group: dev\n");
}

/* Nor may alice ask under the policy that is named. */
static struct ulid
l_asks(void)
{
	static const enum world_key alice[] = { K_ALICE };
	struct ulid id;

	world_without(&b.w, BLOCK_PERSON, "alice");
	world_person(&b.w, "alice", "group: dev\n", alice, 1);
	(void)logbook_policy(&b);
	world_without(&b.w, BLOCK_PERSON, "alice");
	world_person(&b.w, "alice", "group: sre\n", alice, 1);
	id = logbook_asked(&b, 2);
	(void)logbook_collect(&b, &id);
	return id;
}

static struct ulid
l_drop(void)
{
	struct ulid id = logbook_asked(&b, 2);

	(void)logbook_collect(&b, &id);
	force(&id, ENTRY_DROP, logbook_act_body(&b, &id, ACT_DROP, K_BOB));
	return id;
}

struct lie {
	const char *name;
	struct ulid (*make)(void);
	enum jit_err want;
};

static const struct lie lies[] = {
	{ "the truth", honest, JIT_OK },
	{ "a longer certificate", l_longer, JIT_E_VERIFY },
	{ "an earlier one", l_earlier, JIT_E_VERIFY },
	{ "an option less", l_option, JIT_E_VERIFY },
	{ "another principal", l_principal, JIT_E_VERIFY },
	{ "another CA", l_ca, JIT_E_VERIFY },
	{ "one approval is listed", l_half, JIT_E_VERIFY },
	{ "one approval is listed twice", l_twice, JIT_E_VERIFY },
	{ "another request is named", l_request, JIT_E_VERIFY },
	{ "another policy is named", l_policy, JIT_E_VERIFY },
	{ "another secret", l_secret, JIT_E_COLLECT },
	{ "a deny was turned", l_turned, JIT_E_SIG },
	{ "a decision of 301 s before", l_late, JIT_E_CLOCK },
	{ "a decision of 300 s before", l_late_enough, JIT_OK },
	{ "dropped by another", l_drop, JIT_E_VERIFY },
	{ "an approver who had left", l_left, JIT_E_PENDING },
	{ "an approver of no group", l_no_approver, JIT_E_PENDING },
	{ "a requester of no group", l_asks, JIT_E_REFUSED },
};

static void
lie(void **state)
{
	const struct lie *t = *state;
	JIT_DONE(buf_done) struct buf text = { NULL, 0 };
	struct jit_why why = { 0 };
	struct ulid id;

	logbook_done(&b);
	logbook_init(&b);
	id = t->make();
	text = logbook_bundle(&b, &id);
	JT_WHY(verify(BUF_SPAN(text), &why), t->want, &why);
}

/* ---- security keys ---- */

static void
put_sk_key(struct wr *w, const char *app)
{
	struct span pub = ssh_key_blob(ssh_priv_public(b.w.key[K_DAN]));

	wr_cstring(w, "sk-ssh-ed25519@openssh.com");
	wr_string(w, SPAN(pub.p + pub.n - 32, 32));
	wr_cstring(w, app);
}

/* What a security key with dan's key in it would sign (PROTOCOL.u2f). */
static struct buf
sk_sign(const char *ns, struct span text, uint8_t flags)
{
	JIT_DONE(wr_done) struct wr blob = WR_INIT(1000), tbs = WR_INIT(1000),
	    data = WR_INIT(1000), raw = WR_INIT(1000), sig = WR_INIT(1000),
	    out = WR_INIT(SSHSIG_MAX);
	JIT_SCOPED(ssh_key_free) struct ssh_key *k = NULL;
	struct digest app, message;
	struct buf ret = { NULL, 0 };

	put_sk_key(&blob, "ssh:");
	JT_OK(ssh_key_parse(wr_view(&blob), &k, NULL));
	JT_OK(sshsig_put_tbs(&tbs, ns, text));
	JT_OK(digest_sha256(span_str("ssh:"), &app));
	JT_OK(digest_sha256(wr_view(&tbs), &message));
	wr_span(&data, DIGEST_SPAN(app));
	wr_u8(&data, flags);
	wr_u32(&data, 7);
	wr_span(&data, DIGEST_SPAN(message));
	JT_OK(ssh_priv_sign(b.w.key[K_DAN], wr_view(&data), &raw));
	wr_cstring(&sig, "sk-ssh-ed25519@openssh.com");
	wr_string(&sig, SPAN(raw.p + raw.n - 64, 64));
	wr_u8(&sig, flags);
	wr_u32(&sig, 7);
	sshsig_put(&out, k, ns, wr_view(&sig));
	JT_OK(wr_take(&out, &ret));
	return ret;
}

static void
enrol_sk(void)
{
	JIT_DONE(wr_done) struct wr blob = WR_INIT(1000), t = WR_INIT(4000);

	put_sk_key(&blob, "ssh:");
	world_without(&b.w, BLOCK_PERSON, "dan");
	wr_str(&t, "jit-cert person v1\nname: dan\ngroup: sre\n"
	    "key: sk-ssh-ed25519@openssh.com ");
	b64_put(&t, wr_view(&blob));
	wr_str(&t, "\n");
	wr_u8(&t, 0);
	world_add(&b.w, (const char *)wr_view(&t).p);
	(void)logbook_policy(&b);
}

/* prod-db-ro wants a touch: a claim, and told as one. */
static void
touched(void **state)
{
	static const struct { uint8_t flags; const char *told; } rows[] = {
		{ SSH_SK_UP, "sshsig+touch (claimed)" },
		{ SSH_SK_UP | SSH_SK_UV, "sshsig+pin (claimed)" },
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		JIT_DONE(buf_done) struct buf text = { NULL, 0 }, sig = {
		    NULL, 0 }, file = { NULL, 0 };
		JIT_DONE(bundle_summary_done) struct bundle_summary s = {
		    .n_by = 0 };
		JIT_DONE(wr_done) struct wr w = WR_INIT(ENTRY_BODY_MAX);
		struct bundle_pins p;
		struct jit_why why = { 0 };
		struct buf body = { NULL, 0 };
		struct rec_signed rec;
		struct ulid id;

		logbook_done(&b);
		logbook_init(&b);
		enrol_sk();
		id = logbook_request(&b, "prod-db-ro", K_EVE);
		text = world_decision_text(&b.w, VERDICT_APPROVE, "dan",
		    BUF_SPAN(logbook_find(&b, &id)->dossier->h.request->text),
		    &id);
		sig = sk_sign(NS_DECISION, BUF_SPAN(text), rows[i].flags);
		rec = (struct rec_signed){ BUF_SPAN(text), BUF_SPAN(sig),
		    SPAN_NONE };
		rec_put_signed(&w, ENTRY_DECISION, &rec);
		JT_OK(wr_take(&w, &body));
		force(&id, ENTRY_DECISION, body);
		(void)logbook_collect(&b, &id);
		file = logbook_bundle(&b, &id);
		p = pins();
		JT_WHY(bundle_verify(BUF_SPAN(file), &p, b.w.now, &s, &why),
		    JIT_OK, &why);
		assert_string_equal(s.by[0].proof, rows[i].told);
	}
}

/* ---- what was taken back; X.509 and the keys behind it ---- */

static struct ulid taken[TAKEN_N];

static void
taken_stands(void **state)
{
	static const struct { const char *standing; bool cert, ended; }
	    want[TAKEN_N] = {
		[TAKEN_REVOKED] = { "revoked", true, true },
		[TAKEN_LOCKED] = { "revoked", true, true },
		[TAKEN_PENDING] = { "cancelled", false, true },
		[TAKEN_PERSON] = { "revoked", true, true },
		[TAKEN_KEY] = { "cancelled", false, true },
		[TAKEN_ACTIVE] = { "active", true, false },
		[TAKEN_DROPPED] = { "dropped", true, true },
		[TAKEN_OPEN] = { "pending", false, false } };

	(void)state;
	for (int i = 0; i < TAKEN_N; i++) {
		JIT_DONE(buf_done) struct buf text = { NULL, 0 };
		JIT_DONE(bundle_summary_done) struct bundle_summary s = {
		    .n_by = 0 };
		JIT_DONE(wr_done) struct wr w = WR_INIT(1u << 16);
		const struct bundle_pins p = pins();
		struct jit_why why = { 0 };

		/* Carol's block of then is not in the policy of now. */
		if (i == TAKEN_KEY)
			continue;
		text = logbook_bundle(&b, &taken[i]);
		JT_WHY(bundle_verify(BUF_SPAN(text), &p, b.w.now, &s, &why),
		    JIT_OK, &why);
		assert_string_equal(standing_name(s.standing),
		    want[i].standing);
		assert_true(s.has_cert == want[i].cert &&
		    (s.ended != 0) == want[i].ended);
		assert_true(s.keys_index > 0 &&
		    b.entry[s.keys_index].e.type == ENTRY_KEYS);
		assert_int_equal(strlen(s.serial), !s.has_cert ? 0 :
		    s.cert.kind == KIND_X509 ? 32 : 1);
		bundle_summary_put(&w, &s);
		JT_OK(w.err);
	}
}

/* The evidence of an x509 certificate with its keys entry changed. */
static void
keys_entry(void **state)
{
	uint64_t index[BUNDLE_ENTRIES_MAX], v[BUNDLE_ENTRIES_MAX + 1];
	size_t n = logbook_evidence(&b, &taken[TAKEN_ACTIVE], index), k = 0;
	uint64_t keys[4];
	size_t n_keys = 0, at = 0;

	(void)state;
	for (uint64_t i = 0; i < b.n; i++)
		if (b.entry[i].e.type == ENTRY_KEYS)
			keys[n_keys++] = i;
	assert_int_equal(n_keys, 3);
	while (b.entry[index[at]].e.type != ENTRY_KEYS)
		at++;
	assert_true(index[at] == keys[1]);
	for (size_t i = 0; i < n; i++)
		if (i != at)
			v[k++] = index[i];
	JIT_DONE(buf_done) struct buf none = logbook_bundle_of(&b,
	    &taken[TAKEN_ACTIVE], v, k, b.n);

	check_refused(BUF_SPAN(none));
	/* Two of them; one that is newer than the certificate. */
	for (int which = 0; which < 2; which++) {
		uint64_t more = which == 0 ? keys[0] : keys[2];
		bool in = false;

		k = 0;
		for (size_t i = 0; i < n; i++) {
			if (!in && index[i] > more) {
				v[k++] = more;
				in = true;
			}
			if (which == 0 || i != at)
				v[k++] = index[i];
		}
		if (!in)
			v[k++] = more;
		JIT_DONE(buf_done) struct buf text = logbook_bundle_of(&b,
		    &taken[TAKEN_ACTIVE], v, k, b.n);

		check_refused(BUF_SPAN(text));
	}
}

static void
x509_bits(void *arg, struct span s)
{
	(void)arg;
	check_refused(s);
}

static void
x509_flipped(void **state)
{
	JIT_DONE(buf_done) struct buf text = logbook_bundle(&b,
	    &taken[TAKEN_ACTIVE]);

	(void)state;
	jt_flip_truncate_max(BUF_SPAN(text), 300, x509_bits, NULL);
}

int
main(void)
{
	int failed;

	logbook_init(&b);
	logbook_story(&b, ids);
	failed = jt_one("stands", stands) + jt_one("summary", summary) +
	    jt_one("round trip", round_trip) + jt_one("golden", golden) +
	    jt_one("other pins", other_pins) +
	    jt_one("one removed", one_removed) +
	    jt_one("one more", one_more) + jt_one("moved", moved) +
	    jt_one("forms", forms) + jt_one("flips", flips) +
	    JT_ROWS("lie", lie, lies) + jt_one("touched", touched);
	logbook_done(&b);
	logbook_init(&b);
	logbook_taken(&b, taken);
	(void)logbook_keys(&b);		/* behind the certificates */
	failed += jt_one("taken: stands", taken_stands) +
	    jt_one("taken: the keys entry", keys_entry) +
	    jt_one("taken: flipped", x509_flipped);
	logbook_done(&b);
	return failed;
}
