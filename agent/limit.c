#include "agent/limit.h"

#include "agent/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
        const char *controller, *file;
} resources[] = {
        [ACTION_RESOURCE_CPU] = { "cpu", "cpu.max" },
        [ACTION_RESOURCE_MEMORY] = { "memory", "memory.high" },
        [ACTION_RESOURCE_IO] = { "io", "io.max" },
};

const char *limit_controller(enum action_resource resource)
{
        return resources[resource].controller;
}

/* The device's line of io.max has what differs from "max"; without one nothing does. */
static void read_io(const char *text, const char *device, char ret_text[LIMIT_TEXT_SIZE])
{
        char read[24] = "max", written[24] = "max";
        size_t length = strlen(device);

        for (const char *line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
                const char *rest = line + length;

                if (strncmp(line, device, length) != 0 || *rest != ' ')
                        continue;
                sscanf(rest, " rbps=%23s wbps=%23s", read, written);
                break;
        }
        snprintf(ret_text, LIMIT_TEXT_SIZE, "rbps=%s wbps=%s", read, written);
}

int limit_read(const struct target_cgroup *cgroup, enum action_resource resource, const char *device, struct limit *ret_limit)
{
        struct limit limit = { .resource = resource };
        char text[4096];
        int r = target_cgroup_read(cgroup, resources[resource].file, text, sizeof(text));

        if (r < 0)
                return r == -ENOENT ? -ENOTSUP : r;
        snprintf(limit.device, sizeof(limit.device), "%s", device);
        if (resource == ACTION_RESOURCE_IO) {
                read_io(text, device, limit.text);
        } else {
                text[strcspn(text, "\n")] = '\0';
                if (strlen(text) >= sizeof(limit.text))
                        return -EBADMSG;
                memcpy(limit.text, text, strlen(text) + 1);
        }
        *ret_limit = limit;
        return 0;
}

int limit_write(const struct target_cgroup *cgroup, const struct limit *limit)
{
        char text[LIMIT_TEXT_SIZE + sizeof(limit->device) + 2];

        snprintf(text, sizeof(text), "%s%s%s", limit->device, *limit->device ? " " : "", limit->text);
        return target_cgroup_write(cgroup, resources[limit->resource].file, text);
}

static uint64_t number(const char *text)
{
        return text_starts(text, "max") ? UINT64_MAX : strtoull(text, NULL, 10);
}

uint64_t limit_value(const struct limit *limit)
{
        const char *second = strchr(limit->text, ' ');
        uint64_t first, period;

        switch (limit->resource) {
        case ACTION_RESOURCE_CPU:
                first = number(limit->text);
                period = second ? strtoull(second, NULL, 10) : 0;
                return first == UINT64_MAX || period == 0 ? UINT64_MAX : first * 1000 / period;
        case ACTION_RESOURCE_IO:
                return MAX(number(limit->text + strlen("rbps=")), second ? number(second + strlen(" wbps=")) : UINT64_MAX);
        default:
                return number(limit->text);
        }
}

void limit_set(const struct limit *now, uint64_t value, struct limit *ret_limit)
{
        const char *period = strchr(now->text, ' ');
        uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
        struct limit limit = { .resource = now->resource };

        memcpy(limit.device, now->device, sizeof(limit.device));
        switch (now->resource) {
        case ACTION_RESOURCE_CPU:
                snprintf(limit.text, sizeof(limit.text), "%" PRIu64 "%s",
                         value * (uint64_t)strtoull(period ?: " 100000", NULL, 10) / 1000, period ?: " 100000");
                break;
        case ACTION_RESOURCE_IO:
                snprintf(limit.text, sizeof(limit.text), "rbps=%" PRIu64 " wbps=%" PRIu64, value, value);
                break;
        default:
                snprintf(limit.text, sizeof(limit.text), "%" PRIu64, value / page * page);
                break;
        }
        *ret_limit = limit;
}
