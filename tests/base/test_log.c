#include "base/log.h"

#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
/* cmocka.h needs those before it */
#include <cmocka.h>

static int old_stderr;
static int ends[2]; /* of the pipe that is standard error */

static void capture(void)
{
	assert_int_equal(pipe(ends), 0);
	old_stderr = dup(STDERR_FILENO);
	assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
}

static void release(void)
{
	assert_int_equal(dup2(old_stderr, STDERR_FILENO), STDERR_FILENO);
	(void)close(old_stderr);
	(void)close(ends[1]);
}

/* The lines logged since capture(), 0-terminated; static. */
static char *captured(void)
{
	static char text[65536];
	size_t n = 0;
	ssize_t got;

	release();
	while ((got = read(ends[0], text + n, sizeof(text) - 1 - n)) > 0)
		n += (size_t)got;
	(void)close(ends[0]);
	text[n] = '\0';
	return text;
}

/* The one line that was logged; the caller frees it. */
static json_t *captured_line(void)
{
	char *text = captured();
	json_t *line;

	assert_true(strlen(text) > 0 && strlen(text) <= LOG_LINE_BYTES);
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	line = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	if (!line)
		fail_msg("not JSON: %s", text);
	return line;
}

static const char *text_of(json_t *line, const char *name)
{
	const char *text = json_string_value(json_object_get(line, name));

	assert_non_null(text);
	return text;
}

static void a_line_is_one_object(void **state)
{
	json_t *line;
	const char *at;

	(void)state;
	capture();
	log_warn("model opened",
		 "path=%s words=%zu seconds=%.3f d=%d u=%u l=%ld lu=%lu ll=%lld llu=%llu g=%g g3=%.3g "
		 "part=%.*s",
		 "m.st", (size_t)400000, 0.0124, -3, 4000000000U, -5L, 6UL, -7000000000000LL,
		 18446744073709551615ULL, 0.5, 1234.5, 3, "abcdef");
	at = strstr(captured(), "\"path\"");
	assert_string_equal(
		at, "\"path\":\"m.st\",\"words\":400000,\"seconds\":0.012,\"d\":-3,\"u\":4000000000,\"l\":-5,"
		    "\"lu\":6,\"ll\":-7000000000000,\"llu\":18446744073709551615,\"g\":0.5,\"g3\":1.23e+03,"
		    "\"part\":\"abc\"}\n");
	capture();
	log_error("something", "n=%d", 1);
	line = captured_line();
	assert_string_equal(text_of(line, "level"), "error");
	assert_string_equal(text_of(line, "event"), "something");
	at = text_of(line, "time");
	assert_int_equal(strlen(at), 24);
	assert_true(at[4] == '-' && at[10] == 'T' && at[19] == '.' && at[23] == 'Z' && at[0] == '2');
	json_decref(line);
}

static void no_value_can_forge_a_line(void **state)
{
	const char *bad = "x\r\n{\"level\":\"error\"}\x1B[31m\xE2\x80\xA8\xFF\x01\"\\";
	json_t *line;

	(void)state;
	capture();
	log_info("event\nforged", "a=%s", bad);
	line = captured_line();
	assert_string_equal(text_of(line, "a"),
			    "x\r\n{\"level\":\"error\"}\x1B[31m\xE2\x80\xA8\xEF\xBF\xBD\x01\"\\");
	assert_string_equal(text_of(line, "event"), "event\nforged");
	json_decref(line);
}

static void numbers_that_are_none_are_null(void **state)
{
	json_t *line;

	(void)state;
	capture();
	log_info("e", "a=%f b=%g c=%.2f", (double)INFINITY, (double)NAN, 1e3);
	line = captured_line();
	assert_true(json_is_null(json_object_get(line, "a")));
	assert_true(json_is_null(json_object_get(line, "b")));
	assert_true(json_real_value(json_object_get(line, "c")) == 1000.0);
	json_decref(line);
}

/* The value is a part of the text, in whole characters, and as long as fits. */
static void check_cut(json_t *line, const char *text)
{
	const char *got = text_of(line, "text");

	assert_true(json_is_true(json_object_get(line, "cut")));
	if (text[0] != '\xFF')
		assert_memory_equal(got, text, strlen(got));
	assert_true(strlen(got) > (LOG_LINE_BYTES - 200) / 6);
}

