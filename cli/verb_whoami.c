/* whoami - who you are to the signer; and what an admin needs of you. */
#include <string.h>

#include "cli/tell.h"

static void
tell_keys(struct desk *d)
{
	for (size_t i = 0; i < d->hands.n; i++) {
		const struct hand *h = &d->hands.at[i];
		char fp[SSH_FP_TEXT];

		ssh_key_fingerprint(h->key, fp);
		out_say(d->c, "  key    %s %s %.*s%s%s\n", fp,
		    ssh_key_type_name(h->key), OUT_SPAN(BUF_SPAN(h->comment)),
		    h->route == HAND_AGENT ? ", in the agent" : ", a file",
		    person_has_key(d->me, h->key) ? "" : ", NOT enrolled");
	}
}

static const char *
state_words(enum signer_state s)
{
	switch (s) {
	case SIGNER_FROZEN:
		return "FROZEN: nothing is issued until its admins sign a "
		    "recovery";
	case SIGNER_NO_ROOM:
		return "its disk is full: only deny, cancel and drop work";
	case SIGNER_OK:
		break;
	}
	return "ready";
}

/* Entries of the log under the newest checkpoint that was checked. */
static uint64_t
seen(const struct desk *d)
{
	struct checkpoint c = { 0 };

	(void)checkpoint_open(session_note(d->s), session_log(d->s), &c,
	    NULL);
	return c.size;
}

static json_t *
json_keys(const struct desk *d)
{
	json_t *list = json_array();

	for (size_t i = 0; list != NULL && i < d->hands.n; i++) {
		const struct hand *h = &d->hands.at[i];
		char fp[SSH_FP_TEXT];

		ssh_key_fingerprint(h->key, fp);
		(void)json_array_append_new(list, json_pack(
		    "{s:s, s:s, s:o, s:s, s:b}", "key", fp, "type",
		    ssh_key_type_name(h->key), "comment",
		    out_json_span(BUF_SPAN(h->comment)), "where",
		    h->route == HAND_AGENT ? "agent" : "file", "enrolled",
		    (int)person_has_key(d->me, h->key)));
	}
	return list;
}

/* "" when there is none. */
static void
fingerprint(const struct ca_key *k, char ret[static SSH_FP_TEXT])
{
	if (k != NULL)
		ssh_key_fingerprint(k->key, ret);
}

static json_t *
json_who(const struct desk *d, const char *ca, const char *x509)
{
	static const char *const state[] = { "ready", "frozen", "no-room" };
	json_t *groups = json_array();

	for (size_t i = 0; groups != NULL && i < d->me->groups.n; i++)
		(void)json_array_append_new(groups,
		    out_json_span(d->me->groups.v[i]));
	return json_pack("{s:o, s:o, s:o, s:s, s:I, s:I, s:s, s:s?, s:s}",
	    "person",
	    out_json_span(d->me->name), "groups", groups, "keys",
	    json_keys(d), "log", session_log_id(d->s), "log_size",
	    (json_int_t)seen(d), "policy", (json_int_t)d->policy_index,
	    "user_ca", ca, "x509_ca", x509[0] != '\0' ? x509 : NULL,
	    "signer", state[session_hello(d->s)->state]);
}

static int
who(struct cli *c)
{
	JIT_DONE(desk_done) struct desk d = { 0 };
	JIT_DONE(wr_done) struct wr groups = WR_INIT(4096);
	char ca[SSH_FP_TEXT] = "", x509[SSH_FP_TEXT] = "";
	const struct own_keys *own = NULL;
	struct jit_why why = { 0 };
	enum jit_err e;

	if ((e = desk_open(&d, c, &why)) != JIT_OK ||
	    (e = desk_who(&d, &why)) != JIT_OK)
		return out_error(c, e, &why);
	for (size_t i = 0; i < d.me->groups.n; i++) {
		wr_str(&groups, i > 0 ? ", " : "");
		wr_span(&groups, d.me->groups.v[i]);
	}
	if ((e = session_keys(d.s, &own, &why)) != JIT_OK)
		return out_error(c, e, &why);
	fingerprint(ca_keys_active(own->ca, CA_SSH_USER), ca);
	fingerprint(ca_keys_active(own->ca, CA_X509), x509);
	out_say(c, "%.*s, in %.*s\n", OUT_SPAN(d.me->name),
	    OUT_SPAN(groups.n > 0 ? wr_view(&groups) :
	    span_str("no group")));
	tell_keys(&d);
	out_say(c, "  log    %s, %llu entries; its policy is #%llu\n",
	    session_log_id(d.s), (unsigned long long)seen(&d),
	    (unsigned long long)d.policy_index);
	out_say(c, "  CA     %s for ssh%s%s%s\n", ca, x509[0] != '\0' ?
	    ", " : "", x509, x509[0] != '\0' ? " for X.509" : "");
	out_say(c, "  signer %s\n", state_words(session_hello(d.s)->state));
	out_json(c, json_who(&d, ca, x509));
	return CLI_DONE;
}

