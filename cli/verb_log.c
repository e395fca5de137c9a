/* log - who asked, who allowed, what was issued: the log, for people. */
#include <stdlib.h>
#include <string.h>

#include "cli/scan.h"
#include "cli/tell.h"

#define NAME_SIZE 33

/*
 * Who asked for which role: entries about a request that do not say so
 * themselves (a certificate, a drop) are told with it.  Forgotten once
 * nothing more can be logged about it.
 */
struct asked {
	struct ulid id;
	char who[NAME_SIZE], role[NAME_SIZE];
	utc_s closes;
};

struct reading {
	struct desk *d;
	const char *person, *role;
	utc_s since, until, now;
	struct jit_why *why;
	uint64_t shown, read;
	struct asked *asked;		/* owned */
	size_t n, cap;
};

static void
reading_done(struct reading *r)
{
	free(r->asked);
}
JIT_SCOPED_OBJ(struct reading, reading_done);

/*
 * What one entry says.  Spans borrow from its body and from struct asked.
 * who did it; whose request it is about, "" when it is about none.
 */
struct line {
	struct span who, whose, role;
	struct ulid id;
	struct wr what;
	uint64_t serial;		/* of a certificate; else 0 */
	utc_s until;
	struct rec_issued issued;	/* by which approvals */
};

static void
line_done(struct line *l)
{
	wr_done(&l->what);
}
JIT_SCOPED_OBJ(struct line, line_done);

/* ---- who asked for it ---- */

static void
forget(struct reading *r, utc_s t)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		if (r->asked[i].closes + JUDGE_CLOCK_SLACK >= t)
			r->asked[n++] = r->asked[i];
	r->n = n;
}

static void
copy_name(char ret[static NAME_SIZE], struct span s)
{
	size_t n = s.n < NAME_SIZE ? s.n : NAME_SIZE - 1;

	memcpy(ret, s.p, n);
	ret[n] = '\0';
}

static enum jit_err
remember(struct reading *r, const struct request *q, utc_s t)
{
	const bool full = r->n == r->cap;
	struct asked *a;

	if (full)
		forget(r, t);
	/* Less than half was forgotten: room for twice as many. */
	if (full && r->n >= r->cap / 2) {
		size_t cap = r->cap > 0 ? 2 * r->cap : 64;

		if ((a = realloc(r->asked, cap * sizeof(*a))) == NULL)
			return JIT_E_NOMEM;
		r->asked = a;
		r->cap = cap;
	}
	a = &r->asked[r->n++];
	a->id = q->id;
	a->closes = q->closes;
	copy_name(a->who, q->requester);
	copy_name(a->role, q->role);
	return JIT_OK;
}

/* Fill in what the entry does not say itself. */
static void
recall(const struct reading *r, struct line *l)
{
	for (size_t i = r->n; i > 0; i--) {
		const struct asked *a = &r->asked[i - 1];

		if (strcmp(a->id.s, l->id.s) != 0)
			continue;
		l->whose = span_str(a->who);
		l->role = span_str(a->role);
		return;
	}
}

/* ---- one entry ---- */

static void
put_quoted(struct wr *w, const char *before, struct span s)
{
	if (s.n == 0)
		return;
	wr_str(w, before);
	wr_str(w, "\"");
	wr_span(w, s);
	wr_str(w, "\"");
}

static enum jit_err
read_request(struct reading *r, const struct entry *e,
    const struct rec_signed *s, struct line *l)
{
	struct request q;
	char dur[WHEN_TEXT], closes[WHEN_TEXT];

	JIT_TRY(request_parse(s->text, &q, r->why));
	JIT_TRY(remember(r, &q, e->time));
	l->who = l->whose = q.requester;
	l->role = q.role;
	l->id = q.id;
	wr_str(&l->what, "asks for ");
	wr_span(&l->what, q.role);
	wr_fmt(&l->what, " for %s before %s", when_dur(q.duration, dur),
	    when_text(WHEN_BOTH, q.closes, r->now, closes));
	put_quoted(&l->what, ": ", q.reason);
	return JIT_OK;
}

