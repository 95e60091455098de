/*
 * alacarte.h - vectors for words that a model lacks, from their contexts in a corpus.
 *
 * Khodak, Saunshi, Liang, Ma, Stewart, Arora, "A La Carte Embedding", ACL 2018, equations (3) and (4): with
 *
 *	u_w = mean over the occurrences of w of the sum of the vectors around it
 *
 * the matrix A that brings A u_w nearest to v_w (least squares, over the known words seen often enough)
 * gives a word without a vector the row A u_w.
 *
 * Two passes over the corpus: the first counts words; the second, if there is something to learn, sums the
 * rows around the words of interest.  Blocks are finished in order, so the result is the same for any number
 *of workers.
 */
#ifndef SIFD_LEARN_ALACARTE_H
#define SIFD_LEARN_ALACARTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct corpus;
struct err;
struct model;
struct progress;

enum { ALACARTE_WINDOW_MAX = 64, ALACARTE_FORM_BYTES = 64, ALACARTE_FORMS_MAX = 5 * 1000 * 1000 };

struct alacarte_options {
	uint64_t fit_count; /* known words seen at least so often teach A */
	uint64_t min_count; /* unknown words seen at least so often get a vector */
	size_t max_words;   /* new ones, the most frequent first */
	size_t window;	    /* words to either side, 1 to ALACARTE_WINDOW_MAX */
	bool by_line;	    /* contexts end with the line; else with the sentence */
	size_t workers;	    /* 0 = one per processor; never changes the result */
};

struct alacarte_options alacarte_options_default(void);

struct alacarte_report {
	uint64_t bytes, tokens;
	uint64_t known_before, known_after; /* of the tokens */
	size_t fit_words, new_words;
	/*
	 * The proof: every tenth known word is left out, A learnt from the others; the mean cosine of what it
	 * then gives these words with their true vectors, and with those of the next one among them (chance).
	 */
	double held_out, chance;
	size_t held_out_words;
	bool barren; /* the corpus has too few known words, or no new one: ERR_INPUT says which */
};

/*
 * The model with the new words after its own, in memory.  Everything it was fitted or trained to be stays;
 * the new words' weights a/(a+p) come from their share of the corpus (of learned rows, whose lengths are
 * their weights, the new rows' lengths).  Forms longer than ALACARTE_FORM_BYTES get no vector; of more
 * different unknown forms than ALACARTE_FORMS_MAX those met first count.  ERR_INPUT: too few known words to
 * learn from, no word to be given a vector, an option out of range; ERR_CANCELLED.
 */
struct model *alacarte_learn(struct model *m, struct corpus *corpus, const struct alacarte_options *options,
			     struct alacarte_report *report, struct progress *progress, struct err *err);

#endif
