#include "coordinator/pages.h"

#include <stdio.h>
#include <string.h>

#define GONE_AT_LEAST (10 * NSEC_PER_SEC)

static struct page *find(struct pages *pages, const char *id)
{
        for (size_t i = 0; i < pages->count; i++)
                if (strcmp(pages->items[i].need.id, id) == 0)
                        return &pages->items[i];
        return NULL;
}

static const struct need *needed(const struct need *needs, size_t count, const char *id)
{
        for (size_t i = 0; i < count; i++)
                if (strcmp(needs[i].id, id) == 0)
                        return &needs[i];
        return NULL;
}

void pages_see(struct pages *pages, const struct need *needs, size_t count, int64_t now)
{
        pages->left_out = 0;
        for (size_t i = 0; i < pages->count; i++) {
                struct page *p = &pages->items[i];
                const struct need *n = needed(needs, count, p->need.id);

                if (n) {
                        p->need = *n;
                        p->gone_at = 0;
                } else if (!p->gone_at) {
                        p->gone_at = now;
                }
        }
        for (size_t i = 0; i < count; i++) {
                if (find(pages, needs[i].id))
                        continue;
                if (pages->count == PAGES_MAX) {
                        pages->left_out++;
                        continue;
                }
                pages->items[pages->count++] = (struct page){ .need = needs[i], .since = now };
        }
}

static void forget(struct pages *pages, size_t i)
{
        memmove(pages->items + i, pages->items + i + 1, (pages->count - i - 1) * sizeof(*pages->items));
        pages->count--;
}

/* Gone for long enough; what was never paged at once. */
static bool is_over(const struct page *p, const struct pages_policy *policy, int64_t now)
{
        return p->gone_at && (p->times == 0 || now < p->gone_at || now - p->gone_at >= MAX(policy->after, GONE_AT_LEAST));
}

static bool is_due(const struct page *p, const struct pages_policy *policy, int64_t now)
{
        if (p->gone_at || p->acknowledged_at)
                return false;
        if (p->times == 0)
                return p->need.urgent || now < p->since || now - p->since >= policy->after;
        /* A clock that was set back must not make it silent. */
        return now >= p->next_at || p->next_at - now > policy->repeat;
}

enum page_event pages_next(struct pages *pages, const struct pages_policy *policy, int64_t now, struct page *ret_page)
{
        for (size_t i = 0; i < pages->count;) {
                struct page *p = &pages->items[i];

                if (is_over(p, policy, now)) {
                        *ret_page = *p;
                        forget(pages, i);
                        if (ret_page->times)
                                return PAGE_ENDED;
                        continue;
                }
                if (is_due(p, policy, now)) {
                        p->times++;
                        p->next_at = now + policy->repeat;
                        *ret_page = *p;
                        return PAGE_RAISED;
                }
                i++;
        }
        return PAGE_NONE;
}

size_t pages_acknowledge(struct pages *pages, const char *id, const char *by, const char *why, int64_t now)
{
        size_t n = 0;

        /* A page of no incident has an empty one. */
        if (!*id)
                return 0;
        for (size_t i = 0; i < pages->count; i++) {
                struct page *p = &pages->items[i];

                if (strcmp(p->need.id, id) != 0 && strcmp(p->need.incident, id) != 0)
                        continue;
                n++;
                if (p->acknowledged_at)
                        continue;
                p->acknowledged_at = now;
                snprintf(p->acknowledged_by, sizeof(p->acknowledged_by), "%s", by);
                snprintf(p->why, sizeof(p->why), "%s", why);
        }
        return n;
}
