/* secret: pages of its own, wiped, equal without a clock. */
#include <stdio.h>
#include <string.h>

#include "ca/base/secret.h"
#include "tests/lib/jt.h"

static void
life(void **state)
{
	struct secret s = { NULL, 0, 0 };

	(void)state;
	JT_ERR(secret_new(&s, 0), JIT_E_ARG);
	JT_ERR(secret_new(&s, SIZE_MAX), JIT_E_ARG);
	assert_null(s.p);
	JT_OK(secret_new(&s, 5000));
	assert_int_equal(s.n, 5000);
	assert_true(s.cap >= s.n && s.cap % 4096 == 0);
	assert_int_equal((uintptr_t)s.p % 4096, 0);
	for (size_t i = 0; i < s.cap; i++)
		assert_int_equal(s.p[i], 0);
	memset(s.p, 7, s.n);
	secret_done(&s);
	assert_null(s.p);
	assert_int_equal(s.n, 0);
	secret_done(&s);
}

/*
 * What the kernel knows of the pages: dd, not in a core dump; wf, zeros in a
 * child.  smaps has them behind the line that begins with the address.
 */
static void
kept_out(void **state)
{
#ifdef __linux__
	JIT_DONE(secret_done) struct secret s = { NULL, 0, 0 };
	FILE *f = fopen("/proc/self/smaps", "re");
	char line[512], vma[32];
	bool here = false, seen = false;

	(void)state;
	if (f == NULL) {
		print_message("SKIPPED: no /proc/self/smaps\n");
		return;
	}
	JT_OK(secret_new(&s, 100));
	(void)snprintf(vma, sizeof(vma), "%lx-", (unsigned long)(uintptr_t)s.p);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, vma, strlen(vma)) == 0)
			here = true;
		if (!here || strncmp(line, "VmFlags:", 8) != 0)
			continue;
		assert_non_null(strstr(line, " dd"));
		assert_non_null(strstr(line, " wf"));
		seen = true;
		break;
	}
	(void)fclose(f);
	assert_true(seen);
#else
	(void)state;
#endif
}

static void
copies(void **state)
{
	JIT_DONE(secret_done) struct secret s = { NULL, 0, 0 };
	char from[] = "correct horse";

	(void)state;
	JT_ERR(secret_copy(&s, SPAN_NONE), JIT_E_ARG);
	JT_OK(secret_copy(&s, span_str(from)));
	from[0] = 'x';
	assert_true(span_eq_str(SPAN(s.p, s.n), "correct horse"));
}

struct row { const char *name, *a, *b; bool want; };
static const struct row rows[] = {
	{ "equal", "abc", "abc", true },
	{ "last byte", "abc", "abd", false },
	{ "first byte", "abc", "bbc", false },
	{ "prefix", "abc", "ab", false },
	{ "nothing and something", "", "a", false },
	{ "nothing twice", "", "", true },
};

static void
equal(void **state)
{
	const struct row *r = *state;

	assert_int_equal(secret_equal(span_str(r->a), span_str(r->b)),
	    r->want);
}

int
main(void)
{
	return jt_one("life", life) + jt_one("copies", copies) +
	    jt_one("kept out of dumps", kept_out) +
	    JT_ROWS("equal", equal, rows);
}
