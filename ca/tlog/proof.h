/*
 * proof - an inclusion proof as one text (C2SP tlog-proof):
 *
 *	c2sp.org/tlog-proof@v1\n
 *	index <decimal>\n
 *	<base64 hash>\n ...
 *	\n
 *	<the checkpoint, a signed note>
 */
#ifndef JIT_TLOG_PROOF_H
#define JIT_TLOG_PROOF_H

#include "ca/tlog/checkpoint.h"
#include "ca/tlog/merkle.h"

void tlog_proof_put(struct wr *w, uint64_t index,
    const struct merkle_proof *p, struct span note);
/*
 * Read one.  note borrows from s and is not verified here.  An "extra" line
 * is refused: we never write one.  JIT_E_FORMAT.
 */
enum jit_err tlog_proof_parse(struct span s, uint64_t *index,
    struct merkle_proof *p, struct span *note, struct jit_why *why);
/*
 * Is entry in the log of v?  Parses, verifies the checkpoint, checks the
 * path.  On success *cp and *index are set.  JIT_E_VERIFY and the errors of
 * the parts.
 */
enum jit_err tlog_proof_check(struct span s, const struct tlog_vkey *v,
    struct span entry, uint64_t *index, struct checkpoint *cp,
    struct jit_why *why);

#endif
