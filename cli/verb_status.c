/* status - where you stand: server, log, who you are, what is open. */
#include <string.h>

#include "cli/tell.h"

struct status {
	struct desk d;
	struct dossiers v;
	json_t *open;			/* owned */
	struct out_table table;
	size_t shown, inbox;
};

static void
status_done(struct status *x)
{
	json_decref(x->open);
	out_table_done(&x->table);
	dossiers_done(&x->v);
	desk_done(&x->d);
}
JIT_SCOPED_OBJ(struct status, status_done);

/* ---- one line each ---- */

static const char *
state_words(enum signer_state s)
{
	static const char *const words[] = {
		[SIGNER_OK] = "ready",
		[SIGNER_FROZEN] = "FROZEN: nothing is issued until its admins "
		    "sign a recovery",
		[SIGNER_NO_ROOM] = "its disk is full: only deny, cancel and "
		    "drop work",
	};

	return words[s];
}

/* "in step", "3s ahead of this machine's": whole seconds are all there is. */
static const char *
put_clock(struct wr *w, dur_s ahead)
{
	char dur[WHEN_TEXT];

	if (ahead >= -1 && ahead <= 1)
		wr_str(w, "in step with this machine's");
	else
		wr_fmt(w, "%s %s this machine's", when_dur(ahead < 0 ? -ahead :
		    ahead, dur), ahead < 0 ? "behind" : "ahead of");
	wr_u8(w, 0);
	return w->err == JIT_OK ? (const char *)w->p : "-";
}

static void
say_server(struct status *x, uint64_t size)
{
	const struct server *s = x->d.server;
	struct cli *c = x->d.c;
	JIT_DONE(wr_done) struct wr clock = WR_INIT(256);
	char tls[DIGEST_TEXT];

	if (s == NULL) {
		out_say(c, "signer   %s\n", c->signer);
	} else {
		digest_text(&s->tls, tls);
		out_say(c, "server   %s%s%s%s\n", s->url.text,
		    s->name[0] != '\0' ? " (" : "", s->name,
		    s->name[0] != '\0' ? ")" : "");
		out_say(c, "TLS      %s%s\n", s->tls_pinned ? "the key " :
		    "what this machine trusts", s->tls_pinned ? tls : "");
	}
	out_say(c, "log      %s, checkpoint of %llu entries; its policy is "
	    "#%llu\n", session_log_id(x->d.s), (unsigned long long)size,
	    (unsigned long long)x->d.policy_index);
	out_say(c, "signer   %s; its clock is %s\n",
	    state_words(session_hello(x->d.s)->state), put_clock(&clock,
	    x->d.ahead));
}

static void
say_me(const struct status *x)
{
	const struct desk *d = &x->d;
	JIT_DONE(wr_done) struct wr groups = WR_INIT(4096);
	char at[WHEN_TEXT], left[WHEN_TEXT];
	utc_s now = cli_now(d->c);

	if (d->me == NULL) {
		out_say(d->c, "you      nobody whom the policy knows: no key "
		    "here is enrolled\n");
		return;
	}
	for (size_t i = 0; i < d->me->groups.n; i++) {
		wr_str(&groups, i > 0 ? ", " : "");
		wr_span(&groups, d->me->groups.v[i]);
	}
	out_say(d->c, "you      %.*s, in %.*s\n", OUT_SPAN(d->me->name),
	    OUT_SPAN(groups.n > 0 ? wr_view(&groups) :
	    span_str("no group")));
	if (d->server != NULL)
		out_say(d->c, "login    as %s until %s, %s more\n",
		    d->server->person, when_text(WHEN_BOTH, d->expires, now,
		    at), when_dur(d->expires > now ? d->expires - now : 0,
		    left));
}

/* ---- what is open ---- */

/* Until when it can be used, or asked for. */
static utc_s
end_of(const struct dossier *r)
{
	return r->h.issued ? r->h.issued_until : r->h.request->req.closes;
}

