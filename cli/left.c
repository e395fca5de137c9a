/* left - what taking a certificate back does not reach. */
#include "cli/left.h"

bool
left_is_listed(const struct request *q)
{
	return q->kind == KIND_SSH_USER || q->crl.n > 0;
}

static void
put_ssh(struct wr *w, const char *until)
{
	wr_fmt(w, "Servers refuse it at log-in once they have the new KRL "
	    "(RevokedKeys in sshd_config; jit-cert ca --krl FILE fetches it); "
	    "one without it lets it in until %s.\n", until);
	wr_str(w, "A session that is open goes on: sshd looks at log-in only. "
	    "End it on the server.\n");
}

static void
put_x509(struct wr *w, const struct request *q, const char *until)
{
	if (q->crl.n > 0) {
		wr_str(w, "Servers refuse it once they have loaded the new "
		    "CRL (");
		wr_span(w, q->crl);
		wr_fmt(w, ", or jit-cert ca --crl FILE); one that checks none "
		    "takes it until %s.\n", until);
	} else {
		wr_fmt(w, "NOTHING TELLS SERVERS: its role says that expiry "
		    "alone is enough (no CRL). Wherever certificate and key "
		    "were copied, they work until %s.\n", until);
	}
	wr_str(w, "A connection that is open goes on, and a TLS session is "
	    "resumed where the server does that. End them on the server.\n");
}

void
left_put(struct wr *w, const struct request *q, utc_s until,
    utc_s now)
{
	char at[WHEN_TEXT];

	(void)when_text(WHEN_BOTH, until, now, at);
	if (q->kind == KIND_X509)
		put_x509(w, q, at);
	else
		put_ssh(w, at);
}