/* ---- the lines of the policy ---- */

/* A security key before others: it is the better one to enrol. */
static size_t
best(const struct hands *h)
{
	for (size_t i = 0; i < h->n; i++)
		if (ssh_key_is_sk(h->at[i].key))
			return i;
	return 0;
}

static enum jit_err
choose(struct desk *d, size_t *ret, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr prompt = WR_INIT(256);
	const struct hands *h = &d->hands;
	char keys[11] = "", key = 0;

	*ret = best(h);
	if (h->n == 1 || d->c->key != NULL || d->c->out.json)
		return JIT_OK;
	for (size_t i = 0; i < h->n && i < 10; i++) {
		char fp[SSH_FP_TEXT];

		ssh_key_fingerprint(h->at[i].key, fp);
		out_note(d->c, "  %c  %s %s %.*s%s\n", (int)('a' + i), fp,
		    ssh_key_type_name(h->at[i].key),
		    OUT_SPAN(BUF_SPAN(h->at[i].comment)),
		    i == *ret ? "  (the best of them)" : "");
		keys[i] = (char)('a' + i);
	}
	out_put(d->c, &prompt, "Which key, a to %c? ", (int)('a' +
	    (h->n < 10 ? h->n : 10) - 1));
	/* Without a terminal the best one is printed. */
	if (out_ask_key(d->c, wr_view(&prompt), keys, &key, why) == JIT_OK)
		*ret = (size_t)(key - 'a');
	return JIT_OK;
}

/* A name of the policy's form from a comment like "alice@laptop". */
static void
put_name(struct wr *w, const struct desk *d, const struct hand *h)
{
	struct span s = d->c->as != NULL ? span_str(d->c->as) :
	    BUF_SPAN(h->comment);
	size_t n = 0;

	while (n < s.n && n < 32 && text_is_name(SPAN(s.p, n + 1)))
		n++;
	wr_span(w, n > 0 ? SPAN(s.p, n) : span_str("your-name"));
}

static int
policy_lines(struct cli *c)
{
	JIT_DONE(desk_done) struct desk d = { .c = c };
	JIT_DONE(wr_done) struct wr w = WR_INIT(65536);
	struct jit_why why = { 0 };
	enum jit_err e;
	size_t i = 0;

	if ((e = desk_hands(&d, &why)) != JIT_OK)
		return out_error(c, e, &why);
	if (d.hands.n == 0)
		return out_error(c, jit_fail(&why, JIT_E_UNKNOWN, "no key in "
		    "the agent, and no ~/.ssh/id_*.pub; ssh-keygen -t "
		    "ed25519-sk makes one on a security key"), &why);
	if ((e = choose(&d, &i, &why)) != JIT_OK)
		return out_error(c, e, &why);
	wr_str(&w, "  ");
	put_name(&w, &d, &d.hands.at[i]);
	wr_str(&w, ":\n    groups: []\n    keys:\n      - ");
	ssh_key_put_line(&w, d.hands.at[i].key, NULL);
	wr_str(&w, "\n");
	if (w.err != JIT_OK)
		return out_error(c, w.err, NULL);
	out_json(c, json_pack("{s:o}", "policy", out_json_span(wr_view(&w))));
	if (c->out.json)
		return CLI_DONE;
	out_note(c, "Send these lines to an admin, over a channel that they "
	    "believe; they go below \"people:\" of the policy.\n");
	out_bytes(c, wr_view(&w));
	return CLI_DONE;
}

int
verb_whoami(struct cli *c, const struct args *a)
{
	return args_has(a, OPT_POLICY) ? policy_lines(c) : who(c);
}
