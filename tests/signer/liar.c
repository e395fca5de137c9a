#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ca/base/sys.h"
#include "tests/signer/liar.h"

#define CHILD_SECONDS 60	/* whatever becomes of the test */
#define FIND_PAGE 2
#define LIST_PAGE 3
#define BLOBS_PAGE 4

/* ---- what the logbook holds, shown truly or not ---- */

static uint64_t
index_of(const struct liar *l, enum lie now, uint64_t index)
{
	return now == LIE_OTHER ? (index + 1) % l->size : index;
}

static void
put_note(const struct liar *l, enum lie now, uint64_t size, struct wr *w)
{
	struct logbook *b = l->b;
	struct tlog_vkey v = b->w.log;
	struct ssh_priv *key = b->w.key[K_LOG];
	JIT_DONE(wr_done) struct wr note = WR_INIT(TLOG_NOTE_MAX);
	struct checkpoint c;

	logbook_root(b, size, &c);
	if (now == LIE_FORK)
		JT_OK(digest_sha256(span_str("fork"), &c.root));
	if (now == LIE_EMPTY_LOG)
		c.size = 0;
	if (now == LIE_KEY)
		key = b->w.key[K_STRANGER];
	if (now == LIE_ORIGIN)
		JT_OK(tlog_vkey_make("other.example.com", b->w.log.pub,
		    &v, NULL));
	JT_OK(checkpoint_sign(&note, &c, &v, key));
	if (now == LIE_UNSIGNED)
		do
			note.n--;
		while (note.p[note.n - 1] != '\n');
	wr_string(w, wr_view(&note));
}

static void
put_receipt(const struct liar *l, enum lie now, uint64_t size,
    uint64_t index, struct wr *w)
{
	JIT_DONE(buf_done) struct buf body = { NULL, 0 };
	struct receipt r, beside;

	logbook_receipt(l->b, index, size, &r);
	JT_OK(buf_copy(&body, r.e.body));
	r.e.body = BUF_SPAN(body);
	if (now == LIE_PROOF) {
		logbook_receipt(l->b, (index + 2) % size, size, &beside);
		r.proof = beside.proof;
	}
	if (now == LIE_LEAF)
		r.e.leaf[ENTRY_LEAF - 1] ^= 1;
	if (now == LIE_SALT)
		r.e.salt[0] ^= 1;
	if (now == LIE_BODY)
		body.p[body.n - 1] ^= 1;
	if (now == LIE_ERASED)
		r.e.erased = true;
	receipt_put(w, &r);
}

static void
put_receipts(const struct liar *l, enum lie now, uint64_t size,
    const uint64_t *index, size_t n, struct wr *w)
{
	size_t first = now == LIE_FIRST_LACKS ? 1 : 0;

	if (now == LIE_NOTHING)
		n = 0;
	put_note(l, now, size, w);
	wr_u32(w, (uint32_t)(n - first + (now == LIE_TWICE)));
	for (size_t i = first; i < n; i++)
		put_receipt(l, now, size, index[i], w);
	if (now == LIE_TWICE)
		put_receipt(l, now, size, index[n - 1], w);
}

static void
path_of(const struct liar *l, enum lie now, uint64_t old, uint64_t size,
    struct merkle_proof *ret)
{
	struct merkle_source src = tiles_source(l->b->tiles);

	ret->n = 0;
	if (old > 0 && old <= size)
		JT_OK(merkle_prove_consistency(&src, old, size, ret));
	if (now == LIE_PATH && ret->n > 0)
		ret->h[0].b[0] ^= 1;
}

static uint64_t
policy_of(const struct liar *l, enum lie now, uint64_t size)
{
	uint64_t i = size - 1;

	if (now == LIE_POLICY_FUTURE)
		return size;
	while (l->b->entry[i].e.type != ENTRY_POLICY)
		i--;
	if (now != LIE_POLICY_OLD)
		return i;
	do
		i--;
	while (i > 0 && l->b->entry[i].e.type != ENTRY_POLICY);
	return i;
}

static bool
is_about(const struct entry *e, const struct ulid *id)
{
	struct ulid about;

	return rec_about((enum entry_type)e->type, e->body, &about) &&
	    strcmp(about.s, id->s) == 0;
}

/* Indexes of what is about id, from on; returns how many. */
static size_t
about(const struct liar *l, const struct ulid *id, uint64_t from,
    uint64_t size, uint64_t *ret)
{
	size_t n = 0;

	for (uint64_t i = from; i < size; i++)
		if (is_about(&l->b->entry[i].e, id))
			ret[n++] = i;
	return n;
}

/* ---- answers ---- */

