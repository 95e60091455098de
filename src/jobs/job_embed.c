/* An embed job: one vector per line of a corpus, as a file that can be downloaded. */
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json_fields.h"
#include "base/mem.h"
#include "base/npy.h"
#include "embed/embedder.h"
#include "jobs/jobs_private.h"
#include "model/model.h"
#include "text/corpus.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct embedding {
	struct work *work;
	struct corpus *corpus;
	struct embedder *embedder;
	size_t d;
	float *vectors; /* (EMBEDDER_TEXTS, d) */
	struct buf row;
	struct output *output; /* NULL while lines are only counted */
	uint64_t rows;
	uint64_t words, known;
};

static int put_row(struct embedding *e, uint64_t index, const float *vector, struct seen seen,
		   struct err *err)
{
	struct buf *row = &e->row;

	e->words += seen.words;
	e->known += seen.known;
	buf_reset(row);
	if (e->work->request.form == JOB_NPY)
		return output_write(e->output, vector, e->d * sizeof(*vector), err);
	buf_printf(row, "{\"index\":%" PRIu64 ",\"coverage\":", index);
	json_put_float(row, "", seen_coverage(seen));
	json_put_floats(row, ",\"embedding\":", vector, e->d);
	buf_text(row, "}\n");
	if (row->failed)
		return err_set(err, ERR_MEMORY, "no memory is left for a row");
	return output_write(e->output, row->data, row->len, err);
}

static int put_rows(struct embedding *e, const struct text *lines, size_t n, struct err *err)
{
	struct seen seen[EMBEDDER_TEXTS];

	if (!e->output)
		return 0;
	if (embedder_embed_many(e->embedder, lines, n, e->work->request.normalize, e->vectors, seen, err))
		return -1;
	for (size_t i = 0; i < n; i++)
		if (put_row(e, e->rows + i, e->vectors + i * e->d, seen[i], err))
			return -1;
	return 0;
}

static int take_lines(struct embedding *e, const char *text, size_t n, struct err *err)
{
	const char *end = text + n;

	while (text < end) {
		struct text lines[EMBEDDER_TEXTS];
		size_t taken = 0;

		while (text < end && taken < EMBEDDER_TEXTS) {
			const char *lf = memchr(text, '\n', (size_t)(end - text));

			lines[taken].at = text;
			lines[taken].n = (size_t)((lf ? lf : end) - text);
			text += lines[taken++].n + 1;
		}
		if (put_rows(e, lines, taken, err))
			return -1;
		e->rows += taken;
	}
	return 0;
}

/* One pass over the corpus: counts its lines, or embeds them. */
static int pass(struct embedding *e, struct err *err)
{
	struct buf block = { 0 }, scratch = { 0 };
	struct progress *progress = &e->work->jobs->progress;
	struct corpus_place where;
	int rc;

	e->rows = 0;
	while ((rc = corpus_next(e->corpus, &block, &where, err)) > 0) {
		const char *text;
		size_t n;

		if (work_go_on(e->work, err) ||
		    corpus_lines(e->corpus, &where, &block, &scratch, &text, &n, err) ||
		    take_lines(e, text, n, err)) {
			rc = -1;
			break;
		}
		progress_set(progress, corpus_taken(e->corpus));
	}
	buf_free(&block);
	buf_free(&scratch);
	return rc;
}

static void put_result(struct embedding *e, uint64_t rows, enum method method)
{
	struct work *w = e->work;

	json_put_text(w->result, "{\"model\":", w->request.model);
	buf_printf(w->result, ",\"method\":\"%s\",\"fingerprint\":\"%s\",\"format\":\"%s\"",
		   method_names[method], embedder_model(e->embedder)->fingerprint,
		   w->request.form == JOB_NPY ? "npy" : "jsonl");
	buf_printf(w->result, ",\"rows\":%" PRIu64 ",\"dim\":%zu,\"url\":\"/v1/jobs/%lld/result\"", rows,
		   e->d, (long long)w->job->id);
}

static int write_rows(struct embedding *e, enum method method, struct err *err)
{
	struct progress *progress = &e->work->jobs->progress;
	struct work *w = e->work;
	struct buf header = { 0 };
	int rc = 0;

	progress_phase(progress, "counting lines", "bytes", corpus_size(e->corpus));
	if (pass(e, err) || corpus_rewind(e->corpus, err))
		return -1;
	put_result(e, e->rows, method);
	if (w->request.form == JOB_NPY) {
		npy_put_header(&header, e->rows, e->d);
		rc = header.failed ? err_set(err, ERR_MEMORY, "no memory is left for a header") : 0;
	}
	e->output = NULL;
	if (rc == 0) {
		char path[PATH_MAX];

		state_path(w->jobs, path, JOB_RESULT, (long long)w->job->id);
		e->output = output_open(path, err);
		rc = e->output ? output_write(e->output, header.data, header.len, err) : -1;
	}
	buf_free(&header);
	progress_phase(progress, "embedding", "bytes", corpus_size(e->corpus));
	return rc == 0 ? pass(e, err) : -1;
}

static int embed_all(struct embedding *e, enum method method, struct err *err)
{
	struct work *w = e->work;
	struct output *output;

	if (write_rows(e, method, err))
		return -1;
	buf_printf(w->result, ",\"words\":%" PRIu64 ",\"known\":%" PRIu64 ",\"coverage\":%.6f}", e->words,
		   e->known, e->words ? (double)e->known / (double)e->words : 0.0);
	if (work_prepare(w, err))
		return -1;
	output = e->output;
	e->output = NULL;
	return output_commit(output, err);
}

static void close_all(struct embedding *e)
{
	output_abandon(e->output);
	corpus_close(e->corpus);
	embedder_free(e->embedder);
	free(e->vectors);
	buf_free(&e->row);
}

int work_embed(struct work *w, struct err *err)
{
	struct embedding e = { .work = w };
	enum method method;
	int rc = -1;

	if (work_method(w, w->model, w->request.methods[0], &method, err) == 0)
		e.embedder = embedder_new(w->model, method, err);
	if (e.embedder) {
		e.d = embedder_dimension(e.embedder);
		e.vectors = mem_try_aligned(EMBEDDER_TEXTS, e.d * sizeof(*e.vectors), err);
	}
	if (e.vectors)
		e.corpus = work_corpus(w, err);
	if (e.corpus)
		rc = embed_all(&e, method, err);
	close_all(&e);
	return rc;
}
