#include "agent/resources.h"

#include "agent/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The number behind a name at the beginning of a line; 0 if there is none. */
static uint64_t number_of(const char *text, const char *name)
{
        size_t length = strlen(name);

        for (const char *line = text; line; line = strchr(line, '\n')) {
                line += *line == '\n';
                if (strncmp(line, name, length) == 0 && (line[length] == ' ' || line[length] == ':'))
                        return strtoull(line + length + 1, NULL, 10);
        }
        return 0;
}

static void read_file(const char *proc, const char *name, char *text, size_t size)
{
        char path[256];

        snprintf(path, sizeof(path), "%s/%s", proc, name);
        if (text_read_file(path, text, size) <= 0)
                *text = '\0';
}

/* Of those in the list ("7337,8080-8090"), how many lie in the range. */
static uint32_t reserved_of(const char *list, uint32_t low, uint32_t high)
{
        uint32_t count = 0;

        while (*list >= '0' && *list <= '9') {
                char *end;
                uint32_t from = (uint32_t)strtoul(list, &end, 10), to = from;

                if (*end == '-')
                        to = (uint32_t)strtoul(end + 1, &end, 10);
                from = MAX(from, low);
                to = MIN(to, high);
                count += from <= to ? to - from + 1 : 0;
                list = end + (*end == ',');
        }
        return count;
}

/* Those of the agent's own network namespace, which is the host's. */
static uint32_t ports_of(const char *proc)
{
        char text[4096];
        uint32_t low, high, reserved;

        read_file(proc, "sys/net/ipv4/ip_local_port_range", text, sizeof(text));
        if (sscanf(text, "%" SCNu32 " %" SCNu32, &low, &high) != 2 || low > high || high > UINT16_MAX)
                return 0;
        read_file(proc, "sys/net/ipv4/ip_local_reserved_ports", text, sizeof(text));
        reserved = reserved_of(text, low, high);
        return high - low + 1 - MIN(reserved, high - low);
}

void resources_read(const char *proc, struct summary_resources *ret)
{
        char text[16384];

        read_file(proc, "meminfo", text, sizeof(text));
        *ret = (struct summary_resources){ .ports = ports_of(proc),
                                           .memory_bytes = number_of(text, "MemTotal") * 1024,
                                           .memory_available_bytes = number_of(text, "MemAvailable") * 1024 };
        read_file(proc, "vmstat", text, sizeof(text));
        ret->oom_kills = number_of(text, "oom_kill");
}
