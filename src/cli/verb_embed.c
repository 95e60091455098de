/* `sifd embed`: one vector per line of text, by a pipeline of threads. */
#include "base/err.h"
#include "base/file.h"
#include "base/lines.h"
#include "base/mem.h"
#include "base/npy.h"
#include "base/number.h"
#include "base/pipeline.h"
#include "base/stream.h"
#include "cli/cli.h"
#include "model/model.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK_LINES = 512, BLOCK_BYTES = 1 << 18 };
enum form { FORM_TEXT, FORM_JSONL, FORM_NPY, FORM_F32, FORMS };

static const char *const form_names[FORMS] = { "text", "jsonl", "npy", "f32" };

struct embed_call {
	struct model_choice choice;
	const char *to; /* NULL: standard output */
	size_t workers;
	enum form form;
	bool normalize, lossy;
};

/* One block of lines on its way through the pipeline. */
struct block {
	struct buf text;	  /* the lines, back to back */
	size_t ends[BLOCK_LINES]; /* of each in text */
	size_t n;
	uint64_t first; /* number of the first line, from 1 */
	struct buf out;
	struct buf mended;
	float *vectors; /* (EMBEDDER_TEXTS, d) */
};

struct run {
	const struct embed_call *call;
	struct lines *lines;
	struct embedder **sentences; /* one a worker */
	struct progress *progress;
	struct output *output; /* text and jsonl, or the whole npy once its length is known */
	int spool;	       /* npy: vectors wait here for their number */
	uint64_t rows;
	size_t d;
};

static int read_block(void *context, void *at, struct err *err)
{
	struct run *r = context;
	struct block *b = at;
	const char *line;
	size_t n;
	int more = 1;

	buf_reset(&b->text);
	b->n = 0;
	b->first = lines_number(r->lines) + 1;
	while (b->n < BLOCK_LINES && b->text.len < BLOCK_BYTES &&
	       (more = lines_next(r->lines, &line, &n, err)) > 0) {
		buf_add(&b->text, line, n);
		b->ends[b->n++] = b->text.len;
	}
	if (more < 0)
		return -1;
	if (b->text.failed)
		return err_set(err, ERR_MEMORY, "not enough memory for the lines");
	progress_set(r->progress, stream_taken(lines_stream(r->lines)));
	if (progress_stop(r->progress))
		return err_set(err, ERR_CANCELLED, "stopped");
	return b->n > 0;
}

static void put_vector(struct buf *out, const float *v, size_t d, char between)
{
	char *at = buf_reserve(out, d * (NUMBER_FLOAT_BYTES + 1));
	char *start = at;

	if (!at)
		return;
	for (size_t i = 0; i < d; i++) {
		if (i)
			*at++ = between;
		at += number_put_float(at, v[i]);
	}
	out->len += (size_t)(at - start);
}

static void put_row(const struct run *r, struct block *b, uint64_t number, const float *vector,
		    struct seen seen)
{
	char coverage[NUMBER_FLOAT_BYTES];

	switch (r->call->form) {
	case FORM_TEXT:
		put_vector(&b->out, vector, r->d, ' ');
		buf_byte(&b->out, '\n');
		break;
	case FORM_JSONL:
		buf_printf(&b->out, "{\"index\":%" PRIu64 ",\"coverage\":", number - 1);
		buf_add(&b->out, coverage, number_put_float(coverage, seen_coverage(seen)));
		buf_text(&b->out, ",\"embedding\":[");
		put_vector(&b->out, vector, r->d, ',');
		buf_text(&b->out, "]}\n");
		break;
	case FORM_NPY:
	case FORM_F32:
	case FORMS:
		buf_add(&b->out, vector, r->d * sizeof(float));
		break;
	}
}

/* Line i and those behind it that are embedded with it: one, where it is mended, since there is room for one.
 */
static ptrdiff_t take_lines(const struct run *r, struct block *b, size_t i, struct text *texts,
			    struct err *err)
{
	size_t n = 0;

	for (; i + n < b->n && n < EMBEDDER_TEXTS; n++) {
		size_t start = i + n ? b->ends[i + n - 1] : 0;
		struct text line = { b->text.data + start, b->ends[i + n] - start };
		struct text whole = line;

		if (cli_check_text(&line.at, &line.n, r->call->lossy, &b->mended, err))
			return err_prefix(err, "%s: line %" PRIu64, stream_name(lines_stream(r->lines)),
					  b->first + i + n);
		if (line.at != whole.at && n)
			break;
		texts[n] = line;
		if (line.at != whole.at)
			return 1;
	}
	return (ptrdiff_t)n;
}

static int work_block(void *context, void *at, size_t worker, struct err *err)
{
	const struct run *r = context;
	struct block *b = at;
	ptrdiff_t n;

	if (!b->vectors && !(b->vectors = mem_try_aligned(EMBEDDER_TEXTS, r->d * sizeof(float), err)))
		return -1;
	buf_reset(&b->out);
	for (size_t i = 0; i < b->n; i += (size_t)n) {
		struct text texts[EMBEDDER_TEXTS];
		struct seen seen[EMBEDDER_TEXTS];

		n = take_lines(r, b, i, texts, err);
		if (n < 0)
			return -1;
		if (embedder_embed_many(r->sentences[worker], texts, (size_t)n, r->call->normalize,
					b->vectors, seen, err))
			return err_prefix(err, "%s: line %" PRIu64 " or behind",
					  stream_name(lines_stream(r->lines)), b->first + i);
		for (size_t k = 0; k < (size_t)n; k++)
			put_row(r, b, b->first + i + k, b->vectors + k * r->d, seen[k]);
	}
	return b->out.failed ? err_set(err, ERR_MEMORY, "not enough memory for the vectors") : 0;
}

