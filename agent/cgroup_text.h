/* The cgroups of a process, from the text of its /proc/PID/cgroup. */
#pragma once

struct cgroup_text {
        const char *unified;     /* path in the default hierarchy; NULL: none that we see */
        const char *own;         /* path in the controller's own hierarchy; NULL: it has none */
        const char *controllers; /* of that hierarchy, which name its folder: "cpu,cpuacct" */
};

/* `text` is changed, and what is found points into it. A path that lies outside of what we see is none. */
void cgroup_text_find(char *text, const char *controller, struct cgroup_text *ret);
