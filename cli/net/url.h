/*
 * url - where a jit-certd is: "https://host[:port]", and nothing else.
 *
 * Host: letters, digits, "-" and "." (written small), or an IPv6 address in
 * brackets.  A "/" at the end is cut off; user, path, query and fragment are
 * refused, as is http:.  Pure.
 */
#ifndef JIT_CLI_NET_URL_H
#define JIT_CLI_NET_URL_H

#include "ca/base/bytes.h"

#define URL_SERVER 262			/* name of 255, ":", a port, NUL */
#define URL_TEXT (URL_SERVER + 8)

struct url {
	char text[URL_TEXT];	/* "https://jit.example.com:8443" */
	char server[URL_SERVER];	/* "jit.example.com:8443", 443 too */
};

/* JIT_E_ARG: says what is accepted. */
enum jit_err url_parse(const char *s, struct url *ret, struct jit_why *why);
/* Is it meant as one, not as a profile's name? */
bool url_looks_so(const char *s);

#endif
