/* An eval job: scores methods on uploaded similarity or classification sets. */
#include "base/buf.h"
#include "base/err.h"
#include "base/json_fields.h"
#include "base/mem.h"
#include "eval/classify.h"
#include "eval/evaluate.h"
#include "jobs/jobs_private.h"
#include "model/model.h"

#include <stdlib.h>

/* Appends one method's figures, as the rest of an object. */
static int put_figures(struct work *w, struct model *m, enum method method, const struct any_set *set,
		       struct err *err)
{
	struct evaluated e;
	struct classify_result j;

	if (set->kind != SET_SIMILARITY) {
		if (classify_method(&j, m, method, &set->labelled, w->request.fit.workers, &w->jobs->progress,
				    err))
			return -1;
		buf_printf(w->result,
			   "\"pairs\":%zu,\"accuracy\":%.4f,\"most_frequent\":%.4f,\"coverage\":%.6f}",
			   j.texts, j.accuracy, j.most, j.coverage);
		return 0;
	}
	if (evaluate_pairs(&e, m, method, &set->pairs, w->request.fit.workers, err))
		return -1;
	buf_printf(w->result, "\"pairs\":%zu,\"pearson\":%.4f,\"spearman\":%.4f,\"coverage\":%.6f}", e.pairs,
		   e.pearson, e.spearman, e.coverage);
	return 0;
}

static int evaluate_set(struct work *w, struct model *m, const struct any_set *set, size_t i, struct err *err)
{
	size_t methods = w->request.methods_n ? w->request.methods_n : 1;

	for (size_t j = 0; j < methods; j++) {
		enum method method;

		if (work_go_on(w, err) ||
		    work_method(w, m, w->request.methods_n ? w->request.methods[j] : NULL, &method, err))
			return -1;
		buf_printf(w->result, "%s{\"set\":", i == 0 && j == 0 ? "" : ",");
		json_put_text(w->result, "", work_corpus_name(w, i));
		buf_printf(w->result, ",\"task\":\"%s\",\"method\":\"%s\",", set_kind_name(set->kind),
			   method_names[method]);
		if (put_figures(w, m, method, set, err))
			return -1;
	}
	return 0;
}

int work_eval(struct work *w, struct err *err)
{
	struct progress *progress = &w->jobs->progress;
	struct model *m = work_model(w, err);
	int rc = m ? 0 : -1;

	progress_phase(progress, "evaluating", "sets", w->job->corpora_n);
	json_put_text(w->result, "{\"model\":", w->request.model);
	buf_text(w->result, ",\"sets\":[");
	for (size_t i = 0; i < w->job->corpora_n && rc == 0; i++) {
		struct any_set set;

		rc = any_set_read(&set, w->paths[i], NULL, err);
		if (rc == 0) {
			rc = evaluate_set(w, m, &set, i, err);
			any_set_free(&set);
		}
		progress_phase(progress, "evaluating", "sets", w->job->corpora_n);
		progress_set(progress, i + 1);
	}
	buf_text(w->result, "]}");
	model_release(m);
	return rc;
}
