/* Compares what `nightshift --format json edges` answered with the truth, edge by edge and field by
 * field:  compare TRUTH ANSWER [--prefix P] [--seen both|client|any] [--lost N] [--at-most] [--missing] [--servers]
 *
 * Exit status 0: all equal and the answer is complete. 1: it differs, or names an edge with the prefix
 * that never was; each difference is a line. 3: the answer says it is incomplete, and nothing differs but
 * what the N events explain that it says it lost (--lost): an attempt without the kind of its end, a
 * connection that ended without being told how, or of which the last bytes are not known: no more of them
 * than so many of the largest connections had. What is short of something must say itself that it is
 * incomplete.
 * --at-most, for answers taken while traffic runs: nothing may be counted beyond the truth.
 * --servers compares what the servers' processes know with what came to each port from whomever, for
 * answers of agents that see the servers only.
 * --missing prints how many connections the truth has and the answer has not, and compares no more. */
#include "tests/exact/compare.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *prefix = "exact-", *seen = "any";
static bool at_most, missing, servers;
static long long missing_sum, missing_closed;
unsigned differences, edges_equal;
long long lost, explained;

const struct field fields[FIELDS_COUNT] = {
        { "attempted", "connections", NULL, "attempted", FIRM },
        { "opened", "connections", NULL, "opened", FIRM },
        { "closed", "connections", NULL, "closed", FIRM },
        { "refused", "connections", NULL, "refused", KIND },
        { "timed_out", "connections", NULL, "timed_out", KIND },
        { "unreachable", "connections", NULL, "unreachable", KIND },
        { "aborted", "connections", NULL, "aborted", KIND },
        { "no_port", "connections", NULL, "no_port", KIND },
        { "reset_by_peer", "connections", "reset_by", "peer", KIND },
        { "reset_by_self", "connections", "reset_by", "self", KIND },
        { "timed_out_open", "connections", NULL, "timed_out_open", KIND },
        { "sent", "bytes", NULL, "sent", BYTES },
        { "received", "bytes", NULL, "received", BYTES },
        { "unread", NULL, NULL, "unread_bytes", BYTES },
};

long long number(const json_t *o, const char *name)
{
        return json_integer_value(json_object_get(o, name));
}

const char *text(const json_t *o, const char *name)
{
        const char *s = json_string_value(json_object_get(o, name));

        return s != NULL ? s : "";
}

bool named(const char *service, const char *name)
{
        size_t n = strlen(name);

        return strncmp(service, name, n) == 0 &&
               (service[n] == 0 || (service[n] == ':' && strspn(service + n + 1, "0123456789") == strlen(service + n + 1)));
}

static bool same_edge(const json_t *truth, const json_t *edge)
{
        const char *server = text(truth, "server");

        return named(text(edge, "client"), text(truth, "client")) && number(edge, "port") == number(truth, "port") &&
               (*server == 0 || named(text(edge, "server"), server));
}

void differ(const json_t *truth, const char *field, long long want, long long have)
{
        printf("%s to %s port %lld: %s: truth %lld, answer %lld (%+lld)\n", text(truth, "client"), text(truth, "server"),
               number(truth, "port"), field, want, have, have - want);
        differences++;
}

long long most(long long a, long long b)
{
        return a > b ? a : b;
}

long long connections_of(const json_t *truth, const char *field, long long bytes)
{
        long long largest = number(truth, strcmp(field, "sent") == 0 ? "most_sent" : "most_received");

        return largest > 0 ? (bytes + largest - 1) / largest : bytes;
}

static void compare_edge(const json_t *truth, const json_t *edge)
{
        const json_t *connections = json_object_get(edge, "connections");
        long long open, kinds = 0, ends = 0, holes = 0;
        unsigned before = differences;

        for (size_t i = 0; i < FIELDS_COUNT; i++) {
                const json_t *o = fields[i].object != NULL ? json_object_get(edge, fields[i].object) : edge;
                long long want = number(truth, fields[i].truth), have;

                if (fields[i].inner != NULL)
                        o = json_object_get(o, fields[i].inner);
                if (json_object_get(o, fields[i].name) == NULL) {
                        printf("%s: the answer has no field %s\n", text(truth, "client"), fields[i].name), differences++;
                        continue;
                }
                have = number(o, fields[i].name);
                if (!at_most && have < want && lost > 0 && fields[i].shortfall != FIRM) {
                        printf("%s to %s port %lld: %s: truth %lld, answer %lld\n", text(truth, "client"), text(truth, "server"),
                               number(truth, "port"), fields[i].truth, want, have);
                        if (fields[i].shortfall == BYTES)
                                holes = most(holes, connections_of(truth, fields[i].truth, want - have));
                        else if (fields[i].inner == NULL && strcmp(fields[i].truth, "timed_out_open") != 0)
                                kinds += want - have;
                        else
                                ends += want - have;
                } else if (at_most ? have > want : have != want) {
                        differ(truth, fields[i].truth, want, have);
                }
        }
        if (at_most)
                return;
        explained += kinds + most(ends, holes);
        if (kinds + ends + holes > 0 && !json_is_false(json_object_get(edge, "complete")))
                differ(truth, "complete", 0, 1);
        open = number(truth, "opened") - number(truth, "closed");
        if (number(connections, "open") != open)
                differ(truth, "open", open, number(connections, "open"));
        open = number(truth, "attempted") - number(truth, "opened") - kinds;
        if (number(connections, "failed") != open)
                differ(truth, "failed", open, number(connections, "failed"));
        if (*text(truth, "server") != 0 && strcmp(seen, "any") != 0 && number(truth, "opened") > 0 &&
            strcmp(text(edge, "seen_from"), seen) != 0)
                printf("%s to %s port %lld: seen_from: expected %s, answer %s\n", text(truth, "client"), text(truth, "server"),
                       number(truth, "port"), seen, text(edge, "seen_from")),
                        differences++;
        edges_equal += before == differences;
}

