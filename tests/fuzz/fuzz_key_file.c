/*
 * fuzz_key_file: the input as the bytes inside the armour, with the sum that
 * they should have; and as the text itself.  No passphrase: scrypt would take
 * all the time there is.
 */
#include "ca/base/digest.h"
#include "ca/base/text.h"
#include "signer/key_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
peek(struct span text)
{
	JIT_DONE(key_file_claims_done) struct key_file_claims c = { 0 };
	struct jit_why why = { 0 };

	(void)key_file_peek(text, &c, &why);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	JIT_DONE(wr_done) struct wr raw = WR_INIT(KEY_FILE_MAX);
	JIT_DONE(wr_done) struct wr text = WR_INIT(2 * KEY_FILE_MAX);
	struct digest d;

	peek(SPAN(p, n));
	if (digest_sha256(SPAN(p, n), &d) != JIT_OK)
		return 0;
	wr_raw(&raw, p, n);
	wr_raw(&raw, d.b, 8);
	wr_str(&text, "-----BEGIN JIT SIGNER KEY-----\n");
	b64_put_lines(&text, wr_view(&raw), 64);
	wr_str(&text, "-----END JIT SIGNER KEY-----\n");
	if (raw.err == JIT_OK && text.err == JIT_OK)
		peek(wr_view(&text));
	return 0;
}
