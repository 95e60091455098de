#include "model/model.h"

#include "base/err.h"
#include "base/mem.h"
#include "model/model_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct model *model_new(struct err *err)
{
	struct model *m = mem_try(1, sizeof(*m), err);

	if (!m)
		return NULL;
	m->memory = mem_try(1, sizeof(*m->memory), err);
	m->path = mem_text("", 0);
	if (!m->memory) {
		free(m->path);
		free(m);
		return NULL;
	}
	atomic_init(&m->memory->references, 1);
	return m;
}

/* These are facts about our own code, but a wrong one would become a file that nobody can open. */
static int check_parts(const struct model *m, struct err *err)
{
	if (m->rows.n == 0 || m->rows.n > MODEL_WORDS_MAX || m->vocab.n != m->rows.n || m->rows.d == 0 ||
	    m->rows.d > MODEL_DIMENSIONS_MAX || (m->rows.type == ROWS_I8) != (m->rows.scales != NULL))
		return err_set(err, ERR_INPUT, "%zu words and %zu rows of %zu dimensions make no model",
			       m->vocab.n, m->rows.n, m->rows.d);
	if (m->k > MODEL_COMPONENTS_MAX || m->k > m->rows.d || (m->k && !m->components) ||
	    m->d_out > MODEL_DIMENSIONS_MAX || (m->projection && !m->d_out))
		return err_set(err, ERR_INPUT,
			       "%zu components and a projection to %zu dimensions are out of range", m->k,
			       m->d_out);
	if (m->lstm.h > MODEL_LSTM_MAX)
		return err_set(err, ERR_INPUT, "an LSTM of %zu states: at most %d", m->lstm.h,
			       MODEL_LSTM_MAX);
	if (m->lstm.pooling >= POOLING_COUNT || (m->lstm.h && !model_pooling_fits(m)))
		return err_set(err, ERR_INPUT, "pooling %d has not the tensors it needs",
			       (int)m->lstm.pooling);
	if (!model_has(m, m->facts.method))
		return err_set(err, ERR_INPUT, "the parts that method '%s' needs are not there",
			       method_names[m->facts.method]);
	return 0;
}

struct model *model_of_parts(const struct model *parts, struct owned *owned, struct err *err)
{
	struct model *m = check_parts(parts, err) ? NULL : model_new(err);
	struct model_memory *memory;

	if (!m) {
		owned_free(owned);
		return NULL;
	}
	memory = m->memory;
	free(m->path);
	*m = *parts;
	m->memory = memory;
	m->path = mem_text("", 0);
	m->canaries[0] = '\0';
	m->created = 0;
	if (!m->projection)
		m->d_out = m->rows.d;
	if (owned) {
		memory->owned = *owned;
		owned->n = 0;
	}
	if (m->base) {
		(void)model_retain(m->base);
		m->alacarte = m->base->alacarte;
		m->alacarte_window = m->base->alacarte_window;
	}
	if (model_pack_lstm(m, err)) {
		model_release(m);
		return NULL;
	}
	(void)snprintf(m->facts.program, sizeof(m->facts.program), "sifd %s", SIFD_VERSION);
	model_digest(m);
	model_fingerprint(m, m->fingerprint);
	return m;
}

struct model *model_retain(struct model *m)
{
	(void)atomic_fetch_add_explicit(&m->memory->references, 1, memory_order_relaxed);
	return m;
}

void model_release(struct model *m)
{
	if (!m || atomic_fetch_sub_explicit(&m->memory->references, 1, memory_order_acq_rel) != 1)
		return;
	model_file_remove(m);
	owned_free(&m->memory->owned);
	file_unmap(&m->memory->map);
	free(m->memory->lstm);
	model_release(m->base);
	free(m->memory);
	free(m->path);
	free(m);
}

enum method model_sums(const struct model *m)
{
	return method_recurrent(m->facts.method) ? m->facts.sums : m->facts.method;
}

bool model_learned(const struct model *m)
{
	return m->facts.learned || model_sums(m) == METHOD_LEARNED;
}

bool model_has(const struct model *m, enum method method)
{
	const struct model_facts *f = &m->facts;
	enum method sums = model_sums(m);
	bool usif = sums == METHOD_USIF;

	if (f->folded && !method_recurrent(method))
		return method == sums;
	switch (method) {
	case METHOD_SUM:
	case METHOD_MEAN:
		return true;
	case METHOD_WEIGHTED:
		return m->weights != NULL;
	case METHOD_SIF:
		return m->weights && m->components && !usif;
	case METHOD_USIF:
		return m->weights && m->components && usif;
	case METHOD_WHITEN:
		return m->weights && m->projection && !usif && sums != METHOD_LEARNED;
	case METHOD_LEARNED:
		return sums == METHOD_LEARNED;
	case METHOD_DISC: /* of unit word vectors: the rows' own lengths do not matter */
		return true;
	case METHOD_LSTM:
	case METHOD_LSTM_STATIC:
		return m->lstm.h > 0;
	case METHOD_FEATURES: /* disc makes no sums */
		return sums != METHOD_DISC;
	case METHOD_COUNT:
		break;
	}
	return false;
}

static size_t sum_length(const struct model *m, enum method method)
{
	return !m->facts.folded && m->projection && (method == METHOD_WHITEN || method == METHOD_LEARNED)
		       ? m->d_out
		       : m->rows.d;
}

bool model_features_of_states(const struct model *m)
{
	return m->lstm.h && m->lstm.pooling != POOLING_MEAN;
}

static size_t features_length(const struct model *m)
{
	size_t words = sum_length(m, model_sums(m));

	return (m->lstm.h ? model_lstm_vector(m) : words) +
	       (model_features_of_states(m) ? model_lstm_outputs(m) : words);
}

size_t model_dimension(const struct model *m, enum method method)
{
	if (method == METHOD_FEATURES)
		return features_length(m);
	if (method == METHOD_LSTM_STATIC)
		return model_lstm_vector(m) + sum_length(m, model_sums(m));
	if (method == METHOD_LSTM)
		return model_lstm_vector(m);
	if (method == METHOD_DISC)
		return METHOD_DISC_GRAMS * m->rows.d;
	return sum_length(m, method);
}
