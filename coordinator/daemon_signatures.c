/* Which signatures are in force: those of the configured folders, or by default the library and what an
 * operator added. */
#include "coordinator/daemon_internal.h"
#include "coordinator/signature.h"

#include <unistd.h>

#define ADDED "/etc/nightshift/signatures"

int daemon_load_signatures(struct daemon *d, const struct yaml_config_strings *configured, struct yaml_config_error *ret_error)
{
        const char *const initial[] = { SIGNATURES_BUILT_IN, ADDED };
        struct signature_set *set;
        char digest[DIGEST_TEXT_SIZE];
        int r;

        if (configured->count)
                r = signatures_load((const char *const *)configured->items, configured->count, &set, ret_error);
        else /* one that may not be looked into is no reason to do without it in silence */
                r = signatures_load(initial, access(ADDED, F_OK) < 0 && errno == ENOENT ? 1 : 2, &set, ret_error);
        if (r < 0)
                return r;
        if (d->core)
                core_set_signatures(d->core, set);
        signatures_free(&d->signatures);
        d->signatures = set;
        log_notice("daemon", "%zu signatures in force, digest %.16s", signatures_count(set),
                   digest_text(signatures_digest(set), digest));
        return 0;
}
