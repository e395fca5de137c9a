/*
 * station - an installation on this disk with the real daemon, for tests and
 * benchmarks that load it: a policy with people whose keys are at hand, a
 * home, a signer that runs, connections that speak raw frames.
 *
 *	u00 ... u31          group dev: ask for role app, or leaf (X.509)
 *	b0 b1 b2             group sre: decide on it
 *	admin                group admins
 *
 * Whatever cannot be done ends the program with 1 and a line that says why.
 */
#ifndef JIT_TESTS_STATION_H
#define JIT_TESTS_STATION_H

#include <sys/types.h>

#include "ca/grant/policy.h"
#include "ca/ssh/sig.h"
#include "signer/proto.h"

#define STATION_USERS 32
#define STATION_BOSSES 3

struct station {
	const char *program;		/* jit-signer; borrowed */
	char dir[4096], home[4200], policy_file[4300], sock[4200], pass[4200];
	pid_t signer;			/* -1: not running */
	/* Of jit-certd, where station_set_front() was called. */
	const char *certd;		/* program; borrowed; NULL: none */
	pid_t front;			/* -1: not running */
	uint16_t port;			/* of 127.0.0.1 */
	char server[32];		/* "127.0.0.1:40123" */
	char conf[4200], tls_cert[4200], tls_key[4200];
	unsigned need;			/* approvals of role app */
	const char *reason;		/* of requests; NULL: a short one */
	bool x509;			/* errands are for role leaf */
	struct ssh_priv *user[STATION_USERS], *boss[STATION_BOSSES];
	struct ssh_priv *admin, *host;
	struct policy *policy;
	struct tlog_vkey log;
	char log_id[TLOG_LOGID_TEXT];
};

/* Keys, policy, jit-signer init below a fresh folder in TMPDIR. */
void station_make(struct station *s, const char *program, unsigned need);
/* Start the daemon and wait until it answers; seconds that that took. */
double station_start(struct station *s);
/* The halves of it: start it; wait until it answers. */
void station_launch(struct station *s);
void station_wait(struct station *s);
/* SIGTERM and a clean end, or SIGKILL. */
void station_stop(struct station *s, int sig);
/* Run a program to its end, which must be 0. */
void station_run(const char *const argv[]);
/* Everything is removed. */
void station_done(struct station *s);
/* Seconds of processor time that a process, or the signer, has used. */
double station_cpu_of(pid_t pid);
double station_cpu(const struct station *s);

/*
 * jit-certd in front of it (station_front.c).  station_set_front() comes
 * before station_start(), so that the signer knows who speaks for many;
 * station_front() behind it: configuration, init, serve.  It returns once the
 * port is open; whether its view is there yet GET /v1/health tells.  more:
 * further lines of the configuration, or "".
 */
void station_set_front(struct station *s, const char *certd);
void station_front(struct station *s, const char *more);
void station_stop_front(struct station *s);

/* A connection that said hello.  *fd is blocking. */
int station_connect(struct station *s);
/* Send bytes; false when the other side has closed. */
bool station_send(int fd, struct span bytes);
/*
 * Read one answer into in.  False when the connection has ended.  a borrows
 * from in.
 */
bool station_read(int fd, struct wr *in, struct answer *a);
/* Both; the connection must stay. */
enum jit_err station_ask(int fd, struct span frame, struct wr *in,
    struct answer *a);
/* a as a frame.  Owned. */
struct buf station_frame(const struct ask *a);

/* What is known of one request that a user makes. */
struct errand {
	unsigned who;
	struct ulid id;
	uint8_t secret[32];
	struct buf text;
	struct digest digest;
	struct buf request, collect;	/* frames */
};
/* Signed by user who and by a fresh key; from opens_in s on, for life s. */
void station_errand(struct station *s, unsigned who, dur_s opens_in,
    dur_s life, struct errand *ret);
void errand_done(struct errand *e);
/* Frames about it.  Owned. */
struct buf station_decision(struct station *s, const struct errand *e,
    unsigned boss, bool approve);
struct buf station_act(struct station *s, const struct errand *e,
    bool drop);

#endif
