#include "base/pipeline.h"

#include "base/err.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
/* cmocka.h needs those before it */
#include <cmocka.h>

enum { BLOCKS = 300, MOST_WORKERS = 16, NEVER = -1 };

/*
 * The steps run on several threads, where cmocka's assertions may not be used: they note what is
 * wrong, and the test asks at the end.
 */
struct job {
	int blocks;
	int fail_read; /* the block at which each step fails, or NEVER */
	int fail_work;
	int fail_work_2; /* a later one that fails sooner */
	int fail_finish;
	size_t workers;
	int next;
	atomic_int finished;
	long sum;
	atomic_int wrong;
	atomic_int reading;
	atomic_int finishing;
	atomic_int worker_busy[MOST_WORKERS];
	atomic_int made;
	atomic_int dropped;
};

struct block {
	int number;
	int result;
	char *made; /* an allocation that later blocks use again */
};

static void note(struct job *job, bool fine)
{
	if (!fine)
		atomic_fetch_add(&job->wrong, 1);
}

static int read_block(void *context, void *at, struct err *err)
{
	struct job *job = context;
	struct block *block = at;

	note(job, atomic_fetch_add(&job->reading, 1) == 0);
	block->number = job->next;
	if (!block->made) {
		block->made = calloc(1, 1);
		atomic_fetch_add(&job->made, 1);
	}
	note(job, job->next - job->finished <= (int)(2 * job->workers + 2));
	atomic_fetch_sub(&job->reading, 1);
	if (job->next == job->fail_read)
		return err_set(err, ERR_IO, "read %d", job->next);
	return job->next++ < job->blocks;
}

static int work_on_block(void *context, void *at, size_t worker, struct err *err)
{
	struct job *job = context;
	struct block *block = at;

	note(job, worker < job->workers);
	note(job, atomic_exchange(&job->worker_busy[worker], 1) == 0);
	block->result = block->number * 3;
	if (block->number == job->fail_work)
		(void)usleep(20000); /* the later failure comes first */
	else if (block->number % 7 == 0)
		(void)usleep(200);
	atomic_store(&job->worker_busy[worker], 0);
	if (block->number == job->fail_work || block->number == job->fail_work_2)
		return err_set(err, ERR_INPUT, "work %d", block->number);
	return 0;
}

static int finish_block(void *context, void *at, struct err *err)
{
	struct job *job = context;
	struct block *block = at;

	note(job, atomic_fetch_add(&job->finishing, 1) == 0);
	note(job, block->number == job->finished);
	note(job, block->result == 3 * block->number);
	job->finished++;
	job->sum += block->result;
	atomic_fetch_sub(&job->finishing, 1);
	if (block->number == job->fail_finish)
		return err_set(err, ERR_FORMAT, "finish %d", block->number);
	return 0;
}

static void drop_block(void *context, void *at)
{
	struct job *job = context;
	struct block *block = at;

	if (block->made)
		atomic_fetch_add(&job->dropped, 1);
	free(block->made);
}

static int run(struct job *job, struct err *err)
{
	struct pipeline pipeline = {
		.workers = job->workers,
		.block_bytes = sizeof(struct block),
		.read = read_block,
		.work = work_on_block,
		.finish = finish_block,
		.drop = drop_block,
		.context = job,
	};
	int result = pipeline_run(&pipeline, err);

	assert_int_equal(job->wrong, 0);
	assert_int_equal(job->made, job->dropped);
	assert_true(job->made <= (int)(2 * job->workers + 2));
	return result;
}

static struct job job_of(int blocks, size_t workers)
{
	return (struct job){ .blocks = blocks,
			     .workers = workers,
			     .fail_read = NEVER,
			     .fail_work = NEVER,
			     .fail_work_2 = NEVER,
			     .fail_finish = NEVER };
}

static void blocks_are_finished_in_order(void **state)
{
	static const int blocks[] = { 0, 1, 2, 3, 5, BLOCKS };

	(void)state;
	for (size_t workers = 1; workers <= MOST_WORKERS; workers = workers * 2 - workers / 2)
		for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
			struct job job = job_of(blocks[i], workers);
			struct err err = { 0 };

			assert_int_equal(run(&job, &err), 0);
			assert_int_equal(job.finished, blocks[i]);
			assert_int_equal(job.sum, 3L * blocks[i] * (blocks[i] - 1) / 2);
		}
}

static void check_failure(struct job job, int block, const char *text)
{
	struct err err = { 0 };

	assert_int_equal(run(&job, &err), -1);
	assert_string_equal(err.text, text);
	/* All blocks before the failure are finished, and none after it. */
	assert_int_equal(job.finished, block + (job.fail_finish == block));
}

static void the_first_failure_in_order_counts(void **state)
{
	(void)state;
	for (size_t workers = 1; workers <= 8; workers++) {
		struct job job = job_of(BLOCKS, workers);

		job.fail_read = 40;
		check_failure(job, 40, "read 40");
		job.fail_work = 20;
		check_failure(job, 20, "work 20");
		job.fail_work_2 = 22;
		check_failure(job, 20, "work 20");
		job.fail_finish = 18;
		check_failure(job, 18, "finish 18");
		job = job_of(BLOCKS, workers);
		job.fail_finish = 21;
		job.fail_work_2 = 20;
		check_failure(job, 20, "work 20");
		job = job_of(BLOCKS, workers);
		job.fail_work = 20;
		job.fail_read = 21;
		check_failure(job, 20, "work 20");
		job = job_of(BLOCKS, workers);
		job.fail_work_2 = BLOCKS - 1;
		check_failure(job, BLOCKS - 1, "work 299");
		job = job_of(BLOCKS, workers);
		job.fail_read = BLOCKS;
		check_failure(job, BLOCKS, "read 300");
		job = job_of(BLOCKS, workers);
		job.fail_read = 0;
		check_failure(job, 0, "read 0");
	}
}

static int count_read(void *context, void *block, struct err *err)
{
	(void)block;
	(void)err;
	return (*(int *)context)++ < 5;
}

static int count_work(void *context, void *block, size_t worker, struct err *err)
{
	(void)context;
	(void)block;
	(void)worker;
	(void)err;
	return 0;
}

static int count_finish(void *context, void *block, struct err *err)
{
	(void)context;
	(void)block;
	(void)err;
	return 0;
}

static void zero_workers_are_one_a_processor(void **state)
{
	int n = 0;
	struct err err = { 0 };
	struct pipeline pipeline = {
		.read = count_read, .work = count_work, .finish = count_finish, .context = &n
	};

	(void)state;
	assert_true(pipeline_processors() >= 1);
	assert_int_equal(pipeline_run(&pipeline, &err), 0);
	assert_int_equal(n, 6);
}

static void blocks_too_large_are_refused(void **state)
{
	int n = 0;
	struct err err = { 0 };
	struct pipeline pipeline = { .workers = 2,
				     .block_bytes = (size_t)1 << 62,
				     .read = count_read,
				     .work = count_work,
				     .finish = count_finish,
				     .context = &n };

	(void)state;
	assert_int_equal(pipeline_run(&pipeline, &err), -1);
	assert_int_equal(err.code, ERR_MEMORY);
	assert_int_equal(n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_are_finished_in_order),
		cmocka_unit_test(the_first_failure_in_order_counts),
		cmocka_unit_test(zero_workers_are_one_a_processor),
		cmocka_unit_test(blocks_too_large_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
