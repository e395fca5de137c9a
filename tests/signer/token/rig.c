#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "ca/base/sys.h"
#include "ca/ssh/sig.h"
#include "tests/lib/run.h"
#include "tests/signer/token/rig.h"

JIT_SCOPED_PTR(EVP_MD_CTX, EVP_MD_CTX_free);

const char *
rig_program(void)
{
	static char path[512];

	(void)snprintf(path, sizeof(path), "%s/signer/token/jit-signer-token",
	    getenv("JIT_BUILD"));
	return path;
}

int64_t
rig_later(void)
{
	return sys_mono_ms() + 60000;
}

enum jit_err
rig_start_keys(const struct token_key *keys, size_t n, int timeout_ms,
    int backoff_ms, struct token **ret, struct jit_why *why)
{
	const struct token_config c = { .program = rig_program(),
	    .keys = keys, .n = n, .timeout_ms = timeout_ms,
	    .backoff_ms = backoff_ms };

	return token_start(&c, ret, why);
}

enum jit_err
rig_start(const char *module, const char *uri, const char *pin,
    int timeout_ms, int backoff_ms, struct token **ret, struct jit_why *why)
{
	JIT_DONE(secret_done) struct secret s = { NULL, 0, 0 };
	struct token_key k = { .name = "ca", .uri = uri, .module = module };

	if (pin != NULL) {
		JT_OK(secret_copy(&s, span_str(pin)));
		k.pin = &s;
	}
	return rig_start_keys(&k, 1, timeout_ms, backoff_ms, ret, why);
}

static void
init_token(const char *label)
{
	const char *const argv[] = { "softhsm2-util", "--init-token",
	    "--free", "--label", label, "--pin", RIG_PIN, "--so-pin",
	    "87654321", NULL };

	assert_int_equal(jt_run(argv, SPAN_NONE, NULL), 0);
}

void
rig_softhsm(void)
{
	char path[512], text[1024];
	const char *dir = jt_tmpdir();

	(void)snprintf(path, sizeof(path), "%s/softhsm2.conf", dir);
	(void)snprintf(text, sizeof(text), "directories.tokendir = %s\n"
	    "log.level = ERROR\n", dir);
	jt_write(path, span_str(text));
	assert_int_equal(setenv("SOFTHSM2_CONF", path, 1), 0);
	init_token("jit");
	init_token("other");
}

static void
check_der(const struct ssh_key *k, struct span data, struct span sig)
{
	JIT_SCOPED(EVP_MD_CTX_free) EVP_MD_CTX *c = EVP_MD_CTX_new();
	const char *md = ssh_key_type(k) == SSH_ED25519 ? NULL :
	    ssh_key_type(k) == SSH_ECDSA_P384 ? "SHA384" : "SHA256";

	assert_int_equal(EVP_DigestVerifyInit_ex(c, NULL, md, NULL, NULL,
	    ssh_key_evp(k), NULL), 1);
	assert_int_equal(EVP_DigestVerify(c, sig.p, sig.n, data.p, data.n),
	    1);
}

void
rig_check_sign(struct token *t, size_t i, struct span data)
{
	JIT_DONE(wr_done) struct wr ssh = WR_INIT(SSH_SIG_MAX);
	JIT_DONE(wr_done) struct wr der = WR_INIT(SSH_SIG_MAX);
	const struct ssh_key *k = token_public(t, i);
	struct jit_why why = { 0 };

	JT_WHY(token_sign_wait(t, i, FORM_SSH, data, rig_later(), &ssh, &why),
	    JIT_OK, &why);
	JT_OK(ssh_sig_verify(k, data, wr_view(&ssh), NULL, NULL));
	JT_WHY(token_sign_wait(t, i, FORM_X509, data, rig_later(), &der,
	    &why), JIT_OK, &why);
	check_der(k, data, wr_view(&der));
}

enum jit_err
rig_sign(struct token *t, size_t i, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(SSH_SIG_MAX);

	*why = (struct jit_why){ .code = JIT_OK };
	return token_sign_wait(t, i, FORM_SSH, span_str("some data"),
	    rig_later(), &w, why);
}
