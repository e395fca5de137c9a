#include <string.h>

#include "ca/grant/request.h"
#include "ca/ssh/opts.h"
#include "ca/x509/profile.h"

const char *
request_kind_name(enum request_kind k)
{
	static const char *const names[REQUEST_KINDS] = {
		[KIND_SSH_USER] = "ssh-user", [KIND_X509] = "x509",
	};

	return names[k];
}

static void
read_fixed(struct lines *l, const char *name, const char *only)
{
	struct span v = lines_value(l, name);
	char shown[48];

	if (l->err == JIT_OK && !span_eq_str(v, only))
		lines_fail(l, JIT_E_UNBUILT, "%s: found \"%s\", accepted is "
		    "\"%s\"", name, text_shown(v, shown, sizeof(shown)), only);
}

static enum request_kind
read_kind(struct lines *l)
{
	struct span v = lines_value(l, "kind");
	char shown[48];

	for (int k = 0; k < REQUEST_KINDS; k++)
		if (span_eq_str(v, request_kind_name((enum request_kind)k)))
			return (enum request_kind)k;
	if (l->err == JIT_OK)
		lines_fail(l, JIT_E_UNBUILT, "kind: found \"%s\", accepted is "
		    "ssh-user or x509", text_shown(v, shown, sizeof(shown)));
	return KIND_SSH_USER;
}

/* Split "a b" at its only space. */
static void
split(struct lines *l, const char *name, struct span *a, struct span *b)
{
	struct span v = lines_value(l, name);
	const uint8_t *sp = v.n ? memchr(v.p, ' ', v.n) : NULL;

	if (l->err != JIT_OK)
		return;
	if (sp == NULL || !text_is_ascii(v)) {
		lines_fail(l, JIT_E_FORMAT, "%s: accepted are two words", name);
		return;
	}
	*a = SPAN(v.p, (size_t)(sp - v.p));
	*b = SPAN(sp + 1, v.n - a->n - 1);
}

