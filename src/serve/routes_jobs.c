/* /v1/jobs: long work, asked for by a small JSON object. */
#include "serve/routes_state.h"

#include "model/method.h"
#include "model/model.h"
#include "serve/depot.h"
#include "serve/job_spec.h"
#include "serve/jobs.h"
#include "serve/limits.h"
#include "serve/service.h"
#include "serve/wire.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { AGAIN_MS = 50, LISTED = 100 };

static struct jobs *find_jobs(const struct context *context, struct err *err)
{
	if (!context->service->jobs)
		(void)err_set(err, ERR_NOT_FOUND,
			      "this server runs no jobs: it was started without --state DIR");
	return context->service->jobs;
}

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

/* The model and its methods must be there now; whether they still are is asked again when the job runs. */
static int check_model(const struct context *context, const struct job_spec *spec, struct err *err)
{
	const char *colon;
	enum method method;
	struct model *m;
	int rc = 0;

	if (spec->type == JOB_IMPORT)
		return 0;
	colon = strchr(spec->model, ':');
	m = shelf_find(context->service->shelf, spec->model, strcspn(spec->model, ":"), err);
	if (!m)
		return err_param(err, "model");
	if (colon)
		rc = method_choose(&method, m, colon + 1, err);
	for (size_t i = 0; i < spec->methods_n && rc == 0; i++)
		rc = method_choose(&method, m, spec->methods[i], err);
	model_release(m);
	return rc;
}

/* Puts the texts of the request into the depot and takes them out of what is recorded of it. */
static int put_texts(struct context *context, json_t *object, const struct job_spec *spec,
		     struct corpus_record *record, struct err *err)
{
	const struct text *texts;
	ptrdiff_t n = wire_texts(&texts, object, "texts", context->service->options->limits.texts,
				 &context->arena, err);

	if (n < 0 || depot_put_texts(context->service->depot, record, texts, (size_t)n,
				     spec->type == JOB_EMBED, err) != 0)
		return -1;
	/* It says how many there were; the texts are in the file. */
	if (json_object_set_new(object, "texts", json_integer((json_int_t)n)) == 0)
		return 0;
	depot_forget(context->service->depot, record->id);
	return err_set(err, ERR_MEMORY, "no memory is left for the job");
}

static int add(struct context *context, json_t *object, const struct job_spec *spec, int64_t *id,
	       struct err *err)
{
	struct job_new job = { .type = job_type_name(spec->type), .corpora_n = spec->corpora_n };
	struct corpus_record texts;
	struct buf request = { 0 };
	int rc;

	memcpy(job.corpora, spec->corpora, sizeof(job.corpora));
	if (spec->has_texts) {
		if (put_texts(context, object, spec, &texts, err) != 0)
			return -1;
		job.texts = &texts;
	}
	json_put(&request, object);
	job.request = buf_string(&request);
	rc = request.failed ? err_set(err, ERR_MEMORY, "no memory is left for the job")
			    : jobs_add(context->service->jobs, id, &job, err);
	if (rc != 0 && job.texts)
		depot_forget(context->service->depot, texts.id);
	buf_free(&request);
	return rc;
}

static int accept_job(struct context *context, json_t *object, int64_t *id, struct err *err)
{
	struct job_spec spec;

	if (job_spec_read(&spec, object, err) != 0 || check_model(context, &spec, err) != 0)
		return -1;
	if (spec.output && jobs_check_output(context->service->jobs, spec.output, err) != 0)
		return -1;
	return add(context, object, &spec, id, err);
}

int route_job_add(struct context *context, const struct request *request, struct reply *reply,
		  struct err *err)
{
	struct jobs *jobs = find_jobs(context, err);
	int64_t id = 0;
	json_t *object;
	int rc;

	if (!jobs)
		return -1;
	object = wire_object(request, context->service->options->limits.texts + LIMIT_JSON_MEMBERS, err);
	if (!object)
		return -1;
	rc = accept_job(context, object, &id, err);
	json_decref(object);
	if (rc != 0)
		return -1;
	reply->status = 202;
	(void)snprintf(reply->location, sizeof(reply->location), "/v1/jobs/%lld", (long long)id);
	return jobs_put(jobs, &reply->body, id, err);
}

int route_jobs(struct context *context, const struct request *request, struct reply *reply, struct err *err)
{
	struct jobs *jobs = find_jobs(context, err);
	uint64_t before, most;

	if (!jobs || request_number(&before, request, "before", 0, INT64_MAX, err) != 0 ||
	    request_number(&most, request, "limit", LISTED, LIMIT_JOBS_LISTED, err) != 0)
		return -1;
	reply->cache = "no-store";
	return jobs_put_list(jobs, &reply->body, (int64_t)before, most, err);
}

int route_job(struct context *context, const struct request *request, struct reply *reply, struct err *err)
{
	struct jobs *jobs = find_jobs(context, err);
	uint64_t wait_s;
	int64_t id = 0;
	bool wait;

	if (!jobs || take_id(request, &id, err) != 0 ||
	    request_number(&wait_s, request, "wait", 0, LIMIT_WAIT_S, err) != 0)
		return -1;
	/* Before the record is read: a job that ends between the two is seen ended. */
	wait = request->age_ms < wait_s * 1000 && jobs_live(jobs, id);
	if (wait)
		reply->again_ms = AGAIN_MS;
	reply->cache = "no-store";
	return jobs_put(jobs, &reply->body, id, err);
}

int route_job_cancel(struct context *context, const struct request *request, struct reply *reply,
		     struct err *err)
{
	struct jobs *jobs = find_jobs(context, err);
	int64_t id = 0;

	if (!jobs || take_id(request, &id, err) != 0 || jobs_cancel(jobs, id, err) != 0)
		return -1;
	return jobs_put(jobs, &reply->body, id, err);
}

int route_job_result(struct context *context, const struct request *request, struct reply *reply,
		     struct err *err)
{
	struct jobs *jobs = find_jobs(context, err);
	struct stat info;
	int64_t id = 0;

	if (!jobs || take_id(request, &id, err) != 0)
		return -1;
	reply->file = jobs_open_result(jobs, id, &reply->type, err);
	if (reply->file < 0)
		return -1;
	if (fstat(reply->file, &info) != 0)
		return err_set(err, ERR_IO, "the result file of job %lld cannot be read", (long long)id);
	reply->file_bytes = (uint64_t)info.st_size;
	return 0;
}
