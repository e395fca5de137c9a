/* cancel - withdraw an own request before it is collected. */
#include "cli/act.h"

int
verb_cancel(struct cli *c, const struct args *a)
{
	return act_send(c, a, ACT_CANCEL);
}
