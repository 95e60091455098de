/* /v1/jobs: long work, asked for by a small JSON object. */
#include "routes/handlers.h"

#include "base/limits.h"
#include "jobs/job_request.h"
#include "jobs/jobs.h"
#include "jobs/uploads.h"
#include "learn/params.h"
#include "model/method.h"
#include "model/model.h"
#include "model/registry.h"
#include "routes/request.h"
#include "routes/service.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { AGAIN_MS = 50, LISTED_USUALLY = 100 };

/* The number in the path. */
static int take_id(const struct request *request, int64_t *id, struct err *err)
{
	enum { DIGITS = 18 };
	int64_t n = 0;
	size_t i = 0;

	for (; i < request->name_n && i < DIGITS; i++) {
		if (request->name[i] < '0' || request->name[i] > '9')
			break;
		n = 10 * n + (request->name[i] - '0');
	}
	if (i < request->name_n || n == 0)
		return err_set(err, ERR_NOT_FOUND, "there is no such job: their ids are numbers from 1 on");
	*id = n;
	return 0;
}

/* A training with `dimensions` makes a row of so many floats for each word of the model. */
static int check_dimensions(const struct job_request *request, const struct model *m, struct err *err)
{
	size_t most = (size_t)LIMIT_ROWS_BYTES / sizeof(float) / m->rows.n;

	if (request->train.learn != TRAIN_VECTORS || request->train.pairs.dimensions <= most)
		return 0;
	return err_field(err, ERR_INPUT, "dimensions",
			 "`dimensions` must be at most %zu for a model of %zu words", most, m->rows.n);
}

/* The model and the methods must exist now; the job checks again when it runs. */
static int check_model(const struct context *context, const struct job_request *request, struct err *err)
{
	const char *colon;
	enum method method;
	struct model *m;
	int rc = 0;

	if (request->type == JOB_IMPORT)
		return 0;
	colon = strchr(request->model, ':');
	m = registry_find(context->service->registry, request->model, strcspn(request->model, ":"), err);
	if (!m)
		return err_param(err, "model");
	if (colon)
		rc = method_choose(&method, m, colon + 1, err);
	for (size_t i = 0; i < request->methods_n && rc == 0; i++)
		rc = method_choose(&method, m, request->methods[i], err);
	if (rc == 0 && request->type == JOB_TRAIN)
		rc = check_dimensions(request, m, err);
	model_release(m);
	return rc;
}

static int wrong_pairs(const char *member, size_t most, bool scored, struct err *err)
{
	return err_field(err, ERR_INPUT, member,
			 "`%s` must be names of uploads, or an array of 1 to %zu arrays of two "
			 "strings%s",
			 member, most, scored ? " and a number" : "");
}

static char *put_column(char *to, const json_t *value)
{
	size_t n = json_string_length(value);

	memcpy(to, json_string_value(value), n);
	for (size_t i = 0; i < n; i++)
		if (to[i] == '\t' || to[i] == '\n' || to[i] == '\r')
			to[i] = ' ';
	return to + n;
}

/* `a TAB b` or `a TAB b TAB score`: 1, 0 when `pair` is none, -1. */
static int pair_line(struct text *line, const json_t *pair, bool scored, struct arena *arena, struct err *err)
{
	enum { NUMBER_BYTES = 32 };
	const json_t *a = json_array_get(pair, 0), *b = json_array_get(pair, 1);
	const json_t *score = json_array_get(pair, 2);
	char *to, *at;

	if (json_array_size(pair) != (scored ? 3 : 2) || !json_is_string(a) || !json_is_string(b) ||
	    (scored && !json_is_number(score)))
		return 0;
	to = arena_alloc(arena, json_string_length(a) + json_string_length(b) + NUMBER_BYTES, 1, err);
	if (!to)
		return -1;
	at = put_column(to, a);
	*at++ = '\t';
	at = put_column(at, b);
	if (scored)
		at += snprintf(at, NUMBER_BYTES - 1, "\t%.9g", json_number_value(score));
	*line = (struct text){ .at = to, .n = (size_t)(at - to) };
	return 1;
}

static ptrdiff_t pair_lines(const struct text **texts, struct context *context, const json_t *object,
			    const char *member, bool scored, struct err *err)
{
	const json_t *pairs = json_object_get(object, member);
	size_t most = context->service->options->limits.texts;
	size_t n = json_array_size(pairs);
	struct text *lines;

	if (n == 0 || n > most)
		return wrong_pairs(member, most, scored, err);
	lines = arena_alloc(&context->arena, n, sizeof(*lines), err);
	if (!lines)
		return -1;
	for (size_t i = 0; i < n; i++) {
		int rc = pair_line(&lines[i], json_array_get(pairs, i), scored, &context->arena, err);

		if (rc <= 0)
			return rc < 0 ? -1 : wrong_pairs(member, most, scored, err);
	}
	*texts = lines;
	return (ptrdiff_t)n;
}

/* Makes an upload of the texts or pairs in the request, whose record keeps only their number. */
static int put_held(struct context *context, json_t *object, const struct job_request *request,
		    struct corpus_record *record, struct err *err)
{
	struct uploads *uploads = context->service->uploads;
	bool pairs = request->type == JOB_TRAIN && request->train.learn != LEARN_ALACARTE;
	bool scored = pairs && request->train.scored;
	const char *member = scored ? "scored" : pairs ? "pairs" : "texts";
	enum uploads_form form = pairs			      ? UPLOADS_TABLE
				 : request->type == JOB_EMBED ? UPLOADS_ROWS
							      : UPLOADS_PROSE;
	const struct text *texts = NULL;
	ptrdiff_t n = pairs ? pair_lines(&texts, context, object, member, scored, err)
			    : request_texts(&texts, object, member, context->service->options->limits.texts,
					    &context->arena, err);

