/*
 * cert - OpenSSH certificates: built, read back, checked.
 *
 * The wire form (OpenSSH PROTOCOL.certkeys; draft-ietf-sshm-cert):
 *
 *	string   type name            ssh-ed25519-cert-v01@openssh.com ...
 *	string   nonce                32 random bytes
 *	         key fields           the subject's, as in key.h
 *	uint64   serial               never 0: 0 cannot be revoked
 *	uint32   type                 1 user, 2 host
 *	string   key id
 *	string   principals           packed strings, 1 to 256
 *	uint64   valid after          half-open: after <= now < before
 *	uint64   valid before
 *	string   critical options     sorted, each once
 *	string   extensions           sorted, each once
 *	string   reserved             empty
 *	string   signature key        the CA's blob, never a certificate
 *	string   signature            over everything before it
 *
 * What is refused on both ways: no principal or one that is empty, repeated
 * or holds anything but [A-Za-z0-9._-]; "always" and "forever"; an empty
 * interval; a key id that is not printable ASCII without space, quotes and
 * shell characters; options on a host certificate.
 */
#ifndef JIT_SSH_CERT_H
#define JIT_SSH_CERT_H

#include "ca/base/utc.h"
#include "ca/ssh/key.h"
#include "ca/ssh/opts.h"
#include "ca/ssh/sig.h"

#define SSH_CERT_PRINCIPALS_MAX 256
#define SSH_CERT_OPTS_MAX 16
#define SSH_CERT_MAX 32768	/* bytes of a certificate blob */

enum ssh_cert_type { SSH_CERT_USER = 1, SSH_CERT_HOST = 2 };

/* What a certificate says.  Everything is borrowed. */
struct ssh_cert_fields {
	uint64_t serial;			/* > 0 */
	enum ssh_cert_type type;
	struct span key_id;
	const struct span *principals;		/* in this order */
	size_t n_principals;
	utc_s after, before;			/* [after, before) */
	const struct ssh_opt *opts;		/* critical and extensions */
	size_t n_opts;
};

/*
 * Encode what the CA signs: everything before the signature.
 * JIT_E_FORMAT: a field breaks a rule above, why says which.
 */
enum jit_err ssh_cert_put_tbs(struct wr *w, const struct ssh_cert_fields *f,
    const struct ssh_key *subject, const struct ssh_key *ca,
    const uint8_t nonce[static 32], struct jit_why *why);

struct ssh_cert;	/* a certificate that was read */

/* Strict, rules above; the signature is not verified.  Returns owned. */
enum jit_err ssh_cert_parse(struct span blob, struct ssh_cert **ret,
    struct jit_why *why);
void ssh_cert_free(struct ssh_cert *c);
JIT_SCOPED_PTR(struct ssh_cert, ssh_cert_free);
/* All borrowed for as long as c lives. */
const struct ssh_cert_fields *ssh_cert_fields(const struct ssh_cert *c);
const struct ssh_key *ssh_cert_subject(const struct ssh_cert *c);
const struct ssh_key *ssh_cert_ca(const struct ssh_cert *c);
struct span ssh_cert_blob(const struct ssh_cert *c);
/* Its signature key is ca, and the signature holds.  JIT_E_SIG. */
enum jit_err ssh_cert_verify(const struct ssh_cert *c,
    const struct ssh_key *ca, struct jit_why *why);
/*
 * Does c say exactly f for subject?  Every field, options as sets of bytes.
 * JIT_E_VERIFY, why names the field.
 */
enum jit_err ssh_cert_check_is(const struct ssh_cert *c,
    const struct ssh_cert_fields *f, const struct ssh_key *subject,
    struct jit_why *why);

/*
 * The whole way: encode, sign with ca, parse again, compare every field,
 * verify the signature.  Appends the certificate blob to w only when all of
 * it holds.  nonce: 32 bytes from the caller's random source.
 */
enum jit_err ssh_cert_make(const struct ssh_cert_fields *f,
    const struct ssh_key *subject, const struct ssh_priv *ca,
    const uint8_t nonce[static 32], struct wr *w, struct jit_why *why);
/* "type base64 comment" LF, the form of a -cert.pub file. */
void ssh_cert_put_line(struct wr *w, struct span blob, const char *comment);
/* One such line to a blob.  JIT_E_FORMAT. */
enum jit_err ssh_cert_line_blob(struct span line, struct buf *ret,
    struct jit_why *why);

#endif
