#include "routes/metrics.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "jobs/jobs.h"
#include "math/vec.h"
#include "model/model.h"
#include "model/registry.h"
#include "routes/handlers.h"
#include "routes/request.h"
#include "routes/routes.h"
#include "routes/service.h"

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const int statuses[] = { 200, 201, 202, 204, 400, 404, 405, 409, 411, 413, 414,
				415, 417, 429, 431, 499, 500, 501, 503, 505, 0 };
enum { STATUSES = sizeof(statuses) / sizeof(statuses[0]) }; /* the last one: any other */

/* A whole call takes as little as 10 us, so the steps begin there. */
static const double bounds_s[] = { 10e-6, 25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3,
				   25e-3, 50e-3, 0.1,	0.25,	0.5,	1.0,	2.5,  5.0,    10.0 };
enum { BOUNDS = sizeof(bounds_s) / sizeof(bounds_s[0]) };

typedef _Atomic uint64_t counter;

/* The counters of a shard; after them come a block per route and one for requests without a route. */
enum {
	BEGUN,
	ENDED,
	LOST,
	TEXTS,
	WORDS,
	KNOWN,
	REFUSED,
	BLOCKS = REFUSED + GATE_REASONS,
};

/* The counters of a block. */
enum { ANSWERS, BUCKETS = ANSWERS + STATUSES, NANOSECONDS = BUCKETS + BOUNDS + 1, BLOCK };

struct shard {
	struct shard *next;
	counter n[]; /* counters_n() */
};

struct metrics {
	pthread_mutex_t lock; /* of the list; never held while another is taken */
	struct shard *shards;
};

const char *gate_reason_name(enum gate_reason reason)
{
	static const char *const names[GATE_REASONS] = {
		"none",	  "version",  "method",	  "url",    "headers",	 "host",
		"length", "transfer", "encoding", "expect", "too_large",
	};

	return names[reason];
}

static size_t counters_n(void)
{
	return BLOCKS + (routes_n + 1) * BLOCK;
}

struct metrics *metrics_new(void)
{
	struct metrics *m = mem_new(1, sizeof(*m));

	(void)pthread_mutex_init(&m->lock, NULL);
	return m;
}

void metrics_free(struct metrics *metrics)
{
	if (!metrics)
		return;
	while (metrics->shards) {
		struct shard *next = metrics->shards->next;

		free(metrics->shards);
		metrics->shards = next;
	}
	(void)pthread_mutex_destroy(&metrics->lock);
	free(metrics);
}

struct shard *metrics_shard(struct metrics *metrics)
{
	struct err err;
	struct shard *shard = mem_try(1, sizeof(*shard) + counters_n() * sizeof(counter), &err);

	if (!shard)
		return NULL;
	(void)pthread_mutex_lock(&metrics->lock);
	shard->next = metrics->shards;
	metrics->shards = shard;
	(void)pthread_mutex_unlock(&metrics->lock);
	return shard;
}

/* A shard has one writer, so a load and a store do; no locked instruction is needed. */
static void add(counter *c, uint64_t n)
{
	uint64_t now = atomic_load_explicit(c, memory_order_relaxed);

	atomic_store_explicit(c, now + n, memory_order_relaxed);
}

static uint64_t get(const counter *c)
{
	return atomic_load_explicit(c, memory_order_relaxed);
}

void shard_begin(struct shard *shard)
{
	add(&shard->n[BEGUN], 1);
}

static size_t status_column(int status)
{
	size_t i = 0;

	while (i + 1 < STATUSES && statuses[i] != status)
		i++;
	return i;
}

void shard_end(struct shard *shard, size_t route, const struct reply *reply, uint64_t ns)
{
	counter *block = &shard->n[BLOCKS + route * BLOCK];
	size_t bucket = 0;

	while (bucket < BOUNDS && (double)ns > bounds_s[bucket] * 1e9)
		bucket++;
	add(&shard->n[ENDED], 1);
	add(&block[ANSWERS + status_column(reply->status)], 1);
	add(&block[BUCKETS + bucket], 1);
	add(&block[NANOSECONDS], ns);
	add(&shard->n[TEXTS], reply->texts);
	add(&shard->n[WORDS], reply->words);
	add(&shard->n[KNOWN], reply->known);
}

void shard_lost(struct shard *shard)
{
	add(&shard->n[ENDED], 1);
	add(&shard->n[LOST], 1);
}

void shard_refuse(struct shard *shard, enum gate_reason reason)
{
	add(&shard->n[REFUSED + (size_t)reason], 1);
}

/* The sum of all shards.  Threads go on counting meanwhile, so the sums are approximate. */
static struct shard *add_up(struct metrics *metrics)
{
	struct shard *sum = mem_new(1, sizeof(*sum) + counters_n() * sizeof(counter));

