/* drop - give an access back before its window ends. */
#include "cli/act.h"

int
verb_drop(struct cli *c, const struct args *a)
{
	return act_send(c, a, ACT_DROP);
}
