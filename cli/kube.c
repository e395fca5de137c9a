/* kube - what kubectl says to a credential plugin, and what it is answered. */
#include <string.h>

#include <jansson.h>

#include "ca/base/text.h"
#include "cli/kube.h"

#define INFO_MAX (1u << 20)	/* bytes; holds a cluster's CA, perhaps */

static enum jit_err
check_version(const json_t *o, struct jit_why *why)
{
	const char *api = json_string_value(json_object_get(o, "apiVersion"));
	const char *kind = json_string_value(json_object_get(o, "kind"));
	char shown[TEXT_SHOWN];

	if (api == NULL || kind == NULL || strcmp(kind, "ExecCredential") !=
	    0)
		return jit_fail(why, JIT_E_FORMAT, "KUBERNETES_EXEC_INFO is "
		    "no ExecCredential");
	if (strcmp(api, KUBE_API) == 0)
		return JIT_OK;
	return jit_fail(why, JIT_E_PROTOCOL, "kubectl asks for %s, and "
	    "jit-cert speaks " KUBE_API ": write that as apiVersion under "
	    "users: user: exec: in the kubeconfig", text_shown(span_str(api),
	    shown, sizeof(shown)));
}

enum jit_err
kube_read(const char *info, bool *interactive, struct jit_why *why)
{
	const json_t *may;
	json_t *o;
	enum jit_err e;

	*interactive = true;
	if (info == NULL)
		return JIT_OK;
	o = strlen(info) > INFO_MAX ? NULL : json_loads(info,
	    JSON_REJECT_DUPLICATES, NULL);
	if (o == NULL)
		return jit_fail(why, JIT_E_FORMAT, "KUBERNETES_EXEC_INFO is "
		    "no JSON object");
	e = check_version(o, why);
	may = json_object_get(json_object_get(o, "spec"), "interactive");
	/* v1 always says it; who does not, has nobody to be asked. */
	*interactive = json_is_true(may);
	json_decref(o);
	return e;
}

/* ASCII of ours, PEM: nothing but line feeds needs escaping. */
static void
put_pem(struct wr *w, struct span pem)
{
	wr_u8(w, '"');
	for (size_t i = 0; i < pem.n; i++) {
		const uint8_t c = pem.p[i];

		if (c == '\n')
			wr_str(w, "\\n");
		else if (c < 0x20 || c > 0x7e || c == '"' || c == '\\')
			wr_fail(w, JIT_E_FORMAT);
		else
			wr_u8(w, c);
	}
	wr_u8(w, '"');
}

enum jit_err
kube_put(struct wr *w, const struct leaf *l)
{
	char until[UTC_TEXT];

	/* At l->until itself servers take it no more. */
	utc_text(l->until - 1, until);
	wr_fmt(w, "{\"apiVersion\":\"" KUBE_API "\",\"kind\":"
	    "\"ExecCredential\",\"status\":{\"expirationTimestamp\":\"%s\","
	    "\"clientCertificateData\":", until);
	put_pem(w, BUF_SPAN(l->chain));
	wr_str(w, ",\"clientKeyData\":");
	/* Not through jansson, whose memory is not wiped. */
	put_pem(w, SPAN(l->key.p, l->key.n));
	wr_str(w, "}}\n");
	return w->err;
}
