/* What a walk reads from stretches of pulse. */
#include "coordinator/roots_internal.h"

#include <math.h>

#define SIGMA 1.0      /* of the logarithm of times of answers */
#define GREETINGS 0.2  /* connections opened for each answer that was timed */
#define PLENTY 10240.0 /* bytes a second, as in packet-loss.yaml */

double flow_mean(const struct flow *f)
{
        return f->answers > 0 ? f->log_time / f->answers : NAN;
}

/* What a server says to a new connection comes fast, and is timed like an answer: where the usual time was that of many
 * new connections among few answers, and there are none to speak of now, both are not times of the same thing. */
static bool were_greetings(const struct flow *now, const struct flow *usual)
{
        return usual->attempted > GREETINGS * usual->answers &&
               now->attempted * usual->answers < usual->attempted * now->answers / 2;
}

double flow_slower(const struct flow *now, const struct flow *usual, double chance)
{
        double x = flow_mean(now) - flow_mean(usual);

        if (now->answers < 5 || usual->answers < 10 || were_greetings(now, usual))
                return 0;
        return fabs(x) > chance * SIGMA * sqrt(1 / now->answers + 1 / usual->answers) ? x : 0;
}

double flow_per_cell(double sum, const struct flow *f)
{
        return f->cells ? sum / f->cells : 0;
}

double flow_late(const struct flow *now, const struct flow *usual)
{
        double attempts = flow_per_cell(usual->attempted, usual) * now->cells;

        if (now->sent < 1 || usual->sent < 1 || usual->received < 1 || now->cells < PULSE_NOW || usual->answers < 20)
                return 0;
        /* Answers become smaller for many reasons; who gets none connects anew. */
        if (now->attempted < 1.5 * attempts + 3 * sqrt(attempts) + 3)
                return 0;
        return 1 - now->received / now->sent / (usual->received / usual->sent);
}

bool flow_refused(const struct flow *now, const struct flow *usual)
{
        return now->refusing >= 2 && now->refused >= 6 &&
               flow_per_cell(now->refused, now) > 3 * flow_per_cell(usual->refused, usual);
}

double flow_segments(const struct flow *f)
{
        return (f->sent + f->received) / 1448;
}

/* Short messages are more segments than their bytes tell, and the kernel sends the last one again when an answer is a
 * little late (tail loss probes, RFC 8985). So where nothing is known of what is usual on this way, a share says
 * something only of as much traffic as the signature wants. */
bool flow_loses(const struct flow *now, const struct flow *usual)
{
        double share = now->retransmits / fmax(flow_segments(now), 1);

        if (usual->sent + usual->received < 1 && now->sent < PLENTY * now->cells * (double)(PULSE_CELL / NSEC_PER_SEC))
                return false;
        return now->retransmits >= 8 && share > LOSS && share > 4 * usual->retransmits / fmax(flow_segments(usual), 1);
}

static void add_flow(struct flow *into, const struct flow *f)
{
        into->answers += f->answers;
        into->log_time += f->log_time;
        into->sent += f->sent;
        into->received += f->received;
        into->attempted += f->attempted;
        into->refused += f->refused;
        into->unanswered += f->unanswered;
        into->retransmits += f->retransmits;
        into->resets += f->resets;
        into->cells = MAX(into->cells, f->cells);
        into->refusing = MAX(into->refusing, f->refusing);
}

void pair_add(struct pair_flow *into, const struct pair_flow *f)
{
        add_flow(&into->now, &f->now);
        add_flow(&into->usual, &f->usual);
}
