#include "base/log.h"

#include "base/buf.h"
#include "base/json.h"

#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* A line of at most PIPE_BUF bytes goes into a pipe whole or not at all. */
enum { TAIL_BYTES = sizeof(",\"cut\":true}\n") };

const char *const log_level_names[] = { "debug", "info", "warn", "error" };

static atomic_int least_level = LOG_INFO;
static atomic_ulong dropped;

void log_set_level(enum log_level level)
{
	atomic_store_explicit(&least_level, (int)level, memory_order_relaxed);
}

unsigned long log_dropped(void)
{
	return atomic_load_explicit(&dropped, memory_order_relaxed);
}

/* One `%...` of the facts. */
struct conversion {
	int precision; /* -1: none given */
	bool precision_argument;
	int longs; /* 'l' characters; 'z' counts as one: size_t is a long here */
	char letter;
};

_Static_assert(sizeof(size_t) == sizeof(long), "a size_t is read as a long");

/* Reads the conversion after a '%'; returns what follows it. */
static const char *read_conversion(const char *at, struct conversion *c)
{
	*c = (struct conversion){ .precision = -1 };
	if (*at == '.') {
		at++;
		if (*at == '*') {
			c->precision_argument = true;
			at++;
		} else {
			char *end;

			c->precision = (int)strtol(at, &end, 10);
			at = end;
		}
	}
	for (; *at == 'l' || *at == 'z'; at++)
		c->longs++;
	c->letter = *at;
	return *at ? at + 1 : at;
}

static void put_real(struct buf *line, double x, char letter, int precision)
{
	if (!isfinite(x))
		buf_text(line, "null");
	else if (letter == 'g')
		buf_printf(line, "%.*g", precision < 0 ? 6 : precision, x);
	else
		buf_printf(line, "%.*f", precision < 0 ? 6 : precision, x);
}

/* The text, cut so that the line has room for its end. */
static void put_text(struct buf *line, const char *text, int precision, bool *cut)
{
	size_t mark = line->len;
	size_t most = LOG_LINE_BYTES - TAIL_BYTES;
	size_t n;

	if (!text)
		text = "(null)";
	n = strnlen(text, precision < 0 ? LOG_LINE_BYTES : (size_t)precision);
	json_put_string(line, text, n);
	while (line->len > most && n > 0 && !line->failed) {
		/* A byte of text makes at most six of JSON, so at least this many must go. */
		size_t over = (line->len - most + 5) / 6;

		*cut = true;
		n -= over < n ? over : n;
		while (n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80)
			n--;
		line->len = mark;
		json_put_string(line, text, n);
	}
}

/* `args` travels in a struct, since a va_list passed down may not be used again by its caller. */
struct arguments {
	va_list list;
};

static void put_value(struct buf *line, struct conversion c, struct arguments *args, bool *cut)
{
	if (c.precision_argument)
		c.precision = va_arg(args->list, int);
	switch (c.letter) {
	case 's':
		put_text(line, va_arg(args->list, const char *), c.precision, cut);
		break;
	case 'd':
	case 'i':
		buf_printf(line, "%lld",
			   c.longs > 1 ? va_arg(args->list, long long)
			   : c.longs   ? va_arg(args->list, long)
				       : va_arg(args->list, int));
		break;
	case 'u':
		buf_printf(line, "%llu",
			   c.longs > 1 ? va_arg(args->list, unsigned long long)
			   : c.longs   ? va_arg(args->list, unsigned long)
				       : va_arg(args->list, unsigned));
		break;
	default:
		put_real(line, va_arg(args->list, double), c.letter, c.precision);
	}
}

static void put_facts(struct buf *line, const char *facts, struct arguments *args)
{
	bool cut = false;

	while (*facts && !cut) {
		size_t name = strcspn(facts, "=");
		size_t mark = line->len;
		struct conversion c;

		if (facts[name] != '=' || facts[name + 1] != '%')
			break;
		buf_byte(line, ',');
		json_put_string(line, facts, name);
		buf_byte(line, ':');
		facts = read_conversion(facts + name + 2, &c);
		put_value(line, c, args, &cut);
		if (line->len > LOG_LINE_BYTES - TAIL_BYTES) {
			line->len = mark;
			cut = true;
		}
		facts += strspn(facts, " ");
	}
	if (cut)
		buf_text(line, ",\"cut\":true");
}

static void put_head(struct buf *line, enum log_level level, const char *event)
{
	struct timespec now;
	struct tm utc;
	char text[32];
	bool cut = false;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)gmtime_r(&now.tv_sec, &utc);
	if (strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc) == 0)
		text[0] = '\0';
	buf_printf(line, "{\"time\":\"%s.%03ldZ\",\"level\":\"%s\",\"event\":", text, now.tv_nsec / 1000000,
		   log_level_names[level]);
	put_text(line, event, 256, &cut);
}

/*
 * Writes without waiting.  Standard error is shared with other processes, so it cannot be made
 * non-blocking; a pipe that polls writable has room for PIPE_BUF bytes, as long as one thread
 * writes at a time.  A pipe nobody reads polls POLLERR: no SIGPIPE then.
 */
static bool write_now(const char *bytes, size_t n)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct pollfd fd = { .fd = STDERR_FILENO, .events = POLLOUT };
	ssize_t wrote = send(STDERR_FILENO, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (wrote >= 0)
		return (size_t)wrote == n;
	(void)pthread_mutex_lock(&lock);
	if (poll(&fd, 1, 0) == 1 && (fd.revents & POLLOUT) && !(fd.revents & POLLERR))
		wrote = write(STDERR_FILENO, bytes, n);
	(void)pthread_mutex_unlock(&lock);
	return wrote == (ssize_t)n;
}

void log_write(enum log_level level, const char *event, const char *facts, ...)
{
	struct arguments args;
	struct buf line = { 0 };

	if ((int)level < atomic_load_explicit(&least_level, memory_order_relaxed))
		return;
	put_head(&line, level, event);
	va_start(args.list, facts);
	put_facts(&line, facts, &args);
	va_end(args.list);
	buf_text(&line, "}\n");
	if (line.failed || !write_now(line.data, line.len))
		(void)atomic_fetch_add_explicit(&dropped, 1, memory_order_relaxed);
	buf_free(&line);
}
