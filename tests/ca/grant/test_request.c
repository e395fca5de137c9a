/* request: the frozen text, and every way of writing it otherwise. */
#define _GNU_SOURCE
#include <string.h>

#include "ca/grant/request.h"
#include "tests/lib/json.h"

/* By python3: base64url of hashlib.sha256(text). */
#define KEY_ID_DIGEST "4cK4dcgHpXG9NbuhfoGwbocHMhaoX0XIuxJOYEsG-xg"
#define HEX8 "9f9f9f9f"
#define HEX64 HEX8 HEX8 HEX8 HEX8 HEX8 HEX8 HEX8 HEX8
#define FP "SHA256:0pE0pE0pE0pE0pE0pE0pE0pE0pE0pE0pE0pE0pE0pE0"

/* The text of design and header: golden, never to be changed. */
static const char golden_ssh[] =
    "jit-cert request v1\n"
    "log: jit.example.com+3f1c9a07\n"
    "id: 01JDE0V5Y8M3T1K3ZJ6X4N9Q2B\n"
    "kind: ssh-user\n"
    "mode: normal\n"
    "extends: -\n"
    "role: prod-db sha256:" HEX64 "\n"
    "requester: alice\n"
    "certify: ssh-ed25519 " FP "\n"
    "principal: dba.prod-db\n"
    "option: permit-pty\n"
    "created: 2026-11-23T20:58:11Z\n"
    "opens: 2026-11-23T21:00:00Z\n"
    "closes: 2026-11-24T05:00:00Z\n"
    "duration: 45m\n"
    "collect: sha256:" HEX64 "\n"
    "reason: INC-4711 payments stuck\n";

/* The same for a certificate of X.509. */
static const char golden_x509[] =
    "jit-cert request v1\n"
    "log: jit.example.com+3f1c9a07\n"
    "id: 01JDE0V5Y8M3T1K3ZJ6X4N9Q2B\n"
    "kind: x509\n"
    "mode: normal\n"
    "extends: -\n"
    "role: pg-write sha256:" HEX64 "\n"
    "requester: alice\n"
    "certify: ecdsa-sha2-nistp256 " FP "\n"
    "profile: postgresql\n"
    "subject: CN=alice\n"
    "subject: O=app-write\n"
    "san: URI:urn:jit:grant:01JDE0V5Y8M3T1K3ZJ6X4N9Q2B\n"
    "san: email:alice@example.com\n"
    "crl: http://ca.example.com/crl\n"
    "created: 2026-11-23T20:58:11Z\n"
    "opens: 2026-11-23T21:00:00Z\n"
    "closes: 2026-11-24T05:00:00Z\n"
    "duration: 45m\n"
    "collect: sha256:" HEX64 "\n"
    "reason: INC-4711 payments stuck\n";

struct row {
	const char *name, *find, *put;
	enum jit_err want;
};

