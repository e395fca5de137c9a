#define _POSIX_C_SOURCE 200809L
#include <string.h>
#include <unistd.h>

#include "cli/folder.h"
#include "cli/session_int.h"

#define PIN_MAX (TLOG_VKEY_MAX + 2 * SSH_BLOB_MAX)
#define LOCK_MS 5000

void
state_done(struct state *st)
{
	free(st->dir);
	ssh_key_free(st->trust.user_ca);
	buf_done(&st->trust.note);
	buf_done(&st->note);
	*st = (struct state){ 0 };
}

/* ---- the files ---- */

/* *there is false, and nothing read, when there is no pin. */
static enum jit_err
read_pin(const struct state *st, bool *there, struct tlog_vkey *log,
    struct ssh_key **ca, struct jit_why *why)
{
	JIT_DONE(buf_done) struct buf b = { NULL, 0 };
	struct span left, v, k;

	JIT_TRY(folder_read(st->dir, "pin", PIN_MAX, &b, why));
	*there = b.n > 0;
	if (!*there)
		return JIT_OK;
	left = BUF_SPAN(b);
	if (!span_take_line(&left, &v) || !span_take_line(&left, &k) ||
	    left.n > 0 || tlog_vkey_parse(v, log, NULL) != JIT_OK)
		return jit_fail(why, JIT_E_FORMAT, "%s/pin: not a verifier "
		    "key and a CA key, a line each", st->dir);
	return ssh_key_parse_line(k, ca, NULL, why);
}

static enum jit_err
write_pin(const struct state *st, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(PIN_MAX);

	tlog_vkey_put(&w, &st->trust.log);
	wr_u8(&w, '\n');
	ssh_key_put_line(&w, st->trust.user_ca, NULL);
	wr_u8(&w, '\n');
	JIT_TRY(w.err);
	return folder_write(st->dir, "pin", wr_view(&w), why);
}

static enum jit_err
read_policy(const struct state *st, uint64_t *ret, struct jit_why *why)
{
	JIT_DONE(buf_done) struct buf b = { NULL, 0 };
	struct span left, line;

	JIT_TRY(folder_read(st->dir, "policy", 32, &b, why));
	*ret = 0;
	if (b.n == 0)
		return JIT_OK;
	left = BUF_SPAN(b);
	if (!span_take_line(&left, &line) || left.n > 0 ||
	    uint_parse(line, UINT64_MAX, ret) != JIT_OK)
		return jit_fail(why, JIT_E_FORMAT, "%s/policy: not an index",
		    st->dir);
	return JIT_OK;
}

static enum jit_err
write_policy(const struct state *st, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(32);

	wr_fmt(&w, "%llu\n", (unsigned long long)st->policy);
	JIT_TRY(w.err);
	return folder_write(st->dir, "policy", wr_view(&w), why);
}

/* ---- open ---- */

static enum jit_err
take_pin(struct state *st, const char *pin, struct jit_why *why)
{
	struct tlog_vkey v;

	if (pin == NULL)
		return JIT_OK;
	JIT_TRY(tlog_vkey_parse(span_str(pin), &v, why));
	if (st->kept && !tlog_vkey_eq(&v, &st->trust.log))
		return jit_fail(why, JIT_E_LOGNAME, "%s/pin holds another log "
		    "than the one that is demanded", st->dir);
	st->trust.log = v;
	st->trust.pinned = true;
	return JIT_OK;
}

enum jit_err
state_open(const struct session_config *c, struct state *ret,
    struct jit_why *why)
{
	JIT_DONE(state_done) struct state st = { 0 };

	JIT_TRY(folder_open(c->state, c->server != NULL ? c->server :
	    c->socket, &st.dir, why));
	JIT_TRY(read_pin(&st, &st.kept, &st.trust.log, &st.trust.user_ca,
	    why));
	st.trust.pinned = st.kept;
	JIT_TRY(take_pin(&st, c->pin, why));
	JIT_TRY(folder_read(st.dir, "checkpoint", TLOG_NOTE_MAX, &st.note, why));
	JIT_TRY(buf_copy(&st.trust.note, BUF_SPAN(st.note)));
	JIT_TRY(read_policy(&st, &st.saved, why));
	st.policy = st.saved;
	*ret = st;
	st = (struct state){ 0 };
	return JIT_OK;
}

/* ---- save ---- */

static enum jit_err
lock(const struct state *st, int *ret, struct jit_why *why)
{
	JIT_SCOPED(free) char *path = NULL;

	JIT_TRY(folder_path(st->dir, "lock", &path));
	return sys_lock(path, LOCK_MS, ret, why);
}

/* Another process may have pinned first: then the same. */
static enum jit_err
save_pin(struct state *st, struct jit_why *why)
{
	JIT_SCOPED(ssh_key_free) struct ssh_key *ca = NULL;
	struct tlog_vkey log;
	bool there = false;

	JIT_TRY(read_pin(st, &there, &log, &ca, why));
	if (!there)
		JIT_TRY(write_pin(st, why));
	else if (!tlog_vkey_eq(&log, &st->trust.log) ||
	    !ssh_key_eq(ca, st->trust.user_ca))
		return jit_fail(why, JIT_E_LOGNAME, "%s/pin: another process "
		    "pinned another log", st->dir);
	st->kept = true;
	return JIT_OK;
}

/* What another process saw is of the same log, and the newer one stays. */
static enum jit_err
save_note(struct state *st, struct client *c, struct jit_why *why)
{
	JIT_DONE(buf_done) struct buf there = { NULL, 0 };
	struct buf note = { NULL, 0 };

	JIT_TRY(folder_read(st->dir, "checkpoint", TLOG_NOTE_MAX, &there, why));
	if (there.n > 0 && !span_eq(BUF_SPAN(there), BUF_SPAN(st->note)))
		JIT_TRY(client_join(c, BUF_SPAN(there), why));
	if (!span_eq(BUF_SPAN(there), client_note(c)))
		JIT_TRY(folder_write(st->dir, "checkpoint", client_note(c), why));
	JIT_TRY(buf_copy(&note, client_note(c)));
	buf_done(&st->note);
	st->note = note;
	return JIT_OK;
}

static enum jit_err
save_policy(struct state *st, struct jit_why *why)
{
	uint64_t there = 0;

	JIT_TRY(read_policy(st, &there, why));
	if (there > st->policy)
		st->policy = there;
	else if (there < st->policy)
		JIT_TRY(write_policy(st, why));
	st->saved = st->policy;
	return JIT_OK;
}

enum jit_err
state_save(struct state *st, struct client *c, struct jit_why *why)
{
	JIT_DONE(sys_close) int fd = -1;

	if (st->kept && st->policy == st->saved &&
	    span_eq(client_note(c), BUF_SPAN(st->note)))
		return JIT_OK;
	JIT_TRY(lock(st, &fd, why));
	JIT_TRY(save_pin(st, why));
	JIT_TRY(save_note(st, c, why));
	return save_policy(st, why);
}
