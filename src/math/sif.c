#include "math/sif.h"

#include "math/vec.h"

#include <math.h>

enum { TILE = 32 };

/* Eigenvalues below this part of the largest are noise; their inverse would outweigh everything else. */
static const double least_part = 1e-7;

float sif_weight(double p, double a)
{
	return (float)(a / (a + p));
}

double sif_probability(float weight, double a)
{
	return a * (1.0 - (double)weight) / (double)weight;
}

float usif_weight(double p, double a)
{
	return (float)(a / (a / 2.0 + p));
}

double usif_a(const double *p, size_t v, double n)
{
	double words = (double)v;
	double threshold = -expm1(n * log1p(-1.0 / words)); /* 1 - (1 - 1/v)^n */
	size_t above = 0;
	double alpha;

	for (size_t i = 0; i < v; i++)
		above += p[i] > threshold;
	alpha = (double)(above ? above : 1) / words;
	return (1.0 - alpha) / (alpha * words / 2.0);
}

void sif_remove(float *x, const float *u, const float *scales, size_t k, size_t d)
{
	for (size_t j = 0; j < k; j++, u += d) {
		float part = vec_dot(u, x, d);

		vec_axpy(x, scales ? -(scales[j] * part) : -part, u, d);
	}
}

static void set_identity(float *p, size_t d)
{
	for (size_t i = 0; i < d * d; i++)
		p[i] = 0.0F;
	for (size_t i = 0; i < d; i++)
		p[i * d + i] = 1.0F;
}

/* One square of P and its mirror image, summed in doubles over the eigenvectors in order. */
static void whiten_tile(float *p, const double *values, const double *vectors, size_t d, double power,
			size_t row, size_t column)
{
	double sum[TILE][TILE] = { { 0 } };
	size_t rows = d - row < TILE ? d - row : TILE;
	size_t columns = d - column < TILE ? d - column : TILE;

	for (size_t k = 0; k < d; k++) {
		double factor = pow(fmax(values[k], least_part * values[0]), -power / 2.0);
		const double *q = vectors + k * d;

		for (size_t i = 0; i < rows; i++)
			for (size_t j = 0; j < columns; j++)
				sum[i][j] += factor * (q[row + i] * q[column + j]);
	}
	for (size_t i = 0; i < rows; i++)
		for (size_t j = 0; j < columns; j++) {
			p[(row + i) * d + column + j] = (float)sum[i][j];
			p[(column + j) * d + row + i] = (float)sum[i][j];
		}
}

void sif_whitening(float *p, const double *values, const double *vectors, size_t d, double power)
{
	if (d == 0)
		return;
	if (power == 0.0 || !(values[0] > 0.0)) {
		set_identity(p, d);
		return;
	}
	for (size_t row = 0; row < d; row += TILE)
		for (size_t column = row; column < d; column += TILE)
			whiten_tile(p, values, vectors, d, power, row, column);
}
