/*
 * left: what taking a certificate back does not reach, word for word.
 */
#define _XOPEN_SOURCE 700
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/left.h"
#include "tests/lib/jt.h"

#define NOW ((utc_s)1795471200)		/* 2026-11-23T22:00:00Z */

struct row {
	const char *name;
	enum request_kind kind;
	const char *crl;
	bool listed;
	utc_s until;
	const char *want;
};
static const struct row rows[] = {
	{ "ssh", KIND_SSH_USER, "", true, NOW + 2940, "Servers refuse it at "
	    "log-in once they have the new KRL (RevokedKeys in sshd_config; "
	    "jit-cert ca --krl FILE fetches it); one without it lets it in "
	    "until 23:49 CET (22:49Z).\nA session that is open goes on: sshd "
	    "looks at log-in only. End it on the server.\n" },
	{ "x509 with a CRL", KIND_X509, "http://pki.example.com/crl", true,
	    NOW + 60, "Servers refuse it once they have loaded the new CRL "
	    "(http://pki.example.com/crl, or jit-cert ca --crl FILE); one "
	    "that checks none takes it until 23:01 CET (22:01Z).\nA "
	    "connection that is open goes on, and a TLS session is resumed "
	    "where the server does that. End them on the server.\n" },
	{ "x509 that expiry alone ends", KIND_X509, "", false, NOW + 7200,
	    "NOTHING TELLS SERVERS: its role says that expiry alone is enough "
	    "(no CRL). Wherever certificate and key were copied, they work "
	    "until 24 Nov 01:00 CET (00:00Z).\nA connection that is open goes "
	    "on, and a TLS session is resumed where the server does that. End "
	    "them on the server.\n" },
};

static void
tells(void **state)
{
	const struct row *r = *state;
	JIT_DONE(wr_done) struct wr w = WR_INIT(4096);
	JIT_DONE(buf_done) struct buf got = { NULL, 0 };
	const struct request q = { .kind = r->kind, .crl = span_str(r->crl) };

	assert_int_equal(left_is_listed(&q), r->listed);
	left_put(&w, &q, r->until, NOW);
	JT_OK(wr_take(&w, &got));
	assert_string_equal((const char *)got.p, r->want);
}

int
main(void)
{
	(void)setenv("TZ", "Europe/Berlin", 1);
	tzset();
	return JT_ROWS("tells", tells, rows);
}
