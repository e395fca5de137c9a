/* watch - inbox --watch: requests that wait for me, told as they come. */
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "cli/await.h"
#include "cli/watch.h"

#define WATCH_STEP_MS 2000	/* between looks at the log's size */
#define WATCH_LIST_STEPS 30	/* a look at the list all the same */
#define BELL "\a"

struct watching {
	struct desk *d;
	struct ulid *told;		/* owned */
	size_t n, cap;
	bool begun;			/* the first look is over */
	void (*tell)(struct desk *d, const struct dossier *r, utc_s now);
};

static void
watching_done(struct watching *w)
{
	free(w->told);
}
JIT_SCOPED_OBJ(struct watching, watching_done);

static bool
was_told(const struct watching *w, const struct ulid *id)
{
	for (size_t i = 0; i < w->n; i++)
		if (strcmp(w->told[i].s, id->s) == 0)
			return true;
	return false;
}

static enum jit_err
remember(struct watching *w, const struct ulid *id)
{
	if (w->n == w->cap) {
		size_t cap = w->cap > 0 ? 2 * w->cap : 64;
		struct ulid *p = realloc(w->told, cap * sizeof(*p));

		if (p == NULL)
			return JIT_E_NOMEM;
		w->told = p;
		w->cap = cap;
	}
	w->told[w->n++] = *id;
	return JIT_OK;
}

/* Those that are live no more make room. */
static void
forget(struct watching *w, const struct dossiers *v)
{
	size_t kept = 0;

	for (size_t i = 0; i < w->n; i++)
		for (size_t k = 0; k < v->n; k++)
			if (strcmp(w->told[i].s, v->v[k]->id.s) == 0) {
				w->told[kept++] = w->told[i];
				break;
			}
	w->n = kept;
}

static void
ring(const struct watching *w)
{
	const struct out *o = &w->d->c->out;

	if (w->begun && !o->json && isatty(o->err_fd) == 1)
		(void)!write(o->err_fd, BELL, strlen(BELL));
}

static enum jit_err
look(struct watching *w, struct jit_why *why)
{
	JIT_DONE(dossiers_done) struct dossiers v = { 0 };
	bool any = false;

	JIT_TRY(desk_list(w->d, &v, why));
	forget(w, &v);
	for (size_t i = 0; i < v.n; i++) {
		if (desk_standing(w->d, v.v[i], v.now, NULL, NULL) !=
		    STAND_PENDING || was_told(w, &v.v[i]->id) ||
		    !desk_awaits_me(w->d, v.v[i]))
			continue;
		JIT_TRY(remember(w, &v.v[i]->id));
		w->tell(w->d, v.v[i], v.now);
		any = true;
	}
	if (any)
		ring(w);
	if (!w->begun)
		out_note(w->d->c, any ? "See one and decide: jit-cert approve "
		    "ID. Watching; Ctrl-C ends it.\n" : "Nothing waits for "
		    "your decision. Watching; Ctrl-C ends it.\n");
	w->begun = true;
	return JIT_OK;
}

/* Sleep until there is something to look at. */
static enum jit_err
sleep_on(struct watching *w, struct jit_why *why)
{
	bool grown = false;

	for (int i = 0; i < WATCH_LIST_STEPS && !grown; i++) {
		(void)poll(NULL, 0, WATCH_STEP_MS);
		JIT_TRY(session_grown(w->d->s, &grown, why));
	}
	return JIT_OK;
}

int
watch_inbox(struct desk *d, void (*tell)(struct desk *d,
    const struct dossier *r, utc_s now))
{
	JIT_DONE(watching_done) struct watching w = { .d = d, .tell = tell };
	struct jit_why why = { 0 };
	enum jit_err e = look(&w, &why);

	/* Without a reader there is nobody to watch for. */
	while (d->c->out.failed == JIT_OK) {
		if (e == JIT_E_UNREACHABLE)
			e = await_back(d, -1, true, &why);
		else if (e != JIT_OK && !await_may_pass(e))
			break;
		else
			e = sleep_on(&w, &why);
		if (e == JIT_OK)
			e = look(&w, &why);
	}
	return e == JIT_OK ? CLI_DONE : out_error(d->c, e, &why);
}