static int write_all(int fd, const char *at, size_t n, struct err *err)
{
	while (n) {
		ssize_t k = write(fd, at, n);

		if (k < 0 && errno != EINTR)
			return err_set(err, ERR_IO, "the temporary file: %s", strerror(errno));
		if (k > 0) {
			at += k;
			n -= (size_t)k;
		}
	}
	return 0;
}

static int finish_block(void *context, void *at, struct err *err)
{
	struct run *r = context;
	struct block *b = at;

	r->rows += b->n;
	if (r->spool >= 0)
		return write_all(r->spool, b->out.data, b->out.len, err);
	return output_write(r->output, b->out.data, b->out.len, err);
}

static void drop_block(void *context, void *at)
{
	struct block *b = at;

	(void)context;
	buf_free(&b->text);
	buf_free(&b->out);
	buf_free(&b->mended);
	free(b->vectors);
}

/* The header says how many rows follow, so it is written last. */
static int write_npy(struct run *r, struct err *err)
{
	struct buf header = { 0 };
	char bytes[65536];
	ssize_t n;
	int rc;

	if (lseek(r->spool, 0, SEEK_SET) != 0)
		return err_set(err, ERR_IO, "the temporary file: %s", strerror(errno));
	npy_put_header(&header, r->rows, r->d);
	rc = header.failed ? err_set(err, ERR_MEMORY, "no memory is left for a header")
			   : output_write(r->output, header.data, header.len, err);
	buf_free(&header);
	if (rc)
		return -1;
	while ((n = read(r->spool, bytes, sizeof(bytes))) > 0)
		if (output_write(r->output, bytes, (size_t)n, err))
			return -1;
	return n < 0 ? err_set(err, ERR_IO, "the temporary file: %s", strerror(errno)) : 0;
}

static int run_pipeline(struct run *r, size_t workers, struct err *err)
{
	struct pipeline pipeline = {
		.workers = workers,
		.block_bytes = sizeof(struct block),
		.read = read_block,
		.work = work_block,
		.finish = finish_block,
		.drop = drop_block,
		.context = r,
	};

	if (r->call->form == FORM_NPY && (r->spool = file_temporary(err)) < 0)
		return -1;
	if (pipeline_run(&pipeline, err))
		return -1;
	return r->call->form == FORM_NPY ? write_npy(r, err) : 0;
}

static int open_sentences(struct run *r, size_t workers, struct err *err)
{
	struct embedder *first = cli_open_sentence(&r->call->choice, err);

	if (!first)
		return -1;
	r->sentences[0] = first;
	r->d = embedder_dimension(first);
	for (size_t i = 1; i < workers; i++)
		if (!(r->sentences[i] = embedder_new(embedder_model(first), embedder_method(first), err)))
			return -1;
	return 0;
}

static int run(void *call, const struct arguments *files, struct err *err)
{
	const struct embed_call *c = call;
	size_t workers = c->workers ? c->workers : pipeline_processors();
	struct run r = { .call = c, .spool = -1 };
	struct progress_line line;
	int failed = 1;

	r.sentences = mem_try(workers, sizeof(*r.sentences), err);
	if (!r.sentences)
		return -1;
	if (open_sentences(&r, workers, err) == 0 &&
	    (r.lines = cli_open_lines(files->n ? files->at[0] : "-", err)) &&
	    (r.output = output_open(c->to ? c->to : "-", err))) {
		progress_line_start(&line);
		r.progress = &line.progress;
		progress_phase(r.progress, "embedding", "bytes", stream_size(lines_stream(r.lines)));
		failed = run_pipeline(&r, workers, err);
		progress_line_stop(&line);
		if (failed)
			output_abandon(r.output);
		else
			failed = output_commit(r.output, err);
	}
	if (r.spool >= 0)
		(void)close(r.spool);
	lines_free(r.lines);
	for (size_t i = 0; i < workers; i++)
		embedder_free(r.sentences[i]);
	free(r.sentences);
	return failed ? -1 : 0;
}

static const struct param_row options[] = {
	PARAM(PARAM_CHOICE, "output", "FORM", "format of the vectors; f32: raw little-endian floats", NULL,
	      PARAM_FIELD(struct embed_call, form), PARAM_NAMES(form_names, FORM_TEXT, FORM_F32),
	      { PARAM_ALWAYS, FORM_TEXT }),
	CLI_TEXT("to", 'o', "FILE", "write to this file instead of standard output", struct embed_call, to),
	CLI_LOSSY(struct embed_call),
	PARAM_WORKERS(struct embed_call, workers),
	{ 0 },
};

const struct verb verb_embed = {
	.name = "embed",
	.arguments = "[-m MODEL] [--method M] [--output text|jsonl|npy|f32] [FILE|-]",
	.summary = "Turns each line of text into a vector, in order.",
	.details = "The vectors are the same, bit for bit, for any --workers, and the same as the daemon's.  "
		   "Example:\n\n"
		   "  sifd embed --output npy -o vectors.npy sentences.txt\n",
	.options = { { options, 0 },
		     CLI_MODEL(struct embed_call),
		     CLI_METHOD(struct embed_call),
		     { embedder_params, offsetof(struct embed_call, normalize) } },
	.call_bytes = sizeof(struct embed_call),
	.least = 0,
	.most = 1,
	.expected = "one file of texts is expected",
	.run = run,
};
