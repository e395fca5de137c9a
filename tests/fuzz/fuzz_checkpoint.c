/* A note from anywhere: refused or read, never a byte too far. */
#include "ca/tlog/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const uint8_t pub[32];
	struct tlog_vkey v, other;
	struct checkpoint c;

	(void)tlog_vkey_parse(SPAN(p, n), &other, NULL);
	if (tlog_vkey_make("example.com/log", pub, &v, NULL) == JIT_OK)
		(void)checkpoint_open(SPAN(p, n), &v, &c, NULL);
	return 0;
}
