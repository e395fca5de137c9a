/*
 * scope - cleanup at the end of a block.
 *
 *	JIT_SCOPED(EVP_PKEY_free) EVP_PKEY *k = NULL;
 *
 * calls EVP_PKEY_free(k) whichever way the block is left, when k is not
 * NULL.  JIT_DONE(wr_done) struct wr w; calls wr_done(&w).  Ownership leaves
 * by *ret = k; k = NULL.  Each function so used is declared once, by
 * JIT_SCOPED_PTR(type, free) or JIT_SCOPED_OBJ(type, done) at file scope.
 */
#ifndef JIT_BASE_SCOPE_H
#define JIT_BASE_SCOPE_H

#include <stdlib.h>

#define JIT_SCOPED(f) __attribute__((cleanup(jit_scoped_##f)))
#define JIT_DONE(f) __attribute__((cleanup(jit_scoped_##f)))

#define JIT_SCOPED_PTR(type, f)						\
static inline __attribute__((unused)) void				\
jit_scoped_##f(type **p)						\
{									\
	if (*p != NULL)							\
		f(*p);							\
}									\
struct jit_scoped_eat_semicolon_##f

#define JIT_SCOPED_OBJ(type, f)						\
static inline __attribute__((unused)) void				\
jit_scoped_##f(type *p)							\
{									\
	f(p);								\
}									\
struct jit_scoped_eat_semicolon_##f

/* free() for a pointer of any type. */
static inline void
jit_scoped_free(void *pp)
{
	free(*(void **)pp);
}

#endif
