/* Which signatures are in force, at the start and after SIGHUP. */
#include "coordinator/daemon_internal.h"
#include "coordinator/signature.h"

int daemon_load_signatures(struct daemon *d, const struct yaml_config_strings *configured, struct yaml_config_error *ret_error)
{
        struct signature_set *set;
        char digest[DIGEST_TEXT_SIZE];
        int r = signatures_configured(configured, &set, ret_error);

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
