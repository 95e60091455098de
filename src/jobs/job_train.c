/*
 * A train job: what `sifd train` does, from uploads or from pairs in the request.
 *
 * Its checkpoint is in STATE/checkpoints under the job's number while the job waits or runs: after a restart
 * it goes on from there, to the same bits as if nothing had happened.
 */
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "jobs/jobs_private.h"
#include "jobs/uploads.h"
#include "learn/params.h"
#include "model/model.h"
#include "text/corpus.h"

#include <limits.h>
#include <math.h>
#include <unistd.h>

static void put_head(struct work *w, const struct model *m)
{
	buf_printf(w->result, "{\"model\":\"%s\",\"method\":\"%s\",\"fingerprint\":\"%s\",\"learn\":\"%s\"",
		   w->request.output, method_names[m->facts.method], m->fingerprint,
		   learn_names[w->request.train.learn]);
}

static void put_tail(struct work *w)
{
	buf_printf(w->result, ",\"overlay\":%s,\"corpus\":[", w->request.overlay ? "true" : "false");
	work_put_sources(w);
	buf_text(w->result, "]}");
}

/* ---- from pairs ---- */

static void put_trained(struct work *w, const struct model *m, const struct train_report *r)
{
	const struct loop_report *l = &r->loop;
	struct buf *to = w->result;

	put_head(w, m);
	buf_printf(to, ",\"objective\":\"%s\",\"dim\":%zu",
		   objective_names[w->request.train.pairs.objective.kind],
		   model_dimension(m, m->facts.method));
	buf_printf(to, ",\"pairs\":%llu,\"texts\":%llu,\"skipped\":%llu,\"coverage\":%.6f",
		   (unsigned long long)r->pairs, (unsigned long long)r->texts, (unsigned long long)r->skipped,
		   r->coverage);
	buf_printf(to, ",\"steps\":%llu,\"resumed\":%s,\"stopped_early\":%s,\"seconds\":%.3f",
		   (unsigned long long)l->steps, l->resumed ? "true" : "false",
		   l->stopped_early ? "true" : "false", l->seconds);
	buf_printf(to, ",\"pairs_a_second\":%.1f", l->pairs_per_second);
	put_figure(to, ",\"loss\":", l->loss);
	if (isfinite(l->best_score)) {
		put_figure(to, ",\"score\":{\"before\":", l->first_score);
		put_figure(to, ",\"after\":", l->best_score);
		buf_printf(to, ",\"best_step\":%llu}", (unsigned long long)l->best_step);
	} else {
		buf_text(to, ",\"score\":null");
	}
	if (r->lstm_dropped)
		buf_text(to, ",\"lstm_dropped\":true");
	put_tail(w);
}

static struct model *train_once(struct work *w, const struct train_options *o, struct train_report *r,
				struct err *err)
{
	enum method start;

	if (work_method(w, w->model, w->request.methods_n ? w->request.methods[0] : NULL, &start, err))
		return NULL;
	return train_model(w->model, start, o, r, &w->jobs->progress, err);
}

/* Resumes from the checkpoint, or begins anew when that is damaged, or of an older model or version of sifd.
 */
static struct model *train(struct work *w, struct train_report *r, struct err *err)
{
	struct train_options o = w->request.train.pairs;
	size_t files = w->request.train.files_n;
	const char *const *paths = (const char *const *)w->paths;
	char checkpoint[PATH_MAX];
	struct model *trained;
	bool there;

	state_path(w->jobs, checkpoint, JOB_CHECKPOINT, (long long)w->job->id);
	there = access(checkpoint, F_OK) == 0;
	o.files = paths;
	o.files_n = files;
	o.dev = paths + files;
	o.dev_n = w->job->corpora_n - files;
	o.loop.checkpoint = checkpoint;
	o.loop.resume = true;
	trained = train_once(w, &o, r, err);
	if (!trained && there && !r->loop.resumed && (err->code == ERR_INPUT || err->code == ERR_FORMAT)) {
		log_warn("job begins anew", "id=%lld error=%s", (long long)w->job->id, err->text);
		job_checkpoint_drop(w->jobs, w->job->id);
		*err = (struct err){ 0 };
		trained = train_once(w, &o, r, err);
	}
	if (!trained)
		hide_path(err, checkpoint, "the checkpoint");
	return trained;
}

static int work_pairs(struct work *w, struct err *err)
{
	struct train_report report = { 0 };
	struct model *trained = train(w, &report, err);
	int rc;

	if (!trained)
		return -1;
	put_trained(w, trained, &report);
	/* An early stop leaves some of the pairs out. */
	progress_phase(&w->jobs->progress, "publishing", "pairs", report.loop.pairs);
	rc = work_publish(w, trained, w->request.overlay, err);
	model_release(trained);
	return rc;
}

/* ---- from a corpus ---- */

static void put_grown(struct work *w, const struct model *m, const struct alacarte_report *r)
{
	double tokens = r->tokens ? (double)r->tokens : 1.0;

	put_head(w, m);
	buf_printf(w->result, ",\"new_words\":%zu,\"fit_words\":%zu,\"bytes\":%llu,\"tokens\":%llu",
		   r->new_words, r->fit_words, (unsigned long long)r->bytes, (unsigned long long)r->tokens);
	buf_printf(w->result, ",\"coverage_before\":%.6f,\"coverage\":%.6f", (double)r->known_before / tokens,
		   (double)r->known_after / tokens);
	buf_printf(w->result, ",\"held_out_words\":%zu", r->held_out_words);
	put_figure(w->result, ",\"held_out\":", r->held_out);
	put_figure(w->result, ",\"chance\":", r->chance);
	put_tail(w);
}

static int work_alacarte(struct work *w, struct err *err)
{
	struct alacarte_report report = { 0 };
	struct corpus *corpus = work_corpus(w, err);
	struct model *grown = NULL;
	int rc = -1;

	if (corpus)
		grown = alacarte_learn(w->model, corpus, &w->request.train.alacarte, &report,
				       &w->jobs->progress, err);
	if (grown) {
		put_grown(w, grown, &report);
		rc = work_publish(w, grown, false, err);
		model_release(grown);
	}
	corpus_close(corpus);
	return rc;
}

int work_train(struct work *w, struct err *err)
{
	return w->request.train.learn == LEARN_ALACARTE ? work_alacarte(w, err) : work_pairs(w, err);
}
