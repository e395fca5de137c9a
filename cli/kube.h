/*
 * kube - what kubectl says to a credential plugin, and what it is answered.
 *
 * client.authentication.k8s.io/v1, as the Kubernetes documentation
 * "client-go credential plugins" has it.  kubectl puts an object into
 * KUBERNETES_EXEC_INFO, {"apiVersion", "kind": "ExecCredential", "spec":
 * {"interactive": bool, ...}}, and reads one from our standard output.  It
 * keeps that until expirationTimestamp, or until the API server says 401.
 * Pure.
 */
#ifndef JIT_CLI_KUBE_H
#define JIT_CLI_KUBE_H

#include "cli/leaf.h"

#define KUBE_API "client.authentication.k8s.io/v1"

/*
 * Read the variable's value; NULL is none, as by hand.  *interactive: may a
 * person be asked?
 *	JIT_E_FORMAT    not such an object
 *	JIT_E_PROTOCOL  of another version: the answer has to be of the same
 */
enum jit_err kube_read(const char *info, bool *interactive,
    struct jit_why *why);
/*
 * Append the answer and a line feed: the certificate with the CAs above it,
 * its key, and its last second.  w is wiped when it is freed.
 */
enum jit_err kube_put(struct wr *w, const struct leaf *l);

#endif