static const struct row rows[] = {
	{ "as it is", "alice", "alice", JIT_OK },
	{ "no option", "option: permit-pty\n", "", JIT_OK },
	{ "two principals", "principal: ", "principal: a.b\nprincipal: ",
	    JIT_OK },
	{ "umlaut in the reason", "stuck", "h\xc3\xa4ngen", JIT_OK },
	{ "no reason", "INC-4711 payments stuck", "-", JIT_OK },
	{ "an account with a dot", "dba.", "d.b.a.", JIT_OK },
	{ "another kind", "ssh-user", "ssh-host", JIT_E_UNBUILT },
	{ "another mode", "normal", "drill", JIT_E_UNBUILT },
	{ "extends", "extends: -", "extends: 01JDE0V5Y8M3T1K3ZJ6X4N9Q2B",
	    JIT_E_UNBUILT },
	{ "version 2", "request v1", "request v2", JIT_E_FORMAT },
	{ "another kind of text", "cert request", "cert decision",
	    JIT_E_FORMAT },
	{ "CR LF", "v1\n", "v1\r\n", JIT_E_FORMAT },
	{ "no last LF", "stuck\n", "stuck", JIT_E_FORMAT },
	{ "a line more", "stuck\n", "stuck\nmore: x\n", JIT_E_FORMAT },
	{ "an empty line", "stuck\n", "stuck\n\n", JIT_E_FORMAT },
	{ "fields swapped", "mode: normal\nextends: -\n",
	    "extends: -\nmode: normal\n", JIT_E_FORMAT },
	{ "a field missing", "mode: normal\n", "", JIT_E_FORMAT },
	{ "two spaces", "requester: ", "requester:  ", JIT_E_FORMAT },
	{ "trailing space (case 6)", "alice\n", "alice \n", JIT_E_FORMAT },
	{ "upper case (case 6)", "alice", "Alice", JIT_E_FORMAT },
	{ "e-mail (case 6)", "alice", "alice@example.com", JIT_E_FORMAT },
	{ "dotless i (case 6)", "alice", "al\xc4\xb1""ce", JIT_E_UTF8 },
	{ "id in lower case", "01JDE", "01jde", JIT_E_FORMAT },
	{ "upper-case digest", "9f9f", "9F9f", JIT_E_FORMAT },
	{ "role without digest", "prod-db sha256:" HEX64, "prod-db",
	    JIT_E_FORMAT },
	{ "fingerprint of MD5", "SHA256:", "MD5:", JIT_E_FORMAT },
	{ "certify an unknown type", "certify: ssh-ed25519",
	    "certify: ssh-dss", JIT_E_FORMAT },
	{ "certify a certificate (case 27)", "certify: ssh-ed25519",
	    "certify: ssh-ed25519-cert-v01@openssh.com", JIT_E_FORMAT },
	{ "no principal (case 24)", "principal: dba.prod-db\n", "",
	    JIT_E_FORMAT },
	{ "empty principal", "dba.prod-db", "", JIT_E_FORMAT },
	{ "wildcard (case 26)", "dba.prod-db", "*.prod-db", JIT_E_FORMAT },
	{ "comma (case 25)", "dba.prod-db", "dba.prod-db,root.x",
	    JIT_E_FORMAT },
	{ "no host group", "dba.prod-db", "dba", JIT_E_FORMAT },
	{ "principals not sorted", "principal: dba.prod-db\n",
	    "principal: dba.prod-db\nprincipal: a.b\n", JIT_E_CANON },
	{ "principal twice", "principal: dba.prod-db\n",
	    "principal: dba.prod-db\nprincipal: dba.prod-db\n", JIT_E_CANON },
	{ "unknown option (case 38)", "permit-pty", "permit-root",
	    JIT_E_FORMAT },
	{ "option with an empty value", "permit-pty", "permit-pty=",
	    JIT_E_FORMAT },
	{ "duration not in its largest unit", "45m", "2700s", JIT_E_FORMAT },
	{ "duration zero", "45m", "0m", JIT_E_FORMAT },
	{ "duration negative", "45m", "-45m", JIT_E_FORMAT },
	{ "duration longer than the window", "45m", "9h", JIT_E_WINDOW },
	{ "closes when it opens", "2026-11-24T05:00:00Z",
	    "2026-11-23T21:00:00Z", JIT_E_WINDOW },
	{ "31 November", "opens: 2026-11-23", "opens: 2026-11-31",
	    JIT_E_FORMAT },
	{ "an offset", "21:00:00Z", "21:00:00+00:00", JIT_E_FORMAT },
	{ "control in the reason (case 90)", "stuck", "\x1b[2J", JIT_E_UTF8 },
	{ "override in the reason", "stuck", "\xe2\x80\xae", JIT_E_UTF8 },
	{ "reason not UTF-8", "stuck", "\xff", JIT_E_UTF8 },
};

#define URN "san: URI:urn:jit:grant:01JDE0V5Y8M3T1K3ZJ6X4N9Q2B\n"
#define O8 "subject: O=a1\nsubject: O=a2\nsubject: O=a3\nsubject: O=a4\n" \
	"subject: O=a5\nsubject: O=a6\nsubject: O=a7\n"
#define URI8(x) "san: URI:x:" x "1\nsan: URI:x:" x "2\nsan: URI:x:" x	\
	"3\nsan: URI:x:" x "4\nsan: URI:x:" x "5\nsan: URI:x:" x "6\n"	\
	"san: URI:x:" x "7\n"
