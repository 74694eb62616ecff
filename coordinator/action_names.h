/* The actions that there are, for whoever names one in a file. */
#pragma once

#include "proto/base.h"

/* The name itself, static; NULL if there is none such. */
MUST_CHECK const char *action_find(const char *name);
/* Names with commas between them; returns `buffer`. */
const char *actions_list(char *buffer, size_t size);
/* Writes each with what it does to standard output, as the body of a manual page (mdoc). */
void actions_manual(void);
