/* follow - the view in step with the log. */
#include <string.h>

#include "api/routes/call.h"
#include "ca/base/log.h"

#define FOLLOW_MAX 4096u	/* entries of a page */
#define FOLLOW_MS 2000u		/* at least so often its state is heard */
#define RETRY_MS 1000
#define AGREE 2			/* s between two clocks that agree */

static void ask_next(struct certd *d);

utc_s
certd_now(const struct certd *d)
{
	utc_s wall = d->wall(), said;

	if (d->says.now == 0)
		return wall;
	said = d->says.now + (loop_ms(d->loop) - d->says.at_ms) / 1000;
	/* Both are whole seconds: one clock seems to differ from itself. */
	return said >= wall - AGREE && said <= wall + AGREE ? wall : said;
}

void
follow_known(struct certd *d, uint64_t size)
{
	if (size > d->known)
		d->known = size;
}

static void
hear(struct certd *d, enum signer_state state, utc_s now, uint64_t policy,
    uint64_t recovery)
{
	if (d->says.at_ms != 0 && state != d->says.state)
		log_line(state == SIGNER_OK ? LOG_L_INFO : LOG_L_ERROR,
		    "signer-state", LOG_STR("state", state == SIGNER_OK ?
		    "ready" : state == SIGNER_FROZEN ? "frozen" : "no-room"));
	d->says = (struct signer_says){ state, now, loop_ms(d->loop), policy,
	    recovery };
}

/* ---- what is wrong with the view, told once ---- */

static void
view_state(struct certd *d, enum jit_err e, const struct jit_why *why)
{
	if (e != JIT_OK && d->view_err == JIT_OK)
		log_line(LOG_L_ERROR, "view-stopped", LOG_CODE(e),
		    LOG_WHY(why));
	else if (e == JIT_OK && d->view_err != JIT_OK)
		log_line(LOG_L_INFO, "view-goes-on",
		    LOG_NUM("size", view_size(d->view)));
	d->view_err = e;
}

/* ---- pages ---- */

static enum jit_err
take_entry(struct view *v, struct tokens *t, const struct entry *e,
    struct jit_why *why)
{
	JIT_TRY(view_apply(v, e, why));
	if (t == NULL || (e->type != ENTRY_POLICY && e->type != ENTRY_LOCK) ||
	    view_policy(v) == NULL)
		return JIT_OK;
	return tokens_check(t, view_policy(v), why);
}

static enum jit_err
take_entries(struct view *v, struct tokens *t, struct page *p,
    uint64_t *grew, struct jit_why *why)
{
	struct entry e;

	for (uint32_t i = 0; i < p->count; i++) {
		JIT_TRY(page_next(p, &e, why));
		/* A page may begin with what is there already. */
		if (e.index < view_size(v))
			continue;
		JIT_TRY(take_entry(v, t, &e, why));
		(*grew)++;
	}
	return JIT_OK;
}

/* Its root is the log's, as soon as a note is of just this size. */
static enum jit_err
hold_against(struct view *v, struct span note, struct jit_why *why)
{
	enum jit_err e = view_check_note(v, note, why);

	/* Of a larger log: this was not its last page. */
	return e == JIT_E_ARG ? JIT_OK : e;
}

enum jit_err
follow_page(struct view *v, struct tokens *t, struct page *p, uint64_t *grew,
    struct jit_why *why)
{
	enum jit_err e;

	*grew = 0;
	JIT_TRY(view_begin(v, why));
	e = take_entries(v, t, p, grew, why);
	if (e == JIT_OK)
		e = hold_against(v, p->note, why);
	if (e == JIT_OK)
		e = view_commit(v, why);
	if (e != JIT_OK)
		view_rollback(v);
	return e;
}

static void
tell_waiting(struct certd *d, struct page p)
{
	struct entry e;

	while (p.count-- > 0 && page_next(&p, &e, NULL) == JIT_OK)
		call_news(d, &e);
}

/* ---- the question that is always out ---- */

static void
again(void *arg)
{
	struct certd *d = arg;

	if (!d->following)
		ask_next(d);
}

static void
later(struct certd *d)
{
	d->retry.fn = again;
	d->retry.arg = d;
	timer_set(d->loop, &d->retry, loop_ms(d->loop) + RETRY_MS);
}

