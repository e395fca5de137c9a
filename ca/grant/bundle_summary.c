#include <string.h>

#include "ca/grant/bundle_int.h"

static const char *
proof_text(const struct signer *by)
{
	if (!ssh_key_is_sk(by->key))
		return "sshsig";
	if (by->facts.flags & SSH_SK_UV)
		return "sshsig+pin (claimed)";
	if (by->facts.flags & SSH_SK_UP)
		return "sshsig+touch (claimed)";
	return "sshsig, security key without a touch (claimed)";
}

static void
fill_by(struct bundle_summary *s)
{
	const struct dossier *d = s->dossier;

	for (size_t i = 0; i < d->n; i++) {
		const struct entry *e = &d->entry[i].e;
		struct bundle_by *by = &s->by[s->n_by];
		const struct open_decision *o;
		const struct person *who;

		if (e->type != ENTRY_DECISION)
			continue;
		o = d->h.decision[s->n_by];
		who = policy_person(s->policy, o->dec.approver);
		*by = (struct bundle_by){ .who = o->dec.approver,
		    .key_type = ssh_key_type_name(o->by.key),
		    .proof = proof_text(&o->by), .verdict = o->dec.verdict,
		    .decided = o->dec.decided, .logged = e->time,
		    .index = e->index, .comment = o->dec.comment,
		    .enrolled = who != NULL && person_has_key(who,
		    o->by.key) };
		ssh_key_fingerprint(o->by.key, by->fp);
		for (size_t k = 0; k < s->quorum.have; k++)
			by->counts |= s->quorum.counted[k] == s->n_by;
		s->n_by++;
	}
}

void
bundle_summary_fill(struct bundle_summary *s, utc_s now)
{
	const struct dossier *d = s->dossier;
	struct quorum q;

	s->standing = dossier_standing(d, s->policy, now, &q, &s->stale);
	if (!d->h.issued)
		s->quorum = q;
	s->request = &d->h.request->req;
	if (s->has_cert) {
		uint8_t serial[ISSUED_SERIAL];

		s->life = issued_life(&s->cert);
		issued_serial(&s->cert, serial);
		(void)issued_serial_text(s->cert.kind, serial, s->serial);
	}
	if (d->h.end != END_NONE)
		s->ended = d->entry[d->n - 1].e.time;
	fill_by(s);
}

/* ---- for a person ---- */

static void
put_utc(struct wr *w, const char *name, utc_s t)
{
	char text[UTC_TEXT];

	utc_text(t, text);
	wr_fmt(w, "%s: %s\n", name, text);
}

static void
put_span(struct wr *w, const char *name, struct span s)
{
	wr_fmt(w, "%s: ", name);
	wr_span(w, s);
	wr_u8(w, '\n');
}

static void
put_cert(struct wr *w, const struct bundle_summary *s)
{
	put_utc(w, "issued", s->issued);
	put_utc(w, "from", s->life.from);
	put_utc(w, "until", s->life.until);
	wr_fmt(w, "serial: %s\n", s->serial);
	if (s->cert.kind == KIND_SSH_USER)
		put_span(w, "key id", ssh_cert_fields(s->cert.ssh)->key_id);
}

static void
put_by(struct wr *w, const struct bundle_by *by)
{
	char when[UTC_TEXT];

	utc_text(by->logged, when);
	wr_str(w, by->verdict == VERDICT_DENY ? "denied by: " :
	    by->counts ? "approved by: " : "approved (does not count) by: ");
	wr_span(w, by->who);
	wr_fmt(w, ", %s %s%s, %s, %s\n", by->key_type, by->fp,
	    by->enrolled ? "" : " (not enrolled)", by->proof, when);
	if (by->comment.n > 0)
		put_span(w, "comment", by->comment);
}

void
bundle_summary_put(struct wr *w, const struct bundle_summary *s)
{
	const struct request *q = s->request;

	wr_fmt(w, "request: %s\nstanding: %s\n", s->dossier->id.s,
	    standing_name(s->standing));
	put_span(w, "requester", q->requester);
	put_span(w, "role", q->role);
	for (size_t i = 0; i < q->n_principals; i++)
		put_span(w, "principal", q->principals[i]);
	for (size_t i = 0; i < q->n_options; i++)
		put_span(w, "option", q->options[i]);
	if (q->kind == KIND_X509)
		put_span(w, "profile", q->profile);
	for (size_t i = 0; i < q->n_subject; i++)
		put_span(w, "subject", q->subject[i]);
	for (size_t i = 0; i < q->n_sans; i++)
		put_span(w, "san", q->sans[i]);
	put_span(w, "reason", q->reason);
	for (size_t i = 0; i < s->n_by; i++)
		put_by(w, &s->by[i]);
	if (s->has_cert)
		put_cert(w, s);
	if (s->ended > 0)
		put_utc(w, standing_name(s->standing), s->ended);
	wr_fmt(w, "log: %s, %llu entries\n", s->bundle.log,
	    (unsigned long long)s->checkpoint.size);
}
