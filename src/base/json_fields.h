/*
 * json_fields.h - reads the members of a JSON object by name.
 *
 * Each reader returns 1 when the member was there, and 0 when it is absent or null: *value is left alone
 * then. A member of another type, or outside [least, most], is ERR_INPUT: the message says what was expected,
 * and err->param names the member.
 */
#ifndef SIFD_BASE_JSON_FIELDS_H
#define SIFD_BASE_JSON_FIELDS_H

#include "base/json.h"

#include <stdbool.h>
#include <stdint.h>

int json_get_text(const char **value, const json_t *object, const char *name, struct err *err);
int json_get_number(double *value, const json_t *object, const char *name, double least, double most,
		    struct err *err);
int json_get_count(uint64_t *value, const json_t *object, const char *name, uint64_t least, uint64_t most,
		   struct err *err);
int json_get_bool(bool *value, const json_t *object, const char *name, struct err *err);

/* ERR_INPUT: "`name` must be `what`", with name as param. */
int json_expected(const char *name, const char *what, struct err *err);

/* ERR_INPUT naming the first member that is not in `known` (ends with NULL). */
int json_only(json_t *object, const char *const *known, struct err *err);

#endif
