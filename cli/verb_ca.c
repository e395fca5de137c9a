/* ca - the keys that servers trust, and what a server's files hold. */
#include <string.h>

#include "ca/grant/principals.h"
#include "ca/x509/crl.h"
#include "ca/x509/der.h"
#include "ca/x509/key.h"
#include "cli/desk.h"

static int
say_principals(struct desk *d, const char *host)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(1u << 20);
	struct jit_why why = { 0 };
	enum jit_err e = principals_put(&w, d->policy, span_str(host), &why);

	if (e != JIT_OK)
		return out_error(d->c, e, &why);
	out_json(d->c, json_pack("{s:s, s:o}", "host", host, "files",
	    out_json_span(wr_view(&w))));
	if (!d->c->out.json)
		out_bytes(d->c, wr_view(&w));
	return CLI_DONE;
}

/* ---- X.509: PEM for servers ---- */

static bool
is_put(const struct ca_keys *k, size_t i, size_t at)
{
	const struct buf *der = &k->v[i].chain[at];

	for (size_t j = 0; j <= i; j++)
		for (size_t c = 0; c < (j < i ? k->v[j].n_chain : at); c++)
			if (k->v[j].use == CA_X509 && span_eq(BUF_SPAN(
			    k->v[j].chain[c]), BUF_SPAN(*der)))
				return true;
	return false;
}

/* Every CA that is published with those above it, each once. */
static void
put_chains(struct wr *w, const struct ca_keys *k)
{
	for (size_t i = 0; i < k->n; i++)
		for (size_t c = 0; k->v[i].use == CA_X509 &&
		    c < k->v[i].n_chain; c++)
			if (!is_put(k, i, c))
				x509_put_pem(w, "CERTIFICATE",
				    BUF_SPAN(k->v[i].chain[c]));
}

static int
say_x509(struct desk *d, const struct ca_keys *k)
{
	JIT_DONE(wr_done) struct wr pem = WR_INIT(1u << 20);
	struct jit_why why = { 0 };

	put_chains(&pem, k);
	if (pem.err == JIT_OK && pem.n == 0)
		return out_error(d->c, jit_fail(&why, JIT_E_UNKNOWN, "this "
		    "signer has no X.509 CA"), &why);
	if (pem.err != JIT_OK)
		return out_error(d->c, pem.err, NULL);
	out_json(d->c, json_pack("{s:o}", "x509", out_json_span(
	    wr_view(&pem))));
	if (!d->c->out.json)
		out_bytes(d->c, wr_view(&pem));
	return CLI_DONE;
}

/* ---- what was taken back ---- */

static enum jit_err
write_list(struct desk *d, const char *name, const char *path,
    struct list_facts *facts, struct jit_why *why)
{
	JIT_DONE(buf_done) struct buf list = { NULL, 0 };
	JIT_DONE(wr_done) struct wr pem = WR_INIT(2 * X509_CRL_MAX);
	struct span s;

	JIT_TRY(session_list_of(d->s, name, &list, NULL, facts, why));
	s = BUF_SPAN(list);
	if (strcmp(name, PUBLISHED_KRL) != 0) {
		x509_put_pem(&pem, "X509 CRL", s);
		JIT_TRY(pem.err);
		s = wr_view(&pem);
	}
	/* A server's programs read it, under whatever user. */
	return sys_write_file(path, s, 0644, SYS_REPLACE, why);
}

static int
say_list(struct desk *d, const char *name, const char *path)
{
	struct list_facts f = { 0 };
	struct jit_why why = { 0 };
	char made[WHEN_TEXT], next[WHEN_TEXT];
	const utc_s now = cli_now(d->c);
	enum jit_err e = write_list(d, name, path, &f, &why);

	if (e != JIT_OK)
		return out_error(d->c, e, &why);
	out_say(d->c, "Written to %s, verified: %s %llu, made %s; take the "
	    "next by %s.\n", path, strcmp(name, PUBLISHED_KRL) == 0 ? "KRL" :
	    "CRL", (unsigned long long)f.number, when_text(WHEN_EXACT, f.made,
	    now, made), when_text(WHEN_BOTH, f.next, now, next));
	out_json(d->c, json_pack("{s:s, s:s, s:I, s:o, s:o}", "list", name,
	    "file", path, "number", (json_int_t)f.number, "made",
	    out_json_utc(f.made), "next", out_json_utc(f.next)));
	return CLI_DONE;
}

static int
say_crl(struct desk *d, const struct args *a)
{
	char name[PUBLISHED_NAME_MAX] = PUBLISHED_CRL;
	const char *of = args_get(a, OPT_CA_OF);
	struct jit_why why = { 0 };

	if (of != NULL && (size_t)snprintf(name, sizeof(name), "%s%s",
	    PUBLISHED_CRL_OF, of) >= sizeof(name))
		return out_error(d->c, jit_fail(&why, JIT_E_ARG, "--of: 40 "
		    "hex digits, as jit-cert ca prints them"), &why);
	return say_list(d, name, args_get(a, OPT_CA_CRL));
}

/* ---- all of them ---- */

/* The key id of an X.509 CA, "" for others. */
static void
key_id(const struct ca_key *k, char ret[static 2 * X509_SKI_LEN + 1])
{
	struct span ski = k->ca != NULL ? x509_ca_ski(k->ca) : SPAN_NONE;

	ret[0] = '\0';
	if (ski.n == X509_SKI_LEN)
		hex_text(ski, ret);
}

