#include "base/err.h"
#include "base/mem.h"
#include "model/import.h"
#include "model/model_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What stands in front of PyTorch's names in a file of a larger module: "encoder." */
struct source {
	struct safetensors s;
	const char *prefix;
	size_t prefix_n;
};

enum { NAME_MAX_BYTES = 512 };

static const struct tensor *find(const struct source *from, const char *name)
{
	char full[NAME_MAX_BYTES];

	(void)snprintf(full, sizeof(full), "%.*s%s", (int)from->prefix_n, from->prefix, name);
	return safetensors_find(&from->s, full);
}

static int find_prefix(struct source *from, struct err *err)
{
	static const char first[] = "weight_ih_l0";
	size_t n = strlen(first);

	for (size_t i = 0; i < from->s.n; i++) {
		const char *name = from->s.tensors[i].name;
		size_t length = strlen(name);

		if (length < n || length + n > NAME_MAX_BYTES || strcmp(name + length - n, first) != 0)
			continue;
		if (from->prefix)
			return err_set(err, ERR_INPUT, "it holds more than one LSTM: '%.60s' is another",
				       name);
		from->prefix = name;
		from->prefix_n = length - n;
	}
	if (!from->prefix)
		return err_set(err, ERR_INPUT, "there is no tensor 'weight_ih_l0', as PyTorch's nn.LSTM has");
	if (find(from, "weight_ih_l2") || find(from, "weight_hr_l0"))
		return err_set(err, ERR_INPUT, "an LSTM of more than %d layers, or with projections",
			       MODEL_LSTM_LAYERS);
	return 0;
}

/* Its floats, wherever they stand in the file, into to; shape (rows, columns), or (rows). */
static int copy(float *to, const struct tensor *t, size_t rows, size_t columns, struct err *err)
{
	size_t n = rows * (columns ? columns : 1);

	if (t->type != TENSOR_F32 || t->rank != (columns ? 2u : 1u) || t->shape[0] != rows ||
	    (columns && t->shape[1] != columns)) {
		char second[24] = "";

		if (columns)
			(void)snprintf(second, sizeof(second), ", %zu", columns);
		return err_set(err, ERR_INPUT, "tensor '%.60s' is not F32 of shape (%zu%s)", t->name, rows,
			       second);
	}
	memcpy(to, t->data, n * sizeof(*to));
	for (size_t i = 0; i < n; i++)
		if (!isfinite(to[i]))
			return err_set(err, ERR_INPUT, "tensor '%.60s' holds a number that is not finite",
				       t->name);
	return 0;
}

/* Which of its tensors there are; those of a layer and direction come together. */
static int find_all(const struct source *from, const struct tensor *found[MODEL_LSTM_TENSORS],
		    struct err *err)
{
	const size_t ours = strlen("lstm.");

	for (size_t i = 0; i < MODEL_LSTM_TENSORS; i++)
		found[i] = find(from, model_tensor_name((enum model_tensor)(TENSOR_LSTM + i)) + ours);
	for (size_t i = 0; i < MODEL_LSTM_TENSORS; i++) {
		const char *name = model_tensor_name((enum model_tensor)(TENSOR_LSTM + i)) + ours;
		bool wanted = (i < 8 || found[8]) && (i % 8 < 4 || found[4]);

		if (wanted != (found[i] != NULL))
			return err_set(err, ERR_INPUT, "of the LSTM the tensor '%s' is %s", name,
				       wanted ? "missing" : "there alone");
	}
	return 0;
}

/* The tensors' floats, one behind the other. */
static int copy_all(struct model *parts, const struct tensor *const found[MODEL_LSTM_TENSORS], float *at,
		    const struct tensor *attention, struct err *err)
{
	for (size_t i = 0; i < MODEL_LSTM_TENSORS; i++)
		parts->lstm_parts[i] = found[i] ? at : NULL; /* so that the shapes are known */
	for (size_t i = 0; i < MODEL_LSTM_TENSORS; i++) {
		size_t rows;
		size_t columns;

		if (!found[i])
			continue;
		model_lstm_shape(parts, (int)i, &rows, &columns);
		if (copy(at, found[i], rows, columns, err))
			return -1;
		parts->lstm_parts[i] = at;
		at += rows * (columns ? columns : 1);
	}
	parts->lstm_attention = attention ? at : NULL;
	return attention ? copy(at, attention, model_lstm_outputs(parts), 0, err) : 0;
}

static int take(struct model *parts, struct owned *owned, const struct source *from, struct err *err)
{
	const struct tensor *found[MODEL_LSTM_TENSORS];
	const struct tensor *attention = parts->pooling == POOLING_ATTENTION ? find(from, "attention") : NULL;
	size_t bytes = attention ? attention->bytes : 0;
	float *floats;

	if (find_all(from, found, err))
		return -1;
	if (found[0]->rank != 2 || found[0]->shape[0] < 4 || found[0]->shape[0] / 4 > MODEL_LSTM_MAX)
		return err_set(err, ERR_INPUT, "an LSTM of 1 to %d states is expected", MODEL_LSTM_MAX);
	if (!attention && parts->pooling == POOLING_ATTENTION)
		return err_set(err, ERR_INPUT, "pooling by attention needs the tensor 'attention'");
	for (size_t i = 0; i < MODEL_LSTM_TENSORS; i++)
		bytes += found[i] ? found[i]->bytes : 0;
	parts->lstm_h = found[0]->shape[0] / 4;
	floats = owned_memory(owned, mem_try(bytes, 1, err));
	return floats ? copy_all(parts, found, floats, attention, err) : -1;
}

struct model *import_lstm(struct model *m, const char *path, enum pooling pooling, enum rows_type type,
			  struct err *err)
{
	struct owned owned = { 0 };
	struct source from = { 0 };
	struct file_map map = { 0 };
	struct model parts = *m;
	int failed;

	if (file_map(&map, path, err))
		return NULL;
	model_without_lstm(&parts);
	parts.pooling = pooling;
	parts.base = m->base ? m->base : m;
	failed = safetensors_read(&from.s, map.data, map.size, err) || find_prefix(&from, err) ||
		 take(&parts, &owned, &from, err) || model_lstm_encode(&parts, type, &owned, err);
	if (failed)
		(void)err_prefix(err, "%.200s", path);
	safetensors_free(&from.s);
	file_unmap(&map);
	if (failed) {
		owned_free(&owned);
		return NULL;
	}
	owned_model(&owned, m);
	return model_of_parts(&parts, &owned, err);
}
