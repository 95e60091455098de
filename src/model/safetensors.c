#include "model/safetensors.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	size_t size;
} types[TENSOR_TYPES] = {
	[TENSOR_BOOL] = { "BOOL", 1 }, [TENSOR_U8] = { "U8", 1 },   [TENSOR_I8] = { "I8", 1 },
	[TENSOR_I16] = { "I16", 2 },   [TENSOR_U16] = { "U16", 2 }, [TENSOR_F16] = { "F16", 2 },
	[TENSOR_BF16] = { "BF16", 2 }, [TENSOR_I32] = { "I32", 4 }, [TENSOR_U32] = { "U32", 4 },
	[TENSOR_F32] = { "F32", 4 },   [TENSOR_I64] = { "I64", 8 }, [TENSOR_U64] = { "U64", 8 },
	[TENSOR_F64] = { "F64", 8 },
};

size_t tensor_type_size(enum tensor_type type)
{
	return type < TENSOR_TYPES ? types[type].size : 0;
}

const char *tensor_type_name(enum tensor_type type)
{
	return type < TENSOR_TYPES ? types[type].name : "unknown";
}

enum tensor_type tensor_type_of_rows(enum rows_type type)
{
	static const enum tensor_type of[ROWS_TYPES] = { [ROWS_F32] = TENSOR_F32,
							 [ROWS_F16] = TENSOR_F16,
							 [ROWS_BF16] = TENSOR_BF16,
							 [ROWS_I8] = TENSOR_I8 };

	return of[type];
}

int tensor_type_rows(enum tensor_type type)
{
	for (int i = 0; i < ROWS_TYPES; i++)
		if (tensor_type_of_rows((enum rows_type)i) == type)
			return i;
	return -1;
}

static enum tensor_type parse_type(const char *name)
{
	size_t i = 0;

	while (i < TENSOR_TYPES && strcmp(types[i].name, name) != 0)
		i++;
	return (enum tensor_type)i;
}

/* shape and dtype against the byte count; a type that we do not know is only placed, not measured. */
static int read_shape(struct tensor *t, const json_t *shape, struct err *err)
{
	size_t elements = 1;

	t->rank = json_array_size(shape);
	if (!json_is_array(shape) || t->rank > SAFETENSORS_RANK_MAX)
		return err_set(err, ERR_FORMAT, "tensor '%.60s': shape is no list of at most %d sizes",
			       t->name, SAFETENSORS_RANK_MAX);
	for (size_t i = 0; i < t->rank; i++) {
		const json_t *size = json_array_get(shape, i);

		if (!json_is_integer(size) || json_integer_value(size) < 0)
			return err_set(err, ERR_FORMAT, "tensor '%.60s': a size in shape is no whole number",
				       t->name);
		t->shape[i] = (size_t)json_integer_value(size);
		if (__builtin_mul_overflow(elements, t->shape[i], &elements))
			return err_set(err, ERR_FORMAT, "tensor '%.60s': shape is too large", t->name);
	}
	if (t->type < TENSOR_TYPES &&
	    (__builtin_mul_overflow(elements, types[t->type].size, &elements) || elements != t->bytes))
		return err_set(err, ERR_FORMAT, "tensor '%.60s': %zu bytes do not fit its shape and %s",
			       t->name, t->bytes, types[t->type].name);
	return 0;
}

static int read_tensor(struct tensor *t, const char *name, const json_t *o, const char *data, size_t data_n,
		       struct err *err)
{
	const json_t *offsets = json_object_get(o, "data_offsets");
	const char *type = json_string_value(json_object_get(o, "dtype"));
	json_int_t from = json_integer_value(json_array_get(offsets, 0));
	json_int_t to = json_integer_value(json_array_get(offsets, 1));

	t->name = mem_try_text(name, strlen(name), err);
	if (!t->name)
		return -1;
	if (!type || json_array_size(offsets) != 2 || !json_is_integer(json_array_get(offsets, 0)) ||
	    !json_is_integer(json_array_get(offsets, 1)))
		return err_set(err, ERR_FORMAT, "tensor '%.60s' lacks dtype or data_offsets", name);
	if (from < 0 || to < from || (size_t)to > data_n)
		return err_set(err, ERR_FORMAT, "tensor '%.60s': its offsets lie outside the file", name);
	t->type = parse_type(type);
	t->data = data + from;
	t->bytes = (size_t)(to - from);
	return read_shape(t, json_object_get(o, "shape"), err);
}

static int read_metadata(struct safetensors *s, json_t *o, struct err *err)
{
	size_t n = json_object_size(o);

	if (!json_is_object(o))
		return err_set(err, ERR_FORMAT, "__metadata__ is no object");
	s->metadata = mem_try(n, sizeof(*s->metadata), err);
	if (!s->metadata)
		return -1;
	for (void *at = json_object_iter(o); at; at = json_object_iter_next(o, at)) {
		const char *key = json_object_iter_key(at);
		const char *value = json_string_value(json_object_iter_value(at));
		struct metadata *entry;

		if (!value)
			return err_set(err, ERR_FORMAT, "__metadata__ '%.60s' is no string", key);
		entry = &s->metadata[s->metadata_n++];
		entry->key = mem_try_text(key, strlen(key), err);
		entry->value = mem_try_text(value, strlen(value), err);
		if (!entry->key || !entry->value)
			return -1;
	}
	return 0;
}

static int by_place(const void *a, const void *b)
{
	const struct tensor *p = a;
	const struct tensor *q = b;

	if (p->data != q->data)
		return (const char *)p->data < (const char *)q->data ? -1 : 1;
	return p->bytes < q->bytes ? -1 : p->bytes > q->bytes;
}

