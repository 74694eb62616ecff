/* What observing costs those who are observed, and the machine: the figures of one group each. They
 * add their rows to the table (tests/bench/figure.h) and never end the run: what cannot be measured
 * is a row that says why. */
#pragma once

#include "proto/base.h"

struct cost_options {
        const char *folder; /* for files */
        const char *build;  /* where our programs are */
        uint32_t rounds;    /* of blocks; two pairs each */
        uint32_t seconds;   /* of the agent's figures */
};

void cost_services(const struct cost_options *options);
void cost_connections(const struct cost_options *options);
void cost_kernel(const struct cost_options *options);
void cost_agent(const struct cost_options *options);
void cost_scale(const struct cost_options *options);
void cost_audit(const struct cost_options *options);
void cost_replay(const struct cost_options *options);
void cost_history(const struct cost_options *options);
