#include "coordinator/audit_verify_internal.h"
#include "proto/base64.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Findings in a log that grew meanwhile may be of its growing. */
#define ATTEMPTS 5
#define FINDINGS_MAX 1000

void verify_find(struct verifier *v, const char *file, const char *format, ...)
{
        struct verify_finding *f;
        va_list args;

        v->verified->findings++;
        if (v->findings_count == v->findings_capacity) {
                size_t capacity = v->findings_capacity ? 2 * v->findings_capacity : 16;

                f = capacity > FINDINGS_MAX ? NULL : realloc(v->findings, capacity * sizeof(*f));
                if (!f)
                        return;
                v->findings = f;
                v->findings_capacity = capacity;
        }
        f = &v->findings[v->findings_count++];
        snprintf(f->file, sizeof(f->file), "%s", file);
        va_start(args, format);
        vsnprintf(f->sentence, sizeof(f->sentence), format, args);
        va_end(args);
}

static void check_root(struct verifier *v, const struct checkpoint *c, const char *file, const char *sentence)
{
        struct tlog_hash root;
        int r;

        if (c->size != v->edge.size)
                return;
        r = tlog_edge_root(&v->edge, &root);
        if (r < 0)
                v->failed = r;
        else if (!tlog_hash_equal(&root, &c->root))
                verify_find(v, file, "%s", sentence);
}

static void check_roots(struct verifier *v)
{
        if (v->has_checkpoint)
                check_root(v, &v->checkpoint, "checkpoint", "its root is not that of the entries");
        if (v->has_given)
                check_root(v, &v->given, "checkpoint", "the log does not continue the checkpoint that was given: it was forked");
}

void verify_add_leaf(struct verifier *v, const struct tlog_hash *leaf)
{
        int r = tlog_edge_add(&v->edge, 0, leaf);

        if (r < 0)
                v->failed = r;
        check_roots(v);
}

static void read_keys(struct verifier *v)
{
        char path[AUDIT_PATH_MAX];
        struct note_key given;
        int r = audit_keys_read(&v->files, &v->keys);

        v->keys_good = r == 0;
        if (r < 0) {
                verify_find(v, audit_keys_path(v->keys.count, path),
                            r == -ENOENT ? "it is missing" : "it is not a key, or not named by the key before it");
                return;
        }
        if (!v->options->key || note_key_parse(v->options->key, strlen(v->options->key), &given) < 0)
                return;
        if (memcmp(given.public, v->keys.keys[0].public, NOTE_PUBLIC_SIZE) != 0 || given.id != v->keys.keys[0].id)
                verify_find(v, audit_keys_path(0, path), "it is not the key that was given");
}

static void read_checkpoint(struct verifier *v)
{
        int r = audit_file_read(&v->files, "checkpoint", NOTE_MAX, &v->checkpoint_bytes, &v->checkpoint_bytes_size);

        if (r < 0) {
                verify_find(v, "checkpoint", "it cannot be read: %s", strerror(-r));
                return;
        }
        v->verified->files++;
        if (!v->keys_good)
                return;
        r = audit_keys_open_checkpoint(&v->keys, (const char *)v->checkpoint_bytes, v->checkpoint_bytes_size, &v->checkpoint);
        if (r < 0)
                verify_find(v, "checkpoint",
                            r == -ENOKEY         ? "it is not signed by the log's key"
                            : r == -EKEYREJECTED ? "its signature is wrong"
                                                 : "it is no checkpoint of this log");
        v->has_checkpoint = r == 0;
}

static void read_given(struct verifier *v)
{
        int r;

        if (!v->options->checkpoint || !v->keys_good)
                return;
        r = audit_keys_open_checkpoint(&v->keys, v->options->checkpoint, v->options->checkpoint_size, &v->given);
        if (r < 0)
                verify_find(v, "checkpoint", "the checkpoint that was given is not signed by this log's key");
        v->has_given = r == 0;
}

/* Without a checkpoint to say so: how many entries the part of a bundle at `base` has. */
static uint64_t guess_published(const struct verifier *v)
{
        for (unsigned width = AUDIT_TILE_WIDTH - 1; width > 0; width--) {
                char path[AUDIT_PATH_MAX];

                if (audit_file_exists(&v->files, audit_tile_path(AUDIT_BUNDLE_LEVEL, v->base / AUDIT_TILE_WIDTH, width, path)))
                        return v->base + width;
        }
        return v->base;
}

/* Without a journal or a checkpoint to say so. */
static uint64_t guess_base(const struct verifier *v)
{
        char path[AUDIT_PATH_MAX];
        uint64_t n = 0;

        while (audit_file_exists(&v->files, audit_tile_path(AUDIT_BUNDLE_LEVEL, n, AUDIT_TILE_WIDTH, path)))
                n++;
        return n * AUDIT_TILE_WIDTH;
}

/* Frames are looked through once before: entries of a damaged journal are taken from the bundle's part. */
static void scan_journal(struct verifier *v, size_t at)
{
        struct audit_frame frame;
        const char *why;
        int r;

        while ((r = audit_frame_take(v->journal, v->journal_size, &at, &frame, &why)) == 0)
                ;
        if (r == -ENODATA)
                v->verified->unfinished = v->journal_size - at;
        else if (r < 0)
                verify_find(v, "journal", "it is damaged at byte %zu: %s", at, why);
        v->has_journal = r == 1 || r == -ENODATA;
        v->names_missing = !v->has_journal;
}

