/* Text inside of Markdown (CommonMark, with GitHub's additions): whatever a workload called itself, it is shown as it is
 * and does nothing there, no link, picture, heading, list, HTML or mention among it. */
#pragma once

#include "proto/base.h"

struct text;

/* Appends it on one line. What is not UTF-8 and what a terminal would obey becomes '?'. */
void markdown_text(struct text *out, const char *string);
