#include <stdio.h>
#include <unistd.h>

#include "tests/ca/ssh/keygen.h"
#include "tests/lib/run.h"

const struct kg_sort kg_sorts[KG_SORTS] = {
	{ "ed25519", "ed25519", "256", SSH_ED25519, 256 },
	{ "ecdsa-256", "ecdsa", "256", SSH_ECDSA_P256, 256 },
	{ "ecdsa-384", "ecdsa", "384", SSH_ECDSA_P384, 384 },
	{ "ecdsa-521", "ecdsa", "521", SSH_ECDSA_P521, 521 },
	{ "rsa-2048", "rsa", "2048", SSH_RSA, 2048 },
	{ "rsa-3072", "rsa", "3072", SSH_RSA, 3072 },
};

const char *
kg_tmp(const char *name)
{
	static char path[8][512];
	static unsigned next;
	char *p = path[next++ % 8];

	(void)snprintf(p, sizeof(path[0]), "%s/%s", jt_tmpdir(), name);
	return p;
}

int
kg_run(struct span in, struct buf *out, ...)
{
	const char *argv[32] = { "ssh-keygen" };
	size_t n = 1;
	va_list ap;

	va_start(ap, out);
	while (n < 31 && (argv[n] = va_arg(ap, const char *)) != NULL)
		n++;
	va_end(ap);
	argv[n] = NULL;
	return jt_run(argv, in, out);
}

const char *
kg_path(const struct kg_sort *s)
{
	const char *path = kg_tmp(s->name);

	if (access(path, R_OK) != 0)
		assert_int_equal(kg_run(SPAN_NONE, NULL, "-q", "-t", s->t,
		    "-b", s->b, "-N", "", "-C", "a b", "-f", path,
		    (char *)NULL), 0);
	return path;
}

struct ssh_key *
kg_public(const struct kg_sort *s)
{
	char path[600];
	struct ssh_key *k = NULL;

	(void)snprintf(path, sizeof(path), "%s.pub", kg_path(s));
	JIT_DONE(buf_done) struct buf line = jt_file(path);

	JT_OK(ssh_key_parse_line(BUF_SPAN(line), &k, NULL, NULL));
	return k;
}
