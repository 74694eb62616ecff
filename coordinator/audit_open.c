/* How the audit log is opened: everything that is built on is looked at, and nothing is mended that cannot
 * be known to be a crash's. */
#include "coordinator/audit_internal.h"
#include "proto/log.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void audit_state_free(struct audit_state **state)
{
        struct audit_state *s = *state;

        *state = NULL;
        if (!s)
                return;
        for (size_t i = 0; i < s->pending_count; i++)
                free(s->pending[i].bytes);
        audit_key_free(&s->key);
        fd_close(&s->journal);
        fd_close(&s->files.folder);
        free(s);
}

static int open_folders(struct audit *audit, struct audit_state *s, struct audit_files *ret_state)
{
        int fd = open(audit->state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

        if (fd < 0)
                return audit_refuse(audit, -errno, "the state folder %s cannot be opened: %s", audit->state_dir, strerror(errno));
        *ret_state = (struct audit_files){ .folder = fd, .io = audit->io };
        r = audit->io->mkdir(audit->io->data, fd, AUDIT_FOLDER, 0700);
        if (r == 0)
                r = audit_file_sync_name(ret_state, AUDIT_FOLDER);
        if (r < 0 && r != -EEXIST)
                return audit_refuse(audit, r, "the folder of the audit log cannot be made: %s", strerror(-r));
        s->files.io = audit->io;
        s->files.folder = openat(fd, AUDIT_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (s->files.folder < 0)
                return audit_refuse(audit, -errno, "the folder of the audit log cannot be opened: %s", strerror(errno));
        return 0;
}

static bool is_key(const struct audit_key *key, const struct note_key *public)
{
        uint8_t bytes[NOTE_PUBLIC_SIZE];

        audit_key_public(key, bytes);
        return memcmp(bytes, public->public, NOTE_PUBLIC_SIZE) == 0;
}

/* A log that is not there yet: key, journal, and last the public half, by which it is there. */
static int make_log(struct audit *audit, struct audit_state *s, const struct audit_files *state)
{
        char name[NOTE_NAME_MAX + 1], text[NOTE_KEY_TEXT_MAX], path[AUDIT_PATH_MAX];
        uint8_t public[NOTE_PUBLIC_SIZE];
        int r = audit_key_read(state, AUDIT_KEY_FILE, &s->key);

        if (r == -ENOENT) {
                r = audit_key_new(&s->key);
                if (r == 0)
                        r = audit_key_write(state, AUDIT_KEY_FILE, s->key);
        }
        if (r < 0)
                return audit_refuse(audit, r, "the key of the audit log, %s, cannot be made or read: %s", AUDIT_KEY_FILE,
                                    strerror(-r));
        audit_key_public(s->key, public);
        snprintf(name, sizeof(name), "nightshift/%.150s-%02x%02x%02x%02x", audit->name, public[0], public[1], public[2], public[3]);
        r = note_key_make(name, public, &s->keys.keys[0]);
        if (r < 0)
                return audit_refuse(audit, r, "'%.150s' is no name for an audit log", audit->name);
        s->keys.count = 1;
        snprintf(s->origin, sizeof(s->origin), "%s", name);
        r = audit_state_begin_journal(s);
        if (r == 0) {
                note_key_format(&s->keys.keys[0], text);
                strcat(text, "\n");
                r = audit_file_put(&s->files, audit_keys_path(0, path), 0600, text, strlen(text), true);
        }
        if (r < 0)
                return audit_refuse(audit, r, "the audit log cannot be made: %s", strerror(-r));
        log_notice("audit", "made an audit log, %.*s", (int)strlen(text) - 1, text);
        return 0;
}

/* The private half of the last key; a change of keys that was interrupted is ended. */
static int load_key(struct audit *audit, struct audit_state *s, const struct audit_files *state)
{
        const struct note_key *last = &s->keys.keys[s->keys.count - 1];
        struct audit_key *next = NULL;
        int r = audit_key_read(state, AUDIT_KEY_FILE, &s->key);

        if (r == 0 && is_key(s->key, last))
                return audit_file_exists(state, AUDIT_KEY_NEXT_FILE) ? audit_file_remove(state, AUDIT_KEY_NEXT_FILE, false) : 0;
        if (audit_key_read(state, AUDIT_KEY_NEXT_FILE, &next) == 0 && is_key(next, last)) {
                audit_key_free(&s->key);
                s->key = next;
                r = state->io->rename(state->io->data, state->folder, AUDIT_KEY_NEXT_FILE, AUDIT_KEY_FILE);
                if (r == 0)
                        r = audit_file_sync_name(state, AUDIT_KEY_FILE);
                return r < 0 ? audit_refuse(audit, r, "%s cannot be renamed: %s", AUDIT_KEY_NEXT_FILE, strerror(-r)) : 0;
        }
        audit_key_free(&next);
        if (r < 0)
                return audit_refuse(audit, r, "the key of the audit log, %s, cannot be read: %s", AUDIT_KEY_FILE, strerror(-r));
        return audit_refuse(audit, -EKEYREJECTED, "%s is not the key of the audit log beside it", AUDIT_KEY_FILE);
}

static int load_keys(struct audit *audit, struct audit_state *s, const struct audit_files *state)
{
        int r = audit_keys_read(&s->files, &s->keys);

        if (r == -ENOENT && !audit_file_exists(&s->files, AUDIT_CHECKPOINT_FILE) && !audit_file_exists(&s->files, "tile"))
                return make_log(audit, s, state);
        if (r < 0)
                return audit_refuse(audit, r, "the key of the audit log, audit/key/%zu, is %s", s->keys.count,
                                    r == -ENOENT ? "missing" : "damaged");
        snprintf(s->origin, sizeof(s->origin), "%s", s->keys.keys[0].name);
        return load_key(audit, s, state);
}

/* The right edge below `base`, of whole tiles alone. */
static int load_levels(struct audit_state *s)
{
        int r = 0;

        for (unsigned level = 1; level < AUDIT_LEVELS; level++) {
                uint64_t count = s->base >> (level * AUDIT_TILE_BITS), first = count / AUDIT_TILE_WIDTH * AUDIT_TILE_WIDTH;

                for (uint64_t i = first; i < count; i++) {
                        char path[AUDIT_PATH_MAX];
                        struct tlog_hash hashes[AUDIT_TILE_WIDTH];
                        CLEANUP_FREE uint8_t *data = NULL;
                        size_t size;

                        r = audit_file_read(&s->files, audit_tile_path((int)level - 1, i, AUDIT_TILE_WIDTH, path), AUDIT_TILE_SIZE,
                                            &data, &size);
                        if (r < 0 || size != AUDIT_TILE_SIZE)
                                return r < 0 ? r : -EBADMSG;
                        memcpy(hashes, data, AUDIT_TILE_SIZE);
                        r = audit_tile_fold(hashes, AUDIT_TILE_BITS, &s->levels[level].hashes[s->levels[level].count++]);
                        if (r < 0)
                                return r;
                }
        }
        for (unsigned level = AUDIT_LEVELS; level-- > 1;)
                for (unsigned i = 0; i < s->levels[level].count; i++) {
                        r = tlog_edge_add(&s->edge, level * AUDIT_TILE_BITS, &s->levels[level].hashes[i]);
                        if (r < 0)
                                return r;
                }
        return 0;
}

/* What a frame holds is what its checkpoint says. */
static int take_frame(struct audit_state *s, const struct audit_frame *f)
{
        const uint8_t *data;
        struct checkpoint checkpoint = { 0 };
        struct tlog_hash root;
        size_t at = 0, size;
        int r = 0;

        if (s->pending_count + f->entries_count > AUDIT_PENDING_MAX)
                return -EBADMSG;
        while (r == 0 && audit_bundle_take(f->entries, f->entries_size, &at, &data, &size) == 0) {
                struct audit_pending *p = &s->pending[s->pending_count];

                p->bytes = malloc(size ? size : 1);
                if (!p->bytes)
                        return -ENOMEM;
                memcpy(p->bytes, data, size);
                p->size = size;
                s->pending_count++;
                r = tlog_leaf(data, size, &p->leaf);
                if (r == 0)
                        r = tlog_edge_add(&s->edge, 0, &p->leaf);
        }
        if (r == 0)
                r = audit_keys_open_checkpoint(&s->keys, f->note, f->note_size, &checkpoint);
        if (r == 0)
                r = tlog_edge_root(&s->edge, &root);
        if (r == 0 && (checkpoint.size != s->edge.size || !tlog_hash_equal(&checkpoint.root, &root)))
                r = -EBADMSG;
        for (at = 0; r == 0 && audit_frame_evidence(f, &at, &data, &size) == 0;)
                r = audit_put_evidence(s, data, size, true);
        return r;
}

static int load_journal(struct audit *audit, struct audit_state *s)
{
        CLEANUP_FREE uint8_t *data = NULL;
        char origin[NOTE_NAME_MAX + 1];
        struct audit_frame frame;
        const char *why = "";
        size_t size, at;
        int r = audit_file_read(&s->files, AUDIT_JOURNAL_FILE, AUDIT_JOURNAL_MAX, &data, &size);

        if (r < 0)
                return audit_refuse(audit, r, "the journal of the audit log cannot be read: %s", strerror(-r));
        r = audit_journal_begin(data, size, origin, sizeof(origin), &s->base, &at);
        if (r < 0 || strcmp(origin, s->origin) != 0)
                return audit_refuse(audit, -EBADMSG, "the journal of the audit log is damaged at its beginning");
        r = load_levels(s);
        if (r < 0)
                return audit_refuse(audit, r, "a tile of the audit log cannot be read: %s", strerror(-r));
        while ((r = audit_frame_take(data, size, &at, &frame, &why)) == 0) {
                r = take_frame(s, &frame);
                if (r < 0)
                        return audit_refuse(audit, r,
                                            "the journal of the audit log is not what its checkpoints say, before byte %zu", at);
        }
        if (r == -ENODATA)
                log_notice("audit", "dropped %zu bytes of an entry that was being written when the coordinator ended", size - at);
        else if (r < 0)
                return audit_refuse(audit, r, "the journal of the audit log is damaged at byte %zu: %s", at, why);
        return 0;
}

/* The file's checkpoint is one of this log's. */
static int check_checkpoint(struct audit *audit, struct audit_state *s)
{
        CLEANUP_FREE uint8_t *note = NULL;
        struct checkpoint checkpoint = { 0 };
        struct tlog_hash root;
        size_t size;
        int r = audit_file_read(&s->files, AUDIT_CHECKPOINT_FILE, NOTE_MAX, &note, &size);

        if (r == -ENOENT && s->base == 0)
                return 0;
        if (r == 0)
                r = audit_keys_open_checkpoint(&s->keys, (const char *)note, size, &checkpoint);
        if (r < 0)
                return audit_refuse(audit, r, "the checkpoint of the audit log is missing or damaged");
        if (checkpoint.size > audit_state_size(s))
                return audit_refuse(audit, -ESTALE,
                                    "the audit log has %" PRIu64 " entries but had %" PRIu64 ": it was rolled back or is damaged",
                                    audit_state_size(s), checkpoint.size);
        r = tlog_root(checkpoint.size, audit_read_node, s, &root);
        if (r == 0 && !tlog_hash_equal(&root, &checkpoint.root))
                r = -EBADMSG;
        return r < 0 ? audit_refuse(audit, r, "the audit log is not the one that its checkpoint is of") : 0;
}

/* Parts that a crash left, of the tile at the right edge and the one before it. */
static int remove_stale_parts(struct audit_state *s, int level, uint64_t number)
{
        char path[AUDIT_PATH_MAX], file[2 * AUDIT_PATH_MAX];
        struct dirent *entry;
        int fd, r = 0;
        DIR *folder;

        audit_tile_parts_path(level, number, path);
        fd = openat(s->files.folder, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        folder = fdopendir(fd);
        if (!folder) {
                fd_close(&fd);
                return -ENOMEM;
        }
        while (r == 0 && (entry = readdir(folder)))
                if (entry->d_name[0] != '.' && snprintf(file, sizeof(file), "%s/%s", path, entry->d_name) < AUDIT_PATH_MAX)
                        r = audit_file_remove(&s->files, file, false);
        closedir(folder);
        return r < 0 ? r : audit_file_remove(&s->files, path, true);
}

static int publish_anew(struct audit_state *s)
{
        int r = audit_file_remove(&s->files, AUDIT_FILE_NEW, false);

        for (int level = AUDIT_BUNDLE_LEVEL; level < AUDIT_LEVELS && r == 0; level++) {
                uint64_t number = (s->base >> (MAX(level, 0) * AUDIT_TILE_BITS)) / AUDIT_TILE_WIDTH;

                r = remove_stale_parts(s, level, number);
                if (r == 0 && number > 0)
                        r = remove_stale_parts(s, level, number - 1);
        }
        s->published_size = UINT64_MAX;
        if (r == 0)
                r = audit_sign_checkpoint(s, &s->edge, s->note, &s->note_size);
        if (r == 0)
                r = audit_state_settle(s);
        if (r == 0)
                r = audit_state_publish(s);
        return r < 0 ? r : audit_state_begin_journal(s);
}

int audit_state_open(struct audit *audit, struct audit_state **ret_state)
{
        struct audit_state *s = calloc(1, sizeof(*s));
        struct audit_files state = { .folder = -1, .io = audit->io };
        int r;

        if (!s)
                return audit_refuse(audit, -ENOMEM, "out of memory");
        s->journal = s->files.folder = -1;
        r = open_folders(audit, s, &state);
        if (r == 0)
                r = load_keys(audit, s, &state);
        if (r == 0)
                r = load_journal(audit, s);
        if (r == 0)
                r = check_checkpoint(audit, s);
        if (r == 0) {
                note_key_format(&s->keys.keys[s->keys.count - 1], s->key_text);
                r = publish_anew(s);
                if (r < 0)
                        audit_refuse(audit, r, "the audit log cannot be brought up to date: %s", strerror(-r));
        }
        fd_close(&state.folder);
        if (r < 0)
                audit_state_free(&s);
        else
                *ret_state = s;
        return r;
}

int audit_rotate_key(struct audit *audit, char *ret_key)
{
        struct audit_state *s = audit->state;
        struct audit_files state = { .folder = -1, .io = audit->io };
        struct audit_key *next = NULL;
        struct note_key public;
        uint8_t bytes[NOTE_PUBLIC_SIZE];
        char note[NOTE_MAX + 1], path[AUDIT_PATH_MAX];
        size_t size;
        int r;

        if (audit->refused)
                return -EROFS;
        if (s->keys.count == AUDIT_KEYS_MAX)
                return -E2BIG;
        state.folder = open(audit->state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (state.folder < 0)
                return -errno;
        r = audit_key_new(&next);
        if (r == 0) {
                audit_key_public(next, bytes);
                r = note_key_make(s->origin, bytes, &public);
        }
        if (r == 0)
                r = audit_key_write(&state, AUDIT_KEY_NEXT_FILE, next);
        if (r == 0)
                r = audit_key_hand_over(s->key, &s->keys.keys[s->keys.count - 1], &public, audit_state_size(s), note, &size);
        /* From here on it is the key: opening the log ends what a crash interrupts. */
        if (r == 0)
                r = audit_file_put(&s->files, audit_keys_path(s->keys.count, path), 0600, note, size, true);
        if (r == 0)
                r = state.io->rename(state.io->data, state.folder, AUDIT_KEY_NEXT_FILE, AUDIT_KEY_FILE);
        if (r == 0)
                r = audit_file_sync_name(&state, AUDIT_KEY_FILE);
        audit_key_free(&next);
        fd_close(&state.folder);
        if (r < 0)
                return audit_refuse(audit, r, "the key of the audit log cannot be changed: %s", strerror(-r));
        r = audit_recover(audit);
        if (r == 0)
                snprintf(ret_key, NOTE_KEY_TEXT_MAX, "%s", audit->state->key_text);
        return r;
}
