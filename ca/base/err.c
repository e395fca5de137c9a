#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ca/base/err.h"

struct row {
	const char *name, *sentence;
	int http, exit;
};

static const struct row rows[JIT_I_COUNT] = {
	{ "ok", "Done.", 200, 0 },
#define X(n, w, h, e, s) { w, s, h, e },
#include "ca/base/err.def"
#undef X
};

static const struct row *
row_of(enum jit_err e)
{
	static const struct row none = { "unknown", "Unknown error.", 500, 1 };
	int i = -(int)e;

	return i >= 0 && i < JIT_I_COUNT ? &rows[i] : &none;
}

enum jit_err
jit_fail(struct jit_why *why, enum jit_err code, const char *fmt, ...)
{
	va_list ap;

	if (why == NULL)
		return code;
	why->code = code;
	va_start(ap, fmt);
	if (vsnprintf(why->msg, sizeof(why->msg), fmt, ap) < 0)
		why->msg[0] = '\0';
	va_end(ap);
	return code;
}

enum jit_err
jit_at(struct jit_why *why, enum jit_err code, const char *fmt, ...)
{
	char old[sizeof(why->msg)];
	va_list ap;
	int n;

	if (why == NULL)
		return code;
	memcpy(old, why->msg, sizeof(old));
	va_start(ap, fmt);
	n = vsnprintf(why->msg, sizeof(why->msg), fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof(why->msg))
		(void)snprintf(why->msg + n, sizeof(why->msg) - (size_t)n,
		    ": %s", old[0] ? old : jit_err_sentence(code));
	why->code = code;
	return code;
}

const char *
jit_err_name(enum jit_err e)
{
	return row_of(e)->name;
}

enum jit_err
jit_err_from_name(const char *name)
{
	for (int i = 0; i < JIT_I_COUNT; i++)
		if (strcmp(rows[i].name, name) == 0)
			return (enum jit_err)-i;
	return JIT_E_PROTOCOL;
}

const char *
jit_err_sentence(enum jit_err e)
{
	return row_of(e)->sentence;
}

int
jit_err_http(enum jit_err e)
{
	return row_of(e)->http;
}

int
jit_err_exit(enum jit_err e)
{
	return row_of(e)->exit;
}

const char *
jit_why_text(const struct jit_why *why, enum jit_err e)
{
	return why != NULL && why->msg[0] ? why->msg : jit_err_sentence(e);
}