/* Values of every length around the limit, of characters that grow when escaped. */
static void long_lines_are_cut_and_stay_json(void **state)
{
	static const char *const letters[] = { "a", "\n", "\x01", "\xFF", "\xC3\xA9", "\xF0\x9F\x98\x80" };
	char text[9000];

	(void)state;
	for (size_t l = 0; l < sizeof(letters) / sizeof(letters[0]); l++)
		for (size_t n = 500; n < 8192; n += n < 3900 || n > 4100 ? 501 : 1) {
			size_t size = strlen(letters[l]);
			json_t *line;

			for (size_t i = 0; i < n; i++)
				text[i] = letters[l][i % size];
			text[n / size * size] = '\0';
			capture();
			log_info("e", "first=%.*s text=%s last=%d", (int)(n / size % 7), "1234567", text, 2);
			line = captured_line();
			assert_int_equal(strlen(text_of(line, "first")), n / size % 7);
			if (json_object_get(line, "last"))
				assert_string_equal(text_of(line, "text"), size == 1 && text[0] == '\xFF'
										   ? text_of(line, "text")
										   : text);
			else
				check_cut(line, text);
			json_decref(line);
		}
}

static void many_facts_are_cut(void **state)
{
	char long_event[6000];
	json_t *line;

	(void)state;
	memset(long_event, 'e', sizeof(long_event));
	long_event[sizeof(long_event) - 1] = '\0';
	capture();
	log_info(long_event, "a=%s b=%s c=%d d=%s", long_event, long_event, 1, "x");
	line = captured_line();
	assert_true(json_is_true(json_object_get(line, "cut")));
	json_decref(line);
}

static void levels(void **state)
{
	(void)state;
	assert_string_equal(log_level_names[LOG_DEBUG], "debug");
	assert_string_equal(log_level_names[LOG_INFO], "info");
	assert_string_equal(log_level_names[LOG_WARN], "warn");
	assert_string_equal(log_level_names[LOG_ERROR], "error");
	capture();
	log_debug("unseen", "a=%d", 1);
	assert_string_equal(captured(), "");
	log_set_level(LOG_ERROR);
	capture();
	log_warn("unseen", "a=%d", 1);
	assert_string_equal(captured(), "");
	log_set_level(LOG_DEBUG);
	capture();
	log_debug("seen", "a=%d", 1);
	assert_non_null(strstr(captured(), "seen"));
	log_set_level(LOG_INFO);
}

static void a_full_pipe_drops_the_line(void **state)
{
	unsigned long before = log_dropped();
	char page[4096] = { 0 };
	int flags;

	(void)state;
	capture();
	flags = fcntl(ends[1], F_GETFL);
	assert_int_equal(fcntl(ends[1], F_SETFL, flags | O_NONBLOCK), 0);
	while (write(ends[1], page, sizeof(page)) > 0)
		continue;
	assert_int_equal(fcntl(ends[1], F_SETFL, flags), 0);
	(void)alarm(10); /* instead of waiting for ever */
	log_info("lost", "a=%d", 1);
	(void)alarm(0);
	release();
	(void)close(ends[0]);
	assert_int_equal(log_dropped(), before + 1);
}

static void a_closed_pipe_drops_the_line(void **state)
{
	unsigned long before = log_dropped();

	(void)state;
	(void)signal(SIGPIPE, SIG_DFL); /* which would end the test */
	capture();
	(void)close(ends[0]);
	log_info("lost", "a=%d", 1);
	release();
	assert_int_equal(log_dropped(), before + 1);
}

static void *log_many(void *number)
{
	for (int i = 0; i < 200; i++)
		log_info("from a thread", "thread=%d line=%d text=%s", *(int *)number, i,
			 "some words to make it longer, so that lines could mix");
	return NULL;
}

static void threads_do_not_mix_lines(void **state)
{
	char path[] = "/tmp/test_log.XXXXXX";
	int fd = mkstemp(path);
	pthread_t threads[4];
	int numbers[4] = { 0, 1, 2, 3 };
	char line[LOG_LINE_BYTES + 2];
	FILE *file;
	int lines = 0;

	(void)state;
	assert_true(fd >= 0);
	old_stderr = dup(STDERR_FILENO);
	assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, log_many, &numbers[i]), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(dup2(old_stderr, STDERR_FILENO), STDERR_FILENO);
	(void)close(old_stderr);
	file = fdopen(fd, "r");
	assert_non_null(file);
	rewind(file);
	for (; fgets(line, sizeof(line), file); lines++) {
		json_t *value = json_loads(line, 0, NULL);

		assert_non_null(value);
		json_decref(value);
	}
	assert_int_equal(lines, 800);
	(void)fclose(file);
	(void)unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_one_object),
		cmocka_unit_test(no_value_can_forge_a_line),
		cmocka_unit_test(numbers_that_are_none_are_null),
		cmocka_unit_test(long_lines_are_cut_and_stay_json),
		cmocka_unit_test(many_facts_are_cut),
		cmocka_unit_test(levels),
		cmocka_unit_test(a_full_pipe_drops_the_line),
		cmocka_unit_test(a_closed_pipe_drops_the_line),
		cmocka_unit_test(threads_do_not_mix_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
