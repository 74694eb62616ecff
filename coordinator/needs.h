/* What needs a person now, by what is seen and decided. Pure. */
#pragma once

#include "coordinator/acting.h"
#include "coordinator/pages.h"
#include "coordinator/tickets.h"

struct needs_scene {
        const struct acting *acting;
        const struct ticket_fact *incidents;
        size_t incidents_count;
        const char *refusal;  /* why the audit log takes nothing, or NULL */
        uint32_t sick, hosts; /* so many look sick at once that the observer is suspect; 0: they do not */
        int64_t breach_within;
};

/* At most PAGES_MAX, the most urgent first; how many. */
size_t needs_find(const struct needs_scene *scene, int64_t now, struct need *ret_needs);
