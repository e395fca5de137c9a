/*
 * An entry into the database.  What an entry says is read, not judged: it
 * could not stand in the log if the signer had refused it.
 */
#include <string.h>

#include "api/view/view_int.h"

enum jit_err
view_cannot(const struct entry *e, struct jit_why *why, const char *what)
{
	return jit_fail(why, JIT_E_VERIFY, "entry %llu, a %s, cannot stand "
	    "there: %s", (unsigned long long)e->index,
	    entry_type_name(e->type), what);
}

/* ---- requests ---- */

static void
add_entry(struct row *r, const struct entry *e)
{
	r->entry[r->n++] = (struct view_entry){ e->index, e->body.n };
	r->r.last = e->index;
}

static enum jit_err
take_request(struct view *v, const struct entry *e, struct jit_why *why)
{
	struct row row = { .n = 0, .logged = e->time };
	struct rec_signed s;
	struct request r;
	dur_s off;

	JIT_TRY(rec_get_signed(e->body, ENTRY_REQUEST, &s, why));
	JIT_TRY(request_parse(s.text, &r, why));
	row.r = (struct view_row){ .id = r.id, .index = e->index,
	    .requester = r.requester, .role = r.role, .created = r.created,
	    .opens = r.opens, .closes = r.closes, .duration = r.duration,
	    .reason = r.reason, .kind = r.kind, .profile = r.profile,
	    .crl = r.crl, .n_subject = r.n_subject, .n_sans = r.n_sans };
	memcpy(row.r.subject, r.subject, sizeof(row.r.subject));
	memcpy(row.r.sans, r.sans, sizeof(row.r.sans));
	JIT_TRY(digest_sha256(s.text, &row.r.digest));
	add_entry(&row, e);
	off = r.created > e->time ? r.created - e->time : e->time - r.created;
	if (off > v->at.skew)
		v->at.skew = off;
	return row_insert(v, &row, why);
}

/* ---- what is about one ---- */

/* What became of the row that an entry is about. */
enum found {
	FOUND,
	FOUND_NONE	/* passed over: its request was erased */
};

/* An erased request leaves entries behind that are about nothing. */
static enum jit_err
orphan(const struct view *v, const struct entry *e, enum found *ret,
    struct jit_why *why)
{
	if (v->at.lost == 0)
		return view_cannot(e, why, "there is no such request");
	*ret = FOUND_NONE;
	return JIT_OK;
}

/* By id and text: the id may have been another's, long ago. */
static enum jit_err
find_by_id(struct view *v, const struct entry *e, const struct ulid *id,
    const struct digest *text, struct row *row, struct buf *mem,
    enum found *ret, struct jit_why *why)
{
	enum jit_err err = row_by_id(v, id, row, mem, why);

	if (err == JIT_E_UNKNOWN ||
	    (err == JIT_OK && !digest_eq(&row->r.digest, text)))
		return orphan(v, e, ret, why);
	*ret = FOUND;
	return err;
}

/* Does its state let e follow? */
static bool
may_follow(const struct entry *e, const struct row *row)
{
	switch (e->type) {
	case ENTRY_DROP:
	case ENTRY_REVOKE:
		return row->r.end == VIEW_ISSUED;
	case ENTRY_ENDED:
		return row->r.end == VIEW_ISSUED || row->r.end == VIEW_OPEN;
	default:
		return row->r.end == VIEW_OPEN;
	}
}

/* The entry is noted in both tables. */
static enum jit_err
note_entry(struct view *v, const struct entry *e, struct row *row,
    struct jit_why *why)
{
	if (!may_follow(e, row) || row->n == DOSSIER_ENTRIES_MAX)
		return view_cannot(e, why, "the request is settled");
	add_entry(row, e);
	return about_insert(v, e->index, row->r.index, why);
}

static enum jit_err
take_decision(struct view *v, const struct entry *e, struct jit_why *why)
{
	JIT_DONE(buf_done) struct buf mem = { NULL, 0 };
	enum found found = FOUND_NONE;
	struct rec_signed s;
	struct decision d;
	struct digest text;
	struct row row;

	JIT_TRY(rec_get_signed(e->body, ENTRY_DECISION, &s, why));
	JIT_TRY(decision_parse(s.text, &d, why));
	JIT_TRY(digest_sha256(d.request_text, &text));
	JIT_TRY(find_by_id(v, e, &d.request, &text, &row, &mem, &found, why));
	if (found == FOUND_NONE)
		return JIT_OK;
	JIT_TRY(note_entry(v, e, &row, why));
	if (d.verdict == VERDICT_DENY) {
		row.r.end = VIEW_DENIED;
		row.r.denied = d.approver;
	} else if (row.r.n_approved < VIEW_APPROVERS) {
		row.r.approved[row.r.n_approved++] = d.approver;
	}
	return row_update(v, &row, why);
}

