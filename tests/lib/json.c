#include <string.h>

#include "ca/base/text.h"
#include "tests/lib/json.h"

json_t *
jt_json(const char *path)
{
	json_error_t err;
	json_t *j = json_load_file(path, JSON_DECODE_INT_AS_REAL, &err);

	if (j == NULL) {
		print_error("%s:%d: %s\n", path, err.line, err.text);
		fail();
	}
	return j;
}

const char *
jt_json_str(json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "";
}

uint64_t
jt_json_uint(json_t *o, const char *key)
{
	double v = json_number_value(json_object_get(o, key));

	return v >= 18446744073709551615.0 ? UINT64_MAX : (uint64_t)v;
}

struct buf
jt_hex(const char *hex)
{
	struct buf b = { NULL, 0 };
	JIT_DONE(wr_done) struct wr w = WR_INIT(1u << 20);

	for (size_t i = 0; i < strlen(hex) / 2; i++) {
		uint8_t v;

		JT_OK(hex_parse(SPAN(hex + 2 * i, 2), &v, 1));
		wr_u8(&w, v);
	}
	JT_OK(wr_take(&w, &b));
	return b;
}