/* The newest keys entry, 0: none. */
static uint64_t
keys_of(const struct liar *l, uint64_t size)
{
	while (size > 0 && l->b->entry[size - 1].e.type != ENTRY_KEYS)
		size--;
	return size > 0 ? size - 1 : 0;
}

static void
say_hello(const struct liar *l, enum lie now, uint64_t size,
    const struct ask *a, struct wr *w)
{
	struct world *world = &l->b->w;
	JIT_DONE(wr_done) struct wr vkey = WR_INIT(TLOG_VKEY_MAX);
	JIT_DONE(wr_done) struct wr note = WR_INIT(TLOG_NOTE_MAX + 4);
	struct span pub = ssh_key_blob(ssh_priv_public(
	    world->key[K_STRANGER]));
	struct hello h = { .now = world->now,
	    .user_ca = ssh_key_blob(world->ca.v[0].key),
	    .policy_index = policy_of(l, now, size),
	    .keys_index = keys_of(l, size) };
	struct tlog_vkey v = world->log;
	struct checkpoint c = { .size = 0 };

	if (now == LIE_CA)
		h.user_ca = pub;
	if (now == LIE_VKEY)
		JT_OK(tlog_vkey_make(world->log.origin, pub.p +
		    pub.n - 32, &v, NULL));
	tlog_vkey_put(&vkey, &v);
	h.vkey = wr_view(&vkey);
	put_note(l, now, size, &note);
	h.note = SPAN(note.p + 4, note.n - 4);
	if (a->note.n > 0)
		(void)checkpoint_open(a->note, &world->log, &c, NULL);
	path_of(l, now, c.size, size, &h.path);
	hello_put(w, &h);
}

static void
say_grown(const struct liar *l, enum lie now, uint64_t size,
    const struct ask *a, struct wr *w)
{
	JIT_DONE(wr_done) struct wr note = WR_INIT(TLOG_NOTE_MAX + 4);
	struct grown g;

	put_note(l, now, size, &note);
	g.note = SPAN(note.p + 4, note.n - 4);
	path_of(l, now, a->from, size, &g.path);
	grown_put(w, &g);
}

static void
say_proof(const struct liar *l, enum lie now, uint64_t size,
    const struct ask *a, struct wr *w)
{
	uint64_t index[PROTO_PROVE_MAX];

	for (uint32_t i = 0; i < a->count; i++)
		index[i] = index_of(l, now, ask_index(a, i));
	put_receipts(l, now, size, index, a->count, w);
}

static void
say_blobs(const struct liar *l, enum lie now, uint64_t size,
    const struct ask *a, struct wr *w)
{
	uint64_t index[BLOBS_PAGE];
	size_t n = 0;

	for (uint32_t i = 0; i < a->count && n < BLOBS_PAGE; i++) {
		struct digest want, got = { { 0 } };
		uint64_t at = 0;

		ask_digest(a, i, &want);
		for (; at < size && !digest_eq(&want, &got); at++)
			JT_OK(digest_sha256(l->b->entry[at].e.body, &got));
		index[n++] = index_of(l, now, at - 1);
	}
	put_receipts(l, now, size, index, n, w);
}

static void
put_head(const struct liar *l, enum lie now, uint64_t size, struct wr *w)
{
	wr_u64(w, (uint64_t)l->b->w.now);
	wr_u64(w, policy_of(l, now, size));
}

static void
say_dossier(const struct liar *l, enum lie now, uint64_t size,
    const struct ask *a, struct wr *w)
{
	uint64_t index[DOSSIER_ENTRIES_MAX];
	size_t n = about(l, now == LIE_OTHER ? &l->other : &a->id, 0, size,
	    index);

	put_head(l, now, size, w);
	put_receipts(l, now, size, index, n, w);
}

static void
say_found(const struct liar *l, enum lie now, uint64_t size,
    const struct ask *a, struct wr *w)
{
	uint64_t index[DOSSIER_ENTRIES_MAX];
	size_t n = about(l, now == LIE_OTHER ? &l->other : &a->id, a->from,
	    size, index);
	uint64_t next = n > FIND_PAGE ? index[FIND_PAGE] : 0;

	put_head(l, now, size, w);
	wr_u64(w, now == LIE_LOOP ? a->from > 0 ? a->from : 1 : next);
	put_receipts(l, now, size, index, n > FIND_PAGE ? FIND_PAGE : n, w);
}

