#define _DEFAULT_SOURCE
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "ca/base/secret.h"

enum jit_err
secret_new(struct secret *ret, size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), cap;
	void *p;

	if (n == 0 || n > SIZE_MAX - page)
		return JIT_E_ARG;
	cap = (n + page - 1) / page * page;
	p = mmap(NULL, cap, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANON, -1, 0);
	if (p == MAP_FAILED)
		return JIT_E_NOMEM;
	/* Best effort: a small RLIMIT_MEMLOCK is no reason to refuse. */
	(void)mlock(p, cap);
#ifdef MADV_DONTDUMP
	(void)madvise(p, cap, MADV_DONTDUMP);
#endif
#ifdef MADV_WIPEONFORK
	(void)madvise(p, cap, MADV_WIPEONFORK);
#endif
	*ret = (struct secret){ p, n, cap };
	return JIT_OK;
}

enum jit_err
secret_copy(struct secret *ret, struct span s)
{
	JIT_TRY(secret_new(ret, s.n));
	memcpy(ret->p, s.p, s.n);
	return JIT_OK;
}

void
secret_done(struct secret *s)
{
	if (s->p != NULL) {
		OPENSSL_cleanse(s->p, s->cap);
		(void)munmap(s->p, s->cap);
	}
	*s = (struct secret){ NULL, 0, 0 };
}

bool
secret_equal(struct span a, struct span b)
{
	return a.n == b.n && CRYPTO_memcmp(a.p, b.p, a.n) == 0;
}
