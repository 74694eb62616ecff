#include "coordinator/cli/verbs.h"
#include "coordinator/cli/ca.h"
#include "coordinator/cli/client.h"
#include "coordinator/cli/run.h"

#include <string.h>

static const struct cli_option control = { "control", "PATH", NULL,
                                           "control socket of the coordinator (" CLIENT_CONTROL_DEFAULT ")" };
static const struct cli_option format = { "format", "FORMAT", "table json", "table for people, json for programs" };
static const struct cli_option help = { "help", NULL, NULL, "show how it is used" };
static const struct cli_option version = { "version", NULL, NULL, "show the version" };

static const struct cli_option service = { "service", "NAME", NULL, "only this service and what it talks to" };
static const struct cli_option only_service = { "service", "NAME", NULL, "only this service" };
static const struct cli_option which_service = { "service", "NAME", NULL, "the service that was deployed" };
static const struct cli_option which_version = { "version", "V", NULL, "what it was deployed to" };
static const struct cli_option which_host = { "host", "NAME", NULL, "where, if not everywhere" };
static const struct cli_option depth = { "depth", "N", NULL, "with --service: so many steps around it (1)" };
static const struct cli_option host = { "host", "NAME", NULL, "only what runs on this host" };
static const struct cli_option at = { "at", "TIME", NULL,
                                      "as it was then: 2026-05-01T02:00:00Z, 02:00, \"yesterday 02:00\", \"2 hours ago\"" };
static const struct cli_option window = { "window", "DURATION", NULL,
                                          "count the last 30s, 5m, 24h only; by default since first seen" };
static const struct cli_option watch_window = { "window", "DURATION", NULL, "rates over the last 10s, 1m, 1h (1m)" };

static const struct cli_option duration = { "for", "DURATION", NULL, "end by itself after 10m, 8h, 1d; by default on Ctrl-C" };
static const struct cli_option replay_config = { "config", "FILE", NULL,
                                                 "a coordinator's configuration in the place of the recorded one" };
static const struct cli_option replay_at = { "at", "TIME", NULL,
                                             "stop there: a time that was recorded; 02:41 is the last before its end" };
static const struct cli_option replay_incident = { "incident", "ID", NULL, "with explain: the incident that is meant" };
static const struct cli_option replay_verb = { "verb", "VERB",
                                               "status hosts services edges processes pools deployments incidents explain graph",
                                               "what is to be answered (status)" };

static const struct cli_option why = { "why", "TEXT", NULL, "the reason, for the log" };
static const struct cli_option digest = { "digest", "HEX", NULL, "only if the plan's digest begins so, as `actions` shows it" };
static const struct cli_option unit_signature = { "signature", "NAME", NULL, "whose incidents are meant" };
static const struct cli_option unit_action = { "action", "NAME", NULL, "which action, such as service.rollback" };
static const struct cli_option unit_environment = { "environment", "NAME", NULL, "where (production)" };
static const struct cli_option unit_rung = { "rung", "RUNG", "shadow propose alone_small alone", "how far it may go" };
static const struct cli_option lasts = { "for", "DURATION", NULL, "for how long: 8h, 30d" };
static const struct cli_option in_service = { "service", "NAME", NULL, "for this service" };
static const struct cli_option in_zone = { "zone", "NAME", NULL, "for services with a target in this zone" };
static const struct cli_option in_environment = { "environment", "NAME", NULL, "for this environment" };
static const struct cli_option in_host = { "host", "NAME", NULL, "for services with a target on this host" };
static const struct cli_option audit_incident = { "incident", "ID", NULL, "list: only entries of this incident" };
static const struct cli_option audit_action = { "action", "ID", NULL, "list: only entries of this action" };
static const struct cli_option audit_kind = { "kind", "KIND",
                                              "evidence diagnosis decision approval intent result verdict revert grant pause "
                                              "configuration",
                                              "list: only entries of this kind" };
static const struct cli_option audit_from = { "from", "INDEX", NULL, "list: from this entry on; by default the last ones" };
static const struct cli_option audit_last = { "last", "N", NULL, "list: at most so many, up to 10000 (1000)" };
static const struct cli_option audit_key = { "key", "KEY", NULL,
                                             "verify: the first key that the log must have; by default the one that lies there" };
static const struct cli_option audit_checkpoint = { "checkpoint", "FILE", NULL,
                                                    "verify: it must continue this checkpoint, which was kept elsewhere" };

const struct cli_option *const cli_global_options[] = { &control, &format, &help, &version, NULL };