static enum jit_err
take_answer(struct certd *d, const struct answer *a, struct jit_why *why)
{
	struct followed f;
	struct page page;
	uint64_t grew = 0;

	if (a->err != JIT_OK)
		return jit_fail(why, a->err, "%s", jit_why_text(&a->why,
		    a->err));
	JIT_TRY(follow_get(a->payload, &f, why));
	hear(d, f.state, f.now, f.policy_index, f.recovery);
	page = f.page;
	if (page.count == 0)
		return JIT_OK;
	JIT_TRY(follow_page(d->view, d->tokens, &page, &grew, why));
	follow_known(d, view_size(d->view));
	tell_waiting(d, f.page);
	return JIT_OK;
}

static void
followed_up(void *arg, enum jit_err err, const struct jit_why *why,
    const struct answer *ans, size_t n)
{
	struct certd *d = arg;
	struct jit_why what = { 0 };
	enum jit_err e;

	(void)n;
	(void)why;
	d->following = false;
	/* Down: told by follow_changed(), and begun anew there. */
	if (err != JIT_OK)
		return;
	e = take_answer(d, &ans[0], &what);
	view_state(d, e, &what);
	certd_wake(d);
	if (e == JIT_OK)
		ask_next(d);
	else
		later(d);
}

static void
ask_next(struct certd *d)
{
	const struct ask a = { .op = OP_FOLLOW, .from = view_size(d->view),
	    .max = FOLLOW_MAX, .ms = FOLLOW_MS };

	if (link_ask(d->link, &a, 1, followed_up, d, NULL) == JIT_OK)
		d->following = true;
	else if (link_state(d->link, NULL) == JIT_OK)
		later(d);
}

/* ---- the link ---- */

struct span
follow_note(void *arg)
{
	return view_note(((struct certd *)arg)->view);
}

/* What hello shows extends what the view holds. */
static enum jit_err
check_extends(struct certd *d, const struct hello *h, struct jit_why *why)
{
	struct checkpoint now, seen;

	JIT_TRY(checkpoint_open(h->note, &d->conf.log, &now, why));
	follow_known(d, now.size);
	if (view_note(d->view).n == 0)
		return JIT_OK;
	JIT_TRY(checkpoint_open(view_note(d->view), &d->conf.log, &seen,
	    why));
	if (now.size < seen.size || (now.size == seen.size ?
	    !digest_eq(&now.root, &seen.root) :
	    merkle_check_consistency(seen.size, now.size, &seen.root,
	    &now.root, &h->path, NULL) != JIT_OK))
		return jit_fail(why, JIT_E_ROLLBACK, "the signer's log of "
		    "size %llu does not extend the one of size %llu that the "
		    "view holds; if its admins signed a recovery: jit-certd "
		    "rebuild", (unsigned long long)now.size,
		    (unsigned long long)seen.size);
	return JIT_OK;
}

static enum jit_err
keep_ca(struct certd *d, struct span blob, struct jit_why *why)
{
	JIT_SCOPED(ssh_key_free) struct ssh_key *k = NULL;
	JIT_DONE(wr_done) struct wr w = WR_INIT(sizeof(d->user_ca) - 1);

	JIT_TRY(ssh_key_parse(blob, &k, why));
	ssh_key_put_line(&w, k, NULL);
	JIT_TRY(w.err);
	memcpy(d->user_ca, w.p, w.n);
	d->user_ca[w.n] = '\0';
	return JIT_OK;
}

enum jit_err
follow_hello(void *arg, const struct hello *h, struct jit_why *why)
{
	struct certd *d = arg;
	struct tlog_vkey log;

	JIT_TRY(tlog_vkey_parse(h->vkey, &log, why));
	if (!tlog_vkey_eq(&log, &d->conf.log))
		return jit_fail(why, JIT_E_LOGNAME, "%s is the signer of "
		    "another log than %s", d->conf.signer, d->conf.log_id);
	JIT_TRY(check_extends(d, h, why));
	JIT_TRY(keep_ca(d, h->user_ca, why));
	hear(d, h->state, h->now, h->policy_index, h->recovery);
	d->keys_index = h->keys_index;
	d->greeted = true;
	return JIT_OK;
}

void
follow_changed(void *arg, enum jit_err e, const struct jit_why *why)
{
	struct certd *d = arg;

	if (e != JIT_OK) {
		log_line(LOG_L_ERROR, "signer-down", LOG_CODE(e),
		    LOG_WHY(why));
		if (e == JIT_E_ROLLBACK)
			log_line(LOG_L_ERROR, "log-went-back", LOG_STR("hint",
			    "once the admins signed a recovery: jit-certd "
			    "rebuild"));
		return;
	}
	log_line(LOG_L_INFO, "signer-up", LOG_NUM("size", d->known));
	if (!d->following)
		ask_next(d);
}
