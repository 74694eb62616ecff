/* Templates of notices: a JSON value in which texts hold {{NAMES}} of members of the notice, such as {{id}} or
 * {{explain.cause.kind}}. A text that is nothing but one of them becomes that member, whatever it is; within a text it
 * becomes its text. What is not there is null, and nothing. Filled in after it is parsed: whatever a workload calls itself,
 * the result is JSON of the template's shape. Pure. */
#pragma once

#include "proto/base.h"

#include <jansson.h>

/* The caller owns it; NULL: no memory, or it is nested more than 32 deep. */
json_t *notice_template_fill(const json_t *template, const json_t *notice);
