#include "learn/npy.h"

#include "base/err.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MAGIC = 6, HEADER_MAX = 4096 };

static int refuse(struct err *err, const char *path, const char *why)
{
	return err_set(err, ERR_FORMAT, "%.200s: %s", path, why);
}

/* Finds the header's text; returns where it begins, or 0 when this is not a .npy file. */
static size_t header_of(const struct file_map *map, size_t *n)
{
	const unsigned char *p = map->data;
	size_t at = MAGIC + 4;

	if (map->size < MAGIC + 6 || memcmp(p, "\x93NUMPY", MAGIC) != 0 || p[MAGIC] < 1 || p[MAGIC] > 3)
		return 0;
	*n = p[MAGIC + 2] | (size_t)p[MAGIC + 3] << 8;
	if (p[MAGIC] > 1) {
		*n |= (size_t)p[MAGIC + 4] << 16 | (size_t)p[MAGIC + 5] << 24;
		at += 2;
	}
	return *n <= HEADER_MAX && *n <= map->size - at ? at : 0;
}

/* The value after "'key':" in the header, blanks skipped; NULL when there is no such key. */
static const char *value_of(const char *header, const char *key)
{
	const char *at = strstr(header, key);

	if (!at)
		return NULL;
	at += strlen(key);
	return at + strspn(at, " ");
}

static bool take_shape(const char *at, size_t *n, size_t *d)
{
	char *end;

	if (!at || *at != '(' || at[1] < '0' || at[1] > '9')
		return false;
	*n = strtoull(at + 1, &end, 10);
	if (*end != ',')
		return false;
	at = end + 1 + strspn(end + 1, " ");
	if (*at < '0' || *at > '9')
		return false;
	*d = strtoull(at, &end, 10);
	return *end == ')';
}

static int parse(struct npy *npy, const char *path, struct err *err)
{
	char header[HEADER_MAX + 1];
	size_t n = 0;
	size_t at = header_of(&npy->map, &n);
	struct rows *rows = &npy->rows;
	const char *type;
	const char *order;
	size_t bytes;

	if (!at)
		return refuse(err, path, "this is no .npy file of NumPy");
	memcpy(header, npy->map.data + at, n);
	header[n] = '\0';
	type = value_of(header, "'descr':");
	order = value_of(header, "'fortran_order':");
	if (!type || (strncmp(type, "'<f2'", 5) != 0 && strncmp(type, "'<f4'", 5) != 0))
		return refuse(err, path, "its numbers are neither float16 nor float32 (little-endian)");
	if (!order || strncmp(order, "False", 5) != 0)
		return refuse(err, path, "it is in Fortran order: save it with numpy.ascontiguousarray()");
	if (!take_shape(value_of(header, "'shape':"), &rows->n, &rows->d) || rows->d == 0)
		return refuse(err, path, "it has not two dimensions: a row a vector is expected");
	rows->type = type[3] == '2' ? ROWS_F16 : ROWS_F32;
	rows->data = npy->map.data + at + n;
	if (__builtin_mul_overflow(rows->n, rows->d, &bytes) ||
	    __builtin_mul_overflow(bytes, rows_type_size(rows->type), &bytes) ||
	    bytes != npy->map.size - at - n)
		return err_set(err, ERR_FORMAT, "%.200s: %zu x %zu numbers do not fill its %zu bytes", path,
			       rows->n, rows->d, npy->map.size);
	return 0;
}

int npy_open(struct npy *npy, const char *path, struct err *err)
{
	memset(npy, 0, sizeof(*npy));
	if (file_map(&npy->map, path, err))
		return -1;
	if (parse(npy, path, err) == 0)
		return 0;
	npy_close(npy);
	return -1;
}

void npy_close(struct npy *npy)
{
	file_unmap(&npy->map);
	memset(npy, 0, sizeof(*npy));
}
