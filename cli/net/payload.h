/*
 * payload - what jit-certd says in JSON, as the bytes of the signer's
 * protocol (api/openapi.yaml to signer/proto.h).
 *
 * It copies and checks forms only: whether a proof proves, the reader of the
 * bytes decides, the same one as for the socket.  Members that are not asked
 * for are passed over, double ones refused.  Pure.
 */
#ifndef JIT_CLI_NET_PAYLOAD_H
#define JIT_CLI_NET_PAYLOAD_H

#include <jansson.h>

#include "signer/wire.h"

/* All of an answer; json_decref() it.  JIT_E_PROTOCOL: it is no object. */
enum jit_err payload_json(struct span s, json_t **ret, struct jit_why *why);

/*
 * The answer to a, as its payload.  JIT_E_PROTOCOL names the member that is
 * missing or of another type; JIT_E_NOMEM.  Returns owned in *ret.
 */
enum jit_err payload_of(const struct ask *a, json_t *json, struct buf *ret,
    struct jit_why *why);
/* The i-th of the answers to several CHECKPOINT questions at once. */
enum jit_err payload_grown(json_t *json, size_t i, struct buf *ret,
    struct jit_why *why);

/*
 * The error that a problem document tells, with its words.  JIT_E_PROTOCOL:
 * it is none.  Never JIT_OK.
 */
enum jit_err payload_problem(json_t *json, struct jit_why *why);

/* A member that is text of at most max bytes, borrowed.  JIT_E_PROTOCOL. */
enum jit_err payload_text(json_t *json, const char *name, size_t max,
    struct span *ret, struct jit_why *why);
enum jit_err payload_time(json_t *json, const char *name, utc_s *ret,
    struct jit_why *why);

#endif
