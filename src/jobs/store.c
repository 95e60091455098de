#include "jobs/store.h"

#include "base/err.h"
#include "base/mem.h"
#include "jobs/store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUSY_MS = 5000 };

/* Readers have a connection of their own: under WAL they never wait for a writer's fsync. */
struct connection {
	sqlite3 *db;
	pthread_mutex_t lock;
};

struct store {
	char *path;  /* of the database */
	int lock_fd; /* of STATE/lock */
	struct connection writer, reader;
};

struct query {
	sqlite3_stmt *statement;
	sqlite3 *db;
	pthread_mutex_t *lock; /* to be unlocked when it is closed; NULL: the transaction holds it */
};

static const char schema[] =
	"CREATE TABLE corpora("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" name TEXT UNIQUE,"
	" stored INTEGER NOT NULL, bytes INTEGER NOT NULL, lines INTEGER NOT NULL,"
	" sha256 TEXT NOT NULL, created_ms INTEGER NOT NULL) STRICT;"
	"CREATE TABLE jobs("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" type TEXT NOT NULL, state INTEGER NOT NULL DEFAULT 0, cancel INTEGER NOT NULL DEFAULT 0,"
	" attempts INTEGER NOT NULL DEFAULT 0, created_ms INTEGER NOT NULL,"
	" started_ms INTEGER NOT NULL DEFAULT 0, ended_ms INTEGER NOT NULL DEFAULT 0,"
	" done INTEGER NOT NULL DEFAULT 0, total INTEGER NOT NULL DEFAULT 0,"
	" request TEXT NOT NULL, error TEXT, result TEXT) STRICT;"
	"CREATE INDEX jobs_by_state ON jobs(state, id);"
	"CREATE TABLE job_corpora("
	" job INTEGER NOT NULL REFERENCES jobs(id) ON DELETE CASCADE, place INTEGER NOT NULL,"
	" corpus INTEGER NOT NULL, PRIMARY KEY(job, place)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX job_corpora_by_corpus ON job_corpora(corpus);";

/* SQLite's error as one of our codes. */
static int failed(sqlite3 *db, struct err *err)
{
	int code = sqlite3_errcode(db) & 0xFF;

	if (code == SQLITE_NOMEM)
		return err_set(err, ERR_MEMORY, "no memory is left for the records of jobs");
	if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
		return err_set(err, ERR_FORMAT, "the records (sifd.db) are damaged: %s; move the file away",
			       sqlite3_errmsg(db));
	if (code == SQLITE_FULL)
		return err_set(err, ERR_IO, "the disk of the state folder is full");
	return err_set(err, ERR_IO, "the records (sifd.db) cannot be used: %s", sqlite3_errmsg(db));
}

/* ---- statements ---- */

static int bind(sqlite3_stmt *statement, const char *values, va_list args)
{
	for (int i = 0; values[i]; i++) {
		const char *text;
		int rc;

		if (values[i] == 'i') {
			rc = sqlite3_bind_int64(statement, i + 1, va_arg(args, int64_t));
		} else {
			text = va_arg(args, const char *);
			if (values[i] == 'e' && text && !*text)
				text = NULL;
			rc = sqlite3_bind_text(statement, i + 1, text, -1, SQLITE_TRANSIENT);
		}
		if (rc != SQLITE_OK)
			return -1;
	}
	return 0;
}

/* Unlocks when it fails. */
static struct query *prepare(sqlite3 *db, pthread_mutex_t *lock, struct err *err, const char *sql,
			     const char *values, va_list args)
{
	struct query *query = mem_new(1, sizeof(*query));

	query->db = db;
	query->lock = lock;
	if (sqlite3_prepare_v2(db, sql, -1, &query->statement, NULL) == SQLITE_OK &&
	    bind(query->statement, values, args) == 0)
		return query;
	(void)failed(db, err);
	query_close(query);
	return NULL;
}

struct query *store_query(struct store *store, struct err *err, const char *sql, const char *values, ...)
{
	struct query *query;
	va_list args;

