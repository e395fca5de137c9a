/*
 * key - public keys of OpenSSH: read, written, compared, judged.
 *
 * A key blob is "string type" and the type's fields (RFC 4253 section 6.6,
 * RFC 5656 section 3.1, RFC 8709 section 4, OpenSSH PROTOCOL.u2f):
 *
 *	ssh-ed25519                          string pk (32)
 *	ecdsa-sha2-nistp256|384|521          string curve, string Q
 *	ssh-rsa                              mpint e, mpint n
 *	sk-ssh-ed25519@openssh.com           string pk, string application
 *	sk-ecdsa-sha2-nistp256@openssh.com   string curve, string Q, string app
 *
 * Strict, since two encodings of one key would be two people: integers
 * minimal and positive, points uncompressed and on the curve, Ed25519's y
 * below 2^255 - 19, nothing behind, certificates refused as keys.  No clock, no I/O.
 */
#ifndef JIT_SSH_KEY_H
#define JIT_SSH_KEY_H

#include <openssl/evp.h>

#include "ca/base/bytes.h"

enum ssh_type {
	SSH_ED25519, SSH_ECDSA_P256, SSH_ECDSA_P384, SSH_ECDSA_P521, SSH_RSA,
	SSH_SK_ED25519, SSH_SK_ECDSA,
	SSH_TYPES
};

struct ssh_key;		/* immutable once made; may be shared by threads */

#define SSH_BLOB_MAX 8192	/* bytes; no accepted key is longer */
#define SSH_RSA_BITS_MAX 8192
#define SSH_FP_TEXT 51		/* "SHA256:" and 43 characters and NUL */

/*
 * Returns owned.  JIT_E_FORMAT: not that shape; JIT_E_KEYTYPE: a type that
 * is not in the table (certificates and DSA among them), or an sk key whose
 * application does not begin "ssh:"; JIT_E_SIZE.
 */
enum jit_err ssh_key_parse(struct span blob, struct ssh_key **ret,
    struct jit_why *why);
/*
 * One line "type base64 [comment]" as in id_ed25519.pub; the type named must
 * be the blob's.  No options, no leading space, at most one trailing LF.
 * comment (NULL is fine) borrows from line.  Errors as ssh_key_parse.
 */
enum jit_err ssh_key_parse_line(struct span line, struct ssh_key **ret,
    struct span *comment, struct jit_why *why);
void ssh_key_free(struct ssh_key *k);
JIT_SCOPED_PTR(struct ssh_key, ssh_key_free);
/* A second owner's copy.  JIT_E_NOMEM, JIT_E_CRYPTO. */
enum jit_err ssh_key_dup(const struct ssh_key *k, struct ssh_key **ret);

enum ssh_type ssh_key_type(const struct ssh_key *k);
bool ssh_key_is_sk(const struct ssh_key *k);
/* "ssh-ed25519" ...; also by type. */
const char *ssh_key_type_name(const struct ssh_key *k);
const char *ssh_type_name(enum ssh_type t);
/* "ssh-ed25519-cert-v01@openssh.com" ... */
const char *ssh_type_cert_name(enum ssh_type t);
/* Borrowed for as long as k lives. */
struct span ssh_key_blob(const struct ssh_key *k);
/* Borrowed; made when it is first asked for.  NULL: no memory. */
EVP_PKEY *ssh_key_evp(const struct ssh_key *k);
/* The application of an sk key, "" for others. */
const char *ssh_key_application(const struct ssh_key *k);
unsigned ssh_key_bits(const struct ssh_key *k);	/* 256, 384, 521, RSA's */
bool ssh_key_eq(const struct ssh_key *a, const struct ssh_key *b);
/* "SHA256:" and unpadded base64 of SHA-256 of the blob. */
void ssh_key_fingerprint(const struct ssh_key *k, char ret[static SSH_FP_TEXT]);
/* "type base64" and " comment" when comment is not NULL; no LF. */
void ssh_key_put_line(struct wr *w, const struct ssh_key *k,
    const char *comment);

/*
 * Is the key strong enough to be certified or to approve?
 *
 *	min_rsa_bits  2048 or 3072, the policy's choice
 *
 * JIT_E_WEAKKEY, why says which: RSA below that or above SSH_RSA_BITS_MAX,
 * e other than 65537, n even or divisible by a small prime, the ROCA
 * fingerprint (CVE-2017-15361), factors so near that 100 rounds of Fermat
 * find them (CVE-2022-26320), EC point of small order or not on the curve,
 * an Ed25519 point of small order.
 */
enum jit_err ssh_key_check_strength(const struct ssh_key *k,
    unsigned min_rsa_bits, struct jit_why *why);

#endif