static void
add_own(struct status *x, const struct dossier *r)
{
	JIT_DONE(wr_done) struct wr standing = WR_INIT(1024);
	struct cli *c = x->d.c;
	const utc_s now = x->v.now, end = end_of(r);
	char left[WHEN_TEXT];

	tell_put_standing(&standing, &x->d, r, now);
	out_cell(c, &x->table, "%s", desk_short(&x->d, &r->id));
	out_cell(c, &x->table, "%.*s", OUT_SPAN(r->h.request->req.role));
	out_cell(c, &x->table, "%.*s", OUT_SPAN(wr_view(&standing)));
	out_cell(c, &x->table, "%s left", when_dur(end > now ? end - now : 0,
	    left));
	(void)json_array_append_new(x->open, tell_json(&x->d, r, now));
	x->shown++;
}

static enum jit_err
see_requests(struct status *x, struct jit_why *why)
{
	JIT_TRY(desk_list(&x->d, &x->v, why));
	for (size_t i = 0; i < x->v.n; i++) {
		const struct dossier *r = x->v.v[i];
		enum standing s = desk_standing(&x->d, r, x->v.now, NULL,
		    NULL);

		if (desk_is_me(&x->d, r->h.request->req.requester) &&
		    (s == STAND_PENDING || s == STAND_APPROVED ||
		    s == STAND_ACTIVE))
			add_own(x, r);
		x->inbox += s == STAND_PENDING && desk_awaits_me(&x->d, r);
	}
	return x->table.err;
}

static void
say_requests(struct status *x)
{
	struct cli *c = x->d.c;

	if (x->shown == 0)
		out_say(c, "yours    nothing is open\n");
	else
		out_say(c, "yours\n");
	out_table_say(c, &x->table, "  ");
	if (x->inbox > 0)
		out_say(c, "inbox    %zu to decide: jit-cert inbox\n",
		    x->inbox);
}

static json_t *
json_status(struct status *x, uint64_t size)
{
	static const char *const state[] = { "ready", "frozen", "no-room" };
	const struct server *s = x->d.server;
	char tls[DIGEST_TEXT] = "system";
	json_t *o;

	if (s != NULL && s->tls_pinned)
		digest_text(&s->tls, tls);
	o = json_pack("{s:s?, s:s?, s:s?, s:s, s:I, s:I, s:s, s:I, s:o?, s:o?,"
	    " s:I, s:O}", "server", s != NULL ? s->url.text : NULL, "name",
	    s != NULL && s->name[0] != '\0' ? s->name : NULL, "tls",
	    s != NULL ? tls : NULL, "log", session_log_id(x->d.s),
	    "log_size", (json_int_t)size, "policy",
	    (json_int_t)x->d.policy_index, "signer",
	    state[session_hello(x->d.s)->state], "clock_ahead",
	    (json_int_t)x->d.ahead, "person", x->d.me != NULL ?
	    out_json_span(x->d.me->name) : NULL, "expires", s != NULL ?
	    out_json_utc(x->d.expires) : NULL, "inbox",
	    (json_int_t)x->inbox, "open", x->open);
	return o;
}

int
verb_status(struct cli *c, const struct args *a)
{
	JIT_DONE(status_done) struct status x = { .open = json_array() };
	struct checkpoint cp = { 0 };
	struct jit_why why = { 0 };
	enum jit_err e;

	(void)a;
	out_table_init(&x.table, 4);
	if ((e = desk_open(&x.d, c, &why)) != JIT_OK ||
	    ((e = desk_who(&x.d, &why)) != JIT_OK && e != JIT_E_KEYUNKNOWN) ||
	    (e = see_requests(&x, &why)) != JIT_OK ||
	    (e = checkpoint_open(session_note(x.d.s), session_log(x.d.s),
	    &cp, &why)) != JIT_OK)
		return out_error(c, e, &why);
	say_server(&x, cp.size);
	say_me(&x);
	say_requests(&x);
	out_json(c, c->out.json ? json_status(&x, cp.size) : NULL);
	return CLI_DONE;
}
