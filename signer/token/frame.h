/*
 * frame - what jit-signer and the token helper say to each other.
 *
 * Two stream sockets have the same frames: between jit-signer and the keeper
 * (the helper's main), and between the keeper and each worker (the process
 * that has vendor code in it).  A frame is
 *
 *	uint32   length of what follows, at most FRAME_MAX
 *	byte     kind
 *
 * and by its kind, integers big-endian, strings as in RFC 4251:
 *
 *	CONFIG    uint32 timeout (ms), uint32 back-off (ms), uint32 n, then n
 *	          times string module, string uri, string pin.  Always the
 *	          first one.  To a worker: its own keys, without PINs
 *	LIST      uint64 tag, uint32 key.  What is there?
 *	INFO      uint64 tag, uint32 key.  Its public half
 *	SIGN      uint64 tag, uint32 key, byte hash, string data: a digest of
 *	          that hash, or with FRAME_H_NONE the whole message (Ed25519)
 *	GENERATE  uint64 tag, uint32 key, byte type (enum frame_gen)
 *	ANSWER    uint64 tag, string error (err.def), string words, string
 *	          data: the raw signature, public key blob, or a listing
 *
 * between keeper and worker alone:
 *
 *	READY     string error, string words: the token is open, or why not
 *	LOGIN     string label, string serial, string manufacturer, string
 *	          model: may I log in there?
 *	PIN       string error, string words, string pin: yes, or why not
 *	LOGGED    string error: ok; token-failed, the token did not look at
 *	          the PIN; else it refused it, or may have
 *
 * Either side may lie: every reader takes only frames of exactly this form,
 * words are plain characters and at most FRAME_WORDS_MAX bytes, errors are
 * names that are listed.  What a signature is worth, only verifying it says.
 * Pure: no I/O (frame_io.h).
 */
#ifndef JIT_SIGNER_TOKEN_FRAME_H
#define JIT_SIGNER_TOKEN_FRAME_H

#include "ca/base/bytes.h"

#define FRAME_DATA_MAX (4u << 20)	/* bytes of data */
#define FRAME_MAX (FRAME_DATA_MAX + 4096)
#define FRAME_WORDS_MAX 383		/* what a jit_why holds */
#define FRAME_KEYS_MAX 16
#define FRAME_PIN_MAX 255
#define FRAME_TIMEOUT_MAX 600000u	/* ms */

enum frame_kind {
	FRAME_CONFIG = 1, FRAME_LIST, FRAME_INFO, FRAME_SIGN, FRAME_GENERATE,
	FRAME_ANSWER, FRAME_READY, FRAME_LOGIN, FRAME_PIN, FRAME_LOGGED
};

enum frame_hash {
	FRAME_H_NONE, FRAME_H_SHA256, FRAME_H_SHA384, FRAME_H_SHA512,
	FRAME_HASHES
};
/* Bytes of a digest; 0 for FRAME_H_NONE. */
size_t frame_hash_size(enum frame_hash h);

/* What can be made on a token. */
enum frame_gen {
	FRAME_G_ED25519, FRAME_G_P256, FRAME_G_P384, FRAME_G_RSA3072,
	FRAME_GENS
};

struct frame_key {
	struct span module, uri, pin;
};

/* Of every kind; what a kind does not have is 0.  Everything is borrowed. */
struct frame {
	enum frame_kind kind;
	uint64_t tag;
	uint32_t key;
	uint8_t what;		/* SIGN: frame_hash; GENERATE: frame_gen */
	enum jit_err err;
	struct span words;
	struct span data;	/* PIN: the PIN */
	struct span label, serial, manufacturer, model;		/* LOGIN */
	uint32_t timeout_ms, backoff_ms, n;			/* CONFIG */
	struct frame_key keys[FRAME_KEYS_MAX];
};

/*
 * What why says (or e's sentence) as words that a frame may carry; borrows
 * from buf.
 */
struct span frame_words(enum jit_err e, const struct jit_why *why,
    char buf[static FRAME_WORDS_MAX + 1]);
/* Append the frame, its length before it; the writer's error is sticky. */
void frame_put(struct wr *w, const struct frame *f);
/*
 * Read what stands behind the length; *ret borrows from s.  JIT_E_FORMAT: not
 * exactly such a frame, why says of which kind.
 */
enum jit_err frame_get(struct span s, struct frame *ret, struct jit_why *why);

#endif
