/*
 * fake_p11 - a PKCS #11 module that misbehaves as it is told.
 *
 * One P-256 key, in software.  The folder that YKCS11_FAKE names (a variable
 * that the helper lets in) holds it as "key.pem", another as "other.pem", and
 * "orders", lines that are read at each call that has one:
 *
 *	hang-init, crash-init     in C_Initialize
 *	hang-login, crash-login   in C_Login
 *	wrong-pin                 C_Login: CKR_PIN_INCORRECT
 *	strange-pin               C_Login: CKR_GENERAL_ERROR
 *	pulled-login              C_Login: CKR_DEVICE_REMOVED
 *	final-try, locked         flags of the token
 *	hang, crash, quit         in C_Sign
 *	lie                       C_Sign: another key's signature
 *	short, long               C_Sign: of a wrong length
 *	pulled N                  C_Sign: CKR_DEVICE_REMOVED at the Nth call
 *	                          of this process
 *	slow                      C_Sign: 50 ms
 *	two                       two keys match
 *	none                      no slot has a token
 *	always                    the key wants its PIN each time
 *	many                      C_FindObjects says more than was asked for
 *
 * "spy" names a file that it tries to open, "spied" says what could be done.
 * "logins" gets a byte a C_Login, "pids" a line and "env" the environment
 * at each C_Initialize.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#define CRYPTOKI_GNU 1
#include <p11-kit/pkcs11.h>

extern char **environ;

static EVP_PKEY *key, *other;
static unsigned signs;
static unsigned long found;
static ck_object_class_t class_wanted;

static const char *
path_of(const char *name)
{
	static char path[512];
	const char *dir = getenv("YKCS11_FAKE");

	(void)snprintf(path, sizeof(path), "%s/%s", dir != NULL ? dir : "/",
	    name);
	return path;
}

/* Is it among the orders?  Its number, if it has one, into *n. */
static int
ordered(const char *what, unsigned *n)
{
	char line[64];
	FILE *f = fopen(path_of("orders"), "re");
	int yes = 0;

	while (f != NULL && !yes && fgets(line, sizeof(line), f) != NULL) {
		char *sp;

		line[strcspn(line, "\n")] = '\0';
		if ((sp = strchr(line, ' ')) != NULL)
			*sp++ = '\0';
		yes = strcmp(line, what) == 0;
		if (yes && n != NULL && sp != NULL)
			*n = (unsigned)strtoul(sp, NULL, 10);
	}
	if (f != NULL)
		(void)fclose(f);
	return yes;
}

static void
count(const char *name, const char *text)
{
	int fd = open(path_of(name), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
	    0600);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		abort();
	(void)close(fd);
}

static void
misbehave(const char *hang, const char *crash)
{
	if (ordered(hang, NULL))
		for (;;)
			(void)pause();
	if (ordered(crash, NULL)) {
		(void)signal(SIGSEGV, SIG_DFL);
		(void)raise(SIGSEGV);
	}
}

static EVP_PKEY *
load_key(const char *name)
{
	FILE *f = fopen(path_of(name), "re");
	EVP_PKEY *k = f == NULL ? NULL :
	    PEM_read_PrivateKey(f, NULL, NULL, NULL);

	if (k == NULL)
		abort();
	(void)fclose(f);
	return k;
}

/* What could we do?  "+" each: open the file, open one beside it, send our
 * parent's parent a signal, start a program. */
static void
spy(void)
{
	char target[512] = "";
	FILE *f = fopen(path_of("spy"), "re");
	int fd;
	pid_t pid;

	if (f == NULL)
		return;
	if (fgets(target, sizeof(target), f) == NULL)
		abort();
	(void)fclose(f);
	fd = open(target, O_RDONLY | O_CLOEXEC);
	count("spied", fd >= 0 ? "+" : "-");
	fd = open(path_of("key.pem"), O_RDONLY | O_CLOEXEC);
	count("spied", fd >= 0 ? "+" : "-");
	count("spied", kill(getppid(), 0) == 0 ? "+" : "-");
	if ((pid = fork()) == 0) {
		(void)execl("/bin/true", "true", (char *)NULL);
		_exit(9);
	}
	(void)waitpid(pid, &fd, 0);
	count("spied", WIFEXITED(fd) && WEXITSTATUS(fd) == 0 ? "+" : "-");
}

