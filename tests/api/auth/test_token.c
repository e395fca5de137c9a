/* token: found until it is over, dropped, pushed out; told once. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/auth/token.h"
#include "ca/base/text.h"
#include "tests/lib/world.h"

#define NOW ((utc_s)1795471200)
#define LATER (NOW + 8 * 3600)

static uint64_t chance = 1;
static struct rng rng;
static const struct digest key = { { 1, 2, 3 } };

/* A database of its own for each test. */
struct box {
	char path[4200];
	struct db *d;
	struct tokens *t;
};

static void
box_open(struct box *b, enum db_how how)
{
	struct jit_why why = { 0 };

	JT_WHY(db_open(b->path, how, 1024, &b->d, &why), JIT_OK, &why);
	JT_WHY(tokens_new(b->d, &b->t, &why), JIT_OK, &why);
}

static void
box_close(struct box *b)
{
	tokens_free(b->t);
	db_free(b->d);
	b->t = NULL;
	b->d = NULL;
}
JIT_SCOPED_OBJ(struct box, box_close);

static struct box
box_new(void)
{
	static unsigned n;
	struct box b;

	rng = rand_counter(&chance);
	(void)snprintf(b.path, sizeof(b.path), "%s/%u.db", jt_tmpdir(), n++);
	box_open(&b, DB_MAKE);
	return b;
}

static void
make(struct box *b, const char *person, utc_s now, utc_s expires,
    char ret[static TOKEN_TEXT])
{
	struct jit_why why = { 0 };

	JT_WHY(token_make(b->t, &rng, span_str(person), &key, now, expires,
	    ret, &why), JIT_OK, &why);
}

static enum jit_err
find(struct box *b, const char *text, utc_s now)
{
	struct token_owner o = { .expires = -7 };
	struct jit_why why = { 0 };
	enum jit_err e = token_find(b->t, span_str(text), now, &o, &why);

	if (e == JIT_E_LOGIN)
		assert_string_equal(why.msg, "the token is not known, or is "
		    "over; log in again");
	assert_true((o.expires == -7) == (e != JIT_OK));
	assert_true(text[0] == '\0' || strstr(why.msg, text) == NULL);
	return e;
}

static void
found(void **state)
{
	JIT_DONE(box_close) struct box b = box_new();
	struct token_owner o = { .expires = 0 };
	char one[TOKEN_TEXT], two[TOKEN_TEXT];

	(void)state;
	make(&b, "alice", NOW, LATER, one);
	make(&b, "a23456789.123456789_123456789-12", NOW, LATER + 1, two);
	assert_int_equal(strlen(one), 43);
	assert_string_not_equal(one, two);
	JT_OK(token_find(b.t, span_str(one), NOW, &o, NULL));
	assert_string_equal(o.person, "alice");
	assert_true(digest_eq(&o.key, &key) && o.expires == LATER);
	JT_OK(token_find(b.t, span_str(two), NOW, &o, NULL));
	assert_string_equal(o.person, "a23456789.123456789_123456789-12");
	assert_true(o.expires == LATER + 1);
}

/* ---- whose owner is nobody any more ---- */

static void
make_of(struct box *b, const struct world *w, const char *person,
    enum world_key k, char ret[static TOKEN_TEXT])
{
	struct digest d;

	JT_OK(digest_sha256(ssh_key_blob(ssh_priv_public(w->key[k])), &d));
	JT_OK(token_make(b->t, &rng, span_str(person), &d, NOW, LATER, ret,
	    NULL));
}

