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
 * For every word of a toy so many sentences, one per line, with the word in the middle.  In every other of
 * its sentences word i < novel has a name that the toy does not know: "Novela", "Novelb"...  The last line
 * has two words that occur once.
 */
void company_write(struct buf *text, const struct model *m, size_t sentences, uint32_t novel);

#endif
