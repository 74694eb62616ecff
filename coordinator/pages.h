/* Whom to wake: what needs a person now, told again until somebody acknowledges it, and silence about all else. Pure: needs
 * and time are arguments.
 *
 * A need is paged once it has lasted for `after`, or at once where it is urgent, and again every `repeat` until it is
 * acknowledged or gone. One that went before it was paged mended itself: nobody hears of it. One that comes back within
 * `after`, or ten seconds, is the same, acknowledged or not, so that flapping wakes nobody twice. */
#pragma once

#include "proto/base.h"

#define PAGES_MAX 256 /* needs beyond are counted, and logged by whoever asks */
#define NEED_ID_MAX 32
#define NEED_TEXT_MAX 400

struct need {
        char id[NEED_ID_MAX];       /* what `nightshift acknowledge` takes: a12, i7, audit-log, hosts */
        char incident[NEED_ID_MAX]; /* "" where it is of none */
        bool urgent;
        char text[NEED_TEXT_MAX]; /* a sentence, for people */
};

struct page {
        struct need need;
        int64_t since, next_at, gone_at; /* gone_at 0: it is needed still */
        uint32_t times;                  /* it was paged so often */
        char acknowledged_by[64], why[240];
        int64_t acknowledged_at; /* 0: by nobody */
};

struct pages {
        struct page items[PAGES_MAX]; /* in the order in which they came */
        size_t count, left_out;
};

struct pages_policy {
        int64_t after, repeat;
};

enum page_event { PAGE_NONE, PAGE_RAISED, PAGE_ENDED };

/* What is needed now. */
void pages_see(struct pages *pages, const struct need *needs, size_t count, int64_t now);
/* What is to be told now, one at a time; PAGE_NONE: nothing. Calling it marks it as told. PAGE_ENDED is only of what was
 * paged before: *ret_page is a copy, it is forgotten. */
enum page_event pages_next(struct pages *pages, const struct pages_policy *policy, int64_t now, struct page *ret_page);
/* By the id of a page, or of an incident for all of its pages. How many; 0: there is none such; "" is none. */
size_t pages_acknowledge(struct pages *pages, const char *id, const char *by, const char *why, int64_t now);
