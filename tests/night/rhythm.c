#include "tests/night/rhythm.h"

#include <math.h>

static double shape(const struct rhythm *r, double now)
{
        double hour = fmod(now, DAY) / HOUR;

        return exp(r->swing * cos(2 * M_PI * (hour - r->peak) / 24) + r->second * cos(4 * M_PI * (hour - r->shift) / 24));
}

static double mean_shape(const struct rhythm *r)
{
        double sum = 0;

        for (int i = 0; i < 96; i++)
                sum += shape(r, i * 900.0);
        return sum / 96;
}

static double of_day(const struct rhythm *r, double now, double norm)
{
        int day = (int)fmod(floor(now / DAY), 7);
        double weekly = day >= 5 && r->weekend > 0 ? r->weekend : 1;

        return r->base * shape(r, now) / norm * weekly * (1 + r->growth * now / DAY);
}

double rhythm_expected(const struct rhythm *r, double now)
{
        return of_day(r, now, mean_shape(r));
}

double visit_expected(const struct visit *v, double now)
{
        double at = fmod(now - v->from + 7 * DAY, DAY), length = fmod(v->to - v->from + DAY, DAY), rise;

        if (v->rate <= 0 || (v->since > 0 && now < v->since) || (v->until > 0 && now >= v->until))
                return 0;
        if (v->to - v->from >= DAY) {
                length = DAY;
                if (v->since > 0)
                        at = now - v->since;
                return v->rate * (v->ramp > 0 ? 1 - exp(-at / v->ramp) : 1);
        }
        if (at >= length)
                return 0;
        rise = v->ramp > 0 ? 1 - exp(-at / v->ramp) : 1;
        return v->rate * rise * (0.5 + 0.5 * sin(M_PI * at / length)) * fmin(1, (length - at) / 600);
}

void traffic_begin(struct traffic *t, const struct rhythm *rhythm, const struct visit *visit, uint64_t seed, double now)
{
        *t = (struct traffic){ .rhythm = *rhythm, .now = now, .norm = mean_shape(rhythm) };
        if (visit)
                t->visit = *visit;
        random_seed(&t->random, seed, 0x72687974);
        t->noise = rhythm->noise * random_normal(&t->random);
        traffic_move(t, now);
}

void traffic_move(struct traffic *t, double now)
{
        const struct rhythm *r = &t->rhythm;
        double step = now - t->now, factor;

        if (r->noise > 0 && step > 0) {
                double keep = exp(-step / fmax(r->memory, 1));

                t->noise = t->noise * keep + r->noise * sqrt(1 - keep * keep) * random_normal(&t->random);
        }
        if (r->bursts > 0 && step > 0 && random_chance(&t->random, r->bursts * step / DAY))
                t->burst_until = now + random_exponential(&t->random, r->burst_length);
        t->now = now;
        factor = exp(t->noise - r->noise * r->noise / 2);
        t->visit_rate = visit_expected(&t->visit, now) * factor;
        if (now < t->burst_until)
                factor *= r->burst;
        t->rate = of_day(r, now, t->norm) * factor + t->visit_rate;
        if (r->every > 0 && fmod(now, r->every) < r->storm_length)
                t->rate += r->storm * r->base;
}
