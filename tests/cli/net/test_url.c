#include <string.h>

#include "cli/net/url.h"
#include "tests/lib/jt.h"

struct row {
	const char *name, *typed;
	const char *text, *server;	/* NULL: refused */
};

static const struct row rows[] = {
	{ "name", "https://jit.example.com", "https://jit.example.com",
	  "jit.example.com:443" },
	{ "a slash at the end", "https://jit.example.com/",
	  "https://jit.example.com", "jit.example.com:443" },
	{ "a port", "https://h:8443", "https://h:8443", "h:8443" },
	{ "the usual port", "https://h:443/", "https://h", "h:443" },
	{ "written large", "https://JIT.Example.COM:1",
	  "https://jit.example.com:1", "jit.example.com:1" },
	{ "an address", "https://127.0.0.1:2", "https://127.0.0.1:2",
	  "127.0.0.1:2" },
	{ "an IPv6 address", "https://[::1]:8443", "https://[::1]:8443",
	  "[::1]:8443" },
	{ "http", "http://h", NULL, NULL },
	{ "no scheme", "h:8443", NULL, NULL },
	{ "another scheme", "file:///etc/passwd", NULL, NULL },
	{ "HTTPS written large", "HTTPS://h", NULL, NULL },
	{ "nothing", "", NULL, NULL },
	{ "no host", "https://", NULL, NULL },
	{ "no host but a port", "https://:1", NULL, NULL },
	{ "a user", "https://u@h", NULL, NULL },
	{ "a user and a password", "https://u:p@h", NULL, NULL },
	{ "a path", "https://h/x", NULL, NULL },
	{ "two slashes", "https://h//", NULL, NULL },
	{ "a query", "https://h?x", NULL, NULL },
	{ "a fragment", "https://h#x", NULL, NULL },
	{ "port 0", "https://h:0", NULL, NULL },
	{ "no port behind the colon", "https://h:", NULL, NULL },
	{ "port 65536", "https://h:65536", NULL, NULL },
	{ "a port with a zero in front", "https://h:0443", NULL, NULL },
	{ "a port and more", "https://h:1x", NULL, NULL },
	{ "a space", "https://h h", NULL, NULL },
	{ "a line feed", "https://h\n", NULL, NULL },
	{ "an escape", "https://h%2e", NULL, NULL },
	{ "an underscore", "https://a_b", NULL, NULL },
	{ "a dot in front", "https://.h", NULL, NULL },
	{ "a hyphen in front", "https://-h", NULL, NULL },
	{ "brackets not closed", "https://[::1", NULL, NULL },
	{ "empty brackets", "https://[]", NULL, NULL },
	{ "more in brackets", "https://[fe80::1%25eth0]", NULL, NULL },
	{ "other letters", "https://h\xc3\xa4", NULL, NULL },
};

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		struct jit_why why = { 0 };
		struct url u;

		print_message("  %s\n", r->name);
		if (r->text == NULL) {
			JT_ERR(url_parse(r->typed, &u, &why), JIT_E_ARG);
			assert_non_null(strstr(why.msg, "accepted"));
			continue;
		}
		JT_OK(url_parse(r->typed, &u, &why));
		assert_string_equal(u.text, r->text);
		assert_string_equal(u.server, r->server);
	}
}

static void
test_long(void **state)
{
	char s[600] = "https://";
	struct url u;

	(void)state;
	memset(s + 8, 'a', 255);
	JT_OK(url_parse(s, &u, NULL));
	memset(s + 8, 'a', 256);
	JT_ERR(url_parse(s, &u, NULL), JIT_E_ARG);
	memset(s + 8, 'a', 590);
	JT_ERR(url_parse(s, &u, NULL), JIT_E_ARG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
