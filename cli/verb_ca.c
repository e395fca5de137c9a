/* ca - the keys that servers trust, and what a server's files hold. */
#include "ca/grant/principals.h"
#include "cli/desk.h"

static int
say_principals(struct desk *d, const char *host)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(1u << 20);
	struct jit_why why = { 0 };
	enum jit_err e = principals_put(&w, d->policy, span_str(host), &why);

	if (e != JIT_OK)
		return out_error(d->c, e, &why);
	out_json(d->c, json_pack("{s:s, s:o}", "host", host, "files",
	    out_json_span(wr_view(&w))));
	if (!d->c->out.json)
		out_bytes(d->c, wr_view(&w));
	return CLI_DONE;
}

int
verb_ca(struct cli *c, const struct args *a)
{
	JIT_DONE(desk_done) struct desk d = { 0 };
	JIT_DONE(wr_done) struct wr line = WR_INIT(65536);
	JIT_DONE(wr_done) struct wr vkey = WR_INIT(TLOG_VKEY_MAX);
	struct jit_why why = { 0 };
	enum jit_err e;

	if ((e = desk_open(&d, c, &why)) != JIT_OK)
		return out_error(c, e, &why);
	if (args_has(a, OPT_PRINCIPALS))
		return say_principals(&d, args_get(a, OPT_PRINCIPALS));
	ssh_key_put_line(&line, session_keys(d.s)->user_ca,
	    session_log(d.s)->origin);
	tlog_vkey_put(&vkey, session_log(d.s));
	if (line.err != JIT_OK || vkey.err != JIT_OK)
		return out_error(c, JIT_E_NOMEM, NULL);
	out_json(c, json_pack("{s:o, s:o}", "user_ca",
	    out_json_span(wr_view(&line)), "log",
	    out_json_span(wr_view(&vkey))));
	wr_u8(&line, '\n');
	/* The line alone on standard output: it goes into a file as it is. */
	if (!c->out.json)
		out_bytes(c, wr_view(&line));
	out_note(c, "That line goes into the file of sshd's TrustedUserCAKeys."
	    "\nThe log's key, for --pin: %.*s\n", OUT_SPAN(wr_view(&vkey)));
	return CLI_DONE;
}
