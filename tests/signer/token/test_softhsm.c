/*
 * The helper before SoftHSM2: keys of each type are made, found and used;
 * what is wrong is told apart.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "ca/base/sys.h"
#include "ca/ssh/sig.h"
#include "tests/signer/token/rig.h"

struct type_row {
	const char *name, *uri, *gen;
	enum ssh_type type;
};

static const struct type_row types[] = {
	{ "P-256", "pkcs11:token=jit;object=p256", "ecdsa-p256",
	    SSH_ECDSA_P256 },
	{ "P-384", "pkcs11:token=jit;object=p384;id=%01%02", "ecdsa-p384",
	    SSH_ECDSA_P384 },
	{ "RSA", "pkcs11:token=jit;object=rsa", "rsa-3072", SSH_RSA },
	{ "Ed25519", "pkcs11:token=jit;object=ed", "ed25519", SSH_ED25519 },
};

static struct token *
start(const char *uri, bool later)
{
	JIT_DONE(secret_done) struct secret pin = { NULL, 0, 0 };
	struct token_key k = { .name = "ca", .uri = uri, .module = SOFTHSM,
	    .pin = &pin, .later = later };
	struct token *t = NULL;
	struct jit_why why = { 0 };

	JT_OK(secret_copy(&pin, span_str(RIG_PIN)));
	JT_WHY(rig_start_keys(&k, 1, 10000, 50, &t, &why), JIT_OK, &why);
	return t;
}

/* Made, found again under the URI that came back, used in both forms. */
static void
makes(void **state)
{
	const struct type_row *row = *state;
	JIT_SCOPED(token_free) struct token *t = start(row->uri, true);
	JIT_SCOPED(token_free) struct token *again = NULL;
	JIT_DONE(buf_done) struct buf uri = { NULL, 0 }, none = { NULL, 0 };
	struct jit_why why = { 0 };
	enum frame_gen g;

	assert_null(token_public(t, 0));
	JT_OK(token_gen_parse(row->gen, &g, NULL));
	JT_WHY(token_generate_wait(t, 0, g, rig_later(), &uri, &why), JIT_OK,
	    &why);
	assert_int_equal(ssh_key_type(token_public(t, 0)), row->type);
	rig_check_sign(t, 0, span_str("made a moment ago"));
	JT_ERR(token_generate_wait(t, 0, g, rig_later(), &none, &why),
	    JIT_E_EXISTS);

	again = start((const char *)uri.p, false);
	JT_WHY(token_check(again, 0, &why), JIT_OK, &why);
	assert_true(ssh_key_eq(token_public(again, 0), token_public(t, 0)));
	rig_check_sign(again, 0, span_str("again"));
	rig_check_sign(again, 0, span_str(""));
	/* Another process does not make a second one of that name. */
	JT_ERR(token_generate_wait(again, 0, g, rig_later(), &none, &why),
	    JIT_E_EXISTS);
}

struct fail_row {
	const char *name, *uri, *module, *pin;
	enum jit_err err;
	const char *words;
};

static const struct fail_row fails[] = {
	{ "no such token", "pkcs11:token=nix;object=x", SOFTHSM, RIG_PIN,
	    JIT_E_TOKEN, "\"jit\" (serial " },
	{ "no such key", "pkcs11:token=jit;object=x", SOFTHSM, RIG_PIN,
	    JIT_E_TOKEN, "it has pkcs11:object=" },
	{ "an empty token", "pkcs11:token=other;object=x", SOFTHSM, RIG_PIN,
	    JIT_E_TOKEN, "it has none at all" },
	{ "wrong PIN", "pkcs11:token=jit;object=p256", SOFTHSM, "0000",
	    JIT_E_TOKENPIN, "CKR_PIN_INCORRECT (the PIN is wrong)" },
	{ "no PIN", "pkcs11:token=jit;object=p256", SOFTHSM, NULL,
	    JIT_E_TOKENPIN, "none was given" },
	{ "no module", "pkcs11:token=jit;object=p256", "/nowhere/x.so",
	    RIG_PIN, JIT_E_TOKEN, "No such file" },
	{ "not a module", "pkcs11:token=jit;object=p256",
	    "/usr/lib/x86_64-linux-gnu/libcrypto.so.3", RIG_PIN, JIT_E_TOKEN,
	    "no C_GetFunctionList" },
	{ "not a library", "pkcs11:token=jit;object=p256", "/etc/passwd",
	    RIG_PIN, JIT_E_TOKEN, "module /etc/passwd: " },
	{ "a YubiKey, without a reader", "pkcs11:token=YubiKey;object=x",
	    "/usr/lib/x86_64-linux-gnu/libykcs11.so.2", "123456", JIT_E_TOKEN,
	    "C_GetSlotList: CKR_DEVICE_ERROR (is it plugged in, and pcscd "
	    "running?)" },
};

