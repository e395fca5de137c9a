/*
 * receipts - what the signer proves, handed on as JSON.
 */
#ifndef JIT_API_ROUTES_RECEIPTS_H
#define JIT_API_ROUTES_RECEIPTS_H

#include "api/routes/call.h"

/* openapi.yaml's Receipts, out of an answer of receipts, with status. */
void receipts_answer(struct call *c, unsigned status,
    const struct answer *a);
/* The call_answers of whoever wants no more than that, with 200 and 201. */
void receipts_ok(struct call *c, const struct answer *ans, size_t n);
void receipts_created(struct call *c, const struct answer *ans, size_t n);
/* Index n of the log was told: the view is to know it from now on. */
void receipts_known(struct certd *d, const struct receipts *r);
/* PROVE of n indexes (1 to PROTO_PROVE_MAX). */
void receipts_prove(struct call *c, const uint64_t *index, size_t n,
    call_answers *then);

#endif
