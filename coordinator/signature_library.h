/* The files of coordinator/signatures as the build put them into the program. */
#pragma once

#include "proto/base.h"

struct signature_library_file {
        const char *file; /* NAME.yaml */
        const char *text;
        size_t size;
};

extern const struct signature_library_file signature_library[];
extern const size_t signature_library_count;
