#include "learn/train.h"

#include "base/digest.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/parallel_for.h"
#include "base/progress.h"
#include "learn/train_private.h"
#include "math/mat.h"
#include "math/vec.h"

#include <stdio.h>
#include <string.h>

enum { PART_NAME_BYTES = 16, WORDS_PER_PAIR = 32 };

/* ---- data ---- */

static int read_pairs(struct training *t, struct train_report *report, struct progress *progress,
		      struct err *err)
{
	const struct train_options *o = t->o;

	progress_phase(progress, "reading pairs", "files", o->files_n);
	if (pairs_read(&t->pairs, t->m, o->files, o->files_n, o->kind, objective_scored(o->objective.kind),
		       progress, err))
		return -1;
	t->pair_batch = o->batch;
	if (o->teacher)
		t->pair_batch /= o->learn == TRAIN_LSTM ? WORDS_PER_PAIR : 2;
	t->pair_batch = t->pair_batch < 2 ? 2 : t->pair_batch;
	t->pair_batches = pair_epoch_batches(&t->pairs, t->pair_batch);
	if (pair_epoch_draw(&t->epoch, &t->pairs, t->pair_batch, o->seed, 0, err))
		return -1;
	for (size_t i = 0; i < t->epoch.batches_n; i++)
		report->pairs += t->epoch.batches[i].n;
	for (size_t i = 0; i < t->pairs.n; i++)
		report->skipped += t->pairs.sources[i].skipped;
	report->files = t->pairs.n;
	return 0;
}

/* The teacher's vectors must be of the model's words: of as many dimensions as its rows, or more. */
static int check_dimensions(const struct training *t, struct err *err)
{
	size_t teacher = t->teacher.npy.rows.d;
	size_t rows = t->m->rows.d;

	if (t->o->learn == TRAIN_LSTM ? teacher >= rows : teacher == rows)
		return 0;
	return err_set(
		err, ERR_INPUT,
		"the teacher's vectors have %zu dimensions, the model's rows %zu: the model must hold the "
		"teacher's vectors of its words (docs/training.md)",
		teacher, rows);
}

static int read_teacher(struct training *t, struct train_report *report, struct progress *progress,
			struct err *err)
{
	const struct train_options *o = t->o;
	size_t d = t->m->rows.d;

	if (o->learn != TRAIN_LSTM)
		d = o->dimensions ? o->dimensions : d < 256 ? d : 256;
	if (teacher_read(&t->teacher, t->m, o, progress, err) || check_dimensions(t, err) ||
	    teacher_project(&t->teacher, d, &report->energy, t->threads, err) ||
	    teacher_batches(&t->teacher, o->batch, o->learn == TRAIN_LSTM, err))
		return -1;
	report->drawn = t->teacher.order_n;
	return 0;
}

static void report_texts(struct train_report *report, const struct texts *const *texts, size_t n)
{
	uint64_t known = 0;
	uint64_t unknown = 0;

	for (size_t i = 0; i < n; i++) {
		if (!texts[i])
			continue;
		report->texts += texts_count(texts[i]);
		known += texts_known(texts[i]);
		unknown += texts_unknown(texts[i]);
	}
	report->coverage = (double)known / (double)(known + unknown);
}

static int read_data(struct training *t, struct train_report *report, struct progress *progress,
		     struct err *err)
{
	const struct train_options *o = t->o;
	bool all_rows = o->teacher && o->learn != TRAIN_LSTM;

	if (o->files_n && read_pairs(t, report, progress, err))
		return -1;
	if (o->dev_n && dev_read(&t->dev, t->m, o->dev, o->dev_n, err))
		return -1;
	t->threads = threads_new(o->workers, err);
	if (!t->threads || (o->teacher && read_teacher(t, report, progress, err)))
		return -1;
	report_texts(report, (const struct texts *[]){ t->pairs.texts, t->teacher.texts }, 2);
	if (all_rows ? used_words_all(&t->words, t->m->rows.n, err)
		     : used_words_number(&t->words, t->m->rows.n,
					 (struct texts *[]){ t->pairs.texts, t->teacher.texts, t->dev.texts },
					 3, err))
		return -1;
	report->words = t->words.n;
	return 0;
}

/* ---- encoder and objective ---- */

static int make_encoder(struct training *t, struct err *err)
{
	const struct train_options *o = t->o;
	struct encoder_task task = { .m = t->m,
				     .start = t->start,
				     .options = o,
				     .teacher = o->teacher ? &t->teacher : NULL,
				     .words = &t->words,
				     .threads = t->threads,
				     .texts_most = t->teacher.texts_most };

	if (task.texts_most < 2 * t->pair_batch)
		task.texts_most = 2 * t->pair_batch;
	t->encoder = o->learn == TRAIN_LSTM ? encoder_lstm_new(&task, err) : encoder_table_new(&task, err);
	if (!t->encoder)
		return -1;
	if (o->files_n) {
		t->objective = objective_new(&o->objective, t->pair_batch, t->encoder->d, t->threads, err);
		if (!t->objective)
			return -1;
	}
	return steps_allocate(t, task.texts_most, err);
}

/* ---- the run ---- */

static void add_text(struct digest *d, const char *text)
{
	digest_add(d, text, strlen(text) + 1);
}

