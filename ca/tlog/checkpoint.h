/*
 * checkpoint - a signed statement of a log's size and root.
 *
 * C2SP tlog-checkpoint inside a C2SP signed-note, Ed25519 (type 0x01):
 *
 *	<origin>\n<size, decimal>\n<base64 root>\n
 *	\n
 *	— <origin> <base64(u32 key id || 64-byte signature)>\n
 *
 * key id = SHA-256(name || 0x0A || 0x01 || public key)[0..4], big-endian.
 * A verifier key is "name+hex8(id)+base64(0x01 || public key)".
 * Unknown signers are ignored, a bad signature by the known one refuses the
 * note, at most 16 signature lines, no extension lines.
 */
#ifndef JIT_TLOG_CHECKPOINT_H
#define JIT_TLOG_CHECKPOINT_H

#include "ca/base/digest.h"
#include "ca/ssh/sig.h"

#define TLOG_ORIGIN_MAX 128	/* bytes of an origin, printable, no space, no + */
#define TLOG_NOTE_MAX 4096
#define TLOG_VKEY_MAX 256
#define TLOG_LOGID_TEXT (TLOG_ORIGIN_MAX + 10)	/* "origin+hex8", NUL */

struct tlog_vkey {
	char origin[TLOG_ORIGIN_MAX + 1];
	uint32_t id;
	uint8_t pub[32];
};
/* Fill id from origin and pub.  JIT_E_FORMAT: not an acceptable origin. */
enum jit_err tlog_vkey_make(const char *origin, const uint8_t pub[static 32],
    struct tlog_vkey *ret, struct jit_why *why);
enum jit_err tlog_vkey_parse(struct span s, struct tlog_vkey *ret,
    struct jit_why *why);
void tlog_vkey_put(struct wr *w, const struct tlog_vkey *v);
bool tlog_vkey_eq(const struct tlog_vkey *a, const struct tlog_vkey *b);
/* "origin+hex8(id)": how line 2 of a text names the log. */
void tlog_vkey_logid(const struct tlog_vkey *v,
    char ret[static TLOG_LOGID_TEXT]);

struct checkpoint {
	uint64_t size;
	struct digest root;
};
/* Append the note, signed with log (Ed25519, its public half is v->pub). */
enum jit_err checkpoint_sign(struct wr *w, const struct checkpoint *c,
    const struct tlog_vkey *v, const struct ssh_priv *log);
/*
 * Read and verify a note under v.  JIT_E_FORMAT; JIT_E_LOGNAME: another
 * origin; JIT_E_SIG: not signed by v, or badly.
 */
enum jit_err checkpoint_open(struct span note, const struct tlog_vkey *v,
    struct checkpoint *ret, struct jit_why *why);

#endif
