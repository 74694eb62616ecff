#include "agent/instances.h"

#include "agent/command.h"
#include "agent/config_services.h"
#include "agent/digest.h"
#include "agent/driver.h"
#include "agent/text.h"
#include "agent/unit.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SYSTEMCTL "/usr/bin/systemctl"
#define NAME_SIZE 264u
#define OUTPUT_MAX (512u << 10)

int instances_check(struct action_call *call, uint32_t now)
{
        uint32_t wanted = call->order->instances;

        if (wanted < (uint32_t)call->service->scale.min || wanted > (uint32_t)call->service->scale.max) {
                action_unchanged(call, ACTION_REASON_PARAMETERS, "the file allows %lld to %lld instances",
                                 (long long)call->service->scale.min, (long long)call->service->scale.max);
                return -EINVAL;
        }
        /* One step at a time: what the order was made from counts processes, and what runs here are units. */
        if (wanted != (uint64_t)now + 1 && (uint64_t)wanted + 1 != now) {
                action_unchanged(call, ACTION_REASON_CHANGED, "there are %u instances now, from which %u is not one step", now,
                                 wanted);
                return -EINVAL;
        }
        return 0;
}

static bool is_template(const char *unit)
{
        return text_ends(unit, "@.service");
}

static void name_of(const char *unit, uint16_t number, char name[NAME_SIZE])
{
        size_t stem = (size_t)(strchrnul(unit, '@') - unit);

        if (number)
                snprintf(name, NAME_SIZE, "%.*s@%u.service", (int)stem, unit, number);
        else
                snprintf(name, NAME_SIZE, "%s", unit);
}

/* Runs `systemctl VERB [OPTION] -- UNIT...` for those of the items that `is_meant`; 0 also if there are none. */
static int systemctl(struct action_call *call, const char *verb, const char *option, const struct instances *instances,
                     bool (*is_meant)(const struct instance *item), char *output)
{
        CLEANUP_FREE char(*names)[NAME_SIZE] = calloc(instances->count, NAME_SIZE);
        CLEANUP_FREE const char **argv = calloc(instances->count + 6, sizeof(*argv));
        size_t count = 0, used = 0;
        int r;

        if (!names || !argv)
                return -ENOMEM;
        argv[count++] = SYSTEMCTL;
        argv[count++] = verb;
        if (option)
                argv[count++] = option;
        argv[count++] = "--";
        for (uint32_t i = 0; i < instances->count; i++) {
                if (is_meant && !is_meant(&instances->items[i]))
                        continue;
                name_of(instances->unit, instances->items[i].number, names[used]);
                argv[count++] = names[used++];
        }
        r = used ? command_run_list(argv, driver_timeout(driver_commands_of(call)), output, output ? OUTPUT_MAX : 0) : 0;
        if (r < 0)
                action_say(call, "systemctl %s: %s", verb, strerror(-r));
        else if (r > 0)
                action_say(call, "systemctl %s ended with %d", verb, r);
        return r <= 0 ? r : -EIO;
}

static const char *value_of(const char *line, const char *name)
{
        size_t length = strlen(name);

        return strncmp(line, name, length) == 0 && line[length] == '=' ? line + length + 1 : NULL;
}

static bool is_any(const char *text, const char *const *of, size_t count)
{
        for (size_t i = 0; i < count; i++)
                if (strcmp(text, of[i]) == 0)
                        return true;
        return false;
}

/* One unit's block of what `systemctl show` prints; *text moves behind it. -errno with the sentence set. */
static int read_block(struct action_call *call, const char *name, char **text, uint8_t *ret_state)
{
        static const char *const still[] = { "inactive", "failed" };
        static const char *const enabled[] = { "enabled", "enabled-runtime" };
        uint8_t state = INSTANCE_FIXED;
        bool loaded = false, named = false;
        char *line;

        while ((line = strsep(text, "\n")) && *line) {
                const char *value;

                if ((value = value_of(line, "Id")))
                        named = strcmp(value, name) == 0;
                if ((value = value_of(line, "LoadState")))
                        loaded = strcmp(value, "loaded") == 0;
                if ((value = value_of(line, "ActiveState")) && !is_any(value, still, ARRAY_SIZE(still)))
                        state |= INSTANCE_RUNS;
                if ((value = value_of(line, "UnitFileState")) &&
                    (is_any(value, enabled, ARRAY_SIZE(enabled)) || strcmp(value, "disabled") == 0)) {
                        state &= (uint8_t)~INSTANCE_FIXED;
                        state |= is_any(value, enabled, ARRAY_SIZE(enabled)) ? INSTANCE_ENABLED : 0;
                }
        }
        if (!named || !loaded) {
                action_say(call, "the unit %s is %s", name, named ? "not loaded" : "not the one that systemd shows");
                return -ENOENT;
        }
        *ret_state = state;
        return 0;
}

