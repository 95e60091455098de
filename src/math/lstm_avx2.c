#include "math/lstm_loops.h"

void lstm_step_avx2(float *restrict gates, const float *restrict before, float *restrict cell,
		    float *restrict state, size_t h)
{
	lstm_step_loop(gates, before, cell, state, h);
}

void lstm_back_avx2(float *restrict gates, const float *restrict before, const float *restrict cell,
		    const float *restrict by_state, float *restrict by_cell, size_t h)
{
	lstm_back_loop(gates, before, cell, by_state, by_cell, h);
}