/* Forgotten for good: they are worth nothing when their owner comes back. */
static void
nobody_any_more(void **state)
{
	static const enum world_key first[] = { K_BOB }, both[] = { K_BOB,
	    K_BOB2 };
	const struct span locked[] = { span_str("alice") };
	JIT_DONE(box_close) struct box b = box_new();
	char alice[TOKEN_TEXT], bob[TOKEN_TEXT], bob2[TOKEN_TEXT];
	char carol[TOKEN_TEXT], zoe[TOKEN_TEXT];
	static struct world w;

	(void)state;
	world_init(&w);
	make_of(&b, &w, "alice", K_ALICE, alice);
	make_of(&b, &w, "bob", K_BOB, bob);
	make_of(&b, &w, "bob", K_BOB2, bob2);
	make_of(&b, &w, "carol", K_CAROL, carol);
	make_of(&b, &w, "zoe", K_STRANGER, zoe);
	world_without(&w, BLOCK_PERSON, "bob");
	world_person(&w, "bob", "group: sre\n", first, 1);
	policy_set_locked(w.policy, locked, 1);
	/* In a transaction that is undone, nothing happened. */
	JT_OK(db_begin(b.d, NULL));
	JT_OK(tokens_check(b.t, w.policy, NULL));
	JT_ERR(find(&b, alice, NOW), JIT_E_LOGIN);
	db_rollback(b.d);
	JT_OK(find(&b, alice, NOW));
	JT_OK(find(&b, zoe, NOW));
	JT_OK(tokens_check(b.t, w.policy, NULL));
	policy_set_locked(w.policy, NULL, 0);
	world_without(&w, BLOCK_PERSON, "bob");
	world_person(&w, "bob", "group: sre\n", both, 2);
	JT_OK(tokens_check(b.t, w.policy, NULL));
	JT_ERR(find(&b, alice, NOW), JIT_E_LOGIN);
	JT_ERR(find(&b, bob2, NOW), JIT_E_LOGIN);
	JT_ERR(find(&b, zoe, NOW), JIT_E_LOGIN);
	JT_OK(find(&b, bob, NOW));
	JT_OK(find(&b, carol, NOW));
	JT_OK(tokens_drop_of(b.t, span_str("carol"), NULL));
	JT_ERR(find(&b, carol, NOW), JIT_E_LOGIN);
	JT_OK(find(&b, bob, NOW));
	world_done(&w);
}

struct end { const char *name; utc_s now; enum jit_err want; };

static const struct end ends[] = {
	{ "at once", NOW, JIT_OK },
	{ "in its last second", LATER - 1, JIT_OK },
	{ "at its end", LATER, JIT_E_LOGIN },
	{ "long after", UTC_MAX, JIT_E_LOGIN },
};

static void
end(void **state)
{
	const struct end *r = *state;
	JIT_DONE(box_close) struct box b = box_new();
	char one[TOKEN_TEXT];

	make(&b, "alice", NOW, LATER, one);
	JT_ERR(find(&b, one, r->now), r->want);
	/* Forgotten only when it is over. */
	JT_OK(tokens_expire(b.t, r->now, NULL));
	JT_ERR(find(&b, one, NOW), r->want);
}

static void
dropped(void **state)
{
	JIT_DONE(box_close) struct box b = box_new();
	char one[TOKEN_TEXT], two[TOKEN_TEXT];

	(void)state;
	make(&b, "alice", NOW, LATER, one);
	make(&b, "alice", NOW, LATER, two);
	JT_OK(token_drop(b.t, span_str(one), NULL));
	JT_ERR(find(&b, one, NOW), JIT_E_LOGIN);
	JT_OK(find(&b, two, NOW));
	JT_OK(token_drop(b.t, span_str(one), NULL));
	JT_OK(token_drop(b.t, span_str("no token"), NULL));
	JT_OK(find(&b, two, NOW));
}

static void
oldest_goes(void **state)
{
	JIT_DONE(box_close) struct box b = box_new();
	char v[TOKENS_OF_ONE + 2][TOKEN_TEXT], bob[TOKEN_TEXT];

	(void)state;
	make(&b, "bob", NOW, LATER, bob);
	for (int i = 0; i < TOKENS_OF_ONE; i++)
		make(&b, "alice", NOW, LATER, v[i]);
	for (int i = 0; i < TOKENS_OF_ONE; i++)
		JT_OK(find(&b, v[i], NOW));
	for (int k = 0; k < 2; k++) {
		make(&b, "alice", NOW, LATER, v[TOKENS_OF_ONE + k]);
		for (int i = 0; i <= TOKENS_OF_ONE + k; i++)
			JT_ERR(find(&b, v[i], NOW), i <= k ? JIT_E_LOGIN :
			    JIT_OK);
	}
	JT_OK(find(&b, bob, NOW));
}

