/*
 * storm - the evil client of the socket: a million frames against the real
 * daemon, nine in ten of them mutations of valid ones, and not one
 * certificate comes of it.
 *
 *	storm JIT-SIGNER
 *
 * JIT_STORM_FRAMES: how many; JIT_STORM_SEED.  Between batches a true road of
 * other people issues, so that a signer that refuses everything fails too.
 * Every frame has one answer, or the connection closes.  At the end the whole
 * log is judged again, every signature verified.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/lib/check_log.h"

#include <stdio.h>
#include <stdlib.h>

#define CONNS 4
#define WINDOW 32		/* frames in flight of one connection */
#define BATCH 20000
#define CORPUS 128
#define PEOPLE 8

struct link {
	int fd;
	unsigned flying;
	bool closing;		/* a frame that ends the connection was sent */
	struct wr in;
};

static struct station st;
static struct buf corpus[CORPUS];
static unsigned n_corpus;
static struct link links[CONNS];
static uint64_t state, sent, answered, closed;
static uint64_t said[JIT_I_COUNT];

/* splitmix64: the same storm for the same seed. */
static uint64_t
chance(uint64_t n)
{
	uint64_t z = (state += 0x9e3779b97f4a7c15u);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (z ^ z >> 31) % n;
}

static void
fail(const char *what)
{
	(void)fprintf(stderr, "storm: FAILED: %s\n", what);
	exit(1);
}

/* ---- valid frames that lead nowhere ---- */

static void
keep(struct buf f)
{
	if (n_corpus == CORPUS)
		fail("the corpus is full");
	corpus[n_corpus++] = f;
}

static void
keep_reads(const struct errand *e)
{
	static const uint8_t eight[16] = { 0, 0, 0, 0, 0, 0, 0, 3 };

	keep(station_frame(&(struct ask){ .op = OP_SHOW, .id = e->id }));
	keep(station_frame(&(struct ask){ .op = OP_WAIT, .id = e->id }));
	keep(station_frame(&(struct ask){ .op = OP_FIND, .id = e->id,
	    .from = 5 }));
	keep(station_frame(&(struct ask){ .op = OP_LIST, .max = 2 }));
	keep(station_frame(&(struct ask){ .op = OP_PROVE, .count = 2,
	    .items = { eight, 16 } }));
	keep(station_frame(&(struct ask){ .op = OP_ENTRIES, .from = 1,
	    .max = 2 }));
	keep(station_frame(&(struct ask){ .op = OP_CHECKPOINT, .from = 4 }));
}

/* Requests of eight people; one boss approves, one denies, never two. */
static void
new_corpus(void)
{
	while (n_corpus > 0)
		buf_done(&corpus[--n_corpus]);
	for (unsigned i = 0; i < PEOPLE; i++) {
		struct errand e;

		station_errand(&st, i, i % 2 ? 600 : 0, 60, &e);
		keep((struct buf){ e.request.p, e.request.n });
		keep((struct buf){ e.collect.p, e.collect.n });
		e.request = e.collect = (struct buf){ NULL, 0 };
		keep(station_decision(&st, &e, 0, true));
		if (i % 3 == 0)
			keep(station_decision(&st, &e, 2, false));
		if (i % 3 == 1)
			keep(station_act(&st, &e, false));
		keep(station_act(&st, &e, true));
		if (i == 0)
			keep_reads(&e);
		errand_done(&e);
	}
}

/* ---- mutations ---- */

static void
set_length(uint8_t *p, size_t n)
{
	p[0] = (uint8_t)(n >> 24);
	p[1] = (uint8_t)(n >> 16);
	p[2] = (uint8_t)(n >> 8);
	p[3] = (uint8_t)n;
}

/* Where the i-th string of the payload begins; 0: there is none. */
static size_t
string_at(struct span f, unsigned i)
{
	struct rd r = rd_of(SPAN(f.p + 9, f.n - 9));

	while (i-- > 0)
		(void)rd_string(&r, f.n);
	return r.err == JIT_OK && r.n >= 4 ? f.n - r.n : 0;
}

