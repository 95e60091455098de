/*
 * lstm.h - a long short-term memory layer (Hochreiter & Schmidhuber 1997), as PyTorch's nn.LSTM has it.
 *
 *	i = s(W_ii x + b_ii + W_hi h + b_hi)    f, o: the same with their own    s(z) = 1 / (1 + e^-z)
 *	g = tanh(W_ig x + b_ig + W_hg h + b_hg)
 *	c' = f c + i g,    h' = o tanh(c')      from c = h = 0
 *
 * Gates are in the order i, f, g, o, as blocks of h columns.  Here a matrix has the layout of
 * its use, (inputs, 4 h) row-major: PyTorch's weight_ih and weight_hh transposed; the bias is
 * the sum of its two.
 *
 * lstm_run() is for serving: the same bits for the same inputs on every machine, since its products
 * are vec_times_matrix() and its functions math/exp.h.  lstm_forward() and lstm_backward() are for
 * training: many sequences at a time, by OpenBLAS.
 */
#ifndef SIFD_MATH_LSTM_H
#define SIFD_MATH_LSTM_H

#include <stdbool.h>
#include <stddef.h>

struct lstm {
	size_t in, h;
	const float *input;	/* (in, 4 h) */
	const float *recurrent; /* (h, 4 h) */
	const float *bias;	/* (4 h) */
};

/* Floats of scratch that lstm_run() needs. */
size_t lstm_scratch(const struct lstm *l);

/*
 * x (n, in) in order -> states (n, h): row t is h after x_t.  reversed: reads from the last to
 * the first, and row t is h after x_t was read.
 */
void lstm_run(const struct lstm *l, const float *x, size_t n, bool reversed, float *states, float *scratch);

/*
 * Sequences side by side, longest first: at step t the first active[t] of them still run.  Rows are in order
 * of steps: those of step t follow those of step t - 1.
 */
struct lstm_batch {
	size_t steps, rows;
	const size_t *active; /* (steps), never rising */
	const float *x;	      /* (rows, in) */
	float *gates;	      /* (rows, 4 h) after their functions: i f g o */
	float *cells;	      /* (rows, h) */
	float *states;	      /* (rows, h) */
};

/* Fills gates, cells and states; scratch (h). */
void lstm_forward(const struct lstm *l, struct lstm_batch *b, float *scratch);

/* Gradients of the parameters, in the layer's sizes; they are added to. */
struct lstm_gradient {
	float *input, *recurrent, *bias;
	float *d_x; /* (rows, in) of the inputs, overwritten; NULL: not wanted */
};

/*
 * The backward pass: from the gradient of the loss with respect to the states (rows, h), which is
 * overwritten, to that of the parameters.  gates become the gradients before their functions.  scratch:
 * (active[0] + 1) * h floats.
 */
void lstm_backward(const struct lstm *l, struct lstm_batch *b, float *d_states, struct lstm_gradient *to,
		   float *scratch);

#endif