static const struct cli_option *const none[] = { NULL };
static const struct cli_option *const of_hosts[] = { &host, NULL };
static const struct cli_option *const of_services[] = { &only_service, &host, &at, NULL };
static const struct cli_option *const of_edges[] = { &service, &depth, &host, &window, &at, NULL };
static const struct cli_option *const of_processes[] = { &only_service, &host, NULL };
static const struct cli_option *const of_incidents[] = { &only_service, NULL };
static const struct cli_option *const of_deployments[] = { &only_service, &host, NULL };
static const struct cli_option *const of_deployed[] = { &which_service, &which_version, &which_host, NULL };
static const struct cli_option *const of_audit[] = { &audit_incident, &audit_action, &audit_kind,       &audit_from,
                                                     &audit_last,     &audit_key,    &audit_checkpoint, NULL };
static const struct cli_option *const of_graph[] = { &service, &depth, &host, &at, &window, NULL };
static const struct cli_option *const of_record[] = { &duration, NULL };
static const struct cli_option *const of_replay[] = { &replay_verb, &replay_incident, &replay_at, &replay_config, &service, &depth,
                                                      &host,        &window,          NULL };
static const struct cli_option *const of_approve[] = { &digest, &why, NULL };
static const struct cli_option *const of_word[] = { &why, NULL };
static const struct cli_option *const of_authority[] = {
        &unit_signature, &unit_action, &unit_environment, &unit_rung, &lasts, &why, NULL
};
static const struct cli_option *const of_window[] = { &in_service, &in_zone, &in_environment, &in_host, &lasts, &why, NULL };
static const struct cli_option *const of_watch[] = { &service, &depth, &host, &watch_window, NULL };