static bool
is_fingerprint(struct span s)
{
	static const char abc[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";

	if (s.n != SSH_FP_TEXT - 1 || memcmp(s.p, "SHA256:", 7) != 0)
		return false;
	for (size_t i = 7; i < s.n; i++)
		if (s.p[i] == 0 || strchr(abc, s.p[i]) == NULL)
			return false;
	return true;
}

static bool
is_key_type(struct span s)
{
	for (int t = 0; t < SSH_TYPES; t++)
		if (span_eq_str(s, ssh_type_name((enum ssh_type)t)))
			return true;
	return false;
}

/* "<account>.<host group>": two names, the second without a dot. */
static bool
is_principal(struct span s)
{
	size_t dot = s.n;

	while (dot > 0 && s.p[dot - 1] != '.')
		dot--;
	return dot > 0 && text_is_name(SPAN(s.p, dot - 1)) &&
	    text_is_name(SPAN(s.p + dot, s.n - dot));
}

static void
read_what(struct lines *l, struct request *r)
{
	struct span d = SPAN_NONE;

	split(l, "role", &r->role, &d);
	if (l->err == JIT_OK && (!text_is_name(r->role) ||
	    digest_parse(d, &r->role_digest) != JIT_OK))
		lines_fail(l, JIT_E_FORMAT, "role: accepted is a name and "
		    "sha256: with 64 hex digits");
	r->requester = lines_name(l, "requester");
	split(l, "certify", &r->certify_type, &r->certify);
	if (l->err == JIT_OK && (!is_key_type(r->certify_type) ||
	    !is_fingerprint(r->certify)))
		lines_fail(l, JIT_E_FORMAT, "certify: accepted is a key type "
		    "and its SHA256: fingerprint");
}

static void
read_ssh(struct lines *l, struct request *r)
{
	r->n_principals = lines_list(l, "principal", r->principals,
	    REQUEST_PRINCIPALS);
	if (l->err == JIT_OK && r->n_principals == 0)
		lines_fail(l, JIT_E_FORMAT, "a request without a principal");
	for (size_t i = 0; l->err == JIT_OK && i < r->n_principals; i++)
		if (!is_principal(r->principals[i]))
			lines_fail(l, JIT_E_FORMAT, "principal: accepted is "
			    "<account>.<host group>");
	r->n_options = lines_list(l, "option", r->options, REQUEST_OPTIONS);
	for (size_t i = 0; l->err == JIT_OK && i < r->n_options; i++) {
		struct jit_why why = { 0 };
		struct ssh_opt o;

		if (ssh_opt_parse(r->options[i], &o, &why) != JIT_OK)
			lines_fail(l, JIT_E_FORMAT, "option: %s", why.msg);
	}
}

void
request_san(const struct ulid *id, char ret[static REQUEST_SAN_TEXT])
{
	static const char urn[] = "URI:urn:jit:grant:";

	memcpy(ret, urn, sizeof(urn) - 1);
	memcpy(ret + sizeof(urn) - 1, id->s, ULID_LEN + 1);
}

bool
request_crl_ok(struct span s)
{
	static const char http[] = "http://", https[] = "https://";
	size_t host = s.n > 7 && memcmp(s.p, http, 7) == 0 ? 7 :
	    s.n > 8 && memcmp(s.p, https, 8) == 0 ? 8 : 0;

	if (host == 0 || s.n > REQUEST_CRL_MAX)
		return false;
	for (size_t i = host; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' ||
		    strchr("\"',<>\\^`{|}", s.p[i]) != NULL)
			return false;
	return true;
}

/* What the certificate will say is a certificate of that profile. */
static void
check_x509(struct lines *l, const struct request *r)
{
	const struct x509_profile *p = x509_profile_find(r->profile);
	char own[REQUEST_SAN_TEXT], shown[48];
	struct jit_why why = { 0 };
	size_t i = 0;

	if (p == NULL) {
		lines_fail(l, JIT_E_FORMAT, "profile: there is no \"%s\"",
		    text_shown(r->profile, shown, sizeof(shown)));
		return;
	}
	if (x509_profile_check(p, r->subject, r->n_subject, r->sans,
	    r->n_sans, &why) != JIT_OK)
		lines_fail(l, JIT_E_FORMAT, "%s", why.msg);
	request_san(&r->id, own);
	while (i < r->n_sans && !span_eq_str(r->sans[i], own))
		i++;
	if (i == r->n_sans)
		lines_fail(l, JIT_E_FORMAT, "san: %s is missing", own);
	if (r->crl.n > 0 && !request_crl_ok(r->crl))
		lines_fail(l, JIT_E_FORMAT, "crl: accepted is an http or "
		    "https URL of at most %d bytes, or -", REQUEST_CRL_MAX);
}

static void
read_x509(struct lines *l, struct request *r)
{
	r->profile = lines_name(l, "profile");
	r->n_subject = lines_list(l, "subject", r->subject, REQUEST_SUBJECT);
	r->n_sans = lines_list(l, "san", r->sans, REQUEST_SANS);
	r->crl = lines_plain(l, "crl", REQUEST_CRL_MAX);
	if (l->err == JIT_OK)
		check_x509(l, r);
}

static void
read_when(struct lines *l, struct request *r)
{
	r->created = lines_utc(l, "created");
	r->opens = lines_utc(l, "opens");
	r->closes = lines_utc(l, "closes");
	r->duration = lines_dur(l, "duration");
	if (l->err == JIT_OK && r->opens >= r->closes)
		lines_fail(l, JIT_E_WINDOW, "the window closes before it "
		    "opens");
	if (l->err == JIT_OK && r->duration > r->closes - r->opens)
		lines_fail(l, JIT_E_WINDOW, "the duration is longer than the "
		    "window");
}

enum jit_err
request_parse(struct span text, struct request *ret, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr again = WR_INIT(REQUEST_MAX);
	struct request r = { 0 };
	struct lines l;

	if (text.n > REQUEST_MAX)
		return jit_fail(why, JIT_E_SIZE, "a request of %zu bytes, "
		    "accepted are at most %d", text.n, REQUEST_MAX);
	l = lines_open(text, "request", why);
	r.log = lines_ascii(&l, "log");
	lines_ulid(&l, "id", &r.id);
	r.kind = read_kind(&l);
	read_fixed(&l, "mode", "normal");
	read_fixed(&l, "extends", "-");
	read_what(&l, &r);
	if (r.kind == KIND_X509)
		read_x509(&l, &r);
	else
		read_ssh(&l, &r);
	read_when(&l, &r);
	lines_digest(&l, "collect", &r.collect);
	r.reason = lines_plain(&l, "reason", REASON_MAX);
	JIT_TRY(lines_end(&l));
	request_put(&again, &r);
	JIT_TRY(lines_check_same(text, &again, why));
	*ret = r;
	return JIT_OK;
}

void
request_put(struct wr *w, const struct request *r)
{
	char d[DIGEST_TEXT];

	lines_put_head(w, "request");
	lines_put(w, "log", r->log);
	lines_put_str(w, "id", r->id.s);
	lines_put_str(w, "kind", request_kind_name(r->kind));
	lines_put_str(w, "mode", "normal");
	lines_put_str(w, "extends", "-");
	digest_text(&r->role_digest, d);
	wr_fmt(w, "role: %.*s %s\n", (int)r->role.n, (const char *)r->role.p,
	    d);
	lines_put(w, "requester", r->requester);
	wr_fmt(w, "certify: %.*s %.*s\n", (int)r->certify_type.n,
	    (const char *)r->certify_type.p, (int)r->certify.n,
	    (const char *)r->certify.p);
	if (r->kind == KIND_X509) {
		lines_put(w, "profile", r->profile);
		lines_put_list(w, "subject", r->subject, r->n_subject);
		lines_put_list(w, "san", r->sans, r->n_sans);
		lines_put(w, "crl", r->crl);
	} else {
		lines_put_list(w, "principal", r->principals,
		    r->n_principals);
		lines_put_list(w, "option", r->options, r->n_options);
	}
	lines_put_utc(w, "created", r->created);
	lines_put_utc(w, "opens", r->opens);
	lines_put_utc(w, "closes", r->closes);
	lines_put_dur(w, "duration", r->duration);
	lines_put_digest(w, "collect", &r->collect);
	lines_put(w, "reason", r->reason);
}

enum jit_err
request_put_key_id(struct wr *w, const struct request *r, struct span text)
{
	struct digest d;

	JIT_TRY(digest_sha256(text, &d));
	wr_fmt(w, "%.*s:%s:", (int)r->requester.n,
	    (const char *)r->requester.p, r->id.s);
	b64url_put(w, DIGEST_SPAN(d));
	return w->err;
}

bool
request_certifies(const struct request *r, const struct ssh_key *k)
{
	char fp[SSH_FP_TEXT];

	ssh_key_fingerprint(k, fp);
	return span_eq_str(r->certify_type, ssh_key_type_name(k)) &&
	    span_eq_str(r->certify, fp);
}
