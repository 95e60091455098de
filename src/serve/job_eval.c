/* An eval job: how well methods agree with people, on uploaded similarity sets. */
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "embed/evaluate.h"
#include "model/model.h"
#include "serve/job_work_private.h"
#include "serve/wire.h"

#include <stdlib.h>

static void put_result(struct work *w, size_t i, enum method method, const struct evaluated *e, bool first)
{
	buf_printf(w->result, "%s{\"set\":", first ? "" : ",");
	wire_put_text(w->result, work_corpus_name(w, i));
	buf_printf(w->result,
		   ",\"task\":\"similarity\",\"method\":\"%s\",\"pairs\":%zu,\"pearson\":%.4f,"
		   "\"spearman\":%.4f,\"coverage\":%.6f}",
		   method_name(method), e->pairs, e->pearson, e->spearman, e->coverage);
}

static int evaluate_set(struct work *w, struct model *m, const struct pair_set *set, size_t i,
			struct err *err)
{
	size_t methods = w->spec.methods_n ? w->spec.methods_n : 1;

	for (size_t j = 0; j < methods; j++) {
		struct evaluated e;
		enum method method;

		if (work_go_on(w, err) != 0 ||
		    work_method(w, m, w->spec.methods_n ? w->spec.methods[j] : NULL, &method, err) != 0 ||
		    evaluate_pairs(&e, m, method, set, w->spec.fit.workers, err) != 0)
			return -1;
		put_result(w, i, method, &e, i == 0 && j == 0);
	}
	return 0;
}

int work_eval(struct work *w, struct err *err)
{
	struct progress *progress = &w->jobs->progress;
	struct model *m = work_model(w, err);
	int rc = m ? 0 : -1;

	progress_phase(progress, "evaluating", "sets", w->job->corpora_n);
	buf_text(w->result, "{\"model\":");
	wire_put_text(w->result, w->spec.model);
	buf_text(w->result, ",\"sets\":[");
	for (size_t i = 0; i < w->job->corpora_n && rc == 0; i++) {
		struct pair_set set;

		rc = pair_set_read(&set, w->paths[i], err);
		if (rc == 0) {
			rc = evaluate_set(w, m, &set, i, err);
			pair_set_free(&set);
		}
		progress_set(progress, i + 1);
	}
	buf_text(w->result, "]}");
	if (m)
		model_release(m);
	return rc;
}
