/*
 * opts - critical options and extensions of a user certificate, by table.
 *
 * In a policy and in a text an option is "name" or "name=value"; which list
 * of the certificate it goes to, and how its value is encoded, stands here
 * (OpenSSH PROTOCOL.certkeys, "Critical options" and "Extensions"):
 *
 *	force-command=…     critical  string, not empty
 *	source-address=…    critical  CIDR list, comma between, canonical
 *	verify-required     critical  flag
 *	no-touch-required, permit-X11-forwarding, permit-agent-forwarding,
 *	permit-port-forwarding, permit-pty, permit-user-rc   extension, flag
 */
#ifndef JIT_SSH_OPTS_H
#define JIT_SSH_OPTS_H

#include "ca/base/bytes.h"

/* One option as written; borrowed. */
struct ssh_opt {
	struct span name;
	struct span value;	/* empty for a flag */
};

/*
 * Split and check "name" or "name=value".  JIT_E_FORMAT, why: unknown name
 * (lists the known), a flag with a value, a value that is missing, empty,
 * not printable ASCII, over 1024 bytes, or (source-address) not a list of
 * addresses with prefix lengths, each once, no host bits set.
 */
enum jit_err ssh_opt_parse(struct span s, struct ssh_opt *ret,
    struct jit_why *why);
bool ssh_opt_is_critical(const struct ssh_opt *o);
/* Is o what ssh_opt_parse could have given?  JIT_E_FORMAT. */
enum jit_err ssh_opt_check(const struct ssh_opt *o, struct jit_why *why);
/*
 * Encode the critical (or the other) ones of n options as the certificate's
 * packed list: sorted bytewise by name, each name once.  JIT_E_ARG on a
 * name that occurs twice or is unknown; values are the caller's to check.
 */
enum jit_err ssh_opts_put(struct wr *w, const struct ssh_opt *o, size_t n,
    bool critical);
/*
 * Check a packed list: well-formed, strictly ascending, known names only,
 * values of the right shape; set *n to their number (at most max).  Spans
 * borrow from list.  JIT_E_FORMAT.
 */
enum jit_err ssh_opts_get(struct span list, bool critical,
    struct ssh_opt *ret, size_t max, size_t *n, struct jit_why *why);

#endif
