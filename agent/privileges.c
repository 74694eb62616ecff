#include "agent/privileges.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* CAP_SYS_ADMIN stands in for CAP_BPF and CAP_PERFMON, as the kernel has it. */
static const struct {
        cap_value_t value;
        struct privilege privilege;
} wanted[] = {
        { CAP_BPF, { "CAP_BPF", "load the probes and read their maps", "", true } },
        { CAP_PERFMON, { "CAP_PERFMON", "attach the probes to the kernel's tracepoints", "", true } },
        { CAP_NET_ADMIN, { "CAP_NET_ADMIN", "load the probes that see datagrams", "missing: datagrams are not seen", false } },
        { CAP_SYS_PTRACE,
          { "CAP_SYS_PTRACE", "see executables, files and workload names of other users' processes",
            "missing: no builds, open files and pod names of other users' processes", false } },
        { CAP_DAC_READ_SEARCH,
          { "CAP_DAC_READ_SEARCH", "read build ids of executables and names of containers",
            "missing: no builds of executables that only their owners read, no names of containers", false } },
};

/* Kept so that a child of the link that died can be started again under its own user, and one that
 * misbehaves or hangs be ended, which as another user's process needs CAP_KILL. */
static const cap_value_t for_the_link[] = { CAP_SETUID, CAP_SETGID, CAP_SETPCAP, CAP_KILL };

/* What actions need: files of cgroups, releases and units that belong to others, other users' processes, and in
 * commands of the operator's to become another user. */
static const cap_value_t for_actions[] = { CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_CHOWN,
                                           CAP_KILL,         CAP_SYS_PTRACE,      CAP_SETUID, CAP_SETGID };

static bool has(cap_value_t value)
{
        cap_flag_value_t flag = CAP_CLEAR;
        cap_t caps = cap_get_proc();

        if (!caps)
                return false;
        if (cap_get_flag(caps, value, CAP_EFFECTIVE, &flag) < 0)
                flag = CAP_CLEAR;
        cap_free(caps);
        return flag == CAP_SET;
}

const struct privilege *privileges_get(size_t i)
{
        static struct privilege result;

        if (i >= ARRAY_SIZE(wanted))
                return NULL;
        result = wanted[i].privilege;
        result.present =
                has(wanted[i].value) || ((wanted[i].value == CAP_BPF || wanted[i].value == CAP_PERFMON) && has(CAP_SYS_ADMIN));
        return &result;
}

int privileges_check(const char **ret_why)
{
        static char why[160];
        const struct privilege *p;

        for (size_t i = 0; (p = privileges_get(i)); i++)
                if (p->indispensable && !p->present) {
                        snprintf(why, sizeof(why), "%s is missing: it is needed to %s", p->name, p->needed);
                        *ret_why = why;
                        return -EPERM;
                }
        return 0;
}

void privileges_raise_memlock(void)
{
        struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

        if (setrlimit(RLIMIT_MEMLOCK, &limit) == 0 || getrlimit(RLIMIT_MEMLOCK, &limit) < 0)
                return;
        /* Not allowed to raise the ceiling: go up to it. A kernel that needs more will say so when
         * the maps are made. */
        limit.rlim_cur = limit.rlim_max;
        (void)!setrlimit(RLIMIT_MEMLOCK, &limit);
}

/* Those of `kept` that this process has, and no others. */
static int keep(const cap_value_t *kept, size_t count)
{
        cap_t now = cap_get_proc(), next = cap_init();
        int r = now && next ? 0 : -ENOMEM;

        for (size_t i = 0; i < count && r == 0; i++) {
                cap_flag_value_t flag = CAP_CLEAR;

                if (cap_get_flag(now, kept[i], CAP_PERMITTED, &flag) < 0 || flag == CAP_CLEAR)
                        continue;
                if (cap_set_flag(next, CAP_PERMITTED, 1, &kept[i], CAP_SET) < 0 ||
                    cap_set_flag(next, CAP_EFFECTIVE, 1, &kept[i], CAP_SET) < 0)
                        r = -errno;
        }
        if (r == 0 && cap_set_proc(next) < 0)
                r = -errno;
        if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                r = -errno;
        cap_free(now);
        cap_free(next);
        return r;
}

int privileges_keep_needed(const char **ret_why)
{
        cap_value_t kept[ARRAY_SIZE(wanted) + ARRAY_SIZE(for_the_link) + 1];
        size_t count = 0;
        int r;

        for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
                kept[count++] = wanted[i].value;
        for (size_t i = 0; i < ARRAY_SIZE(for_the_link); i++)
                kept[count++] = for_the_link[i];
        if (!has(CAP_BPF) || !has(CAP_PERFMON))
                kept[count++] = CAP_SYS_ADMIN; /* kept only where it stands in for them */
        r = keep(kept, count);
        if (r < 0)
                *ret_why = "cannot give up the capabilities that are not needed";
        return r;
}

int privileges_keep_for_actions(bool bpf, bool network, const char **ret_why)
{
        cap_value_t kept[ARRAY_SIZE(for_actions) + 3];
        size_t count = ARRAY_SIZE(for_actions);
        int r;

        memcpy(kept, for_actions, sizeof(for_actions));
        if (network || bpf) /* programs of cgroups are of the network, too */
                kept[count++] = CAP_NET_ADMIN;
        if (bpf)
                kept[count++] = CAP_BPF;
        if (bpf && !has(CAP_BPF))
                kept[count++] = CAP_SYS_ADMIN; /* stands in for it */
        r = keep(kept, count);
        if (r < 0)
                *ret_why = "cannot give up the capabilities that no action needs";
        return r;
}

const char *privileges_link_user(void)
{
        if (geteuid() != 0 || !has(CAP_SETUID) || !has(CAP_SETGID))
                return NULL;
        if (getpwnam("nightshift"))
                return "nightshift";
        return getpwnam("nobody") ? "nobody" : NULL;
}

static int become(const char *user, const char **ret_why)
{
        struct passwd *entry;

        errno = 0;
        entry = getpwnam(user);
        if (!entry) {
                *ret_why = "there is no such user for the link to run as";
                return -ESRCH;
        }
        if (setgroups(0, NULL) < 0 || setresgid(entry->pw_gid, entry->pw_gid, entry->pw_gid) < 0 ||
            setresuid(entry->pw_uid, entry->pw_uid, entry->pw_uid) < 0) {
                *ret_why = "cannot become the link's user: CAP_SETUID and CAP_SETGID are needed for that";
                return -EPERM;
        }
        return 0;
}

/* True if no capability is left in any set of this process that matters. */
static bool bare(void)
{
        cap_t none = cap_init(), now = cap_get_proc();
        bool same = none && now && cap_compare(none, now) == 0;

        cap_free(none);
        cap_free(now);
        return same;
}

int privileges_drop_all(const char *user, const char **ret_why)
{
        cap_t none;
        int r;

        /* The bounding set first, while CAP_SETPCAP is there. Without it the set stays, and
         * no_new_privs keeps it without effect. */
        for (cap_value_t value = 0; CAP_IS_SUPPORTED(value); value++)
                (void)cap_drop_bound(value);
        (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
        if (user) {
                r = become(user, ret_why);
                if (r < 0)
                        return r;
        }
        none = cap_init();
        if (!none)
                return -ENOMEM;
        r = cap_set_proc(none) < 0 ? -errno : 0;
        cap_free(none);
        if (r < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || !bare() || (user && setuid(0) == 0)) {
                *ret_why = "cannot give up the capabilities of the link";
                return -EPERM;
        }
        (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
        return 0;
}