static enum jit_err
read_decision(const struct rec_signed *s, struct line *l,
    struct jit_why *why)
{
	struct decision dec;
	struct request q;

	JIT_TRY(decision_parse(s->text, &dec, why));
	JIT_TRY(request_parse(dec.request_text, &q, why));
	l->who = dec.approver;
	l->whose = q.requester;
	l->role = q.role;
	l->id = dec.request;
	wr_fmt(&l->what, "%s ", dec.verdict == VERDICT_APPROVE ?
	    "approves" : "DENIES");
	wr_span(&l->what, q.role);
	wr_str(&l->what, " for ");
	wr_span(&l->what, q.requester);
	put_quoted(&l->what, ": ", dec.comment);
	return JIT_OK;
}

static enum jit_err
read_act(const struct reading *r, const struct entry *e,
    const struct rec_signed *s, struct line *l)
{
	struct act act;

	JIT_TRY(act_parse(s->text, e->type == ENTRY_DROP ? ACT_DROP :
	    ACT_CANCEL, &act, r->why));
	l->who = act.by;
	l->id = act.request;
	recall(r, l);
	wr_str(&l->what, e->type == ENTRY_DROP ? "gives the access back" :
	    "takes the request back");
	put_quoted(&l->what, ": ", act.comment);
	return JIT_OK;
}

static enum jit_err
read_issued(const struct reading *r, const struct entry *e, struct line *l)
{
	JIT_SCOPED(ssh_cert_free) struct ssh_cert *c = NULL;
	const struct ssh_cert_fields *f;
	const struct rec_issued *i = &l->issued;
	char until[WHEN_TEXT];

	JIT_TRY(rec_get_issued(e->body, &l->issued, r->why));
	JIT_TRY(ssh_cert_parse(i->cert, &c, r->why));
	f = ssh_cert_fields(c);
	l->id = i->request;
	recall(r, l);
	l->who = l->whose;
	l->serial = f->serial;
	l->until = f->before;
	wr_fmt(&l->what, "HAS ACCESS: certificate %llu for",
	    (unsigned long long)f->serial);
	for (size_t k = 0; k < f->n_principals; k++) {
		wr_str(&l->what, k > 0 ? ", " : " ");
		wr_span(&l->what, f->principals[k]);
	}
	wr_fmt(&l->what, " until %s, allowed by", when_text(WHEN_BOTH,
	    f->before, r->now, until));
	for (size_t k = 0; k < i->n_approvals; k++)
		wr_fmt(&l->what, "%s #%llu", k > 0 ? "," : "",
		    (unsigned long long)i->approvals[k]);
	return JIT_OK;
}

/* False: nothing for people (a blob). */
static enum jit_err
read_line(struct reading *r, const struct entry *e, struct line *l, bool *is)
{
	struct rec_signed s;

	*is = true;
	if (e->erased) {
		wr_fmt(&l->what, "%s (its body was erased)",
		    entry_type_name(e->type));
		return JIT_OK;
	}
	switch (e->type) {
	case ENTRY_REQUEST:
	case ENTRY_DECISION:
	case ENTRY_CANCEL:
	case ENTRY_DROP:
		JIT_TRY(rec_get_signed(e->body, (enum entry_type)e->type, &s,
		    r->why));
		return e->type == ENTRY_REQUEST ?
		    read_request(r, e, &s, l) :
		    e->type == ENTRY_DECISION ?
		    read_decision(&s, l, r->why) : read_act(r, e, &s, l);
	case ENTRY_ISSUED:
		return read_issued(r, e, l);
	case ENTRY_GENESIS:
		wr_str(&l->what, "the log begins");
		return JIT_OK;
	case ENTRY_POLICY:
		wr_fmt(&l->what, "policy #%llu is in force",
		    (unsigned long long)e->index);
		return JIT_OK;
	case ENTRY_RECOVERY:
		wr_str(&l->what, "ADMINS LET THE LOG GO ON after it had "
		    "stopped");
		return JIT_OK;
	default:
		*is = false;
		return JIT_OK;
	}
}