	(void)pthread_mutex_lock(&metrics->lock);
	for (const struct shard *s = metrics->shards; s; s = s->next) {
		for (size_t i = 0; i < counters_n(); i++)
			add(&sum->n[i], get(&s->n[i]));
	}
	(void)pthread_mutex_unlock(&metrics->lock);
	return sum;
}

static void head(struct buf *to, const char *name, const char *type, const char *help)
{
	buf_printf(to, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void single(struct buf *to, const char *name, const char *type, const char *help, double value)
{
	head(to, name, type, help);
	buf_printf(to, "%s %.15g\n", name, value);
}

/* The labels of a block: its route's row, or "other" for requests without a route. */
static const struct route *row(size_t i)
{
	static const struct route other = { .path = "other", .method = HTTP_OTHER };

	return i < routes_n ? &routes[i] : &other;
}

static void write_answers(struct buf *to, const struct shard *sum)
{
	head(to, "sifd_http_requests_total", "counter", "Requests answered, by route and status.");
	for (size_t r = 0; r <= routes_n; r++)
		for (size_t s = 0; s < STATUSES; s++) {
			uint64_t n = get(&sum->n[BLOCKS + r * BLOCK + ANSWERS + s]);

			if (n)
				buf_printf(to,
					   "sifd_http_requests_total{route=\"%s\",method=\"%s\",code=\"%d\"} "
					   "%llu\n",
					   row(r)->path, http_method_name(row(r)->method), statuses[s],
					   (unsigned long long)n);
		}
}

static void write_durations(struct buf *to, const struct shard *sum)
{
	static const char name[] = "sifd_http_request_duration_seconds";

	head(to, name, "histogram", "From a request's last byte to its answer, by route.");
	for (size_t r = 0; r <= routes_n; r++) {
		const counter *block = &sum->n[BLOCKS + r * BLOCK];
		unsigned long long n = 0;
		const char *route = row(r)->path;
		const char *method = http_method_name(row(r)->method);

		for (size_t b = 0; b <= BOUNDS; b++)
			n += get(&block[BUCKETS + b]);
		if (n == 0)
			continue;
		n = 0;
		for (size_t b = 0; b <= BOUNDS; b++) {
			char bound[32] = "+Inf";

			n += get(&block[BUCKETS + b]);
			if (b < BOUNDS)
				(void)snprintf(bound, sizeof(bound), "%.6g", bounds_s[b]);
			buf_printf(to, "%s_bucket{route=\"%s\",method=\"%s\",le=\"%s\"} %llu\n", name, route,
				   method, bound, n);
		}
		buf_printf(to, "%s_sum{route=\"%s\",method=\"%s\"} %.9f\n", name, route, method,
			   (double)get(&block[NANOSECONDS]) * 1e-9);
		buf_printf(to, "%s_count{route=\"%s\",method=\"%s\"} %llu\n", name, route, method, n);
	}
}

static void write_http(struct buf *to, const struct shard *sum, struct service *service)
{
	write_answers(to, sum);
	write_durations(to, sum);
	single(to, "sifd_http_requests_in_flight", "gauge", "Requests begun and not yet answered.",
	       (double)(int64_t)(get(&sum->n[BEGUN]) - get(&sum->n[ENDED])));
	single(to, "sifd_http_requests_lost_total", "counter", "Requests whose client went away.",
	       (double)get(&sum->n[LOST]));
	single(to, "sifd_http_connections", "gauge", "Open connections.",
	       (double)atomic_load(&service->connections));
	single(to, "sifd_http_inflight_bytes", "gauge", "Bytes of request bodies held.",
	       (double)atomic_load(&service->inflight_bytes));
	single(to, "sifd_http_late_total", "counter", "Connections cut because the client was too slow.",
	       (double)atomic_load(&service->late));
	head(to, "sifd_http_rejected_total", "counter", "Requests refused before their body, by reason.");
	for (int i = GATE_PASS + 1; i < GATE_REASONS; i++)
		buf_printf(to, "sifd_http_rejected_total{reason=\"%s\"} %llu\n",
			   gate_reason_name((enum gate_reason)i),
			   (unsigned long long)get(&sum->n[REFUSED + i]));
	single(to, "sifd_queue_depth", "gauge", "Big requests waiting for a worker.",
	       (double)atomic_load(&service->queued));
	single(to, "sifd_texts_total", "counter", "Texts turned into vectors.", (double)get(&sum->n[TEXTS]));
	single(to, "sifd_tokens_total", "counter", "Words in them.", (double)get(&sum->n[WORDS]));
	single(to, "sifd_unknown_tokens_total", "counter", "Words without a vector.",
	       (double)(get(&sum->n[WORDS]) - get(&sum->n[KNOWN])));
}

static void write_models(struct buf *to, struct service *service)
{
	struct registry_entry *entries = NULL;
	size_t n = registry_list(service->registry, &entries);

	head(to, "sifd_model_info", "gauge", "The models in service.");
	for (size_t i = 0; i < n; i++)
		buf_printf(to, "sifd_model_info{model=\"%s\",sha256=\"%s\",dim=\"%zu\",words=\"%zu\"} 1\n",
			   entries[i].name, entries[i].model->fingerprint,
			   model_dimension(entries[i].model, entries[i].model->facts.method),
			   entries[i].model->vocab.n);
	head(to, "sifd_model_loaded_timestamp_seconds", "gauge", "When the model took its name, Unix time.");
	for (size_t i = 0; i < n; i++)
		buf_printf(to, "sifd_model_loaded_timestamp_seconds{model=\"%s\"} %lld\n", entries[i].name,
			   (long long)entries[i].since_s);
	head(to, "sifd_model_version", "gauge", "How often the name was given a model.");
	for (size_t i = 0; i < n; i++)
		buf_printf(to, "sifd_model_version{model=\"%s\"} %lu\n", entries[i].name, entries[i].version);
	registry_entries_free(entries, n);
	head(to, "sifd_model_swaps_total", "counter", "Models that took a name, and files that could not.");
	buf_printf(to, "sifd_model_swaps_total{result=\"taken\"} %lu\n", registry_puts(service->registry));
	buf_printf(to, "sifd_model_swaps_total{result=\"refused\"} %lu\n",
		   atomic_load(&service->models_refused));
}

static void write_jobs(struct buf *to, struct service *service)
{
	struct job_tally tally[JOB_TYPES][JOB_STATES];
	size_t queued = 0, running = 0;
	char labels[64];

	if (!service->jobs)
		return;
	jobs_load(service->jobs, &queued, &running);
	head(to, "sifd_jobs", "gauge", "Jobs that wait or run.");
	buf_printf(to, "sifd_jobs{state=\"queued\"} %zu\nsifd_jobs{state=\"running\"} %zu\n", queued,
		   running);
	jobs_tally(service->jobs, tally);
	head(to, "sifd_job_duration_seconds", "summary", "Run time of ended jobs.");
	for (int type = 0; type < JOB_TYPES; type++)
		for (int state = JOB_SUCCEEDED; state < JOB_STATES; state++) {
			(void)snprintf(labels, sizeof(labels), "{type=\"%s\",state=\"%s\"}",
				       job_type_name((enum job_type)type),
				       job_state_name((enum job_state)state));
			buf_printf(to, "sifd_job_duration_seconds_sum%s %.3f\n", labels,
				   (double)tally[type][state].ms * 1e-3);
			buf_printf(to, "sifd_job_duration_seconds_count%s %llu\n", labels,
				   (unsigned long long)tally[type][state].n);
		}
}

static size_t count_files(const char *folder)
{
	DIR *dir = opendir(folder);
	size_t n = 0;

	if (!dir)
		return 0;
	while (readdir(dir))
		n++;
	(void)closedir(dir);
	return n > 3 ? n - 3 : 0; /* ".", ".." and the folder's own */
}

static double resident_bytes(void)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (!f)
		return 0;
	if (fscanf(f, "%*u %lu", &pages) != 1) /* NOLINT(cert-err34-c): the kernel wrote it */
		pages = 0;
	(void)fclose(f);
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static void write_process(struct buf *to, struct service *service)
{
	struct rusage usage = { 0 };
	struct rlimit files = { 0 };

	(void)getrusage(RUSAGE_SELF, &usage);
	(void)getrlimit(RLIMIT_NOFILE, &files);
	single(to, "process_cpu_seconds_total", "counter", "Processor time used.",
	       (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6);
	single(to, "process_resident_memory_bytes", "gauge", "Resident memory, mapped models included.",
	       resident_bytes());
	single(to, "process_open_fds", "gauge", "Open files.", (double)count_files("/proc/self/fd"));
	single(to, "process_max_fds", "gauge", "The most open files.", (double)files.rlim_cur);
	single(to, "process_start_time_seconds", "gauge", "When it started, Unix time.",
	       (double)service->started_s);
	single(to, "sifd_log_dropped_total", "counter", "Log lines nobody took in time.",
	       (double)log_dropped());
	head(to, "sifd_build_info", "gauge", "This build.");
	buf_printf(to, "sifd_build_info{version=\"" SIFD_VERSION "\",kernels=\"%s\"} 1\n", vec_kernels());
}

int route_metrics(struct context *context, const struct request *request, struct reply *reply,
		  struct err *err)
{
	struct service *service = context->service;
	struct shard *sum = add_up(service->metrics);
	struct buf *to = &reply->body;

	(void)request;
	(void)err;
	reply->cache = "no-store";
	write_http(to, sum, service);
	write_models(to, service);
	write_jobs(to, service);
	write_process(to, service);
	free(sum);
	return 0;
}
