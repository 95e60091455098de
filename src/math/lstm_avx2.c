#include "math/lstm_loops.h"

void lstm_step_avx2(float *restrict gates, const float *restrict before, float *restrict cell,
		    float *restrict state, size_t h)
{
	lstm_step_loop(gates, before, cell, state, h);
}

void lstm_back_avx2(float *restrict gates, const float *restrict before, const float *restrict cell,
		    const float *restrict d_state, float *restrict d_cell, size_t h)
{
	lstm_back_loop(gates, before, cell, d_state, d_cell, h);
}

void i8_gates_avx2(float *restrict gates, const struct i8_gates *from, size_t n)
{
	i8_gates_loop(gates, from, n);
}

void i8_round_avx2(int8_t *restrict to, const float *restrict x, size_t n)
{
	i8_round_loop(to, x, n);
}
