#include "base/err.h"
#include "base/mem.h"
#include "model/model.h"
#include "model/model_private.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* "" for a missing key. */
static const char *text_of(const struct safetensors *s, const char *key)
{
	const char *value = safetensors_metadata(s, key);

	return value ? value : "";
}

static int number_of(double *to, const struct safetensors *s, const char *key, struct err *err)
{
	const char *value = text_of(s, key);
	char *end;

	errno = 0;
	*to = strtod(value, &end);
	if (!*value || *end || errno || !isfinite(*to))
		return err_set(err, ERR_FORMAT, "metadata '%s' is no number: '%.60s'", key, value);
	return 0;
}

static int whole_of(uint64_t *to, const struct safetensors *s, const char *key, struct err *err)
{
	const char *value = text_of(s, key);
	char *end;

	errno = 0;
	*to = strtoull(value, &end, 10);
	if (*value < '0' || *value > '9' || *end || errno)
		return err_set(err, ERR_FORMAT, "metadata '%s' is no whole number: '%.60s'", key, value);
	return 0;
}

static void copy_text(char *to, size_t room, const char *from)
{
	(void)snprintf(to, room, "%s", from);
}

static int read_facts(struct model *m, const struct safetensors *s, struct err *err)
{
	struct model_facts *f = &m->facts;
	uint64_t version;
	uint64_t folded;
	uint64_t fitted;
	int method = method_parse(text_of(s, "method"), strlen(text_of(s, "method")));

	if (strcmp(text_of(s, "format"), "sifd") != 0)
		return err_set(err, ERR_FORMAT, "no sifd model; `sifd import` makes one of word vectors");
	if (whole_of(&version, s, "format_version", err))
		return -1;
	if (version != MODEL_FORMAT)
		return err_set(err, ERR_FORMAT, "format version %llu; this sifd reads version %d",
			       (unsigned long long)version, MODEL_FORMAT);
	if (method < 0)
		return err_set(err, ERR_FORMAT, "metadata names an unknown method '%.60s'",
			       text_of(s, "method"));
	if (whole_of(&folded, s, "folded", err) || whole_of(&fitted, s, "fitted", err) ||
	    number_of(&f->a, s, "a", err) || number_of(&f->power, s, "power", err) ||
	    number_of(&f->prior, s, "prior", err) || whole_of(&f->sentences, s, "sentences", err) ||
	    whole_of(&f->tokens, s, "tokens", err) || whole_of(&f->known, s, "known", err) ||
	    number_of(&f->mass, s, "mass", err) || number_of(&f->explained, s, "explained", err))
		return -1;
	f->method = (enum method)method;
	f->folded = folded != 0;
	f->fitted = fitted != 0;
	copy_text(f->corpus, sizeof(f->corpus), text_of(s, "corpus"));
	copy_text(f->source, sizeof(f->source), text_of(s, "source"));
	copy_text(f->program, sizeof(f->program), text_of(s, "program"));
	copy_text(m->fingerprint, sizeof(m->fingerprint), text_of(s, "fingerprint"));
	copy_text(m->canaries, sizeof(m->canaries), text_of(s, "canaries"));
	return 0;
}

/* The tensor of that name, if it is there, with the shape (n, d) (d == 0: one dimension) and type. */
static int take(const void **to, const struct safetensors *s, enum model_tensor which, enum tensor_type type,
		size_t n, size_t d, struct err *err)
{
	const char *name = model_tensor_name(which);
	const struct tensor *t = safetensors_find(s, name);

	*to = NULL;
	if (!t)
		return 0;
	if (t->type != type || t->rank != (d ? 2u : 1u) || t->shape[0] != n || (d && t->shape[1] != d))
		return err_set(err, ERR_FORMAT, "tensor '%s' is not %s of shape (%zu%s%zu)", name,
			       tensor_type_name(type), n, d ? ", " : "", d);
	if ((uintptr_t)t->data % tensor_type_size(type))
		return err_set(err, ERR_FORMAT,
			       "tensor '%s' does not stand on a multiple of its element size", name);
	*to = t->data;
	return 0;
}