#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct row x509_rows[] = {
	{ "as it is", "alice", "alice", JIT_OK },
	{ "no O", "subject: O=app-write\n", "", JIT_OK },
	{ "eight O", "subject: O=", O8 "subject: O=", JIT_OK },
	{ "the id's SAN alone", "san: email:alice@example.com\n", "", JIT_OK },
	{ "sixteen SANs", "san: email", URI8("a") URI8("b") "san: email",
	    JIT_OK },
	{ "not revocable", "http://ca.example.com/crl", "-", JIT_OK },
	{ "a CRL by https", "http:", "https:", JIT_OK },
	{ "another kind", "x509", "x510", JIT_E_UNBUILT },
	{ "the other kind", "x509", "ssh-user", JIT_E_FORMAT },
	{ "a principal instead", "profile: postgresql\n",
	    "principal: dba.prod-db\n", JIT_E_FORMAT },
	{ "a principal as well", "profile:",
	    "principal: dba.prod-db\nprofile:", JIT_E_FORMAT },
	{ "a principal behind", "created:",
	    "principal: dba.prod-db\ncreated:", JIT_E_FORMAT },
	{ "an option", "created:", "option: permit-pty\ncreated:",
	    JIT_E_FORMAT },
	{ "no profile", "profile: postgresql\n", "", JIT_E_FORMAT },
	{ "an unknown profile", "postgresql", "oracle", JIT_E_FORMAT },
	{ "no subject", "subject: CN=alice\nsubject: O=app-write\n", "",
	    JIT_E_FORMAT },
	{ "no CN", "subject: CN=alice\n", "", JIT_E_FORMAT },
	{ "two CN", "subject: O=", "subject: CN=bob\nsubject: O=",
	    JIT_E_FORMAT },
	{ "an empty CN", "CN=alice", "CN=", JIT_E_FORMAT },
	{ "a CN of 64", "CN=alice", "CN=" A64, JIT_OK },
	{ "a CN of 65", "CN=alice", "CN=a" A64, JIT_E_FORMAT },
	{ "a CN that looks like more (case 45)", "CN=alice",
	    "CN=alice,O=admins", JIT_E_FORMAT },
	{ "a slash in the CN (case 45)", "CN=alice", "CN=alice/CN=root",
	    JIT_E_FORMAT },
	{ "a space in the CN", "CN=alice", "CN=al ice", JIT_E_FORMAT },
	{ "an umlaut in the CN", "CN=alice", "CN=\xc3\xa4lice", JIT_E_UTF8 },
	{ "another attribute", "O=app-write", "OU=app-write", JIT_E_FORMAT },
	{ "subject not sorted", "subject: CN=alice\nsubject: O=app-write\n",
	    "subject: O=app-write\nsubject: CN=alice\n", JIT_E_CANON },
	{ "an O twice", "subject: O=app-write\n",
	    "subject: O=app-write\nsubject: O=app-write\n", JIT_E_CANON },
	{ "nine O", "subject: O=", O8 "subject: O=a8\nsubject: O=",
	    JIT_E_SIZE },
	{ "no SAN", URN "san: email:alice@example.com\n", "",
	    JIT_E_FORMAT },
	{ "the id's SAN missing", URN, "", JIT_E_FORMAT },
	{ "another id's SAN", "san: URI:urn:jit:grant:01",
	    "san: URI:urn:jit:grant:02", JIT_E_FORMAT },
	{ "another id", "id: 01", "id: 02", JIT_E_FORMAT },
	{ "the id's SAN in lower case", "grant:01JDE", "grant:01jde",
	    JIT_E_FORMAT },
	{ "SANs not sorted", URN "san: email:alice@example.com\n",
	    "san: email:alice@example.com\n" URN, JIT_E_CANON },
	{ "a SAN twice", URN, URN URN, JIT_E_CANON },
	{ "seventeen SANs", "san: email", URI8("a") URI8("b")
	    "san: URI:x:c\nsan: email", JIT_E_SIZE },
	{ "a SAN of no kind", "san: email:alice", "san: x400:alice",
	    JIT_E_FORMAT },
	{ "a SAN that the profile has not", URN,
	    "san: DNS:db1.example.com\n" URN, JIT_E_FORMAT },
	{ "a mail without a host", "alice@example.com", "alice",
	    JIT_E_FORMAT },
	{ "no crl line", "crl: http://ca.example.com/crl\n", "",
	    JIT_E_FORMAT },
	{ "two crl lines", "created:",
	    "crl: http://ca.example.com/crl\ncreated:", JIT_E_FORMAT },
	{ "an empty crl", "http://ca.example.com/crl", "", JIT_E_FORMAT },
	{ "a crl of ldap", "http:", "ldap:", JIT_E_FORMAT },
	{ "a crl of file", "http://ca.example.com/crl", "file:///etc/passwd",
	    JIT_E_FORMAT },
	{ "a crl without a host", "http://ca.example.com/crl", "http://",
	    JIT_E_FORMAT },
	{ "a crl with a space", "com/crl", "com/a crl", JIT_E_FORMAT },
	{ "a crl with a quote", "com/crl", "com/\"crl", JIT_E_FORMAT },
	{ "a crl with a comma", "com/crl", "com/a,b", JIT_E_FORMAT },
	{ "a crl of 256 bytes", "com/crl", "com/" A64 A64 A64
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", JIT_OK },
	{ "a crl of 257 bytes", "com/crl", "com/" A64 A64 A64
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", JIT_E_SIZE },
	{ "crl before the SANs", URN, "crl: -\n" URN, JIT_E_FORMAT },
};

static const char *text_of_row;		/* which golden_ssh text */

static void
row(void **state)
{
	const struct row *r = *state;
	JIT_DONE(wr_done) struct wr w = WR_INIT(8192), again = WR_INIT(8192);
	const char *all = text_of_row, *at = strstr(all, r->find);
	struct jit_why why = { 0 };
	struct request q;

	assert_non_null(at);
	wr_raw(&w, all, (size_t)(at - all));
	wr_str(&w, r->put);
	wr_str(&w, at + strlen(r->find));
	JT_WHY(request_parse(wr_view(&w), &q, &why), r->want, &why);
	if (r->want != JIT_OK) {
		assert_true(why.msg[0] != '\0');
		return;
	}
	request_put(&again, &q);
	assert_true(span_eq(wr_view(&w), wr_view(&again)));
}

static void
sizes(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(16384);
	struct request q;

	(void)state;
	for (size_t n = REASON_MAX; n <= REASON_MAX + 1; n++) {
		wr_done(&w);
		wr_raw(&w, golden_ssh, (size_t)(strstr(golden_ssh, "INC") - golden_ssh));
		for (size_t i = 0; i < n; i++)
			wr_u8(&w, 'x');
		wr_u8(&w, '\n');
		JT_ERR(request_parse(wr_view(&w), &q, NULL),
		    n > REASON_MAX ? JIT_E_SIZE : JIT_OK);
	}
	for (size_t i = w.n; i <= REQUEST_MAX; i++)
		wr_u8(&w, 'x');
	JT_ERR(request_parse(wr_view(&w), &q, NULL), JIT_E_SIZE);
}

static void
again_or_refused(void *arg, struct span s)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(8192);
	struct request q;

	(void)arg;
	if (request_parse(s, &q, NULL) != JIT_OK)
		return;
	request_put(&w, &q);
	assert_true(span_eq(wr_view(&w), s));
}

