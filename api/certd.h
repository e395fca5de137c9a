/*
 * certd - what all of jit-certd shares: one of each, in one thread.
 *
 * follow.c keeps the view in step with the log and wakes who waits; routes/
 * answers people; cmd_serve.c ties them to the loop.  Nothing here can mint:
 * what the signer does not accept does not happen.
 */
#ifndef JIT_API_CERTD_H
#define JIT_API_CERTD_H

#include "api/auth/nonce.h"
#include "api/auth/rights.h"
#include "api/auth/token.h"
#include "api/config/config.h"
#include "api/http/server.h"
#include "api/link/link.h"
#include "api/lists.h"
#include "api/view/view.h"

#define CERTD_VERSION "0.1.0"
#define CERTD_WAITS_OF_ONE 16		/* waits of a person */
#define CERTD_CATCH_UP_MS 5000		/* how long a question waits for the
					   view to know what was acknowledged */

struct call;

/* What the signer said of itself last: at hello, and with each page. */
struct signer_says {
	enum signer_state state;
	utc_s now;			/* its clock ... */
	int64_t at_ms;			/* ... at this moment of the loop's */
	uint64_t policy_index, recovery;
};

struct certd {
	struct config conf;
	struct rng rng;
	utc_s (*wall)(void);
	struct loop *loop;
	struct server *server;
	struct link *link;
	struct lists *lists;
	struct view *view;
	struct tokens *tokens;
	struct nonces *nonces;
	struct digest tls;		/* SPKI of our certificate */
	char user_ca[2048];		/* the log's first, as a line of
					   OpenSSH; "" before hello */
	uint64_t keys_index;		/* as hello said */
	struct signer_says says;
	/*
	 * The log's size as far as anybody was told.  greeted false: since we
	 * began no signer has said hello, so that nobody knows.
	 */
	uint64_t known;
	bool greeted;
	/* The view cannot go on: told once; JIT_OK: it can. */
	enum jit_err view_err;
	bool following;			/* a FOLLOW is out */
	struct timer retry, sweep;
	struct call *waiting;		/* routes/call.h */
	unsigned waits;			/* of people, for something new */
};

/* The signer's clock, as far as it is known; else ours. */
utc_s certd_now(const struct certd *d);

/* ---- follow.c ---- */

/* The callbacks of the link; arg is the certd. */
struct span follow_note(void *arg);
enum jit_err follow_hello(void *arg, const struct hello *h,
    struct jit_why *why);
void follow_changed(void *arg, enum jit_err e, const struct jit_why *why);
/* Somebody was told of a log of this size: the view is to come as far. */
void follow_known(struct certd *d, uint64_t size);

/*
 * Take a page into the view, in one transaction, and hold its root against
 * the page's note when that is of just this size.  For the daemon and for
 * rebuild (t NULL).  With it the tokens end of who is nobody any more, or
 * locked out.  *grew: how many entries.  The errors of view.h.
 */
enum jit_err follow_page(struct view *v, struct tokens *t, struct page *p,
    uint64_t *grew, struct jit_why *why);

/* ---- routes/ ---- */

/* Answer a request; the server's serve callback, arg is the certd. */
void certd_serve(void *arg, struct exchange *x);
/* The server's served callback: a line in the log. */
void certd_served(void *arg, const struct exchange *x, unsigned status);
/* The view grew, or a policy came: answer who waited for that. */
void certd_wake(struct certd *d);
/* Everybody who waits is sent away; before the server stops. */
void certd_stop_waiting(struct certd *d);

#endif
