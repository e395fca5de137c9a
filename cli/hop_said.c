/* hop_said - what ssh had to say, and what we know better than it. */
#include <stdio.h>
#include <string.h>

#include "cli/hop_int.h"

static bool
says(struct span log, const char *what)
{
	size_t n = strlen(what);

	for (size_t i = 0; i + n <= log.n; i++)
		if (memcmp(log.p + i, what, n) == 0)
			return true;
	return false;
}

/* Lines that ssh would not have shown without -v. */
static bool
is_chatter(struct span line)
{
	static const char *const begins[] = {
		"debug1: ", "OpenSSH_", "Authenticated to ",
		"Transferred: ", "Bytes per second: ",
	};

	for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
		size_t n = strlen(begins[i]);

		if (line.n >= n && memcmp(line.p, begins[i], n) == 0)
			return true;
	}
	return false;
}

void
hop_pass_on(struct cli *c, struct span log)
{
	struct span line;

	while (span_take_line(&log, &line)) {
		while (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		if (line.n > 0 && !is_chatter(line))
			out_note(c, "%.*s\n", OUT_SPAN(line));
	}
}

/* A line of ssh's that begins so and names the certificate of that key? */
static bool
says_of_key(struct span log, const char *begin, const char *fp)
{
	struct span line;
	char cert[16 + SSH_FP_TEXT];
	size_t n = strlen(begin);

	(void)snprintf(cert, sizeof(cert), "-CERT %s", fp);
	while (span_take_line(&log, &line))
		if (line.n > n && memcmp(line.p, begin, n) == 0 &&
		    says(line, cert))
			return true;
	return false;
}

/* ssh had no way to the private key, or did not even try. */
static bool
explain_no_key(struct desk *d, const struct hop *h, const struct fetched *f,
    struct span log)
{
	char fp[SSH_FP_TEXT];

	ssh_key_fingerprint(ssh_cert_subject(f->cert), fp);
	if (!says_of_key(log, "debug1: Offering public key: ", fp))
		(void)out_outcome(d->c, "NO KEY", JIT_E_REFUSED, "ssh did not "
		    "offer the certificate (key %s). %s", fp, f->in_agent ?
		    "Is it in the agent (ssh-add -l)?" : "Its own words are "
		    "above.");
	else if (says_of_key(log, "debug1: Server accepts key: ", fp))
		(void)out_outcome(d->c, "NO KEY", JIT_E_REFUSED, "%.*s takes "
		    "the certificate, but %s did not sign with its key %s.",
		    OUT_SPAN(h->host->name), f->in_agent ? "ssh-agent" :
		    "ssh", fp);
	else
		return false;
	return true;
}

static void
explain_no(struct desk *d, const struct hop *h, const struct fetched *f)
{
	const struct ssh_cert_fields *cf = ssh_cert_fields(f->cert);
	char ca[SSH_FP_TEXT], left[WHEN_TEXT];
	long long off = (long long)d->ahead;

	ssh_key_fingerprint(ssh_cert_ca(f->cert), ca);
	(void)out_outcome(d->c, "SSHD NO", JIT_E_REFUSED, "Valid %s more, "
	    "clock %lld s off, key offered: so %.*s lacks CA %s or does not "
	    "list %.*s.%.*s for %.*s.\nOn %.*s: journalctl -u ssh -g %s",
	    when_dur(cf->before - desk_now(d), left), off < 0 ? -off : off,
	    OUT_SPAN(h->host->name), ca, OUT_SPAN(h->account),
	    OUT_SPAN(h->group), OUT_SPAN(h->account), OUT_SPAN(h->host->name),
	    desk_short(d, &f->id));
}

void
hop_explain(struct desk *d, const struct hop *h, const struct fetched *f,
    struct span log)
{
	const struct ssh_cert_fields *cf = ssh_cert_fields(f->cert);
	const utc_s now = desk_now(d);
	char at[WHEN_TEXT], ago[WHEN_TEXT];

	if (says(log, "Host key verification failed"))
		(void)out_outcome(d->c, "HOST KEY", JIT_E_VERIFY, "%.*s "
		    "answers with a key that the policy does not list for it: "
		    "another machine, or its key was changed. Nothing was "
		    "sent to it. Tell an admin.", OUT_SPAN(h->host->name));
	else if (!says(log, "Permission denied (") &&
	    !says(log, "Too many authentication failures"))
		return;
	else if (cf->before <= now)
		(void)out_outcome(d->c, "EXPIRED", JIT_E_EXPIRED, "Your "
		    "access ended %s (%s). Ask again: jit-cert request --like "
		    "%s", when_text(WHEN_SHORT, cf->before, now, at),
		    when_ago(cf->before, now, ago), desk_short(d, &f->id));
	else if (!explain_no_key(d, h, f, log))
		explain_no(d, h, f);
}
