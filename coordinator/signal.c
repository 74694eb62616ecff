#include "coordinator/signal.h"

#include <stdio.h>
#include <string.h>

#define POOL (1u << SUBJECT_POOL)
#define EDGE (1u << SUBJECT_EDGE)
#define SERVICE (1u << SUBJECT_SERVICE)
#define PROCESS (1u << SUBJECT_PROCESS)
#define LISTENER (1u << SUBJECT_LISTENER)
#define HOST (1u << SUBJECT_HOST)

static const struct {
        const char *name, *help;
} subjects[] = {
        [SUBJECT_POOL] = { "pool", "The connections of one process to one server." },
        [SUBJECT_EDGE] = { "edge", "One service on one host talking to another at one far end, counted as its client counts." },
        [SUBJECT_SERVICE] = { "service", "All instances of a service on one host; counts and sizes are sums." },
        [SUBJECT_PROCESS] = { "process", "One process, from its start to its end." },
        [SUBJECT_LISTENER] = { "listener", "One socket that accepts connections." },
        [SUBJECT_HOST] = { "host", "One machine." },
};

static const struct {
        const char *name;
        enum signal_unit unit;
        uint32_t subjects;
        const char *help;
} signals[] = {
        [SIGNAL_LOAD] = { "load", UNIT_LOAD, POOL | EDGE | SERVICE | PROCESS,
                          "What the service (of an edge: the client) is asked to do: requests where they are seen, else bytes." },
        [SIGNAL_OPEN] = { "open", UNIT_COUNT, POOL | EDGE, "Open connections." },
        [SIGNAL_BUSY] = { "busy", UNIT_COUNT, POOL, "Connections with a request that has no reply yet." },
        [SIGNAL_IDLE] = { "idle", UNIT_COUNT, POOL, "Connections without; those held are among them." },
        [SIGNAL_HELD] = { "held", UNIT_COUNT, POOL, "Connections idle since before the pool last opened a new one." },
        [SIGNAL_OVERDUE] = { "overdue", UNIT_COUNT, POOL,
                             "Held connections that missed far more turns of the others than any that was used again." },
        [SIGNAL_SKIPPED] = { "skipped", UNIT_COUNT, POOL,
                             "Idle connections of which the same is true, since one was used that had been idle for longer." },
        [SIGNAL_FORGOTTEN] = { "forgotten", UNIT_COUNT, POOL,
                               "Overdue connections that were replaced: no more than the pool has opened above the fewest it "
                               "ever had; or those that are skipped, if there are more of them." },
        [SIGNAL_LOST] = { "lost", UNIT_COUNT, POOL,
                          "The same; and held connections that were replaced, where held ones come back after any number of "
                          "turns." },
        [SIGNAL_NEWLY_HELD] = { "newly_held", UNIT_EVENTS, POOL, "Connections that came to be held." },
        [SIGNAL_REUSED] = { "reused", UNIT_EVENTS, POOL, "Held connections that were used again after all." },
        [SIGNAL_RELEASED] = { "released", UNIT_EVENTS, POOL, "Held connections that were closed." },
        [SIGNAL_CLOSE_WAIT] = { "close_wait", UNIT_COUNT, POOL,
                                "Connections that the far end has closed and the process has not." },
        [SIGNAL_LIMIT] = { "limit", UNIT_COUNT, POOL, "How many connections there can be, where that is known." },
        [SIGNAL_FILES_LIMIT] = { "files_limit", UNIT_COUNT, POOL, "How many the process's limit of open files leaves room for." },
        [SIGNAL_OPENINGS] = { "openings", UNIT_RATE, POOL, "New connections." },
        [SIGNAL_ATTEMPTS] = { "attempts", UNIT_RATE, EDGE | SERVICE, "Attempts to connect; of a service: to it." },
        [SIGNAL_OPENED] = { "opened", UNIT_RATE, EDGE, "Attempts that succeeded." },
        [SIGNAL_FAILED] = { "failed", UNIT_RATE, EDGE | SERVICE, "Attempts that did not, for any reason; of a service: to it." },
        [SIGNAL_REFUSED] = { "refused", UNIT_RATE, EDGE, "Attempts that were refused." },
        [SIGNAL_TIMED_OUT] = { "timed_out", UNIT_RATE, EDGE, "Attempts that the kernel gave up." },
        [SIGNAL_UNREACHABLE] = { "unreachable", UNIT_RATE, EDGE, "Attempts without a way to the far end." },
        [SIGNAL_ABORTED] = { "aborted", UNIT_RATE, EDGE, "Attempts that the client gave up, as by a time-out of its own." },
        [SIGNAL_NO_PORT] = { "no_port", UNIT_RATE, EDGE | HOST, "Attempts that found no local port." },
        [SIGNAL_RESETS] = { "resets", UNIT_RATE, EDGE | SERVICE, "Connections reset by the server." },
        [SIGNAL_RETRANSMITS] = { "retransmits", UNIT_RATIO, EDGE, "Segments sent again, of those sent." },
        [SIGNAL_RTT_P50] = { "rtt_p50", UNIT_TIME, EDGE, "Time of the network, there and back: median." },
        [SIGNAL_RTT_P99] = { "rtt_p99", UNIT_TIME, EDGE, "The same: the slowest hundredth." },
        [SIGNAL_TURNAROUND_P50] = { "turnaround_p50", UNIT_TIME, EDGE | SERVICE, "Time from request to reply: median." },
        [SIGNAL_TURNAROUND_P99] = { "turnaround_p99", UNIT_TIME, EDGE | SERVICE, "The same: the slowest hundredth." },
        [SIGNAL_REQUESTS] = { "requests", UNIT_RATE, EDGE | SERVICE, "Requests; of a service: to it." },
        [SIGNAL_SENT] = { "sent", UNIT_BYTE_RATE, EDGE, "Bytes from client to server." },
        [SIGNAL_RECEIVED] = { "received", UNIT_BYTE_RATE, EDGE, "Bytes from server to client." },
        [SIGNAL_CPU] = { "cpu", UNIT_RATIO, SERVICE | PROCESS, "Processor time; 100% is one core." },
        [SIGNAL_THROTTLED] = { "throttled", UNIT_RATIO, SERVICE | PROCESS, "Time in which the cgroup's quota held it back." },
        [SIGNAL_RSS] = { "rss", UNIT_BYTES, SERVICE | PROCESS, "Resident memory." },
        [SIGNAL_MEMORY_LIMIT] = { "memory_limit", UNIT_BYTES, PROCESS, "The cgroup's limit, or the memory of the host." },
        [SIGNAL_THREADS] = { "threads", UNIT_COUNT, SERVICE | PROCESS, "Threads." },
        [SIGNAL_OPEN_FILES] = { "open_files", UNIT_COUNT, SERVICE | PROCESS, "File descriptors." },
        [SIGNAL_OPEN_FILES_LIMIT] = { "open_files_limit", UNIT_COUNT, SERVICE | PROCESS,
                                      "How many a process may have (RLIMIT_NOFILE)." },
        [SIGNAL_RESTARTS] = { "restarts", UNIT_EVENTS, SERVICE, "Processes that were started anew." },
        [SIGNAL_EXITS_FAILED] = { "exits_failed", UNIT_EVENTS, SERVICE,
                                  "Ends with a code other than 0 or by a signal, SIGTERM apart." },
        [SIGNAL_OOM_KILLS] = { "oom_kills", UNIT_EVENTS, SERVICE | HOST, "Ends by the kernel for want of memory." },
        [SIGNAL_BACKLOG] = { "backlog", UNIT_COUNT, LISTENER, "Connections that wait to be accepted." },
        [SIGNAL_BACKLOG_MAX] = { "backlog_max", UNIT_COUNT, LISTENER, "How many may wait." },
        [SIGNAL_DROPS] = { "drops", UNIT_EVENTS, LISTENER, "Connections that found no room to wait." },
        [SIGNAL_PORTS_USED] = { "ports_used", UNIT_COUNT, HOST, "Local ports in use towards the far end that takes most." },
        [SIGNAL_PORTS_LIMIT] = { "ports_limit", UNIT_COUNT, HOST,
                                 "Local ports that there are towards each far end (ip_local_port_range)." },
        [SIGNAL_MEMORY] = { "memory", UNIT_RATIO, HOST, "Memory in use, of all (MemAvailable is what is not)." },
};
_Static_assert(ARRAY_SIZE(signals) == SIGNALS && ARRAY_SIZE(subjects) == SUBJECTS, "each has its line");

