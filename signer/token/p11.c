#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/base/text.h"
#include "signer/token/p11_int.h"

/* ---- what came back ---- */

enum kind { OTHER, PIN, LOST, CANNOT };

static const struct row {
	ck_rv_t rv;
	const char *name;
	enum kind kind;
	const char *words;
} rows[] = {
#define X(n, k, w) { CKR_##n, "CKR_" #n, k, w },
#include "signer/token/p11_ckr.def"
#undef X
};

enum jit_err
p11_rv(struct p11 *p, const char *doing, ck_rv_t rv, struct jit_why *why)
{
	static const enum jit_err code[] = { [OTHER] = JIT_E_TOKEN,
	    [PIN] = JIT_E_TOKENPIN, [LOST] = JIT_E_TOKEN,
	    [CANNOT] = JIT_E_KEYTYPE };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];

		if (r->rv != rv)
			continue;
		p->lost |= r->kind == LOST;
		return jit_fail(why, code[r->kind], "%s: %s%s%s%s", doing,
		    r->name, r->words[0] != '\0' ? " (" : "", r->words,
		    r->words[0] != '\0' ? ")" : "");
	}
	/* Whatever it is: begin anew. */
	p->lost = true;
	return jit_fail(why, JIT_E_TOKEN, "%s: the vendor's own error 0x%lx",
	    doing, rv);
}

bool
p11_is_lost(const struct p11 *p)
{
	return p->lost;
}

/* ---- may it be loaded? ---- */

/* Nobody but root and us can put another file in its place. */
static enum jit_err
check_folder(const char *path, struct jit_why *why)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return jit_fail(why, JIT_E_IO, "%s: %s", path,
		    strerror(errno));
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return jit_fail(why, JIT_E_OWNER, "%s: belongs to user %u; a "
		    "module is loaded only from folders of root or our own",
		    path, (unsigned)st.st_uid);
	if ((st.st_mode & 0022) != 0 && (st.st_mode & S_ISVTX) == 0)
		return jit_fail(why, JIT_E_MODE, "%s: can be changed by "
		    "others; a module is not loaded from below it", path);
	return JIT_OK;
}

static enum jit_err
check_folders(char *path, struct jit_why *why)
{
	JIT_TRY(check_folder("/", why));
	for (char *p = strchr(path + 1, '/'); p != NULL;
	    p = strchr(p + 1, '/')) {
		enum jit_err e;

		*p = '\0';
		e = check_folder(path, why);
		*p = '/';
		JIT_TRY(e);
	}
	return JIT_OK;
}

/* A hard link elsewhere is no harm: only the owner can write through it. */
static enum jit_err
check_file(const char *path, struct jit_why *why)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return jit_fail(why, JIT_E_TOKEN, "module %s: %s", path,
		    strerror(errno));
	if (!S_ISREG(st.st_mode))
		return jit_fail(why, JIT_E_TOKEN, "module %s: not a file",
		    path);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return jit_fail(why, JIT_E_OWNER, "module %s: belongs to user "
		    "%u; accepted are root's and our own", path,
		    (unsigned)st.st_uid);
	if ((st.st_mode & 0022) != 0)
		return jit_fail(why, JIT_E_MODE, "module %s: can be changed "
		    "by others", path);
	return JIT_OK;
}

enum jit_err
p11_check_module(const char *path, char *real, size_t size,
    struct jit_why *why)
{
	JIT_SCOPED(free) char *r = NULL;

	if (path[0] != '/')
		return jit_fail(why, JIT_E_ARG, "module \"%s\": accepted is "
		    "an absolute path", path);
	if ((r = realpath(path, NULL)) == NULL)
		return jit_fail(why, JIT_E_TOKEN, "module %s: %s", path,
		    strerror(errno));
	JIT_TRY(check_folders(r, why));
	JIT_TRY(check_file(r, why));
	if (strlen(r) >= size)
		return jit_fail(why, JIT_E_SIZE, "module %s: the path is too "
		    "long", path);
	memcpy(real, r, strlen(r) + 1);
	return JIT_OK;
}

/* ---- loading ---- */

static enum jit_err
dl_fail(const char *module, struct jit_why *why)
{
	const char *said = dlerror();
	char shown[256];

	return jit_fail(why, JIT_E_TOKEN, "module %s: %s", module,
	    text_shown(span_str(said == NULL ? "cannot be loaded" : said),
	    shown, sizeof(shown)));
}

static bool
is_complete(const struct ck_function_list *f)
{
	return f != NULL && (f->version.major == 2 ||
	    f->version.major == 3) &&
	    f->C_Initialize != NULL && f->C_Finalize != NULL &&
	    f->C_GetSlotList != NULL && f->C_GetTokenInfo != NULL &&
	    f->C_OpenSession != NULL && f->C_CloseSession != NULL &&
	    f->C_Login != NULL && f->C_FindObjectsInit != NULL &&
	    f->C_FindObjects != NULL && f->C_FindObjectsFinal != NULL &&
	    f->C_GetAttributeValue != NULL && f->C_SignInit != NULL &&
	    f->C_Sign != NULL && f->C_GenerateKeyPair != NULL;
}

