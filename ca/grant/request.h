/*
 * request - what an engineer asks for, as the text that is signed.
 *
 *	jit-cert request v1
 *	log: jit.example.com+3f1c9a07        origin and key id of the log
 *	id: 01JDE0V5Y8M3T1K3ZJ6X4N9Q2B       a ULID, made by the client
 *	kind: ssh-user
 *	mode: normal
 *	extends: -
 *	role: prod-db sha256:9f...           and the digest of its block
 *	requester: alice
 *	certify: ssh-ed25519 SHA256:0pE...   the very key to be certified
 *	principal: dba.prod-db               ssh-user: 1 to 64, sorted
 *	option: permit-pty                   ssh-user: 0 to 16, sorted
 *	created: 2026-11-23T20:58:11Z
 *	opens: 2026-11-23T21:00:00Z
 *	closes: 2026-11-24T05:00:00Z
 *	duration: 45m
 *	collect: sha256:c1...                of a 32-byte secret
 *	reason: INC-4711 payments stuck      1 to 512 bytes of UTF-8
 *
 * kind: x509 has, in the place of principals and options, what the
 * certificate will say, exactly as it will say it (ca/x509/name.h):
 *
 *	profile: postgresql                  ca/x509/profile.def
 *	subject: CN=alice                    one CN, then 0 to 8 O, sorted
 *	subject: O=app-write
 *	san: URI:urn:jit:grant:01JDE0V5...   1 to 16, sorted; this one always
 *	san: email:alice@example.com
 *	crl: -                               noRevAvail; or where its CRL is
 *
 * At most 6 KiB.  Two signatures go with it: the requester's over the text
 * (namespace request.v1@jit-cert), and the certified key's own: over the same
 * text (possess.v1@jit-cert); for x509 its PKCS#10 request, whose subject is
 * CN=<id> and which carries nothing but the key (ca/x509/csr.h).  Pure.
 */
#ifndef JIT_GRANT_REQUEST_H
#define JIT_GRANT_REQUEST_H

#include "ca/grant/lines.h"
#include "ca/ssh/key.h"

#define REQUEST_MAX 6144
#define REQUEST_PRINCIPALS 64
#define REQUEST_OPTIONS 16
#define REQUEST_SUBJECT 9
#define REQUEST_SANS 16
#define REQUEST_CRL_MAX 256
#define REQUEST_POSSESS_MAX 16384	/* bytes of an SSHSIG or a CSR */
#define REASON_MAX 512
#define NS_REQUEST "request.v1@jit-cert"
#define NS_POSSESS "possess.v1@jit-cert"

enum request_kind { KIND_SSH_USER, KIND_X509, REQUEST_KINDS };
/* "ssh-user", "x509". */
const char *request_kind_name(enum request_kind k);

struct request {
	enum request_kind kind;
	struct span log;
	struct ulid id;
	struct span role;
	struct digest role_digest;
	struct span requester;
	struct span certify_type;	/* "ssh-ed25519" */
	struct span certify;		/* "SHA256:..." */
	struct span principals[REQUEST_PRINCIPALS];
	size_t n_principals;
	struct span options[REQUEST_OPTIONS];	/* as written */
	size_t n_options;
	/* KIND_X509, instead of principals and options. */
	struct span profile;
	struct span subject[REQUEST_SUBJECT];	/* "CN=alice" */
	size_t n_subject;
	struct span sans[REQUEST_SANS];		/* "DNS:db1" */
	size_t n_sans;
	struct span crl;			/* empty: noRevAvail */
	utc_s created, opens, closes;
	dur_s duration;
	struct digest collect;
	struct span reason;
};

/*
 * Read a text; every span borrows from it.  The form alone is judged, not
 * whether a policy allows it:
 *	JIT_E_FORMAT, JIT_E_SIZE, JIT_E_UTF8, JIT_E_CANON
 *	JIT_E_UNBUILT  a kind, mode or "extends" that is reserved
 *	JIT_E_WINDOW   opens >= closes, duration longer than the window, or
 *	               a moment before 1970 or past 9999
 */
enum jit_err request_parse(struct span text, struct request *ret,
    struct jit_why *why);
/* Append the text of r; its lists are sorted already. */
void request_put(struct wr *w, const struct request *r);
/* What a certificate's key id is: "<person>:<id>:<base64url SHA-256 of text>". */
enum jit_err request_put_key_id(struct wr *w, const struct request *r,
    struct span text);
/* The SAN that ties a certificate to its request: "URI:urn:jit:grant:<id>". */
#define REQUEST_SAN_TEXT (18 + ULID_LEN + 1)
void request_san(const struct ulid *id, char ret[static REQUEST_SAN_TEXT]);
/* A CRL's address: http, or https; printable, no space, quote or comma. */
bool request_crl_ok(struct span url);
/* Is k the key that the request wants certified? */
bool request_certifies(const struct request *r, const struct ssh_key *k);

#endif