static const struct {
        const char *expectation, *manual;
} units[] = {
        [UNIT_COUNT] = { "a count such as 4", "a count" },
        [UNIT_EVENTS] = { "a number of events such as 5", "events" },
        [UNIT_RATE] = { "a rate such as 5/s, 300/m or 20/h", "a rate" },
        [UNIT_BYTE_RATE] = { "a rate of bytes such as 10MiB/s", "a rate of bytes" },
        [UNIT_RATIO] = { "a share such as 5%", "a share" },
        [UNIT_TIME] = { "a time such as 200ms", "a time" },
        [UNIT_BYTES] = { "a size such as 512MiB", "a size" },
        [UNIT_LOAD] = { "a percentage such as 50%", "percentages only" },
};
_Static_assert(ARRAY_SIZE(units) == UNITS, "each has its line");

bool subject_find(const char *name, enum subject *ret_subject)
{
        for (unsigned i = 0; i < SUBJECTS; i++)
                if (strcmp(subjects[i].name, name) == 0) {
                        *ret_subject = i;
                        return true;
                }
        return false;
}

const char *subject_name(enum subject subject)
{
        return subjects[subject].name;
}

bool signal_has(enum subject subject, enum signal signal)
{
        return signal < SIGNALS && signals[signal].subjects & (1u << subject);
}