static enum jit_err
load(struct p11 *p, const char *path, struct jit_why *why)
{
	CK_C_GetFunctionList get;
	void *symbol;
	ck_rv_t rv;

	if ((p->lib = dlopen(path, RTLD_NOW | RTLD_LOCAL)) == NULL)
		return dl_fail(path, why);
	if ((symbol = dlsym(p->lib, "C_GetFunctionList")) == NULL)
		return jit_fail(why, JIT_E_TOKEN, "module %s: no PKCS #11 "
		    "module, it has no C_GetFunctionList", path);
	/* ISO C has no cast from an object to a function. */
	memcpy(&get, &symbol, sizeof(get));
	if ((rv = get(&p->f)) != CKR_OK)
		return p11_rv(p, "C_GetFunctionList", rv, why);
	if (!is_complete(p->f))
		return jit_fail(why, JIT_E_TOKEN, "module %s: its list of "
		    "functions is not one of PKCS #11 2 or 3", path);
	return JIT_OK;
}

static enum jit_err
initialise(struct p11 *p, struct jit_why *why)
{
	struct ck_c_initialize_args args = { .flags = CKF_OS_LOCKING_OK };
	ck_rv_t rv = p->f->C_Initialize(&args);

	/* We have one thread, so without locks is as well. */
	if (rv == CKR_CANT_LOCK || rv == CKR_ARGUMENTS_BAD)
		rv = p->f->C_Initialize(NULL);
	if (rv != CKR_OK)
		return p11_rv(p, "C_Initialize", rv, why);
	p->initialised = true;
	return JIT_OK;
}

enum jit_err
p11_load(const char *module, struct p11 **ret, struct jit_why *why)
{
	JIT_SCOPED(p11_free) struct p11 *p = calloc(1, sizeof(*p));
	char path[PATH_MAX];

	if (p == NULL)
		return JIT_E_NOMEM;
	JIT_TRY(p11_check_module(module, path, sizeof(path), why));
	JIT_TRY(load(p, path, why));
	JIT_TRY(initialise(p, why));
	*ret = p;
	p = NULL;
	return JIT_OK;
}

void
p11_free(struct p11 *p)
{
	if (p == NULL)
		return;
	if (p->open)
		(void)p->f->C_CloseSession(p->session);
	if (p->initialised)
		(void)p->f->C_Finalize(NULL);
	free(p);
}

/* ---- which token ---- */

/* Fixed fields are filled up with blanks; some modules take NULs. */
static void
unpad(char *ret, const unsigned char *p, size_t n)
{
	while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\0'))
		n--;
	memcpy(ret, p, n);
	ret[n] = '\0';
}

static bool
is_meant(const struct uri *u, const struct p11_slot *s)
{
	const struct { const char *want, *have; } f[] = {
		{ u->token, s->token.label },
		{ u->manufacturer, s->token.manufacturer },
		{ u->model, s->token.model },
		{ u->serial, s->token.serial },
	};

	for (size_t i = 0; i < sizeof(f) / sizeof(f[0]); i++)
		if (f[i].want[0] != '\0' && strcmp(f[i].want, f[i].have) != 0)
			return false;
	return !u->has_slot || u->slot == s->id;
}

static enum jit_err
slot_ids(struct p11 *p, ck_slot_id_t *ids, unsigned long *n,
    struct jit_why *why)
{
	ck_rv_t rv = p->f->C_GetSlotList(1, NULL, n);

	if (rv == CKR_OK && *n > P11_SLOTS)
		return jit_fail(why, JIT_E_TOKEN, "C_GetSlotList: %lu tokens, "
		    "at most %d are looked at", *n, P11_SLOTS);
	if (rv == CKR_OK && *n > 0)
		rv = p->f->C_GetSlotList(1, ids, n);
	if (rv != CKR_OK)
		return p11_rv(p, "C_GetSlotList", rv, why);
	return *n <= P11_SLOTS ? JIT_OK : jit_fail(why, JIT_E_TOKEN,
	    "C_GetSlotList: grew while it was read");
}

enum jit_err
p11_slots(struct p11 *p, const struct uri *u,
    struct p11_slot ret[static P11_SLOTS], size_t *n, struct jit_why *why)
{
	ck_slot_id_t ids[P11_SLOTS];
	unsigned long count = 0;

	*n = 0;
	JIT_TRY(slot_ids(p, ids, &count, why));
	for (unsigned long i = 0; i < count; i++) {
		struct p11_slot *s = &ret[*n];
		struct ck_token_info info;

		memset(&info, 0, sizeof(info));
		/* One reader that fails is no reason to miss the others. */
		if (p->f->C_GetTokenInfo(ids[i], &info) != CKR_OK ||
		    (info.flags & CKF_TOKEN_INITIALIZED) == 0)
			continue;
		s->id = ids[i];
		s->flags = info.flags;
		unpad(s->token.label, info.label, sizeof(info.label));
		unpad(s->token.manufacturer, info.manufacturer_id,
		    sizeof(info.manufacturer_id));
		unpad(s->token.model, info.model, sizeof(info.model));
		unpad(s->token.serial, info.serial_number,
		    sizeof(info.serial_number));
		*n += is_meant(u, s);
	}
	return JIT_OK;
}