static void
flipped(void **state)
{
	(void)state;
	jt_flip_truncate(span_str(golden_ssh), again_or_refused, NULL);
	jt_flip_truncate(span_str(golden_x509), again_or_refused, NULL);
}

/* Naughty strings as reason: taken as they are, or refused with a place. */
static void
naughty(void **state)
{
	json_t *list = jt_json(jt_vectors("strings/blns.json")), *v;
	size_t i, taken = 0;

	(void)state;
	json_array_foreach(list, i, v) {
		JIT_DONE(wr_done) struct wr w = WR_INIT(65536);
		struct jit_why why = { 0 };
		struct request q;

		wr_raw(&w, golden_ssh, (size_t)(strstr(golden_ssh, "INC") - golden_ssh));
		wr_str(&w, json_string_value(v));
		wr_u8(&w, '\n');
		if (request_parse(wr_view(&w), &q, &why) != JIT_OK) {
			assert_true(why.msg[0] != '\0');
			continue;
		}
		taken++;
		JT_OK(text_check_plain(q.reason, NULL));
	}
	json_decref(list);
	assert_true(taken > 200);
}

static void
key_id(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(200);
	struct request q;

	(void)state;
	JT_OK(request_parse(span_str(golden_ssh), &q, NULL));
	JT_OK(request_put_key_id(&w, &q, span_str(golden_ssh)));
	assert_true(span_eq_str(wr_view(&w), "alice:"
	    "01JDE0V5Y8M3T1K3ZJ6X4N9Q2B:" KEY_ID_DIGEST));
}

/* Field by field, as the text has it. */
static void
x509(void **state)
{
	struct request q;

	(void)state;
	JT_OK(request_parse(span_str(golden_x509), &q, NULL));
	assert_true(q.kind == KIND_X509 && q.n_principals == 0 &&
	    q.n_options == 0);
	assert_true(span_eq_str(q.profile, "postgresql"));
	assert_true(q.n_subject == 2 &&
	    span_eq_str(q.subject[0], "CN=alice") &&
	    span_eq_str(q.subject[1], "O=app-write"));
	assert_true(q.n_sans == 2 && span_eq_str(q.sans[1],
	    "email:alice@example.com"));
	assert_true(span_eq_str(q.crl, "http://ca.example.com/crl"));
}

int
main(void)
{
	int bad;

	text_of_row = golden_x509;
	bad = JT_ROWS("x509 rows", row, x509_rows) + jt_one("x509", x509);
	text_of_row = golden_ssh;
	return bad + JT_ROWS("rows", row, rows) + jt_one("sizes", sizes) +
	    jt_one("flipped", flipped) + jt_one("key id", key_id) +
	    jt_one("naughty strings", naughty);
}
