#include "learn/encoder.h"

#include "base/mem.h"

#include <stdlib.h>

void encoder_free(struct encoder *e)
{
	if (e)
		e->free(e);
}

int param_allocate(struct param *p, const char *name, size_t n, bool learns, bool pulled, struct err *err)
{
	*p = (struct param){ .name = name, .n = n, .v_n = n };
	p->x = mem_try_aligned(n, sizeof(float), err);
	if (!p->x || (pulled && !(p->from = mem_try_aligned(n, sizeof(float), err))))
		return -1;
	if (!learns)
		return 0;
	p->m = mem_try_aligned(n, sizeof(float), err);
	p->v = mem_try_aligned(n, sizeof(float), err);
	return p->m && p->v ? 0 : -1;
}

void param_free(struct param *p)
{
	free(p->x);
	free(p->m);
	free(p->v);
	free(p->from);
}