static json_t *read_lines(const char *path)
{
        json_t *all = json_array();
        char line[4096];
        FILE *f = fopen(path, "r");

        while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
                json_t *o = json_loads(line, 0, NULL);

                if (o == NULL)
                        fprintf(stderr, "compare: not JSON: %s", line), exit(2);
                if ((strcmp(text(o, "client"), "*") == 0) == servers)
                        json_array_append_new(all, o);
                else
                        json_decref(o);
        }
        if (f == NULL)
                perror(path), exit(2);
        fclose(f);
        return all;
}

static void compare_truth(const json_t *truth, const json_t *edges)
{
        const json_t *edge, *found = NULL;
        unsigned count = 0;
        size_t i;

        json_array_foreach(edges, i, edge)
        {
                if (same_edge(truth, edge))
                        found = edge, count++;
        }
        if (missing) {
                const json_t *c = json_object_get(found, "connections");

                missing_sum += number(truth, "attempted") - number(c, "attempted");
                missing_closed += number(truth, "opened") - number(truth, "closed") + number(c, "closed") - number(c, "opened");
                return;
        }
        if (count == 1) {
                compare_edge(truth, found);
        } else if (count > 1) {
                printf("%s to %s port %lld: there %u times\n", text(truth, "client"), text(truth, "server"), number(truth, "port"),
                       count);
                differences++;
        } else if (number(truth, "attempted") > 0 && !at_most) {
                printf("%s to %s port %lld: not in the answer (attempted %lld)\n", text(truth, "client"), text(truth, "server"),
                       number(truth, "port"), number(truth, "attempted"));
                differences++;
        }
}

static void find_ghosts(const json_t *truths, const json_t *edges)
{
        const json_t *edge, *truth;
        size_t i, k;

        json_array_foreach(edges, i, edge)
        {
                bool known = false;

                if (strncmp(text(edge, "client"), prefix, strlen(prefix)) != 0 &&
                    strncmp(text(edge, "server"), prefix, strlen(prefix)) != 0)
                        continue;
                json_array_foreach(truths, k, truth) known = known || same_edge(truth, edge);
                if (!known) {
                        printf("an edge that never was: %s to %s port %lld, seen from %s, attempted %lld, opened %lld\n",
                               text(edge, "client"), text(edge, "server"), number(edge, "port"), text(edge, "seen_from"),
                               number(json_object_get(edge, "connections"), "attempted"),
                               number(json_object_get(edge, "connections"), "opened"));
                        differences++;
                }
        }
}

int main(int argc, char **argv)
{
        json_error_t error;
        json_t *truths, *answer, *truth;
        bool complete;
        size_t i;

        if (argc < 3)
                return fprintf(stderr, "usage: compare TRUTH ANSWER [--prefix P] [--seen SIDE] [--lost N] [--at-most] [--missing] "
                                       "[--servers]\n"),
                       2;
        for (int k = 3; k < argc; k++) {
                if (strcmp(argv[k], "--servers") == 0)
                        servers = true;
                else if (strcmp(argv[k], "--at-most") == 0)
                        at_most = true;
                else if (strcmp(argv[k], "--missing") == 0)
                        missing = true;
                else if (strcmp(argv[k], "--lost") == 0 && k + 1 < argc)
                        lost = atoll(argv[++k]);
                else if (strcmp(argv[k], "--prefix") == 0 && k + 1 < argc)
                        prefix = argv[++k];
                else if (strcmp(argv[k], "--seen") == 0 && k + 1 < argc)
                        seen = argv[++k];
                else
                        return fprintf(stderr, "compare: what is %s?\n", argv[k]), 2;
        }
        truths = read_lines(argv[1]);
        answer = json_load_file(argv[2], 0, &error);
        if (answer == NULL || !json_is_array(json_object_get(answer, "edges")) ||
            !json_is_boolean(json_object_get(answer, "complete")))
                return fprintf(stderr, "compare: %s is no answer: %s\n", argv[2], error.text), 2;
        json_array_foreach(truths, i, truth)
        {
                if (servers)
                        compare_server(truth, json_object_get(answer, "edges"));
                else
                        compare_truth(truth, json_object_get(answer, "edges"));
        }
        if (missing)
                return printf("%lld %lld\n", missing_sum, missing_closed), 0;
        if (!servers)
                find_ghosts(truths, json_object_get(answer, "edges"));
        complete = json_is_true(json_object_get(answer, "complete"));
        if (explained > 0)
                printf("%lld ends are missing, %lld events were lost\n", explained, lost);
        if (explained > (complete ? 0 : lost))
                differences++;
        if (!at_most)
                printf("%u edges equal, %u differences, complete %s\n", edges_equal, differences, complete ? "true" : "false");
        return differences > 0 ? 1 : complete ? 0 : 3;
}
