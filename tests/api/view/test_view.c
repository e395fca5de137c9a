/*
 * view: a whole log applied, what each row says, checkpoints, the policy,
 * and a live view beside one that was made anew.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/api/view/vt.h"

static struct logbook b;
static struct ulid ids[STORY_N];

static void
fresh(void)
{
	logbook_done(&b);
	logbook_init(&b);
}

static void
story(void **state)
{
	JIT_SCOPED(view_free) struct view *v = vt_open(&b, vt_path("story"),
	    VIEW_MAKE);
	static const struct { int which; enum view_end end; } ends[] = {
		{ STORY_DROPPED, VIEW_DROPPED },
		{ STORY_DENIED, VIEW_DENIED },
		{ STORY_CANCELLED, VIEW_CANCELLED },
		{ STORY_ACTIVE, VIEW_ISSUED },
		{ STORY_APPROVED, VIEW_OPEN },
		{ STORY_PENDING, VIEW_OPEN },
	};

	(void)state;
	assert_int_equal(view_size(v), 0);
	assert_null(view_policy(v));
	assert_int_equal(view_note(v).n, 0);
	vt_apply(v, &b, 0, b.n);
	assert_int_equal(view_size(v), b.n);
	vt_same_rows(v, &b);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		JIT_DONE(view_row_done) struct view_row r = { .n_approved = 0 };

		JT_OK(view_get(v, &ids[ends[i].which], &r, NULL));
		assert_int_equal(r.end, ends[i].end);
	}
	vt_check_note(v, &b);
}

int
main(void)
{
	int failed = 0;

	logbook_init(&b);
	logbook_story(&b, ids);
	failed += jt_one("a story, entry by entry", story);
	fresh();
	logbook_done(&b);
	return failed;
}
