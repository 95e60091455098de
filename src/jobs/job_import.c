/* An import job: what `sifd import` does, from a file of the imports folder or from an upload. */
#include "base/buf.h"
#include "base/err.h"
#include "jobs/jobs_private.h"
#include "jobs/uploads.h"
#include "model/model.h"

#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

/* Only a regular file: a link in the imports folder could lead anywhere. */
static int import_path(const struct work *w, const char *name, char *to, struct err *err)
{
	const char *folder = w->jobs->options.imports;
	struct stat info;

	if (folder)
		(void)snprintf(to, PATH_MAX, "%s/%s", folder, name);
	else
		state_path(w->jobs, to, "imports/%s", name);
	if (lstat(to, &info) == 0 && S_ISREG(info.st_mode))
		return 0;
	return err_set(err, ERR_NOT_FOUND, "there is no file `%s` in the imports folder", name);
}

static void put_import(struct work *w, const struct model *m, const struct import_report *r)
{
	buf_printf(w->result, "{\"model\":\"%s\",\"fingerprint\":\"%s\",\"format\":\"%s\"", w->request.output,
		   m->fingerprint, import_format_names[r->format]);
	buf_printf(w->result, ",\"words\":%zu,\"dim\":%zu,\"rows\":%llu,\"duplicates\":%llu", m->vocab.n,
		   m->rows.d, (unsigned long long)r->rows, (unsigned long long)r->duplicates);
	buf_printf(w->result, ",\"empty\":%llu,\"mended\":%llu,\"counted\":%llu}",
		   (unsigned long long)r->empty, (unsigned long long)r->mended,
		   (unsigned long long)r->counted);
}

int work_import(struct work *w, struct err *err)
{
	struct import_options *options = &w->request.import;
	struct import_report report = { 0 };
	char path[PATH_MAX], counts[PATH_MAX];
	struct model *m;
	int rc;

	if (w->request.vectors && import_path(w, w->request.vectors, path, err))
		return -1;
	if (w->request.counts && import_path(w, w->request.counts, counts, err))
		return -1;
	options->path = w->request.vectors ? path : w->paths[0];
	options->counts = w->request.counts ? counts : NULL;
	m = import_vectors(options, &report, &w->jobs->progress, err);
	if (!m) {
		if (w->request.vectors)
			hide_path(err, path, w->request.vectors);
		if (w->request.counts)
			hide_path(err, counts, w->request.counts);
		return -1;
	}
	put_import(w, m, &report);
	rc = work_publish(w, m, false, err);
	model_release(m);
	return rc;
}
