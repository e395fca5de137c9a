/* lookup - a request by its id, or by the serial of its certificate. */
#include <string.h>

#include "cli/idmatch.h"
#include "cli/lookup.h"
#include "cli/scan.h"

/* A serial that is looked for, and whose it is. */
struct wanted {
	enum request_kind kind;
	uint8_t serial[ISSUED_SERIAL];
	struct ulid id;
	bool found;
};

/* Colons go, and zeros that were left out come back: 32 digits. */
static bool
as_hex(const char *typed, char ret[static 2 * ISSUED_SERIAL])
{
	const size_t all = 2 * ISSUED_SERIAL;
	size_t n = 0, digits = 0;

	for (const char *s = typed; *s != '\0'; s++)
		digits += *s != ':';
	if (digits == 0 || digits > all)
		return false;
	memset(ret, '0', all);
	for (const char *s = typed; *s != '\0'; s++)
		if (*s != ':')
			ret[all - digits + n++] = *s;
	return true;
}

enum jit_err
lookup_parse(const char *typed, enum request_kind *kind,
    uint8_t ret[static ISSUED_SERIAL])
{
	char hex[2 * ISSUED_SERIAL];

	if (issued_serial_parse(span_str(typed), kind, ret) == JIT_OK)
		return JIT_OK;
	/* Shorter than this, it is the end of an id. */
	if (strlen(typed) <= ULID_LEN || !as_hex(typed, hex))
		return JIT_E_FORMAT;
	return issued_serial_parse(SPAN(hex, sizeof(hex)), kind, ret);
}

enum jit_err
lookup_serial(const struct dossier *r, char ret[static ISSUED_SERIAL_TEXT],
    struct jit_why *why)
{
	JIT_DONE(issued_done) struct issued c = { .kind = KIND_SSH_USER };
	uint8_t serial[ISSUED_SERIAL];

	(void)memcpy(ret, "-", 2);
	if (!r->h.issued)
		return JIT_OK;
	JIT_TRY(issued_parse(r->issued.cert, &c, why));
	issued_serial(&c, serial);
	(void)issued_serial_text(c.kind, serial, ret);
	return JIT_OK;
}

/* ---- by its serial ---- */

static enum jit_err
look_at(void *arg, const struct dossier *r)
{
	JIT_DONE(issued_done) struct issued c = { .kind = KIND_SSH_USER };
	struct wanted *w = arg;
	uint8_t serial[ISSUED_SERIAL];

	/* What cannot be read is none that anybody could ask for so. */
	if (!r->h.issued || r->h.request->req.kind != w->kind ||
	    issued_parse(r->issued.cert, &c, NULL) != JIT_OK)
		return JIT_OK;
	issued_serial(&c, serial);
	if (memcmp(serial, w->serial, sizeof(serial)) != 0)
		return JIT_OK;
	w->id = r->id;
	w->found = true;
	return JIT_OK;
}

static enum jit_err
look_in_list(struct desk *d, struct wanted *w, struct jit_why *why)
{
	JIT_DONE(dossiers_done) struct dossiers l = { 0 };

	JIT_TRY(desk_list(d, &l, why));
	for (size_t i = 0; i < l.n && !w->found; i++)
		(void)look_at(w, l.v[i]);
	return JIT_OK;
}

static enum jit_err
look_in_log(struct desk *d, struct wanted *w, struct jit_why *why)
{
	enum jit_err e = scan_requests(d, 0, look_at, w, why);

	return e == JIT_E_FORBIDDEN ? scan_shown(d, look_at, w, why) : e;
}

/* ---- either ---- */

static enum jit_err
show(struct desk *d, const struct ulid *id, struct dossier **ret, utc_s *now,
    struct jit_why *why)
{
	JIT_TRY(session_show(d->s, id, ret, now, why));
	return desk_refresh(d, why);
}

/* It can be a serial; by_id is who has an id like it, or NULL. */
static enum jit_err
by_serial(struct desk *d, const char *typed, struct wanted *w,
    struct dossier **by_id, struct dossier **ret, utc_s *now,
    struct jit_why *why)
{
	JIT_TRY(look_in_list(d, w, why));
	if (*by_id != NULL) {
		if (w->found && strcmp((*by_id)->id.s, w->id.s) != 0)
			return jit_fail(why, JIT_E_ARG, "%s is the end of "
			    "request %s, and the serial of %s: type more of "
			    "the one that is meant", typed, (*by_id)->id.s,
			    w->id.s);
		*ret = *by_id;
		*by_id = NULL;
		return JIT_OK;
	}
	if (!w->found)
		JIT_TRY(look_in_log(d, w, why));
	if (!w->found)
		return jit_fail(why, JIT_E_UNKNOWN, "no request ends in %s, "
		    "and no certificate has that serial", typed);
	return show(d, &w->id, ret, now, why);
}

enum jit_err
lookup(struct desk *d, const char *typed, struct dossier **ret, utc_s *now,
    struct jit_why *why)
{
	JIT_SCOPED(dossier_free) struct dossier *by_id = NULL;
	struct wanted w = { .found = false };
	struct jit_why no = { 0 };
	enum jit_err e = desk_find(d, typed, &by_id, now, &no);

	/* Not when several ids end so: then none is meant for sure. */
	if (lookup_parse(typed, &w.kind, w.serial) == JIT_OK &&
	    (e == JIT_OK || e == JIT_E_UNKNOWN || (e == JIT_E_ARG &&
	    (strlen(typed) < ID_SHORT_MIN || strlen(typed) > ULID_LEN))))
		return by_serial(d, typed, &w, &by_id, ret, now, why);
	if (e != JIT_OK) {
		if (why != NULL)
			*why = no;
		return e;
	}
	*ret = by_id;
	by_id = NULL;
	return JIT_OK;
}
