/* log - who asked, who allowed, what was issued: the log, for people. */
#include <string.h>

#include "cli/log_line.h"
#include "cli/scan.h"
#include "cli/tell.h"

struct reading {
	struct desk *d;
	const char *person, *role;
	utc_s since, until;
	struct jit_why *why;
	uint64_t shown, read;
	struct log_words words;
};

static void
reading_done(struct reading *r)
{
	log_words_done(&r->words);
}
JIT_SCOPED_OBJ(struct reading, reading_done);

/* A person's: what they did, and all that was about their requests. */
static bool
is_wanted(const struct reading *r, const struct entry *e,
    const struct log_line *l)
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

/* An SSH serial as a number as well, as it always was. */
static void
put_serial(json_t *o, const struct log_line *l)
{
	uint64_t n = 0;

	(void)json_object_set_new(o, "kind", json_string(request_kind_name(
	    l->kind)));
	(void)json_object_set_new(o, "serial_text", json_string(l->serial));
	if (l->kind == KIND_SSH_USER && uint_parse(span_str(l->serial),
	    INT64_MAX, &n) == JIT_OK)
		(void)json_object_set_new(o, "serial",
		    json_integer((json_int_t)n));
	else
		(void)json_object_set_new(o, "serial",
		    json_string(l->serial));
}

static json_t *
json_line(const struct entry *e, const struct log_line *l)
{
	json_t *o = json_pack("{s:I, s:o, s:s, s:o, s:o, s:o, s:s, s:o}",
	    "index", (json_int_t)e->index, "time", out_json_utc(e->time),
	    "type", entry_type_name(e->type), "person",
	    out_json_span(l->who), "requester", out_json_span(l->whose),
	    "role", out_json_span(l->role), "id", l->id.s, "what",
	    out_json_span(wr_view(&l->what)));

	if (o != NULL && l->serial[0] != '\0') {
		(void)json_object_set_new(o, "approvals", json_indexes(
		    l->issued.approvals, l->issued.n_approvals));
		put_serial(o, l);
		(void)json_object_set_new(o, "until",
		    out_json_utc(l->until));
	}
	return o;
}

static void
say(struct reading *r, const struct entry *e, const struct log_line *l)
{
	struct cli *c = r->d->c;
	char at[WHEN_TEXT];

	r->shown++;
	out_say(c, "#%llu  %s  %.*s%s%.*s%s%s\n",
	    (unsigned long long)e->index, when_text(WHEN_BOTH, e->time,
	    r->words.now, at), OUT_SPAN(l->who), l->who.n > 0 ? " " : "",
	    OUT_SPAN(wr_view(&l->what)), l->id.s[0] != '\0' ? "  " : "",
	    l->id.s);
	out_json(c, json_line(e, l));
}

static enum jit_err
see(void *arg, const struct entry *e)
{
	struct reading *r = arg;
	JIT_DONE(log_line_done) struct log_line l = {
	    .what = WR_INIT(65536) };
	bool is = false;

	r->read++;
	JIT_TRY(log_line_read(&r->words, e, &l, &is, r->why));
	JIT_TRY(l.what.err);
	if (is && is_wanted(r, e, &l))
		say(r, e, &l);
	return JIT_OK;
}

/* ---- one certificate ---- */

/* Which request is a serial of? */
struct sought {
	enum request_kind kind;
	uint8_t serial[ISSUED_SERIAL];
	struct ulid id;			/* "" until it is found */
};

static void
look_at(struct sought *x, const struct ulid *id, struct span cert)
{
	JIT_DONE(issued_done) struct issued c = { 0 };
	uint8_t serial[ISSUED_SERIAL];

	if (issued_parse(cert, &c, NULL) != JIT_OK || c.kind != x->kind)
		return;
	issued_serial(&c, serial);
	if (memcmp(serial, x->serial, sizeof(serial)) == 0)
		x->id = *id;
}

static enum jit_err
seek_entry(void *arg, const struct entry *e)
{
	struct rec_issued i;

	if (e->type == ENTRY_ISSUED && !e->erased &&
	    rec_get_issued(e->body, &i, NULL) == JIT_OK)
		look_at(arg, &i.request, i.cert);
	return JIT_OK;
}

static enum jit_err
seek_request(void *arg, const struct dossier *r)
{
	if (r->h.issued)
		look_at(arg, &r->id, r->issued.cert);
	return JIT_OK;
}

/* In the log; for who may not read it, among what a server shows. */
static enum jit_err
find_serial(struct reading *r, const char *typed, struct ulid *ret)
{
	struct sought x = { .id.s = "" };
	enum jit_err e;

	if (issued_serial_parse(span_str(typed), &x.kind, x.serial) != JIT_OK)
		return jit_fail(r->why, JIT_E_ARG, "--serial: a number, as "
		    "certificates for ssh have it, or 32 hex digits, as "
		    "those of X.509");
	e = scan_entries(r->d, seek_entry, &x, r->why);
	if (e == JIT_E_FORBIDDEN)
		e = scan_shown(r->d, seek_request, &x, r->why);
	JIT_TRY(e);
	if (x.id.s[0] == '\0')
		return jit_fail(r->why, JIT_E_UNKNOWN, "no certificate of "
		    "serial %.40s", typed);
	*ret = x.id;
	return JIT_OK;
}

/* All that is about its request, in the log's order. */
static enum jit_err
tell_serial_of(struct reading *r, const char *typed)
{
	JIT_SCOPED(dossier_free) struct dossier *d = NULL;
	struct ulid id;

	JIT_TRY(find_serial(r, typed, &id));
	JIT_TRY(session_show(r->d->s, &id, &d, NULL, r->why));
	for (size_t i = 0; i < d->n; i++)
		JIT_TRY(see(r, &d->entry[i].e));
	return JIT_OK;
}

int
verb_log(struct cli *c, const struct args *a)
{
	JIT_DONE(desk_done) struct desk d = { 0 };
	struct jit_why why = { 0 };
	const utc_s now = cli_now(c);
	JIT_DONE(reading_done) struct reading r = { .d = &d,
	    .until = UTC_MAX, .why = &why, .words.now = now,
	    .person = args_get(a, OPT_PERSON),
	    .role = args_get(a, OPT_ROLE) };
	enum jit_err e;

	if ((e = args_when(a, OPT_SINCE, false, now, &r.since, &why)) !=
	    JIT_OK || (e = args_when(a, OPT_UNTIL, false, now, &r.until,
	    &why)) != JIT_OK || (e = desk_open(&d, c, &why)) != JIT_OK)
		return out_error(c, e, &why);
	e = args_has(a, OPT_SERIAL) ? tell_serial_of(&r, args_get(a,
	    OPT_SERIAL)) : scan_entries(&d, see, &r, &why);
	if (e != JIT_OK)
		return out_error(c, e, &why);
	if (args_has(a, OPT_VERIFY) && !args_has(a, OPT_SERIAL))
		out_note(c, "Checked: the %llu entries that were read are the "
		    "log, all of it, of %s.\n", (unsigned long long)r.read,
		    session_log_id(d.s));
	if (r.shown == 0)
		out_note(c, "No entry of the log is like that.\n");
	return CLI_DONE;
}