/* The frame f with its i-th string taken from g. */
static size_t
exchange(uint8_t *out, struct span f, struct span g)
{
	unsigned i = (unsigned)chance(3), k = (unsigned)chance(3);
	size_t a = string_at(f, i), b = string_at(f, i + 1);
	size_t c = string_at(g, k), d = string_at(g, k + 1);

	if (a == 0 || c == 0 || f.p[4] > OP_DROP || g.p[4] > OP_DROP ||
	    f.p[4] == OP_HELLO || g.p[4] == OP_HELLO)
		return 0;
	b = b > a ? b : f.n;
	d = d > c ? d : g.n;
	memcpy(out, f.p, a);
	memcpy(out + a, g.p + c, d - c);
	memcpy(out + a + d - c, f.p + b, f.n - b);
	return a + (d - c) + (f.n - b);
}

/* A value of a text's line becomes something else; lengths stay right. */
static void
spoil_line(uint8_t *p, size_t n)
{
	static const char junk[] = "0123456789abcdefghijklmnopqrstuvwxyz-.:+";
	size_t at = 13 + (size_t)chance(n > 14 ? n - 13 : 1);

	for (unsigned i = 0; i < 3 && at + i < n; i++)
		if (p[at + i] != '\n')
			p[at + i] = (uint8_t)junk[chance(sizeof(junk) - 1)];
}

/* A mutation of f in out; its whole length.  *ends: it closes the line. */
static size_t
mutate(uint8_t *out, struct span f, struct span g, bool *ends)
{
	size_t n = f.n, cut;

	memcpy(out, f.p, n);
	switch (chance(10)) {
	case 0:
	case 1:
		for (uint64_t k = 1 + chance(4); k > 0; k--)
			out[4 + chance(n - 4)] ^= (uint8_t)(1u << chance(8));
		break;
	case 2:
		n = 9 + chance(n - 8);
		break;
	case 3:
		out[4] = (uint8_t)chance(20);
		break;
	case 4:
		cut = 9 + chance((f.n < g.n ? f.n : g.n) - 8);
		memcpy(out + cut, g.p + cut, g.n - cut);
		n = g.n;
		break;
	case 5:
	case 6:
		if ((cut = exchange(out, f, g)) > 0)
			n = cut;
		break;
	case 7:
		spoil_line(out, n);
		break;
	case 8:
		for (size_t i = 9; i < n; i++)
			out[i] = (uint8_t)chance(256);
		break;
	default:
		if (chance(500) == 0) {
			*ends = true;
			set_length(out, chance(2) ? chance(5) :
			    PROTO_FRAME_MAX + 1 + chance(1u << 30));
			return 9;
		}
		memcpy(out + n, f.p + 9, f.n - 9);
		n += f.n - 9;
		break;
	}
	set_length(out, n - 4);
	/* A second hello ends a connection: that is tried, not all the time. */
	if (out[4] == OP_HELLO) {
		*ends = chance(50) == 0;
		if (!*ends)
			out[4] = OP_SHOW;
	}
	return n;
}

/* ---- sending and receiving ---- */

static void
count(const struct answer *a)
{
	answered++;
	said[-(int)a->err]++;
	if (a->err == JIT_OK && a->op == OP_COLLECT)
		fail("a certificate came of it");
}

static void
take_one(struct link *l)
{
	struct answer a;

	if (!station_read(l->fd, &l->in, &a)) {
		if (!l->closing)
			fail("the signer closed a connection without cause");
		closed += l->flying;
		(void)close(l->fd);
		l->fd = station_connect(&st);
		l->flying = 0;
		l->closing = false;
		return;
	}
	l->flying--;
	count(&a);
}

static void
throw_one(struct link *l)
{
	static uint8_t out[4 * PROTO_FRAME_MAX];
	const struct buf *a = &corpus[chance(n_corpus)];
	const struct buf *b = &corpus[chance(n_corpus)];
	struct span f = BUF_SPAN(*a), g = BUF_SPAN(*b);
	size_t n = f.n;

	if (chance(10) == 0)
		memcpy(out, f.p, n);
	else
		n = mutate(out, f, g, &l->closing);
	sent++;
	l->flying++;
	if (!station_send(l->fd, SPAN(out, n)) && !l->closing)
		fail("the signer does not read");
}

