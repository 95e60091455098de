#include "jobs/jobs.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json_fields.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "jobs/jobs_private.h"
#include "jobs/uploads.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
	NICE = 10,     /* a lower priority than the event loops and the workers */
	RETRY_S = 1,   /* pause when the records cannot be read or written */
	LOOK_MS = 250, /* the least time between two looks that make a rate */
};

/* ---- live jobs: waiting or running ---- */

/* Room for one more, so that live_add() cannot fail once a job is on record. */
static int live_reserve(struct jobs *jobs, struct err *err)
{
	int rc;

	(void)pthread_mutex_lock(&jobs->lock);
	rc = mem_grow(&jobs->live, &jobs->live_room, jobs->live_n, sizeof(*jobs->live), err);
	(void)pthread_mutex_unlock(&jobs->lock);
	return rc;
}

static void live_add(struct jobs *jobs, int64_t id)
{
	(void)pthread_mutex_lock(&jobs->lock);
	jobs->live[jobs->live_n++] = id;
	(void)pthread_cond_signal(&jobs->changed);
	(void)pthread_mutex_unlock(&jobs->lock);
}

/* Called with `lock` held. */
static size_t live_find(const struct jobs *jobs, int64_t id)
{
	size_t i = 0;

	while (i < jobs->live_n && jobs->live[i] != id)
		i++;
	return i;
}

static void live_remove(struct jobs *jobs, int64_t id)
{
	size_t i;

	(void)pthread_mutex_lock(&jobs->lock);
	i = live_find(jobs, id);
	if (i < jobs->live_n) {
		memmove(jobs->live + i, jobs->live + i + 1, (jobs->live_n - i - 1) * sizeof(*jobs->live));
		jobs->live_n--;
	}
	(void)pthread_mutex_unlock(&jobs->lock);
}

bool jobs_live(struct jobs *jobs, int64_t id)
{
	bool live;

	(void)pthread_mutex_lock(&jobs->lock);
	live = live_find(jobs, id) < jobs->live_n;
	(void)pthread_mutex_unlock(&jobs->lock);
	return live;
}

void jobs_load(struct jobs *jobs, size_t *queued, size_t *running)
{
	(void)pthread_mutex_lock(&jobs->lock);
	*running = jobs->running != 0;
	*queued = jobs->live_n - (*running && live_find(jobs, jobs->running) < jobs->live_n);
	(void)pthread_mutex_unlock(&jobs->lock);
}

void jobs_tally(struct jobs *jobs, struct job_tally tally[JOB_TYPES][JOB_STATES])
{
	(void)pthread_mutex_lock(&jobs->lock);
	memcpy(tally, jobs->tally, sizeof(jobs->tally));
	(void)pthread_mutex_unlock(&jobs->lock);
}

/* ---- for the routes ---- */

int jobs_add(struct jobs *jobs, int64_t *id, const struct job_new *job, struct err *err)
{
	int rc;

	(void)pthread_mutex_lock(&jobs->order);
	rc = live_reserve(jobs, err);
	if (rc == 0)
		rc = store_job_add(jobs->store, id, job, jobs->options.waiting, err);
	if (rc == 0)
		live_add(jobs, *id);
	(void)pthread_mutex_unlock(&jobs->order);
	if (rc == 0)
		log_info("job queued", "id=%lld type=%s", (long long)*id, job->type);
	return rc;
}

int jobs_cancel(struct jobs *jobs, int64_t id, struct err *err)
{
	enum job_state before = JOB_QUEUED;
	int rc;

	(void)pthread_mutex_lock(&jobs->order);
	rc = store_job_cancel(jobs->store, id, &before, err);
	if (rc == 0 && before == JOB_QUEUED)
		live_remove(jobs, id);
	if (rc == 0) {
		(void)pthread_mutex_lock(&jobs->lock);
		if (jobs->running == id) {
			jobs->unwanted = true;
			atomic_store(&jobs->progress.drop, true);
			atomic_store(&jobs->progress.cancel, true);
		}
		(void)pthread_mutex_unlock(&jobs->lock);
	}
	(void)pthread_mutex_unlock(&jobs->order);
	if (rc == 0 && before == JOB_QUEUED)
		uploads_collect(jobs->uploads);
	return rc;
}

