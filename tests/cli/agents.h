/*
 * agents - the other side of the tests of cli/agent and cli/sign: the real
 * ssh-agent, an agent that answers what a table says, and certificates.
 */
#ifndef JIT_TESTS_AGENTS_H
#define JIT_TESTS_AGENTS_H

#include <sys/types.h>

#include "ca/ssh/cert.h"
#include "tests/lib/jt.h"

/* A path below the test's directory; static memory, 64 at a time. */
const char *ag_tmp(const char *name, const char *suffix);
/*
 * Run ssh-agent on sock until ag_stop(); provider is what it may load for
 * security keys, NULL none.  SSH_AUTH_SOCK is set to sock.
 */
pid_t ag_start(const char *sock, const char *provider);
void ag_stop(pid_t pid);
/* Run ssh-add and the arguments; its output is *out (NULL is fine). */
int ag_add(struct buf *out, ...) __attribute__((sentinel));
/* Does "ssh-add -l" show that? */
bool ag_shows(const char *text);

/* What an agent of ours does after an answer. */
enum ag_then { AG_NEXT, AG_CLOSE, AG_HANG };
struct ag_answer {
	struct span bytes;	/* as they go out, with the length in front */
	enum ag_then then;
};
/*
 * Serve one connection on sock: for each question the next answer; after the
 * last one hang.  A child process; end it with ag_stop().
 */
pid_t ag_fake(const char *sock, const struct ag_answer *answers, size_t n);
/*
 * Answer the first questions with each prefix of body and then with each bit
 * of it flipped, in frames of the right length; ag_variants() of them.
 */
pid_t ag_fake_variants(const char *sock, struct span body);
size_t ag_variants(struct span body);
/* body with its length in front, owned. */
struct buf ag_frame(struct span body);

/* A certificate of a CA made for the test, valid for an hour from now. */
struct buf ag_cert(const struct ssh_priv *ca, const struct ssh_key *subject,
    uint64_t serial);
/* A key of that type; RSA has 3072 bits. */
struct ssh_priv *ag_key(enum ssh_type t);

#endif
