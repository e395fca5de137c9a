/*
 * proto - frames on the signer's socket, as bytes.  PROTOCOL.md has them in
 * words, ops.def the operations.
 *
 * A frame to the signer:            An answer:
 *	uint32  length of the rest	uint32  length of the rest
 *	uint8   operation, ops.def	uint8   operation
 *	uint32  tag			uint32  tag, of the frame
 *	payload				string  "ok" or an error's wire name
 *					string  what happened ("" when ok)
 *					payload, only when ok
 *
 * The tag is the client's to choose; answers may come in any order.  Both
 * sides use this module.  Pure.
 */
#ifndef JIT_SIGNER_PROTO_H
#define JIT_SIGNER_PROTO_H

#include "ca/grant/receipt.h"
#include "ca/grant/dossier.h"

#define PROTO_VERSION 1
#define PROTO_FRAME_MAX 65536u		/* bytes after the length, asked */
#define PROTO_ANSWER_MAX (2u << 20)	/* the same, answered */
#define PROTO_PAGE (1u << 20)		/* receipts or entries in an answer */
#define PROTO_FRAME_MIN 5u
#define PROTO_WAIT_MS 25000u		/* the longest wait */
#define PROTO_PROVE_MAX 1024u		/* indexes or digests in a frame */
#define PROTO_LIST_MAX 256u

enum op {
#define X(NAME, byte, name, class, payload, answer, what) OP_##NAME = (byte),
#include "signer/ops.def"
#undef X
};
enum op_class { CLASS_GREET, CLASS_READ, CLASS_GRANT, CLASS_END };
/* "request"; NULL for a byte of no row. */
const char *op_name(uint8_t op);
enum op_class op_class(enum op o);	/* o has a row */

/* ---- frames to the signer ---- */

/* What was asked; spans borrow from the frame. */
struct ask {
	enum op op;
	uint32_t tag;
	struct span text, sig, possess;	/* REQUEST DECISION CANCEL DROP REVOKE
					   LOCK */
	struct ulid id;			/* COLLECT SHOW WAIT FIND */
	struct span secret;		/* COLLECT: 32 bytes */
	struct span name;		/* PUBLISHED */
	struct span note;		/* HELLO; may be empty */
	uint16_t version;		/* HELLO */
	uint64_t from;			/* WAIT since, LIST after, FIND from,
					   ENTRIES FOLLOW first,
					   CHECKPOINT old, PUBLISHED offset */
	uint32_t max;			/* LIST ENTRIES FOLLOW; WAIT: ms */
	uint32_t ms;			/* FOLLOW */
	uint32_t count;			/* PROVE, BLOBS */
	struct span items;		/* count times 8 or 32 bytes */
};

/* Append a whole frame, its length in front. */
void ask_put(struct wr *w, const struct ask *a);
/*
 * Read what stands behind the length.  JIT_E_PROTOCOL: no such operation;
 * JIT_E_FORMAT: not its payload.  ret->tag and op are set as far as the
 * bytes go, so that the error can be answered.
 */
enum jit_err ask_get(struct span frame, struct ask *ret, struct jit_why *why);
/* The i-th index (PROVE) or digest (BLOBS). */
uint64_t ask_index(const struct ask *a, uint32_t i);
void ask_digest(const struct ask *a, uint32_t i, struct digest *ret);
/* May this be the length of a frame? */
bool ask_length_ok(uint32_t n);
/* So many ms a WAIT or FOLLOW may wait for its answer; 0 for all others. */
uint32_t ask_waits(const struct ask *a);

/* ---- answers ---- */

/* Begin an answer; the payload follows, then answer_end(). */
size_t answer_begin(struct wr *w, enum op o, uint32_t tag);
void answer_end(struct wr *w, size_t mark);
/* A whole answer that says no. */
void answer_error(struct wr *w, uint8_t op, uint32_t tag, enum jit_err e,
    const struct jit_why *why);

