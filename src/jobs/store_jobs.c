/* The jobs of store.h. */
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "jobs/store.h"
#include "jobs/store_private.h"

#include <stdlib.h>
#include <string.h>

#define COLUMNS                                                                                              \
	"id, type, state, cancel, attempts, created_ms, started_ms, ended_ms, done, total, request, error, " \
	"result"

/* The numbers are in the database: they never change. */
_Static_assert(JOB_QUEUED == 0 && JOB_RUNNING == 1 && JOB_SUCCEEDED == 2 && JOB_FAILED == 3 &&
		       JOB_CANCELLED == 4,
	       "states as stored");

const char *job_state_name(enum job_state state)
{
	static const char *const names[JOB_STATES] = { "queued", "running", "succeeded", "failed",
						       "cancelled" };

	return names[state];
}

bool job_state_ended(enum job_state state)
{
	return state > JOB_RUNNING;
}

void job_record_free(struct job_record *job)
{
	free(job->request);
	free(job->error);
	free(job->result);
	*job = (struct job_record){ 0 };
}

void job_records_free(struct job_record *jobs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		job_record_free(&jobs[i]);
	free(jobs);
}

static char *copy(struct query *query, int column)
{
	const char *text = query_text(query, column);

	return text ? mem_text(text, strlen(text)) : NULL;
}

static void fill(void *to, struct query *query)
{
	struct job_record *job = to;
	int64_t state = query_int(query, 2);

	*job = (struct job_record){
		.id = query_int(query, 0),
		.state = state >= 0 && state < JOB_STATES ? (enum job_state)state : JOB_FAILED,
		.cancel = query_int(query, 3) != 0,
		.attempts = (int)query_int(query, 4),
		.created_ms = query_int(query, 5),
		.started_ms = query_int(query, 6),
		.ended_ms = query_int(query, 7),
		.done = (uint64_t)query_int(query, 8),
		.total = (uint64_t)query_int(query, 9),
		.request = copy(query, 10),
		.error = copy(query, 11),
		.result = copy(query, 12),
	};
	query_copy(query, 1, job->type, sizeof(job->type));
	if (!job->request)
		job->request = mem_text("{}", 2);
}

/* ---- accepting ---- */

static int check_room(struct store *store, size_t most, struct err *err)
{
	int64_t n = 0;

	if (query_only(store_query(store, err, "SELECT count(*) FROM jobs WHERE state = 0", ""), &n, err) < 0)
		return -1;
	return (uint64_t)n < most
		       ? 0
		       : err_set(err, ERR_BUSY, "%zu jobs are waiting already; try again later", most);
}

static int add_corpus(struct store *store, int64_t job, int64_t place, const char *name, struct err *err)
{
	if (store_change(store, err,
			 "INSERT INTO job_corpora(job, place, corpus) "
			 "SELECT ?, ?, id FROM corpora WHERE name = ?",
			 "iis", job, place, name))
		return -1;
	if (store_changed(store) == 0)
		return err_field(err, ERR_NOT_FOUND, "corpus",
				 "there is no corpus `%s`: PUT it to /v1/corpora/%s first", name, name);
	return 0;
}

static int add_texts(struct store *store, int64_t job, const struct corpus_record *t, struct err *err)
{
	if (store_change(store, err,
			 "INSERT INTO corpora(id, stored, bytes, lines, sha256, created_ms) "
			 "VALUES(?, ?, ?, ?, ?, ?)",
			 "iiiisi", t->id, (int64_t)t->stored, (int64_t)t->bytes, (int64_t)t->lines, t->sha256,
			 t->created_ms))
		return -1;
	return store_change(store, err, "INSERT INTO job_corpora(job, place, corpus) VALUES(?, 0, ?)", "ii",
			    job, t->id);
}

static int add(struct store *store, int64_t *id, const struct job_new *job, size_t most, struct err *err)
{
	int64_t place = job->texts != NULL;

	if (check_room(store, most, err))
		return -1;
	if (query_only(store_query(store, err,
				   "INSERT INTO jobs(type, request, created_ms) VALUES(?, ?, ?) RETURNING id",
				   "ssi", job->type, job->request, clock_unix_ms()),
		       id, err) <= 0)
		return -1;
	if (job->texts && add_texts(store, *id, job->texts, err))
		return -1;
	for (size_t i = 0; i < job->corpora_n; i++)
		if (add_corpus(store, *id, place++, job->corpora[i], err))
			return -1;
	return 0;
}

int store_job_add(struct store *store, int64_t *id, const struct job_new *job, size_t most, struct err *err)
{
	if (store_begin(store, err))
		return -1;
	return store_end(store, add(store, id, job, most, err), err);
}

/* ---- working ---- */

static int read_corpora(struct store *store, struct job_record *job, struct err *err)
{
	struct query *query = store_query(
		store, err, "SELECT corpus FROM job_corpora WHERE job = ? ORDER BY place", "i", job->id);
	int rc = query ? 1 : -1;

	while (rc > 0 && (rc = query_next(query, err)) > 0)
		if (job->corpora_n < LIMIT_JOB_CORPORA)
			job->corpora[job->corpora_n++] = query_int(query, 0);
	query_close(query);
	return rc;
}

