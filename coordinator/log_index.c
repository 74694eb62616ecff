#include "coordinator/log_index.h"
#include "coordinator/audit.h"

#include <stdlib.h>
#include <string.h>

struct about {
        uint64_t count;
        uint64_t latest;                                               /* entry */
        struct log_entry first[LOG_INDEX_FIRST], last[LOG_INDEX_LAST]; /* a ring */
};

struct log_index {
        uint64_t incidents[LOG_INDEX_INCIDENTS]; /* 0: free; apart, as they are looked through */
        struct about about[LOG_INDEX_INCIDENTS];
};

int log_index_new(struct log_index **ret_index)
{
        *ret_index = calloc(1, sizeof(**ret_index));
        return *ret_index ? 0 : -ENOMEM;
}

void log_index_free(struct log_index **index)
{
        free(*index);
        *index = NULL;
}

static const struct about *find(const struct log_index *index, uint64_t incident)
{
        for (size_t i = 0; i < LOG_INDEX_INCIDENTS; i++)
                if (index->incidents[i] == incident)
                        return &index->about[i];
        return NULL;
}

/* The one that it spoke of the longest time ago makes room. */
static struct about *make(struct log_index *index, uint64_t incident)
{
        size_t oldest = 0;

        for (size_t i = 1; i < LOG_INDEX_INCIDENTS && index->incidents[oldest]; i++)
                if (!index->incidents[i] || index->about[i].latest < index->about[oldest].latest)
                        oldest = i;
        index->incidents[oldest] = incident;
        index->about[oldest] = (struct about){ 0 };
        return &index->about[oldest];
}

static uint64_t number(const char *id, char letter)
{
        return id && *id == letter ? strtoull(id + 1, NULL, 10) : 0;
}

void log_index_add(struct log_index *index, const struct audit_entry *entry)
{
        uint64_t incident = number(entry->incident, 'i');
        struct log_entry e = {
                .index = entry->index, .at = entry->at, .kind = audit_kind_name(entry->kind), .action = number(entry->action, 'a')
        };
        struct about *a;

        if (!incident)
                return;
        a = (struct about *)find(index, incident);
        if (!a)
                a = make(index, incident);
        if (a->count < LOG_INDEX_FIRST)
                a->first[a->count] = e;
        else
                a->last[(a->count - LOG_INDEX_FIRST) % LOG_INDEX_LAST] = e;
        a->latest = entry->index;
        a->count++;
}

uint64_t log_index_count(const struct log_index *index, uint64_t incident)
{
        const struct about *a = incident ? find(index, incident) : NULL;

        return a ? a->count : 0;
}

const struct log_entry *log_index_get(const struct log_index *index, uint64_t incident, size_t n)
{
        const struct about *a = incident ? find(index, incident) : NULL;
        uint64_t later;

        if (!a || n >= a->count)
                return NULL;
        if (n < LOG_INDEX_FIRST)
                return &a->first[n];
        later = a->count - LOG_INDEX_FIRST;
        n -= LOG_INDEX_FIRST;
        if (n >= MIN(later, (uint64_t)LOG_INDEX_LAST))
                return NULL;
        return &a->last[(later > LOG_INDEX_LAST ? later + n : n) % LOG_INDEX_LAST];
}
