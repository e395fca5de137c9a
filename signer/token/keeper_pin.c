/*
 * keeper_pin - which token has seen our PIN, and what it thought of it.
 */
#include <string.h>

#include "signer/token/keeper_int.h"

static enum jit_err
identify(const struct frame *f, struct digest *ret)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(1024);

	wr_string(&w, f->serial);
	wr_string(&w, f->label);
	wr_string(&w, f->manufacturer);
	wr_string(&w, f->model);
	JIT_TRY(w.err);
	return digest_sha256(wr_view(&w), ret);
}

static struct pin_memory *
remember(struct keeper *k, const struct digest *token)
{
	for (size_t i = 0; i < k->n_pins; i++)
		if (digest_eq(&k->pins[i].token, token))
			return &k->pins[i];
	/* Full: nothing is forgotten, so nothing more is tried. */
	if (k->n_pins == KEEPER_TOKENS)
		return NULL;
	k->pins[k->n_pins].token = *token;
	return &k->pins[k->n_pins++];
}

static void
refuse(struct frame *f, enum jit_err e, const char *words)
{
	f->err = e;
	f->words = span_str(words);
}

void
keeper_pin_ask(struct keeper *k, struct worker *w, const struct frame *login,
    struct frame *f)
{
	struct pin_memory *m = NULL;
	struct digest token;

	*f = (struct frame){ .kind = FRAME_PIN };
	if (identify(login, &token) == JIT_OK)
		m = remember(k, &token);
	if (m == NULL || w->trying != NULL)
		refuse(f, JIT_E_TOKEN, "too many tokens");
	else if (w->pin.n == 0)
		refuse(f, JIT_E_TOKENPIN, "the token wants a PIN and none was "
		    "given");
	else if (m->state == PIN_REFUSED)
		refuse(f, JIT_E_TOKENPIN, "the token did not take the PIN "
		    "before; it is not tried again until jit-signer is "
		    "started anew");
	else if (m->trying)
		refuse(f, JIT_E_TOKEN, "another URI's worker is logging in "
		    "to this token");
	else {
		m->trying = true;
		w->trying = m;
		f->data = SPAN(w->pin.p, w->pin.n);
	}
}

void
keeper_pin_said(struct worker *w, enum jit_err e)
{
	struct pin_memory *m = w->trying;

	if (m == NULL)
		return;
	w->trying = NULL;
	m->trying = false;
	if (e == JIT_OK)
		m->state = PIN_TAKEN;
	else if (e != JIT_E_TOKEN)
		m->state = PIN_REFUSED;
}

void
keeper_pin_lost(struct worker *w)
{
	/* A PIN that was right before is no reason to be afraid. */
	if (w->trying != NULL)
		keeper_pin_said(w, w->trying->state == PIN_TAKEN ?
		    JIT_E_TOKEN : JIT_E_TOKENPIN);
}