/* A person's: what they did, and all that was about their requests. */
static bool
is_wanted(const struct reading *r, const struct entry *e,
    const struct line *l)
{
	if (e->time < r->since || e->time >= r->until)
		return false;
	if (r->person != NULL && !span_eq_str(l->who, r->person) &&
	    !span_eq_str(l->whose, r->person))
		return false;
	return r->role == NULL || span_eq_str(l->role, r->role);
}

static json_t *
json_indexes(const uint64_t *v, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; list != NULL && i < n; i++)
		(void)json_array_append_new(list,
		    json_integer((json_int_t)v[i]));
	return list;
}

static json_t *
json_line(const struct entry *e, const struct line *l)
{
	json_t *o = json_pack("{s:I, s:o, s:s, s:o, s:o, s:o, s:s, s:o}",
	    "index", (json_int_t)e->index, "time", out_json_utc(e->time),
	    "type", entry_type_name(e->type), "person",
	    out_json_span(l->who), "requester", out_json_span(l->whose),
	    "role", out_json_span(l->role), "id", l->id.s, "what",
	    out_json_span(wr_view(&l->what)));

	if (o != NULL && l->serial > 0) {
		(void)json_object_set_new(o, "approvals", json_indexes(
		    l->issued.approvals, l->issued.n_approvals));
		(void)json_object_set_new(o, "serial",
		    json_integer((json_int_t)l->serial));
		(void)json_object_set_new(o, "until",
		    out_json_utc(l->until));
	}
	return o;
}

static void
say(struct reading *r, const struct entry *e, const struct line *l)
{
	struct cli *c = r->d->c;
	char at[WHEN_TEXT];

	r->shown++;
	out_say(c, "#%llu  %s  %.*s%s%.*s%s%s\n",
	    (unsigned long long)e->index, when_text(WHEN_BOTH, e->time,
	    r->now, at), OUT_SPAN(l->who), l->who.n > 0 ? " " : "",
	    OUT_SPAN(wr_view(&l->what)), l->id.s[0] != '\0' ? "  " : "",
	    l->id.s);
	out_json(c, json_line(e, l));
}

static enum jit_err
see(void *arg, const struct entry *e)
{
	struct reading *r = arg;
	JIT_DONE(line_done) struct line l = { .what = WR_INIT(65536) };
	bool is = false;

	r->read++;
	JIT_TRY(read_line(r, e, &l, &is));
	JIT_TRY(l.what.err);
	if (is && is_wanted(r, e, &l))
		say(r, e, &l);
	return JIT_OK;
}

int
verb_log(struct cli *c, const struct args *a)
{
	JIT_DONE(desk_done) struct desk d = { 0 };
	struct jit_why why = { 0 };
	JIT_DONE(reading_done) struct reading r = { .d = &d,
	    .until = UTC_MAX, .why = &why, .now = cli_now(c),
	    .person = args_get(a, OPT_PERSON),
	    .role = args_get(a, OPT_ROLE) };
	enum jit_err e;

	if ((e = args_when(a, OPT_SINCE, false, r.now, &r.since, &why)) !=
	    JIT_OK || (e = args_when(a, OPT_UNTIL, false, r.now, &r.until,
	    &why)) != JIT_OK || (e = desk_open(&d, c, &why)) != JIT_OK ||
	    (e = scan_entries(&d, see, &r, &why)) != JIT_OK)
		return out_error(c, e, &why);
	if (args_has(a, OPT_VERIFY))
		out_note(c, "Checked: the %llu entries that were read are the "
		    "log, all of it, of %s.\n", (unsigned long long)r.read,
		    session_log_id(d.s));
	if (r.shown == 0)
		out_note(c, "No entry of the log is like that.\n");
	return CLI_DONE;
}
