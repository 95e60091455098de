/*
 * Data to measure with, when real data of that size is not at hand: the same bytes at every run.
 *
 *	synthetic vectors WORDS DIMENSIONS >vectors.txt     GloVe text
 *	synthetic corpus WORDS BYTES >corpus.txt            lines of 1 to 6 sentences
 *	synthetic sentences WORDS COUNT >sentences.txt      sentences of 10 words, about 66 bytes
 *
 * Word frequencies are Zipf-Mandelbrot, p ~ 1 / (rank + 2.7), as in English.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state = 88172645463325252ULL;

static uint64_t next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static double uniform(void)
{
	return (double)(next() >> 11) * 0x1p-53;
}

/* Letters of the rank in base 20, padded by rank-dependent letters: frequent words are short, as in English.
 */
static size_t word_of(char *to, uint64_t rank)
{
	static const char letters[] = "etaoinshrdlucmfwypgb";
	uint64_t h = (rank + 1) * 0x9E3779B97F4A7C15ULL;
	size_t n = 0;

	for (uint64_t r = rank + 20; r; r /= 20)
		to[n++] = letters[r % 20];
	for (size_t extra = rank < 100 ? 0 : (h >> 60) % 5; extra; extra--, h >>= 8)
		to[n++] = letters[h % 20];
	to[n++] = rank % 2 ? 'v' : 'k'; /* ends each word, so that none is another's beginning */
	return n;
}

/* Inverse of the continuous Zipf-Mandelbrot distribution function. */
static uint64_t draw_rank(uint64_t words)
{
	double low = log(2.7);
	double high = log((double)words + 2.7);
	double r = exp(low + uniform() * (high - low)) - 2.7;

	return r < 0 ? 0 : r >= (double)words ? words - 1 : (uint64_t)r;
}

/* With a capital where sentences follow one another: a lower-case letter does not begin one (UAX 29). */
static void put_sentence(uint64_t words, int n, char end)
{
	char word[64];

	for (int i = 0; i < n; i++) {
		size_t length = word_of(word, draw_rank(words));

		if (i)
			(void)putchar(' ');
		else if (end == '.')
			word[0] = (char)(word[0] - 'a' + 'A');
		(void)fwrite(word, 1, length, stdout);
	}
	(void)putchar(end);
}

static void put_vectors(uint64_t words, uint64_t dimensions)
{
	char word[64];

	for (uint64_t i = 0; i < words; i++) {
		(void)fwrite(word, 1, word_of(word, i), stdout);
		for (uint64_t j = 0; j < dimensions; j++)
			(void)printf(" %.5f", (uniform() + uniform() + uniform() - 1.5) * 0.8);
		(void)putchar('\n');
	}
}

static void put_corpus(uint64_t words, uint64_t bytes)
{
	while ((uint64_t)ftell(stdout) < bytes) {
		for (uint64_t n = 1 + next() % 6; n; n--) {
			put_sentence(words, 8 + (int)(next() % 30), '.');
			(void)putchar(n > 1 ? ' ' : '\n');
		}
	}
}

int main(int argc, char **argv)
{
	uint64_t a = argc == 4 ? strtoull(argv[2], NULL, 10) : 0;
	uint64_t b = argc == 4 ? strtoull(argv[3], NULL, 10) : 0;

	if (!a || !b) {
		(void)fprintf(stderr,
			      "usage: synthetic vectors|corpus|sentences WORDS DIMENSIONS|BYTES|COUNT\n");
		return 2;
	}
	if (strcmp(argv[1], "vectors") == 0)
		put_vectors(a, b);
	else if (strcmp(argv[1], "corpus") == 0)
		put_corpus(a, b);
	else
		for (; b; b--)
			put_sentence(a, 10, '\n');
	return ferror(stdout) || fflush(stdout) ? 1 : 0;
}