/* One that is over makes room before one that is not. */
static void
over_makes_room(void **state)
{
	JIT_DONE(box_close) struct box b = box_new();
	char v[TOKENS_OF_ONE + 1][TOKEN_TEXT];

	(void)state;
	for (int i = 0; i < TOKENS_OF_ONE; i++)
		make(&b, "alice", NOW, i == 20 ? NOW + 5 : LATER, v[i]);
	make(&b, "alice", NOW + 5, LATER, v[TOKENS_OF_ONE]);
	for (int i = 0; i <= TOKENS_OF_ONE; i++)
		JT_ERR(find(&b, v[i], NOW + 5), i == 20 ? JIT_E_LOGIN :
		    JIT_OK);
}

static void
restart(void **state)
{
	JIT_DONE(box_close) struct box b = box_new();
	char one[TOKEN_TEXT], two[TOKEN_TEXT], three[TOKEN_TEXT];

	(void)state;
	make(&b, "alice", NOW, LATER, one);
	make(&b, "alice", NOW, LATER, two);
	JT_OK(token_drop(b.t, span_str(two), NULL));
	box_close(&b);
	box_open(&b, DB_USE);
	JT_OK(find(&b, one, NOW));
	JT_ERR(find(&b, two, NOW), JIT_E_LOGIN);
	make(&b, "alice", NOW, LATER, three);
	JT_OK(find(&b, three, NOW));
}

/* Every text but the one that was told. */
static void
never(void *arg, struct span s)
{
	JT_ERR(token_find(arg, s, NOW, &(struct token_owner){ .expires = 0 },
	    NULL), JIT_E_LOGIN);
}

static void
other_texts(void **state)
{
	JIT_DONE(box_close) struct box b = box_new();
	char one[TOKEN_TEXT], more[TOKEN_TEXT + 1];

	(void)state;
	make(&b, "alice", NOW, LATER, one);
	jt_flip_truncate(span_str(one), never, b.t);
	never(b.t, SPAN_NONE);
	(void)snprintf(more, sizeof(more), "%s=", one);
	never(b.t, span_str(more));
	(void)snprintf(more, sizeof(more), "%s ", one);
	never(b.t, span_str(more));
	never(b.t, SPAN(one, TOKEN_TEXT));	/* with its NUL */
	never(b.t, span_str("' OR 1=1 --"));
	never(b.t, span_str("aaaaaaaaaaaaaaaaaaaaaaaaaaaaa' OR '1'='1' --"));
	JT_OK(find(&b, one, NOW));
}

struct edit { const char *name, *sql; enum jit_err want; };

/* Somebody who can write the database; what makes no sense is told. */
static const struct edit edits[] = {
	{ "nothing", "UPDATE tokens SET id = id", JIT_OK },
	{ "no name", "UPDATE tokens SET person = 'Al ice'", JIT_E_VIEW },
	{ "an empty name", "UPDATE tokens SET person = ''", JIT_E_VIEW },
	{ "a long name", "UPDATE tokens SET person = "
	    "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'",
	    JIT_E_VIEW },
	{ "a short key", "UPDATE tokens SET key = x'00'", JIT_E_VIEW },
	{ "a long key", "UPDATE tokens SET key = zeroblob(33)", JIT_E_VIEW },
	{ "an end before 1970", "UPDATE tokens SET expires = -1",
	    JIT_E_VIEW },
	{ "an end past 9999", "UPDATE tokens SET expires = "
	    "9223372036854775807", JIT_E_VIEW },
	{ "another hash", "UPDATE tokens SET hash = zeroblob(32)",
	    JIT_E_LOGIN },
	{ "no row", "DELETE FROM tokens", JIT_E_LOGIN },
};

static void
edited(void **state)
{
	const struct edit *r = *state;
	JIT_DONE(box_close) struct box b = box_new();
	char one[TOKEN_TEXT];

	make(&b, "alice", NOW, LATER, one);
	JT_OK(db_run(b.d, r->sql, NULL));
	JT_ERR(find(&b, one, NOW), r->want);
	/* Whatever it was, it can be logged out of, and in again. */
	JT_OK(token_drop(b.t, span_str(one), NULL));
	make(&b, "alice", NOW, LATER, one);
	JT_OK(find(&b, one, NOW));
}