static void
pump(uint64_t upto)
{
	struct pollfd p[CONNS];

	while (sent < upto) {
		for (unsigned i = 0; i < CONNS; i++) {
			struct link *l = &links[i];

			while (l->flying < WINDOW && !l->closing &&
			    sent < upto)
				throw_one(l);
			p[i] = (struct pollfd){ l->fd, POLLIN, 0 };
		}
		if (poll(p, CONNS, 60000) <= 0)
			fail("no answer within a minute");
		for (unsigned i = 0; i < CONNS; i++)
			if (p[i].revents != 0)
				take_one(&links[i]);
	}
	for (unsigned i = 0; i < CONNS; i++)
		while (links[i].flying > 0)
			take_one(&links[i]);
}

/* A true road of somebody whose frames were never thrown. */
static void
control(unsigned k)
{
	JIT_DONE(wr_done) struct wr in = WR_INIT(PROTO_ANSWER_MAX);
	struct errand e;
	struct answer a;
	int fd = station_connect(&st);

	station_errand(&st, 16 + k % 16, 0, 60, &e);

	JIT_DONE(buf_done) struct buf one = station_decision(&st, &e, 1,
	    true);
	JIT_DONE(buf_done) struct buf two = station_decision(&st, &e, 2,
	    true);

	if (station_ask(fd, BUF_SPAN(e.request), &in, &a) != JIT_OK ||
	    station_ask(fd, BUF_SPAN(one), &in, &a) != JIT_OK ||
	    station_ask(fd, BUF_SPAN(two), &in, &a) != JIT_OK ||
	    station_ask(fd, BUF_SPAN(e.collect), &in, &a) != JIT_OK) {
		(void)fprintf(stderr, "%s\n", a.why.msg);
		fail("a true road is refused");
	}
	errand_done(&e);
	(void)close(fd);
}

static long
memory(void)
{
	char path[64], line[256];
	long kib = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/status",
	    (int)st.signer);
	f = fopen(path, "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "VmRSS:", 6) == 0)
			kib = strtol(line + 6, NULL, 10);
	if (f != NULL)
		(void)fclose(f);
	return kib;
}

static void
report(unsigned roads)
{
	struct audit_counts n;
	unsigned kinds = 0;

	check_log(&st, &n);
	(void)printf("%" PRIu64 " frames, %" PRIu64 " answers, %" PRIu64
	    " lost with a connection that was ended on purpose; %u true "
	    "roads, %" PRIu64 " certificates; %" PRIu64 " entries; signer "
	    "%ld MiB\n", sent, answered, closed, roads, n.issued, n.entries,
	    memory() / 1024);
	for (int i = 0; i < JIT_I_COUNT; i++) {
		if (said[i] == 0)
			continue;
		kinds++;
		(void)printf("  %10" PRIu64 "  %s\n", said[i],
		    jit_err_name((enum jit_err)-i));
	}
	if (n.issued != roads)
		fail("another number of certificates than of true roads");
	if (answered + closed != sent)
		fail("a frame without an answer");
	if (kinds < 15 && sent >= 200000)
		fail("the storm is too tame: it saw too few answers");
}

int
main(int argc, char **argv)
{
	const char *frames = getenv("JIT_STORM_FRAMES");
	const char *seed = getenv("JIT_STORM_SEED");
	uint64_t total = frames != NULL ? strtoull(frames, NULL, 10) : 1000000;
	unsigned roads = 0;

	if (argc != 2)
		return 2;
	state = seed != NULL ? strtoull(seed, NULL, 10) : 20261124;
	(void)printf("seed %" PRIu64 "\n", state);
	station_make(&st, argv[1], 2);
	(void)station_start(&st);
	for (unsigned i = 0; i < CONNS; i++) {
		wr_init(&links[i].in, PROTO_ANSWER_MAX);
		links[i].fd = station_connect(&st);
	}
	while (sent < total) {
		new_corpus();
		control(roads++);
		pump(sent + BATCH < total ? sent + BATCH : total);
		if (waitpid(st.signer, NULL, WNOHANG) != 0)
			fail("the signer is gone");
	}
	report(roads);
	for (unsigned i = 0; i < CONNS; i++) {
		(void)close(links[i].fd);
		wr_done(&links[i].in);
	}
	while (n_corpus > 0)
		buf_done(&corpus[--n_corpus]);
	station_done(&st);
	return 0;
}
