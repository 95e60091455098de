#include "embed/batcher.h"

#include "base/err.h"
#include "base/mem.h"
#include "math/lstm_serve.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* One thread's texts, waiting to be embedded; on its stack. */
struct waiting {
	struct waiting *next;
	const struct model *m;
	struct lstm_text *texts;
	size_t n;
	int rc;
	struct err *err;
	bool done;
	pthread_cond_t changed; /* done, or its thread may run a batch */
};

struct batcher {
	pthread_mutex_t lock;  /* guards all below */
	struct waiting *first; /* waiting */
	struct waiting **last;
	size_t idle_n;
	struct lstm_encoder *idle[]; /* one per batch that may run at a time */
};

struct batcher *batcher_new(size_t runners, struct err *err)
{
	struct batcher *b = mem_try(1, sizeof(*b) + runners * sizeof(struct lstm_encoder *), err);

	if (!b)
		return NULL;
	(void)pthread_mutex_init(&b->lock, NULL);
	b->last = &b->first;
	for (; b->idle_n < runners; b->idle_n++) {
		b->idle[b->idle_n] = lstm_encoder_new(err);
		if (!b->idle[b->idle_n]) {
			batcher_free(b);
			return NULL;
		}
	}
	return b;
}

void batcher_free(struct batcher *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->idle_n; i++)
		lstm_encoder_free(b->idle[i]);
	(void)pthread_mutex_destroy(&b->lock);
	free(b);
}

/* Takes the first of those waiting and those after it that can run with it: one list, ended by NULL. */
static struct waiting *take_waiting(struct batcher *b, size_t *texts)
{
	struct waiting *first = b->first;
	struct waiting *last = first;

	for (*texts = first->n; last->next && last->next->m == first->m; last = last->next) {
		if (*texts + last->next->n > LSTM_TEXTS_MAX)
			break;
		*texts += last->next->n;
	}
	b->first = last->next;
	if (!b->first)
		b->last = &b->first;
	last->next = NULL;
	return first;
}

static void run_together(struct lstm_encoder *encoder, struct waiting *batch, size_t n)
{
	struct lstm_text together[LSTM_TEXTS_MAX];
	struct err err = { 0 };
	size_t at = 0;
	int rc;

	if (!batch->next) {
		batch->rc = lstm_encoder_embed(encoder, batch->m, batch->texts, batch->n, batch->err);
		return;
	}
	for (struct waiting *c = batch; c; at += c->n, c = c->next)
		memcpy(together + at, c->texts, c->n * sizeof(*together));
	rc = lstm_encoder_embed(encoder, batch->m, together, n, &err);
	for (struct waiting *c = batch; c; c = c->next) {
		c->rc = rc;
		if (rc)
			*c->err = err;
	}
}

/* Called with the lock held; lets go of it while the batch runs. */
static void run_batch(struct batcher *b)
{
	struct lstm_encoder *encoder = b->idle[--b->idle_n];
	size_t n;
	struct waiting *batch = take_waiting(b, &n);

	(void)pthread_mutex_unlock(&b->lock);
	run_together(encoder, batch, n);
	(void)pthread_mutex_lock(&b->lock);
	b->idle[b->idle_n++] = encoder;
	while (batch) {
		struct waiting *next = batch->next;

		/* Once the lock is let go its thread may return, and with it goes `batch`. */
		batch->done = true;
		(void)pthread_cond_signal(&batch->changed);
		batch = next;
	}
	if (b->first)
		(void)pthread_cond_signal(&b->first->changed);
}

int batcher_embed(struct batcher *b, const struct model *m, struct lstm_text *texts, size_t n,
		  struct err *err)
{
	struct waiting own = { .m = m, .texts = texts, .n = n, .err = err };

	(void)pthread_cond_init(&own.changed, NULL);
	(void)pthread_mutex_lock(&b->lock);
	/* `own` leaves the list before this function returns. */
	*b->last = &own;     // cppcheck-suppress autoVariables
	b->last = &own.next; // cppcheck-suppress autoVariables
	while (!own.done) {
		if (b->first && b->idle_n)
			run_batch(b);
		else
			(void)pthread_cond_wait(&own.changed, &b->lock);
	}
	(void)pthread_mutex_unlock(&b->lock);
	(void)pthread_cond_destroy(&own.changed);
	return own.rc;
}
