#include "coordinator/shape.h"

#include <stdio.h>
#include <string.h>

#define BY PARAMETER_BIT(PARAMETER_BY)
#define VALUE PARAMETER_BIT(PARAMETER_VALUE)
#define OF PARAMETER_BIT(PARAMETER_OF)
#define FOR PARAMETER_BIT(PARAMETER_FOR)
#define WITHIN PARAMETER_BIT(PARAMETER_WITHIN)
#define CONFIDENCE PARAMETER_BIT(PARAMETER_CONFIDENCE)
#define SHARE PARAMETER_BIT(PARAMETER_SHARE)
#define COUNT PARAMETER_BIT(PARAMETER_COUNT)

static const struct {
        const char *name;
        uint32_t required, optional;
        const char *help;
} shapes[] = {
        [SHAPE_RISING] = { "rising", BY | FOR, CONFIDENCE,
                           "A trend upwards within the last\n.Cm for ,\nby at least\n.Cm by\nfrom its beginning to its end, that\n"
                           "chance alone explains in less than 1 \\-\n.Cm confidence\nof all cases." },
        [SHAPE_FALLING] = { "falling", BY | FOR, CONFIDENCE, "The same downwards." },
        [SHAPE_ABOVE] = { "above", VALUE | FOR, OF | SHARE,
                          "More than\n.Cm value ,\nor than\n.Cm value\npercent of what\n.Cm of\nnames, during\n.Cm share\n"
                          "of the last\n.Cm for .\nEvents are counted over all of\n.Cm for ." },
        [SHAPE_BELOW] = { "below", VALUE | FOR, OF | SHARE, "The same, less than it." },
        [SHAPE_STEP_UP] = { "step-up", BY | FOR, WITHIN,
                            "Went up by at least\n.Cm by\nin no more than\n.Cm within ,\nand has stayed there for\n.Cm for ." },
        [SHAPE_STEP_DOWN] = { "step-down", BY | FOR, WITHIN, "The same downwards." },
        [SHAPE_STEADY] = { "steady", BY | FOR, 0, "Has moved by no more than\n.Cm by\nin the last\n.Cm for ." },
        [SHAPE_BURSTS] = { "bursts", VALUE | COUNT | FOR, OF,
                           "Went above\n.Cm value\nand back at least\n.Cm count\ntimes in the last\n.Cm for ." },
        [SHAPE_ACCUMULATING] = { "accumulating", BY | FOR, OF | WITHIN | COUNT,
                                 "Grew by at least\n.Cm by\nthat did not go back: the lowest value of the last\n.Cm within\n"
                                 "lies so much above the lowest before. All processes of the service that run it are taken "
                                 "together.\nIt came at\n.Cm count\ntimes at least, two by default: what comes once may be a "
                                 "burst. A subject younger than\n.Cm for\nis judged by what it lived. With\n.Cm of ,\n.Cm by\n"
                                 "is a percentage of that signal." },
};
_Static_assert(ARRAY_SIZE(shapes) == SHAPES, "each has its line");

static const struct {
        const char *name, *help;
} parameters[] = {
        [PARAMETER_BY] = { "by", "An amount in the unit of the signal, or a percentage of its value at the beginning. Of a signal\n"
                                 "that is itself a share, a percentage is one of the whole: from 1% by 2% is 3%." },
        [PARAMETER_VALUE] = { "value", "A value in the unit of the signal; with\n.Cm of\na percentage." },
        [PARAMETER_OF] = { "of",
                           "Another signal of the same subject and unit;\n.Cm usual ,\nthe median of the 24 hours before the\n"
                           "window, or of what of them is known, at least half an hour, and of a turnaround of those times in "
                           "which\nas much was asked for as now; or\n.Cm former-build ,\nof a process the "
                           "most "
                           "that those before\nit came to, of a service the median of the day before its deployment, at\n"
                           "those times at which the load was like now." },
        [PARAMETER_FOR] = { "for", "The window, from 1s to 14d. A window that is incomplete is no evidence." },
        [PARAMETER_WITHIN] = { "within",
                               "How long the step may take, a minute by default; or what accumulates must have stayed, three\n"
                               "minutes by default. Of a prediction: its deadline." },
        [PARAMETER_CONFIDENCE] = { "confidence", "From 50% to 99.99%; 95% by default." },
        [PARAMETER_SHARE] = { "share", "From 1% to 100%; 100% by default." },
        [PARAMETER_COUNT] = { "count", "A whole number from 1 to 1000." },
};
_Static_assert(ARRAY_SIZE(parameters) == PARAMETERS, "each has its line");

bool shape_find(const char *name, enum shape *ret_shape)
{
        for (unsigned i = 0; i < SHAPES; i++)
                if (strcmp(shapes[i].name, name) == 0) {
                        *ret_shape = i;
                        return true;
                }
        return false;
}

const char *shape_name(enum shape shape)
{
        return shapes[shape].name;
}

bool parameter_find(const char *name, enum parameter *ret_parameter)
{
        for (unsigned i = 0; i < PARAMETERS; i++)
                if (strcmp(parameters[i].name, name) == 0) {
                        *ret_parameter = i;
                        return true;
                }
        return false;
}

const char *parameter_name(enum parameter parameter)
{
        return parameters[parameter].name;
}

uint32_t shape_required(enum shape shape)
{
        return shapes[shape].required;
}

uint32_t shape_allowed(enum shape shape)
{
        return shapes[shape].required | shapes[shape].optional;
}

bool shape_counts(enum shape shape)
{
        return shape == SHAPE_ABOVE || shape == SHAPE_BELOW;
}

const char *shapes_list(char *buffer, size_t size)
{
        size_t used = 0;

        *buffer = '\0';
        for (unsigned i = 0; i < SHAPES && used < size; i++)
                used += (size_t)snprintf(buffer + used, size - used, "%s%s", used ? ", " : "", shapes[i].name);
        return buffer;
}

const char *parameters_list(uint32_t bits, char *buffer, size_t size)
{
        size_t used = 0;

        *buffer = '\0';
        for (unsigned i = 0; i < PARAMETERS && used < size; i++)
                if (bits & PARAMETER_BIT(i))
                        used += (size_t)snprintf(buffer + used, size - used, "%s%s", used ? ", " : "", parameters[i].name);
        return buffer;
}

/* A sentence a line, as manual pages have it. */
static void sentences(const char *text)
{
        for (; *text; text++)
                putchar(text[0] == ' ' && text[-1] == '.' ? '\n' : *text);
        putchar('\n');
}

void shapes_manual(void)
{
        char buffer[128];

        puts(".Bl -tag -width Ds");
        for (unsigned i = 0; i < SHAPES; i++) {
                printf(".It Cm %s Pq %s", shapes[i].name, parameters_list(shapes[i].required, buffer, sizeof(buffer)));
                if (shapes[i].optional)
                        printf("; optional %s", parameters_list(shapes[i].optional, buffer, sizeof(buffer)));
                putchar('\n');
                sentences(shapes[i].help);
        }
        puts(".El\n.Pp\nThe parameters:\n.Bl -tag -width Ds");
        for (unsigned i = 0; i < PARAMETERS; i++) {
                printf(".It Cm %s\n", parameters[i].name);
                sentences(parameters[i].help);
        }
        puts(".El");
}
