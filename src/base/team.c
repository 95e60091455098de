#include "base/team.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/pipeline.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

/* Before a member sleeps it looks this often: a sleep and a waking cost more than a short step. */
enum { LOOKS = 4000, MEMBERS_MAX = 1024 };

struct member {
	struct team *team;
	size_t number;
	pthread_t thread;
};

struct team {
	size_t members;
	struct member *threads; /* (members - 1): all but the caller */
	size_t started;
	pthread_mutex_t lock;
	pthread_cond_t begun, ended;
	atomic_ulong round;    /* of work given out; changed under the lock */
	atomic_size_t working; /* threads not yet done with it */
	bool over;
	void (*work)(void *context, size_t member, size_t members);
	void *context;
};

/* Until there is a round after `seen`; false when the team ends. */
static bool await_round(struct team *t, unsigned long seen)
{
	bool go_on;

	for (int i = 0; i < LOOKS; i++)
		if (atomic_load_explicit(&t->round, memory_order_acquire) != seen)
			break;
	(void)pthread_mutex_lock(&t->lock);
	while (atomic_load_explicit(&t->round, memory_order_relaxed) == seen)
		(void)pthread_cond_wait(&t->begun, &t->lock);
	go_on = !t->over;
	(void)pthread_mutex_unlock(&t->lock);
	return go_on;
}

static void *serve(void *context)
{
	struct member *m = context;
	struct team *t = m->team;

	for (unsigned long seen = 0; await_round(t, seen); seen++) {
		t->work(t->context, m->number, t->members);
		if (atomic_fetch_sub_explicit(&t->working, 1, memory_order_acq_rel) != 1)
			continue;
		(void)pthread_mutex_lock(&t->lock);
		(void)pthread_cond_signal(&t->ended);
		(void)pthread_mutex_unlock(&t->lock);
	}
	return NULL;
}

static int start(struct team *t, struct err *err)
{
	for (size_t i = 0; i + 1 < t->members; i++) {
		t->threads[i] = (struct member){ .team = t, .number = i + 1 };
		if (pthread_create(&t->threads[i].thread, NULL, serve, &t->threads[i]))
			return err_set(err, ERR_MEMORY, "thread %zu of %zu could not be started", i + 2,
				       t->members);
		t->started++;
	}
	return 0;
}

struct team *team_new(size_t members, struct err *err)
{
	struct team *t = mem_try(1, sizeof(*t), err);

	if (!t)
		return NULL;
	if (members == 0)
		members = pipeline_processors();
	t->members = members < MEMBERS_MAX ? members : MEMBERS_MAX;
	t->threads = mem_new(t->members, sizeof(*t->threads));
	(void)pthread_mutex_init(&t->lock, NULL);
	(void)pthread_cond_init(&t->begun, NULL);
	(void)pthread_cond_init(&t->ended, NULL);
	if (start(t, err)) {
		team_free(t);
		return NULL;
	}
	return t;
}

static void next_round(struct team *t)
{
	(void)pthread_mutex_lock(&t->lock);
	(void)atomic_fetch_add_explicit(&t->round, 1, memory_order_release);
	(void)pthread_cond_broadcast(&t->begun);
	(void)pthread_mutex_unlock(&t->lock);
}

void team_free(struct team *t)
{
	if (!t)
		return;
	t->over = true;
	next_round(t);
	for (size_t i = 0; i < t->started; i++)
		(void)pthread_join(t->threads[i].thread, NULL);
	(void)pthread_cond_destroy(&t->begun);
	(void)pthread_cond_destroy(&t->ended);
	(void)pthread_mutex_destroy(&t->lock);
	free(t->threads);
	free(t);
}

size_t team_members(const struct team *team)
{
	return team ? team->members : 1;
}

static bool all_done(struct team *t)
{
	return atomic_load_explicit(&t->working, memory_order_acquire) == 0;
}

void team_run(struct team *t, void (*work)(void *context, size_t member, size_t members), void *context)
{
	if (!t || t->members == 1) {
		work(context, 0, 1);
		return;
	}
	t->work = work;
	t->context = context;
	atomic_store_explicit(&t->working, t->started, memory_order_relaxed);
	next_round(t);
	work(context, 0, t->members);
	for (int i = 0; i < LOOKS && !all_done(t); i++)
		continue;
	if (all_done(t))
		return;
	(void)pthread_mutex_lock(&t->lock);
	while (!all_done(t))
		(void)pthread_cond_wait(&t->ended, &t->lock);
	(void)pthread_mutex_unlock(&t->lock);
}
