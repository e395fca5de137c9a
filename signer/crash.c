#include "signer/crash.h"

#ifdef JIT_TEST_HOOKS
void (*crash_hook)(enum crash_point at);
#endif
