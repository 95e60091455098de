/*
 * Any bytes as a safetensors file, and what reads as one as a model: all tensors lie within the bytes, what
 * opens embeds.  The input is the header's JSON, a 0, then the data: the length in front is made here, since
 * few inputs would have a true one.
 *
 *	make && clang-14 -std=c11 -D_GNU_SOURCE -DSIFD_VERSION='"0"' -Isrc -g -O1 \
 *		-fsanitize=fuzzer,address,undefined tests/fuzz/fuzz_safetensors.c \
 *		src/model/{safetensors,method,model*}.c src/embed/sentence.c src/text/[!c]*.c \
 *		src/base/{buf,digest,err,file,json,mem}.c build/release/libsifd.a \
 *		-lopenblas -ljansson -lnettle -licuuc -lm -o build/fuzz_safetensors
 *	build/fuzz_safetensors -max_total_time=60
 */
#include "base/err.h"
#include "embed/embedder.h"
#include "model/model_private.h"

#include <stdlib.h>
#include <string.h>

static struct err err;

static void need(bool good)
{
	if (!good)
		abort();
}

static void check_places(const struct safetensors *s, const char *data, size_t n)
{
	const char *at = data;

	for (size_t i = 0; i < s->n; i++) {
		need(s->tensors[i].data == at && s->tensors[i].bytes <= (size_t)(data + n - at));
		at += s->tensors[i].bytes;
	}
	need(at == data + n);
}

static void embed(struct model *m)
{
	static const char text[] = "wa wb zzz wc";
	struct embedder *s = embedder_new(m, m->facts.method, &err);
	float *vector;

	if (!s)
		return;
	vector = malloc(embedder_dimension(s) * sizeof(*vector));
	need(vector);
	(void)embedder_embed(s, text, sizeof(text) - 1, true, vector, NULL, &err);
	free(vector);
	embedder_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *zero = size ? memchr(data, 0, size) : NULL;
	size_t length = zero ? (size_t)(zero - data) : size;
	size_t rest = zero ? size - length - 1 : 0;
	size_t before = (8 - length % 8) % 8; /* so that data stands on a multiple of 8 */
	char *bytes = malloc(before + 8 + length + rest);
	char *file = bytes + before;
	struct safetensors s;
	struct model *m;

	need(bytes);
	for (int i = 0; i < 8; i++)
		file[i] = (char)((uint64_t)length >> (8 * i));
	memcpy(file + 8, data, length);
	memcpy(file + 8 + length, data + size - rest, rest);
	if (safetensors_read(&s, file, 8 + length + rest, &err) == 0) {
		check_places(&s, file + 8 + length, rest);
		m = model_new(&err);
		need(m);
		if (!safetensors_metadata(&s, "base_fingerprint") && model_parse(m, &s, &err) == 0)
			embed(m);
		model_release(m);
		safetensors_free(&s);
	}
	free(bytes);
	return 0;
}