static int read_rows(struct model *m, const struct safetensors *s, struct err *err)
{
	const struct tensor *t = safetensors_find(s, "vectors");
	const void *scales;

	if (!t || t->rank != 2)
		return err_set(err, ERR_FORMAT, "there is no matrix 'vectors'");
	m->rows.n = t->shape[0];
	m->rows.d = t->shape[1];
	m->rows.data = t->data;
	if (m->rows.n == 0 || m->rows.n > MODEL_WORDS_MAX || m->rows.d == 0 ||
	    m->rows.d > MODEL_DIMENSIONS_MAX)
		return err_set(err, ERR_FORMAT,
			       "vectors of shape (%zu, %zu): at most %d words of %d dimensions", m->rows.n,
			       m->rows.d, MODEL_WORDS_MAX, MODEL_DIMENSIONS_MAX);
	if (t->type == TENSOR_F32)
		m->rows.type = ROWS_F32;
	else if (t->type == TENSOR_F16)
		m->rows.type = ROWS_F16;
	else if (t->type == TENSOR_BF16)
		m->rows.type = ROWS_BF16;
	else if (t->type == TENSOR_I8)
		m->rows.type = ROWS_I8;
	else
		return err_set(err, ERR_FORMAT, "vectors of type %s: expected F32, F16, BF16 or I8",
			       tensor_type_name(t->type));
	if ((uintptr_t)t->data % rows_type_size(m->rows.type))
		return err_set(err, ERR_FORMAT,
			       "tensor 'vectors' does not stand on a multiple of its element size");
	if (take(&scales, s, TENSOR_SCALES, TENSOR_F32, m->rows.n, 0, err))
		return -1;
	m->rows.scales = scales;
	if ((m->rows.type == ROWS_I8) != (scales != NULL))
		return err_set(err, ERR_FORMAT, "I8 vectors and only they have 'scales'");
	return 0;
}

static int read_vocab(struct model *m, const struct safetensors *s, struct err *err)
{
	const struct tensor *words = safetensors_find(s, "words");
	const struct tensor *slots = safetensors_find(s, "index");
	const void *at;

	if (!words || words->type != TENSOR_U8 || words->rank != 1 || !slots || slots->rank != 1)
		return err_set(err, ERR_FORMAT, "the tensors 'words' (U8) and 'index' (U64) are needed");
	m->vocab.n = m->rows.n;
	m->vocab.bytes = words->data;
	if (take(&at, s, TENSOR_OFFSETS, TENSOR_U64, m->rows.n + 1, 0, err))
		return -1;
	m->vocab.offsets = at;
	m->vocab.slots_n = slots->shape[0];
	if (take(&at, s, TENSOR_SLOTS, TENSOR_U64, slots->shape[0], 0, err))
		return -1;
	m->vocab.slots = at;
	if (!m->vocab.offsets || whole_of(&m->vocab.seed, s, "vocab_seed", err))
		return m->vocab.offsets ? -1 : err_set(err, ERR_FORMAT, "there is no tensor 'word_offsets'");
	if (take(&at, s, TENSOR_COUNTS, TENSOR_U64, m->rows.n, 0, err))
		return -1;
	m->counts = at;
	return vocab_check(&m->vocab, words->bytes, err);
}

static int all_finite(const float *x, size_t n, const char *name, struct err *err)
{
	for (size_t i = 0; x && i < n; i++)
		if (!isfinite(x[i]))
			return err_set(err, ERR_FORMAT,
				       "tensor '%s' holds a number that is not finite, at %zu", name, i);
	return 0;
}

/* What a fit adds: in whole models and overlays alike. */
static int read_fit(struct model *m, const struct safetensors *s, struct err *err)
{
	const struct tensor *components = safetensors_find(s, "components");
	const struct tensor *projection = safetensors_find(s, "projection");
	size_t n = m->rows.n;
	size_t d = m->rows.d;
	const void *at[5] = { NULL, NULL, NULL, NULL, NULL };

	m->k = components && components->rank == 2 ? components->shape[0] : 0;
	m->d_out = projection && projection->rank == 2 ? projection->shape[1] : d;
	if (m->k > MODEL_COMPONENTS_MAX || m->k > d || m->d_out == 0 || m->d_out > MODEL_DIMENSIONS_MAX)
		return err_set(err, ERR_FORMAT,
			       "%zu components and a projection to %zu dimensions are out of range", m->k,
			       m->d_out);
	if (take(&at[0], s, TENSOR_WEIGHTS, TENSOR_F32, n, 0, err) ||
	    take(&at[1], s, TENSOR_COMPONENTS, TENSOR_F32, m->k, d, err) ||
	    take(&at[2], s, TENSOR_COMPONENT_SCALES, TENSOR_F32, m->k, 0, err) ||
	    take(&at[3], s, TENSOR_PROJECTION, TENSOR_F32, d, m->d_out, err) ||
	    take(&at[4], s, TENSOR_MOMENT, TENSOR_F32, d, d, err))
		return -1;
	m->weights = at[0];
	m->components = at[1];
	m->component_scales = at[2];
	m->projection = at[3];
	m->moment = at[4];
	if (all_finite(m->weights, n, "weights", err) ||
	    all_finite(m->components, m->k * d, "components", err) ||
	    all_finite(m->component_scales, m->k, "component_scales", err) ||
	    all_finite(m->projection, d * m->d_out, "projection", err) ||
	    all_finite(m->moment, d * d, "moment", err))
		return -1;
	if (!model_has(m, m->facts.method))
		return err_set(err, ERR_FORMAT, "the tensors that method '%s' needs are not there",
			       method_name(m->facts.method));
	return 0;
}