	va_start(args, values);
	query = prepare(store->writer.db, NULL, err, sql, values, args);
	va_end(args);
	return query;
}

struct query *store_read(struct store *store, struct err *err, const char *sql, const char *values, ...)
{
	struct query *query;
	va_list args;

	(void)pthread_mutex_lock(&store->reader.lock);
	va_start(args, values);
	query = prepare(store->reader.db, &store->reader.lock, err, sql, values, args);
	va_end(args);
	return query;
}

int query_next(struct query *query, struct err *err)
{
	int rc = sqlite3_step(query->statement);

	if (rc == SQLITE_ROW)
		return 1;
	return rc == SQLITE_DONE ? 0 : failed(query->db, err);
}

int64_t query_int(struct query *query, int column)
{
	return sqlite3_column_int64(query->statement, column);
}

const char *query_text(struct query *query, int column)
{
	return (const char *)sqlite3_column_text(query->statement, column);
}

void query_copy(struct query *query, int column, char *to, size_t n)
{
	const char *text = query_text(query, column);

	(void)snprintf(to, n, "%s", text ? text : "");
}

void query_close(struct query *query)
{
	if (!query)
		return;
	(void)sqlite3_finalize(query->statement); /* repeats what the last step said */
	if (query->lock)
		(void)pthread_mutex_unlock(query->lock);
	free(query);
}

int query_one(struct query *query, void (*fill)(void *to, struct query *query), void *to, struct err *err)
{
	int rc = query ? query_next(query, err) : -1;

	if (rc > 0)
		fill(to, query);
	query_close(query);
	return rc;
}

void fill_int(void *to, struct query *query)
{
	*(int64_t *)to = query_int(query, 0);
}

int query_only(struct query *query, int64_t *value, struct err *err)
{
	return query_one(query, fill_int, value, err);
}

int query_list(struct query *query, void (*fill)(void *to, struct query *query), void *at, size_t *n,
	       size_t size, struct err *err)
{
	char *rows = NULL;
	int rc = query ? 1 : -1;

	*n = 0;
	while (rc > 0 && (rc = query_next(query, err)) > 0) {
		if (mem_resize(&rows, *n + 1, size, err))
			rc = -1;
		else
			fill(rows + (*n)++ * size, query);
	}
	memcpy(at, &rows, sizeof(rows));
	query_close(query);
	return rc;
}

static int change(struct store *store, struct err *err, const char *sql, const char *values, va_list args)
{
	struct query *query = prepare(store->writer.db, NULL, err, sql, values, args);
	int rc = query ? 1 : -1;

	while (rc > 0)
		rc = query_next(query, err);
	query_close(query);
	return rc;
}

int store_change(struct store *store, struct err *err, const char *sql, const char *values, ...)
{
	va_list args;
	int rc;

	va_start(args, values);
	rc = change(store, err, sql, values, args);
	va_end(args);
	return rc;
}

int64_t store_changed(const struct store *store)
{
	return sqlite3_changes64(store->writer.db);
}

int store_change_alone(struct store *store, struct err *err, const char *sql, const char *values, ...)
{
	va_list args;
	int rc;

	if (store_begin(store, err))
		return -1;
	va_start(args, values);
	rc = change(store, err, sql, values, args);
	va_end(args);
	return store_end(store, rc, err);
}

static int execute(sqlite3 *db, const char *sql, struct err *err)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : failed(db, err);
}

int store_begin(struct store *store, struct err *err)
{
	(void)pthread_mutex_lock(&store->writer.lock);
	if (execute(store->writer.db, "BEGIN IMMEDIATE", err) == 0)
		return 0;
	(void)pthread_mutex_unlock(&store->writer.lock);
	return -1;
}

int store_end(struct store *store, int failure, struct err *err)
{
	int rc = failure ? -1 : execute(store->writer.db, "COMMIT", err);

	if (rc && !sqlite3_get_autocommit(store->writer.db))
		(void)sqlite3_exec(store->writer.db, "ROLLBACK", NULL, NULL, NULL);
	(void)pthread_mutex_unlock(&store->writer.lock);
	return rc;
}

