#include "embed/batcher.h"

#include "base/err.h"
#include "base/mem.h"
#include "math/lstm_serve.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* What one thread waits for, on its stack. */
struct call {
	struct call *next;
	const struct model *m;
	struct lstm_text *texts;
	size_t n;
	int rc;
	struct err *err;
	bool done;
	pthread_cond_t changed; /* it is done, or its thread may run a batch */
};

struct batcher {
	pthread_mutex_t lock; /* of all below */
	struct call *first;   /* waiting */
	struct call **last;
	size_t idle_n;
	struct lstm_encoder *idle[]; /* scratch of runners */
};

struct batcher *batcher_new(size_t runners, struct err *err)
{
	struct batcher *g = mem_try(1, sizeof(*g) + runners * sizeof(struct lstm_encoder *), err);

	if (!g)
		return NULL;
	(void)pthread_mutex_init(&g->lock, NULL);
	g->last = &g->first;
	for (; g->idle_n < runners; g->idle_n++) {
		g->idle[g->idle_n] = lstm_encoder_new(err);
		if (!g->idle[g->idle_n]) {
			batcher_free(g);
			return NULL;
		}
	}
	return g;
}

void batcher_free(struct batcher *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->idle_n; i++)
		lstm_encoder_free(g->idle[i]);
	(void)pthread_mutex_destroy(&g->lock);
	free(g);
}

/* Takes the first call and those behind it that can run with it: one list, ended by NULL. */
static struct call *take_calls(struct batcher *g, size_t *texts)
{
	struct call *first = g->first;
	struct call *last = first;

	for (*texts = first->n; last->next && last->next->m == first->m; last = last->next) {
		if (*texts + last->next->n > LSTM_TEXTS_MAX)
			break;
		*texts += last->next->n;
	}
	g->first = last->next;
	if (!g->first)
		g->last = &g->first;
	last->next = NULL;
	return first;
}

static void run_calls(struct lstm_encoder *r, struct call *calls, size_t n)
{
	struct lstm_text together[LSTM_TEXTS_MAX];
	struct err err = { 0 };
	size_t at = 0;
	int rc;

	if (!calls->next) {
		calls->rc = lstm_encoder_embed(r, calls->m, calls->texts, calls->n, calls->err);
		return;
	}
	for (struct call *c = calls; c; at += c->n, c = c->next)
		memcpy(together + at, c->texts, c->n * sizeof(*together));
	rc = lstm_encoder_embed(r, calls->m, together, n, &err);
	for (struct call *c = calls; c; c = c->next) {
		c->rc = rc;
		if (rc != 0)
			*c->err = err;
	}
}

/* With the lock held, which is let go while they run. */
static void run_some(struct batcher *g)
{
	struct lstm_encoder *r = g->idle[--g->idle_n];
	size_t n;
	struct call *calls = take_calls(g, &n);

	(void)pthread_mutex_unlock(&g->lock);
	run_calls(r, calls, n);
	(void)pthread_mutex_lock(&g->lock);
	g->idle[g->idle_n++] = r;
	while (calls) {
		struct call *next = calls->next;

		/* Once the lock is let go its thread may return, and the call is gone. */
		calls->done = true;
		(void)pthread_cond_signal(&calls->changed);
		calls = next;
	}
	if (g->first)
		(void)pthread_cond_signal(&g->first->changed);
}

int batcher_embed(struct batcher *g, const struct model *m, struct lstm_text *texts, size_t n,
		  struct err *err)
{
	struct call call = { .m = m, .texts = texts, .n = n, .err = err };

	(void)pthread_cond_init(&call.changed, NULL);
	(void)pthread_mutex_lock(&g->lock);
	/* It leaves the list before this function does. */
	*g->last = &call;     // cppcheck-suppress autoVariables
	g->last = &call.next; // cppcheck-suppress autoVariables
	while (!call.done) {
		if (g->first && g->idle_n)
			run_some(g);
		else
			(void)pthread_cond_wait(&call.changed, &g->lock);
	}
	(void)pthread_mutex_unlock(&g->lock);
	(void)pthread_cond_destroy(&call.changed);
	return call.rc;
}
