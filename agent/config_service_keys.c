#include "agent/config_field.h"
#include "agent/config_services.h"

#define AT(member) offsetof(struct service, member)
#define SECTION(table) .fields = table, .count = ARRAY_SIZE(table)
#define AN_HOUR .min = NSEC_PER_SEC, .max = 3600 * NSEC_PER_SEC
#define A_DAY .min = NSEC_PER_SEC, .max = 24 * 3600 * NSEC_PER_SEC

/* The commands of a driver; `what` says what the first argument behind them is, if any. */
#define COMMANDS(section, does, undoes, what)                                                                                      \
        { "state", FIELD_ARGV, AT(section.commands.state), .drivers = "commands",                                                  \
          .help = "commands: prints what is now" what ", the same text for the same state; it must change nothing." },             \
                { "do", FIELD_ARGV, AT(section.commands.change), .drivers = "commands", .help = "commands: " does "." },           \
                { "undo", FIELD_ARGV, AT(section.commands.undo), .drivers = "commands",                                            \
                  .help = "commands: " undoes "; also after a half-done `do`, and where nothing was done." },                      \
                { "verify", FIELD_ARGV, AT(section.commands.verify),                                                               \
                  .help = "commands: succeeds if what was done works, ends with 1 if not, and with anything else if it cannot "    \
                          "tell." },                                                                                               \
        {                                                                                                                          \
                "timeout", FIELD_DURATION, AT(section.commands.timeout), AN_HOUR,                                                  \
                        .help = "How long a command may take, or systemd for the same; 60 s by default."                           \
        }

static const struct config_field match_fields[] = {
        { "unit", FIELD_TEXT, AT(match.unit),
          .help = "A systemd unit of this host; name@.service stands for every instance of the template." },
        { "executable", FIELD_TEXT, AT(match.executable),
          .help = "The path of an executable, or its name: the file's own or, for a server, the one it was started by." },
        { "cgroup", FIELD_PATH, AT(match.cgroup), .help = "The path of a cgroup from the root of its hierarchy." },
        { "container", FIELD_TEXT, AT(match.container), .help = "The name of a container, or the beginning of its id." },
        { "pod", FIELD_TEXT, AT(match.pod), .help = "A workload of Kubernetes, with or without its namespace." },
};
static const struct config_field drain_fields[] = {
        { "argv", FIELD_ARGV, AT(restart_safe.drain_argv), .required = true, .help = "The command that drains the service." },
        { "timeout", FIELD_DURATION, AT(restart_safe.drain_timeout), AN_HOUR, .help = "How long it may take." },
};
static const struct config_field ready_fields[] = {
        { "port", FIELD_INTEGER, AT(restart_safe.ready_port), .required = true, .min = 1, .max = 65535,
          .help = "The port on which the service listens once it is ready." },
        { "within", FIELD_DURATION, AT(restart_safe.ready_within), AN_HOUR, .help = "How long that may take." },
};
static const struct config_field restart_safe_fields[] = {
        { "drain", FIELD_SECTION, SECTION(drain_fields), .help = "What to do before a restart." },
        { "ready", FIELD_SECTION, SECTION(ready_fields), .help = "How to tell that a restart is over." },
};
static const struct config_field rollback_fields[] = {
        { "driver", FIELD_WORD, AT(rollback.driver), .required = true, .words = "release-link|drop-in|commands",
          .help = "How it is rolled back: by a symbolic link among releases and a restart; by a drop-in of its unit that is such a "
                  "link; or by commands." },
        { "link", FIELD_PATH, AT(rollback.link), .drivers = "release-link|drop-in",
          .help = "The symbolic link that names the current release; drop-in: in the folder UNIT.d." },
        { "releases", FIELD_PATH, AT(rollback.releases), .drivers = "release-link|drop-in",
          .help = "The folder of releases: a folder each; drop-in: a file each." },
        { "unit", FIELD_UNIT, AT(rollback.unit), .drivers = "release-link|drop-in", .help = "The unit to restart." },
        COMMANDS(rollback, "rolls back", "brings back what was before", ""),
        { "barriers", FIELD_PATH, AT(rollback.barriers),
          .help = "A folder of marks, each called like a release that changed what cannot be changed back: no rollback goes from "
                  "it, or past it, to an older one." },
};
static const struct config_field scale_fields[] = {
        { "driver", FIELD_WORD, AT(scale.driver), .required = true, .words = "systemd-template|commands",
          .help = "How it is scaled: by instances 1, 2, ... of a template unit, or by commands." },
        { "unit", FIELD_TEMPLATE, AT(scale.unit), .drivers = "systemd-template", .help = "The template unit." },
        { "min", FIELD_INTEGER, AT(scale.min), .min = 0, .max = 1000, .help = "At least so many instances." },
        { "max", FIELD_INTEGER, AT(scale.max), .required = true, .min = 1, .max = 1000, .help = "At most so many instances." },
        COMMANDS(scale, "makes it as many instances as its last argument says", "the same", ", as a number of instances"),
};
static const struct config_field suspend_fields[] = {
        { "driver", FIELD_WORD, AT(suspend.driver), .required = true, .words = "systemd|commands",
          .help = "How it is suspended: by stopping a unit or the instances of a template that run, or by commands." },
        { "unit", FIELD_UNIT, AT(suspend.unit), .drivers = "systemd", .help = "The unit, or the template." },
        { "max", FIELD_INTEGER, AT(suspend.max), .min = 1, .max = 1000, .help = "Of a template: the number of its last instance." },
        COMMANDS(suspend, "suspends it", "makes it run again as before", ""),
};
static const struct config_field freeze_fields[] = {
        { "within", FIELD_DURATION, AT(freeze.within), .required = true, AN_HOUR,
          .help = "It is thawed after so long at the latest." },
};
static const struct config_field restart_fields[] = {
        { "unit", FIELD_UNIT, AT(restart.unit), .required = true, .help = "The unit to restart." },
};
static const struct config_field limit_fields[] = {
        { "within", FIELD_DURATION, AT(limit.within), .required = true, A_DAY,
          .help = "A limit ends after so long at the latest." },
        { "cpu", FIELD_INTEGER, AT(limit.cpu), .min = 10, .max = 1024000,
          .help = "The lowest limit of processor time that may be set, in thousandths of a core; none may be if this is not set." },
        { "memory", FIELD_BYTES, AT(limit.memory), .min = 1 << 20, .max = INT64_MAX,
          .help = "The lowest limit of memory above which the kernel reclaims, likewise." },
        { "io", FIELD_BYTES, AT(limit.io), .min = 4096, .max = INT64_MAX,
          .help = "The lowest limit of bytes a second, read and written, likewise." },
        { "device", FIELD_PATH, AT(limit.device), .help = "The block device that limits of io are for." },
};
static const struct config_field close_fields[] = {
        { "idle", FIELD_DURATION, AT(close.idle), A_DAY,
          .help = "An open connection on which nothing went either way for so long may be closed, too, if nothing is awaited on "
                  "it; "
                  "else only those that the peer closed long ago." },
};
static const struct config_field shed_fields[] = {
        { "within", FIELD_DURATION, AT(shed.within), .required = true, A_DAY, .help = "It ends after so long at the latest." },
        { "rate", FIELD_INTEGER, AT(shed.rate), .required = true, .min = 0, .max = 1000000,
          .help = "So many new connections a second may always be opened." },
        { "servers", FIELD_LIST, AT(shed.servers), .required = true, .list = &config_servers_list,
          .help = "The servers to which fewer connections may be opened, such as [{service: database, addresses: [10.0.0.5], port: "
                  "5432}]." },
};
static const struct config_field observe_fields[] = {
        { "within", FIELD_DURATION, AT(observe.within), .required = true, A_DAY, .help = "It ends after so long at the latest." },
};