static int read_states(struct action_call *call, const struct instances *of, uint8_t *ret_states)
{
        CLEANUP_FREE char *output = malloc(OUTPUT_MAX);
        char *text = output, name[NAME_SIZE];
        int r = output ? systemctl(call, "show", "--property=Id,LoadState,ActiveState,UnitFileState", of, NULL, output) : -ENOMEM;

        for (uint32_t i = 0; r == 0 && i < of->count; i++) {
                name_of(of->unit, of->items[i].number, name);
                r = text ? read_block(call, name, &text, &ret_states[i]) : -EBADMSG;
        }
        return r;
}

/* Instances of the template that run and are none of ours. */
static int count_strangers(struct action_call *call, const struct instances *instances, uint32_t *ret)
{
        CLEANUP_FREE char *output = malloc(OUTPUT_MAX);
        size_t stem = (size_t)(strchrnul(instances->unit, '@') - instances->unit);
        char pattern[NAME_SIZE], *text = output, *line;
        const char *const argv[] = { SYSTEMCTL, "list-units",  "--plain",
                                     "--full",  "--no-legend", "--state=active,activating,reloading",
                                     "--",      pattern,       NULL };
        int r;

        snprintf(pattern, sizeof(pattern), "%.*s@*.service", (int)stem, instances->unit);
        r = output ? command_run_list(argv, driver_timeout(driver_commands_of(call)), output, OUTPUT_MAX) : -ENOMEM;
        if (r != 0) {
                action_say(call, "systemctl list-units cannot tell the instances");
                return r < 0 ? r : -EIO;
        }
        *ret = 0;
        while ((line = strsep(&text, "\n"))) {
                char *instance = line + strcspn(line, "@");
                unsigned number;
                int end = 0;

                if (*instance == '@')
                        *ret += !isdigit((unsigned char)instance[1]) || instance[1] == '0' ||
                                sscanf(instance + 1, "%u%n", &number, &end) != 1 || !text_starts(instance + 1 + end, ".service") ||
                                number > instances->count;
        }
        return 0;
}

int instances_read(struct action_call *call, const char *unit, uint32_t last, struct instances *ret, uint32_t *ret_strangers)
{
        CLEANUP_FREE uint8_t *states = calloc(INSTANCES_MAX, sizeof(*states));
        bool template = is_template(unit);
        int r;

        if (!states)
                return -ENOMEM;
        *ret = (struct instances){ .count = template ? last : 1 };
        if (ret->count == 0 || ret->count > INSTANCES_MAX) {
                action_say(call, "the file does not say how many instances the template has");
                return -EINVAL;
        }
        snprintf(ret->unit, sizeof(ret->unit), "%s", unit);
        for (uint32_t i = 0; i < ret->count; i++)
                ret->items[i].number = (uint16_t)(template ? i + 1 : 0);
        r = read_states(call, ret, states);
        for (uint32_t i = 0; r == 0 && i < ret->count; i++)
                ret->items[i].former = ret->items[i].wanted = states[i];
        return r == 0 && template ? count_strangers(call, ret, ret_strangers) : r;
}

void instances_keep_changed(struct instances *instances)
{
        uint32_t kept = 0;

        for (uint32_t i = 0; i < instances->count; i++)
                if (instances->items[i].former != instances->items[i].wanted)
                        instances->items[kept++] = instances->items[i];
        instances->count = kept;
}

static void digest_of(const struct instances *instances, const uint8_t *states, struct action_digest *ret)
{
        char text[sizeof(instances->unit) + 8 * INSTANCES_MAX] = "";
        size_t used = (size_t)snprintf(text, sizeof(text), "%s", instances->unit);

        for (uint32_t i = 0; i < instances->count && used < sizeof(text); i++)
                used += (size_t)snprintf(text + used, sizeof(text) - used, " %u:%u", instances->items[i].number, states[i]);
        digest_data(text, strlen(text), ret);
}

void instances_checked(struct action_call *call, const struct instances *instances)
{
        uint8_t states[INSTANCES_MAX] = { 0 };

        for (uint32_t i = 0; i < instances->count; i++)
                states[i] = instances->items[i].former;
        call->result.outcome = REMEDY_DONE;
        call->result.touched = instances->count;
        digest_of(instances, states, &call->result.former);
        action_say(call, "%u units of %s, from number %u on", instances->count, instances->unit, instances->items[0].number);
}

static bool is_started(const struct instance *item)
{
        return item->wanted & INSTANCE_RUNS && !(item->former & INSTANCE_RUNS);
}

static bool is_stopped(const struct instance *item)
{
        return !(item->wanted & INSTANCE_RUNS) && item->former & INSTANCE_RUNS;
}

static bool is_enabled(const struct instance *item)
{
        return item->wanted & INSTANCE_ENABLED && !(item->former & INSTANCE_ENABLED);
}

static bool is_disabled(const struct instance *item)
{
        return !(item->wanted & INSTANCE_ENABLED) && item->former & INSTANCE_ENABLED;
}

/* From `former` to `wanted`. Each of these may be repeated, and does not mind what it finds. */
static int change(struct action_call *call, const struct instances *instances)
{
        int r = systemctl(call, "enable", "--quiet", instances, is_enabled, NULL);

        if (r == 0)
                r = systemctl(call, "disable", "--quiet", instances, is_disabled, NULL);
        if (r == 0)
                r = systemctl(call, "stop", NULL, instances, is_stopped, NULL);
        if (r == 0)
                r = systemctl(call, "start", NULL, instances, is_started, NULL);
        return r;
}

