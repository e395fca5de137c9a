/*
 * handout - a certificate, its key and its CAs as files for one program, in a
 * folder of their own that goes with it.
 *
 *	BASE/jit-cert-exec-XXXXXX/	0700, each file 0600
 *		leaf.pem  the certificate alone
 *		cert.pem  it and the CAs above it, but not the root
 *		ca.pem    the CAs, root last
 *		key.pem   PKCS#8
 *		lock      held for as long as the program runs
 *
 * BASE is XDG_RUNTIME_DIR (memory, ours alone), else TMPDIR, else /tmp.  What
 * a killed jit-cert could not remove, the next one does: nobody holds its
 * lock.
 */
#ifndef JIT_CLI_HANDOUT_H
#define JIT_CLI_HANDOUT_H

#include "cli/leaf.h"

struct handout {
	struct locker_path dir, leaf, chain, ca, key;
	int lock;			/* -1: none */
	bool made;
};

/*
 * Make it.  handout_done() wipes and removes it, and tells on c when that
 * fails.
 *	JIT_E_OWNER, JIT_E_MODE  others could put things aside in BASE
 *	JIT_E_ARG                the path is too long, or not absolute
 *	JIT_E_FULL, JIT_E_IO
 */
enum jit_err handout_make(struct cli *c, const struct leaf *l,
    struct handout *ret, struct jit_why *why);
void handout_done(struct cli *c, struct handout *h);

#endif
