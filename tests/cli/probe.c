/*
 * probe - verbs that do nothing but say what they were given, so that the
 * whole way from main() to a verb can be seen without a signer.  Behind
 * cli/main.c it makes a program of this test's own.
 */
#include "cli/cli.h"

static json_t *
values_of(const struct args *a)
{
	json_t *o = json_object();

	for (size_t i = 0; i < a->nvalues; i++) {
		const char *name = opts[a->value[i].id].name;
		json_t *list = json_object_get(o, name);

		if (list == NULL)
			(void)json_object_set_new(o, name,
			    list = json_array());
		(void)json_array_append_new(list,
		    json_string(a->value[i].text));
	}
	return o;
}

static int
probe(struct cli *c, const struct args *a)
{
	json_t *operands = json_array();

	for (size_t i = 0; i < a->n; i++)
		(void)json_array_append_new(operands,
		    json_string(a->operand[i]));
	out_say(c, "%s: %zu operands\n", a->verb->name, a->n);
	out_json(c, json_pack("{s:s, s:o, s:i, s:o, s:s?}",
	    "verb", a->verb->name, "operands", operands,
	    "dashes", (int)a->dashes, "options", values_of(a),
	    "signer", c->signer));
	return CLI_WAITING;
}

#define X(n, name, fn, min, max, synopsis, sentence, section)		\
int									\
fn(struct cli *c, const struct args *a)					\
{									\
	return probe(c, a);						\
}
#include "cli/verbs.def"
#undef X