static int read_rules(struct model *m, const struct safetensors *s, struct err *err)
{
	if (token_rules_parse(&m->rules, text_of(s, "normalize"),
			      strcmp(text_of(s, "strip_accents"), "1") == 0, text_of(s, "split"),
			      text_of(s, "unknown"), text_of(s, "punctuation"), err)) {
		err->code = ERR_FORMAT;
		return -1;
	}
	return 0;
}

static struct model *open_file(const char *path, const char *folder, bool may_overlay, struct err *err);

/*
 * Is this file the base that an overlay names?  Other failures than that are not its business.  A base is
 * no overlay: two of those in one folder would search each other for ever.
 */
static struct model *try_base(const char *folder, const char *file, const char *fingerprint)
{
	char path[4096];
	struct err ignored = { 0 };
	struct model *m;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", folder, file) >= sizeof(path))
		return NULL;
	m = open_file(path, NULL, false, &ignored);
	if (m && strcmp(m->fingerprint, fingerprint) != 0) {
		model_release(m);
		m = NULL;
	}
	return m;
}

static struct model *search_folder(const char *folder, const char *fingerprint)
{
	DIR *d = opendir(folder);
	struct model *m = NULL;
	const struct dirent *e;

	while (d && !m && (e = readdir(d))) {
		const char *dot = strrchr(e->d_name, '.');

		if (dot && strcmp(dot, ".safetensors") == 0)
			m = try_base(folder, e->d_name, fingerprint);
	}
	if (d)
		(void)closedir(d);
	return m;
}

static int read_base(struct model *m, const struct safetensors *s, const char *path, const char *folder,
		     struct err *err)
{
	const char *fingerprint = text_of(s, "base_fingerprint");
	const char *file = text_of(s, "base_file");
	char beside[4096];
	char *slash;

	copy_text(beside, sizeof(beside), path);
	slash = strrchr(beside, '/');
	if (slash)
		*slash = '\0';
	else
		copy_text(beside, sizeof(beside), ".");
	if (!strchr(file, '/') && *file) {
		m->base = try_base(beside, file, fingerprint);
		if (!m->base && folder)
			m->base = try_base(folder, file, fingerprint);
	}
	if (!m->base)
		m->base = search_folder(beside, fingerprint);
	if (!m->base && folder)
		m->base = search_folder(folder, fingerprint);
	if (!m->base)
		return err_set(err, ERR_NOT_FOUND,
			       "its vectors file (%.80s, fingerprint %.16s...) is neither beside it nor in "
			       "the models folder",
			       file, fingerprint);
	m->rows = m->base->rows;
	m->vocab = m->base->vocab;
	m->rules = m->base->rules;
	return 0;
}

static void read_digests(struct model *m, const struct safetensors *s)
{
	for (int i = 0; i <= TENSOR_WORDS; i++) {
		char key[40];

		(void)snprintf(key, sizeof(key), "sha256.%s", model_tensor_name((enum model_tensor)i));
		copy_text(m->memory->digests.hex[i], DIGEST_HEX + 1, text_of(s, key));
	}
}

static int read_model(struct model *m, const char *path, const char *folder, bool may_overlay,
		      struct err *err)
{
	struct safetensors s;
	int failed;

	if (safetensors_read(&s, m->memory->map.data, m->memory->map.size, err))
		return -1;
	read_digests(m, &s);
	failed = read_facts(m, &s, err);
	if (!failed && safetensors_metadata(&s, "base_fingerprint"))
		failed = may_overlay ? read_base(m, &s, path, folder, err)
				     : err_set(err, ERR_INPUT, "it is an overlay");
	else if (!failed)
		failed = read_rows(m, &s, err) || read_vocab(m, &s, err) || read_rules(m, &s, err);
	if (!failed)
		failed = read_fit(m, &s, err);
	safetensors_free(&s);
	return failed ? -1 : 0;
}

static struct model *open_file(const char *path, const char *folder, bool may_overlay, struct err *err)
{
	struct model *m = model_new(err);
	struct stat status;

	if (!m)
		return NULL;
	free(m->path);
	m->path = mem_text(path, strlen(path));
	if (file_map(&m->memory->map, path, err)) {
		model_release(m);
		return NULL;
	}
	if (stat(path, &status) == 0)
		m->created = (uint64_t)status.st_mtime;
	if (read_model(m, path, folder, may_overlay, err)) {
		(void)err_prefix(err, "%.200s", path);
		model_release(m);
		return NULL;
	}
	return m;
}

struct model *model_open(const char *path, const char *folder, struct err *err)
{
	return open_file(path, folder, true, err);
}