	if (n < 0 || uploads_put_texts(uploads, record, texts, (size_t)n, form, err))
		return -1;
	if (json_object_set_new(object, member, json_integer((json_int_t)n)) == 0)
		return 0;
	uploads_forget(uploads, record->id);
	return err_set(err, ERR_MEMORY, "no memory is left for the job");
}

/* The uploads of a training must exist, and fit into memory together. */
static int check_train(struct context *context, const struct job_request *request, struct err *err)
{
	uint64_t bytes[2] = { 0, 0 }; /* of the files it learns from, and of the dev sets */

	for (size_t i = 0; i < request->corpora_n; i++) {
		const char *member = job_train_member(request, i);
		bool dev = strcmp(member, "dev") == 0;
		uint64_t most = dev ? LIMIT_DEV_BYTES : LIMIT_TRAIN_BYTES;
		struct corpus_record record;

		if (uploads_find(context->service->uploads, &record, request->corpora[i], err))
			return err_param(err, member);
		bytes[dev] += record.bytes;
		/* Alacarte reads its corpus block by block. */
		if (request->train.learn == LEARN_ALACARTE || bytes[dev] <= most)
			continue;
		return err_field(err, ERR_TOO_LARGE, member, "`%s` may have %llu MiB at most", member,
				 (unsigned long long)(most >> 20));
	}
	return 0;
}

static int add(struct context *context, json_t *object, const struct job_request *request, int64_t *id,
	       struct err *err)
{
	struct job_new job = { .type = job_type_name(request->type), .corpora_n = request->corpora_n };
	struct corpus_record texts = { 0 };
	struct buf text = { 0 };
	int rc;

	memcpy(job.corpora, request->corpora, sizeof(job.corpora));
	if (request->has_texts) {
		if (put_held(context, object, request, &texts, err))
			return -1;
		job.texts = &texts;
	}
	json_put(&text, object);
	job.request = buf_string(&text);
	rc = text.failed ? err_set(err, ERR_MEMORY, "no memory is left for the job")
			 : jobs_add(context->service->jobs, id, &job, err);
	if (rc && job.texts)
		uploads_forget(context->service->uploads, texts.id);
	buf_free(&text);
	return rc;
}

static int accept_job(struct context *context, json_t *object, int64_t *id, struct err *err)
{
	struct job_request request;

	if (job_request_read(&request, object, err) || check_model(context, &request, err))
		return -1;
	if (request.output && jobs_check_output(context->service->jobs, request.output, err))
		return -1;
	if (request.type == JOB_TRAIN && check_train(context, &request, err))
		return -1;
	return add(context, object, &request, id, err);
}

int route_job_add(struct context *context, const struct request *request, struct reply *reply,
		  struct err *err)
{
	int64_t id = 0;

	if (accept_job(context, request->json, &id, err))
		return -1;
	(void)snprintf(reply->location, sizeof(reply->location), "/v1/jobs/%lld", (long long)id);
	return jobs_put(context->service->jobs, &reply->body, id, err);
}

int route_jobs(struct context *context, const struct request *request, struct reply *reply, struct err *err)
{
	struct jobs *jobs = context->service->jobs;
	uint64_t before, most;

	if (request_number(&before, request, "before", 0, INT64_MAX, err) ||
	    request_number(&most, request, "limit", LISTED_USUALLY, LIMIT_JOBS_LISTED, err))
		return -1;
	reply->cache = "no-store";
	return jobs_put_list(jobs, &reply->body, (int64_t)before, most, err);
}

int route_job(struct context *context, const struct request *request, struct reply *reply, struct err *err)
{
	struct jobs *jobs = context->service->jobs;
	uint64_t wait_s;
	int64_t id = 0;
	bool wait;
	int rc;

	if (take_id(request, &id, err) || request_number(&wait_s, request, "wait", 0, LIMIT_WAIT_S, err))
		return -1;
	/* Asked before the record is read, so that a job that ends in between is seen as ended. */
	wait = request->age_ms < wait_s * 1000 && jobs_live(jobs, id);
	reply->again_ms = AGAIN_MS;
	reply->cache = "no-store";
	rc = jobs_put(jobs, &reply->body, id, err);
	return rc == 0 && wait ? ROUTE_AGAIN : rc;
}

int route_job_cancel(struct context *context, const struct request *request, struct reply *reply,
		     struct err *err)
{
	struct jobs *jobs = context->service->jobs;
	int64_t id = 0;

	if (take_id(request, &id, err) || jobs_cancel(jobs, id, err))
		return -1;
	return jobs_put(jobs, &reply->body, id, err);
}

int route_job_result(struct context *context, const struct request *request, struct reply *reply,
		     struct err *err)
{
	struct jobs *jobs = context->service->jobs;
	struct stat info;
	int64_t id = 0;

	if (take_id(request, &id, err))
		return -1;
	reply->file = jobs_open_result(jobs, id, &reply->type, err);
	if (reply->file < 0)
		return -1;
	if (fstat(reply->file, &info) != 0)
		return err_set(err, ERR_IO, "the result file of job %lld cannot be read", (long long)id);
	reply->file_bytes = (uint64_t)info.st_size;
	return 0;
}
