/* The agent's state folder, made when it is first needed. */
#pragma once

#include "proto/base.h"

/* Makes the folders that lead to a file: the last one for its owner alone. Whether that went well is seen when the file
 * is made. */
void folder_make_for(const char *path);