const struct cli_verb cli_verbs[] = {
        { "status", "", "how the coordinator is and how much it sees", "", "table json", none, 0, 0, run_rows, NULL },
        { "hosts", "", "hosts with an agent, and what each agent can see", "", "table json", of_hosts, 0, 0, run_rows, NULL },
        { "services", "", "services, where they run and where they listen", "", "table json", of_services, 0, 0, run_rows, NULL },
        { "edges", "", "which service talks to which: connections, bytes, times",
          "Counters are totals since an edge was first seen unless --window is given.\n"
          "Where both ends are seen, connections and bytes are as the client counts them.",
          "table json", of_edges, 0, 0, run_rows, NULL },
        { "processes", "", "processes of the services", "", "table json", of_processes, 0, 0, run_rows, NULL },
        { "pools", "", "connections of each process to each server: busy, idle, held",
          "A held connection lay idle while its pool opened another one, and was not used since.\n"
          "Healthy pools hold some too; what grows and is never used again is leaking.\n"
          "A pool that an open incident names has its forecast: what is lost an hour, and when its limit is reached.",
          "table json", of_processes, 0, 0, run_rows, NULL },
        { "incidents", "", "what goes wrong: since when, when it will break, and why",
          "A resolved incident stays in the list for a while. `explain` has the evidence of each.", "table json", of_incidents, 0,
          0, run_rows, NULL },
        { "explain", "INCIDENT", "the evidence chain of an incident, in words", "", "table json", none, 1, 1, run_explain, NULL },
        { "actions", "", "what is proposed, under way and done about incidents, and what came of it",
          "A proposal waits for `approve` or `reject`. Nothing is done that is not in the audit log first.\n"
          "What is approved goes to the agents of its targets at once; what their files do not allow they refuse, and say why.",
          "table json", none, 0, 0, run_rows, NULL },
        { "approve", "ACTION", "let a proposed action be done",
          "What is approved is the plan with its digest: one that would now be another needs a new word. Limits hold all the same.",
          "", of_approve, 1, 1, run_word, NULL },
        { "reject", "ACTION", "do not do a proposed action; it is not proposed again for the incident", "", "", of_word, 1, 1,
          run_word, NULL },
        { "undo", "ACTION", "undo what an action did, as far as it can be", "", "", of_word, 1, 1, run_word, NULL },
        { "pages", "", "what needs a person now, and who has seen it", "", "table json", none, 0, 0, run_rows, NULL },
        { "acknowledge", "ID", "say that you have seen a page, which then is not repeated",
          "ID is that of a page or of an incident, for all pages of it, or of an action that is stuck: that one is yours from "
          "then\n"
          "on, and its class is no longer frozen. While the audit log takes no entries only the page of an action can be\n"
          "acknowledged: the answer says so, and the status is 1.",
          "", of_word, 1, 1, run_word, NULL },
        { "pause", "", "do nothing on any host until `resume`",
          "What was approved is void, what was begun is still verified or undone, and proposals go on.", "", of_word, 0, 0,
          run_word, NULL },
        { "resume", "", "end a pause", "", "", of_word, 0, 0, run_word, NULL },
        { "authority", "[grant|cap]", "how far each action may go by itself, and what is missing to the next rung",
          "A unit of trust is a signature with an action in an environment, as of the version that decides.\n"
          "grant raises it by hand and cap lowers it, both with a reason and for a time.\n"
          "What is one-way takes a person's word, whatever was granted.",
          "table json", of_authority, 0, 1, run_authority, NULL },
        { "maintenance", "[begin|end]", "a time in which nothing is done or proposed, for all or for one place", "", "", of_window,
          0, 1, run_window, NULL },
        { "freeze", "[begin|end]", "a time in which nothing is done, and proposals go on, for all or for one place", "", "",
          of_window, 0, 1, run_window, NULL },
        { "opt-out", "SERVICE", "nothing is done or proposed for a service, until `opt-in`", "", "", of_word, 1, 1, run_opt_out,
          NULL },
        { "opt-in", "SERVICE", "end an opt-out", "", "", of_word, 1, 1, run_opt_out, NULL },
        { "deployments", "", "when builds and settings of services changed, where, and from what to what",
          "A deployment is observed when processes of a service begin to run another build; one that reaches\n"
          "several hosts is one, with its beginning and its end.\n"
          "Changes of configuration files, flags and environment are told apart, by name only.",
          "table json", of_deployments, 0, 0, run_rows, NULL },
        { "deployed", "--service NAME --version V", "announce a deployment, from a pipeline",
          "It becomes one with what is seen of it: under way, over for at most five minutes, or within half an hour from now.", "",
          of_deployed, 0, 0, run_deployed, NULL },
        { "graph", "", "the dependency graph, for Graphviz, browsers, programs or the terminal",
          "svg is drawn by Graphviz on this machine: nightshift graph --format svg > graph.svg\n"
          "Services with an open incident, and the connections that it is about, are marked.",
          "dot svg json table", of_graph, 0, 0, run_graph, NULL },
        { "watch", "", "the live screen: what is wrong, and who talks to whom now; q ends it", "", "", of_watch, 0, 0, run_watch,
          NULL },
        { "signatures", "list|check FILE...", "the failure modes that are looked for; the check of files that describe one",
          "list asks the coordinator which are in force. check needs none: it reads each FILE, or a folder as the\n"
          "coordinator does, and prints a line FILE:LINE: KEY: for what is wrong. See nightshift-signature(5).",
          "table json", none, 1, 257, run_signatures, NULL },
        { "record", "FILE", "write down what the agents say, to be replayed later",
          "FILE holds names and counters of hosts and their labels, services, executables, addresses, connections, bytes\n"
          "and times.\n"
          "It holds no content of any message, no command line, no environment and no key.\n"
          "Only its owner may read it, and none is ever overwritten.\n"
          "If the coordinator goes away meanwhile, the recording goes on when it is back, and says that it has a gap.",
          "", of_record, 1, 1, run_record, NULL },
        { "replay", "FILE", "what a verb would have answered at a time that was recorded; needs no coordinator",
          "The recording runs through today's coordinator and signatures at full speed, with the times of the recording,\n"
          "and nothing is dispatched.\n"
          "The same recording gives the same answer, byte for byte.",
          "table json dot", of_replay, 1, 1, run_replay, NULL },
        { "audit", "list|show INDEX|verify [DIR]|rotate-key", "what the coordinator saw, decided and did, and the proof of it",
          "list shows entries of the audit log, show one of them with its evidence and the proof that it is in the log.\n"
          "verify needs no coordinator: it checks all of the log in DIR (/var/lib/nightshift/coordinator/audit) from its\n"
          "files alone, says where what is wrong lies, and ends with status 4 if anything is.\n"
          "rotate-key makes a new key, named by the old one as its successor, and prints it.",
          "table json", of_audit, 1, 2, run_audit, NULL },
        { "ca", "init|issue ...", "make the certificates with which hosts prove their names", "", "", none, 0, 0, NULL, cli_ca },
        { "version", "", "the version of this program", "", "table json", none, 0, 0, run_version, NULL },
        { "completion", "bash|zsh|fish", "the completion of a shell, to be read by it",
          "bash: source <(nightshift completion bash)\n"
          "zsh:  source <(nightshift completion zsh)\n"
          "fish: nightshift completion fish | source",
          "", none, 1, 1, run_completion, NULL },
};
const size_t cli_verbs_count = ARRAY_SIZE(cli_verbs);

const struct cli_verb *cli_verb_find(const char *name)
{
        for (size_t i = 0; i < cli_verbs_count; i++)
                if (strcmp(cli_verbs[i].name, name) == 0)
                        return &cli_verbs[i];
        return NULL;
}

bool cli_global_stands(const struct cli_verb *verb, const struct cli_option *global)
{
        for (const struct cli_option *const *o = verb->options; *o; o++)
                if (strcmp((*o)->name, global->name) == 0)
                        return false;
        return true;
}
