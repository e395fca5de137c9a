#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/session_int.h"

#define PATH_BYTES 4096
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

/* ---- the folder ---- */

static enum jit_err
text_of(struct wr *w, char **ret)
{
	struct buf b = { NULL, 0 };

	JIT_TRY(wr_take(w, &b));
	*ret = (char *)b.p;
	return JIT_OK;
}

/* "<state>/jit-cert/<16 hex digits>" */
static enum jit_err
folder_of(const struct session_config *c, char **ret)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(PATH_BYTES);
	struct digest d;
	char hex[17];

	JIT_TRY(digest_sha256(span_str(c->socket), &d));
	hex_text(SPAN(d.b, 8), hex);
	wr_fmt(&w, "%s/jit-cert/%s", c->state, hex);
	return text_of(&w, ret);
}

/* Every folder on the way that is not there, for us alone. */
static enum jit_err
make_folders(char *path, struct jit_why *why)
{
	for (char *p = path + 1;; p++) {
		char was = *p;
		int e;

		if (was != '/' && was != '\0')
			continue;
		*p = '\0';
		e = mkdir(path, 0700) == 0 ? 0 : errno;
		*p = was;
		/* Of what is not ours, only the end is judged. */
		if (e != 0 && e != EEXIST && was == '\0')
			return jit_fail(why, JIT_E_IO, "%s: %s", path,
			    strerror(e));
		if (was == '\0')
			return JIT_OK;
	}
}

static enum jit_err
check_folder(const char *path, struct jit_why *why)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return jit_fail(why, JIT_E_IO, "%s: %s", path,
		    strerror(errno));
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid())
		return jit_fail(why, JIT_E_OWNER, "%s: not a folder of ours",
		    path);
	if ((st.st_mode & 077) != 0)
		return jit_fail(why, JIT_E_MODE, "%s: mode %03o; others may "
		    "not see or change it", path, st.st_mode & 0777);
	return JIT_OK;
}

static enum jit_err
path_in(const struct state *st, const char *name, char **ret)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(PATH_BYTES);

	wr_fmt(&w, "%s/%s", st->dir, name);
	return text_of(&w, ret);
}

/* An absent file is an empty one. */
static enum jit_err
read_in(const struct state *st, const char *name, size_t max,
    struct buf *ret, struct jit_why *why)
{
	const uid_t me = geteuid();
	const struct sys_rule rule = { &me, 1, 0077, max };
	JIT_SCOPED(free) char *path = NULL;
	enum jit_err e;

	JIT_TRY(path_in(st, name, &path));
	e = sys_read_file(path, &rule, ret, why);
	return e == JIT_E_UNKNOWN ? buf_copy(ret, SPAN_NONE) : e;
}

static enum jit_err
write_in(const struct state *st, const char *name, struct span s,
    struct jit_why *why)
{
	JIT_SCOPED(free) char *path = NULL;

	JIT_TRY(path_in(st, name, &path));
	return sys_write_file(path, s, 0600, SYS_REPLACE, why);
}

/* ---- the files ---- */

/* *there is false, and nothing read, when there is no pin. */
static enum jit_err
read_pin(const struct state *st, bool *there, struct tlog_vkey *log,
    struct ssh_key **ca, struct jit_why *why)
{
	JIT_DONE(buf_done) struct buf b = { NULL, 0 };
	struct span left, v, k;

	JIT_TRY(read_in(st, "pin", PIN_MAX, &b, why));
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
	return write_in(st, "pin", wr_view(&w), why);
}

static enum jit_err
read_policy(const struct state *st, uint64_t *ret, struct jit_why *why)
{
	JIT_DONE(buf_done) struct buf b = { NULL, 0 };
	struct span left, line;

	JIT_TRY(read_in(st, "policy", 32, &b, why));
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
	return write_in(st, "policy", wr_view(&w), why);
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

	JIT_TRY(folder_of(c, &st.dir));
	JIT_TRY(make_folders(st.dir, why));
	JIT_TRY(check_folder(st.dir, why));
	JIT_TRY(read_pin(&st, &st.kept, &st.trust.log, &st.trust.user_ca,
	    why));
	st.trust.pinned = st.kept;
	JIT_TRY(take_pin(&st, c->pin, why));
	JIT_TRY(read_in(&st, "checkpoint", TLOG_NOTE_MAX, &st.note, why));
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

	JIT_TRY(path_in(st, "lock", &path));
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

	JIT_TRY(read_in(st, "checkpoint", TLOG_NOTE_MAX, &there, why));
	if (there.n > 0 && !span_eq(BUF_SPAN(there), BUF_SPAN(st->note)))
		JIT_TRY(client_join(c, BUF_SPAN(there), why));
	if (!span_eq(BUF_SPAN(there), client_note(c)))
		JIT_TRY(write_in(st, "checkpoint", client_note(c), why));
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
