/* The line of progress on a terminal, and Ctrl-C. */
#include "base/clock.h"
#include "cli/cli.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FIRST_AFTER_MS = 1000, EVERY_MS = 200 };

/* Ctrl-C must reach the work from a signal handler, which has no argument of ours. */
static _Atomic(struct progress *) current;

static void cancel(int number)
{
	struct progress *p = atomic_load(&current);

	(void)number;
	if (p)
		atomic_store(&p->cancel, true);
}

static void amount(char to[32], double n, const char *unit)
{
	static const char *const prefix[] = { "", "k", "M", "G", "T" };
	size_t i = 0;

	while (n >= 1000 && i < 4) {
		n /= 1000;
		i++;
	}
	(void)snprintf(to, 32, n < 10 && i ? "%.1f %s%s" : "%.0f %s%s", n, prefix[i],
		       strcmp(unit, "bytes") == 0 ? "B" : unit);
}

static void show(const struct progress *p, double in_phase)
{
	uint64_t done = atomic_load(&p->done);
	uint64_t total = atomic_load(&p->total);
	const char *unit = atomic_load(&p->unit);
	const char *phase = atomic_load(&p->phase);
	uint64_t from = atomic_load(&p->from);
	double rate = in_phase > 0 && done > from ? (double)(done - from) / in_phase : 0;
	double loss = atomic_load(&p->loss);
	double score = atomic_load(&p->score);
	char so_far[32];
	char speed[32];

	amount(so_far, (double)done, unit ? unit : "");
	amount(speed, rate, unit ? unit : "");
	(void)fprintf(stderr, "\r\033[K%s: %s", phase ? phase : "starting", so_far);
	if (total)
		(void)fprintf(stderr, " (%.0f %%)", 100.0 * (double)done / (double)total);
	if (loss != 0)
		(void)fprintf(stderr, ", loss %.4f", loss);
	if (score != 0)
		(void)fprintf(stderr, ", dev %.2f", score);
	(void)fprintf(stderr, ", %s/s", speed);
	if (total > done && rate > 0)
		(void)fprintf(stderr, ", %.0f s left", (double)(total - done) / rate);
	(void)fflush(stderr);
}

static void *draw(void *context)
{
	struct progress_line *line = context;
	struct timespec pause = { .tv_nsec = EVERY_MS * 1000000L };
	double start = clock_s();
	double phase_start = start;
	const char *phase = NULL;
	bool shown = false;

	while (!atomic_load(&line->done)) {
		const char *now = atomic_load(&line->progress.phase);

		if (now != phase)
			phase_start = clock_s();
		phase = now;
		if (clock_s() - start >= FIRST_AFTER_MS / 1e3) {
			show(&line->progress, clock_s() - phase_start);
			shown = true;
		}
		(void)nanosleep(&pause, NULL);
	}
	if (shown)
		(void)fputs("\r\033[K", stderr);
	return NULL;
}

void progress_line_start(struct progress_line *line)
{
	struct sigaction act = { .sa_handler = cancel, .sa_flags = (int)SA_RESETHAND };

	memset(line, 0, sizeof(*line));
	atomic_store(&current, &line->progress);
	(void)sigaction(SIGINT, &act, NULL); /* the second Ctrl-C ends at once */
	if (isatty(STDERR_FILENO))
		line->running = pthread_create(&line->thread, NULL, draw, line) == 0;
}

void progress_line_stop(struct progress_line *line)
{
	atomic_store(&line->done, true);
	if (line->running)
		(void)pthread_join(line->thread, NULL);
	line->running = false;
	atomic_store(&current, NULL);
}
