/*
 * person - people of a station at jit-certd: how they log in, and their acts
 * as whole HTTP requests, made before anything is timed.
 */
#ifndef JIT_BENCH_PERSON_H
#define JIT_BENCH_PERSON_H

#include "tests/bench/tls_client.h"
#include "tests/lib/station.h"

/*
 * Log in over c by a text that k signs; returns owned, a token.  Ends the
 * program when that is refused.
 */
struct buf person_login(struct tls_conn *c, const struct station *s,
    const char *name, const struct ssh_priv *k);

/* Everybody who asks, and who decides. */
struct people {
	/* Tokens. */
	struct buf user[STATION_USERS], boss[STATION_BOSSES];
};
void people_login(struct tls_conn *c, const struct station *s,
    struct people *ret);
void people_done(struct people *p);

/* A request's three acts.  Owned. */
struct trip {
	struct ulid id;
	struct buf step[3];		/* ask, decide, collect */
};
/* User who asks, boss decides. */
void trip_make(struct station *s, const struct people *p, unsigned who,
    unsigned boss, struct trip *ret);
void trip_done(struct trip *t);

/* GET path with a token, or POST body there.  Owned. */
struct buf http_get(const struct station *s, struct buf token,
    const char *path);
struct buf http_post(const struct station *s, struct buf token,
    const char *path, struct span body);

#endif
