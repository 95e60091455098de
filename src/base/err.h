/*
 * err.h - how a function says what went wrong.
 *
 * A function that can fail takes a `struct err *` as its last argument and
 * returns -1, or NULL where it returns an object.  On success it leaves the
 * err alone.  The innermost failure fills the message; callers on the way
 * out may put their own context in front with err_prefix().
 *
 * A message is one sentence for a person: what is wrong, where (file, line,
 * byte or field) and what was expected.
 *
 * Failures are facts about the outside world: files, requests, memory.
 * A fact about our own code that must hold is an assert() instead.
 */
#ifndef SIFD_BASE_ERR_H
#define SIFD_BASE_ERR_H

enum err_code {
	ERR_NONE = 0,
	ERR_INPUT,     /* the caller's data is wrong */
	ERR_NOT_FOUND, /* no such model, job or path */
	ERR_CONFLICT,  /* the name is taken, or the thing is in use */
	ERR_TOO_LARGE, /* a named limit was passed */
	ERR_BUSY,      /* a queue is full */
	ERR_FORMAT,    /* a file is not what it claims to be */
	ERR_IO,	       /* the system refused, errno is in the text */
	ERR_MEMORY,    /* an allocation sized by data failed */
	ERR_CANCELLED, /* someone asked the work to stop */
};

struct err {
	enum err_code code;
	char param[48]; /* the request field or option at fault, or "" */
	char text[400];
};

/* Fills *err (param becomes "") and returns -1, so that `return err_set(...)` reads as one act. */
int err_set(struct err *err, enum err_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4), nonnull(1, 3)));

/* Puts "context: " in front of the message already in *err; returns -1. */
int err_prefix(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3), nonnull(1, 2)));

/* err_set() and err_param() in one. */
int err_field(struct err *err, enum err_code code, const char *param, const char *fmt, ...)
	__attribute__((format(printf, 4, 5), nonnull(1, 3, 4)));

/* Names the field at fault; returns -1. */
int err_param(struct err *err, const char *param) __attribute__((nonnull(1, 2)));

#endif
