/*
 * rig - the real token helper in a test, before some module.
 */
#ifndef JIT_TESTS_TOKEN_RIG_H
#define JIT_TESTS_TOKEN_RIG_H

#include "signer/token/token.h"
#include "tests/lib/jt.h"

#define SOFTHSM "/usr/lib/softhsm/libsofthsm2.so"
#define RIG_PIN "12345678"

/* JIT_BUILD's jit-signer-token, static memory. */
const char *rig_program(void);
/* The key alone, with that PIN (NULL: none); timeout and back-off in ms. */
enum jit_err rig_start(const char *module, const char *uri, const char *pin,
    int timeout_ms, int backoff_ms, struct token **ret, struct jit_why *why);
/* The same of several keys. */
enum jit_err rig_start_keys(const struct token_key *keys, size_t n,
    int timeout_ms, int backoff_ms, struct token **ret, struct jit_why *why);
/* SoftHSM2 in a fresh folder, with a token "jit" and one "other". */
void rig_softhsm(void);
/* Both forms of a signature of key i over data hold, by other code. */
void rig_check_sign(struct token *t, size_t i, struct span data);
/* Ask, wait, and say what came: the error and its words. */
enum jit_err rig_sign(struct token *t, size_t i, struct jit_why *why);
/* A moment far away. */
int64_t rig_later(void);

#endif
