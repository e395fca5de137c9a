/*
 * p11_int - what the files of p11 share.
 */
#ifndef JIT_SIGNER_TOKEN_P11_INT_H
#define JIT_SIGNER_TOKEN_P11_INT_H

/* The header in GNU spelling: no CK_ names of integers. */
#define CRYPTOKI_GNU 1
#include <p11-kit/pkcs11.h>

#include "signer/token/p11.h"

#define P11_SLOTS 64		/* that are looked at */
#define P11_OBJECTS 64		/* of one search */
#define P11_ATTR_MAX 2048	/* bytes of an attribute */

struct p11 {
	void *lib;
	struct ck_function_list *f;
	bool initialised, open, lost;
	ck_slot_id_t slot;
	ck_session_handle_t session;
};

/*
 * What was being done ("C_Sign") and what came back, for a person: the code
 * by the kind of rv's row, JIT_E_TOKEN, TOKENPIN or KEYTYPE.
 */
enum jit_err p11_rv(struct p11 *p, const char *doing, ck_rv_t rv,
    struct jit_why *why);

struct p11_slot {
	ck_slot_id_t id;
	ck_flags_t flags;
	struct p11_token token;
};
/* The initialised tokens that u names; *n is how many, P11_SLOTS at most. */
enum jit_err p11_slots(struct p11 *p, const struct uri *u,
    struct p11_slot ret[static P11_SLOTS], size_t *n, struct jit_why *why);

struct p11_objects {
	ck_object_handle_t h[P11_OBJECTS];
	size_t n;
};
/* Objects of a session that a template matches. */
enum jit_err p11_objects(struct p11 *p, ck_session_handle_t s,
    struct ck_attribute *t, size_t n, struct p11_objects *ret,
    struct jit_why *why);
/* Private (or public) keys that u's object and id name. */
enum jit_err p11_keys(struct p11 *p, ck_session_handle_t s,
    const struct uri *u, ck_object_class_t class, struct p11_objects *ret,
    struct jit_why *why);
/*
 * One attribute into buf; *ret borrows from it.  Its absence is an empty
 * *ret, no error; so is one that is too long to be believed.
 */
enum jit_err p11_attr(struct p11 *p, ck_session_handle_t s,
    ck_object_handle_t o, ck_attribute_type_t type,
    uint8_t buf[static P11_ATTR_MAX], struct span *ret, struct jit_why *why);
/* One of type CK_ULONG or CK_BBOOL; otherwise when it is not there. */
unsigned long p11_number(struct p11 *p, ck_session_handle_t s,
    ck_object_handle_t o, ck_attribute_type_t type, unsigned long otherwise);
/* u's object and id out of an object. */
void p11_name(struct p11 *p, ck_session_handle_t s, ck_object_handle_t o,
    struct uri *u);

/* The curve's parameters as DER: Ed25519 as the name "edwards25519". */
enum jit_err p11_curve(struct span params, bool edwards, enum ssh_type *ret,
    struct jit_why *why);
struct span p11_curve_params(enum frame_gen g);
/* The public half of private key o. */
enum jit_err p11_public(struct p11 *p, ck_session_handle_t s,
    ck_object_handle_t o, struct ssh_key **ret, struct jit_why *why);

#endif
