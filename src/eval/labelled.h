/*
 * labelled.h - texts with labels: the sets that classifiers are judged on.
 *
 *	label TAB text			classification (MR, CR, SST, any of one's own)
 *	label text			the same, parted by a blank
 *	label TAB text TAB text		entailment (SNLI); also text TAB text TAB label (SICK)
 *
 * Which of the outer columns holds the labels is seen from how few different values it has.  In the form
 * with a blank a label is a whole number or, as fastText has it, __label__NAME; a line that begins otherwise
 * goes on with the text before it (MR as it is handed around has such).  A line that is not UTF-8 is read as
 * Latin-1, in which the classic sets were published.
 */
#ifndef SIFD_EVAL_LABELLED_H
#define SIFD_EVAL_LABELLED_H

#include <stddef.h>
#include <stdint.h>

struct err;

enum { LABELLED_CLASSES_MAX = 1000 };

enum set_kind {
	SET_SIMILARITY, /* text TAB text TAB number: eval/evaluate.h */
	SET_CLASSES,
	SET_ENTAILMENT,
};

/* "similarity", "classification", "entailment" */
const char *set_kind_name(enum set_kind kind);

/*
 * The kind of set that a file (compressed too) holds, by the columns of its first line that is not empty.
 * Standard input ("-") is a similarity set, as it can be read only once.
 */
int set_kind(enum set_kind *kind, const char *path, struct err *err);

struct labelled_set {
	enum set_kind kind;
	char *name;	    /* the files' names without folder and ending, "train:test" for two */
	const char **left;  /* (n) texts, 0-terminated UTF-8 */
	const char **right; /* (n); NULL for classification */
	uint32_t *label;    /* (n) numbers of classes */
	size_t n;
	size_t train;	      /* the first ones are learnt from, the rest judged; 0: in folds */
	const char **classes; /* (classes_n) names, sorted */
	size_t classes_n;

	char **lines; /* private: what the texts and names point into */
	size_t lines_n;
};

/*
 * Reads one file, or two: what is learnt from and what is judged.  ERR_INPUT with file and line where a line
 * has other columns than the first; also when no text is left, there is one class only, or too many.  A set
 * that could not be read holds nothing and needs no freeing.
 */
int labelled_set_read(struct labelled_set *set, const char *path, const char *test, struct err *err);
void labelled_set_free(struct labelled_set *set);

#endif