/* How far a job is. */
struct job_seen {
	const char *phase, *unit;
	uint64_t done, total;
	double rate;
	double loss, score; /* of a training; 0: none yet */
};

void put_figure(struct buf *to, const char *before, double x)
{
	buf_text(to, before);
	if (isfinite(x))
		buf_printf(to, "%.6g", x);
	else
		buf_text(to, "null");
}

static void put_progress(struct buf *to, const struct job_seen *seen)
{
	uint64_t done = seen->done, total = seen->total;

	json_put_text(to, ",\"progress\":{\"phase\":", seen->phase);
	json_put_text(to, ",\"unit\":", seen->unit);
	buf_printf(to, ",\"done\":%llu,\"total\":%llu,\"rate\":%.1f,\"eta_s\":", (unsigned long long)done,
		   (unsigned long long)total, seen->rate);
	if (total > 0 && done >= total)
		buf_text(to, "0");
	else if (total > 0 && seen->rate > 0)
		buf_printf(to, "%.1f", (double)(total - done) / seen->rate);
	else
		buf_text(to, "null");
	put_figure(to, ",\"loss\":", seen->loss != 0 ? seen->loss : (double)NAN);
	put_figure(to, ",\"score\":", seen->score != 0 ? seen->score : (double)NAN);
	buf_byte(to, '}');
}

/*
 * Units per second, from this look at the phase and an earlier one.  The phase began with `begun` units done.
 * Called with `lock` held.
 */
static double measure_rate(struct jobs *jobs, const char *phase, uint64_t begun, uint64_t done)
{
	struct job_look *look = &jobs->look;
	int64_t now = clock_unix_ms();
	struct job_look from = *look;

	if (phase != look->phase || done < look->done) {
		/* It began after the last look, so the time since that is rather too long than too short. */
		from.done = begun < done ? begun : done;
		*look = (struct job_look){ .phase = phase, .at_ms = now, .done = done };
	} else if (now - look->at_ms < LOOK_MS) {
		from.done = look->done;
	}
	return now > from.at_ms ? 1000.0 * (double)(done - from.done) / (double)(now - from.at_ms) : 0.0;
}

static void put_running_progress(struct jobs *jobs, struct buf *to, int64_t id)
{
	struct progress *p = &jobs->progress;
	struct job_seen seen = { 0 };

	(void)pthread_mutex_lock(&jobs->lock);
	if (jobs->running == id) {
		seen.phase = atomic_load(&p->phase);
		seen.unit = atomic_load(&p->unit);
		seen.done = atomic_load(&p->done);
		seen.total = atomic_load(&p->total);
		seen.loss = atomic_load(&p->loss);
		seen.score = atomic_load(&p->score);
		seen.rate = measure_rate(jobs, seen.phase, atomic_load(&p->from), seen.done);
	}
	(void)pthread_mutex_unlock(&jobs->lock);
	put_progress(to, &seen);
}

static void put_time(struct buf *to, const char *name, int64_t ms)
{
	if (ms)
		buf_printf(to, ",\"%s\":%lld.%03lld", name, (long long)(ms / 1000), (long long)(ms % 1000));
	else
		buf_printf(to, ",\"%s\":null", name);
}

static void put_job(struct jobs *jobs, struct buf *to, const struct job_record *job)
{
	bool ended = job_state_ended(job->state);
	double seconds = (double)(job->ended_ms - job->started_ms) / 1000.0;
	struct job_seen seen = { .done = job->done, .total = job->total };

	if (ended && job->started_ms && seconds > 0)
		seen.rate = (double)job->done / seconds;
	buf_printf(to, "{\"id\":%lld,\"type\":\"%s\",\"state\":\"%s\",\"cancelling\":%s", (long long)job->id,
		   job->type, job_state_name(job->state), !ended && job->cancel ? "true" : "false");
	put_time(to, "created", job->created_ms);
	put_time(to, "started", job->started_ms);
	put_time(to, "ended", job->ended_ms);
	buf_printf(to, ",\"attempts\":%d", job->attempts);
	if (job->state == JOB_RUNNING)
		put_running_progress(jobs, to, job->id);
	else
		put_progress(to, &seen);
	json_put_text(to, ",\"error\":", job->error);
	buf_text(to, ",\"result\":");
	/* While the job runs, its result is only a plan. */
	buf_text(to, ended && job->result ? job->result : "null");
	buf_text(to, ",\"request\":");
	buf_text(to, job->request);
	buf_byte(to, '}');
}

