/* Whether an incident of a graph (tests/night/graph.h) blames what really went wrong there. */
#pragma once

#include "coordinator/incident.h"
#include "tests/night/graph.h"

bool blamed_rightly(const struct core *core, const struct incident *incident, const struct night_graph_truth *truth);