static void
say_list(const struct liar *l, enum lie now, uint64_t size,
    const struct ask *a, struct wr *w)
{
	uint64_t index[LIST_PAGE * DOSSIER_ENTRIES_MAX], next = 0;
	size_t n = 0, requests = 0;

	for (uint64_t i = a->from; i < size && next == 0; i++) {
		const struct entry *e = &l->b->entry[i].e;
		struct ulid id;

		if (e->type != ENTRY_REQUEST ||
		    !rec_about(ENTRY_REQUEST, e->body, &id))
			continue;
		if (requests++ == LIST_PAGE)
			next = i;
		else
			n += about(l, &id, i, size, &index[n]);
	}
	put_head(l, now, size, w);
	wr_u64(w, now == LIE_LOOP ? a->from > 0 ? a->from : 1 : next);
	put_receipts(l, now, size, index, n, w);
}

static void
say_page(const struct liar *l, enum lie now, uint64_t size,
    const struct ask *a, struct wr *w)
{
	uint64_t n = a->from < size ? size - a->from : 0;
	uint64_t first = now == LIE_OTHER ? a->from + 1 : a->from;

	if (n > a->max)
		n = a->max;
	if (now == LIE_TWICE)
		n++;
	put_note(l, now, size, w);
	wr_u64(w, first);
	wr_u32(w, (uint32_t)n);
	for (uint64_t i = first; i < first + n; i++) {
		struct entry e = l->b->entry[i].e;

		if (now == LIE_SALT)
			e.salt[0] ^= 1;
		page_put_entry(w, &e);
	}
}

/* The entry that holds what was sent; of another one of that type. */
static void
say_logged(const struct liar *l, enum lie now, uint64_t size,
    enum entry_type type, const struct ask *a, struct wr *w)
{
	uint64_t at = size;

	for (uint64_t i = 0; i < size; i++) {
		const struct entry *e = &l->b->entry[i].e;
		struct rec_issued is;
		struct rec_signed s;
		bool same;

		if (e->type != type)
			continue;
		same = type == ENTRY_ISSUED ?
		    rec_get_issued(e->body, &is, NULL) == JIT_OK &&
		    strcmp(is.request.s, a->id.s) == 0 :
		    rec_get_signed(e->body, type, &s, NULL) == JIT_OK &&
		    span_eq(s.text, a->text);
		if (same != (now == LIE_OTHER))
			at = i;
	}
	if (now == LIE_TWICE)
		at = 0;			/* genesis is true as well */
	now = now == LIE_TWICE ? LIE_NONE : now;
	put_receipts(l, now, size, &at, 1, w);
}

static void
say(const struct liar *l, enum lie now, uint64_t size, const struct ask *a,
    struct wr *w)
{
	switch (a->op) {
	case OP_HELLO: say_hello(l, now, size, a, w); break;
	case OP_REQUEST: say_logged(l, now, size, ENTRY_REQUEST, a, w); break;
	case OP_DECISION:
		say_logged(l, now, size, ENTRY_DECISION, a, w);
		break;
	case OP_CANCEL: say_logged(l, now, size, ENTRY_CANCEL, a, w); break;
	case OP_DROP: say_logged(l, now, size, ENTRY_DROP, a, w); break;
	case OP_REVOKE: say_logged(l, now, size, ENTRY_REVOKE, a, w); break;
	case OP_LOCK: say_logged(l, now, size, ENTRY_LOCK, a, w); break;
	case OP_PUBLISHED: break;	/* its bytes prove themselves */
	case OP_COLLECT: say_logged(l, now, size, ENTRY_ISSUED, a, w); break;
	case OP_SHOW:
	case OP_WAIT: say_dossier(l, now, size, a, w); break;
	case OP_LIST: say_list(l, now, size, a, w); break;
	case OP_FIND: say_found(l, now, size, a, w); break;
	case OP_PROVE: say_proof(l, now, size, a, w); break;
	case OP_BLOBS: say_blobs(l, now, size, a, w); break;
	case OP_ENTRIES: say_page(l, now, size, a, w); break;
	case OP_CHECKPOINT: say_grown(l, now, size, a, w); break;
	case OP_FOLLOW:
		follow_put(w, &(struct followed){ .now = l->b->w.now,
		    .policy_index = policy_of(l, now, size) });
		say_page(l, now, size, a, w);
		break;
	}
}

/* ---- frames ---- */

