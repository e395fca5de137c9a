/*
 * login - get a token of a jit-certd with the keys that are at hand.
 *
 * A verb that needs one and has none does this by itself.  The name in the
 * text is --as, else who logged in here last, else what a key's comment
 * begins with; of the keys --key, else the one of last time, else those that
 * need no touch before those that do.
 */
#ifndef JIT_CLI_LOGIN_H
#define JIT_CLI_LOGIN_H

#include "cli/desk.h"
#include "cli/net/net.h"

#define LOGIN_TRIES 4		/* of keys without touch, and of others */

/*
 * The token is used from now on, and kept with person and key; d->expires is
 * set.  d->server is not NULL.
 *	JIT_E_LOGIN  no key, or no name, or none that the server takes: says
 *	             what to type
 *	others       the server is not reached, or not the one it must be
 */
enum jit_err login_now(struct desk *d, struct net *n, struct jit_why *why);

#endif
