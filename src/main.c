/*
 * sifd - sentence vectors and how alike texts are, from word vectors.
 *
 * main sets up what is chosen once per process (kernels, BLAS, JSON's hash seed) and runs the verb.  Each
 * verb is a file in cli/.
 */
#include "base/json.h"
#include "cli/cli.h"
#include "math/mat.h"
#include "math/vec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct verb *const verbs[] = {
	&verb_import, &verb_fit,  &verb_train, &verb_embed,  &verb_similarity, &verb_explain,
	&verb_search, &verb_eval, &verb_info,  &verb_verify, &verb_serve,
};

enum { VERBS = sizeof(verbs) / sizeof(verbs[0]) };

static void print_usage(FILE *to)
{
	(void)fprintf(to, "Usage: sifd VERB [OPTION]... [ARGUMENT]...\n\n"
			  "Turns sentences into vectors and scores how similar texts are.\n\nVerbs:\n");
	for (size_t i = 0; i < VERBS; i++)
		(void)fprintf(to, "  %-11s %s\n", verbs[i]->name, verbs[i]->summary);
	(void)fprintf(to, "\nRun `sifd VERB --help` for the options of a verb, `sifd --version` for the "
			  "build.  Try:\n\n"
			  "  sifd similarity \"a cat sat on the mat\" \"a kitten rests on a rug\"\n");
}

/*
 * Debian's OpenBLAS chooses slow kernels on newer processors, unless the environment names better ones before
 * the library loads; so the program starts itself once more.  SIFD_NO_REEXEC prevents that (sanitizers,
 * debuggers).
 */
static void choose_blas(char **argv)
{
	const char *better = mat_better_coretype();

	if (!better || getenv("OPENBLAS_CORETYPE") || getenv("SIFD_NO_REEXEC"))
		return;
	if (setenv("OPENBLAS_CORETYPE", better, 1) == 0)
		(void)execv("/proc/self/exe", argv); /* if it fails, the slower kernels must do */
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		print_usage(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
		print_usage(stdout);
		return EXIT_DONE;
	}
	vec_init();
	if (strcmp(argv[1], "--version") == 0) {
		mat_init();
		(void)printf("sifd %s (kernels %s, OpenBLAS %s)\n", SIFD_VERSION, vec_kernels(),
			     mat_kernels());
		return EXIT_DONE;
	}
	for (size_t i = 0; i < VERBS; i++)
		if (strcmp(argv[1], verbs[i]->name) == 0) {
			if (verbs[i] == &verb_fit || verbs[i] == &verb_train || verbs[i] == &verb_serve)
				choose_blas(argv);
			json_init();
			mat_init();
			return cli_run(verbs[i], argc - 1, argv + 1);
		}
	(void)fprintf(stderr, "sifd: there is no verb '%s'; `sifd --help` lists them\n", argv[1]);
	return EXIT_USAGE;
}
