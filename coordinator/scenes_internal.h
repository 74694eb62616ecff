/* What the files that make a scene share. */
#pragma once

#include "coordinator/scenes.h"

struct service;
struct signature_item;

/* Fills the cone of `situation`: whatever the service depends on, and whatever depends on it. */
void scenes_cone(const struct core *core, const struct service *service, struct situation *situation);
/* A prediction in words: "held falling by 50%, within 600 s". */
void scenes_describe(const struct signature_item *item, char *buffer, size_t size);
/* How the prediction of a target reads now. */
void scenes_read(const struct core *core, const struct remedy *remedy, uint32_t target, struct reading *ret_reading);
