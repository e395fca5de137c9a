/*
 * jit-signer recover - the admins' way out when the log is frozen.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ca/base/log.h"
#include "ca/base/sys.h"
#include "signer/cmd.h"
#include "signer/wall.h"

struct recover {
	const char *home, *policy, *by, *file, *fd;
	bool show;
	struct cmd_list text, sig;
};

/* ---- the text ---- */

/* The log's key without its passphrase: only to read the log. */
static enum jit_err
peek_vkey(const struct cmd_home *h, struct tlog_vkey *ret,
    struct jit_why *why)
{
	JIT_DONE(key_file_claims_done) struct key_file_claims c = {
	    .pub = NULL };
	JIT_DONE(buf_done) struct buf text = { NULL, 0 };
	const uid_t owners[] = { geteuid() };
	const struct sys_rule rule = { owners, 1, 0077, KEY_FILE_MAX };
	struct span blob;

	JIT_TRY(sys_read_file_at(h->dir, "log.key", &rule, &text, why));
	JIT_TRY(key_file_peek(BUF_SPAN(text), &c, why));
	if (c.use != KEY_USE_LOG)
		return jit_fail(why, JIT_E_KEYTYPE, "log.key is a key for "
		    "something else");
	/* An Ed25519 blob ends with the key's 32 bytes. */
	blob = ssh_key_blob(c.pub);
	return tlog_vkey_make(h->origin, blob.p + blob.n - 32, ret, why);
}

static enum jit_err
put_text(struct wr *w, const struct store *s, const char *by,
    struct jit_why *why)
{
	const struct ledger *l = store_ledger(s);
	const struct frozen *f = store_frozen(s);
	utc_s now = wall_s(), newest = ledger_time(l);
	struct recovery r = {
		.log = span_str(ledger_log_id(l)),
		.by = span_str(by),
		.at = now > newest ? now : newest,
		.size = ledger_size(l),
		.cause = f->cause,
	};
	char shown[TEXT_SHOWN];

	if (!f->is)
		return jit_fail(why, JIT_E_ARG, "the log is not frozen: there "
		    "is nothing to recover from");
	if (ledger_policy(l) == NULL ||
	    policy_person(ledger_policy(l), r.by) == NULL)
		return jit_fail(why, JIT_E_PERSON, "nobody named \"%s\" is "
		    "enrolled", text_shown(r.by, shown, sizeof(shown)));
	JIT_TRY(merkle_edge_root(ledger_edge(l), &r.root));
	recovery_put(w, &r);
	return w->err;
}

static enum jit_err
show(const struct recover *o, const struct cmd_home *h, struct jit_why *why)
{
	JIT_SCOPED(store_close) struct store *s = NULL;
	JIT_DONE(wr_done) struct wr w = WR_INIT(ACT_MAX);
	struct tlog_vkey vkey;
	struct store_config c = { .home = h->dir, .vkey = &vkey,
	    .readonly = true };

	JIT_TRY(peek_vkey(h, &vkey, why));
	JIT_TRY(store_open(&c, &s, why));
	JIT_TRY(put_text(&w, s, o->by, why));
	if (fwrite(w.p, 1, w.n, stdout) != w.n || fflush(stdout) != 0)
		return jit_fail(why, JIT_E_IO, "cannot write the text");
	(void)fprintf(stderr, "Why the log is frozen: %s.\n"
	    "%s reads the text and signs exactly these bytes within 5 "
	    "minutes:\n\n"
	    "  ssh-keygen -Y sign -f KEY -n " NS_RECOVERY " FILE\n\n"
	    "Then: jit-signer recover HOME POLICY --text FILE --sig "
	    "FILE.sig ...\n", store_frozen(s)->cause == RECOVERY_CLOCK ?
	    "the signer's clock jumped" :
	    "somebody has seen more of this log than is here", o->by);
	return JIT_OK;
}

/* ---- the signatures ---- */

struct signed_texts {
	struct buf text[CMD_LIST], sig[CMD_LIST];
};

static void
signed_texts_done(struct signed_texts *s)
{
	for (size_t i = 0; i < CMD_LIST; i++) {
		buf_done(&s->text[i]);
		buf_done(&s->sig[i]);
	}
}
JIT_SCOPED_OBJ(struct signed_texts, signed_texts_done);

