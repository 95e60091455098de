/*
 * Writes a model as a file, whole or as an overlay.
 */
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "model/model.h"
#include "model/model_private.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* put_facts() and put_base() add up to 31, put_tensors() one per tensor, and the header's digest is one. */
enum { METADATA_MAX = 32 + MODEL_TENSORS };

static void put(struct safetensors *s, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void put(struct safetensors *s, const char *key, const char *fmt, ...)
{
	char value[512];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(value, sizeof(value), fmt, args);
	va_end(args);
	s->metadata[s->metadata_n].key = mem_text(key, strlen(key));
	s->metadata[s->metadata_n++].value = mem_text(value, strlen(value));
}

static void put_facts(struct safetensors *s, const struct model *m, const char *canaries)
{
	const struct model_facts *f = &m->facts;
	char unknown[64];

	put(s, "format", "sifd");
	put(s, "format_version", "%d", MODEL_FORMAT);
	put(s, "program", "%s", f->program);
	put(s, "source", "%s", f->source);
	put(s, "method", "%s", method_names[f->method]);
	if (m->lstm.h) {
		put(s, "sums", "%s", method_names[model_sums(m)]);
		put(s, "pooling", "%s", pooling_names[m->lstm.pooling]);
	}
	if (m->lstm.h && m->lstm.reads_rows)
		put(s, "lstm_reads", "rows");
	if (m->alacarte)
		put(s, "alacarte_window", "%zu", m->alacarte_window);
	put(s, "folded", "%d", f->folded);
	put(s, "fitted", "%d", f->fitted);
	if (f->learned)
		put(s, "learned", "1");
	put(s, "a", "%.17g", f->a);
	put(s, "power", "%.17g", f->power);
	put(s, "prior", "%.17g", f->prior);
	put(s, "sentences", "%" PRIu64, f->sentences);
	put(s, "tokens", "%" PRIu64, f->tokens);
	put(s, "known", "%" PRIu64, f->known);
	put(s, "mass", "%.17g", f->mass);
	put(s, "explained", "%.17g", f->explained);
	put(s, "corpus", "%s", f->corpus);
	put(s, "normalize", "%s", token_normalize_name(m->rules.normalize));
	put(s, "strip_accents", "%d", m->rules.strip_accents);
	put(s, "split", "%s", token_split_name(m->rules.split));
	put(s, "unknown", "%s", token_unknown_names(m->rules.unknown, unknown));
	put(s, "punctuation", "%s", m->rules.keep_punctuation ? "keep" : "drop");
	put(s, "vocab_seed", "%" PRIu64, m->vocab.seed);
	put(s, "fingerprint", "%s", m->fingerprint);
	put(s, "canaries", "%s", canaries);
}

/* Names the vectors file of an overlay: the model itself, or the lowest one below it, as a file. */
static int put_base(struct safetensors *s, const struct model *m, struct err *err)
{
	const struct model *base = m;
	const char *slash;

	while (base->base)
		base = base->base;
	slash = strrchr(base->path, '/');
	if (!base->path[0])
		return err_set(err, ERR_INPUT, "an overlay needs vectors that are a file already");
	if (m->rows.data != base->rows.data || m->vocab.slots != base->vocab.slots ||
	    !token_rules_same(&m->rules, &base->rules))
		return err_set(err, ERR_INPUT,
			       "an overlay has the vectors, words and tokenizer of its base; this model has "
			       "others (is it folded?) and must be written whole");
	put(s, "base_fingerprint", "%s", base->fingerprint);
	put(s, "base_file", "%s", slash ? slash + 1 : base->path);
	return 0;
}

static void put_tensor(struct safetensors *s, const struct model *m, enum model_tensor which)
{
	struct tensor t = model_tensor(m, which);
	const char *name = model_tensors[which].name;
	char key[40];

	if (!t.data)
		return;
	put(s, model_digest_key(which, key), "%s", m->memory->digests[which]);
	t.name = mem_text(name, strlen(name));
	s->tensors[s->n++] = t;
}

/* The rows come first, where pages begin, unless the U64 tensors after them would then be misaligned. */
static void put_tensors(struct safetensors *s, const struct model *m, bool as_overlay)
{
	bool rows_first = model_tensor(m, TENSOR_VECTORS).bytes % sizeof(uint64_t) == 0;

	for (int i = 0; i < MODEL_TENSORS; i++) {
		enum model_tensor which = (enum model_tensor)i;

		if (as_overlay && !(model_tensors[which].in_overlay && model_tensor_is_own(m, which)))
			continue;
		if (which == TENSOR_WORDS && !rows_first)
			put_tensor(s, m, TENSOR_VECTORS);
		if (which != TENSOR_VECTORS || rows_first)
			put_tensor(s, m, which);
	}
}

int model_write(const struct model *m, const char *path, bool as_overlay, const char *canary_digest,
		struct err *err)
{
	struct safetensors s = { 0 };
	struct output *out = NULL;
	char header[DIGEST_HEX + 1];
	int failed;

	s.tensors = mem_new(MODEL_TENSORS, sizeof(*s.tensors));
	s.metadata = mem_new(METADATA_MAX, sizeof(*s.metadata));
	put_facts(&s, m, canary_digest);
	failed = as_overlay && put_base(&s, m, err);
	put_tensors(&s, m, as_overlay);
	if (!failed && model_header_digest(&s, header, err) == 0) {
		put(&s, MODEL_HEADER_KEY, "%s", header);
		out = output_open(path, err);
	}
	failed = !out || safetensors_write(out, &s, err);
	if (out && failed)
		output_abandon(out);
	else if (out)
		failed = output_commit(out, err);
	safetensors_free(&s);
	return failed ? -1 : 0;
}
