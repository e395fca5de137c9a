#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca/base/sys.h"
#include "signer/token/cage.h"
#include "signer/token/frame_io.h"
#include "signer/token/p11.h"
#include "signer/token/worker.h"

#define SETUP_MS 10000		/* until the keeper has told us what to do */

struct key {
	struct uri uri;
	struct p11_key key;	/* pub is NULL: not found yet */
};

struct worker {
	struct frame_io io;
	struct p11 *p11;
	const struct rng *rng;
	struct key keys[FRAME_KEYS_MAX];
	uint32_t n;
};

static void
worker_done(struct worker *w)
{
	/* First what tells the keeper, then what may take its time. */
	frame_io_done(&w->io);
	for (uint32_t i = 0; i < w->n; i++)
		p11_key_done(&w->keys[i].key);
	p11_free(w->p11);
}
JIT_SCOPED_OBJ(struct worker, worker_done);

static enum jit_err
send_all(struct worker *w, const struct frame *f)
{
	JIT_TRY(frame_io_put(&w->io, f, NULL));
	return frame_io_drain(&w->io, -1, NULL);
}

/* ---- the PIN ---- */

static enum jit_err
get_pin(void *arg, const struct p11_token *t, struct secret *ret,
    struct jit_why *why)
{
	struct worker *w = arg;
	struct frame f = { .kind = FRAME_LOGIN, .label = span_str(t->label),
	    .serial = span_str(t->serial),
	    .manufacturer = span_str(t->manufacturer),
	    .model = span_str(t->model) };

	JIT_TRY(send_all(w, &f));
	JIT_TRY(frame_io_wait(&w->io, -1, &f, why));
	if (f.kind != FRAME_PIN)
		return jit_fail(why, JIT_E_PROTOCOL, "no PIN frame");
	if (f.err != JIT_OK)
		return jit_fail(why, f.err, "%.*s", (int)f.words.n,
		    (const char *)f.words.p);
	enum jit_err e = secret_copy(ret, f.data);

	frame_io_wipe(&w->io);
	return e;
}

static void
said(void *arg, enum jit_err e)
{
	struct worker *w = arg;
	const struct frame f = { .kind = FRAME_LOGGED, .err = e };

	/* What cannot be told, the keeper has to take as refused. */
	(void)send_all(w, &f);
}

/* ---- the requests ---- */

static enum jit_err
need_key(struct worker *w, uint32_t i, struct jit_why *why)
{
	struct key *k = &w->keys[i];

	if (k->key.pub != NULL)
		return JIT_OK;
	JIT_TRY(uri_check_key(&k->uri, why));
	return p11_find(w->p11, &k->uri, &k->key, why);
}

static enum jit_err
generate(struct worker *w, const struct frame *f, struct wr *out,
    struct jit_why *why)
{
	struct key *k = &w->keys[f->key];
	struct uri u = k->uri;

	JIT_TRY(uri_check_key(&u, why));
	if (k->key.pub != NULL)
		return jit_fail(why, JIT_E_EXISTS, "the token has that key; "
		    "nothing was made");
	JIT_TRY(p11_generate(w->p11, &u, (enum frame_gen)f->what, w->rng,
	    &k->key, why));
	k->uri = u;
	wr_string(out, ssh_key_blob(k->key.pub));
	uri_put(out, &k->uri);
	return out->err;
}

static enum jit_err
do_it(struct worker *w, const struct frame *f, struct wr *out,
    struct jit_why *why)
{
	switch (f->kind) {
	case FRAME_LIST:
		return p11_list(w->p11, &w->keys[f->key].uri, out, why);
	case FRAME_INFO:
		JIT_TRY(need_key(w, f->key, why));
		wr_span(out, ssh_key_blob(w->keys[f->key].key.pub));
		return out->err;
	case FRAME_SIGN:
		JIT_TRY(need_key(w, f->key, why));
		return p11_sign(w->p11, &w->keys[f->key].key,
		    (enum frame_hash)f->what, f->data, out, why);
	case FRAME_GENERATE:
		return generate(w, f, out, why);
	default:
		return jit_fail(why, JIT_E_PROTOCOL, "no request");
	}
}

static enum jit_err
answer(struct worker *w, const struct frame *f)
{
	JIT_DONE(wr_done) struct wr out = WR_INIT(FRAME_DATA_MAX);
	struct jit_why why = { 0 };
	struct frame a = { .kind = FRAME_ANSWER, .tag = f->tag };
	char buf[FRAME_WORDS_MAX + 1];

	if (f->key >= w->n)
		return JIT_E_PROTOCOL;
	a.err = do_it(w, f, &out, &why);
	if (a.err == JIT_OK)
		a.data = wr_view(&out);
	else
		a.words = frame_words(a.err, &why, buf);
	return send_all(w, &a);
}

/* ---- the beginning ---- */

static enum jit_err
read_config(struct worker *w, char module[static URI_MODULE_MAX],
    struct jit_why *why)
{
	struct frame f;

	JIT_TRY(frame_io_wait(&w->io, sys_mono_ms() + SETUP_MS, &f, why));
	if (f.kind != FRAME_CONFIG)
		return jit_fail(why, JIT_E_PROTOCOL, "no configuration");
	for (uint32_t i = 0; i < f.n; i++)
		JIT_TRY(uri_parse(f.keys[i].uri, &w->keys[i].uri, why));
	memcpy(module, f.keys[0].module.p, f.keys[0].module.n);
	module[f.keys[0].module.n] = '\0';
	w->n = f.n;
	return JIT_OK;
}

/* Several URIs, one token: any of them opens it. */
static enum jit_err
open_token(struct worker *w, const char *module, struct jit_why *why)
{
	const struct p11_pin pin = { get_pin, said, w };
	const struct uri *u = &w->keys[0].uri;

	JIT_TRY(p11_load(module, &w->p11, why));
	/* A listing alone names none. */
	if (u->token[0] == '\0' && u->serial[0] == '\0')
		return JIT_OK;
	return p11_open(w->p11, u, &pin, why);
}

static enum jit_err
begin(struct worker *w, char *const hidden[])
{
	char module[URI_MODULE_MAX], buf[FRAME_WORDS_MAX + 1];
	struct frame ready = { .kind = FRAME_READY };
	struct jit_why why = { 0 };

	ready.err = cage_enter(hidden, &why);
	if (ready.err == JIT_OK)
		ready.err = read_config(w, module, &why);
	if (ready.err == JIT_OK)
		ready.err = open_token(w, module, &why);
	if (ready.err != JIT_OK)
		ready.words = frame_words(ready.err, &why, buf);
	JIT_TRY(send_all(w, &ready));
	return ready.err;
}

int
worker_run(int fd, char *const hidden[], const struct rng *rng)
{
	JIT_DONE(worker_done) struct worker w = { .rng = rng };
	struct frame f;

	frame_io_init(&w.io, fd);
	if (begin(&w, hidden) != JIT_OK)
		return 1;
	while (frame_io_wait(&w.io, -1, &f, NULL) == JIT_OK)
		if (answer(&w, &f) != JIT_OK || p11_is_lost(w.p11))
			return 1;
	return 0;
}
