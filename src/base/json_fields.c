#include "base/json_fields.h"

#include "base/err.h"

#include <stdio.h>
#include <string.h>

/* The member, or NULL when it is absent or null. */
static const json_t *member(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return json_is_null(value) ? NULL : value;
}

int json_expected(const char *name, const char *what, struct err *err)
{
	return err_field(err, ERR_INPUT, name, "`%s` must be %s", name, what);
}

int json_get_text(const char **value, const json_t *object, const char *name, struct err *err)
{
	const json_t *v = member(object, name);

	if (!v)
		return 0;
	if (!json_is_string(v))
		return json_expected(name, "a string", err);
	*value = json_string_value(v);
	return 1;
}

int json_get_number(double *value, const json_t *object, const char *name, double least, double most,
		    struct err *err)
{
	const json_t *v = member(object, name);

	if (!v)
		return 0;
	if (!json_is_number(v) || json_number_value(v) < least || json_number_value(v) > most)
		return err_field(err, ERR_INPUT, name, "`%s` must be a number from %g to %g", name, least,
				 most);
	*value = json_number_value(v);
	return 1;
}

int json_get_count(uint64_t *value, const json_t *object, const char *name, uint64_t least, uint64_t most,
		   struct err *err)
{
	const json_t *v = member(object, name);

	if (!v)
		return 0;
	if (!json_is_integer(v) || json_integer_value(v) < 0 || (uint64_t)json_integer_value(v) < least ||
	    (uint64_t)json_integer_value(v) > most)
		return err_field(err, ERR_INPUT, name, "`%s` must be a whole number from %llu to %llu", name,
				 (unsigned long long)least, (unsigned long long)most);
	*value = (uint64_t)json_integer_value(v);
	return 1;
}

int json_get_bool(bool *value, const json_t *object, const char *name, struct err *err)
{
	const json_t *v = member(object, name);

	if (!v)
		return 0;
	if (!json_is_boolean(v))
		return json_expected(name, "true or false", err);
	*value = json_is_true(v);
	return 1;
}

static bool is_among(const char *name, const char *const *known)
{
	for (size_t i = 0; known[i]; i++)
		if (strcmp(name, known[i]) == 0)
			return true;
	return false;
}

int json_only(json_t *object, const char *const *known, struct err *err)
{
	for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
		const char *name = json_object_iter_key(at);
		char list[200] = "";
		size_t used = 0;

		if (is_among(name, known))
			continue;
		for (size_t i = 0; known[i] && used < sizeof(list); i++)
			used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "",
						 known[i]);
		(void)err_set(err, ERR_INPUT, "`%.60s` is not a field of this request; it has %s", name,
			      list);
		return err_param(err, name);
	}
	return 0;
}
