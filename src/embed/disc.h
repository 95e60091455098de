/*
 * disc.h - DisC, distributed co-occurrence: which words occur together, in a vector of fixed length.
 *
 * Arora, Khodak, Saunshi, Vodrahalli, "A Compressed Sensing View of Unsupervised Text Embeddings,
 * Bag-of-n-Grams, and LSTMs", ICLR 2018, equation (4); the scale is that of their code:
 *
 *	[ sum_i u_i,  1/2 sum_i sqrt(d) u_i * u_{i+1},  1/3 sum_i d u_i * u_{i+1} * u_{i+2} ]
 *
 * with unit word vectors u and * element by element.  Order within an n-gram is lost, as products commute.
 * For classifiers; as a measure of similarity it is poor, since frequent words rule its products.
 */
#ifndef SIFD_EMBED_DISC_H
#define SIFD_EMBED_DISC_H

#include <stddef.h>
#include <stdint.h>

struct rows;

/*
 * out (3, d) of the words ids (n) in order; VOCAB_UNKNOWN adds nothing, and no n-gram crosses it.  scratch
 * (4, d).  The bits are the same on every machine: all is done element by element, in text order.
 */
void disc_sum(float *out, float *scratch, const struct rows *rows, const uint32_t *ids, size_t n);

#endif
