#include "cli/train_distill.h"

#include "base/err.h"
#include "embed/publish.h"
#include "model/model.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct distill_call cli_distill_call(void)
{
	return (struct distill_call){ .rows_rate = -1, .static_share = -1 };
}

int cli_settle_distill(const struct distill_call *call, const char *output, const struct arguments *rest,
		       struct train_options *o, struct err *err)
{
	if (!output)
		return err_set(err, ERR_INPUT, "-o TRAINED, the model file to write, is missing");
	if (!call->teacher || !call->texts)
		return err_set(err, ERR_INPUT, "--teacher FILE.npy and --texts FILE go together");
	if (rest->n)
		return err_set(err, ERR_INPUT, "%.100s: the texts come by --texts", rest->at[0]);
	if (call->dtype && cli_parse_rows_type(&o->type, call->dtype, err))
		return -1;
	o->teacher = call->teacher;
	o->texts = call->texts;
	o->draws = call->draws;
	if (call->a > 0)
		o->a = call->a;
	return 0;
}

static void report(const struct train_report *r, const char *output)
{
	const struct loop_report *l = &r->loop;

	(void)fprintf(stderr,
		      "%" PRIu64 " texts (%.1f %% of their words known), %" PRIu64 " drawn an epoch -> %s\n",
		      r->texts, 100 * r->coverage, r->drawn, output);
	(void)fprintf(stderr, "  %.1f %% of the teacher's second moment kept\n", 100 * r->energy);
	(void)fprintf(stderr, "  %" PRIu64 " steps%s%s in %.1f s, %.0f texts/s, loss %.4f", l->steps,
		      l->resumed ? " (resumed)" : "", l->stopped_early ? " (stopped early)" : "", l->seconds,
		      l->pairs_per_second, l->loss);
	if (isfinite(l->best_score))
		(void)fprintf(stderr, ", dev %.2f (best, at step %" PRIu64 ")", l->best_score, l->best_step);
	(void)fputc('\n', stderr);
}

int cli_train_distill(const struct train_options *o, const struct model_choice *choice, const char *output,
		      struct err *err)
{
	struct model *m = cli_open_model(choice, err);
	struct model *distilled = NULL;
	struct train_report r;
	struct progress_line line;
	int failed = !m;

	progress_line_start(&line);
	if (m) {
		distilled = train_model(m, METHOD_SUM, o, &r, &line.progress, err);
		failed = !distilled || publish_model(distilled, output, false, err);
		model_release(m);
	}
	progress_line_stop(&line);
	if (!failed && o->loop.checkpoint && unlink(o->loop.checkpoint) && errno != ENOENT)
		failed = err_set(err, ERR_IO, "%.200s: %s", o->loop.checkpoint, strerror(errno));
	if (!failed)
		report(&r, output);
	if (distilled)
		model_release(distilled);
	return failed ? -1 : 0;
}