int jobs_put(struct jobs *jobs, struct buf *to, int64_t id, struct err *err)
{
	struct job_record job;

	if (store_job_find(jobs->store, &job, id, err))
		return -1;
	put_job(jobs, to, &job);
	buf_byte(to, '\n');
	job_record_free(&job);
	return 0;
}

int jobs_put_list(struct jobs *jobs, struct buf *to, int64_t before, size_t most, struct err *err)
{
	struct job_record *list;
	size_t n;

	if (store_job_list(jobs->store, &list, &n, before, most, err))
		return -1;
	buf_text(to, "{\"object\":\"list\",\"data\":[");
	for (size_t i = 0; i < n; i++) {
		buf_text(to, i ? "," : "");
		put_job(jobs, to, &list[i]);
	}
	buf_text(to, "]}\n");
	job_records_free(list, n);
	return 0;
}

/* Only embed jobs make a file; their result says what is in it. */
static const char *file_type(const struct job_record *job)
{
	if (!job->result || job->state != JOB_SUCCEEDED || strcmp(job->type, "embed") != 0)
		return NULL;
	return strstr(job->result, "\"format\":\"jsonl\"") ? "application/jsonl" : "application/x-npy";
}

int jobs_open_result(struct jobs *jobs, int64_t id, const char **type, struct err *err)
{
	struct job_record job;
	char path[PATH_MAX];
	int fd;

	if (store_job_find(jobs->store, &job, id, err))
		return -1;
	*type = file_type(&job);
	if (!*type) {
		(void)err_set(err, ERR_NOT_FOUND, "job %lld is %s and has no result file", (long long)id,
			      job_state_name(job.state));
		job_record_free(&job);
		return -1;
	}
	job_record_free(&job);
	state_path(jobs, path, JOB_RESULT, (long long)id);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return err_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO,
			       "the result file of job %lld cannot be read: %s", (long long)id,
			       strerror(errno));
	return fd;
}

/* ---- the worker ---- */

/* Waits for a job; false when the daemon stops. */
static bool wait_for_work(struct jobs *jobs)
{
	bool more;

	(void)pthread_mutex_lock(&jobs->lock);
	while (!jobs->stopping && jobs->live_n == 0)
		(void)pthread_cond_wait(&jobs->changed, &jobs->lock);
	more = !jobs->stopping;
	(void)pthread_mutex_unlock(&jobs->lock);
	return more;
}

/* After trouble with the records. */
static void pause_worker(struct jobs *jobs)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += RETRY_S;
	(void)pthread_mutex_lock(&jobs->lock);
	if (!jobs->stopping)
		(void)pthread_cond_timedwait(&jobs->changed, &jobs->lock, &until);
	(void)pthread_mutex_unlock(&jobs->lock);
}

static int take(struct jobs *jobs, struct job_record *job, struct err *err)
{
	int rc;

	(void)pthread_mutex_lock(&jobs->order);
	rc = store_job_take(jobs->store, job, err);
	if (rc > 0) {
		(void)pthread_mutex_lock(&jobs->lock);
		jobs->running = job->id;
		jobs->unwanted = job->cancel;
		jobs->look = (struct job_look){ .at_ms = job->started_ms };
		atomic_store(&jobs->progress.drop, job->cancel);
		atomic_store(&jobs->progress.cancel, jobs->stopping || job->cancel);
		progress_phase(&jobs->progress, NULL, NULL, 0);
		(void)pthread_mutex_unlock(&jobs->lock);
	}
	(void)pthread_mutex_unlock(&jobs->order);
	return rc;
}

