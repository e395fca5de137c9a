/*
 * db_int - what db's files share.  Inside api/store only.
 */
#ifndef JIT_API_STORE_DB_INT_H
#define JIT_API_STORE_DB_INT_H

#include <sqlite3.h>

#include "api/store/db.h"

#define DB_PAGE 4096		/* bytes, the checksum's 8 among them */
#define DB_RESERVED 8

struct stmt {
	struct stmt *next;
	struct db *d;
	sqlite3_stmt *s;
	int rc;				/* sticky, of binding */
};

struct db {
	sqlite3 *h;
	char *path;			/* owned */
	int lock;			/* of FILE.lock, or -1 */
	bool bulk;
	struct stmt *stmts;		/* owned */
};

/* What SQLite's rc means, told with the path. */
enum jit_err db_error(const struct db *d, int rc, struct jit_why *why);

/*
 * Name of the VFS that checks pages; registered at the first call.  NULL:
 * SQLite could not be started.  It never loads an extension.
 */
const char *db_vfs(void);

#endif
