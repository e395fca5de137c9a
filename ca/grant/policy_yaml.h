/*
 * policy_yaml - the file that an administrator writes, as a policy.
 *
 *	policy: v1
 *	log: jit.example.com          the log's origin
 *	rsa-min: 3072                 optional; 2048 to 8192
 *	admins: { need: 1, of: [admins] }
 *	people:
 *	  alice:
 *	    groups: [sre]             optional
 *	    keys:
 *	      - ssh-ed25519 AAAA… alice@laptop
 *	hosts:                        optional, as host-groups: for ssh
 *	  db1:
 *	    address: db1.example.com
 *	    port: 22                  optional
 *	    keys: [ "ssh-ed25519 AAAA…" ]
 *	host-groups:
 *	  prod-db: [db1]
 *	roles:
 *	  prod-db:
 *	    accounts: [dba]
 *	    host-groups: [prod-db]
 *	    options: [permit-pty]     optional; none means none
 *	    max: 8h
 *	    horizon: 1d
 *	    skew: 30s                 optional
 *	    reason: { required: true, pattern: "^INC-" }      optional
 *	    request: { of: [sre], proofs: [sshsig] }
 *	    approve: { need: 2, of: [sre], proofs: [sshsig+touch] }
 *	    read: [audit]             optional
 *	  db-read:
 *	    kind: x509                else ssh-user; in place of accounts,
 *	    profile: postgresql       host-groups and options
 *	    subject: { cn: "{person}", o: [app-read] }
 *	    sans: [ "email:{person}@example.com" ]            optional
 *	    revocation: "http://…/jit.crl"                    or expiry
 *	    max: 4h                   and so on, as above
 *
 * Everything is checked here with its place: a policy that is returned is
 * whole (policy_check).  Reads memory, not files.
 */
#ifndef JIT_GRANT_POLICY_YAML_H
#define JIT_GRANT_POLICY_YAML_H

#include "ca/grant/policy.h"

/*
 * file names the source in messages "file:line:column: what was found, what
 * is accepted".  JIT_E_POLICY, JIT_E_WEAKKEY, JIT_E_NOMEM.
 */
enum jit_err policy_from_yaml(const char *file, struct span yaml,
    struct policy **ret, struct jit_why *why);

#endif
