/* Opening: what is at the path is looked at before SQLite is. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/store/db_int.h"
#include "ca/base/sys.h"

/*
 * At fixed places of the header (file format section 1.3).  VERSION counts
 * up with any change of a table, of what stands in one, or of DB_PAGE.
 */
#define APPLICATION 0x6a697476u		/* "jitv" */
#define VERSION 2
#define HEADER 100			/* bytes */
#define AT_PAGE 16
#define AT_RESERVED 20
#define AT_VERSION 60
#define AT_APPLICATION 68

/* As db_how says of cache_kib; SQL takes no value there. */
static const struct {
	unsigned kib;
	const char *sql;
} caches[] = {
	{ 65536, "PRAGMA cache_size=-65536" },
	{ 8192, "PRAGMA cache_size=-8192" },
	{ 1024, "PRAGMA cache_size=-1024" },
	{ 0, "PRAGMA cache_size=-256" },
};

static const struct {
	int what, max;
} limits[] = {
	{ SQLITE_LIMIT_LENGTH, 2 << 20 },	/* a policy's entry: 1 MiB */
	{ SQLITE_LIMIT_SQL_LENGTH, 16384 },
	{ SQLITE_LIMIT_COLUMN, 64 },
	{ SQLITE_LIMIT_EXPR_DEPTH, 32 },
	{ SQLITE_LIMIT_COMPOUND_SELECT, 4 },
	{ SQLITE_LIMIT_FUNCTION_ARG, 8 },
	{ SQLITE_LIMIT_ATTACHED, 0 },
	{ SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 64 },
	{ SQLITE_LIMIT_VARIABLE_NUMBER, 32 },
	{ SQLITE_LIMIT_TRIGGER_DEPTH, 1 },
	{ SQLITE_LIMIT_WORKER_THREADS, 0 },
};

