/* What a cgroup path says about the workload inside: Kubernetes pod, container, machine, systemd
 * unit, or nothing. Pure: reads nothing but the path.
 *
 * The path is read from the root to the leaf, and what lies deeper wins, with two exceptions: what a
 * pod or an application container (Docker, Podman, containerd, CRI-O) runs inside belongs to it,
 * while in a system container (systemd-nspawn, LXC, a machine of machined) the units count. A scope
 * is a session or something started by hand, not a service: what runs there is named by its
 * executable. So are systemd-run's transient units, whose names are random.
 *
 * Names of units are only one within a manager: who has a user manager, a system container or a delegated cgroup
 * names units as he likes. The unit of this host's own manager is the outermost one, below slices alone.
 *
 * Layouts known: kubelet with the systemd and the cgroupfs driver, also nested in a node's container;
 * docker-ID.scope, libpod-ID.scope, crio-ID.scope, cri-containerd-ID.scope, nerdctl-ID.scope; the
 * form slice:runtime:ID; /docker/ID and every other component of 64 hexadecimal digits;
 * lxc.payload.NAME, /lxc/NAME; machine-NAME.scope and systemd-nspawn@NAME.service. */
#pragma once

#include "proto/base.h"

#define CGROUP_NAME_SIZE 128

enum cgroup_workload_kind {
        CGROUP_NOTHING = 0, /* name by the executable */
        CGROUP_UNIT,
        CGROUP_MACHINE, /* the payload of a system container that runs no unit */
        CGROUP_CONTAINER,
        CGROUP_POD,
};

/* Texts are as in the path, not cleaned; "" where they do not apply. */
struct cgroup_workload {
        enum cgroup_workload_kind kind;
        char unit[CGROUP_NAME_SIZE];      /* "ledger@1.service" */
        char host_unit[CGROUP_NAME_SIZE]; /* of this host's own manager, service or scope, around whatever lies inside */
        char machine[CGROUP_NAME_SIZE];   /* unescaped */
        char container[CGROUP_NAME_SIZE]; /* id */
        char runtime[24];                 /* "docker", "libpod", ...; "" if the path does not tell */
        char pod[40];                     /* uid with dashes, or 32 digits of a static pod */
};

void cgroup_parse(const char *path, struct cgroup_workload *ret_workload);

/* True if the unit that names the workload is this host's own, and not one of a manager inside. */
bool cgroup_is_host_unit(const struct cgroup_workload *workload);

/* True for "ledger@1.service" and "ledger@.service", which stands for every instance, and for equals. */
bool cgroup_unit_is(const char *unit, const char *name);

/* "ledger@1.service" is "ledger@", "nginx.service" is "nginx". */
void cgroup_unit_service(const char *unit, char *ret_service, size_t size);

/* True for a unit that is a container runtime itself: on a host with both hierarchies of cgroups its
 * containers may show its path in the default one and their own in the older one. */
bool cgroup_is_runtime(const struct cgroup_workload *workload);

/* The path to judge a process by, from the text of /proc/PID/cgroup of a host with both hierarchies:
 * that of name=systemd if it says something, else the first controller's that does. NULL if none. The
 * text is changed, and the result points into it. */
const char *cgroup_older_path(char *proc_text);
