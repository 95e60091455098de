/*
 * log.h - structured lines on standard error: one JSON object per line.
 *
 *	log_info("model opened", "path=%s words=%zu seconds=%.3f", path, n, s);
 *	{"time":"2026-11-23T19:12:04.125Z","level":"info","event":"model opened",
 *	 "path":"m.safetensors","words":400000,"seconds":0.012}
 *
 * The facts are `name=%conversion` pairs separated by one blank; each value is
 * formatted by itself and escaped (control characters, invalid UTF-8), so
 * nothing from outside can forge a line.  Conversions: %s %d %u %ld %lu %lld
 * %llu %zu %f %g with precision.  A line is cut at LOG_LINE_BYTES.
 *
 * Never a user's text.  Any thread; a line is one write(2); a log pipe that
 * is full drops the line and counts it rather than stop the server.
 */
#ifndef SIFD_BASE_LOG_H
#define SIFD_BASE_LOG_H

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum { LOG_LINE_BYTES = 4096 };

/* Lines below `level` are not written; LOG_INFO until called. */
void log_set_level(enum log_level level);

extern const char *const log_level_names[]; /* "debug", "info", "warn", "error" */

void log_write(enum log_level level, const char *event, const char *facts, ...)
	__attribute__((format(printf, 3, 4)));

#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define log_warn(...) log_write(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)

/* Lines dropped since the start, for /metrics. */
unsigned long log_dropped(void);

#endif