static const struct {
	int what, on;
} configs[] = {
	{ SQLITE_DBCONFIG_DEFENSIVE, 1 },
	{ SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
	{ SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0 },
	{ SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 },
	{ SQLITE_DBCONFIG_ENABLE_VIEW, 0 },
	{ SQLITE_DBCONFIG_DQS_DDL, 0 },
	{ SQLITE_DBCONFIG_DQS_DML, 0 },
	{ SQLITE_DBCONFIG_ENABLE_FKEY, 1 },
};

static const char always[] =
    "PRAGMA locking_mode=EXCLUSIVE;"
    "PRAGMA mmap_size=0;"
    "PRAGMA temp_store=MEMORY;"
    "PRAGMA cell_size_check=ON;"
    "PRAGMA journal_size_limit=16777216;";
/* In this order: user_version is what makes it acceptable. */
static const char fresh[] =
    "PRAGMA page_size=4096;"
    "PRAGMA encoding='UTF-8';"
    "PRAGMA journal_mode=MEMORY;"
    "PRAGMA synchronous=OFF;"
    "PRAGMA application_id=0x6a697476;";
static const char acceptable[] = "PRAGMA user_version=2";
static const char lasting[] =
    "PRAGMA journal_mode=WAL;"
    "PRAGMA synchronous=NORMAL;";

static enum jit_err
path_with(const struct db *d, const char *end, char ret[static PATH_MAX],
    struct jit_why *why)
{
	if (snprintf(ret, PATH_MAX, "%s%s", d->path, end) >= PATH_MAX)
		return jit_fail(why, JIT_E_ARG, "%s: the path is too long",
		    d->path);
	return JIT_OK;
}

static enum jit_err
take_lock(struct db *d, struct jit_why *why)
{
	char path[PATH_MAX];
	enum jit_err e;

	JIT_TRY(path_with(d, ".lock", path, why));
	e = sys_lock(path, 0, &d->lock, why);
	return e == JIT_E_BUSY ? jit_fail(why, JIT_E_LOCKED, "%s: another "
	    "process has it open", d->path) : e;
}

static uint32_t
header_u32(const uint8_t *h, size_t at)
{
	struct rd r = rd_of(SPAN(h + at, 4));

	return rd_u32(&r);
}

static enum jit_err
check_header(const struct db *d, const uint8_t *h, size_t n,
    struct jit_why *why)
{
	static const char magic[] = "SQLite format 3";

	if (n < HEADER || memcmp(h, magic, sizeof(magic)) != 0)
		return db_damaged(d, why, "not a database");
	if (header_u32(h, AT_APPLICATION) != APPLICATION)
		return db_damaged(d, why, "another program's database");
	if (header_u32(h, AT_VERSION) == 0)
		return db_damaged(d, why, "was never finished");
	if (header_u32(h, AT_VERSION) != VERSION)
		return db_damaged(d, why, "made by another version of "
		    "jit-certd");
	if (h[AT_PAGE] != DB_PAGE >> 8 || h[AT_PAGE + 1] != 0 ||
	    h[AT_RESERVED] != DB_RESERVED)
		return db_damaged(d, why, "its pages are not ours");
	return JIT_OK;
}

/* The file, and what SQLite would believe beside it. */
static enum jit_err
check_files(const struct db *d, struct jit_why *why)
{
	const uid_t me = geteuid();
	const struct sys_rule rule = { &me, 1, 0077, SIZE_MAX };
	JIT_DONE(sys_close) int fd = -1, wal = -1;
	uint8_t header[HEADER];
	char path[PATH_MAX];
	enum jit_err e;
	ssize_t n;

	JIT_TRY(sys_open(d->path, &rule, &fd, why));
	do
		n = pread(fd, header, sizeof(header), 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return jit_fail(why, JIT_E_IO, "%s: %s", d->path,
		    strerror(errno));
	JIT_TRY(check_header(d, header, (size_t)n, why));
	/* We never leave one; SQLite would play it back. */
	JIT_TRY(path_with(d, "-journal", path, why));
	if (access(path, F_OK) == 0)
		return db_damaged(d, why, "another program left its journal "
		    "beside it");
	JIT_TRY(path_with(d, "-wal", path, why));
	e = sys_open(path, &rule, &wal, why);
	return e == JIT_E_UNKNOWN ? JIT_OK : e;
}

/* What an older one left behind would be played back into the new one. */
static enum jit_err
make_files(const struct db *d, struct jit_why *why)
{
	static const char *const ends[] = { "-wal", "-journal", "-shm" };
	int fd = open(d->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, 0600);
	char path[PATH_MAX];

	if (fd < 0)
		return jit_fail(why, errno == EEXIST ? JIT_E_EXISTS :
		    errno == ENOSPC || errno == EDQUOT ? JIT_E_FULL :
		    JIT_E_IO, "%s: %s", d->path, strerror(errno));
	(void)close(fd);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		JIT_TRY(path_with(d, ends[i], path, why));
		if (unlink(path) != 0 && errno != ENOENT)
			return jit_fail(why, JIT_E_IO, "%s: %s", path,
			    strerror(errno));
	}
	return JIT_OK;
}

static enum jit_err
open_handle(struct db *d, struct jit_why *why)
{
	const char *vfs = db_vfs();
	int rc;

	if (vfs == NULL)
		return JIT_E_NOMEM;
	rc = sqlite3_open_v2(d->path, &d->h, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
	    SQLITE_OPEN_EXRESCODE, vfs);
	if (rc != SQLITE_OK)
		return db_error(d, rc, why);
	/* Statements are few and kept: it would only hold memory. */
	(void)sqlite3_db_config(d->h, SQLITE_DBCONFIG_LOOKASIDE, NULL, 0, 0);
	for (size_t i = 0; i < sizeof(configs) / sizeof(configs[0]); i++) {
		rc = sqlite3_db_config(d->h, configs[i].what, configs[i].on,
		    NULL);
		if (rc != SQLITE_OK)
			return db_error(d, rc, why);
	}
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		(void)sqlite3_limit(d->h, limits[i].what, limits[i].max);
	return JIT_OK;
}

/* A journal mode that cannot be had is no error to SQLite. */
static enum jit_err
make_lasting(struct db *d, struct jit_why *why)
{
	struct stmt *s = NULL;
	bool row, wal;

	JIT_TRY(db_run(d, lasting, why));
	JIT_TRY(db_prepare(d, "PRAGMA journal_mode", &s, why));
	JIT_TRY(stmt_step(s, &row, why));
	wal = row && span_eq_str(stmt_get(s, 0), "wal");
	stmt_reset(s);
	return wal ? JIT_OK : jit_fail(why, JIT_E_IO, "%s: cannot be opened "
	    "for writing", d->path);
}

static enum jit_err
set_up(struct db *d, enum db_how how, unsigned cache_kib,
    struct jit_why *why)
{
	int reserved = DB_RESERVED;
	size_t i = 0;

	while (caches[i].kib > cache_kib)
		i++;
	/* The lock's mode first: what reads the file needs it for the WAL. */
	JIT_TRY(db_run(d, always, why));
	JIT_TRY(db_run(d, caches[i].sql, why));
	if (how != DB_USE) {
		(void)sqlite3_file_control(d->h, "main",
		    SQLITE_FCNTL_RESERVE_BYTES, &reserved);
		JIT_TRY(db_run(d, fresh, why));
	}
	d->bulk = how == DB_BULK;
	if (how == DB_MAKE)
		JIT_TRY(db_run(d, acceptable, why));
	return how == DB_BULK ? JIT_OK : make_lasting(d, why);
}

/* Not by a descriptor of ours: closing that would drop SQLite's locks. */
static enum jit_err
sync_file(const struct db *d, struct jit_why *why)
{
	sqlite3_file *f = NULL;
	int rc = sqlite3_file_control(d->h, "main", SQLITE_FCNTL_FILE_POINTER,
	    &f);

	if (rc == SQLITE_OK && f != NULL && f->pMethods != NULL)
		rc = f->pMethods->xSync(f, SQLITE_SYNC_FULL);
	return rc == SQLITE_OK ? JIT_OK : db_error(d, rc, why);
}

enum jit_err
db_settle(struct db *d, struct jit_why *why)
{
	if (!d->bulk)
		return JIT_OK;
	/* Everything is on the disk before it is acceptable. */
	JIT_TRY(sync_file(d, why));
	JIT_TRY(db_run(d, acceptable, why));
	JIT_TRY(make_lasting(d, why));
	d->bulk = false;
	return sync_file(d, why);
}

enum jit_err
db_open(const char *path, enum db_how how, unsigned cache_kib,
    struct db **ret, struct jit_why *why)
{
	JIT_SCOPED(db_free) struct db *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return JIT_E_NOMEM;
	d->lock = -1;
	if ((d->path = strdup(path)) == NULL)
		return JIT_E_NOMEM;
	JIT_TRY(take_lock(d, why));
	JIT_TRY(how == DB_USE ? check_files(d, why) : make_files(d, why));
	JIT_TRY(open_handle(d, why));
	JIT_TRY(set_up(d, how, cache_kib, why));
	*ret = d;
	d = NULL;
	return JIT_OK;
}

void
db_free(struct db *d)
{
	if (d == NULL)
		return;
	while (d->stmts != NULL) {
		struct stmt *s = d->stmts;

		d->stmts = s->next;
		(void)sqlite3_finalize(s->s);
		free(s);
	}
	(void)sqlite3_close(d->h);
	sys_close(&d->lock);
	free(d->path);
	free(d);
}
