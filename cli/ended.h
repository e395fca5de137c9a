/*
 * ended - how a request or a certificate ended before its time, in words:
 * who took it back, or why the signer did.
 */
#ifndef JIT_CLI_ENDED_H
#define JIT_CLI_ENDED_H

#include <jansson.h>

#include "cli/desk.h"

/*
 * "revoked by bob 22:05 CET (21:05Z): "laptop stolen"", "ended by the signer
 * 22:05 ...: its requester was locked out", "dropped by the requester ...".
 * False, and nothing written, when nobody ended it (a deny is none).
 */
bool ended_put(struct wr *w, const struct dossier *r, utc_s now);
/* By the signer, not by a person? */
bool ended_by_signer(const struct dossier *r);
/* {"how", "by", "cause", "comment", "at", "log_index"}; NULL: not ended so. */
json_t *ended_json(const struct dossier *r);
/* "its requester was locked out" */
const char *ended_cause_words(enum ended_cause c);

#endif