/* "jit" (serial 12ab), "other" (serial 34cd) */
static void
put_slots(struct wr *w, const struct p11_slot *s, size_t n)
{
	for (size_t i = 0; i < n && w->n < 200; i++) {
		wr_str(w, i > 0 ? ", \"" : "\"");
		text_escape(w, span_str(s[i].token.label), 40);
		wr_str(w, "\" (serial ");
		text_escape(w, span_str(s[i].token.serial), 20);
		wr_fmt(w, ", slot-id %lu)", s[i].id);
	}
	if (n == 0)
		wr_str(w, "none at all");
}

static enum jit_err
wrong_number(struct p11 *p, const struct p11_slot *s, size_t n,
    struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(1024);
	const struct uri any = { .object = "" };
	struct p11_slot all[P11_SLOTS];

	if (n == 0) {
		JIT_TRY(p11_slots(p, &any, all, &n, why));
		/* It may be plugged in later. */
		p->lost = true;
		put_slots(&w, all, n);
		wr_u8(&w, '\0');
		return jit_fail(why, JIT_E_TOKEN, "no such token; there is "
		    "%s", w.err == JIT_OK ? (const char *)w.p : "?");
	}
	put_slots(&w, s, n);
	wr_u8(&w, '\0');
	return jit_fail(why, JIT_E_TOKEN, "the URI names %zu tokens, it has "
	    "to be one (serial tells them apart): %s", n,
	    w.err == JIT_OK ? (const char *)w.p : "?");
}

/* ---- opening it ---- */

/* Not tried at all where it would lock, or cannot work. */
static enum jit_err
check_flags(ck_flags_t f, struct jit_why *why)
{
	if (f & CKF_USER_PIN_LOCKED)
		return jit_fail(why, JIT_E_TOKENPIN, "the token's PIN is "
		    "locked; unlock it with its own tools");
	if (f & CKF_USER_PIN_FINAL_TRY)
		return jit_fail(why, JIT_E_TOKENPIN, "one wrong PIN more "
		    "would lock the token: not tried.  Log in by hand with "
		    "the right one first (pkcs11-tool --login --test)");
	return JIT_OK;
}

/*
 * Did the token look at the PIN?  Only where the answer is surely "no" may it
 * be tried again: who counts wrong PINs may answer anything.
 */
static enum jit_err
judge(ck_rv_t rv)
{
	switch (rv) {
	case CKR_OK:
	case CKR_USER_ALREADY_LOGGED_IN:
		return JIT_OK;
	case CKR_DEVICE_REMOVED:
	case CKR_DEVICE_ERROR:
	case CKR_DEVICE_MEMORY:
	case CKR_HOST_MEMORY:
	case CKR_TOKEN_NOT_PRESENT:
	case CKR_TOKEN_NOT_RECOGNIZED:
	case CKR_SLOT_ID_INVALID:
	case CKR_SESSION_CLOSED:
	case CKR_SESSION_HANDLE_INVALID:
	case CKR_USER_ANOTHER_ALREADY_LOGGED_IN:
		return JIT_E_TOKEN;
	default:
		return JIT_E_TOKENPIN;
	}
}

static enum jit_err
log_in(struct p11 *p, const struct p11_slot *s, const struct p11_pin *pin,
    struct jit_why *why)
{
	JIT_DONE(secret_done) struct secret got = { NULL, 0, 0 };
	enum jit_err e = JIT_OK;
	ck_rv_t rv;

	if ((s->flags & CKF_LOGIN_REQUIRED) == 0)
		return JIT_OK;
	JIT_TRY(check_flags(s->flags, why));
	JIT_TRY(pin->get(pin->arg, &s->token, &got, why));
	rv = p->f->C_Login(p->session, CKU_USER, got.p, got.n);
	if (rv != CKR_OK && rv != CKR_USER_ALREADY_LOGGED_IN)
		e = p11_rv(p, "C_Login", rv, why);
	pin->said(pin->arg, judge(rv));
	return e;
}

enum jit_err
p11_open(struct p11 *p, const struct uri *u, const struct p11_pin *pin,
    struct jit_why *why)
{
	struct p11_slot s[P11_SLOTS];
	ck_rv_t rv;
	size_t n;

	JIT_TRY(p11_slots(p, u, s, &n, why));
	if (n != 1)
		return wrong_number(p, s, n, why);
	rv = p->f->C_OpenSession(s[0].id, CKF_SERIAL_SESSION, NULL, NULL,
	    &p->session);
	if (rv != CKR_OK)
		return p11_rv(p, "C_OpenSession", rv, why);
	p->open = true;
	p->slot = s[0].id;
	return log_in(p, &s[0], pin, why);
}
