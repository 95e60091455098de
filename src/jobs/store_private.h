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

/*
 * These close the query (NULL is fine).  query_one() hands its first row to fill(): 1, 0 without a row, -1;
 * query_only() reads the number in it.  query_list() makes an array of n elements of `size` bytes from all
 * rows, which the caller free()s, also after -1: `at` is the address of a pointer, passed as void *.
 */
int query_one(struct query *query, void (*fill)(void *to, struct query *query), void *to, struct err *err);
int query_only(struct query *query, int64_t *value, struct err *err);
int query_list(struct query *query, void (*fill)(void *to, struct query *query), void *at, size_t *n,
	       size_t size, struct err *err);

/* Fills an int64_t from the first column. */
void fill_int(void *to, struct query *query);

/* Runs a statement of the transaction to its end. */
int store_change(struct store *store, struct err *err, const char *sql, const char *values, ...);

/* How many rows the last statement of the transaction changed. */
int64_t store_changed(const struct store *store);

/* store_change() as a transaction of its own. */
int store_change_alone(struct store *store, struct err *err, const char *sql, const char *values, ...);

#endif
