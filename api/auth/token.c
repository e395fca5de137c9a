#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "api/auth/rights.h"
#include "api/auth/token.h"
#include "ca/base/secret.h"
#include "ca/base/text.h"

struct tokens {
	struct db *d;			/* borrowed, as its statements */
	struct stmt *add, *trim, *find, *drop, *expire, *next, *forget, *out;
};

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS tokens ("
    " id INTEGER PRIMARY KEY,"			/* ascends with time */
    " hash BLOB NOT NULL UNIQUE,"		/* SHA-256 of the text */
    " person TEXT NOT NULL,"
    " key BLOB NOT NULL,"			/* SHA-256 of its blob */
    " expires INTEGER NOT NULL) STRICT;"
    "CREATE INDEX IF NOT EXISTS tokens_person ON tokens (person, id);"
    "CREATE INDEX IF NOT EXISTS tokens_expires ON tokens (expires);";

enum jit_err
tokens_new(struct db *d, struct tokens **ret, struct jit_why *why)
{
	JIT_SCOPED(tokens_free) struct tokens *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return JIT_E_NOMEM;
	t->d = d;
	JIT_TRY(db_run(d, schema, why));
	JIT_TRY(db_prepare(d, "INSERT INTO tokens (hash, person, key, expires)"
	    " VALUES (?1, ?2, ?3, ?4)", &t->add, why));
	/* Those of a person that are over, and all but the newest ?3. */
	JIT_TRY(db_prepare(d, "DELETE FROM tokens WHERE person = ?1 AND"
	    " (expires <= ?2 OR id NOT IN (SELECT id FROM tokens WHERE"
	    " person = ?1 AND expires > ?2 ORDER BY id DESC LIMIT ?3))",
	    &t->trim, why));
	JIT_TRY(db_prepare(d, "SELECT hash, person, key, expires FROM tokens"
	    " WHERE hash = ?1", &t->find, why));
	JIT_TRY(db_prepare(d, "DELETE FROM tokens WHERE hash = ?1", &t->drop,
	    why));
	JIT_TRY(db_prepare(d, "DELETE FROM tokens WHERE expires <= ?1",
	    &t->expire, why));
	JIT_TRY(db_prepare(d, "SELECT id, person, key FROM tokens WHERE id > ?1"
	    " ORDER BY id LIMIT 1", &t->next, why));
	JIT_TRY(db_prepare(d, "DELETE FROM tokens WHERE id = ?1", &t->forget,
	    why));
	JIT_TRY(db_prepare(d, "DELETE FROM tokens WHERE person = ?1", &t->out,
	    why));
	*ret = t;
	t = NULL;
	return JIT_OK;
}

void
tokens_free(struct tokens *t)
{
	free(t);
}

/* The text of 32 new bytes. */
static enum jit_err
make_text(const struct rng *rng, char ret[static TOKEN_TEXT])
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(TOKEN_TEXT - 1);
	uint8_t bytes[32];
	enum jit_err e = rng_fill(rng, bytes, sizeof(bytes));

	if (e == JIT_OK)
		b64url_put(&w, SPAN(bytes, sizeof(bytes)));
	OPENSSL_cleanse(bytes, sizeof(bytes));
	JIT_TRY(e);
	JIT_TRY(w.err);
	memcpy(ret, w.p, w.n);
	ret[w.n] = '\0';
	return JIT_OK;
}

static enum jit_err
keep(struct tokens *t, const struct digest *hash, struct span person,
    const struct digest *key, utc_s now, utc_s expires, struct jit_why *why)
{
	stmt_text(t->trim, 1, person);
	stmt_int(t->trim, 2, now);
	stmt_int(t->trim, 3, TOKENS_OF_ONE - 1);
	JIT_TRY(stmt_run(t->trim, why));
	stmt_blob(t->add, 1, DIGEST_SPAN(*hash));
	stmt_text(t->add, 2, person);
	stmt_blob(t->add, 3, DIGEST_SPAN(*key));
	stmt_int(t->add, 4, expires);
	return stmt_run(t->add, why);
}