static const struct instances *kept(struct action_call *call)
{
        const struct instances *instances = (const struct instances *)(const void *)call->inverse;

        return call->inverse_size == sizeof(*instances) && instances->count <= INSTANCES_MAX ? instances : NULL;
}

void instances_apply(struct action_call *call)
{
        const struct instances *instances = kept(call);
        uint8_t states[INSTANCES_MAX] = { 0 };

        if (!instances) {
                action_unchanged(call, ACTION_REASON_FAILED, "the journal does not say what is to be changed");
                return;
        }
        call->result.outcome = REMEDY_FAILED;
        call->result.reason = ACTION_REASON_FAILED;
        /* What drained halfway has changed something. */
        if (call->order->kind == ACTION_SERVICE_SUSPEND && unit_drain(call) < 0)
                return;
        if (change(call, instances) < 0 || read_states(call, instances, states) < 0)
                return;
        call->detail[0] = '\0';
        digest_of(instances, states, &call->result.present);
        for (uint32_t i = 0; i < instances->count; i++)
                if (states[i] != instances->items[i].wanted) {
                        action_say(call, "instance %u is not as it was made", instances->items[i].number);
                        return;
                }
        call->result.outcome = REMEDY_DONE;
        call->result.reason = ACTION_REASON_NONE;
}

/* By the kernel: which units have processes, in our own pid namespace. */
static int find_processes(const struct instances *instances, bool *ret_found)
{
        DIR *proc = opendir("/proc");
        struct stat own, its;
        struct dirent *item;

        if (!proc)
                return -errno;
        if (stat("/proc/self/ns/pid", &own) < 0) {
                closedir(proc);
                return -EIO;
        }
        while ((item = readdir(proc))) {
                char path[300], unit[CGROUP_NAME_SIZE], name[NAME_SIZE];

                if (!isdigit((unsigned char)item->d_name[0]))
                        continue;
                snprintf(path, sizeof(path), "/proc/%s/ns/pid", item->d_name);
                if (stat(path, &its) < 0 || its.st_ino != own.st_ino)
                        continue;
                if (unit_of_process((uint32_t)strtoul(item->d_name, NULL, 10), unit) < 0)
                        continue;
                for (uint32_t i = 0; i < instances->count; i++) {
                        name_of(instances->unit, instances->items[i].number, name);
                        ret_found[i] = ret_found[i] || strcmp(unit, name) == 0;
                }
        }
        closedir(proc);
        return 0;
}

void instances_verify(struct action_call *call)
{
        const struct instances *instances = kept(call);
        bool found[INSTANCES_MAX] = { false };
        uint8_t states[INSTANCES_MAX] = { 0 };
        bool all = true;

        call->result.outcome = REMEDY_DONE;
        call->result.verdict = ACTION_VERDICT_UNKNOWN;
        if (!instances || read_states(call, instances, states) < 0 || find_processes(instances, found) < 0)
                return;
        for (uint32_t i = 0; i < instances->count; i++) {
                const struct instance *item = &instances->items[i];

                if (states[i] != item->wanted || (found[i] && !(item->wanted & INSTANCE_RUNS))) {
                        call->result.verdict = ACTION_VERDICT_FALSIFIED;
                        action_say(call, "instance %u is not as it was made", item->number);
                        return;
                }
                all = all && (found[i] || !(item->wanted & INSTANCE_RUNS)); /* a unit may run without a process */
        }
        if (all)
                call->result.verdict = ACTION_VERDICT_VERIFIED;
}

void instances_revert(struct action_call *call)
{
        const struct instances *instances = kept(call);
        struct instances back;
        uint8_t states[INSTANCES_MAX] = { 0 };

        call->result.outcome = REMEDY_FAILED;
        call->result.reason = ACTION_REASON_FAILED;
        if (!instances) {
                action_say(call, "the journal does not say what was changed");
                return;
        }
        if (read_states(call, instances, states) < 0)
                return;
        back = *instances;
        for (uint32_t i = 0; i < back.count; i++) {
                struct instance *item = &back.items[i];
                uint8_t ours = item->former ^ item->wanted;

                /* What we do not change is as it was, or it is somebody else's now. */
                if ((states[i] & ~ours) != (item->former & ~ours)) {
                        call->result.outcome = REMEDY_OTHERS;
                        digest_of(instances, states, &call->result.present);
                        return;
                }
                *item = (struct instance){ item->number, item->wanted, item->former };
        }
        if (change(call, &back) < 0 || read_states(call, instances, states) < 0)
                return;
        if (call->order->kind == ACTION_SERVICE_SUSPEND && back.items[0].number == 0 && unit_await_ready(call, back.unit) < 0)
                return;
        call->result.outcome = REMEDY_DONE;
        call->result.reason = ACTION_REASON_NONE;
        digest_of(instances, states, &call->result.present);
}