static ck_rv_t
initialize(void *args)
{
	char pid[32];

	(void)args;
	(void)snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
	count("pids", pid);
	for (char **v = environ; *v != NULL; v++) {
		count("env", *v);
		count("env", "\n");
	}
	spy();
	misbehave("hang-init", "crash-init");
	key = load_key("key.pem");
	other = load_key("other.pem");
	return CKR_OK;
}

static ck_rv_t
finalize(void *args)
{
	(void)args;
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
	return CKR_OK;
}

static ck_rv_t
get_slot_list(unsigned char present, ck_slot_id_t *list, unsigned long *n)
{
	(void)present;
	*n = ordered("none", NULL) ? 0 : 1;
	if (list != NULL && *n == 1)
		list[0] = 5;
	return CKR_OK;
}

static void
pad(unsigned char *to, const char *s, size_t n)
{
	memset(to, ' ', n);
	memcpy(to, s, strlen(s));
}

static ck_rv_t
get_token_info(ck_slot_id_t slot, struct ck_token_info *i)
{
	const char *label = getenv("YKCS11_FAKE_LABEL");

	(void)slot;
	memset(i, 0, sizeof(*i));
	pad(i->label, label != NULL ? label : "fake", sizeof(i->label));
	pad(i->manufacturer_id, "nobody", sizeof(i->manufacturer_id));
	pad(i->model, "none", sizeof(i->model));
	pad(i->serial_number, "1", sizeof(i->serial_number));
	i->flags = CKF_TOKEN_INITIALIZED | CKF_LOGIN_REQUIRED |
	    CKF_USER_PIN_INITIALIZED;
	if (ordered("final-try", NULL))
		i->flags |= CKF_USER_PIN_FINAL_TRY;
	if (ordered("locked", NULL))
		i->flags |= CKF_USER_PIN_LOCKED;
	return CKR_OK;
}

static ck_rv_t
open_session(ck_slot_id_t slot, ck_flags_t flags, void *app,
    ck_notify_t notify, ck_session_handle_t *s)
{
	(void)slot;
	(void)flags;
	(void)app;
	(void)notify;
	*s = 9;
	return CKR_OK;
}

static ck_rv_t
close_session(ck_session_handle_t s)
{
	(void)s;
	return CKR_OK;
}

static ck_rv_t
login(ck_session_handle_t s, ck_user_type_t user, unsigned char *pin,
    unsigned long n)
{
	(void)s;
	(void)user;
	count("logins", "l");
	misbehave("hang-login", "crash-login");
	if (ordered("strange-pin", NULL))
		return CKR_GENERAL_ERROR;
	if (ordered("pulled-login", NULL))
		return CKR_DEVICE_REMOVED;
	return ordered("wrong-pin", NULL) || n != 4 ||
	    memcmp(pin, "1234", 4) != 0 ? CKR_PIN_INCORRECT : CKR_OK;
}

static ck_rv_t
find_init(ck_session_handle_t s, struct ck_attribute *t, unsigned long n)
{
	(void)s;
	class_wanted = CKO_PRIVATE_KEY;
	for (unsigned long i = 0; i < n; i++)
		if (t[i].type == CKA_CLASS)
			memcpy(&class_wanted, t[i].value,
			    sizeof(class_wanted));
	found = 0;
	return CKR_OK;
}

static ck_rv_t
find(ck_session_handle_t s, ck_object_handle_t *h, unsigned long max,
    unsigned long *n)
{
	unsigned long all = ordered("two", NULL) ? 2 : 1;

	(void)s;
	*n = 0;
	while (found < all && *n < max)
		h[(*n)++] = (class_wanted == CKO_PRIVATE_KEY ? 100u : 200u) +
		    found++;
	if (ordered("many", NULL))
		*n = 1000000;
	return CKR_OK;
}

static ck_rv_t
find_final(ck_session_handle_t s)
{
	(void)s;
	return CKR_OK;
}

static ck_rv_t
give(struct ck_attribute *a, const void *p, unsigned long n)
{
	if (a->value == NULL || a->value_len < n) {
		a->value_len = n;
		return CKR_BUFFER_TOO_SMALL;
	}
	memcpy(a->value, p, n);
	a->value_len = n;
	return CKR_OK;
}

