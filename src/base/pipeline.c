#include "base/pipeline.h"

#include "base/err.h"
#include "base/mem.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

enum { MOST_WORKERS = 1024 };

enum slot_state { SLOT_FREE, SLOT_READ, SLOT_WORKED };

struct slot {
	void *block;
	enum slot_state state;
};

/*
 * Blocks are numbered from 0 in the order of reading; block i lives in slot i % n_slots.
 * finished <= taken <= read, and read - finished <= n_slots.
 */
struct run {
	const struct pipeline *p;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct slot *slots;
	size_t n_slots;
	size_t workers;
	uint64_t read;	   /* blocks read */
	uint64_t taken;	   /* blocks given to work() */
	uint64_t finished; /* blocks through finish() */
	uint64_t end;	   /* the number of blocks, once known; or the first that failed */
	bool reading;
	bool finishing;
	bool failed; /* block `end` failed, with `err` */
	struct err err;
};

struct worker {
	struct run *run;
	size_t number;
	pthread_t thread;
};

size_t pipeline_processors(void)
{
	cpu_set_t set;
	long n;

	if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0)
		return (size_t)CPU_COUNT(&set);
	n = sysconf(_SC_NPROCESSORS_ONLN);
	return n > 0 ? (size_t)n : 1;
}

static struct slot *slot_of(struct run *run, uint64_t block)
{
	return &run->slots[block % run->n_slots];
}

/* Block `block` failed.  The first failure in order counts: all blocks before it are still finished. */
static void fail_at(struct run *run, uint64_t block, const struct err *err)
{
	if (run->failed ? block >= run->end : block > run->end)
		return;
	run->failed = true;
	run->end = block;
	run->err = *err;
}

/* The three steps: called with the lock held, they let go of it during the caller's function. */

static void read_one(struct run *run)
{
	struct slot *slot = slot_of(run, run->read);
	uint64_t block = run->read;
	struct err err = { 0 };
	int r;

	run->reading = true;
	(void)pthread_mutex_unlock(&run->lock);
	r = run->p->read(run->p->context, slot->block, &err);
	(void)pthread_mutex_lock(&run->lock);
	run->reading = false;
	if (r > 0) {
		slot->state = SLOT_READ;
		run->read++;
	} else if (r < 0) {
		fail_at(run, block, &err);
	} else if (block < run->end) {
		run->end = block;
	}
}

static void work_one(struct run *run, size_t worker)
{
	uint64_t block = run->taken++;
	struct slot *slot = slot_of(run, block);
	struct err err = { 0 };
	int r;

	(void)pthread_mutex_unlock(&run->lock);
	r = run->p->work(run->p->context, slot->block, worker, &err);
	(void)pthread_mutex_lock(&run->lock);
	slot->state = SLOT_WORKED;
	if (r != 0)
		fail_at(run, block, &err);
}

static void finish_one(struct run *run)
{
	uint64_t block = run->finished;
	struct slot *slot = slot_of(run, block);
	struct err err = { 0 };
	int r;

	run->finishing = true;
	(void)pthread_mutex_unlock(&run->lock);
	r = run->p->finish ? run->p->finish(run->p->context, slot->block, &err) : 0;
	(void)pthread_mutex_lock(&run->lock);
	run->finishing = false;
	slot->state = SLOT_FREE;
	run->finished++;
	if (r != 0)
		fail_at(run, block, &err);
}

static bool can_finish(struct run *run)
{
	return !run->finishing && run->finished < run->end && run->finished < run->taken &&
	       slot_of(run, run->finished)->state == SLOT_WORKED;
}

/* Reading runs ahead of the work by one block per worker: enough to keep all busy, little to hold. */
static bool can_read(const struct run *run)
{
	return !run->reading && run->read < run->end && run->read - run->taken < run->workers &&
	       run->read - run->finished < run->n_slots;
}

static bool can_work(const struct run *run)
{
	return run->taken < run->read && run->taken < run->end;
}

/* Runs until every block before `end` is finished; a step in another thread may still lower it. */
static void *work_loop(void *argument)
{
	const struct worker *worker = argument;
	struct run *run = worker->run;

	(void)pthread_mutex_lock(&run->lock);
	while (run->finished < run->end) {
		if (can_finish(run)) {
			finish_one(run);
		} else if (can_read(run)) {
			read_one(run);
		} else if (can_work(run)) {
			work_one(run, worker->number);
		} else {
			(void)pthread_cond_wait(&run->changed, &run->lock);
			continue;
		}
		(void)pthread_cond_broadcast(&run->changed);
	}
	(void)pthread_mutex_unlock(&run->lock);
	return NULL;
}

/* The caller is worker 0.  When the system refuses a thread, there are fewer workers. */
static int run_threads(struct run *run, struct err *err)
{
	struct worker *workers = mem_try(run->workers, sizeof(*workers), err);
	size_t started = 1;

	if (!workers)
		return -1;
	for (size_t i = 0; i < run->workers; i++)
		workers[i] = (struct worker){ .run = run, .number = i };
	while (started < run->workers &&
	       pthread_create(&workers[started].thread, NULL, work_loop, &workers[started]) == 0)
		started++;
	(void)work_loop(&workers[0]);
	for (size_t i = 1; i < started; i++)
		(void)pthread_join(workers[i].thread, NULL);
	free(workers);
	if (run->failed)
		*err = run->err;
	return run->failed ? -1 : 0;
}

static int make_slots(struct run *run, struct err *err)
{
	run->slots = mem_try(run->n_slots, sizeof(*run->slots), err);
	if (!run->slots)
		return -1;
	for (size_t i = 0; i < run->n_slots; i++) {
		run->slots[i].block = mem_try(1, run->p->block_bytes, err);
		if (!run->slots[i].block)
			return -1;
	}
	return 0;
}

static void free_slots(struct run *run)
{
	for (size_t i = 0; run->slots && i < run->n_slots; i++) {
		if (run->slots[i].block && run->p->drop)
			run->p->drop(run->p->context, run->slots[i].block);
		free(run->slots[i].block);
	}
	free(run->slots);
}

int pipeline_run(const struct pipeline *p, struct err *err)
{
	struct run run = { .p = p,
			   .lock = PTHREAD_MUTEX_INITIALIZER,
			   .changed = PTHREAD_COND_INITIALIZER,
			   .end = UINT64_MAX };
	int result = -1;

	run.workers = p->workers ? p->workers : pipeline_processors();
	if (run.workers > MOST_WORKERS)
		run.workers = MOST_WORKERS;
	run.n_slots = 2 * run.workers + 2;
	if (make_slots(&run, err) == 0)
		result = run_threads(&run, err);
	free_slots(&run);
	(void)pthread_cond_destroy(&run.changed);
	(void)pthread_mutex_destroy(&run.lock);
	return result;
}