static json_t *
json_key(const struct ca_key *k, struct span line)
{
	char fp[SSH_FP_TEXT], ski[2 * X509_SKI_LEN + 1];
	json_t *o;

	ssh_key_fingerprint(k->key, fp);
	key_id(k, ski);
	o = json_pack("{s:s, s:s, s:s, s:o}", "use", ca_use_name(k->use),
	    "state", ca_state_name(k->state), "fingerprint", fp, "key",
	    out_json_span(line));
	if (o != NULL && k->ca != NULL) {
		(void)json_object_set_new(o, "key_id", json_string(ski));
		(void)json_object_set_new(o, "until",
		    out_json_utc(x509_ca_before(k->ca)));
	}
	return o;
}

static void
note_key(struct desk *d, const struct ca_key *k)
{
	char fp[SSH_FP_TEXT], ski[2 * X509_SKI_LEN + 1], until[WHEN_TEXT];

	ssh_key_fingerprint(k->key, fp);
	key_id(k, ski);
	if (k->ca == NULL)
		out_note(d->c, "  %s, %s: %s\n", ca_use_name(k->use),
		    ca_state_name(k->state), fp);
	else
		out_note(d->c, "  %s, %s: %s, key id %s, until %s\n",
		    ca_use_name(k->use), ca_state_name(k->state), fp, ski,
		    when_text(WHEN_DAY, x509_ca_before(k->ca), cli_now(d->c),
		    until));
}

/* Lines for TrustedUserCAKeys; *keys is a list of all. */
static enum jit_err
put_keys(struct desk *d, const struct ca_keys *k, struct wr *lines,
    json_t *keys)
{
	for (size_t i = 0; i < k->n; i++) {
		JIT_DONE(wr_done) struct wr line = WR_INIT(65536);

		ssh_key_put_line(&line, k->v[i].key,
		    session_log(d->s)->origin);
		JIT_TRY(line.err);
		(void)json_array_append_new(keys, json_key(&k->v[i],
		    wr_view(&line)));
		if (k->v[i].use != CA_SSH_USER)
			continue;
		wr_span(lines, wr_view(&line));
		wr_u8(lines, '\n');
	}
	return lines->err;
}

/* The active user CA's line, as it always stood there. */
static json_t *
json_user_ca(struct desk *d, const struct ca_keys *k)
{
	JIT_DONE(wr_done) struct wr line = WR_INIT(65536);
	const struct ca_key *ca = ca_keys_active(k, CA_SSH_USER);

	if (ca != NULL)
		ssh_key_put_line(&line, ca->key, session_log(d->s)->origin);
	return out_json_span(wr_view(&line));
}

static size_t
lines_in(struct span s)
{
	struct span line;
	size_t n = 0;

	while (span_take_line(&s, &line))
		n++;
	return n;
}

static int
say_all(struct desk *d, const struct ca_keys *k)
{
	JIT_DONE(wr_done) struct wr lines = WR_INIT(1u << 20);
	JIT_DONE(wr_done) struct wr vkey = WR_INIT(TLOG_VKEY_MAX);
	struct cli *c = d->c;
	json_t *keys = json_array();
	enum jit_err e = put_keys(d, k, &lines, keys);

	tlog_vkey_put(&vkey, session_log(d->s));
	if (e != JIT_OK || vkey.err != JIT_OK) {
		json_decref(keys);
		return out_error(c, JIT_E_NOMEM, NULL);
	}
	out_json(c, json_pack("{s:o, s:o, s:o}", "user_ca", json_user_ca(d,
	    k), "log", out_json_span(wr_view(&vkey)), "keys", keys));
	/* The lines alone on standard output: into a file as they are. */
	if (!c->out.json)
		out_bytes(c, wr_view(&lines));
	out_note(c, "%s into the file of sshd's TrustedUserCAKeys.\n",
	    lines_in(wr_view(&lines)) > 1 ? "These lines go" :
	    "That line goes");
	for (size_t i = 0; i < k->n; i++)
		note_key(d, &k->v[i]);
	if (ca_keys_active(k, CA_X509) != NULL)
		out_note(c, "What TLS servers trust: jit-cert ca --x509\n");
	out_note(c, "The log's key, for --pin: %.*s\n",
	    OUT_SPAN(wr_view(&vkey)));
	return CLI_DONE;
}

/* One answer at a time. */
static enum jit_err
check_args(const struct args *a, struct jit_why *why)
{
	const int n = args_has(a, OPT_PRINCIPALS) + args_has(a, OPT_CA_X509) +
	    args_has(a, OPT_CA_KRL) + args_has(a, OPT_CA_CRL);

	if (n > 1)
		return jit_fail(why, JIT_E_ARG, "one of --x509, --principals, "
		    "--krl and --crl at a time");
	return args_has(a, OPT_CA_OF) && !args_has(a, OPT_CA_CRL) ?
	    jit_fail(why, JIT_E_ARG, "--of goes with --crl") : JIT_OK;
}

int
verb_ca(struct cli *c, const struct args *a)
{
	JIT_DONE(desk_done) struct desk d = { 0 };
	const struct own_keys *own = NULL;
	struct jit_why why = { 0 };
	enum jit_err e;

	if ((e = check_args(a, &why)) != JIT_OK ||
	    (e = desk_open(&d, c, &why)) != JIT_OK)
		return out_error(c, e, &why);
	if (args_has(a, OPT_PRINCIPALS))
		return say_principals(&d, args_get(a, OPT_PRINCIPALS));
	if (args_has(a, OPT_CA_KRL))
		return say_list(&d, PUBLISHED_KRL, args_get(a, OPT_CA_KRL));
	if (args_has(a, OPT_CA_CRL))
		return say_crl(&d, a);
	if ((e = session_keys(d.s, &own, &why)) != JIT_OK)
		return out_error(c, e, &why);
	return args_has(a, OPT_CA_X509) ? say_x509(&d, own->ca) :
	    say_all(&d, own->ca);
}
