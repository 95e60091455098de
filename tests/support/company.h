/*
 * company.h - a corpus in which words keep the company of those whose vectors are near: what A La Carte
 * learns from.
 */
#ifndef SIFD_TESTS_SUPPORT_COMPANY_H
#define SIFD_TESTS_SUPPORT_COMPANY_H

#include <stddef.h>
#include <stdint.h>

struct buf;
struct model;

/*
 * A line for each of so many sentences about every word of a toy, which stands in the middle.  In every other
 * of its sentences word i < novel goes by a name that the toy does not know: "Novela", "Novelb"...  Behind
 * them a line of two words seen once.
 */
void company_write(struct buf *text, const struct model *m, size_t sentences, uint32_t novel);

#endif
