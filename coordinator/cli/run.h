/* What the verbs do. Each returns the exit status. */
#pragma once

struct invocation;

int run_rows(const struct invocation *invocation); /* status, hosts, services, edges, processes, deployments */
int run_graph(const struct invocation *invocation);
int run_record(const struct invocation *invocation);
int run_replay(const struct invocation *invocation);
int run_watch(const struct invocation *invocation);
int run_explain(const struct invocation *invocation);
int run_signatures(const struct invocation *invocation);
int run_audit(const struct invocation *invocation);
int run_deployed(const struct invocation *invocation);
int run_word(const struct invocation *invocation); /* approve, reject, undo, acknowledge, pause, resume */
int run_opt_out(const struct invocation *invocation);
int run_window(const struct invocation *invocation); /* maintenance, freeze */
int run_authority(const struct invocation *invocation);
int run_version(const struct invocation *invocation);
int run_completion(const struct invocation *invocation);
