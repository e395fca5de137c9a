#include "ca/base/sys.h"
#include "signer/wall.h"

#ifdef JIT_TEST_HOOKS
#include <stdio.h>

static int64_t
offset_ms(void)
{
	const char *set = getenv("JIT_TEST_CLOCK_OFFSET");
	char line[32] = "";
	FILE *f;

	if (set != NULL && set[0] == '/' && (f = fopen(set, "re")) != NULL) {
		if (fgets(line, sizeof(line), f) == NULL)
			line[0] = '\0';
		(void)fclose(f);
		set = line;
	}
	return set == NULL ? 0 : (int64_t)strtoll(set, NULL, 10) * 1000;
}
#else
static int64_t
offset_ms(void)
{
	return 0;
}
#endif

int64_t
wall_ms(void)
{
	return sys_wall_ms() + offset_ms();
}

utc_s
wall_s(void)
{
	return wall_ms() / 1000;
}
