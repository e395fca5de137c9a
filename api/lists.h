/*
 * lists - the KRL and the CRLs of the signer, held here to be handed out.
 *
 * The signer makes them (signer/published.h).  Whoever wants one waits until
 * the signer was asked, after they came, whether the one that is held is
 * still the newest: so nobody who knows of a revocation gets a list without
 * it, whatever the state of the view and its database.  The question is small
 * when nothing changed, and one for all who came while the one before was
 * out.  What is new is fetched in pages; all of them are of one number.
 *
 * When the signer is not reached, the list that is held is given as a stale
 * one for as long as its next is not due.  Nothing is verified here: servers
 * verify CRLs and krl.sig, and believe a KRL as they believe this server.
 */
#ifndef JIT_API_LISTS_H
#define JIT_API_LISTS_H

#include "api/http/server.h"
#include "api/link/link.h"

#define LISTS_MAX 64			/* that are held or asked for */
#define LISTS_TRIES 8			/* a list that changes all the time */

/* One, as it is held; everything is borrowed. */
struct list_held {
	uint64_t number;
	utc_s made, next, checked;	/* checked: said to be the newest */
	bool stale;			/* the signer could not be asked */
	struct shared *bytes, *sig;	/* sig: armoured; NULL for a CRL */
};

struct lists;

struct lists_config {
	struct loop *loop;		/* borrowed, all of it */
	struct link *link;
	utc_s (*now)(void *arg);
	void *arg;
};
/* Returns owned.  JIT_E_NOMEM. */
enum jit_err lists_new(const struct lists_config *c, struct lists **ret);
/* Nobody who waits is told. */
void lists_free(struct lists *l);
JIT_SCOPED_PTR(struct lists, lists_free);

/*
 * Told once: JIT_OK, and h is borrowed for the call; else
 *	JIT_E_UNKNOWN      the signer has no list of that name
 *	JIT_E_UNREACHABLE  it is not reached, and no list that is still good
 *	                   is held
 *	JIT_E_BUSY         too many, or it changes faster than it is fetched
 *	JIT_E_PROTOCOL JIT_E_FORMAT JIT_E_NOMEM, and what the signer says
 */
typedef void lists_told(void *arg, enum jit_err e, const struct jit_why *why,
    const struct list_held *h);
/* name as in proto.h, PUBLISHED_*.  May tell at once. */
void lists_want(struct lists *l, struct span name, lists_told *told,
    void *arg);
/* Whoever wants with this arg is gone. */
void lists_forget(struct lists *l, const void *arg);

#endif
