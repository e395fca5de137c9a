#define _GNU_SOURCE		/* accept4 */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/http/server_int.h"

#define AT_ONCE 16		/* accepted in one round, to be fair */
#define RETRY_MS 100
#define GRACE_MS 1000
#define SEND_BUFFER 131072	/* in the kernel, of one connection */

/* ---- addresses ---- */

/*
 * Of IPv6 the network of 64 bits, which one customer has; IPv4 within IPv6
 * is IPv4.  Unix sockets are one without a limit.
 */
static void
address_of(const struct sockaddr_storage *sa, struct address *ret,
    char peer[static 48])
{
	const struct sockaddr_in *v4 = (const void *)sa;
	const struct sockaddr_in6 *v6 = (const void *)sa;
	const uint8_t *p = v6->sin6_addr.s6_addr;

	*ret = (struct address){ .family = sa->ss_family };
	memcpy(peer, "-", 2);
	if (sa->ss_family == AF_INET) {
		memcpy(ret->p, &v4->sin_addr, 4);
		(void)inet_ntop(AF_INET, ret->p, peer, 48);
	} else if (sa->ss_family == AF_INET6 &&
	    IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
		ret->family = AF_INET;
		memcpy(ret->p, p + 12, 4);
		(void)inet_ntop(AF_INET, ret->p, peer, 48);
	} else if (sa->ss_family == AF_INET6) {
		memcpy(ret->p, p, 8);
		(void)inet_ntop(AF_INET6, p, peer, 48);
	}
}

static bool
over_limit(const struct server *s, const struct address *a)
{
	unsigned n = 0;

	if (s->c.limits.per_address == 0 || a->family == AF_UNIX)
		return false;
	for (const struct conn *c = s->conns; c != NULL; c = c->next)
		if (c->address.family == a->family &&
		    memcmp(c->address.p, a->p, sizeof(a->p)) == 0)
			n++;
	return n >= s->c.limits.per_address;
}

/* ---- pausing ---- */

static void
pause_accept(struct server *s, bool pause)
{
	if (s->listen_watch == NULL || s->paused == pause)
		return;
	if (watch_events(s->listen_watch, pause ? 0 : EPOLLIN, NULL) ==
	    JIT_OK)
		s->paused = pause;
}

void
server_accept_retry(void *arg)
{
	struct server *s = arg;

	pause_accept(s, false);
}

void
server_accept_more(struct server *s)
{
	if (s->counts.connections < s->c.limits.connections) {
		timer_stop(&s->retry);
		pause_accept(s, false);
	}
}

/* accept() may fail for want of a descriptor when nobody is there. */
static bool
somebody_waits(const struct server *s)
{
	struct pollfd p = { .fd = s->listen_fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

/*
 * All places are taken, and somebody waits.  Whoever has not brought its
 * first request to an end of its head for longest gives up its place, else
 * who has been idle for longest; nobody in the first second, so that a crowd
 * does not push out those that are just coming.
 */
static void
make_room(struct server *s)
{
	int64_t before = loop_ms(s->loop) - GRACE_MS;
	struct conn *victim = NULL;

	for (struct conn *c = s->conns; c != NULL; c = c->next) {
		bool begins = c->first && c->phase == PHASE_HEAD;

		if (c->doomed || c->since > before ||
		    (!begins && c->phase != PHASE_IDLE))
			continue;
		if (victim == NULL || begins > victim->first ||
		    (begins == victim->first && c->since < victim->since))
			victim = c;
	}
	if (victim != NULL)
		conn_doom(victim);
}

/* Until somebody goes, or some time has passed. */
static void
wait_for_room(struct server *s)
{
	if (!somebody_waits(s))
		return;
	make_room(s);
	pause_accept(s, true);
	timer_set(s->loop, &s->retry, loop_ms(s->loop) + RETRY_MS);
}

/* ---- accepting ---- */

/*
 * Who does not read is to hold little of the kernel's memory, and not for
 * long after we are done.  That one of these cannot be set is no harm: they
 * are not for Unix sockets.
 */
static void
bound(const struct server *s, int fd)
{
	int size = SEND_BUFFER;
	unsigned ms = 2000 * s->c.limits.body_s;

	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
}

static void
add(struct server *s, int fd, const struct sockaddr_storage *sa,
    socklen_t len)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		(void)close(fd);
		return;
	}
	c->s = s;
	c->fd = fd;
	c->first = true;
	address_of(sa, &c->address, c->peer);
	if (over_limit(s, &c->address)) {
		(void)close(fd);
		free(c);
		return;
	}
	bound(s, fd);
	c->pair = pair_hold(s->pair);
	s->adding = c;
	/* Takes fd, whatever it returns. */
	(void)MHD_add_connection(s->mhd, fd, (const void *)sa, len);
	if (s->adding != NULL) {
		conn_free(s->adding);
		s->adding = NULL;
	}
	server_again(s);
}

/* False: nothing more to accept now. */
static bool
accept_one(struct server *s)
{
	struct sockaddr_storage sa = { 0 };
	socklen_t len = sizeof(sa);
	int fd;

	if (s->counts.connections >= s->c.limits.connections) {
		wait_for_room(s);
		return false;
	}
	fd = accept4(s->listen_fd, (struct sockaddr *)&sa, &len,
	    SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0) {
		add(s, fd, &sa, len);
		return true;
	}
	if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
	    errno == ENOMEM) {
		/* It stays in the queue: asking at once would spin. */
		wait_for_room(s);
		return false;
	}
	/* The rest is about that one connection (accept(2)). */
	return errno != EAGAIN;
}

void
server_accept_ready(void *arg, uint32_t events)
{
	struct server *s = arg;

	(void)events;
	for (int i = 0; i < AT_ONCE && accept_one(s); i++)
		;
}
