/* Judges a subject by a signature: which of its evidence holds, since when, and what speaks against it.
 * Pure: everything comes from the series, and the time is the argument.
 *
 * A verdict is one of three: it holds, it does not, or too little is known. A window of which more than a
 * fifth was not measured, or that begins before the subject did, is too little; so is a comparison with
 * what is not known. Only what holds is evidence, and only what holds speaks against it. */
#pragma once

#include "coordinator/measured.h"
#include "coordinator/signature.h"

enum verdict { VERDICT_UNKNOWN, VERDICT_NO, VERDICT_YES };

/* What was seen of one item. */
struct finding {
        enum verdict verdict;
        const struct signature_item *item;
        int64_t from, to;   /* the window */
        double first, last; /* the signal at its beginning and end; of counters per window: 0, the sum */
        double reference;   /* what it was compared with; NaN */
        double confidence;  /* of a trend */
        uint32_t times;     /* of what accumulates: at how many it came; */
        double after_first; /* how much after the very first step */
};

struct judgement {
        bool fires;
        bool thin;                                    /* it would fire, but for what is not known */
        struct finding evidence[SIGNATURE_ITEMS_MAX]; /* in the order of the signature */
        struct finding against[SIGNATURE_ITEMS_MAX];
        int64_t onset;    /* when the rise began that the evidence shows, as far as can be told; 0 if it does not fire */
        size_t strongest; /* index of the evidence that tells the onset */
};

struct accumulated;
/* One subject's part in what accumulates; false if that is not known. */
bool judge_accumulated(const struct measured *measured, const struct signature_item *item, int64_t settle,
                       struct accumulated *ret_accumulated);
void judge(const struct signature *signature, const struct measured *measured, int64_t now, struct judgement *ret_judgement);