static int check_places(struct safetensors *s, const char *data, size_t data_n, struct err *err)
{
	const char *at = data;

	qsort(s->tensors, s->n, sizeof(*s->tensors), by_place);
	for (size_t i = 0; i < s->n; i++) {
		if (s->tensors[i].data != at)
			return err_set(err, ERR_FORMAT, "tensor '%.60s' overlaps another or leaves a hole",
				       s->tensors[i].name);
		at += s->tensors[i].bytes;
	}
	if (at != data + data_n)
		return err_set(err, ERR_FORMAT, "%zu bytes behind the last tensor",
			       (size_t)(data + data_n - at));
	return 0;
}

static int read_header(struct safetensors *s, json_t *header, const char *data, size_t data_n,
		       struct err *err)
{
	size_t n = json_object_size(header);

	if (!json_is_object(header) || n > SAFETENSORS_TENSORS_MAX)
		return err_set(err, ERR_FORMAT, "the header is no object of at most %d tensors",
			       SAFETENSORS_TENSORS_MAX);
	s->tensors = mem_try(n, sizeof(*s->tensors), err);
	if (!s->tensors)
		return -1;
	for (void *at = json_object_iter(header); at; at = json_object_iter_next(header, at)) {
		const char *key = json_object_iter_key(at);
		json_t *value = json_object_iter_value(at);

		if (strcmp(key, "__metadata__") == 0) {
			if (read_metadata(s, value, err))
				return -1;
			continue;
		}
		s->n++;
		if (read_tensor(&s->tensors[s->n - 1], key, value, data, data_n, err))
			return -1;
	}
	return check_places(s, data, data_n, err);
}

int safetensors_read(struct safetensors *s, const void *bytes, size_t n, struct err *err)
{
	static const struct json_limits limits = { .depth = 8,
						   .nodes = (size_t)16 * SAFETENSORS_TENSORS_MAX };
	const unsigned char *at = bytes;
	uint64_t length = 0;
	json_t *header;
	int failed;

	*s = (struct safetensors){ 0 };
	if (n < 8)
		return err_set(err, ERR_FORMAT, "%zu bytes are too few for a safetensors file", n);
	for (int i = 7; i >= 0; i--)
		length = length << 8 | at[i];
	if (length > n - 8 || length > SAFETENSORS_HEADER_MAX)
		return err_set(err, ERR_FORMAT,
			       "a header of %llu bytes does not fit: no safetensors file, or one cut short",
			       (unsigned long long)length);
	if (length < 2 || at[8] != '{')
		return err_set(err, ERR_FORMAT, "the header does not begin with '{': no safetensors file");
	header = json_read((const char *)at + 8, (size_t)length, limits, err);
	if (!header) {
		if (err->code != ERR_MEMORY)
			err->code = ERR_FORMAT;
		return err_prefix(err, "the header");
	}
	failed = read_header(s, header, (const char *)at + 8 + length, n - 8 - (size_t)length, err);
	json_decref(header);
	if (failed)
		safetensors_free(s);
	return failed;
}

void safetensors_free(struct safetensors *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->tensors[i].name);
	for (size_t i = 0; i < s->metadata_n; i++) {
		free(s->metadata[i].key);
		free(s->metadata[i].value);
	}
	free(s->tensors);
	free(s->metadata);
	*s = (struct safetensors){ 0 };
}

const struct tensor *safetensors_find(const struct safetensors *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->tensors[i].name, name) == 0)
			return &s->tensors[i];
	return NULL;
}

const char *safetensors_metadata(const struct safetensors *s, const char *key)
{
	for (size_t i = 0; i < s->metadata_n; i++)
		if (strcmp(s->metadata[i].key, key) == 0)
			return s->metadata[i].value;
	return NULL;
}

static void put_header(struct buf *b, const struct safetensors *s)
{
	size_t at = 0;

	buf_text(b, "{\"__metadata__\":{");
	for (size_t i = 0; i < s->metadata_n; i++) {
		json_put_text(b, i ? "," : "", s->metadata[i].key);
		json_put_text(b, ":", s->metadata[i].value);
	}
	buf_byte(b, '}');
	for (size_t i = 0; i < s->n; i++) {
		const struct tensor *t = &s->tensors[i];

		json_put_text(b, ",", t->name);
		buf_printf(b, ":{\"dtype\":\"%s\",\"shape\":[", tensor_type_name(t->type));
		for (size_t k = 0; k < t->rank; k++)
			buf_printf(b, "%s%zu", k ? "," : "", t->shape[k]);
		buf_printf(b, "],\"data_offsets\":[%zu,%zu]}", at, at + t->bytes);
		at += t->bytes;
	}
	buf_byte(b, '}');
	while ((b->len + 8) % SAFETENSORS_ALIGN && !b->failed)
		buf_byte(b, ' ');
}

int safetensors_write(struct output *out, const struct safetensors *s, struct err *err)
{
	struct buf header = { 0 };
	unsigned char length[8];
	int failed;

	put_header(&header, s);
	for (int i = 0; i < 8; i++)
		length[i] = (unsigned char)((uint64_t)header.len >> (8 * i));
	if (header.failed)
		failed = err_set(err, ERR_MEMORY, "not enough memory for the model's header");
	else
		failed = output_write(out, length, 8, err) || output_write(out, header.data, header.len, err);
	for (size_t i = 0; i < s->n && !failed; i++)
		failed = output_write(out, s->tensors[i].data, s->tensors[i].bytes, err);
	buf_free(&header);
	return failed ? -1 : 0;
}
