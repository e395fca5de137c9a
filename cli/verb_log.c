/* log - who asked, who allowed, what was issued: the log, for people. */
#include <string.h>

#include "cli/scan.h"
#include "cli/tell.h"

struct reading {
	struct desk *d;
	const char *person, *role;
	utc_s since, until, now;
	struct jit_why *why;
	uint64_t shown;
};

/* What one entry says; spans borrow from its body and from here. */
struct line {
	struct span who, role;
	struct ulid id;
	struct wr what;
};

static void
line_done(struct line *l)
{
	wr_done(&l->what);
}
JIT_SCOPED_OBJ(struct line, line_done);

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
read_request(const struct rec_signed *s, struct line *l, utc_s now,
    struct jit_why *why)
{
	struct request q;
	char dur[WHEN_TEXT], closes[WHEN_TEXT];

	JIT_TRY(request_parse(s->text, &q, why));
	l->who = q.requester;
	l->role = q.role;
	l->id = q.id;
	wr_str(&l->what, "asks for ");
	wr_span(&l->what, q.role);
	wr_fmt(&l->what, " for %s before %s", when_dur(q.duration, dur),
	    when_text(WHEN_BOTH, q.closes, now, closes));
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
read_act(const struct entry *e, const struct rec_signed *s, struct line *l,
    struct jit_why *why)
{
	struct act act;

	JIT_TRY(act_parse(s->text, e->type == ENTRY_DROP ? ACT_DROP :
	    ACT_CANCEL, &act, why));
	l->who = act.by;
	l->id = act.request;
	wr_str(&l->what, e->type == ENTRY_DROP ? "gives the access back" :
	    "takes the request back");
	put_quoted(&l->what, ": ", act.comment);
	return JIT_OK;
}

static enum jit_err
read_issued(const struct entry *e, struct line *l, utc_s now,
    struct jit_why *why)
{
	JIT_SCOPED(ssh_cert_free) struct ssh_cert *c = NULL;
	const struct ssh_cert_fields *f;
	struct rec_issued i;
	char until[WHEN_TEXT];

	JIT_TRY(rec_get_issued(e->body, &i, why));
	JIT_TRY(ssh_cert_parse(i.cert, &c, why));
	f = ssh_cert_fields(c);
	l->id = i.request;
	wr_fmt(&l->what, "certificate %llu for", (unsigned long long)
	    f->serial);
	for (size_t k = 0; k < f->n_principals; k++) {
		wr_str(&l->what, k > 0 ? ", " : " ");
		wr_span(&l->what, f->principals[k]);
	}
	wr_fmt(&l->what, " until %s", when_text(WHEN_BOTH, f->before, now,
	    until));
	return JIT_OK;
}

/* False: nothing for people (a blob). */
static enum jit_err
read_line(const struct entry *e, struct line *l, utc_s now, bool *is,
    struct jit_why *why)
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
		    why));
		return e->type == ENTRY_REQUEST ?
		    read_request(&s, l, now, why) :
		    e->type == ENTRY_DECISION ? read_decision(&s, l, why) :
		    read_act(e, &s, l, why);
	case ENTRY_ISSUED:
		return read_issued(e, l, now, why);
	case ENTRY_GENESIS:
		wr_str(&l->what, "the log begins");
		return JIT_OK;
	case ENTRY_POLICY:
		wr_str(&l->what, "another policy is in force");
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

/* The certificate's line has no person: it is the request's. */
static bool
is_wanted(const struct reading *r, const struct entry *e,
    const struct line *l)
{
	if (e->time < r->since || e->time >= r->until)
		return false;
	if (r->person != NULL && !span_eq_str(l->who, r->person))
		return false;
	return r->role == NULL || span_eq_str(l->role, r->role);
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
	out_json(c, json_pack("{s:I, s:o, s:s, s:o, s:o, s:s, s:o}", "index",
	    (json_int_t)e->index, "time", out_json_utc(e->time), "type",
	    entry_type_name(e->type), "person", out_json_span(l->who),
	    "role", out_json_span(l->role), "id", l->id.s, "what",
	    out_json_span(wr_view(&l->what))));
}

static enum jit_err
see(void *arg, const struct entry *e)
{
	struct reading *r = arg;
	JIT_DONE(line_done) struct line l = { .what = WR_INIT(65536) };
	bool is = false;

	JIT_TRY(read_line(e, &l, r->now, &is, r->why));
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
	struct reading r = { .d = &d, .until = UTC_MAX, .why = &why,
	    .now = cli_now(c), .person = args_get(a, OPT_PERSON),
	    .role = args_get(a, OPT_ROLE) };
	enum jit_err e;

	if ((e = args_when(a, OPT_SINCE, false, r.now, &r.since, &why)) !=
	    JIT_OK || (e = args_when(a, OPT_UNTIL, false, r.now, &r.until,
	    &why)) != JIT_OK || (e = desk_open(&d, c, &why)) != JIT_OK ||
	    (e = scan_entries(&d, see, &r, &why)) != JIT_OK)
		return out_error(c, e, &why);
	if (r.shown == 0)
		out_note(c, "No entry of the log is like that.\n");
	return CLI_DONE;
}
