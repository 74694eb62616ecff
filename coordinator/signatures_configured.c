#include "coordinator/signature.h"
#include "proto/yaml_config.h"

#include <unistd.h>

#define ADDED "/etc/nightshift/signatures"

int signatures_configured(const struct yaml_config_strings *configured, struct signature_set **ret_set,
                          struct yaml_config_error *ret_error)
{
        const char *const initial[] = { SIGNATURES_BUILT_IN, ADDED };

        if (configured && configured->count)
                return signatures_load((const char *const *)configured->items, configured->count, ret_set, ret_error);
        /* One that may not be looked into is no reason to do without it in silence. */
        return signatures_load(initial, access(ADDED, F_OK) < 0 && errno == ENOENT ? 1 : 2, ret_set, ret_error);
}
