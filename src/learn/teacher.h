/*
 * teacher.h - many texts with the vectors that a teacher (a sentence transformer) gives them, and the batches
 * drawn from them.
 *
 * Training pulls the encoder's vector of text s towards P t_s.  The rows of P are the leading eigenvectors of
 * the teacher vectors' uncentred second moment, so the first dimensions hold most, and cutting a vector
 * short costs little.  (model2vec and tokenlearn do much the same.)
 */
#ifndef SIFD_LEARN_TEACHER_H
#define SIFD_LEARN_TEACHER_H

#include "base/digest.h"
#include "learn/npy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct model;
struct progress;
struct texts;
struct threads;
struct train_options;

struct teacher_batch {
	size_t start, n; /* of the epoch's texts */
	float share;	 /* of a text in the loss */
};

struct teacher {
	struct texts *texts;
	struct npy npy;		     /* rows: (texts, D) */
	uint8_t *draws;		     /* (texts) how often an epoch draws each, or NULL: once */
	char digest[DIGEST_HEX + 1]; /* SHA-256 of the texts */

	size_t d;	   /* d <= D */
	float *projection; /* (d, D): P */
	float *targets;	   /* (texts, d): unit vectors of P t */

	uint32_t *order; /* (order_n) texts of the epoch, in the order of its batches */
	size_t order_n;
	struct teacher_batch *batches; /* (batches_n) */
	size_t batches_n, texts_most;  /* of a batch */

	/* Private. */
	bool by_words;
	size_t batch;
	uint32_t *drawn; /* (order_n) */
};

/* Reads o->teacher, o->texts and o->draws.  A failed one must be freed too.  ERR_INPUT names file and line.
 */
int teacher_read(struct teacher *t, struct model *m, const struct train_options *o, struct progress *progress,
		 struct err *err);
void teacher_free(struct teacher *t);

/* Sets d, P and the targets; *energy: share of the second moment in d dimensions.  d must be at most D. */
int teacher_project(struct teacher *t, size_t d, double *energy, struct threads *threads, struct err *err);

/*
 * Batches of `batch` texts; or, by_words, of texts of one length, of `batch` words together (texts without a
 * known word are left out, longer ones than NET_WORDS_MAX are of that length).  ERR_INPUT: there are none.
 */
int teacher_batches(struct teacher *t, size_t batch, bool by_words, struct err *err);

/* Draws epoch number 0, 1, ...: the same for the same seed and number, and as many batches in each. */
void teacher_epoch_draw(struct teacher *t, uint64_t seed, uint64_t number);

/* counts (the model's words) += how often each stands in the texts; the sum of that. */
uint64_t teacher_count_words(const struct teacher *t, uint64_t *counts);

/* Adds what the texts, their draws and (a sample of) the teacher's vectors hold. */
void teacher_identify(const struct teacher *t, struct digest *digest);

#endif
