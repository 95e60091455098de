/*
 * team.h - threads that do one piece of work together, again and again.
 *
 * For steps too short to start threads for (training: a millisecond).  team_run() lets every
 * member, the caller among them, call work(context, member, members) once and returns when all
 * have.  What a member does should depend on its number alone: then the result
 * is the same each time for the same number of members.
 */
#ifndef SIFD_BASE_TEAM_H
#define SIFD_BASE_TEAM_H

#include <stddef.h>

struct err;
struct team;

/* members == 0: one per processor.  One member starts no thread. */
struct team *team_new(size_t members, struct err *err);
void team_free(struct team *team);

/* 1 when team is NULL. */
size_t team_members(const struct team *team);

/* NULL team: the caller works alone.  Not from within work(). */
void team_run(struct team *team, void (*work)(void *context, size_t member, size_t members), void *context);

/* The member's share of n things: [*start, return value), in steps of `grain` (a power of two, or 1). */
static inline size_t team_share(size_t n, size_t grain, size_t member, size_t members, size_t *start)
{
	size_t grains = (n + grain - 1) / grain;
	size_t stop = grains * (member + 1) / members * grain;

	*start = grains * member / members * grain;
	return stop < n ? stop : n;
}

#endif
