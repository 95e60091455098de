#include "support/guard.h"

#undef NDEBUG
#include <assert.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t room_for(size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (n + page - 1) / page * page;
}

char *guard_copy(const void *bytes, size_t n)
{
	size_t room = room_for(n);
	char *at = mmap(NULL, room + room_for(1), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert(at != MAP_FAILED);
	assert(room == 0 || mprotect(at, room, PROT_READ | PROT_WRITE) == 0);
	if (n > 0)
		memcpy(at + room - n, bytes, n);
	return at + room - n;
}

void guard_free(char *copy, size_t n)
{
	assert(munmap(copy + n - room_for(n), room_for(n) + room_for(1)) == 0);
}