struct answer {
	uint8_t op;
	uint32_t tag;
	enum jit_err err;		/* what the signer says */
	struct jit_why why;		/* its words, escaped */
	struct span payload;		/* borrows; empty unless JIT_OK */
};
/* Read what stands behind the length.  JIT_E_PROTOCOL. */
enum jit_err answer_get(struct span frame, struct answer *ret);

/* Payloads.  Each _get reads to the end of s; JIT_E_FORMAT. */

enum signer_state { SIGNER_OK, SIGNER_FROZEN, SIGNER_NO_ROOM };
/*
 * hello: string vkey, string user CA blob, u8 state, u64 now, u64 index of the
 * policy in force, u64 index of the newest recovery (0: none), u64 index of the
 * newest keys entry (0: genesis says all), string note, u8 count, byte[32]
 * each: the path from the size of the note that was presented to this one's
 * (none when none was presented).
 */
struct hello {
	struct span vkey, user_ca, note;
	enum signer_state state;
	utc_s now;
	uint64_t policy_index, recovery, keys_index;
	struct merkle_proof path;
};
void hello_put(struct wr *w, const struct hello *h);
enum jit_err hello_get(struct span s, struct hello *ret, struct jit_why *why);

/* checkpoint: string note, u8 count, byte[32] each. */
struct grown {
	struct span note;
	struct merkle_proof path;
};
void grown_put(struct wr *w, const struct grown *g);
enum jit_err grown_get(struct span s, struct grown *ret, struct jit_why *why);

/*
 * dossier: u64 now, u64 index of the policy in force, receipts.
 * list: the same with u64 next before the receipts (what to ask with next,
 * 0: that was all); a request's entries follow on it.
 */
struct listing {
	utc_s now;
	uint64_t policy_index, next;
	struct receipts receipts;	/* owned */
};
enum jit_err dossier_answer_get(struct span s, struct listing *ret,
    struct jit_why *why);
enum jit_err list_answer_get(struct span s, struct listing *ret,
    struct jit_why *why);
void listing_done(struct listing *l);
JIT_SCOPED_OBJ(struct listing, listing_done);

/*
 * entries: string note, u64 first, u32 count, then count times byte[53]
 * leaf, u8 erased, byte[16] salt, string body.
 */
struct page {
	struct span note;
	uint64_t first;
	uint32_t count;
	struct rd left;
};
void page_put_entry(struct wr *w, const struct entry *e);
enum jit_err page_get(struct span s, struct page *ret, struct jit_why *why);
/* The next one; its body borrows.  JIT_E_UNKNOWN: there is none left. */
enum jit_err page_next(struct page *p, struct entry *ret,
    struct jit_why *why);

/*
 * followed: u8 state, u64 now, u64 index of the policy in force, u64 index
 * of the newest recovery (0: none), all as in hello; then as entries.
 */
struct followed {
	enum signer_state state;
	utc_s now;
	uint64_t policy_index, recovery;
	struct page page;
};
/* What stands before the page. */
void follow_put(struct wr *w, const struct followed *f);
enum jit_err follow_get(struct span s, struct followed *ret,
    struct jit_why *why);

/*
 * published: u64 number, u64 when it was made, u64 by when there is another,
 * u64 size of the whole, string signature (an SSHSIG blob of the user CA over
 * the whole, namespace krl@jit-cert; empty for a CRL, which holds its own),
 * string as many of its bytes from the offset on as fit in a page.  Pieces of
 * one number are of one list; lists grow in number.
 */
#define PUBLISHED_KRL "krl"
#define PUBLISHED_CRL "crl"		/* of the active X.509 CA */
#define PUBLISHED_CRL_OF "crl-"		/* and its key id, 40 hex digits */
#define PUBLISHED_NAME_MAX 64
#define NS_KRL "krl@jit-cert"
struct published {
	uint64_t number;
	utc_s made, next;
	uint64_t total;
	struct span sig, bytes;
};
void published_put(struct wr *w, const struct published *p);
enum jit_err published_get(struct span s, struct published *ret,
    struct jit_why *why);

#endif
