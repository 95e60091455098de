/* The corpora of store.h. */
#include "base/err.h"
#include "base/mem.h"
#include "jobs/store.h"
#include "jobs/store_private.h"

#include <stdlib.h>
#include <string.h>

#define COLUMNS "id, name, stored, bytes, lines, sha256, created_ms"

/* Without a name, and no waiting or running job was accepted with it. */
#define UNNEEDED                                                                                             \
	"name IS NULL AND NOT EXISTS (SELECT 1 FROM job_corpora JOIN jobs ON jobs.id = job_corpora.job "     \
	"WHERE job_corpora.corpus = corpora.id AND jobs.state <= 1)"

static void fill(void *to, struct query *query)
{
	struct corpus_record *corpus = to;

	*corpus = (struct corpus_record){
		.id = query_int(query, 0),
		.stored = (uint64_t)query_int(query, 2),
		.bytes = (uint64_t)query_int(query, 3),
		.lines = (uint64_t)query_int(query, 4),
		.created_ms = query_int(query, 6),
	};
	query_copy(query, 1, corpus->name, sizeof(corpus->name));
	query_copy(query, 5, corpus->sha256, sizeof(corpus->sha256));
}

int store_corpus_last(struct store *store, int64_t *id, struct err *err)
{
	*id = 0;
	return query_only(
		       store_read(store, err, "SELECT seq FROM sqlite_sequence WHERE name = 'corpora'", ""),
		       id, err) < 0
		       ? -1
		       : 0;
}

/* Takes the name from an older corpus; ERR_TOO_LARGE when `most` others have one. */
static int make_room(struct store *store, const char *name, size_t most, struct err *err)
{
	int64_t n = 0;

	if (query_only(store_query(store, err,
				   "SELECT count(*) FROM corpora WHERE name IS NOT NULL AND name <> ?", "s",
				   name),
		       &n, err) < 0)
		return -1;
	if ((uint64_t)n >= most)
		return err_set(err, ERR_TOO_LARGE,
			       "there are %zu corpora, and no more may be kept: remove some", most);
	return store_change(store, err, "UPDATE corpora SET name = NULL WHERE name = ?", "s", name);
}

int store_corpus_put(struct store *store, const struct corpus_record *corpus, size_t most, struct err *err)
{
	int rc;

	if (store_begin(store, err))
		return -1;
	rc = make_room(store, corpus->name, most, err);
	if (rc == 0)
		rc = store_change(store, err, "INSERT INTO corpora(" COLUMNS ") VALUES(?, ?, ?, ?, ?, ?, ?)",
				  "ieiiisi", corpus->id, corpus->name, (int64_t)corpus->stored,
				  (int64_t)corpus->bytes, (int64_t)corpus->lines, corpus->sha256,
				  corpus->created_ms);
	return store_end(store, rc, err);
}

static int not_found(const char *name, struct err *err)
{
	return err_field(err, ERR_NOT_FOUND, "corpus", "there is no corpus `%s`", name);
}

int store_corpus_find(struct store *store, struct corpus_record *corpus, const char *name, struct err *err)
{
	int rc =
		query_one(store_read(store, err, "SELECT " COLUMNS " FROM corpora WHERE name = ?", "s", name),
			  fill, corpus, err);

	if (rc == 0)
		return not_found(name, err);
	return rc < 0 ? -1 : 0;
}

int store_corpus_remove(struct store *store, const char *name, struct err *err)
{
	int rc;

	if (store_begin(store, err))
		return -1;
	rc = store_change(store, err, "UPDATE corpora SET name = NULL WHERE name = ?", "s", name);
	if (rc == 0 && store_changed(store) == 0)
		rc = not_found(name, err);
	return store_end(store, rc, err);
}

int store_corpus_list(struct store *store, struct corpus_record **corpora, size_t *n, struct err *err)
{
	return query_list(store_read(store, err,
				     "SELECT " COLUMNS " FROM corpora WHERE name IS NOT NULL ORDER BY name",
				     ""),
			  fill, corpora, n, sizeof(**corpora), err);
}

int store_corpus_collect(struct store *store, int64_t **ids, size_t *n, struct err *err)
{
	int rc;

	*ids = NULL;
	*n = 0;
	if (store_begin(store, err))
		return -1;
	rc = query_list(store_query(store, err, "DELETE FROM corpora WHERE " UNNEEDED " RETURNING id", ""),
			fill_int, ids, n, sizeof(**ids), err);
	return store_end(store, rc, err);
}

int store_corpus_known(struct store *store, int64_t id, struct err *err)
{
	int64_t one;

	return query_only(store_read(store, err, "SELECT 1 FROM corpora WHERE id = ?", "i", id), &one, err);
}
