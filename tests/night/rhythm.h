/* How many requests a second there are: base × hour of the day × day of the week × noise that remembers
 * × what happens now and then (bursts, a storm each hour). Times are seconds since midnight of a Monday,
 * the clock of the night.
 *
 * The rhythm of the day is the exponential of two harmonics, which gives the one broad peak, the second
 * smaller one and the flat hours before dawn that request logs show (e.g. Arlitt and Jin, "Workload
 * characterization of the 1998 World Cup web site"; Urdaneta and others, "Wikipedia workload analysis",
 * 2009). The noise is an Ornstein-Uhlenbeck process in the logarithm: its deviation and how long it
 * remembers are those of the plan. */
#pragma once

#include "tests/night/random.h"

#define DAY 86400.0
#define HOUR 3600.0
#define MINUTE 60.0

/* The plan. Zero means none of it. */
struct rhythm {
        double base;          /* requests a second at the mean hour of a weekday */
        double swing, peak;   /* of the day: 1 makes a factor of 7 between the extremes; hour of the peak */
        double second, shift; /* the second harmonic */
        double weekend;       /* 1 as on weekdays; zero is 1 */
        double growth;        /* ratio a day, e.g. 0.02 */
        double noise, memory; /* deviation of the logarithm; seconds */
        double bursts;        /* a day, at random */
        double burst, burst_length;
        double every, storm, storm_length; /* each `every` seconds, `storm` times the base, so long */
};

/* A part of the traffic that comes only at times: overseas, a partner, a campaign. */
struct visit {
        double rate;         /* requests a second at its peak, before noise */
        double from, to;     /* seconds of the day; to > from, may pass midnight */
        double ramp;         /* seconds until it has half of its peak; the rest comes slowly until the middle */
        double since, until; /* there is none before and after; 0: no such bound */
};

struct traffic {
        struct rhythm rhythm;
        struct visit visit;
        struct random random;
        double noise, now, burst_until;
        double norm;
        double rate, visit_rate; /* at `now`; rate is all of it */
};

void traffic_begin(struct traffic *t, const struct rhythm *rhythm, const struct visit *visit, uint64_t seed, double now);
/* To `now`, which must not go back. */
void traffic_move(struct traffic *t, double now);
/* What is expected, without noise, bursts and storms. */
double rhythm_expected(const struct rhythm *rhythm, double now);
double visit_expected(const struct visit *visit, double now);
