/*
 * Inside the net: net_ask.c builds calls, net_login.c logs in, net.c sends
 * and is the wire.
 */
#ifndef JIT_CLI_NET_NET_INT_H
#define JIT_CLI_NET_NET_INT_H

#include "cli/net/net.h"
#include "cli/net/payload.h"

#define NET_PATH_MAX 512
#define NET_BODY_MAX (256u << 10)	/* a frame's fields as base64 */

struct net {
	struct http *http;
	struct url url;
	struct secret token;
	char log_id[TLOG_LOGID_TEXT];	/* who said hello; "": nobody */
	enum jit_err (*login)(void *arg, struct net *n, struct jit_why *why);
	void *arg;
	bool logging_in;
};

enum need { NEED_TOKEN, NEED_NOTHING };

/* A call that is built. */
struct built {
	char path[NET_PATH_MAX];
	struct wr body;
	uint32_t wait_ms;
	bool post;
	enum need need;
};
#define BUILT_INIT(needs) { .body = WR_INIT(NET_BODY_MAX), .need = (needs) }
void built_done(struct built *b);
JIT_SCOPED_OBJ(struct built, built_done);

/* An error is body's sticky one. */
void built_path(struct built *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* {"text": ..., "sigs": [...]}; possess empty: one signature. */
void built_signed(struct built *b, struct span text, struct span sig,
    struct span possess);
/* A question's; n is 2 for two CHECKPOINTs. */
enum jit_err built_ask(struct built *b, const struct ask *a, size_t n,
    struct jit_why *why);
enum jit_err built_search(struct built *b, const struct wire_search *q,
    struct jit_why *why);

/*
 * Send it, logging in first if that is what it needs.  *ret (json_decref())
 * is the answer, NULL when it is empty.
 */
enum jit_err net_send(struct net *n, struct built *b, json_t **ret,
    struct jit_why *why);

#endif