static ck_rv_t
get_attribute(ck_session_handle_t s, ck_object_handle_t o,
    struct ck_attribute *a, unsigned long n)
{
	static const unsigned char params[] = { 0x06, 0x08, 0x2a, 0x86, 0x48,
	    0xce, 0x3d, 0x03, 0x01, 0x07 };
	const unsigned long type = CKK_EC;
	unsigned char point[65], yes = 1, id = (unsigned char)(o % 100 + 1);
	size_t len = 0;

	(void)s;
	(void)n;
	switch (a->type) {
	case CKA_LABEL:
		return give(a, "ca", 2);
	case CKA_ID:
		return give(a, &id, 1);
	case CKA_KEY_TYPE:
		return give(a, &type, sizeof(type));
	case CKA_EC_PARAMS:
		return give(a, params, sizeof(params));
	case CKA_EC_POINT:
		/* Bare, as some tokens have it. */
		EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY,
		    point, sizeof(point), &len);
		return give(a, point, len);
	case CKA_ALWAYS_AUTHENTICATE:
		if (ordered("always", NULL))
			return give(a, &yes, 1);
	}
	a->value_len = (unsigned long)-1;
	return CKR_ATTRIBUTE_TYPE_INVALID;
}

static ck_rv_t
sign_init(ck_session_handle_t s, struct ck_mechanism *m, ck_object_handle_t k)
{
	(void)s;
	(void)k;
	return m->mechanism == CKM_ECDSA ? CKR_OK : CKR_MECHANISM_INVALID;
}

static void
make_signature(EVP_PKEY *k, unsigned char *data, size_t n,
    unsigned char *out)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(k, NULL);
	unsigned char der[128];
	const unsigned char *p = der;
	size_t len = sizeof(der);
	ECDSA_SIG *sig;

	if (EVP_PKEY_sign_init(c) != 1 ||
	    EVP_PKEY_sign(c, der, &len, data, n) != 1 ||
	    (sig = d2i_ECDSA_SIG(NULL, &p, (long)len)) == NULL)
		abort();
	BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, 32);
	BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + 32, 32);
	ECDSA_SIG_free(sig);
	EVP_PKEY_CTX_free(c);
}

static ck_rv_t
sign(ck_session_handle_t s, unsigned char *data, unsigned long n,
    unsigned char *out, unsigned long *out_n)
{
	unsigned at = 0;

	(void)s;
	misbehave("hang", "crash");
	if (ordered("quit", NULL))
		_exit(3);
	if (ordered("pulled", &at) && ++signs >= at)
		return CKR_DEVICE_REMOVED;
	if (ordered("slow", NULL))
		(void)usleep(50000);
	make_signature(ordered("lie", NULL) ? other : key, data, n, out);
	*out_n = ordered("short", NULL) ? 10 : ordered("long", NULL) ?
	    1000000 : 64;
	return CKR_OK;
}

static ck_rv_t
generate(ck_session_handle_t s, struct ck_mechanism *m,
    struct ck_attribute *pub, unsigned long n_pub, struct ck_attribute *priv,
    unsigned long n_priv, ck_object_handle_t *h, ck_object_handle_t *k)
{
	(void)s;
	(void)m;
	(void)pub;
	(void)n_pub;
	(void)priv;
	(void)n_priv;
	(void)h;
	(void)k;
	return CKR_FUNCTION_NOT_SUPPORTED;
}

ck_rv_t C_GetFunctionList(struct ck_function_list **list);

ck_rv_t
C_GetFunctionList(struct ck_function_list **list)
{
	static struct ck_function_list f = {
		.version = { 2, 40 },
		.C_Initialize = initialize,
		.C_Finalize = finalize,
		.C_GetSlotList = get_slot_list,
		.C_GetTokenInfo = get_token_info,
		.C_OpenSession = open_session,
		.C_CloseSession = close_session,
		.C_Login = login,
		.C_FindObjectsInit = find_init,
		.C_FindObjects = find,
		.C_FindObjectsFinal = find_final,
		.C_GetAttributeValue = get_attribute,
		.C_SignInit = sign_init,
		.C_Sign = sign,
		.C_GenerateKeyPair = generate,
	};

	*list = &f;
	return CKR_OK;
}
