#include <stdio.h>
#include <string.h>

#include "ca/base/text.h"
#include "ca/grant/proof.h"

static const char *const names[PROOF_SETS] = {
	[PROOF_SSHSIG] = "sshsig",
	[PROOF_TOUCH] = "sshsig+touch",
	[PROOF_PIN] = "sshsig+pin",
};

static const char *const reserved[] = {
	"session", "webauthn+uv", "webauthn+uv+otp", "sshsig+otp",
	"sshsig+touch+otp", "sshsig+pin+otp",
};

enum jit_err
proof_parse(struct span s, enum proof_set *ret, struct jit_why *why)
{
	char shown[64];

	for (int i = 0; i < PROOF_SETS; i++)
		if (span_eq_str(s, names[i])) {
			*ret = (enum proof_set)i;
			return JIT_OK;
		}
	(void)text_shown(s, shown, sizeof(shown));
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (span_eq_str(s, reserved[i]))
			return jit_fail(why, JIT_E_UNBUILT, "proof \"%s\" is "
			    "not built yet", shown);
	return jit_fail(why, JIT_E_FORMAT, "found proof \"%s\", accepted are "
	    "sshsig, sshsig+touch, sshsig+pin", shown);
}

const char *
proof_name(enum proof_set p)
{
	return names[p];
}

const char *
proof_mask_text(unsigned mask, char ret[static 64])
{
	size_t n = 0;

	ret[0] = '\0';
	for (int i = 0; i < PROOF_SETS; i++)
		if (mask & 1u << i)
			n += (size_t)snprintf(ret + n, 64 - n, "%s%s",
			    n > 0 ? " or " : "", names[i]);
	return ret;
}

enum jit_err
proof_check(unsigned mask, const struct ssh_key *k,
    const struct ssh_sig_facts *facts, struct jit_why *why)
{
	bool sk = ssh_key_is_sk(k);
	bool touch = sk && (facts->flags & SSH_SK_UP);
	bool pin = touch && (facts->flags & SSH_SK_UV);
	char text[64];

	if ((mask & 1u << PROOF_SSHSIG) ||
	    ((mask & 1u << PROOF_TOUCH) && touch) ||
	    ((mask & 1u << PROOF_PIN) && pin))
		return JIT_OK;
	return jit_fail(why, JIT_E_PROOF, "signed by %s %s, accepted is %s",
	    ssh_key_type_name(k), !sk ? "without a security key" :
	    pin ? "with touch and PIN" : touch ? "with touch" :
	    "without touch", proof_mask_text(mask, text));
}
