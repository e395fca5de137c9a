#include <stdio.h>
#include <string.h>

#include "ca/base/text.h"
#include "cli/net/url.h"

#define HOST_MAX 255
#define HTTPS "https://"

static enum jit_err
refuse(struct jit_why *why, const char *s, const char *what)
{
	char shown[TEXT_SHOWN];

	return jit_fail(why, JIT_E_ARG, "\"%s\": %s; https://HOST[:PORT] is "
	    "accepted", text_shown(span_str(s), shown, sizeof(shown)), what);
}

bool
url_looks_so(const char *s)
{
	return strstr(s, "://") != NULL || strchr(s, ':') != NULL ||
	    strchr(s, '/') != NULL;
}

static bool
is_host_char(char c, bool v6)
{
	if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == '.')
		return true;
	return v6 ? c == ':' : (c >= 'g' && c <= 'z') || c == '-';
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Copy the host; *n is its length.  False: it is none. */
static bool
take_host(const char *s, char ret[static HOST_MAX + 1], size_t *n)
{
	bool v6 = s[0] == '[';
	size_t i = 0;

	if (v6)
		ret[i++] = '[';
	for (; i < HOST_MAX && is_host_char(lower(s[i]), v6); i++)
		ret[i] = lower(s[i]);
	if (v6 && (i < 3 || s[i] != ']' || i == HOST_MAX))
		return false;
	if (v6)
		ret[i++] = ']';
	ret[i] = '\0';
	*n = i;
	return i > 0 && ret[0] != '.' && ret[0] != '-';
}

enum jit_err
url_parse(const char *s, struct url *ret, struct jit_why *why)
{
	char host[HOST_MAX + 1] = "";
	const char *p = s + strlen(HTTPS);
	struct span port;
	uint64_t number = 443;
	size_t n = 0;

	if (strncmp(s, "http://", 7) == 0)
		return refuse(why, s, "http is readable for everybody "
		    "between, so it is not spoken");
	if (strncmp(s, HTTPS, strlen(HTTPS)) != 0)
		return refuse(why, s, "not an https address");
	if (!take_host(p, host, &n))
		return refuse(why, s, "no host name");
	p += n;
	port = SPAN(p, strcspn(p, "/"));
	if (port.n > 0 && (port.p[0] != ':' || uint_parse(SPAN(port.p + 1,
	    port.n - 1), 65535, &number) != JIT_OK || number == 0))
		return refuse(why, s, "neither a port nor the end behind the "
		    "host");
	if (p[port.n] != '\0' && strcmp(p + port.n, "/") != 0)
		return refuse(why, s, "a path behind the host");
	(void)snprintf(ret->server, sizeof(ret->server), "%s:%u", host,
	    (unsigned)number);
	if (number == 443)
		(void)snprintf(ret->text, sizeof(ret->text), HTTPS "%s",
		    host);
	else
		(void)snprintf(ret->text, sizeof(ret->text), HTTPS "%s:%u",
		    host, (unsigned)number);
	return JIT_OK;
}
