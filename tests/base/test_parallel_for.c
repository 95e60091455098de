/* Every worker works once a round, and the caller goes on only when all have. */
#include "base/parallel_for.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { MEMBERS = 5, ROUNDS = 3000, THINGS = 100 };

struct work {
	size_t workers;
	unsigned rounds[MEMBERS];
	unsigned things[THINGS];
	bool slow;
};

static void work(void *context, size_t worker, size_t workers)
{
	struct work *w = context;
	size_t start;
	size_t stop = parallel_share(THINGS, 1, worker, workers, &start);

	assert_int_equal(workers, w->workers);
	if (w->slow && worker == 1)
		(void)nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
	w->rounds[worker]++;
	for (size_t i = start; i < stop; i++)
		w->things[i]++;
}

static void every_round_is_whole(void **state)
{
	(void)state;
	for (size_t workers = 1; workers <= MEMBERS; workers++) {
		struct err err = { 0 };
		struct threads *threads = threads_new(workers, &err);
		struct work w = { .workers = workers };

		assert_non_null(threads);
		assert_int_equal(threads_count(threads), workers);
		for (unsigned round = 1; round <= ROUNDS; round++) {
			w.slow = round % 500 == 0; /* long enough for the others to fall asleep */
			parallel_for(threads, work, &w);
			for (size_t i = 0; i < workers; i++)
				assert_int_equal(w.rounds[i], round);
		}
		for (size_t i = 0; i < THINGS; i++)
			assert_int_equal(w.things[i], ROUNDS);
		threads_free(threads);
	}
}

static void no_team_is_the_caller(void **state)
{
	struct work w = { .workers = 1 };

	(void)state;
	parallel_for(NULL, work, &w);
	assert_int_equal(w.rounds[0], 1);
	assert_int_equal(threads_count(NULL), 1);
	threads_free(NULL);
}

static void shares_cover_all_once(void **state)
{
	(void)state;
	for (size_t n = 0; n < 70; n++)
		for (size_t grain = 1; grain <= 16; grain *= 4)
			for (size_t workers = 1; workers < 9; workers++) {
				size_t at = 0;

				for (size_t m = 0; m < workers; m++) {
					size_t start;
					size_t stop = parallel_share(n, grain, m, workers, &start);

					if (start >= stop)
						continue;
					assert_int_equal(start, at);
					assert_int_equal(start % grain, 0);
					at = stop;
				}
				assert_int_equal(at, n);
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_round_is_whole),
		cmocka_unit_test(no_team_is_the_caller),
		cmocka_unit_test(shares_cover_all_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