/* Digest of everything that the result depends on: a checkpoint resumes only the run it came from. */
static void identify(const struct training *t, char hex[DIGEST_HEX + 1])
{
	const struct train_options *o = t->o;
	double numbers[] = { (double)o->learn,
			     (double)t->start,
			     (double)o->matrix,
			     (double)t->encoder->d,
			     o->a,
			     (double)o->states,
			     (double)o->layers,
			     (double)o->directions,
			     (double)o->pooling,
			     o->dropout,
			     o->scramble,
			     o->static_share,
			     (double)o->objective.kind,
			     (double)o->objective.negatives,
			     (double)o->objective.temperature,
			     (double)o->objective.margin,
			     (double)o->loop.epochs,
			     o->loop.warmup,
			     (double)o->loop.scores,
			     (double)o->loop.patience,
			     (double)o->batch,
			     o->rate,
			     o->weight_rate,
			     o->matrix_rate,
			     o->rows_rate,
			     o->l2 };
	struct digest d;

	digest_start(&d);
	digest_add(&d, numbers, sizeof(numbers));
	digest_add(&d, &o->seed, sizeof(o->seed));
	add_text(&d, t->m->fingerprint);
	add_text(&d, t->pairs.digest ? t->pairs.digest : "");
	add_text(&d, t->dev.digest ? t->dev.digest : "");
	if (o->teacher)
		teacher_identify(&t->teacher, &d);
	add_text(&d, mat_kernels());
	add_text(&d, vec_kernels());
	digest_hex(&d, hex);
}

/* Best step 0: the dev sets say that no step was better than the start. */
static int check_learnt(const struct training *t, const struct loop_report *report, struct err *err)
{
	if (t->o->dev_n == 0 || report->best_step > 0)
		return 0;
	return err_set(
		err, ERR_INPUT,
		"nothing was learnt: the start was best (%.2f on the dev sets, after %llu steps %.2f); there "
		"is no new model",
		report->first_score, (unsigned long long)report->steps, report->score);
}

static int run(struct training *t, struct train_report *report, struct progress *progress, struct err *err)
{
	struct checkpoint_part parameters[ENCODER_PARTS];
	struct checkpoint_part state[2 * ENCODER_PARTS];
	char names[2 * ENCODER_PARTS][PART_NAME_BYTES];
	char hex[DIGEST_HEX + 1];
	struct learner learner = { .begin = steps_begin,
				   .step = steps_take,
				   .score = t->o->dev_n ? steps_score : NULL,
				   .context = t,
				   .batches = t->pair_batches + t->teacher.batches_n,
				   .pairs = report->pairs + report->drawn,
				   .parameters = parameters,
				   .parameters_n = t->encoder->params_n,
				   .state = state,
				   .state_n = 2 * t->encoder->params_n,
				   .run = hex };

	for (size_t i = 0; i < t->encoder->params_n; i++) {
		const struct param *p = t->encoder->params[i];
		char *m = names[2 * i];
		char *v = names[2 * i + 1];

		(void)snprintf(m, PART_NAME_BYTES, "%s.m", p->name);
		(void)snprintf(v, PART_NAME_BYTES, "%s.v", p->name);
		parameters[i] = (struct checkpoint_part){ p->name, p->x, p->n * sizeof(float) };
		state[2 * i] = (struct checkpoint_part){ m, p->m, p->n * sizeof(float) };
		state[2 * i + 1] = (struct checkpoint_part){ v, p->v, p->v_n * sizeof(float) };
	}
	identify(t, hex);
	if (loop_run(&learner, &t->o->loop, &report->loop, progress, err))
		return -1;
	return check_learnt(t, &report->loop, err);
}

/* What the model was made from: of pairs and a teacher together, both. */
static void digest_data(const struct training *t, char hex[DIGEST_HEX + 1])
{
	struct digest d;

	if (!t->o->teacher) {
		memcpy(hex, t->pairs.digest, DIGEST_HEX + 1);
		return;
	}
	if (!t->pairs.digest) {
		memcpy(hex, t->teacher.digest, DIGEST_HEX + 1);
		return;
	}
	digest_start(&d);
	add_text(&d, t->pairs.digest);
	add_text(&d, t->teacher.digest);
	digest_hex(&d, hex);
}

static struct model *make_model(struct training *t, struct progress *progress, struct err *err)
{
	char hex[DIGEST_HEX + 1];

	/* The parameters are those of the best dev score: not always the last. */
	t->encoder->refresh(t->encoder);
	progress_phase(progress, "making the model", "rows", 0);
	digest_data(t, hex);
	return t->encoder->to_model(t->encoder, hex, err);
}

static int choose_start(struct training *t, struct err *err)
{
	if (method_recurrent(t->start))
		t->start = model_sums(t->m);
	if (t->start != METHOD_DISC)
		return 0;
	(void)err_set(err, ERR_INPUT, "disc multiplies words: training starts from a sum of them");
	return err_param(err, "method");
}

void training_free(struct training *t)
{
	steps_free(t);
	objective_free(t->objective);
	encoder_free(t->encoder);
	used_words_free(&t->words);
	pairs_free(&t->pairs);
	teacher_free(&t->teacher);
	dev_free(&t->dev);
	threads_free(t->threads);
}

int training_begin(struct training *t, struct train_report *report, struct progress *progress,
		   struct err *err)
{
	*report = (struct train_report){ 0 };
	if (train_check(t->o, t->m, err) || choose_start(t, err) || read_data(t, report, progress, err))
		return -1;
	return make_encoder(t, err);
}

struct model *train_model(struct model *m, enum method start, const struct train_options *options,
			  struct train_report *report, struct progress *progress, struct err *err)
{
	struct training t = { .m = m, .start = start, .o = options };
	struct model *trained = NULL;

	if (training_begin(&t, report, progress, err) == 0 && run(&t, report, progress, err) == 0)
		trained = make_model(&t, progress, err);
	if (trained)
		report->lstm_dropped = m->lstm.h && options->learn != TRAIN_LSTM && !trained->lstm.h;
	training_free(&t);
	return trained;
}
