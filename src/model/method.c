#include "model/method.h"

#include "base/err.h"
#include "model/model.h"

#include <stdio.h>
#include <string.h>

const char *const method_names[METHOD_COUNT] = {
	[METHOD_SUM] = "sum",		[METHOD_MEAN] = "mean",
	[METHOD_WEIGHTED] = "weighted", [METHOD_SIF] = "sif",
	[METHOD_USIF] = "usif",		[METHOD_WHITEN] = "whiten",
	[METHOD_LEARNED] = "learned",	[METHOD_DISC] = "disc",
	[METHOD_LSTM] = "lstm",		[METHOD_LSTM_STATIC] = "lstm+static",
	[METHOD_FEATURES] = "features",
};

bool method_recurrent(enum method method)
{
	return method == METHOD_LSTM || method == METHOD_LSTM_STATIC || method == METHOD_FEATURES;
}

int method_parse(const char *name, size_t n)
{
	for (int i = 0; i < METHOD_COUNT; i++)
		if (strlen(method_names[i]) == n && memcmp(method_names[i], name, n) == 0)
			return i;
	return -1;
}

int method_choose(enum method *method, const struct model *m, const char *name, struct err *err)
{
	char held[128] = "";
	int found;

	if (!name || !*name) {
		*method = m->facts.method;
		return 0;
	}
	found = method_parse(name, strlen(name));
	if (found >= 0 && model_has(m, (enum method)found)) {
		*method = (enum method)found;
		return 0;
	}
	for (int i = 0; i < METHOD_COUNT; i++)
		if (model_has(m, (enum method)i))
			(void)snprintf(held + strlen(held), sizeof(held) - strlen(held), "%s%s",
				       *held ? ", " : "", method_names[i]);
	return err_field(err, ERR_INPUT, "method", "this model has no method '%.60s'; it has: %s", name,
			 held);
}
