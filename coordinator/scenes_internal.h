/* What the files that make a scene share. */
#pragma once

#include "coordinator/scenes.h"
#include "coordinator/signal.h"

struct host;
struct host_process;
struct incident;
struct measured;
struct service;
struct signature_item;

/* Fills the cone of `situation`: whatever the service depends on, and whatever depends on it. */
void scenes_cone(const struct core *core, const struct service *service, struct situation *situation);
/* A prediction in words: "held falling by 50%, within 600 s". */
void scenes_describe(const struct signature_item *item, char *buffer, size_t size);
/* Of what a prediction speaks: where it means each sign, the first of those that are there; SIGNAL_NONE. */
enum signal scenes_signal(const struct incident *incident, const struct signature_item *item);
/* All that is measured of what an incident is about, gathered once, as there is much more that is measured. */
struct scene_rows {
        const struct measured **rows; /* owned, to be freed; what they point to is the core's */
        uint32_t count, capacity;
};
MUST_CHECK int scenes_gather(const struct core *core, const struct incident *incident, struct scene_rows *ret_rows);
/* What the prediction comes to for what is measured of this process now; NaN: that is not known. */
double scenes_bound(const struct scene_rows *rows, const struct signature_item *item, const struct host *host,
                    const struct host_process *process);
/* How the prediction of a target reads now. */
void scenes_read(const struct core *core, const struct remedy *remedy, uint32_t target, struct reading *ret_reading);
