#include <string.h>
#include <strings.h>

#include "api/http/server_int.h"

/* Headers that may stand once only. */
static const char *const single[] = {
	"Content-Length", "Host", "Transfer-Encoding", "Authorization",
	"Content-Type", "Cookie"
};
#define N_SINGLE (sizeof(single) / sizeof(single[0]))
enum { AT_LENGTH = 0, AT_ENCODING = 2 };

struct walk {
	bool exact;		/* look at how it lies in memory */
	const char *end;	/* of what was seen so far */
	struct span value[N_SINGLE];
	bool there[N_SINGLE];
	enum jit_err e;
	struct jit_why *why;
};

/*
 * libmicrohttpd 0.9.75 makes one line of folded ones, takes a bare LF for an
 * end of line and a NUL for a byte like others, and tells nobody.  But it
 * parses in place: what it hands over lies in the head as the client sent it,
 * each line's CR and LF made two NULs.  So the head is walked from the
 * request line to the last header, and whoever does not begin right behind
 * its predecessor was not sent plainly.  Later versions refuse all this by
 * themselves, and may lay things out anew.
 */
static bool
lies_in_place(void)
{
	return strncmp(MHD_get_version(), "0.9.7", 5) == 0;
}

static enum jit_err
torn(struct jit_why *why)
{
	return jit_fail(why, JIT_E_FORMAT, "the head is not of plain lines: "
	    "CR LF behind each, no folded line, no NUL, single spaces in the "
	    "request line");
}

/* RFC 9110 section 5.6.2. */
static bool
is_token(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char c = s[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') ||
		    (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL)))
			return false;
	}
	return n > 0;
}

static bool
is_value(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (((unsigned char)s[i] < 0x20 && s[i] != '\t') ||
		    s[i] == 0x7f)
			return false;
	return true;
}

/* name, ":", white space, value, CR LF: right behind what came before. */
static bool
in_place(struct walk *w, const char *name, size_t n, const char *value,
    size_t n_value)
{
	const char *p = name + n + 1;

	if (name != w->end)
		return false;
	while (p < value && (*p == ' ' || *p == '\t'))
		p++;
	if (p != value || value[n_value] != '\0' || value[n_value + 1] != '\0')
		return false;
	w->end = value + n_value + 2;
	return true;
}

static enum jit_err
see(struct walk *w, const char *name, size_t n, const char *value,
    size_t n_value)
{
	char shown[TEXT_SHOWN];

	if (!is_token(name, n))
		return jit_fail(w->why, JIT_E_FORMAT, "\"%s\" is no name of a "
		    "header", text_shown(SPAN(name, n), shown, sizeof(shown)));
	if (!is_value(value, n_value))
		return jit_fail(w->why, JIT_E_FORMAT, "a header's value has "
		    "control characters");
	for (size_t i = 0; i < N_SINGLE; i++) {
		if (strcasecmp(name, single[i]) != 0)
			continue;
		if (w->there[i])
			return jit_fail(w->why, JIT_E_FORMAT,
			    "a second %s header", single[i]);
		w->there[i] = true;
		w->value[i] = SPAN(value, n_value);
	}
	if (w->exact && !in_place(w, name, n, value, n_value))
		return torn(w->why);
	return JIT_OK;
}

static enum MHD_Result
each(void *arg, enum MHD_ValueKind kind, const char *name, size_t n,
    const char *value, size_t n_value)
{
	struct walk *w = arg;

	(void)kind;
	w->e = see(w, name, n, value == NULL ? "" : value, n_value);
	return w->e == JIT_OK ? MHD_YES : MHD_NO;
}

static enum jit_err
check_headers(struct exchange *x, const char *method, struct walk *w)
{
	const union MHD_ConnectionInfo *info;

	(void)MHD_get_connection_values_n(x->conn->mhd, MHD_HEADER_KIND,
	    each, w);
	if (w->e != JIT_OK || !w->exact)
		return w->e;
	/* Behind the last header are two bytes more, the empty line. */
	info = MHD_get_connection_info(x->conn->mhd,
	    MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	return info != NULL &&
	    info->header_size == (size_t)(w->end - method) + 2 ? JIT_OK :
	    torn(w->why);
}

/* RFC 9112 section 6: where the body ends, in one way only. */
static enum jit_err
check_framing(const struct walk *w, uint64_t *length)
{
	struct span te = w->value[AT_ENCODING];

	*length = 0;
	if (w->there[AT_ENCODING] && w->there[AT_LENGTH])
		return jit_fail(w->why, JIT_E_FORMAT,
		    "Content-Length beside Transfer-Encoding");
	if (w->there[AT_ENCODING] && (te.n != 7 ||
	    strncasecmp((const char *)te.p, "chunked", 7) != 0))
		return jit_fail(w->why, JIT_E_FORMAT,
		    "a Transfer-Encoding other than chunked");
	if (w->there[AT_LENGTH] && uint_parse(w->value[AT_LENGTH],
	    INT64_MAX, length) != JIT_OK)
		return jit_fail(w->why, JIT_E_FORMAT,
		    "a Content-Length that is no plain number");
	return JIT_OK;
}

static enum jit_err
check_target(struct exchange *x, struct jit_why *why)
{
	JIT_DONE(query_done) struct query q = { 0 };
	struct span s = BUF_SPAN(x->target);
	const uint8_t *mark = s.n == 0 ? NULL : memchr(s.p, '?', s.n);
	struct path path;

	x->path = mark == NULL ? s.n : (size_t)(mark - s.p);
	if (s.n > TARGET_MAX)
		return jit_fail(why, JIT_E_SIZE,
		    "the target is longer than %d bytes", TARGET_MAX);
	JIT_TRY(path_parse(exchange_path(x), &path, why));
	return query_parse(exchange_query(x), &q, why);
}

static enum jit_err
check_version(struct exchange *x, const char *version, struct jit_why *why)
{
	x->old = strcmp(version, "HTTP/1.0") == 0;
	if (!x->old && strcmp(version, "HTTP/1.1") != 0)
		return jit_fail(why, JIT_E_PROTOCOL,
		    "HTTP/1.1 and HTTP/1.0 are spoken here");
	if (x->old)
		x->close = true;
	return JIT_OK;
}

static enum jit_err
check_method(struct exchange *x, const char *method, struct jit_why *why)
{
	static const enum method all[] = { METHOD_GET, METHOD_HEAD,
	    METHOD_POST, METHOD_DELETE };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(method, method_name(all[i])) == 0) {
			x->method = all[i];
			return JIT_OK;
		}
	return jit_fail(why, JIT_E_METHOD,
	    "GET, HEAD, POST and DELETE are accepted");
}

enum jit_err
head_check(struct exchange *x, const char *method, const char *url,
    const char *version, uint64_t *length, struct jit_why *why)
{
	struct walk w = { .exact = lies_in_place(), .why = why };

	if (w.exact && (url != method + strlen(method) + 1 ||
	    version != url + x->target.n + 1))
		return torn(why);
	w.end = version + strlen(version) + 2;
	JIT_TRY(check_version(x, version, why));
	JIT_TRY(check_method(x, method, why));
	JIT_TRY(check_target(x, why));
	JIT_TRY(check_headers(x, method, &w));
	return check_framing(&w, length);
}
