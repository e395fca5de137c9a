/*
 * The system's VFS, with a checksum in the last 8 bytes of each page of a
 * main database file (SQLite's "reserved" bytes, file format section 1.3.4).
 * The sum is that of WAL frames (section 4.2), begun with the page's number.
 * Only whole pages are written; what is read in parts is SQLite's look at
 * the header before it reads page 1 as a whole.
 */
#include <sqlite3.h>
#include <stdint.h>
#include <string.h>

#include "api/store/db_int.h"

struct paged {
	sqlite3_file base;		/* first: what SQLite has */
	sqlite3_file *real;		/* behind us in the same memory */
};

static sqlite3_file *
real_of(sqlite3_file *f)
{
	return ((struct paged *)(void *)f)->real;
}

/* Of the first DB_PAGE - 8 bytes.  Words in the machine's order: one host. */
static void
sum_page(const uint8_t *p, sqlite3_int64 at, uint8_t ret[DB_RESERVED])
{
	uint32_t a = (uint32_t)(at / DB_PAGE) + 1, b = 0x6a697431, w[2];

	for (size_t i = 0; i < DB_PAGE - DB_RESERVED; i += sizeof(w)) {
		memcpy(w, p + i, sizeof(w));
		a += w[0] + b;
		b += w[1] + a;
	}
	memcpy(ret, &a, sizeof(a));
	memcpy(ret + sizeof(a), &b, sizeof(b));
}

static int
paged_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	int rc = real_of(f)->pMethods->xRead(real_of(f), p, n, at);
	uint8_t sum[DB_RESERVED];

	if (n < 512)
		return rc;
	if (rc == SQLITE_IOERR_SHORT_READ && at == 0)
		return rc;	/* a new file */
	if (rc == SQLITE_IOERR_SHORT_READ || n != DB_PAGE)
		return SQLITE_IOERR_DATA;
	if (rc != SQLITE_OK)
		return rc;
	sum_page(p, at, sum);
	return memcmp((uint8_t *)p + DB_PAGE - DB_RESERVED, sum,
	    DB_RESERVED) == 0 ? SQLITE_OK : SQLITE_IOERR_DATA;
}

static int
paged_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	uint8_t page[DB_PAGE];

	if (n != DB_PAGE || at % DB_PAGE != 0)
		return SQLITE_IOERR_WRITE;
	memcpy(page, p, DB_PAGE);
	sum_page(page, at, page + DB_PAGE - DB_RESERVED);
	return real_of(f)->pMethods->xWrite(real_of(f), page, DB_PAGE, at);
}

/* ---- passed on ---- */

static int
paged_close(sqlite3_file *f)
{
	return real_of(f)->pMethods->xClose(real_of(f));
}

static int
paged_truncate(sqlite3_file *f, sqlite3_int64 n)
{
	return real_of(f)->pMethods->xTruncate(real_of(f), n);
}

static int
paged_sync(sqlite3_file *f, int flags)
{
	return real_of(f)->pMethods->xSync(real_of(f), flags);
}

static int
paged_size(sqlite3_file *f, sqlite3_int64 *n)
{
	return real_of(f)->pMethods->xFileSize(real_of(f), n);
}

static int
paged_lock(sqlite3_file *f, int level)
{
	return real_of(f)->pMethods->xLock(real_of(f), level);
}

static int
paged_unlock(sqlite3_file *f, int level)
{
	return real_of(f)->pMethods->xUnlock(real_of(f), level);
}

static int
paged_reserved(sqlite3_file *f, int *ret)
{
	return real_of(f)->pMethods->xCheckReservedLock(real_of(f), ret);
}

static int
paged_control(sqlite3_file *f, int op, void *arg)
{
	return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}

static int
paged_sector(sqlite3_file *f)
{
	return real_of(f)->pMethods->xSectorSize(real_of(f));
}

static int
paged_device(sqlite3_file *f)
{
	return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

/*
 * Version 1: no memory map, which would go past paged_read(), and no shared
 * memory, which an exclusive WAL does not need.
 */
static const sqlite3_io_methods paged_methods = {
	.iVersion = 1,
	.xClose = paged_close,
	.xRead = paged_read,
	.xWrite = paged_write,
	.xTruncate = paged_truncate,
	.xSync = paged_sync,
	.xFileSize = paged_size,
	.xLock = paged_lock,
	.xUnlock = paged_unlock,
	.xCheckReservedLock = paged_reserved,
	.xFileControl = paged_control,
	.xSectorSize = paged_sector,
	.xDeviceCharacteristics = paged_device,
};

static int
vfs_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags,
    int *out)
{
	sqlite3_vfs *real = v->pAppData;
	struct paged *p = (struct paged *)(void *)f;
	int rc;

	if ((flags & SQLITE_OPEN_MAIN_DB) == 0)
		return real->xOpen(real, name, f, flags, out);
	p->real = (sqlite3_file *)(void *)&p[1];
	rc = real->xOpen(real, name, p->real, flags, out);
	p->base.pMethods = rc == SQLITE_OK ? &paged_methods : NULL;
	return rc;
}

static int
vfs_delete(sqlite3_vfs *v, const char *name, int sync)
{
	sqlite3_vfs *real = v->pAppData;

	return real->xDelete(real, name, sync);
}

static int
vfs_access(sqlite3_vfs *v, const char *name, int flags, int *ret)
{
	sqlite3_vfs *real = v->pAppData;

	return real->xAccess(real, name, flags, ret);
}

static int
vfs_full_path(sqlite3_vfs *v, const char *name, int n, char *ret)
{
	sqlite3_vfs *real = v->pAppData;

	return real->xFullPathname(real, name, n, ret);
}

static int
vfs_random(sqlite3_vfs *v, int n, char *ret)
{
	sqlite3_vfs *real = v->pAppData;

	return real->xRandomness(real, n, ret);
}

static int
vfs_sleep(sqlite3_vfs *v, int us)
{
	sqlite3_vfs *real = v->pAppData;

	return real->xSleep(real, us);
}

static int
vfs_time(sqlite3_vfs *v, double *ret)
{
	sqlite3_vfs *real = v->pAppData;

	return real->xCurrentTime(real, ret);
}

static int
vfs_last_error(sqlite3_vfs *v, int n, char *ret)
{
	sqlite3_vfs *real = v->pAppData;

	return real->xGetLastError(real, n, ret);
}

const char *
db_vfs(void)
{
	static sqlite3_vfs vfs = {
		.iVersion = 1,
		.zName = "jit-paged",
		.xOpen = vfs_open,
		.xDelete = vfs_delete,
		.xAccess = vfs_access,
		.xFullPathname = vfs_full_path,
		.xRandomness = vfs_random,
		.xSleep = vfs_sleep,
		.xCurrentTime = vfs_time,
		.xGetLastError = vfs_last_error,
	};
	sqlite3_vfs *real;

	if (vfs.pAppData != NULL)
		return vfs.zName;
	if ((real = sqlite3_vfs_find(NULL)) == NULL)
		return NULL;
	vfs.szOsFile = (int)sizeof(struct paged) + real->szOsFile;
	vfs.mxPathname = real->mxPathname;
	vfs.pAppData = real;
	if (sqlite3_vfs_register(&vfs, 0) != SQLITE_OK) {
		vfs.pAppData = NULL;
		return NULL;
	}
	return vfs.zName;
}
