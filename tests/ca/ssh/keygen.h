/*
 * keygen - keys, certificates and signatures made by OpenSSH's ssh-keygen,
 * the other side of the tests of ca/ssh.  By argument vector, no shell.
 */
#ifndef JIT_TESTS_KEYGEN_H
#define JIT_TESTS_KEYGEN_H

#include "ca/ssh/sig.h"
#include "tests/lib/jt.h"

/* A sort of key that ssh-keygen makes without hardware. */
struct kg_sort {
	const char *name;
	const char *t, *b;	/* -t, -b */
	enum ssh_type type;
	unsigned bits;
};
#define KG_SORTS 6
extern const struct kg_sort kg_sorts[KG_SORTS];

/*
 * Path of the private key of that sort, made by ssh-keygen on first use, its
 * comment "a b"; the public half is beside it as .pub.  Static memory.
 */
const char *kg_path(const struct kg_sort *s);
/* Its public half.  Returns owned. */
struct ssh_key *kg_public(const struct kg_sort *s);
/* A path below the test's directory; static memory, eight at a time. */
const char *kg_tmp(const char *name);
/*
 * Run "ssh-keygen" and the arguments; standard input is in, what it prints is
 * *out (owned, NULL is fine).  Returns its exit status.
 */
int kg_run(struct span in, struct buf *out, ...)
    __attribute__((sentinel));

#endif
