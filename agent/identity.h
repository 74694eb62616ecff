/* Names the service behind an owner of sockets, in the order of enum identity_kind: a mapping of the
 * configuration, a Kubernetes workload, a container, a systemd unit, else the executable and the port
 * on which it listens.
 *
 * Where the names come from, honestly: the cgroup path and the executable are the kernel's word. The
 * name of a pod is what the pod calls itself (HOSTNAME in the environment of its process), cut to the
 * workload by the way controllers name pods; its namespace is read from the pod's own file system.
 * Where a pod does not tell (its process is gone, or it shares the host's network and thereby its
 * name), the service is its executable.
 * The name of a container is the runtime's word where its files can be read, else 12 digits of its
 * id. So a workload can lie about its name within its kind, but not about being a pod or container.
 *
 * Reads /proc and the runtimes' state, a few files once for each new owner; keeps nothing. */
#pragma once

#include "proto/summary.h"

struct service_match;

#define IDENTITY_NAME_SIZE 128
#define IDENTITY_PATH_SIZE 256

/* What is known of an owner. */
struct identity_facts {
        const char *cgroup_path; /* "" if unknown */
        const char *exe_path;    /* "" if unknown */
        const char *comm;
        uint64_t exe_inode; /* 0: no executable, a thread of the kernel */
        uint16_t listen_port;
        uint32_t pid; /* a process of this owner, perhaps gone; 0 if unknown */
};

struct identity {
        enum identity_kind kind;
        char service[IDENTITY_NAME_SIZE];
        char instance[IDENTITY_NAME_SIZE];
        char executable[IDENTITY_PATH_SIZE];
        char cgroup[IDENTITY_PATH_SIZE];
        char version[64];
};

/* A service of the configuration and what it takes to be of it: every pattern that is not NULL must
 * match, as fnmatch(3) does. `next` is the next one in the order of the file; the first match wins. */
struct service_match {
        const struct service_match *next;
        const char *service;
        const char *unit;       /* "payments.service"; "ledger@.service" is all instances */
        const char *executable; /* path, or a name without '/'; any that the file has and was started by */
        const char *cgroup;     /* path */
        const char *container;  /* name or id */
        const char *pod;        /* namespace/workload or workload */
};

/* Never fails: at worst it says "unknown". Texts are clean. `proc` is "/proc" but in tests. */
void identity_recognise(const struct service_match *matches, const char *proc, const struct identity_facts *facts,
                        struct identity *ret_identity);

/* The workload of a pod by the names that controllers give: "payments-7d9c5b6f4-x2x9z" is
 * "payments", "db-0" is "db". */
void identity_pod_workload(const char *pod_name, char *ret_name, size_t size);