const struct config_field config_service_keys[] = {
        { "match", FIELD_SECTION, .required = true, SECTION(match_fields),
          .help = "What belongs to the service: every key that is given must fit; patterns with * and ? are allowed." },
        { "restart_safe", FIELD_SECTION, AT(restart_safe.present), SECTION(restart_safe_fields),
          .help = "It may be restarted, so." },
        { "rollback", FIELD_SECTION, AT(rollback.present), SECTION(rollback_fields), .help = "It may be rolled back, so." },
        { "freeze", FIELD_SECTION, AT(freeze.present), SECTION(freeze_fields),
          .help = "Its processes may be frozen for a while, so." },
        { "restart", FIELD_SECTION, AT(restart.present), SECTION(restart_fields),
          .help = "It may be restarted on a person's word, so; with restart_safe it is drained before, and awaited." },
        { "scale", FIELD_SECTION, AT(scale.present), SECTION(scale_fields), .help = "It may be scaled, so." },
        { "suspend", FIELD_SECTION, AT(suspend.present), SECTION(suspend_fields), .help = "It may be suspended, so." },
        { "limit", FIELD_SECTION, AT(limit.present), SECTION(limit_fields),
          .help = "What its cgroup may use may be limited for a while, so." },
        { "close", FIELD_SECTION, AT(close.present), SECTION(close_fields),
          .help = "Leaked connections of it may be closed on a person's word, so." },
        { "shed", FIELD_SECTION, AT(shed.present), SECTION(shed_fields),
          .help = "It may be kept from opening more than some new connections a second for a while, so." },
        { "observe", FIELD_SECTION, AT(observe.present), SECTION(observe_fields),
          .help = "More of it may be looked at for a while, so." },
        { "pools", FIELD_LIST, AT(pools), .list = &config_pools_list,
          .help = "What pools of connections in its own code hold at most, such as [{port: 5432, max: 20}]." },
};
const size_t config_service_keys_count = ARRAY_SIZE(config_service_keys);