static enum jit_err
take_act(struct view *v, const struct entry *e, struct jit_why *why)
{
	static const enum view_end ends[ACT_KINDS] = {
		[ACT_CANCEL] = VIEW_CANCELLED, [ACT_DROP] = VIEW_DROPPED,
		[ACT_REVOKE] = VIEW_REVOKED,
	};
	enum act_kind kind = dossier_act_kind(e);
	JIT_DONE(buf_done) struct buf mem = { NULL, 0 };
	enum found found = FOUND_NONE;
	struct rec_signed s;
	struct row row;
	struct act a;

	JIT_TRY(rec_get_signed(e->body, (enum entry_type)e->type, &s, why));
	JIT_TRY(act_parse(s.text, kind, &a, why));
	JIT_TRY(find_by_id(v, e, &a.request, &a.digest, &row, &mem, &found,
	    why));
	if (found == FOUND_NONE)
		return JIT_OK;
	JIT_TRY(note_entry(v, e, &row, why));
	row.r.end = ends[kind];
	if (kind == ACT_REVOKE)
		row.r.revoked = a.by;
	return row_update(v, &row, why);
}

/* By id alone: the newest of that id, unless that one was erased. */
static enum jit_err
take_ended(struct view *v, const struct entry *e, struct jit_why *why)
{
	JIT_DONE(buf_done) struct buf mem = { NULL, 0 };
	enum found found;
	struct rec_ended r;
	struct row row;
	enum jit_err err;

	JIT_TRY(rec_get_ended(e->body, &r, why));
	err = row_by_id(v, &r.request, &row, &mem, why);
	if (err == JIT_E_UNKNOWN || (err == JIT_OK && v->at.lost > 0 &&
	    !may_follow(e, &row)))
		return orphan(v, e, &found, why);
	JIT_TRY(err);
	JIT_TRY(note_entry(v, e, &row, why));
	row.r.end = row.r.end == VIEW_ISSUED ? VIEW_REVOKED : VIEW_CANCELLED;
	row.r.cause = (uint8_t)r.cause;
	return row_update(v, &row, why);
}

static enum jit_err
take_issued(struct view *v, const struct entry *e, struct jit_why *why)
{
	JIT_DONE(buf_done) struct buf mem = { NULL, 0 };
	JIT_DONE(issued_done) struct issued c = { .kind = KIND_SSH_USER };
	uint8_t serial[ISSUED_SERIAL];
	char text[ISSUED_SERIAL_TEXT];
	enum found found;
	struct rec_issued i;
	struct row row;
	enum jit_err err;

	JIT_TRY(rec_get_issued(e->body, &i, why));
	JIT_TRY(issued_parse(i.cert, &c, why));
	err = row_by_index(v, i.request_index, &row, &mem, why);
	if (err == JIT_E_UNKNOWN ||
	    (err == JIT_OK && memcmp(row.r.id.s, i.request.s, ULID_LEN) != 0))
		return orphan(v, e, &found, why);
	JIT_TRY(err);
	JIT_TRY(note_entry(v, e, &row, why));
	if (c.kind != row.r.kind)
		return view_cannot(e, why, "its request is of another kind");
	issued_serial(&c, serial);
	row.r.end = VIEW_ISSUED;
	row.r.serial = span_str(issued_serial_text(c.kind, serial, text));
	row.r.from = issued_life(&c).from;
	row.r.until = issued_life(&c).until;
	return row_update(v, &row, why);
}

/* ---- what all rests on ---- */

static enum jit_err
take_genesis(struct view *v, const struct entry *e, struct jit_why *why)
{
	struct rec_genesis g;

	JIT_TRY(rec_get_genesis(e->body, &g, why));
	if (!tlog_vkey_eq(&g.log, &v->log))
		return jit_fail(why, JIT_E_LOGNAME, "the log begins as %s, "
		    "accepted is %s with the pinned key", g.log.origin,
		    v->log.origin);
	return view_first_key(v, g.user_ca, why);
}

/* ---- all ---- */

