#include "agent/executor_child.h"

#include "proto/log.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LOCK_WAIT_NS (200 * NSEC_PER_MSEC)

bool executor_write_entry(struct executor_child *child, uint32_t index)
{
        CLEANUP_FREE struct journal_entry *entry = calloc(1, sizeof(*entry));
        int r;

        if (!entry)
                return false;
        entry->remedy = child->core.remedies[index];
        entry->order = child->entries[index].order;
        if (child->entries[index].inverse) {
                entry->inverse_size = child->entries[index].inverse_size;
                memcpy(entry->inverse, child->entries[index].inverse, entry->inverse_size);
        }
        r = journal_write(child->journal, entry);
        if (r < 0)
                log_error("executor", "cannot write the journal: %s", strerror(-r));
        return r == 0;
}

static void load(void *data, const struct journal_entry *entry)
{
        const struct action *action = action_find(entry->remedy.request.kind);
        struct executor_child *child = data;
        struct remedy remedy = entry->remedy;
        uint32_t index;

        remedy.request.extends = action && action->extend; /* of this agent's code, whatever wrote the entry */
        if (remedy_load(&child->core, &remedy, &index) < 0) {
                child->core.damaged = true;
                return;
        }
        child->entries[index].order = entry->order;
        child->entries[index].inverse = malloc(MAX(entry->inverse_size, 1u));
        child->entries[index].inverse_size = entry->inverse_size;
        if (child->entries[index].inverse)
                memcpy(child->entries[index].inverse, entry->inverse, entry->inverse_size);
        else
                child->core.damaged = true;
}

/* The executor before may still undo what it must. */
int executor_open_journal(struct executor_child *child)
{
        struct timespec nap = { .tv_nsec = LOCK_WAIT_NS };
        uint64_t epoch = 0;
        size_t damaged = 0;
        int r;

        while ((r = journal_open(child->config.state_dir, &child->journal)) == -EBUSY) {
                struct executor_request request;

                if (recv(child->fd, &request, sizeof(request), MSG_DONTWAIT | MSG_PEEK) == 0)
                        _exit(0);
                nanosleep(&nap, NULL);
        }
        if (r == 0)
                r = journal_read(child->journal, load, child, &epoch, &damaged);
        if (r < 0)
                return r;
        remedy_epoch_written(&child->core, epoch);
        if (damaged) {
                log_error("executor",
                          "%zu entries of the journal in %s/actions cannot be read: no action begins before a person "
                          "has looked",
                          damaged, child->config.state_dir);
                child->core.damaged = true;
        }
        return 0;
}
