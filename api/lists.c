#include <stdlib.h>
#include <string.h>

#include "api/lists.h"
#include "ca/ssh/sshsig.h"
#include "ca/x509/crl.h"

/* Who waits for an answer of the signer. */
struct want {
	struct want *next;
	lists_told *told;		/* NULL: forgotten */
	void *arg;
};

/* A list that is being fetched. */
struct coming {
	struct wr bytes;		/* owned */
	struct buf sig;			/* owned */
	uint64_t number, total;
	utc_s made, next;
	unsigned tries;
};

struct slot {
	struct slot *next;
	struct lists *l;
	char name[PUBLISHED_NAME_MAX + 1];
	bool holds;			/* something in have */
	struct list_held have;		/* its bytes are owned */
	uint64_t total;
	bool out;			/* a question is */
	bool asks_new;			/* is there a newer one? */
	struct coming in;
	/* Who came before the question that is out, and after it. */
	struct want *now, *then;
};

struct lists {
	struct lists_config c;
	struct slot *slot;
	size_t n;
};

/* ---- begin and end ---- */

static void
drop_held(struct slot *s)
{
	shared_drop(s->have.bytes);
	shared_drop(s->have.sig);
	s->have = (struct list_held){ 0 };
	s->holds = false;
}

static void
coming_done(struct coming *c)
{
	wr_done(&c->bytes);
	buf_done(&c->sig);
}

static void
wants_free(struct want *w)
{
	while (w != NULL) {
		struct want *next = w->next;

		free(w);
		w = next;
	}
}

static void
slot_free(struct slot *s)
{
	drop_held(s);
	coming_done(&s->in);
	wants_free(s->now);
	wants_free(s->then);
	free(s);
}

enum jit_err
lists_new(const struct lists_config *c, struct lists **ret)
{
	struct lists *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return JIT_E_NOMEM;
	l->c = *c;
	*ret = l;
	return JIT_OK;
}

void
lists_free(struct lists *l)
{
	if (l == NULL)
		return;
	while (l->slot != NULL) {
		struct slot *s = l->slot;

		l->slot = s->next;
		link_forget(l->c.link, s);
		slot_free(s);
	}
	free(l);
}

/* The place of a list, made when it is new; NULL: too many, or no memory. */
static struct slot *
find(struct lists *l, struct span name)
{
	struct slot *s;

	for (s = l->slot; s != NULL; s = s->next)
		if (span_eq_str(name, s->name))
			return s;
	if (l->n == LISTS_MAX || name.n > PUBLISHED_NAME_MAX ||
	    (s = calloc(1, sizeof(*s))) == NULL)
		return NULL;
	memcpy(s->name, name.p, name.n);
	s->l = l;
	s->next = l->slot;
	l->slot = s;
	l->n++;
	return s;
}

/* A list that is none needs no place. */
static void
tidy(struct slot *s)
{
	struct slot **at = &s->l->slot;

	if (s->holds || s->out || s->now != NULL || s->then != NULL)
		return;
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	s->l->n--;
	slot_free(s);
}

/* ---- who waits is told ---- */

static void ask(struct slot *s, bool asks_new);

/* Stale: of a signer that is not there. */
static enum jit_err
may_be_stale(struct slot *s, enum jit_err e, struct jit_why *why)
{
	const utc_s now = s->l->c.now(s->l->c.arg);
	char until[UTC_TEXT];

	if (e != JIT_E_UNREACHABLE || !s->holds)
		return e;
	if (now < s->have.next) {
		s->have.stale = true;
		return JIT_OK;
	}
	utc_text(s->have.next, until);
	return jit_fail(why, e, "jit-signer is not reached, and the list that "
	    "is held here was good until %s", until);
}

static void
tell(struct slot *s, enum jit_err e, const struct jit_why *cause)
{
	struct want *w = s->now;
	struct jit_why why = cause != NULL ? *cause : (struct jit_why){ 0 };

	coming_done(&s->in);
	s->in = (struct coming){ .tries = 0 };
	s->out = false;
	s->now = NULL;
	s->have.stale = false;
	e = may_be_stale(s, e, &why);
	for (const struct want *i = w; i != NULL; i = i->next)
		if (i->told != NULL)
			i->told(i->arg, e, &why, e == JIT_OK ? &s->have :
			    NULL);
	wants_free(w);
	if (s->then == NULL) {
		tidy(s);
		return;
	}
	s->now = s->then;
	s->then = NULL;
	ask(s, s->holds);
}

/* ---- what the signer answers ---- */

static enum jit_err
armoured(struct span blob, struct shared **ret)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(2 * SSHSIG_MAX);
	struct buf b = { NULL, 0 };

	*ret = NULL;
	if (blob.n == 0)
		return JIT_OK;
	sshsig_put_armor(&w, blob);
	JIT_TRY(wr_take(&w, &b));
	return shared_new(&b, ret);
}