static int take(struct store *store, struct job_record *job, struct err *err)
{
	int rc =
		query_one(store_query(store, err,
				      "SELECT " COLUMNS " FROM jobs WHERE state = 0 ORDER BY id LIMIT 1", ""),
			  fill, job, err);

	if (rc <= 0)
		return rc;
	job->state = JOB_RUNNING;
	job->attempts++;
	job->started_ms = clock_unix_ms();
	if (store_change(
		    store, err,
		    "UPDATE jobs SET state = 1, attempts = ?, started_ms = ?, result = NULL WHERE id = ?",
		    "iii", (int64_t)job->attempts, job->started_ms, job->id) ||
	    read_corpora(store, job, err)) {
		job_record_free(job);
		return -1;
	}
	return 1;
}

int store_job_take(struct store *store, struct job_record *job, struct err *err)
{
	int rc;

	if (store_begin(store, err))
		return -1;
	rc = take(store, job, err);
	if (store_end(store, rc < 0, err) == 0)
		return rc;
	if (rc > 0)
		job_record_free(job);
	return -1;
}

int store_job_prepare(struct store *store, int64_t id, const char *result, struct err *err)
{
	return store_change_alone(store, err, "UPDATE jobs SET result = ? WHERE id = ? AND state = 1", "si",
				  result, id);
}

int store_job_end(struct store *store, const struct job_record *job, struct err *err)
{
	return store_change_alone(store, err,
				  "UPDATE jobs SET state = ?, ended_ms = ?, done = ?, total = ?, error = ?, "
				  "result = ? WHERE id = ? AND state = 1",
				  "iiiissi", (int64_t)job->state, clock_unix_ms(), (int64_t)job->done,
				  (int64_t)job->total, job->error, job->result, job->id);
}

int store_job_requeue(struct store *store, int64_t id, bool refund, struct err *err)
{
	return store_change_alone(store, err,
				  "UPDATE jobs SET state = 0, started_ms = 0, result = NULL, "
				  "attempts = attempts - ? WHERE id = ? AND state = 1",
				  "ii", (int64_t)refund, id);
}

static int no_job(int64_t id, struct err *err)
{
	return err_set(err, ERR_NOT_FOUND, "there is no job %lld", (long long)id);
}

static int cancel(struct store *store, int64_t id, enum job_state *state, struct err *err)
{
	int64_t now = 0;
	int rc = query_only(store_query(store, err, "SELECT state FROM jobs WHERE id = ?", "i", id), &now,
			    err);

	if (rc <= 0)
		return rc < 0 ? -1 : no_job(id, err);
	*state = (enum job_state)now;
	if (*state == JOB_SUCCEEDED || *state == JOB_FAILED)
		return err_set(err, ERR_CONFLICT, "job %lld has already %s", (long long)id,
			       job_state_name(*state));
	if (*state == JOB_CANCELLED)
		return 0;
	return store_change(store, err,
			    "UPDATE jobs SET cancel = 1, ended_ms = iif(state = 0, ?, 0), "
			    "state = iif(state = 0, 4, state) WHERE id = ?",
			    "ii", clock_unix_ms(), id);
}

int store_job_cancel(struct store *store, int64_t id, enum job_state *state, struct err *err)
{
	if (store_begin(store, err))
		return -1;
	return store_end(store, cancel(store, id, state, err), err);
}

/* ---- looking ---- */

int store_job_find(struct store *store, struct job_record *job, int64_t id, struct err *err)
{
	int rc = query_one(store_read(store, err, "SELECT " COLUMNS " FROM jobs WHERE id = ?", "i", id), fill,
			   job, err);

	if (rc == 0)
		return no_job(id, err);
	return rc < 0 ? -1 : 0;
}

static int collect(struct query *query, struct job_record **jobs, size_t *n, struct err *err)
{
	int rc = query_list(query, fill, jobs, n, sizeof(**jobs), err);

	if (rc)
		job_records_free(*jobs, *n);
	return rc;
}

int store_job_list(struct store *store, struct job_record **jobs, size_t *n, int64_t before, size_t most,
		   struct err *err)
{
	return collect(store_read(store, err,
				  "SELECT " COLUMNS " FROM jobs WHERE id < ? ORDER BY id DESC LIMIT ?", "ii",
				  before > 0 ? before : INT64_MAX, (int64_t)most),
		       jobs, n, err);
}

int store_job_list_live(struct store *store, struct job_record **jobs, size_t *n, struct err *err)
{
	return collect(
		store_read(store, err, "SELECT " COLUMNS " FROM jobs WHERE state <= 1 ORDER BY id", ""), jobs,
		n, err);
}

int store_job_trim(struct store *store, size_t keep, int64_t **ids, size_t *n, struct err *err)
{
	int rc;

	*ids = NULL;
	*n = 0;
	if (store_begin(store, err))
		return -1;
	rc = query_list(store_query(store, err,
				    "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE state > 1 "
				    "ORDER BY id DESC LIMIT -1 OFFSET ?) RETURNING id",
				    "i", (int64_t)keep),
			fill_int, ids, n, sizeof(**ids), err);
	return store_end(store, rc, err);
}
