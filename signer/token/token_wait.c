/*
 * token_wait - one request after the other, for commands.
 */
#include <poll.h>

#include "ca/base/sys.h"
#include "signer/token/token_int.h"

static void
wait_a_little(struct token *t, int64_t end)
{
	struct pollfd p = { t->io.fd, token_events(t), 0 };
	int64_t left = end - sys_mono_ms();

	(void)poll(&p, t->gone ? 0 : 1, left < 0 ? 0 : left < 100 ?
	    (int)left : 100);
	token_pump(t, sys_mono_ms());
}

static enum jit_err
await(struct token *t, uint64_t id, int64_t end, struct done **ret,
    struct jit_why *why)
{
	for (;;) {
		if ((*ret = token_done_of(t, id)) != NULL)
			return JIT_OK;
		if (sys_mono_ms() >= end)
			return jit_fail(why, JIT_E_TOKEN, "no answer from the "
			    "token in time");
		wait_a_little(t, end);
	}
}

/* The answer's data into w. */
static enum jit_err
collect(struct token *t, uint64_t id, int64_t end, struct buf *ret,
    struct jit_why *why)
{
	struct done *d = NULL;
	enum jit_err e;

	JIT_TRY(await(t, id, end, &d, why));
	if ((e = d->a.err) == JIT_OK) {
		*ret = d->a.sig;
		d->a.sig = (struct buf){ NULL, 0 };
	} else
		(void)jit_fail(why, e, "%s: %s", t->keys[d->a.key].name,
		    jit_why_text(&d->a.why, e));
	token_done_free(d);
	return e;
}

enum jit_err
token_sign_wait(struct token *t, size_t i, enum form f, struct span data,
    int64_t end, struct wr *w, struct jit_why *why)
{
	JIT_DONE(buf_done) struct buf sig = { NULL, 0 };
	uint64_t id;

	if (i < t->n && t->keys[i].pub == NULL) {
		/* What an earlier look found is old. */
		token_pump(t, sys_mono_ms());
		token_look(t, i, sys_mono_ms());
		while (token_is_looking(t, i) && sys_mono_ms() < end)
			wait_a_little(t, end);
		if (t->keys[i].pub == NULL)
			return token_check(t, i, why);
	}
	JIT_TRY(token_ask_id(t, i, 0, f, data, sys_mono_ms(), &id, why));
	JIT_TRY(collect(t, id, end, &sig, why));
	wr_span(w, BUF_SPAN(sig));
	return w->err;
}

static enum jit_err
request(struct token *t, enum frame_kind kind, size_t i, uint8_t what,
    int64_t end, struct buf *ret, struct jit_why *why)
{
	const struct pending p = { .kind = kind, .key = i };
	const struct frame f = { .kind = kind, .key = (uint32_t)i,
	    .what = what };
	uint64_t id;

	if (i >= t->n)
		return jit_fail(why, JIT_E_ARG, "no key %zu", i);
	JIT_TRY(token_send(t, &p, &f, sys_mono_ms(), &id, why));
	return collect(t, id, end, ret, why);
}

enum jit_err
token_generate_wait(struct token *t, size_t i, enum frame_gen g, int64_t end,
    struct buf *uri, struct jit_why *why)
{
	return request(t, FRAME_GENERATE, i, (uint8_t)g, end, uri, why);
}

enum jit_err
token_list_wait(struct token *t, size_t i, int64_t end, struct buf *ret,
    struct jit_why *why)
{
	return request(t, FRAME_LIST, i, 0, end, ret, why);
}
