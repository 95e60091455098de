/*
 * An LSTM trained by PyTorch goes into a model.
 */
#include "base/err.h"
#include "base/mem.h"
#include "model/import.h"
#include "model/model_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The file, and the prefix of PyTorch's names in it, as "encoder." of a larger module. */
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

/* *to = *at = a copy of its floats, which need not be aligned in the file; shape (rows, columns), or (rows).
 */
static int copy(const float **to, float **at, const struct tensor *t, size_t rows, size_t columns,
		struct err *err)
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
	memcpy(*at, t->data, n * sizeof(**at));
	*to = *at;
	*at += n;
	for (size_t i = 0; i < n; i++)
		if (!isfinite((*to)[i]))
			return err_set(err, ERR_INPUT, "tensor '%.60s' holds a number that is not finite",
				       t->name);
	return 0;
}

/* PyTorch's name of a tensor of ours. */
static const char *torch_name(enum model_tensor which)
{
	return model_tensors[which].name + strlen("lstm.");
}

/* The tensors of a layer and direction; all of them are there, or none. */
static int find_direction(const struct tensor *found[LSTM_DIRECTION_TENSORS], const struct source *from,
			  size_t layer, size_t direction, bool wanted, struct err *err)
{
	for (size_t i = 0; i < LSTM_DIRECTION_TENSORS; i++) {
		const char *name = torch_name(model_lstm_tensor(layer, direction, i));

		found[i] = find(from, name);
		if (wanted != (found[i] != NULL))
			return err_set(err, ERR_INPUT, "of the LSTM the tensor '%s' is %s", name,
				       wanted ? "missing" : "there alone");
	}
	return 0;
}

static int copy_direction(struct model_lstm_direction *to, float **at, const struct tensor *const found[],
			  size_t inputs, size_t h, struct err *err)
{
	const float *input;
	const float *recurrent;

	if (copy(&input, at, found[0], 4 * h, inputs, err) || copy(&recurrent, at, found[1], 4 * h, h, err) ||
	    copy(&to->input_bias, at, found[2], 4 * h, 0, err) ||
	    copy(&to->recurrent_bias, at, found[3], 4 * h, 0, err))
		return -1;
	to->input = (struct rows){ ROWS_F32, 4 * h, inputs, input, NULL };
	to->recurrent = (struct rows){ ROWS_F32, 4 * h, h, recurrent, NULL };
	return 0;
}

/* All layers and directions to *at, which moves on. */
static int copy_layers(struct model *parts, float **at, const struct source *from, struct err *err)
{
	struct model_lstm *l = &parts->lstm;
	const struct tensor *found[LSTM_DIRECTION_TENSORS] = { NULL };

	for (size_t layer = 0; layer < MODEL_LSTM_LAYERS; layer++)
		for (size_t i = 0; i < 2; i++) {
			bool wanted = layer < l->layers_n && i < l->directions_n;

			if (find_direction(found, from, layer, i, wanted, err))
				return -1;
			if (wanted && copy_direction(&l->layers[layer].directions[i], at, found,
						     model_lstm_layer_inputs(parts, layer), l->h, err))
				return -1;
		}
	return 0;
}

static int take(struct model *parts, struct owned *owned, const struct source *from, struct err *err)
{
	struct model_lstm *l = &parts->lstm;
	const struct tensor *first = find(from, torch_name(TENSOR_LSTM));
	const struct tensor *attention = l->pooling == POOLING_ATTENTION ? find(from, "attention") : NULL;
	size_t floats;
	float *at;

	if (first->rank != 2 || first->shape[0] < 4 || first->shape[0] / 4 > MODEL_LSTM_MAX)
		return err_set(err, ERR_INPUT, "an LSTM of 1 to %d states is expected", MODEL_LSTM_MAX);
	if (!attention && l->pooling == POOLING_ATTENTION)
		return err_set(err, ERR_INPUT, "pooling by attention needs the tensor 'attention'");
	l->h = first->shape[0] / 4;
	l->layers_n = find(from, torch_name(model_lstm_tensor(1, 0, 0))) ? 2 : 1;
	l->directions_n = find(from, torch_name(model_lstm_tensor(0, 1, 0))) ? 2 : 1;
	floats = model_lstm_outputs(parts); /* of attention */
	for (size_t layer = 0; layer < l->layers_n; layer++)
		floats += l->directions_n * 4 * l->h * (model_lstm_layer_inputs(parts, layer) + l->h + 2);
	at = owned_memory(owned, mem_try(floats, sizeof(*at), err));
	if (!at || copy_layers(parts, &at, from, err))
		return -1;
	return attention ? copy(&l->attention, &at, attention, model_lstm_outputs(parts), 0, err) : 0;
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
	parts.lstm.pooling = pooling;
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