/* All of it is here: it is the one that is held from now on. */
static enum jit_err
adopt(struct slot *s)
{
	struct list_held h = { .number = s->in.number, .made = s->in.made,
	    .next = s->in.next, .checked = s->l->c.now(s->l->c.arg) };
	struct buf b = { NULL, 0 };
	enum jit_err e;

	JIT_TRY(armoured(BUF_SPAN(s->in.sig), &h.sig));
	if ((e = wr_take(&s->in.bytes, &b)) != JIT_OK ||
	    (e = shared_new(&b, &h.bytes)) != JIT_OK) {
		shared_drop(h.sig);
		return e;
	}
	drop_held(s);
	s->have = h;
	s->holds = true;
	s->total = s->in.total;
	return JIT_OK;
}

/* From its beginning, or from its beginning again. */
static enum jit_err
begin(struct slot *s, struct jit_why *why)
{
	unsigned tries = s->in.tries + 1;

	if (tries > LISTS_TRIES)
		return jit_fail(why, JIT_E_BUSY, "the list changes faster than "
		    "it can be fetched");
	coming_done(&s->in);
	s->in = (struct coming){ .tries = tries,
	    .bytes = WR_INIT(X509_CRL_MAX) };
	return JIT_OK;
}

static enum jit_err
take_page(struct slot *s, const struct published *p, struct jit_why *why)
{
	struct coming *in = &s->in;

	if (in->bytes.n == 0) {
		in->number = p->number;
		in->total = p->total;
		in->made = p->made;
		in->next = p->next;
		JIT_TRY(buf_copy(&in->sig, p->sig));
	} else if (p->number != in->number) {
		return begin(s, why);
	}
	if (p->bytes.n == 0 || p->total != in->total ||
	    p->bytes.n > in->total - in->bytes.n)
		return jit_fail(why, JIT_E_PROTOCOL, "jit-signer: a list that "
		    "does not hold together");
	wr_span(&in->bytes, p->bytes);
	return in->bytes.err;
}

/* *over: nothing more is to be asked; else s->asks_new is false. */
static enum jit_err
take(struct slot *s, const struct answer *a, bool *over, struct jit_why *why)
{
	bool asked_new = s->asks_new;
	struct published p;

	*over = true;
	/* Shorter than the one that is held. */
	if (a->err != JIT_OK && (a->err != JIT_E_ARG || !asked_new))
		return jit_fail(why, a->err, "%s", jit_why_text(&a->why,
		    a->err));
	if (a->err == JIT_OK)
		JIT_TRY(published_get(a->payload, &p, why));
	if (a->err == JIT_OK && asked_new && p.number == s->have.number) {
		s->have.checked = s->l->c.now(s->l->c.arg);
		return JIT_OK;
	}
	*over = false;
	if (asked_new)
		return begin(s, why);
	JIT_TRY(take_page(s, &p, why));
	if (s->in.bytes.n < s->in.total || s->in.bytes.n == 0)
		return JIT_OK;
	*over = true;
	return adopt(s);
}

static void
answered(void *arg, enum jit_err err, const struct jit_why *cause,
    const struct answer *ans, size_t n)
{
	struct slot *s = arg;
	struct jit_why why = { 0 };
	bool over = true;
	enum jit_err e;

	(void)n;
	if (err != JIT_OK) {
		tell(s, err, cause);
		return;
	}
	e = take(s, &ans[0], &over, &why);
	if (e == JIT_E_UNKNOWN)
		drop_held(s);
	if (e != JIT_OK || over)
		tell(s, e, &why);
	else
		ask(s, false);
}

static void
ask(struct slot *s, bool asks_new)
{
	struct ask a = { .op = OP_PUBLISHED, .name = span_str(s->name),
	    .from = asks_new ? s->total : s->in.bytes.n };
	struct jit_why why = { 0 };
	enum jit_err e = JIT_OK;

	s->out = true;
	s->asks_new = asks_new;
	if (!asks_new && s->in.tries == 0)
		e = begin(s, &why);
	if (e == JIT_OK)
		e = link_ask(s->l->c.link, &a, 1, answered, s, &why);
	if (e != JIT_OK)
		tell(s, e, &why);
}

/* ---- for callers ---- */

void
lists_want(struct lists *l, struct span name, lists_told *told, void *arg)
{
	struct slot *s = find(l, name);
	struct want *w = calloc(1, sizeof(*w));
	struct want **at;

	if (s == NULL || w == NULL) {
		free(w);
		told(arg, w == NULL ? JIT_E_NOMEM : JIT_E_BUSY, NULL, NULL);
		return;
	}
	w->told = told;
	w->arg = arg;
	at = s->out ? &s->then : &s->now;
	w->next = *at;
	*at = w;
	if (!s->out)
		ask(s, s->holds);
}

static void
forget(struct want *w, const void *arg)
{
	for (; w != NULL; w = w->next)
		if (w->arg == arg)
			w->told = NULL;
}

void
lists_forget(struct lists *l, const void *arg)
{
	for (struct slot *s = l->slot; s != NULL; s = s->next) {
		forget(s->now, arg);
		forget(s->then, arg);
	}
}
