/* err: names go out and come back, messages are cut and prefixed. */
#include <string.h>

#include "tests/lib/jt.h"

static void
names_come_back(void **state)
{
	(void)state;
	for (int i = 0; i < JIT_I_COUNT; i++) {
		enum jit_err e = (enum jit_err)-i;

		assert_int_equal(jit_err_from_name(jit_err_name(e)), e);
		assert_true(jit_err_http(e) >= 200 && jit_err_http(e) < 600);
		assert_true(jit_err_exit(e) >= 0 && jit_err_exit(e) <= 18);
		assert_true(strlen(jit_err_sentence(e)) > 3);
		for (int k = 0; k < i; k++)
			assert_string_not_equal(jit_err_name(e),
			    jit_err_name((enum jit_err)-k));
	}
	assert_int_equal(jit_err_from_name("no-such"), JIT_E_PROTOCOL);
	assert_string_equal(jit_err_name((enum jit_err)7), "unknown");
}

static void
messages(void **state)
{
	struct jit_why why = { 0 };
	char longer[1000];

	(void)state;
	assert_int_equal(jit_fail(NULL, JIT_E_SIG, "x"), JIT_E_SIG);
	assert_int_equal(jit_fail(&why, JIT_E_SIG, "line %d", 3), JIT_E_SIG);
	assert_string_equal(why.msg, "line 3");
	assert_int_equal(jit_at(&why, JIT_E_SIG, "file %s", "a"), JIT_E_SIG);
	assert_string_equal(why.msg, "file a: line 3");
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	(void)jit_fail(&why, JIT_E_ARG, "%s", longer);
	assert_int_equal(strlen(why.msg), sizeof(why.msg) - 1);
	(void)jit_at(&why, JIT_E_ARG, "%s", longer);
	assert_int_equal(strlen(why.msg), sizeof(why.msg) - 1);
	why.msg[0] = '\0';
	assert_string_equal(jit_why_text(&why, JIT_E_DENIED), "Denied.");
	assert_string_equal(jit_why_text(NULL, JIT_E_DENIED), "Denied.");
}

int
main(void)
{
	return jt_one("names come back", names_come_back) +
	    jt_one("messages", messages);
}