/* Fills in the outcome; the caller stores it. */
static void settle(struct jobs *jobs, struct job_record *job, int failed, const struct buf *result,
		   const struct err *err)
{
	const char *why = err->text;
	bool stopped; /* because the daemon stops, not because the client wanted it */

	(void)pthread_mutex_lock(&jobs->lock);
	stopped = jobs->stopping && !jobs->unwanted;
	(void)pthread_mutex_unlock(&jobs->lock);
	free(job->result);
	job->result = failed ? NULL : mem_text(result->data, result->len);
	job->done = atomic_load(&jobs->progress.done);
	job->total = atomic_load(&jobs->progress.total);
	job->state = failed ? JOB_FAILED : JOB_SUCCEEDED;
	if (failed && err->code == ERR_CANCELLED) {
		job->state = stopped ? JOB_QUEUED : JOB_CANCELLED;
		why = "cancelled";
	}
	if (failed)
		job->error = mem_text(why, strlen(why));
}

/* Called with `order` held. */
static int record(struct jobs *jobs, const struct job_record *job, struct err *err)
{
	if (job->state == JOB_QUEUED)
		return store_job_requeue(jobs->store, job->id, true, err);
	if (store_job_end(jobs->store, job, err))
		return -1;
	live_remove(jobs, job->id);
	return 0;
}

static void count_ended(struct jobs *jobs, const struct job_record *job, uint64_t ms)
{
	int type = JOB_FIT;

	while (type < JOB_TYPES && strcmp(job->type, job_type_name((enum job_type)type)) != 0)
		type++;
	if (type == JOB_TYPES || !job_state_ended(job->state))
		return;
	(void)pthread_mutex_lock(&jobs->lock);
	jobs->tally[type][job->state].n++;
	jobs->tally[type][job->state].ms += ms;
	(void)pthread_mutex_unlock(&jobs->lock);
}

/* A full disk may keep the record from being written: tries until it can be, or until the daemon stops. */
static void record_in_the_end(struct jobs *jobs, const struct job_record *job)
{
	bool stopping = false;

	for (;;) {
		struct err err = { 0 };
		int rc;

		(void)pthread_mutex_lock(&jobs->order);
		rc = record(jobs, job, &err);
		(void)pthread_mutex_lock(&jobs->lock);
		stopping = jobs->stopping;
		if (rc == 0 || stopping)
			jobs->running = 0;
		(void)pthread_mutex_unlock(&jobs->lock);
		(void)pthread_mutex_unlock(&jobs->order);
		if (rc)
			log_error("job not recorded", "id=%lld error=%s", (long long)job->id, err.text);
		if (rc == 0 || stopping)
			return;
		pause_worker(jobs);
	}
}

static void trim(struct jobs *jobs)
{
	int64_t *ids = NULL;
	size_t n = 0;
	struct err err = { 0 };

	if (store_job_trim(jobs->store, LIMIT_JOBS_KEPT, &ids, &n, &err)) {
		log_error("old jobs not forgotten", "error=%s", err.text);
		n = 0;
	}
	for (size_t i = 0; i < n; i++) {
		char path[PATH_MAX];

		state_path(jobs, path, JOB_RESULT, (long long)ids[i]);
		(void)unlink(path); /* few jobs have one */
	}
	free(ids);
}

static void work_one(struct jobs *jobs, struct job_record *job)
{
	struct buf result = { 0 };
	struct err err = { 0 };
	int64_t began = clock_ms();
	int failed;

	log_info("job started", "id=%lld type=%s attempt=%d", (long long)job->id, job->type, job->attempts);
	failed = job_work(jobs, job, &result, &err);
	if (!failed && result.failed)
		failed = err_set(&err, ERR_MEMORY, "no memory is left for the result");
	settle(jobs, job, failed, &result, &err);
	/* Counted first: a client that sees the job ended must see it in the metrics. */
	count_ended(jobs, job, (uint64_t)(clock_ms() - began));
	record_in_the_end(jobs, job);
	if (job_state_ended(job->state))
		job_checkpoint_drop(jobs, job->id);
	log_info("job ended", "id=%lld type=%s state=%s error=%s", (long long)job->id, job->type,
		 job_state_name(job->state), job->error ? job->error : "");
	buf_free(&result);
	uploads_collect(jobs->uploads);
	trim(jobs);
}

static void *work(void *cls)
{
	struct jobs *jobs = cls;
	struct err err;

	/* On Linux a thread has a priority of its own, and those it starts inherit it. */
	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
	while (wait_for_work(jobs)) {
		struct job_record job;
		int rc = take(jobs, &job, &err);

		if (rc > 0) {
			work_one(jobs, &job);
			job_record_free(&job);
		} else {
			if (rc < 0)
				log_error("jobs cannot be read", "error=%s", err.text);
			pause_worker(jobs);
		}
	}
	return NULL;
}

