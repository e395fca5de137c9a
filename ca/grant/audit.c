#include <stdlib.h>
#include <string.h>

#include "ca/grant/audit.h"

struct audit {
	struct tlog_vkey pin;
	struct ledger *ledger;
	struct audit_counts n;
	enum jit_err err;		/* sticky */
};

enum jit_err
audit_new(const struct tlog_vkey *pin, struct audit **ret)
{
	JIT_SCOPED(audit_free) struct audit *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return JIT_E_NOMEM;
	a->pin = *pin;
	JIT_TRY(ledger_new(&a->ledger));
	*ret = a;
	a = NULL;
	return JIT_OK;
}

void
audit_free(struct audit *a)
{
	if (a == NULL)
		return;
	ledger_free(a->ledger);
	free(a);
}

const struct audit_counts *
audit_counts(const struct audit *a)
{
	return &a->n;
}

const struct ledger *
audit_ledger(const struct audit *a)
{
	return a->ledger;
}

/* The fields are the leaf's: what is judged is what is hashed. */
static enum jit_err
check_leaf(const struct entry *e, struct jit_why *why)
{
	struct entry leaf = { 0 };

	if (entry_parse_leaf(SPAN(e->leaf, ENTRY_LEAF), &leaf) != JIT_OK ||
	    leaf.type != e->type || leaf.time != e->time ||
	    leaf.index != e->index)
		return jit_fail(why, JIT_E_VERIFY, "entry %llu is not the one "
		    "of its leaf", (unsigned long long)e->index);
	return e->erased ? JIT_OK : entry_check_body(e, why);
}

static enum jit_err
check_genesis(const struct audit *a, const struct entry *e,
    struct jit_why *why)
{
	char id[TLOG_LOGID_TEXT];

	if (e->type != ENTRY_GENESIS ||
	    tlog_vkey_eq(&ledger_genesis(a->ledger)->log, &a->pin))
		return JIT_OK;
	tlog_vkey_logid(&a->pin, id);
	return jit_fail(why, JIT_E_LOGNAME, "the log begins as %s, pinned is "
	    "%s", ledger_log_id(a->ledger), id);
}

/* An erased decision is counted among the erased only. */
static void
count_decision(struct audit *a, const struct entry *e)
{
	struct rec_signed s;
	struct decision d;

	if (e->erased || rec_get_signed(e->body, ENTRY_DECISION, &s, NULL) !=
	    JIT_OK || decision_parse(s.text, &d, NULL) != JIT_OK)
		return;
	a->n.approvals += d.verdict == VERDICT_APPROVE;
	a->n.denials += d.verdict == VERDICT_DENY;
}

static void
count(struct audit *a, const struct entry *e)
{
	struct audit_counts *n = &a->n;

	n->entries++;
	n->erased = ledger_erased(a->ledger);
	n->unjudged = ledger_unjudged(a->ledger);
	n->requests += e->type == ENTRY_REQUEST;
	n->cancelled += e->type == ENTRY_CANCEL;
	n->issued += e->type == ENTRY_ISSUED;
	n->dropped += e->type == ENTRY_DROP;
	n->revoked += e->type == ENTRY_REVOKE || e->type == ENTRY_ENDED;
	n->locks += e->type == ENTRY_LOCK;
	n->policies += e->type == ENTRY_POLICY;
	n->recoveries += e->type == ENTRY_RECOVERY;
	if (e->type == ENTRY_DECISION)
		count_decision(a, e);
}

static enum jit_err
take(struct audit *a, const struct entry *e, enum ledger_mode mode,
    struct jit_why *why)
{
	JIT_TRY(check_leaf(e, why));
	JIT_TRY(ledger_apply(a->ledger, e, mode, why));
	return check_genesis(a, e, why);
}

enum jit_err
audit_entry(struct audit *a, const struct entry *e, enum ledger_mode mode,
    struct jit_why *why)
{
	if (mode == LEDGER_OWN)
		return jit_fail(why, JIT_E_ARG, "an audit believes nothing");
	if (a->err != JIT_OK)
		return jit_fail(why, a->err, "the audit has failed before");
	if ((a->err = take(a, e, mode, why)) == JIT_OK)
		count(a, e);
	return a->err;
}

enum jit_err
audit_checkpoint(struct audit *a, struct span note, struct checkpoint *ret,
    struct jit_why *why)
{
	struct checkpoint c;
	struct digest root;

	if (a->err != JIT_OK)
		return jit_fail(why, a->err, "the audit has failed before");
	JIT_TRY(checkpoint_open(note, &a->pin, &c, why));
	if (c.size == 0 || c.size != ledger_size(a->ledger))
		return jit_fail(why, JIT_E_VERIFY, "the checkpoint is of %llu "
		    "entries, read were %llu", (unsigned long long)c.size,
		    (unsigned long long)ledger_size(a->ledger));
	JIT_TRY(merkle_edge_root(ledger_edge(a->ledger), &root));
	if (!digest_eq(&root, &c.root))
		return jit_fail(why, JIT_E_VERIFY, "the entries that were "
		    "read are not the checkpoint's");
	if (ret != NULL)
		*ret = c;
	return JIT_OK;
}
