#include "text/counts.h"

#include "base/err.h"
#include "base/lines.h"

#include <inttypes.h>

enum { COUNTS_LINE_BYTES = 1 << 16 };

static int read_line(const char *line, size_t n, size_t *word_n, uint64_t *count, struct err *err)
{
	size_t at = n;

	*count = 0;
	while (at > 0 && line[at - 1] >= '0' && line[at - 1] <= '9')
		at--;
	if (at == n || at < 2 || (line[at - 1] != ' ' && line[at - 1] != '\t'))
		return err_set(err, ERR_INPUT, "expected `word count`");
	for (size_t i = at; i < n; i++)
		if (__builtin_mul_overflow(*count, 10u, count) ||
		    __builtin_add_overflow(*count, (uint64_t)(line[i] - '0'), count))
			return err_set(err, ERR_INPUT, "the count is too large");
	*word_n = at - 1;
	return 0;
}

int counts_read(uint64_t *counts, uint64_t *total, uint64_t *known, const struct vocab *v, const char *path,
		struct err *err)
{
	struct lines *lines = lines_open(path, COUNTS_LINE_BYTES, err);
	const char *line;
	size_t n;
	int more = lines ? 1 : -1;

	*total = *known = 0;
	while (more > 0 && (more = lines_next(lines, &line, &n, err)) > 0) {
		uint64_t count;
		size_t word_n = 0;
		uint32_t id;

		if (read_line(line, n, &word_n, &count, err)) {
			more = err_prefix(err, "%s: line %" PRIu64, path, lines_number(lines));
			break;
		}
		*total += count;
		id = vocab_find(v, line, word_n);
		if (id != VOCAB_UNKNOWN) {
			counts[id] += count;
			*known += 1;
		}
	}
	lines_free(lines);
	return more;
}
