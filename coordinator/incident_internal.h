/* What the parts of incident.h have of each other. */
#pragma once

#include "coordinator/incident.h"

/* A signature fired for a subject: opens an incident, or goes on with it. */
void incident_take(struct core *core, const struct signature *signature, const struct measured *measured,
                   const struct judgement *judgement);
/* Whether what the signature sees is a symptom of what the one of that name does. */
bool incident_is_symptom(const struct signature *signature, const char *name);
/* How much there is of it at the subject, what its limit is, and when that is reached. */
void incident_set_breach(struct incident *incident, const struct signature *signature, const struct measured *measured,
                         const struct judgement *judgement, struct incident_subject *subject);
