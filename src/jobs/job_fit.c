/* A fit job: what `sifd fit` does, from uploads or from texts in the request. */
#include "base/buf.h"
#include "jobs/jobs_private.h"
#include "model/model.h"
#include "text/corpus.h"

static void put_fit(struct work *w, const struct model *m, const struct fit_report *r,
		    const struct grow_report *grown, const char *digest)
{
	double coverage = r->tokens ? (double)r->known / (double)r->tokens : 0.0;

	buf_printf(w->result, "{\"model\":\"%s\",\"method\":\"%s\",\"fingerprint\":\"%s\"", w->request.output,
		   method_names[m->facts.method], m->fingerprint);
	buf_printf(w->result, ",\"sentences\":%llu,\"tokens\":%llu,\"known\":%llu,\"coverage\":%.6f",
		   (unsigned long long)r->sentences, (unsigned long long)r->tokens,
		   (unsigned long long)r->known, coverage);
	buf_printf(w->result, ",\"explained_variance\":%.6f,\"corpus_share\":%.6f", r->explained, r->share);
	buf_printf(w->result, ",\"a\":%.9g,\"components\":%zu,\"bytes\":%llu,\"lines\":%llu", m->facts.a,
		   m->k, (unsigned long long)r->bytes, (unsigned long long)r->lines);
	buf_printf(w->result, ",\"new_words\":%zu,\"coverage_before\":%.6f,\"no_new_words\":", grown->words,
		   grown->coverage);
	json_put_text(w->result, "", *grown->none ? grown->none : NULL);
	buf_printf(w->result, ",\"overlay\":%s,\"corpus_sha256\":\"%s\",\"corpus\":[",
		   w->request.overlay ? "true" : "false", digest);
	work_put_sources(w);
	buf_text(w->result, "]}");
}

int work_fit(struct work *w, struct err *err)
{
	struct fit_report report = { 0 };
	struct grow_report grown = { 0 };
	char digest[DIGEST_HEX + 1];
	struct corpus *corpus = work_corpus(w, err);
	struct model *fitted = NULL;
	int rc = -1;

	if (corpus)
		fitted = grow_and_fit(w->model, corpus, &w->request.fit, w->request.new_words, &report,
				      &grown, &w->jobs->progress, err);
	if (fitted) {
		corpus_digest(corpus, digest);
		w->request.overlay = w->request.overlay && grown.words == 0;
		put_fit(w, fitted, &report, &grown, digest);
		rc = work_publish(w, fitted, w->request.overlay, err);
		model_release(fitted);
	}
	corpus_close(corpus);
	return rc;
}