static bool
write_all(int fd, struct span s, size_t step)
{
	while (s.n > 0) {
		ssize_t n = send(fd, s.p, s.n < step ? s.n : step,
		    MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		s = SPAN(s.p + n, s.n - (size_t)n);
	}
	return true;
}

static bool
read_all(int fd, uint8_t *p, size_t n)
{
	return n == 0 || recv(fd, p, n, MSG_WAITALL) == (ssize_t)n;
}

static void
put_u32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* The answer's bytes, but for what spoils a frame.  False: it is over. */
static bool
spoil(int fd, enum lie now, struct wr *w)
{
	switch (now) {
	case LIE_CLOSE:
		return false;
	case LIE_CUT:
		(void)write_all(fd, SPAN(w->p, w->n / 2), w->n);
		return false;
	case LIE_SILENT:
		for (;;)
			(void)pause();
	case LIE_HUGE:
		put_u32(w->p, UINT32_MAX);
		break;
	case LIE_OVER:
		put_u32(w->p, PROTO_ANSWER_MAX + 1);
		break;
	case LIE_SHORT:
		put_u32(w->p, 4);
		break;
	case LIE_NOISE:
		memset(w->p + 4, 0x55, w->n - 4);
		break;
	case LIE_TAG:
		w->p[8] ^= 1;
		break;
	case LIE_OP:
		w->p[4] = w->p[4] == OP_SHOW ? OP_FIND : OP_SHOW;
		break;
	default:
		break;
	}
	return write_all(fd, wr_view(w), now == LIE_DRIP ? 1 : w->n);
}

static void
answer(const struct liar *l, enum lie now, uint64_t size,
    const struct ask *a, struct wr *w)
{
	size_t mark = answer_begin(w, a->op, a->tag), start = w->n;
	uint64_t index[DOSSIER_ENTRIES_MAX];

	if ((a->op == OP_SHOW || a->op == OP_WAIT) && now == LIE_NONE &&
	    about(l, &a->id, 0, size, index) == 0)
		now = LIE_UNKNOWN;	/* and that is true */
	say(l, now, now == LIE_OLD ? size - 3 : size, a, w);
	if (now == LIE_GARBAGE)
		memset(w->p + start, 0xff, w->n - start);
	if (now == LIE_TRAIL)
		wr_u8(w, 0);
	if (now == LIE_LACK)
		w->n--;
	answer_end(w, mark);
	if (now == LIE_REFUSE || now == LIE_UNKNOWN) {
		wr_done(w);
		answer_error(w, (uint8_t)a->op, a->tag, now == LIE_REFUSE ?
		    JIT_E_SELF : JIT_E_UNKNOWN, NULL);
	}
	JT_OK(w->err);
}

/* One frame; *held is an answer that is kept back (LIE_SWAP). */
static bool
serve_frame(struct liar *l, int fd, struct wr *held)
{
	static uint8_t frame[PROTO_FRAME_MAX];
	JIT_DONE(wr_done) struct wr w = WR_INIT(PROTO_ANSWER_MAX + 4);
	uint8_t head[4];
	struct rd r = rd_of(SPAN(head, 4));
	enum lie now = LIE_NONE;
	struct ask a;
	uint32_t n;
	bool on;

	if (!read_all(fd, head, 4) || (n = rd_u32(&r)) > sizeof(frame) ||
	    !read_all(fd, frame, n) ||
	    ask_get(SPAN(frame, n), &a, NULL) != JIT_OK)
		return false;
	if (a.op == l->at && l->after > 0)
		l->after--;
	else if (a.op == l->at)
		now = l->lie;
	answer(l, now, l->size, &a, &w);
	if (l->still > 0)
		l->still--;
	else
		l->size += l->grow;
	if (l->size > l->b->n)
		l->size = l->b->n;
	if (now == LIE_SWAP && held->n == 0) {
		*held = w;
		w = (struct wr)WR_INIT(0);
		return true;
	}
	on = spoil(fd, now, &w) && (held->n == 0 ||
	    write_all(fd, wr_view(held), held->n));
	wr_done(held);
	return on;
}

static void
serve(struct liar *l, int listener)
{
	(void)alarm(CHILD_SECONDS);
	JT_OK(sys_set_nonblock(listener, false, NULL));
	for (;;) {
		struct wr held = WR_INIT(PROTO_ANSWER_MAX + 4);
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			_exit(1);
		while (serve_frame(l, fd, &held))
			;
		wr_done(&held);
		(void)close(fd);
	}
}

void
liar_start(struct liar *l)
{
	static unsigned count;
	int fd = -1;

	(void)snprintf(l->path, sizeof(l->path), "%s/s%u", jt_tmpdir(),
	    count++);
	JT_OK(sys_listen(l->path, 0600, NULL, &fd, NULL));
	l->pid = fork();
	assert_true(l->pid >= 0);
	if (l->pid == 0)
		serve(l, fd);
	(void)close(fd);
}

void
liar_stop(struct liar *l)
{
	assert_int_equal(kill(l->pid, SIGKILL), 0);
	assert_int_equal(waitpid(l->pid, NULL, 0), l->pid);
}
