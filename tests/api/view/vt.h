/*
 * vt - a view and the logbook beside it: the same questions, answered by
 * looking at every dossier.
 */
#ifndef JIT_TESTS_VT_H
#define JIT_TESTS_VT_H

#include "api/view/view.h"
#include "tests/lib/logbook.h"

/* A name in a temporary folder; static memory, sixteen at a time. */
const char *vt_path(const char *name);
struct view *vt_open(struct logbook *b, const char *path,
    enum view_open_how how);
/* Entries from .. to - 1 as one batch; the test fails where the view does. */
void vt_apply(struct view *v, struct logbook *b, uint64_t from, uint64_t to);
/* All of b, made at once and settled. */
struct view *vt_anew(struct logbook *b, const char *path);
struct digest vt_digest(struct view *v);
void vt_check_note(struct view *v, struct logbook *b);
/* The row of a request is what its dossier says. */
void vt_same_row(struct logbook *b, const struct view_row *r);
void vt_same_rows(struct view *v, struct logbook *b);
/*
 * Indexes of what q should list, all of it in its order, has_after ignored.
 * Returns their number.
 */
size_t vt_expect(struct logbook *b, const struct view_query *q,
    uint64_t ret[static LOGBOOK_REQUESTS]);
/* Walk through q by pages of q->max: exactly what is expected. */
void vt_walk(struct view *v, struct logbook *b, const struct view_query *q);

/*
 * Some more of a history, at random: requests of several people and roles,
 * and what may follow on each.
 */
void vt_live(struct logbook *b, unsigned acts);

#endif