static enum jit_err
take_body(struct view *v, const struct entry *e, struct jit_why *why)
{
	switch ((enum entry_type)e->type) {
	case ENTRY_GENESIS:
		return take_genesis(v, e, why);
	case ENTRY_BLOB:
		return view_take_blob(v, e, why);
	case ENTRY_POLICY:
		return view_take_policy(v, e, why);
	case ENTRY_RECOVERY:
		return JIT_OK;
	case ENTRY_REQUEST:
		return take_request(v, e, why);
	case ENTRY_DECISION:
		return take_decision(v, e, why);
	case ENTRY_CANCEL:
	case ENTRY_DROP:
	case ENTRY_REVOKE:
		return take_act(v, e, why);
	case ENTRY_ENDED:
		return take_ended(v, e, why);
	case ENTRY_KEYS:
		return view_take_keys(v, e, why);
	case ENTRY_LOCK:
		return view_take_lock(v, e, why);
	case ENTRY_ISSUED:
		return take_issued(v, e, why);
	case ENTRY_INTENT:
	case ENTRY_CLAIMED:
		break;
	}
	return view_cannot(e, why, "nothing writes this type yet");
}

static enum jit_err
take_erased(struct view *v, const struct entry *e, struct jit_why *why)
{
	if (e->type == ENTRY_GENESIS || e->type == ENTRY_POLICY ||
	    e->type == ENTRY_KEYS || e->type == ENTRY_LOCK)
		return view_cannot(e, why, "it was erased, and all rests on "
		    "it");
	v->at.lost += e->type == ENTRY_REQUEST;
	return JIT_OK;
}

/* The fields are the leaf's, and the leaf is the next. */
static enum jit_err
check_place(const struct view *v, const struct entry *e, struct jit_why *why)
{
	struct entry leaf = { .type = 0 };

	if (entry_parse_leaf(SPAN(e->leaf, ENTRY_LEAF), &leaf) != JIT_OK ||
	    leaf.type != e->type || leaf.time != e->time ||
	    leaf.index != e->index)
		return jit_fail(why, JIT_E_VERIFY, "entry %llu has a malformed "
		    "leaf", (unsigned long long)e->index);
	if (e->index != v->at.edge.size)
		return jit_fail(why, JIT_E_VERIFY, "entry %llu is numbered "
		    "%llu", (unsigned long long)v->at.edge.size,
		    (unsigned long long)e->index);
	if (e->time < v->at.time)
		return view_cannot(e, why, "its time goes back");
	if ((e->type == ENTRY_GENESIS) != (e->index == 0))
		return view_cannot(e, why, "a log begins with one genesis");
	if (e->index > 0 && v->at.policy_index == 0 && e->type != ENTRY_BLOB &&
	    e->type != ENTRY_POLICY)
		return view_cannot(e, why, "no policy is in force");
	return JIT_OK;
}

/* What cannot be read is told as that, with where it stood. */
static enum jit_err
as_verify(const struct entry *e, enum jit_err err, struct jit_why *why)
{
	switch (err) {
	case JIT_OK:
	case JIT_E_VERIFY:
	case JIT_E_LOGNAME:
	case JIT_E_VIEW:
	case JIT_E_FULL:
	case JIT_E_IO:
	case JIT_E_LOCKED:
	case JIT_E_NOMEM:
	case JIT_E_CRYPTO:
		return err;
	default:
		(void)jit_at(why, JIT_E_VERIFY, "entry %llu, a %s",
		    (unsigned long long)e->index, entry_type_name(e->type));
		return JIT_E_VERIFY;
	}
}

static enum jit_err
apply(struct view *v, const struct entry *e, struct jit_why *why)
{
	struct digest leaf;

	JIT_TRY(check_place(v, e, why));
	if (!e->erased)
		JIT_TRY(entry_check_body(e, why));
	JIT_TRY(merkle_leaf(SPAN(e->leaf, ENTRY_LEAF), &leaf));
	JIT_TRY(as_verify(e, e->erased ? take_erased(v, e, why) :
	    take_body(v, e, why), why));
	JIT_TRY(merkle_edge_add(&v->at.edge, &leaf));
	v->at.time = e->time;
	return JIT_OK;
}

enum jit_err
view_apply(struct view *v, const struct entry *e, struct jit_why *why)
{
	enum jit_err err;

	if (!v->batch || v->failed)
		return jit_fail(why, JIT_E_ARG, "no batch has begun");
	if ((err = apply(v, e, why)) != JIT_OK)
		v->failed = true;
	return err;
}
