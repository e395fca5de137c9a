/*
 * krl - OpenSSH key revocation lists: built, read back, checked, asked.
 *
 * The file that sshd's RevokedKeys names: "these certificates and keys are no
 * longer good, although they verify and have not expired".  The wire form
 * (OpenSSH PROTOCOL.krl 1.7):
 *
 *	uint64   magic                "SSHKRL" LF NUL
 *	uint32   format               1
 *	uint64   version              grows with every change
 *	uint64   generated            seconds since 1970
 *	uint64   flags                0
 *	string   reserved             ignored
 *	string   comment
 *	then any number of: byte type, string contents
 *	    1    certificates         of one CA, see below
 *	    2    explicit keys        strings, each a key's blob
 *	    3    SHA-1 of keys        strings of 20 bytes
 *	    5    SHA-256 of keys      strings of 32 bytes
 *	    255  extension            string name, byte critical, string
 *
 * The certificates section is string CA key (empty: of every CA), string
 * reserved, then any number of: byte type, string contents
 *
 *	0x20  list      uint64 serial, ...
 *	0x21  range     uint64 first, uint64 last; both are revoked
 *	0x22  bitmap    uint64 offset, mpint: bit i set revokes offset + i
 *	0x23  key ids   strings
 *	0x39  extension as 255
 *
 * Three things that bite.  Serial 0 means "not numbered" and is never matched
 * by serial.  sshd refuses every login when it cannot read the file, and it
 * cannot read a bitmap above 16,384 bits, although ssh-keygen -k writes them.
 * Section 4, a signature, makes OpenSSH 9.4 and newer refuse the file: it is
 * never written, and refused; sign the file from outside (sshsig.h).
 * sshd reads the whole file at every login: drop what has expired.
 *
 * Pure: no clock, no I/O, no logging.  A struct krl is immutable and may be
 * shared by threads.
 */
#ifndef JIT_SSH_KRL_H
#define JIT_SSH_KRL_H

#include "ca/base/utc.h"
#include "ca/ssh/key.h"

#define KRL_MAX ((size_t)32 << 20)	/* bytes of a list, written or read */
#define KRL_RUNS_MAX ((size_t)4 << 20)	/* runs of serials in it */
#define KRL_CAS_MAX ((size_t)256)	/* CAs in it */
#define KRL_BITMAP_BITS 16384	/* of one bitmap: sshd reads no more */

/* What is revoked of one CA's certificates.  Everything is borrowed. */
struct krl_section {
	const struct ssh_key *ca;
	const uint64_t *serials;	/* ascending, each once, none 0 */
	size_t n_serials;
	const struct span *key_ids;	/* any order; 1 to 255 bytes, no NUL */
	size_t n_key_ids;
};

/* What a list is to say.  Everything is borrowed. */
struct krl_spec {
	uint64_t version;		/* the caller's to let grow */
	utc_s generated;		/* 0 .. UTC_MAX */
	struct span comment;		/* printable ASCII, at most 255 bytes */
	const struct krl_section *sections; /* each CA once */
	size_t n_sections;
	/*
	 * Explicit keys, any order: kills each as a plain key and every
	 * certificate of it; a CA's key kills all that the CA has signed.
	 */
	const struct ssh_key *const *keys;
	size_t n_keys;
};

/*
 * Append the list to w.  Serials become lists, ranges and bitmaps, whichever
 * are smallest side by side; a section that revokes nothing is left out; a
 * key or key id that is named twice is written once.  Time grows with the
 * number of serials, memory beside w does not (some 300 KiB).
 *
 *	JIT_E_ARG    the spec breaks a rule above, why says which
 *	JIT_E_SIZE   above KRL_MAX, KRL_RUNS_MAX, KRL_CAS_MAX, or w's ceiling
 *	JIT_E_NOMEM
 * On an error what was appended to w is of no use.
 */
enum jit_err krl_put(struct wr *w, const struct krl_spec *s,
    struct jit_why *why);

struct krl;		/* a list that was read */

/*
 * Strict: what is accepted here is accepted by sshd 9.4 and newer (older ones
 * know no extensions), and nothing may be left over anywhere.  Copies s;
 * returns owned.  Order inside a section is not demanded, as sshd does not.
 * Ranges stay ranges; bitmaps become runs, 64 bytes of memory for each byte at
 * the very most, up to KRL_RUNS_MAX * 16 bytes.
 *
 *	JIT_E_FORMAT   not that form; flags; a signature; serial 0; a range
 *	               that ends before it begins; a bitmap that is empty, too
 *	               long or passes 2^64 - 1; an empty section; a NUL in a
 *	               key id; a critical extension (none is known)
 *	JIT_E_KEYTYPE  a CA whose key ssh_key_parse() does not take
 *	JIT_E_SIZE     above KRL_MAX, KRL_RUNS_MAX or KRL_CAS_MAX
 *	JIT_E_NOMEM
 */
enum jit_err krl_parse(struct span s, struct krl **ret, struct jit_why *why);
void krl_free(struct krl *k);
JIT_SCOPED_PTR(struct krl, krl_free);

uint64_t krl_version(const struct krl *k);
utc_s krl_generated(const struct krl *k);
/*
 * Would sshd refuse this certificate?  Its rules: the subject's key is there
 * by hash or by itself; or the key id, or the serial unless it is 0, is there
 * for its CA or for every CA; or the CA's key is there by hash or by itself.
 *
 *	ca      the key that signed it; NULL: subject is a plain key, and
 *	        serial and key_id do not count
 *
 * True also when a hash cannot be computed.
 */
bool krl_is_revoked(const struct krl *k, const struct ssh_key *ca,
    uint64_t serial, struct span key_id, const struct ssh_key *subject);
/*
 * Does k say exactly s?  Version, time, comment; every serial, key id and key
 * of s is revoked, and no other is.  JIT_E_VERIFY, why says what differs;
 * JIT_E_ARG, JIT_E_SIZE: s itself, as krl_put; JIT_E_NOMEM.
 */
enum jit_err krl_check_is(const struct krl *k, const struct krl_spec *s,
    struct jit_why *why);

/*
 * The whole way: put, parse again, compare.  Appends to w only when all of it
 * holds.  Errors of the three.
 */
enum jit_err krl_make(struct wr *w, const struct krl_spec *s,
    struct jit_why *why);

#endif