static bool
holds(struct span file, struct span s)
{
	return memmem(file.p, file.n, s.p, s.n) != NULL;
}

static void
look_into(const char *path, const char *token, bool *person)
{
	JIT_DONE(buf_done) struct buf f = jt_file(path);
	JIT_DONE(wr_done) struct wr raw = WR_INIT(64);
	char std[TOKEN_TEXT + 1];

	for (size_t i = 0; i < TOKEN_TEXT - 1; i++)
		std[i] = token[i] == '-' ? '+' : token[i] == '_' ? '/' :
		    token[i];
	std[TOKEN_TEXT - 1] = '=';
	JT_OK(b64_get(SPAN(std, TOKEN_TEXT), &raw));
	assert_int_equal(raw.n, 32);
	assert_false(holds(BUF_SPAN(f), span_str(token)));
	assert_false(holds(BUF_SPAN(f), SPAN(std, TOKEN_TEXT)));
	assert_false(holds(BUF_SPAN(f), wr_view(&raw)));
	assert_false(holds(BUF_SPAN(f), SPAN(token, 16)));
	*person = *person || holds(BUF_SPAN(f), span_str("canary-person"));
}

/* Neither text nor bytes, in the file or in what is written ahead of it. */
static void
not_in_the_file(void **state)
{
	JIT_DONE(box_close) struct box b = box_new();
	char one[TOKEN_TEXT], wal[4300];
	bool person = false;

	(void)state;
	make(&b, "canary-person", NOW, LATER, one);
	JT_OK(find(&b, one, NOW));
	(void)snprintf(wal, sizeof(wal), "%s-wal", b.path);
	look_into(b.path, one, &person);
	if (access(wal, R_OK) == 0)
		look_into(wal, one, &person);
	box_close(&b);
	look_into(b.path, one, &person);
	/* The right files were looked into. */
	assert_true(person);
	box_open(&b, DB_USE);
}

static enum jit_err
no_chance(void *ctx, uint8_t *p, size_t n)
{
	(void)ctx;
	(void)p;
	(void)n;
	return JIT_E_IO;
}

static void
not_made(void **state)
{
	JIT_DONE(box_close) struct box b = box_new();
	struct rng none = { no_chance, NULL };
	char one[TOKEN_TEXT] = "x";
	struct span alice = span_str("alice");

	(void)state;
	JT_ERR(token_make(b.t, &none, alice, &key, NOW, LATER, one, NULL),
	    JIT_E_RANDOM);
	JT_ERR(token_make(b.t, &rng, alice, &key, NOW, NOW, one, NULL),
	    JIT_E_ARG);
	JT_ERR(token_make(b.t, &rng, alice, &key, NOW, UTC_MAX + 1, one,
	    NULL), JIT_E_ARG);
	JT_ERR(token_make(b.t, &rng, alice, &key, -1, LATER, one, NULL),
	    JIT_E_ARG);
	JT_ERR(token_make(b.t, &rng, span_str("Alice"), &key, NOW, LATER, one,
	    NULL), JIT_E_ARG);
	JT_ERR(token_make(b.t, &rng, SPAN_NONE, &key, NOW, LATER, one, NULL),
	    JIT_E_ARG);
	assert_string_equal(one, "x");
	/* A failed one leaves no transaction open. */
	JT_OK(db_run(b.d, "DROP INDEX tokens_person; DROP TABLE tokens",
	    NULL));
	assert_int_not_equal(token_make(b.t, &rng, alice, &key, NOW, LATER,
	    one, NULL), JIT_OK);
	assert_string_equal(one, "x");
	JT_OK(db_begin(b.d, NULL));
	JT_OK(db_commit(b.d, NULL));
}

int
main(void)
{
	return jt_one("who is nobody any more", nobody_any_more) +
	    jt_one("found", found) + JT_ROWS("end", end, ends) +
	    jt_one("dropped", dropped) + jt_one("the oldest goes",
	    oldest_goes) + jt_one("one that is over makes room",
	    over_makes_room) + jt_one("restart", restart) +
	    jt_one("other texts", other_texts) +
	    JT_ROWS("edited", edited, edits) +
	    jt_one("not in the file", not_in_the_file) +
	    jt_one("not made", not_made);
}
