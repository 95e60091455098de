/*
 * The digest that seals a file's header.
 */
#include "base/mem.h"
#include "model/model_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_key(const void *a, const void *b)
{
	const struct metadata *const *p = a;
	const struct metadata *const *q = b;

	return strcmp((*p)->key, (*q)->key);
}

static int by_name(const void *a, const void *b)
{
	const struct tensor *const *p = a;
	const struct tensor *const *q = b;

	return strcmp((*p)->name, (*q)->name);
}

/* A 0 ends each text: no JSON string that we read holds one. */
static void add(struct digest *d, const char *text)
{
	digest_add(d, text, strlen(text) + 1);
}

static void add_tensor(struct digest *d, const struct tensor *t)
{
	add(d, t->name);
	add(d, tensor_type_name(t->type));
	for (size_t i = 0; i < t->rank; i++) {
		char size[24];

		(void)snprintf(size, sizeof(size), "%zu", t->shape[i]);
		add(d, size);
	}
}

int model_header_digest(const struct safetensors *s, char hex[DIGEST_HEX + 1], struct err *err)
{
	const struct metadata **entries = mem_try(s->metadata_n, sizeof(struct metadata *), err);
	const struct tensor **tensors = mem_try(s->n, sizeof(struct tensor *), err);
	int failed = !entries || !tensors;
	struct digest d;

	if (!failed) {
		for (size_t i = 0; i < s->metadata_n; i++)
			entries[i] = &s->metadata[i];
		for (size_t i = 0; i < s->n; i++)
			tensors[i] = &s->tensors[i];
		qsort(entries, s->metadata_n, sizeof(struct metadata *), by_key);
		qsort(tensors, s->n, sizeof(struct tensor *), by_name);
		digest_start(&d);
		for (size_t i = 0; i < s->metadata_n; i++) {
			if (strcmp(entries[i]->key, MODEL_HEADER_KEY) == 0)
				continue;
			add(&d, entries[i]->key);
			add(&d, entries[i]->value);
		}
		for (size_t i = 0; i < s->n; i++)
			add_tensor(&d, tensors[i]);
		digest_hex(&d, hex);
	}
	free(entries);
	free(tensors);
	return failed ? -1 : 0;
}
