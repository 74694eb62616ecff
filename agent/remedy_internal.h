/* Inside the executor's deciding half: what its files share. */
#pragma once

#include "agent/remedy_core.h"

/* The place of the remedy of this key; -1: none is remembered. */
int remedy_find(const struct remedy_core *core, struct action_key key);
bool remedy_epoch_is_far(const struct remedy_core *core, uint64_t epoch);
uint32_t remedy_place(const struct remedy_core *core, const struct remedy *r);
void remedy_become(struct remedy *r, enum action_state state, enum action_reason reason, const struct remedy_time *now);
/* What a lapse of the lease means. What cannot be undone is held, whatever is known of it. */
bool remedy_holds(const struct remedy *r);

/* Effects, in the order in which they are wanted. */
void remedy_want(struct remedy_core *core, const struct remedy_effect *effect);
void remedy_tell(struct remedy_core *core, const struct remedy *r);
void remedy_run(struct remedy_core *core, struct remedy *r, enum remedy_step step);
void remedy_write_down(struct remedy_core *core, struct remedy *r);

/* It ended. That is told, and room is made for others, once it is on disk: the next life would undo it again,
 * and with it what somebody did meanwhile. */
void remedy_settle(struct remedy_core *core, struct remedy *r, enum action_state state, enum action_reason reason,
                   const struct remedy_time *now);
/* Nothing was changed; an intent is forgotten. */
void remedy_refuse(struct remedy_core *core, struct remedy *r, enum action_reason reason, const struct remedy_time *now);
/* As soon as no step or write of it is under way. */
void remedy_start_revert(struct remedy_core *core, struct remedy *r, enum action_reason reason, const struct remedy_time *now);
