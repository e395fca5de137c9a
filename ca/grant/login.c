#include <string.h>

#include "ca/grant/login.h"

static bool
is_one_of(struct span s, const char *more)
{
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    (c == '\0' || strchr(more, c) == NULL))
			return false;
	}
	return s.n > 0;
}

/* "name:port", "192.0.2.1:port", "[2001:db8::1]:port"; lower case. */
static bool
is_server(struct span s)
{
	size_t colon = s.n;
	struct span host;
	uint64_t port;

	while (colon > 0 && s.p[colon - 1] != ':')
		colon--;
	if (colon < 2 || s.n > LOGIN_SERVER_MAX || uint_parse(SPAN(s.p +
	    colon, s.n - colon), 65535, &port) != JIT_OK || port == 0)
		return false;
	host = SPAN(s.p, colon - 1);
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		return is_one_of(SPAN(host.p + 1, host.n - 2), ":.");
	return is_one_of(host, ".-_");
}

static bool
is_nonce(struct span s)
{
	return s.n <= LOGIN_NONCE_MAX &&
	    is_one_of(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_");
}

static void
read_times(struct lines *l, struct login *r)
{
	r->at = lines_utc(l, "at");
	r->expires = lines_utc(l, "expires");
	if (l->err == JIT_OK && (r->expires <= r->at ||
	    r->expires - r->at > LOGIN_LIFE))
		lines_fail(l, JIT_E_FORMAT, "expires: accepted are 1 to %d "
		    "seconds after at", LOGIN_LIFE);
}

enum jit_err
login_parse(struct span text, struct login *ret, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr again = WR_INIT(LOGIN_MAX);
	struct login r = { 0 };
	struct lines l;

	if (text.n > LOGIN_MAX)
		return jit_fail(why, JIT_E_SIZE, "a log-in of %zu bytes, "
		    "accepted are at most %d", text.n, LOGIN_MAX);
	l = lines_open(text, "login", why);
	r.log = lines_ascii(&l, "log");
	r.server = lines_ascii(&l, "server");
	if (l.err == JIT_OK && !is_server(r.server))
		lines_fail(&l, JIT_E_FORMAT, "server: accepted is a name in "
		    "lower case, \":\", a port");
	lines_digest(&l, "tls", &r.tls);
	r.nonce = lines_ascii(&l, "nonce");
	if (l.err == JIT_OK && !is_nonce(r.nonce))
		lines_fail(&l, JIT_E_FORMAT, "nonce: accepted are 1 to %d "
		    "characters of base64url", LOGIN_NONCE_MAX);
	r.person = lines_name(&l, "person");
	read_times(&l, &r);
	JIT_TRY(lines_end(&l));
	login_put(&again, &r);
	JIT_TRY(lines_check_same(text, &again, why));
	*ret = r;
	return JIT_OK;
}

void
login_put(struct wr *w, const struct login *l)
{
	lines_put_head(w, "login");
	lines_put(w, "log", l->log);
	lines_put(w, "server", l->server);
	lines_put_digest(w, "tls", &l->tls);
	lines_put(w, "nonce", l->nonce);
	lines_put(w, "person", l->person);
	lines_put_utc(w, "at", l->at);
	lines_put_utc(w, "expires", l->expires);
}
