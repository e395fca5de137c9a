/* What everybody may know: health, keys, checkpoints. */
#include "api/routes/call.h"
#include "ca/x509/der.h"

#define OLD_MAX 2
#define KEY_ID_MAX 32		/* bytes; 20 as a rule */

static const char *
state_name(enum signer_state s)
{
	return s == SIGNER_OK ? "ready" : s == SIGNER_FROZEN ? "frozen" :
	    "no-room";
}

void
do_health(struct call *c)
{
	const struct certd *d = c->d;
	struct js j = JS_INIT;
	enum jit_err e = link_state(d->link, NULL);
	bool ok = e == JIT_OK && d->says.state == SIGNER_OK &&
	    d->view_err == JIT_OK;

	js_open(&j, NULL, '{');
	js_str(&j, "status", ok ? "ok" : "degraded");
	js_str(&j, "signer", e == JIT_OK ? state_name(d->says.state) :
	    e == JIT_E_UNREACHABLE ? "unreachable" : "other-log");
	js_uint(&j, "log_size", d->known);
	js_uint(&j, "view_size", view_size(d->view));
	js_str(&j, "version", CERTD_VERSION);
	js_close(&j, '}');
	call_answer(c, ok ? 200 : 503, &j);
}

/* ?old=A or ?old=A,B; size 0 has no path. */
static enum jit_err
read_old(struct call *c, size_t max, uint64_t *old, size_t *n,
    struct jit_why *why)
{
	*n = 0;
	JIT_TRY(query_uints(&c->query, "old", max, old, n, why));
	JIT_TRY(query_end(&c->query, why));
	for (size_t i = 0; i < *n; i++)
		if (old[i] == 0)
			return jit_fail(why, JIT_E_FORMAT, "\"old\": a size of "
			    "1 or more is accepted");
	return JIT_OK;
}

/* ---- the CA keys ---- */

/* A CA's certificates, its own first; null for SSH. */
static void
put_chain(struct js *j, const struct ca_key *k)
{
	JIT_DONE(wr_done) struct wr pem = WR_INIT(CA_CHAIN_MAX * 2 *
	    X509_CA_MAX);
	char hex[2 * KEY_ID_MAX + 1];
	struct span id;

	if (k->use != CA_X509) {
		js_null(j, "key_id");
		js_null(j, "chain");
		return;
	}
	id = x509_ca_ski(k->ca);
	if (id.n > KEY_ID_MAX)
		wr_fail(&j->w, JIT_E_SIZE);
	else
		hex_text(id, hex);
	for (size_t i = 0; i < k->n_chain; i++)
		x509_put_pem(&pem, "CERTIFICATE", BUF_SPAN(k->chain[i]));
	wr_fail(&j->w, pem.err);
	js_str(j, "key_id", j->w.err == JIT_OK ? hex : NULL);
	js_text(j, "chain", wr_view(&pem));
}

static void
put_key(struct js *j, const struct ca_key *k)
{
	JIT_DONE(wr_done) struct wr line = WR_INIT(2 * SSH_BLOB_MAX);

	ssh_key_put_line(&line, k->key, NULL);
	wr_fail(&j->w, line.err);
	js_open(j, NULL, '{');
	js_str(j, "use", ca_use_name(k->use));
	js_str(j, "state", ca_state_name(k->state));
	js_text(j, "key", wr_view(&line));
	put_chain(j, k);
	js_close(j, '}');
}

static void
put_keys(struct js *j, const struct view *v)
{
	const struct ca_keys *keys = view_keys(v);

	js_uint(j, "keys_index", view_keys_index(v));
	js_open(j, "keys", '[');
	for (size_t i = 0; i < keys->n; i++)
		put_key(j, &keys->v[i]);
	js_close(j, ']');
}

static void
got_ca(struct call *c, const struct answer *ans, size_t n)
{
	JIT_DONE(wr_done) struct wr vkey = WR_INIT(TLOG_VKEY_MAX);
	const struct certd *d = c->d;
	struct js j = JS_INIT;
	struct jit_why why = { 0 };
	struct grown g;
	enum jit_err e;

	(void)n;
	if ((e = grown_get(ans[0].payload, &g, &why)) != JIT_OK) {
		call_fail(c, e, &why);
		return;
	}
	tlog_vkey_put(&vkey, &d->conf.log);
	js_open(&j, NULL, '{');
	js_text(&j, "log", wr_view(&vkey));
	js_str(&j, "user_ca", d->user_ca);
	put_keys(&j, d->view);
	js_str(&j, "state", state_name(d->says.state));
	js_utc(&j, "now", certd_now(d));
	js_uint(&j, "policy", d->says.policy_index);
	js_uint(&j, "recovery", d->says.recovery);
	js_text(&j, "note", g.note);
	js_path(&j, "path", &g.path);
	js_close(&j, '}');
	call_answer(c, 200, &j);
}

static void
ask_ca(struct call *c)
{
	const struct ask a = { .op = OP_CHECKPOINT, .from = c->number };

	call_ask(c, &a, 1, false, got_ca);
}

void
do_ca(struct call *c)
{
	struct jit_why why = { 0 };
	size_t n = 0;
	enum jit_err e = read_old(c, 1, &c->number, &n, &why);

	if (e != JIT_OK)
		call_fail(c, e, &why);
	else if (view_keys_index(c->d->view) >= c->d->keys_index)
		ask_ca(c);
	else
		call_when_known(c, ask_ca);
}

static void ask_checkpoint(struct call *c);

/* Two answers under one note, or once more: the log grew between them. */
static void
got_checkpoint(struct call *c, const struct answer *ans, size_t n)
{
	struct js j = JS_INIT;
	struct jit_why why = { 0 };
	struct grown g[OLD_MAX];
	enum jit_err e = JIT_OK;

	for (size_t i = 0; i < n && e == JIT_OK; i++)
		e = grown_get(ans[i].payload, &g[i], &why);
	if (e != JIT_OK) {
		call_fail(c, e, &why);
		return;
	}
	if (n == 2 && !span_eq(g[0].note, g[1].note)) {
		ask_checkpoint(c);
		return;
	}
	js_open(&j, NULL, '{');
	js_text(&j, "note", g[0].note);
	js_open(&j, "paths", '[');
	for (size_t i = 0; i < n && c->number > 0; i++)
		js_path(&j, NULL, &g[i].path);
	js_close(&j, ']');
	js_close(&j, '}');
	call_answer(c, 200, &j);
}

static void
ask_checkpoint(struct call *c)
{
	struct ask a[OLD_MAX] = {
		{ .op = OP_CHECKPOINT, .from = c->number },
		{ .op = OP_CHECKPOINT, .from = c->more },
	};

	call_ask(c, a, c->more > 0 ? 2 : 1, false, got_checkpoint);
}

void
do_checkpoint(struct call *c)
{
	uint64_t old[OLD_MAX] = { 0, 0 };
	struct jit_why why = { 0 };
	size_t n = 0;
	enum jit_err e = read_old(c, OLD_MAX, old, &n, &why);

	if (e != JIT_OK) {
		call_fail(c, e, &why);
		return;
	}
	c->number = old[0];
	c->more = old[1];
	ask_checkpoint(c);
}
