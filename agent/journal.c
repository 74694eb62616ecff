#include "agent/journal.h"

#include "agent/folder.h"

#include "agent/text.h"
#include "proto/hash.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC "nightrem"
#define VERSION 1u
#define NAME_SIZE 40

struct journal_record {
        char magic[8];
        uint32_t version, size;
        char boot_id[40];
        struct executor_order order;
        int64_t at_wall, begun_boot, lease_end, lease_max;
        uint32_t state, reason, verdict, touched;
        uint32_t one_way, temporary, gone_with_boot, verified;
        uint8_t former[32], ours[32], present[32];
        uint32_t inverse_size, padding;
        uint8_t inverse[ACTION_INVERSE_MAX];
        uint64_t hash;
};

struct journal {
        int folder, lock;
        char boot_id[40];
};

static const struct hash_key hash_key = { UINT64_C(0x6a6f75726e616c31), 0 };

static uint64_t hash_of(const struct journal_record *record)
{
        return hash_bytes(&hash_key, record, offsetof(struct journal_record, hash));
}

int journal_open(const char *state_dir, struct journal **ret_journal)
{
        struct journal *journal = calloc(1, sizeof(*journal));
        char path[4096];
        int r = 0;

        if (!journal)
                return -ENOMEM;
        journal->folder = journal->lock = -1;
        if (snprintf(path, sizeof(path), "%s/actions", state_dir) >= (int)sizeof(path))
                r = -ENAMETOOLONG;
        if (r == 0)
                folder_make_for(path);
        if (r == 0 && mkdir(path, 0700) < 0 && errno != EEXIST)
                r = -errno;
        if (r == 0) {
                journal->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
                r = journal->folder < 0 ? -errno : 0;
        }
        if (r == 0) {
                journal->lock = openat(journal->folder, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
                r = journal->lock < 0 ? -errno : flock(journal->lock, LOCK_EX | LOCK_NB) < 0 ? -EBUSY : 0;
        }
        if (r == 0 && text_read_file("/proc/sys/kernel/random/boot_id", journal->boot_id, sizeof(journal->boot_id)) < 36)
                r = -EIO;
        if (r < 0) {
                journal_close(&journal);
                return r;
        }
        *ret_journal = journal;
        return 0;
}

void journal_close(struct journal **journal)
{
        if (!*journal)
                return;
        fd_close(&(*journal)->folder);
        fd_close(&(*journal)->lock);
        free(*journal);
        *journal = NULL;
}

/* "key" and 32 digits; what is not is none of ours. */
static bool is_entry(const char *name)
{
        return strlen(name) == 32 && text_is_hex(name, 32);
}

bool journal_exists(const char *state_dir)
{
        struct dirent *entry;
        char path[4096];
        bool any = false;
        DIR *folder;

        if (snprintf(path, sizeof(path), "%s/actions", state_dir) >= (int)sizeof(path))
                return false;
        folder = opendir(path);
        while (folder && !any && (entry = readdir(folder)))
                any = is_entry(entry->d_name);
        if (folder)
                closedir(folder);
        return any;
}

static int write_all(int fd, const void *data, size_t size)
{
        for (const char *p = data; size > 0;) {
                ssize_t n = write(fd, p, size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : -EIO;
                p += n;
                size -= (size_t)n;
        }
        return 0;
}

static int replace(struct journal *journal, const char *name, const void *data, size_t size)
{
        int fd = openat(journal->folder, "new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600), r;

        if (fd < 0)
                return -errno;
        r = write_all(fd, data, size);
        if (r == 0 && fsync(fd) < 0)
                r = -errno;
        if (close(fd) < 0 && r == 0)
                r = -errno;
        if (r == 0 && renameat(journal->folder, "new", journal->folder, name) < 0)
                r = -errno;
        if (r == 0 && fsync(journal->folder) < 0)
                r = -errno;
        return r;
}

static void name_of(struct action_key key, char name[NAME_SIZE])
{
        snprintf(name, NAME_SIZE, "%016llx%016llx", (unsigned long long)key.high, (unsigned long long)key.low);
}

int journal_write(struct journal *journal, const struct journal_entry *entry)
{
        const struct remedy *r = &entry->remedy;
        CLEANUP_FREE struct journal_record *record = calloc(1, sizeof(*record));
        char name[NAME_SIZE];

        if (!record)
                return -ENOMEM;
        *record = (struct journal_record){ .magic = MAGIC,
                                           .version = VERSION,
                                           .size = sizeof(*record),
                                           .order = entry->order,
                                           .at_wall = r->at_wall,
                                           .begun_boot = r->begun_boot,
                                           .lease_end = r->lease_end,
                                           .lease_max = r->request.lease_max,
                                           .state = r->state,
                                           .reason = r->reason,
                                           .verdict = r->verdict,
                                           .touched = r->touched,
                                           .one_way = r->request.one_way,
                                           .temporary = r->request.temporary,
                                           .gone_with_boot = r->request.gone_with_boot,
                                           .verified = r->verified,
                                           .inverse_size = entry->inverse_size };
        record->order.epoch = r->request.epoch;
        if (r->this_boot)
                memcpy(record->boot_id, journal->boot_id, sizeof(record->boot_id));
        memcpy(record->former, &r->former, sizeof(record->former));
        memcpy(record->ours, &r->ours, sizeof(record->ours));
        memcpy(record->present, &r->present, sizeof(record->present));
        memcpy(record->inverse, entry->inverse, entry->inverse_size);
        record->hash = hash_of(record);
        name_of(r->request.key, name);
        return replace(journal, name, record, sizeof(*record));
}

void journal_forget(struct journal *journal, struct action_key key)
{
        char name[NAME_SIZE];

        name_of(key, name);
        if (unlinkat(journal->folder, name, 0) == 0)
                (void)!fsync(journal->folder);
}

int journal_write_epoch(struct journal *journal, uint64_t epoch)
{
        char text[24];
        int n = snprintf(text, sizeof(text), "%llu\n", (unsigned long long)epoch);

        return replace(journal, "epoch", text, (size_t)n);
}

static int read_record(struct journal *journal, const char *name, struct journal_record *record)
{
        CLEANUP_FD int fd = openat(journal->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        char behind;

        if (fd < 0)
                return -errno;
        if (read(fd, record, sizeof(*record)) != sizeof(*record) || read(fd, &behind, 1) != 0)
                return -EBADMSG;
        if (memcmp(record->magic, MAGIC, sizeof(record->magic)) != 0 || record->version != VERSION ||
            record->size != sizeof(*record) || record->hash != hash_of(record))
                return -EBADMSG;
        if (record->inverse_size > ACTION_INVERSE_MAX || record->order.targets_count > ACTION_TARGETS_MAX ||
            record->order.cookies_count > ACTION_COOKIES_MAX || record->state < ACTION_INTENDED || record->state >= ACTION_STATES ||
            record->reason >= ACTION_REASONS || record->verdict >= ACTION_VERDICTS)
                return -EBADMSG;
        return 0;
}

static void convert(const struct journal *journal, const struct journal_record *record, struct journal_entry *entry)
{
        struct remedy *r = &entry->remedy;

        *entry = (struct journal_entry){ .order = record->order, .inverse_size = record->inverse_size };
        memcpy(entry->inverse, record->inverse, record->inverse_size);
        r->state = (enum action_state)record->state;
        r->reason = (enum action_reason)record->reason;
        r->verdict = (enum action_verdict)record->verdict;
        r->touched = record->touched;
        r->at_wall = record->at_wall;
        r->begun_boot = record->begun_boot;
        r->lease_end = record->lease_end;
        r->verified = record->verified;
        r->this_boot = memcmp(record->boot_id, journal->boot_id, sizeof(record->boot_id)) == 0;
        memcpy(&r->former, record->former, sizeof(record->former));
        memcpy(&r->ours, record->ours, sizeof(record->ours));
        memcpy(&r->present, record->present, sizeof(record->present));
        r->request = (struct remedy_request){ .order = ACTION_ORDER_APPLY,
                                              .kind = (enum action_kind)record->order.kind,
                                              .key = { record->order.key_high, record->order.key_low },
                                              .epoch = record->order.epoch,
                                              .expires = record->order.expires,
                                              .lease = record->order.lease,
                                              .by_person = record->order.by_person,
                                              .service = record->order.service,
                                              .allowed = true,
                                              .one_way = record->one_way,
                                              .temporary = record->temporary,
                                              .gone_with_boot = record->gone_with_boot,
                                              .lease_max = record->lease_max };
        memcpy(&r->request.former, record->order.former, sizeof(record->order.former));
}

int journal_read(struct journal *journal, void (*function)(void *data, const struct journal_entry *entry), void *data,
                 uint64_t *ret_epoch, size_t *ret_damaged)
{
        CLEANUP_FREE struct journal_record *record = calloc(1, sizeof(*record));
        CLEANUP_FREE struct journal_entry *entry = malloc(sizeof(*entry));
        size_t damaged = 0;
        uint64_t epoch = 0;
        struct dirent *item;
        char text[32];
        DIR *folder;
        int fd;

        if (!record || !entry)
                return -ENOMEM;
        fd = openat(journal->folder, "epoch", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd >= 0) {
                ssize_t n = text_read_fd(fd, text, sizeof(text));

                if (n <= 0 || sscanf(text, "%llu", (unsigned long long *)&epoch) != 1)
                        damaged++;
                close(fd);
        } else if (errno != ENOENT) {
                damaged++;
        }
        fd = openat(journal->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        folder = fd < 0 ? NULL : fdopendir(fd);
        if (!folder) {
                fd_close(&fd);
                return -EIO;
        }
        while ((item = readdir(folder))) {
                if (!is_entry(item->d_name))
                        continue;
                if (read_record(journal, item->d_name, record) < 0) {
                        damaged++;
                        continue;
                }
                convert(journal, record, entry);
                function(data, entry);
        }
        closedir(folder);
        *ret_epoch = epoch;
        *ret_damaged = damaged;
        return 0;
}
