#include <string.h>

#include "ca/base/sys.h"
#include "cli/cli.h"
#include "cli/out_int.h"

/* The prompt as a C string; not with --json, where nobody is there. */
static enum jit_err
ready(struct cli *c, struct span prompt, struct wr *w, struct jit_why *why)
{
	if (c->out.json)
		return jit_fail(why, JIT_E_ARG, "with --json nothing is asked "
		    "back: give it as an option");
	if (c->out.silent)
		return jit_fail(why, JIT_E_ARG, "nobody is there to be asked: "
		    "give it as an option");
	wr_span(w, prompt);
	wr_u8(w, 0);
	return w->err;
}

enum jit_err
out_ask_key(struct cli *c, struct span prompt, const char *keys, char *ret,
    struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(OUT_LINE_MAX);
	uint8_t key = 0;
	size_t n = 0;

	JIT_TRY(ready(c, prompt, &w, why));
	for (;;) {
		JIT_TRY(sys_ask((const char *)w.p, SYS_ASK_KEY, &key, 1, &n,
		    why));
		if (key >= 'A' && key <= 'Z')
			key = (uint8_t)(key - 'A' + 'a');
		if (key != 0 && strchr(keys, key) != NULL) {
			*ret = (char)key;
			return JIT_OK;
		}
	}
}

enum jit_err
out_ask_line(struct cli *c, struct span prompt, size_t max, struct buf *ret,
    struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(OUT_LINE_MAX);
	JIT_SCOPED(free) uint8_t *line = NULL;
	size_t n = 0;

	JIT_TRY(ready(c, prompt, &w, why));
	if ((line = malloc(max > 0 ? max : 1)) == NULL)
		return jit_fail(why, JIT_E_NOMEM, "out of memory");
	JIT_TRY(sys_ask((const char *)w.p, SYS_ASK_LINE, line, max, &n, why));
	return buf_copy(ret, SPAN(line, n));
}