bool signal_find(enum subject subject, const char *name, enum signal *ret_signal)
{
        for (unsigned i = 0; i < SIGNALS; i++)
                if (signal_has(subject, i) && strcmp(signals[i].name, name) == 0) {
                        *ret_signal = i;
                        return true;
                }
        return false;
}

const char *signal_name(enum signal signal)
{
        return signal < SIGNALS ? signals[signal].name : "";
}

enum signal_unit signal_unit(enum signal signal)
{
        return signals[signal].unit;
}

const char *unit_expectation(enum signal_unit unit)
{
        return units[unit].expectation;
}

static const char *list(char *buffer, size_t size, size_t *used, const char *name)
{
        int n = *used < size ? snprintf(buffer + *used, size - *used, "%s%s", *used ? ", " : "", name) : 0;

        *used += (size_t)MAX(n, 0);
        return buffer;
}

const char *subjects_list(char *buffer, size_t size)
{
        size_t used = 0;

        for (unsigned i = 0; i < SUBJECTS; i++)
                list(buffer, size, &used, subjects[i].name);
        return buffer;
}

const char *signals_list(enum subject subject, char *buffer, size_t size)
{
        size_t used = 0;

        for (unsigned i = 0; i < SIGNALS; i++)
                if (signal_has(subject, i))
                        list(buffer, size, &used, signals[i].name);
        return buffer;
}

void signals_manual(void)
{
        for (unsigned s = 0; s < SUBJECTS; s++) {
                printf(".Ss %s\n%s\n.Bl -tag -width Ds\n", subjects[s].name, subjects[s].help);
                for (unsigned i = 0; i < SIGNALS; i++)
                        if (signal_has(s, i))
                                printf(".It Cm %s Pq %s\n%s\n", signals[i].name, units[signals[i].unit].manual, signals[i].help);
                puts(".El");
        }
}