static enum jit_err
read_texts(const struct recover *o, struct signed_texts *s,
    struct rec_recovery *ret, struct jit_why *why)
{
	for (size_t i = 0; i < o->text.n; i++) {
		JIT_DONE(buf_done) struct buf armor = { NULL, 0 };
		enum jit_err e;

		JIT_TRY(cmd_read_file(o->text.v[i], ACT_MAX, &s->text[i], why));
		JIT_TRY(cmd_read_file(o->sig.v[i], SSHSIG_ARMOR_MAX, &armor,
		    why));
		e = sshsig_get_armor(BUF_SPAN(armor), &s->sig[i], why);
		if (e != JIT_OK)
			return jit_at(why, e, "%s", o->sig.v[i]);
		ret->by[i] = (struct rec_signed){ BUF_SPAN(s->text[i]),
		    BUF_SPAN(s->sig[i]), SPAN_NONE };
	}
	ret->n = o->text.n;
	return JIT_OK;
}

static enum jit_err
log_recovery(struct store *s, const struct rec_recovery *rec,
    struct jit_why *why)
{
	utc_s now = wall_s(), newest = ledger_time(store_ledger(s));

	JIT_TRY(turn_recover(store_turn(s), rec, now > newest ? now : newest,
	    why));
	/* It is logged: from here on nothing is lost any more. */
	JIT_TRY(store_keep_frozen(s, why));
	return store_snapshot(s, why);
}

static enum jit_err
recover(const struct recover *o, struct cmd_home *h, struct jit_why *why)
{
	JIT_SCOPED(store_close) struct store *s = NULL;
	JIT_SCOPED(free) struct rec_recovery *rec = calloc(1, sizeof(*rec));
	JIT_DONE(signed_texts_done) struct signed_texts texts = { 0 };
	struct passphrase_from from;
	const struct rng rng = rand_system();

	if (rec == NULL)
		return JIT_E_NOMEM;
	JIT_TRY(read_texts(o, &texts, rec, why));
	JIT_TRY(cmd_passphrase(o->file, o->fd, &from, why));
	JIT_TRY(cmd_open_keys(h, o->home, &from, why));
	const struct store_config c = {
		.home = h->dir,
		.vkey = &h->keys.vkey,
		.ca = cmd_privs(&h->keys),
		.log = h->keys.log,
		.rng = &rng,
	};
	JIT_TRY(store_open(&c, &s, why));
	JIT_TRY(log_recovery(s, rec, why));
	(void)printf("Recovered: entry %llu. The daemon can be started.\n",
	    (unsigned long long)ledger_recovery(store_ledger(s)));
	return JIT_OK;
}

static enum jit_err
parse(int argc, char **argv, struct recover *o, struct jit_why *why)
{
	const struct cmd_opt opts[] = {
		{ .name = "--show", .flag = &o->show },
		{ .name = "--by", .text = &o->by },
		{ .name = "--text", .list = &o->text },
		{ .name = "--sig", .list = &o->sig },
		{ .name = "--passphrase-file", .text = &o->file },
		{ .name = "--passphrase-fd", .text = &o->fd },
	};
	const char *operand[2];

	JIT_TRY(cmd_parse(argc, argv, opts, sizeof(opts) / sizeof(opts[0]),
	    operand, 2, why));
	o->home = operand[0];
	o->policy = operand[1];
	if (o->show && (o->by == NULL || o->text.n + o->sig.n > 0))
		return jit_fail(why, JIT_E_ARG, "--show needs --by PERSON, "
		    "and no --text or --sig");
	if (!o->show && (o->by != NULL || o->text.n == 0 ||
	    o->text.n != o->sig.n))
		return jit_fail(why, JIT_E_ARG, "recover needs --show, or a "
		    "--sig for each --text");
	return JIT_OK;
}

int
cmd_recover(int argc, char **argv)
{
	JIT_DONE(cmd_home_done) struct cmd_home h = CMD_HOME_INIT;
	struct recover o = { .home = NULL };
	struct jit_why why = { 0 };
	enum jit_err e = parse(argc, argv, &o, &why);

	log_setup("jit-signer", STDERR_FILENO, LOG_L_WARN, wall_s);
	if (e == JIT_OK)
		e = sys_no_dumps(&why);
	if (e == JIT_OK)
		e = home_open(o.home, &h.dir, &why);
	if (e == JIT_OK)
		e = cmd_open_policy(&h, o.policy, &why);
	if (e == JIT_OK)
		e = o.show ? show(&o, &h, &why) : recover(&o, &h, &why);
	return e == JIT_OK ? 0 : cmd_complain(e, &why);
}
