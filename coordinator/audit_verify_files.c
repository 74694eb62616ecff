/* Evidence, and files that do not belong to the log. */
#include "coordinator/audit.h"
#include "coordinator/audit_verify_internal.h"
#include "coordinator/digest.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DEPTH_MAX 16

static int by_digest(const void *a, const void *b)
{
        return memcmp(a, b, TLOG_HASH_SIZE);
}

static bool is_named(const struct verifier *v, const uint8_t digest[TLOG_HASH_SIZE])
{
        return v->evidence_count && bsearch(digest, v->evidence, v->evidence_count, TLOG_HASH_SIZE, by_digest);
}

static void check_evidence(struct verifier *v, const uint8_t digest[TLOG_HASH_SIZE])
{
        char text[DIGEST_TEXT_SIZE], path[AUDIT_PATH_MAX];
        CLEANUP_FREE uint8_t *data = NULL;
        uint8_t actual[DIGEST_SIZE];
        size_t size;
        int r;

        digest_text(digest, text);
        snprintf(path, sizeof(path), "evidence/%.2s/%s", text, text);
        r = audit_file_read(&v->files, path, AUDIT_EVIDENCE_MAX, &data, &size);
        if (r == 0)
                r = digest_of(data, size, actual);
        if (r < 0)
                verify_find(v, path, "evidence that an entry names cannot be read: %s", strerror(-r));
        else if (memcmp(actual, digest, DIGEST_SIZE) != 0)
                verify_find(v, path, "evidence is not what it was: its digest is another than its name");
        v->verified->files += r == 0;
        v->verified->evidence++;
}

/* "x001/x234/067" or "x001/234.p/5" behind "tile/LEVEL/"; its only spelling is looked at by the caller. */
static bool parse_tile(const char *path, int *ret_level, uint64_t *ret_number, unsigned *ret_width)
{
        uint64_t number = 0;
        char *end;

        if (strncmp(path, "tile/", 5) != 0)
                return false;
        path += 5;
        if (strncmp(path, "entries/", 8) == 0) {
                *ret_level = AUDIT_BUNDLE_LEVEL;
                path += 8;
        } else {
                if (path[0] < '0' || path[0] > '7' || path[1] != '/')
                        return false;
                *ret_level = path[0] - '0';
                path += 2;
        }
        for (;;) {
                bool more = *path == 'x';

                path += more;
                number = number * 1000 + strtoul(path, &end, 10);
                if (end != path + 3)
                        return false;
                path = end + 1;
                if (!more || *end != '/')
                        break;
        }
        *ret_number = number;
        *ret_width = AUDIT_TILE_WIDTH;
        if (*end && strncmp(end, ".p/", 3) == 0)
                *ret_width = (unsigned)strtoul(end + 3, NULL, 10);
        return true;
}

static bool is_tile(const struct verifier *v, const char *path)
{
        char right[AUDIT_PATH_MAX];
        unsigned width, shift;
        uint64_t number, last;
        int level;

        if (!parse_tile(path, &level, &number, &width) || strcmp(audit_tile_path(level, number, width, right), path) != 0)
                return false;
        shift = (unsigned)MAX(level, 0) * AUDIT_TILE_BITS;
        last = (v->base >> shift) / AUDIT_TILE_WIDTH;
        if (width == AUDIT_TILE_WIDTH)
                return number < last;
        return number == last && width == (shift ? (v->base >> shift) % AUDIT_TILE_WIDTH : v->published - v->base);
}

static bool is_evidence(struct verifier *v, const char *path)
{
        uint8_t digest[TLOG_HASH_SIZE];
        char right[AUDIT_PATH_MAX], text[DIGEST_TEXT_SIZE];

        if (strlen(path) != strlen("evidence/ab/") + 2 * TLOG_HASH_SIZE)
                return false;
        for (size_t i = 0; i < sizeof(digest); i++)
                if (sscanf(path + strlen("evidence/ab/") + 2 * i, "%2hhx", &digest[i]) != 1)
                        return false;
        digest_text(digest, text);
        snprintf(right, sizeof(right), "evidence/%.2s/%s", text, text);
        if (strcmp(right, path) != 0)
                return false;
        if (is_named(v, digest))
                return true;
        /* Of an entry that cannot be read, or is not here yet. */
        if (v->names_missing)
                check_evidence(v, digest);
        return v->names_missing;
}

static bool is_key(const struct verifier *v, const char *path)
{
        char right[AUDIT_PATH_MAX];
        size_t number = strncmp(path, "key/", 4) == 0 ? strtoul(path + 4, NULL, 10) : SIZE_MAX;

        /* What follows one that is wrong cannot be told. */
        return (number < v->keys.count || !v->keys_good) && strcmp(audit_keys_path(number, right), path) == 0;
}

static void walk(struct verifier *v, const char *path, unsigned depth)
{
        int fd = openat(v->files.folder, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        DIR *folder = fd < 0 ? NULL : fdopendir(fd);
        struct dirent *entry;

        if (!folder) {
                fd_close(&fd);
                verify_find(v, path, "it cannot be read: %s", strerror(errno));
                return;
        }
        while ((entry = readdir(folder))) {
                char inner[2 * AUDIT_PATH_MAX];
                struct stat st;

                if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                        continue;
                snprintf(inner, sizeof(inner), "%.*s%s%.*s", AUDIT_PATH_MAX / 2, path, *path ? "/" : "", AUDIT_PATH_MAX,
                         entry->d_name);
                if (fstatat(v->files.folder, inner, &st, AT_SYMLINK_NOFOLLOW) < 0) {
                        if (errno != ENOENT)
                                verify_find(v, inner, "it cannot be read: %s", strerror(errno));
                } else if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX) {
                        walk(v, inner, depth + 1);
                } else if (!S_ISREG(st.st_mode) ||
                           (strcmp(inner, "checkpoint") && strcmp(inner, "journal") && strcmp(inner, AUDIT_FILE_NEW) &&
                            !is_key(v, inner) && !is_tile(v, inner) && !is_evidence(v, inner))) {
                        verify_find(v, inner, "it does not belong to the log");
                }
        }
        closedir(folder);
}

void verify_files(struct verifier *v)
{
        size_t kept = 0;

        if (v->evidence_count)
                qsort(v->evidence, v->evidence_count, sizeof(*v->evidence), by_digest);
        /* Each once, however many entries name it. */
        for (size_t i = 0; i < v->evidence_count; i++)
                if (kept == 0 || memcmp(v->evidence[kept - 1], v->evidence[i], TLOG_HASH_SIZE) != 0)
                        memmove(v->evidence[kept++], v->evidence[i], TLOG_HASH_SIZE);
        v->evidence_count = kept;
        for (size_t i = 0; i < kept; i++)
                check_evidence(v, v->evidence[i]);
        v->verified->files += v->keys.count;
        walk(v, "", 0);
}
