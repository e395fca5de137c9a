#include <sys/ioctl.h>

#include "api/http/server_int.h"

/*
 * libmicrohttpd 0.9.75 does not notice that a handshake waits for its client:
 * from the first byte until the last it wants to run again at once, which is
 * all of a processor for as long as somebody likes to take.  So whenever it
 * wants to, those that are in a handshake and have nothing to read are
 * suspended, and resumed when more has come.
 */

static void
on_more(void *arg, uint32_t events)
{
	(void)events;
	conn_let_go(arg);
}

static void
hold(struct conn *c)
{
	int n = 0;

	if (ioctl(c->fd, FIONREAD, &n) != 0 || n > 0 ||
	    gnutls_record_check_pending(c->session) > 0)
		return;
	/* Without it the deadline ends it all the same. */
	if (loop_watch(c->s->loop, c->fd, EPOLLIN | EPOLLRDHUP, on_more, c,
	    &c->hold, NULL) == JIT_OK)
		MHD_suspend_connection(c->mhd);
}

void
conn_hold_all(struct server *s)
{
	if (s->coming == 0)
		return;
	for (struct conn *c = s->conns; c != NULL; c = c->next)
		if (c->coming && c->hold == NULL && !c->doomed)
			hold(c);
}

void
conn_let_go(struct conn *c)
{
	if (c->hold == NULL)
		return;
	loop_unwatch(c->hold);
	c->hold = NULL;
	MHD_resume_connection(c->mhd);
	server_again(c->s);
}

void
conn_came(struct conn *c)
{
	if (c->coming)
		c->s->coming--;
	c->coming = false;
}