/* ---- start and end ---- */

static const char given_up[] = "the server ended while the job ran, and again when it was tried once more";

/* Decides about a job that was running when the process died. */
static int recover(struct jobs *jobs, struct job_record *job, struct err *err)
{
	/* With a new checkpoint the next run starts further on, so it does not count as another attempt. */
	bool went_on = job_went_on(jobs, job);

	if (job->result && job_published(jobs, job)) {
		job->state = JOB_SUCCEEDED;
	} else if (job->cancel) {
		job->state = JOB_CANCELLED;
		job->error = mem_text("cancelled", strlen("cancelled"));
	} else if (job->attempts >= LIMIT_JOB_ATTEMPTS && !went_on) {
		job->state = JOB_FAILED;
		job->error = mem_text(given_up, strlen(given_up));
	} else {
		job->state = JOB_QUEUED;
		log_info("job queued again", "id=%lld type=%s", (long long)job->id, job->type);
		return store_job_requeue(jobs->store, job->id, went_on, err);
	}
	if (job->state != JOB_SUCCEEDED) {
		free(job->result);
		job->result = NULL;
	}
	log_info("job found ended", "id=%lld type=%s state=%s", (long long)job->id, job->type,
		 job_state_name(job->state));
	return store_job_end(jobs->store, job, err);
}

static int recover_all(struct jobs *jobs, struct err *err)
{
	struct job_record *list;
	size_t n;
	int rc = 0;

	if (store_job_list_live(jobs->store, &list, &n, err))
		return -1;
	for (size_t i = 0; i < n && rc == 0; i++) {
		if (list[i].state == JOB_RUNNING)
			rc = recover(jobs, &list[i], err);
		if (rc == 0 && list[i].state == JOB_QUEUED)
			rc = live_reserve(jobs, err);
		if (rc == 0 && list[i].state == JOB_QUEUED)
			live_add(jobs, list[i].id);
	}
	job_records_free(list, n);
	uploads_collect(jobs->uploads);
	return rc;
}

struct jobs *jobs_open(const struct jobs_options *options, struct err *err)
{
	struct jobs *jobs = mem_new(1, sizeof(*jobs));

	jobs->options = *options;
	(void)pthread_mutex_init(&jobs->order, NULL);
	(void)pthread_mutex_init(&jobs->lock, NULL);
	(void)pthread_cond_init(&jobs->changed, NULL);
	jobs->store = store_open(options->state, err);
	if (jobs->store)
		jobs->uploads = uploads_open(jobs->store, options->state, options->corpus_bytes, err);
	if (jobs->uploads && job_folders_open(jobs, err) == 0)
		return jobs;
	jobs_close(jobs);
	return NULL;
}

struct uploads *jobs_uploads(struct jobs *jobs)
{
	return jobs->uploads;
}

int jobs_start(struct jobs *jobs, struct err *err)
{
	int rc;

	if (recover_all(jobs, err))
		return -1;
	job_bases_sweep(jobs);
	job_checkpoints_sweep(jobs);
	rc = pthread_create(&jobs->thread, NULL, work, jobs);
	if (rc)
		return err_set(err, ERR_IO, "cannot start the thread of the jobs: %s", strerror(rc));
	jobs->has_thread = true;
	return 0;
}

void jobs_close(struct jobs *jobs)
{
	if (!jobs)
		return;
	(void)pthread_mutex_lock(&jobs->lock);
	jobs->stopping = true;
	atomic_store(&jobs->progress.cancel, true);
	(void)pthread_cond_broadcast(&jobs->changed);
	(void)pthread_mutex_unlock(&jobs->lock);
	if (jobs->has_thread)
		(void)pthread_join(jobs->thread, NULL);
	uploads_close(jobs->uploads);
	store_close(jobs->store);
	(void)pthread_cond_destroy(&jobs->changed);
	(void)pthread_mutex_destroy(&jobs->lock);
	(void)pthread_mutex_destroy(&jobs->order);
	free(jobs->live);
	free(jobs);
}
