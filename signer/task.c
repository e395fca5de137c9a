#include <stdlib.h>

#include "signer/turn.h"

enum jit_err
task_new(struct buf *frame, struct task **ret)
{
	struct task *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return JIT_E_NOMEM;
	t->frame = *frame;
	*frame = (struct buf){ NULL, 0 };
	wr_init(&t->answer, PROTO_ANSWER_MAX + 4);
	*ret = t;
	return JIT_OK;
}

void
task_free(struct task *t)
{
	if (t == NULL)
		return;
	open_request_free(t->request);
	open_decision_free(t->decision);
	signer_done(&t->by);
	wr_done(&t->answer);
	buf_done(&t->frame);
	free(t);
}

static enum jit_err
open_act(struct task *t, enum act_kind kind)
{
	JIT_TRY(act_parse(t->ask.text, kind, &t->act, &t->why));
	return signer_open(t->ask.sig, act_namespace(kind), t->ask.text,
	    &t->by, &t->why);
}

static enum jit_err
open_lock(struct task *t)
{
	JIT_TRY(lock_parse(t->ask.text, &t->lock, &t->why));
	return signer_open(t->ask.sig, lock_namespace(t->lock.unlock),
	    t->ask.text, &t->by, &t->why);
}

static enum jit_err
open_any(struct task *t)
{
	const struct ask *a = &t->ask;

	JIT_TRY(ask_get(BUF_SPAN(t->frame), &t->ask, &t->why));
	switch (a->op) {
	case OP_REQUEST:
		return open_request_new(a->text, a->sig, a->possess,
		    &t->request, &t->why);
	case OP_DECISION:
		return open_decision_new(a->text, a->sig, &t->decision,
		    &t->why);
	case OP_CANCEL:
		return open_act(t, ACT_CANCEL);
	case OP_DROP:
		return open_act(t, ACT_DROP);
	case OP_REVOKE:
		return open_act(t, ACT_REVOKE);
	case OP_LOCK:
		return open_lock(t);
	default:
		return JIT_OK;
	}
}

void
task_open(struct task *t)
{
	t->err = open_any(t);
}
