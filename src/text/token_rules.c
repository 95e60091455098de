/* The names of the token rules in a model's metadata, to and fro. */
#include "base/err.h"
#include "text/token.h"

#include <stdio.h>
#include <string.h>

static const char *const normalize_names[] = {
	[NORMALIZE_NONE] = "none",
	[NORMALIZE_NFKC_CASEFOLD] = "nfkc_casefold",
	[NORMALIZE_LOWER] = "lower",
};

static const char *const split_names[] = {
	[SPLIT_WHITESPACE] = "whitespace",
	[SPLIT_WORDS] = "words",
	[SPLIT_BERT] = "bert",
};

static const struct {
	const char *name;
	unsigned bit;
} unknown_names[] = {
	{ "cased", UNKNOWN_CASED },   { "folded", UNKNOWN_FOLDED }, { "split", UNKNOWN_SPLIT },
	{ "pieces", UNKNOWN_PIECES }, { "last", UNKNOWN_LAST },	    { "skip", 0 },
};

enum { UNKNOWN_NAMES = sizeof(unknown_names) / sizeof(unknown_names[0]) };

struct token_rules token_rules_default(void)
{
	return (struct token_rules){
		.normalize = NORMALIZE_NONE,
		.split = SPLIT_WORDS,
		.unknown = UNKNOWN_CASED | UNKNOWN_FOLDED | UNKNOWN_SPLIT,
	};
}

bool token_rules_same(const struct token_rules *a, const struct token_rules *b)
{
	return a->normalize == b->normalize && a->strip_accents == b->strip_accents && a->split == b->split &&
	       a->keep_punctuation == b->keep_punctuation && a->unknown == b->unknown;
}

static int find(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return (int)i;
	return -1;
}

static int parse_unknown(unsigned *set, const char *words, struct err *err)
{
	*set = 0;
	while (*words) {
		size_t n = strcspn(words, " ");
		size_t i = 0;

		while (i < UNKNOWN_NAMES &&
		       (strlen(unknown_names[i].name) != n || memcmp(unknown_names[i].name, words, n) != 0))
			i++;
		if (n && i == UNKNOWN_NAMES)
			return err_set(err, ERR_INPUT,
				       "tokenizer: unknown '%.60s': expected words of cased, folded, split, "
				       "pieces, last, skip",
				       words);
		if (n)
			*set |= unknown_names[i].bit;
		words += n + (words[n] == ' ');
	}
	if (!*set)
		*set = UNKNOWN_CASED;
	return 0;
}

int token_rules_parse(struct token_rules *rules, const char *normalize, bool strip_accents, const char *split,
		      const char *unknown, const char *punctuation, struct err *err)
{
	int n = find(normalize_names, 3, normalize);
	int s = find(split_names, 3, split);

	if (n < 0)
		return err_set(err, ERR_INPUT,
			       "tokenizer: normalize '%.60s': expected none, nfkc_casefold or lower",
			       normalize);
	if (s < 0)
		return err_set(err, ERR_INPUT, "tokenizer: split '%.60s': expected whitespace, words or bert",
			       split);
	if (strcmp(punctuation, "keep") != 0 && strcmp(punctuation, "drop") != 0)
		return err_set(err, ERR_INPUT, "tokenizer: punctuation '%.60s': expected keep or drop",
			       punctuation);
	rules->normalize = (enum token_normalize)n;
	rules->strip_accents = strip_accents;
	rules->split = (enum token_split)s;
	rules->keep_punctuation = punctuation[0] == 'k';
	return parse_unknown(&rules->unknown, unknown, err);
}

const char *token_normalize_name(enum token_normalize normalize)
{
	return normalize_names[normalize];
}

const char *token_split_name(enum token_split split)
{
	return split_names[split];
}

const char *token_unknown_names(unsigned unknown, char to[64])
{
	size_t at = 0;

	to[0] = '\0';
	for (size_t i = 0; i < UNKNOWN_NAMES; i++)
		if (unknown & unknown_names[i].bit)
			at += (size_t)snprintf(to + at, 64 - at, "%s%s", at ? " " : "",
					       unknown_names[i].name);
	return to;
}