static void read_journal(struct verifier *v)
{
        char origin[NOTE_NAME_MAX + 1];
        size_t at = 0;
        int r = audit_file_read(&v->files, "journal", AUDIT_JOURNAL_MAX, &v->journal, &v->journal_size);

        /* A copy for others has none, and needs none. */
        if (r == 0) {
                v->verified->files++;
                r = audit_journal_begin(v->journal, v->journal_size, origin, sizeof(origin), &v->base, &at);
                if (r < 0 || (v->keys_good && strcmp(origin, v->keys.keys[0].name) != 0)) {
                        verify_find(v, "journal", "it does not begin as the journal of this log");
                        r = -EBADMSG;
                        v->names_missing = true;
                } else {
                        scan_journal(v, at);
                }
        } else {
                v->names_missing = true;
                if (r != -ENOENT)
                        verify_find(v, "journal", "it cannot be read: %s", strerror(-r));
        }
        if (r < 0)
                v->base = v->has_checkpoint ? v->checkpoint.size / AUDIT_TILE_WIDTH * AUDIT_TILE_WIDTH : guess_base(v);
        v->published = v->has_checkpoint ? v->checkpoint.size : guess_published(v);
        if (v->published < v->base || v->published - v->base >= AUDIT_TILE_WIDTH) {
                verify_find(v, "journal", "it begins at entry %" PRIu64 ", but the checkpoint is of %" PRIu64, v->base,
                            v->published);
                v->published = MAX(v->published, v->base);
        }
}

static void forget(struct verifier *v)
{
        free(v->findings);
        free(v->checkpoint_bytes);
        free(v->journal);
        free(v->evidence);
        verify_batch_free(&v->batch);
        free(v);
}

/* Whether the writer has been at it. */
static bool has_changed(const struct verifier *v)
{
        CLEANUP_FREE uint8_t *checkpoint = NULL;
        struct stat st = { 0 };
        size_t size = 0;

        if (audit_file_read(&v->files, "checkpoint", NOTE_MAX, &checkpoint, &size) < 0 || !v->checkpoint_bytes)
                return false;
        if (size != v->checkpoint_bytes_size || memcmp(checkpoint, v->checkpoint_bytes, size) != 0)
                return true;
        return fstatat(v->files.folder, "journal", &st, 0) == 0 && v->journal && (size_t)st.st_size != v->journal_size;
}

static int attempt(int folder, const struct audit_verify_options *options, audit_finding_function function, void *data,
                   struct audit_verified *ret, bool last)
{
        struct verifier *v = calloc(1, sizeof(*v));
        struct tlog_hash root;
        int r;

        if (!v)
                return -ENOMEM;
        *ret = (struct audit_verified){ 0 };
        v->files = (struct audit_files){ .folder = folder, .io = &audit_io_real };
        v->options = options;
        v->verified = ret;
        v->threads = options->threads ? options->threads : (unsigned)MAX(MIN(sysconf(_SC_NPROCESSORS_ONLN), 8), 1);
        read_keys(v);
        read_checkpoint(v);
        read_given(v);
        read_journal(v);
        check_roots(v);
        verify_bundles(v);
        verify_rest(v);
        verify_batch_end(v);
        verify_files(v);
        if (v->has_given && v->given.size > v->edge.size)
                verify_find(v, "checkpoint", "the log has %" PRIu64 " entries, but had %" PRIu64 ": it was rolled back",
                            v->edge.size, v->given.size);
        ret->entries = v->edge.size;
        if (v->keys_good)
                note_key_format(&v->keys.keys[0], ret->key);
        if (tlog_edge_root(&v->edge, &root) == 0)
                base64_encode(root.bytes, TLOG_HASH_SIZE, ret->root);
        r = v->failed;
        if (r == 0 && ret->findings && !last && has_changed(v))
                r = -EAGAIN;
        for (size_t i = 0; r == 0 && i < v->findings_count; i++)
                function(data, &(struct audit_finding){ .file = v->findings[i].file, .sentence = v->findings[i].sentence });
        forget(v);
        return r;
}

int audit_verify(const char *folder, const struct audit_verify_options *options, audit_finding_function function, void *data,
                 struct audit_verified *ret_verified)
{
        const struct audit_verify_options none = { 0 };
        struct audit_files files = { .io = &audit_io_real };
        struct note_key key;
        int r = -EAGAIN;

        options = options ? options : &none;
        if (options->key && note_key_parse(options->key, strlen(options->key), &key) < 0)
                return -EINVAL;
        files.folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (files.folder < 0)
                return -errno;
        if (!audit_file_exists(&files, "checkpoint") && !audit_file_exists(&files, "key") && !audit_file_exists(&files, "tile"))
                r = -ENOENT;
        for (unsigned i = 1; i <= ATTEMPTS && r == -EAGAIN; i++) {
                if (i > 1)
                        nanosleep(&(struct timespec){ .tv_nsec = 100 * NSEC_PER_MSEC }, NULL);
                r = attempt(files.folder, options, function, data, ret_verified, i == ATTEMPTS);
        }
        fd_close(&files.folder);
        return r;
}
