/*
 * store_private.h - SQL for store_corpora.c and store_jobs.c; only store.c knows SQLite.
 */
#ifndef SIFD_JOBS_STORE_PRIVATE_H
#define SIFD_JOBS_STORE_PRIVATE_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct query;
struct store;

/*
 * A transaction: what a writer does between begin and end is done as a whole or not at all, while other
 * writers wait.  end() commits when `failed` is 0 and else rolls back; it returns -1 if anything failed.
 */
int store_begin(struct store *store, struct err *err);
int store_end(struct store *store, int failed, struct err *err);

/*
 * A statement with its values: `values` has a letter for each '?': i = int64_t, s = const char * (NULL is
 * NULL), e = the same but "" is NULL.  store_query() is for the transaction of this thread; store_read() sees
 * the last commit and must be closed soon, since other readers wait for it.
 */
struct query *store_query(struct store *store, struct err *err, const char *sql, const char *values, ...);
struct query *store_read(struct store *store, struct err *err, const char *sql, const char *values, ...);

/* 1 with a row, 0 at the end, -1. */
int query_next(struct query *query, struct err *err);
int64_t query_int(struct query *query, int column);

/* NULL for NULL; lives until the next row. */
const char *query_text(struct query *query, int column);

/* Copies the text, 0-terminated, into to[n]; "" for NULL. */
void query_copy(struct query *query, int column, char *to, size_t n);

void query_close(struct query *query);

/* Closes the query (NULL is fine) after reading the number in its only row: 1, 0 without a row, -1. */
int query_only(struct query *query, int64_t *value, struct err *err);

/* Runs a statement of the transaction to its end: how many rows it changed, or -1. */
int64_t store_change(struct store *store, struct err *err, const char *sql, const char *values, ...);

/* The same as a transaction of its own; 0 or -1. */
int store_change_alone(struct store *store, struct err *err, const char *sql, const char *values, ...);

/*
 * Ids of rows, to be free()d by the caller.  store_ids() appends the first column of a statement of the
 * transaction; ids_drop() frees them and leaves none.
 */
int store_ids(struct store *store, int64_t **ids, size_t *n, struct err *err, const char *sql,
	      const char *values, ...);
void ids_drop(int64_t **ids, size_t *n);

#endif