static void
says_why(void **state)
{
	const struct fail_row *row = *state;
	JIT_SCOPED(token_free) struct token *t = NULL;
	struct jit_why why = { 0 };

	JT_WHY(rig_start(row->module, row->uri, row->pin, 10000, 50, &t,
	    &why), JIT_OK, &why);
	JT_ERR(token_check(t, 0, &why), row->err);
	if (strstr(why.msg, row->words) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", row->words, why.msg);
	assert_null(token_public(t, 0));
	/* Nor does it sign. */
	JT_ERR(rig_sign(t, 0, &why), row->err);
}

struct config_row {
	const char *name, *uri, *module;
	enum jit_err err;
};

static const struct config_row configs[] = {
	{ "no module", "pkcs11:token=jit;object=x", NULL, JIT_E_ARG },
	{ "two modules", "pkcs11:token=jit;object=x?module-path=/a", "/b",
	    JIT_E_ARG },
	{ "a relative module", "pkcs11:token=jit;object=x", "b", JIT_E_ARG },
	{ "no object", "pkcs11:token=jit", "/b", JIT_E_FORMAT },
	{ "a PIN inside", "pkcs11:token=jit;object=x?pin-value=1", "/b",
	    JIT_E_FORMAT },
};

static void
refused(void **state)
{
	const struct config_row *row = *state;
	struct token *t = NULL;

	JT_ERR(rig_start(row->module, row->uri, "1", 1000, 50, &t, NULL),
	    row->err);
	assert_null(t);
}

static void
two_pins(void **state)
{
	JIT_DONE(secret_done) struct secret a = { NULL, 0, 0 };
	JIT_DONE(secret_done) struct secret b = { NULL, 0, 0 };
	struct token_key k[] = {
		{ .name = "a", .uri = "pkcs11:token=jit;object=a",
		    .module = SOFTHSM, .pin = &a },
		{ .name = "b", .uri = "pkcs11:token=jit;object=b",
		    .module = SOFTHSM, .pin = &b },
	};
	struct token *t = NULL;

	(void)state;
	JT_OK(secret_copy(&a, span_str("1")));
	JT_OK(secret_copy(&b, span_str("2")));
	JT_ERR(rig_start_keys(k, 2, 1000, 50, &t, NULL), JIT_E_ARG);
}

struct program_row {
	const char *name, *program;
	enum jit_err err;
};

static const struct program_row programs[] = {
	{ "none", "/nowhere/jit-signer-token", JIT_E_UNKNOWN },
	{ "one that ends at once", "/bin/true", JIT_E_TOKEN },
	{ "a folder", "/tmp", JIT_E_UNKNOWN },
};

static void
no_helper(void **state)
{
	const struct program_row *row = *state;
	const struct token_key k = { .name = "ca", .module = SOFTHSM,
	    .uri = "pkcs11:token=jit;object=a" };
	const struct token_config c = { .program = row->program, .keys = &k,
	    .n = 1 };
	struct token *t = NULL;

	JT_ERR(token_start(&c, &t, NULL), row->err);
	assert_null(t);
}

/* Four keys of one token, one worker; and another key than was expected. */
static void
together(void **state)
{
	JIT_DONE(secret_done) struct secret pin = { NULL, 0, 0 };
	JIT_SCOPED(token_free) struct token *t = NULL;
	JIT_SCOPED(token_free) struct token *u = NULL;
	struct token_key k[4];
	struct jit_why why = { 0 };

	(void)state;
	JT_OK(secret_copy(&pin, span_str(RIG_PIN)));
	for (size_t i = 0; i < 4; i++)
		k[i] = (struct token_key){ .name = types[i].name,
		    .uri = types[i].uri, .module = SOFTHSM, .pin = &pin };
	JT_WHY(rig_start_keys(k, 4, 10000, 50, &t, &why), JIT_OK, &why);
	for (size_t i = 0; i < 4; i++)
		rig_check_sign(t, i, span_str("one of four"));
	k[0].expect = token_public(t, 3);
	JT_WHY(rig_start_keys(k, 1, 10000, 50, &u, &why), JIT_OK, &why);
	JT_ERR(token_check(u, 0, &why), JIT_E_TOKEN);
	assert_non_null(strstr(why.msg, "another key than expected"));
	/* What it signs with that other key is found out. */
	JT_ERR(rig_sign(u, 0, &why), JIT_E_TOKEN);
}

/* A hundred under way at once, each answered once, with its own tag. */
static void
pipelined(void **state)
{
	enum { N = 100 };
	JIT_SCOPED(token_free) struct token *t = start(types[0].uri, false);
	struct jit_why why = { 0 };
	bool seen[N] = { false };
	int64_t end = rig_later();
	size_t back = 0;

	(void)state;
	for (uint64_t i = 0; i < N; i++)
		JT_WHY(token_ask_sign(t, 0, i, FORM_SSH, SPAN(&i, sizeof(i)),
		    sys_mono_ms(), &why), JIT_OK, &why);
	assert_int_equal(token_pending(t), N);
	while (back < N && sys_mono_ms() < end) {
		JIT_DONE(token_answer_done) struct token_answer a = { 0 };

		if (!token_take(t, sys_mono_ms(), &a))
			continue;
		JT_WHY(a.err, JIT_OK, &a.why);
		assert_true(a.tag < N && !seen[a.tag]);
		seen[a.tag] = true;
		back++;
		JT_OK(ssh_sig_verify(token_public(t, 0),
		    SPAN(&a.tag, sizeof(a.tag)), BUF_SPAN(a.sig), NULL,
		    NULL));
	}
	assert_int_equal(back, N);
	assert_int_equal(token_pending(t), 0);
	assert_int_equal(token_wait_ms(t, sys_mono_ms()), -1);
}

static void
lists(void **state)
{
	JIT_SCOPED(token_free) struct token *t = start("pkcs11:token=jit",
	    true);
	JIT_SCOPED(token_free) struct token *all = start("pkcs11:", true);
	JIT_DONE(buf_done) struct buf text = { NULL, 0 }, more = { NULL, 0 };
	struct jit_why why = { 0 };

	(void)state;
	JT_WHY(token_list_wait(t, 0, rig_later(), &text, &why), JIT_OK, &why);
	assert_non_null(strstr((char *)text.p, "pkcs11:token=jit;"));
	assert_null(strstr((char *)text.p, "token=other"));
	assert_non_null(strstr((char *)text.p, " private Ed25519\n"));
	assert_non_null(strstr((char *)text.p, "object=p384;id=%01%02 private "
	    "P-384\n"));
	/* Without a log-in: what everybody may see. */
	JT_WHY(token_list_wait(all, 0, rig_later(), &more, &why), JIT_OK,
	    &why);
	assert_non_null(strstr((char *)more.p, "token=other"));
	assert_non_null(strstr((char *)more.p, " public RSA\n"));
	assert_null(strstr((char *)more.p, " private "));
}

int
main(void)
{
	rig_softhsm();
	return JT_ROWS("makes", makes, types) +
	    JT_ROWS("says why", says_why, fails) +
	    JT_ROWS("refused", refused, configs) +
	    JT_ROWS("no helper", no_helper, programs) +
	    jt_one("two PINs for one token", two_pins) +
	    jt_one("together", together) + jt_one("pipelined", pipelined) +
	    jt_one("lists", lists);
}