enum jit_err
token_make(struct tokens *t, const struct rng *rng, struct span person,
    const struct digest *key, utc_s now, utc_s expires,
    char ret[static TOKEN_TEXT], struct jit_why *why)
{
	char text[TOKEN_TEXT];
	struct digest hash;
	enum jit_err e;

	if (!text_is_name(person) || now < 0 || expires <= now ||
	    expires > UTC_MAX)
		return jit_fail(why, JIT_E_ARG, "a token for nobody, or of no "
		    "time");
	JIT_TRY(make_text(rng, text));
	e = digest_sha256(span_str(text), &hash);
	if (e == JIT_OK)
		e = db_begin(t->d, why);
	if (e == JIT_OK) {
		e = keep(t, &hash, person, key, now, expires, why);
		if (e == JIT_OK)
			e = db_commit(t->d, why);
		else
			db_rollback(t->d);
	}
	if (e == JIT_OK)
		memcpy(ret, text, sizeof(text));
	OPENSSL_cleanse(text, sizeof(text));
	return e;
}

/* It could be one of ours. */
static bool
is_token(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= '0' && c <= '9') && c != '-' && c != '_')
			return false;
	}
	return s.n == TOKEN_TEXT - 1;
}

/* What the row says.  STRICT: the columns are of their types. */
static bool
read_row(struct stmt *s, const struct digest *hash, struct token_owner *ret)
{
	struct span person = stmt_get(s, 1), key = stmt_get(s, 2);

	ret->expires = stmt_get_int(s, 3);
	if (!secret_equal(stmt_get(s, 0), DIGEST_SPAN(*hash)) ||
	    !text_is_name(person) || key.n != sizeof(ret->key.b) ||
	    ret->expires < 0 || ret->expires > UTC_MAX)
		return false;
	memcpy(ret->person, person.p, person.n);
	memcpy(ret->key.b, key.p, key.n);
	return true;
}

enum jit_err
token_find(struct tokens *t, struct span text, utc_s now,
    struct token_owner *ret, struct jit_why *why)
{
	static const char words[] = "the token is not known, or is over; log "
	    "in again";
	struct token_owner o = { .expires = 0 };
	struct digest hash;
	bool row = false, good = false;

	if (!is_token(text))
		return jit_fail(why, JIT_E_LOGIN, "%s", words);
	JIT_TRY(digest_sha256(text, &hash));
	stmt_blob(t->find, 1, DIGEST_SPAN(hash));
	JIT_TRY(stmt_step(t->find, &row, why));
	if (row)
		good = read_row(t->find, &hash, &o);
	stmt_reset(t->find);
	if (row && !good)
		return db_damaged(t->d, why, "a token of nobody");
	if (!row || o.expires <= now)
		return jit_fail(why, JIT_E_LOGIN, "%s", words);
	*ret = o;
	return JIT_OK;
}

enum jit_err
token_drop(struct tokens *t, struct span text, struct jit_why *why)
{
	struct digest hash;

	if (!is_token(text))
		return JIT_OK;
	JIT_TRY(digest_sha256(text, &hash));
	stmt_blob(t->drop, 1, DIGEST_SPAN(hash));
	return stmt_run(t->drop, why);
}

enum jit_err
tokens_drop_of(struct tokens *t, struct span person, struct jit_why *why)
{
	stmt_text(t->out, 1, person);
	return stmt_run(t->out, why);
}

/* The row that stands in t->next: is its owner somebody? */
static enum jit_err
check_row(struct tokens *t, const struct policy *p, bool *good)
{
	struct span key = stmt_get(t->next, 2);
	struct reader r;
	struct digest d;
	enum jit_err e;

	*good = false;
	if (key.n != sizeof(d.b))
		return JIT_OK;
	memcpy(d.b, key.p, key.n);
	e = reader_of(p, stmt_get(t->next, 1), &d, &r, NULL);
	*good = e == JIT_OK;
	return e == JIT_E_LOGIN ? JIT_OK : e;
}

enum jit_err
tokens_check(struct tokens *t, const struct policy *p, struct jit_why *why)
{
	int64_t id = INT64_MIN;
	bool row = true, good = true;
	enum jit_err e;

	for (;;) {
		stmt_int(t->next, 1, id);
		JIT_TRY(stmt_step(t->next, &row, why));
		if (!row)
			return JIT_OK;
		id = stmt_get_int(t->next, 0);
		e = check_row(t, p, &good);
		stmt_reset(t->next);
		JIT_TRY(e);
		if (good)
			continue;
		stmt_int(t->forget, 1, id);
		JIT_TRY(stmt_run(t->forget, why));
	}
}

enum jit_err
tokens_expire(struct tokens *t, utc_s now, struct jit_why *why)
{
	stmt_int(t->expire, 1, now);
	return stmt_run(t->expire, why);
}