/* ---- opening ---- */

static int lock_folder(struct store *store, const char *folder, struct err *err)
{
	char path[4096];
	char holder[32] = "";
	int n;

	if (snprintf(path, sizeof(path), "%s/lock", folder) >= (int)sizeof(path))
		return err_set(err, ERR_INPUT, "the name of the state folder is too long");
	store->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
	if (store->lock_fd < 0)
		return err_set(err, ERR_IO, "the state folder %s cannot be written: %s", folder,
			       strerror(errno));
	if (flock(store->lock_fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK)
			return err_set(err, ERR_IO, "cannot lock %s: %s", path, strerror(errno));
		if (read(store->lock_fd, holder, sizeof(holder) - 1) < 0)
			holder[0] = '\0';
		holder[strspn(holder, "0123456789")] = '\0';
		return err_set(
			err, ERR_CONFLICT,
			"the state folder %s is in use by another sifd (process %s); give each its own",
			folder, holder[0] ? holder : "unknown");
	}
	n = snprintf(holder, sizeof(holder), "%ld\n", (long)getpid());
	if (ftruncate(store->lock_fd, 0) != 0 || pwrite(store->lock_fd, holder, (size_t)n, 0) != n)
		return err_set(err, ERR_IO, "cannot write %s: %s", path, strerror(errno));
	return 0;
}

static int connect_to(struct connection *c, const char *path, int flags, struct err *err)
{
	if (sqlite3_open_v2(path, &c->db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
		if (!c->db)
			return err_set(err, ERR_MEMORY, "no memory is left to open %s", path);
		(void)failed(c->db, err);
		return err_prefix(err, "%s", path);
	}
	(void)sqlite3_busy_timeout(c->db, BUSY_MS);
	return 0;
}

static int make_schema(struct store *store, struct err *err)
{
	char sql[64];
	int64_t version;
	int rc = 0;

	if (store_begin(store, err))
		return -1;
	if (query_only(store_query(store, err, "PRAGMA user_version", ""), &version, err) <= 0)
		version = -1;
	if (version > STORE_SCHEMA)
		rc = err_set(err, ERR_FORMAT, "%s was made by a newer sifd (schema %lld, this one knows %d)",
			     store->path, (long long)version, STORE_SCHEMA);
	else if (version < 0)
		rc = -1;
	if (version == 0) {
		(void)snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", STORE_SCHEMA);
		rc = execute(store->writer.db, schema, err) || execute(store->writer.db, sql, err);
	}
	return store_end(store, rc, err);
}

static int open_database(struct store *store, struct err *err)
{
	if (connect_to(&store->writer, store->path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err) ||
	    execute(store->writer.db,
		    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON", err) ||
	    make_schema(store, err))
		return -1;
	return connect_to(&store->reader, store->path, SQLITE_OPEN_READONLY, err);
}

struct store *store_open(const char *folder, struct err *err)
{
	struct store *store = mem_new(1, sizeof(*store));
	size_t room = strlen(folder) + sizeof("/sifd.db");

	store->lock_fd = -1;
	store->path = mem_new(room, 1);
	(void)snprintf(store->path, room, "%s/sifd.db", folder);
	(void)pthread_mutex_init(&store->writer.lock, NULL);
	(void)pthread_mutex_init(&store->reader.lock, NULL);
	if (lock_folder(store, folder, err) == 0 && open_database(store, err) == 0)
		return store;
	store_close(store);
	return NULL;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	(void)sqlite3_close(store->reader.db);
	(void)sqlite3_close(store->writer.db);
	if (store->lock_fd >= 0)
		(void)close(store->lock_fd);
	(void)pthread_mutex_destroy(&store->writer.lock);
	(void)pthread_mutex_destroy(&store->reader.lock);
	free(store->path);
	free(store);
}
