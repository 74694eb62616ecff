#include "coordinator/audit_tiles.h"

#include <inttypes.h>
#include <stdio.h>

static int put_number(char *p, size_t room, uint64_t number)
{
        char groups[7][4];
        size_t count = 0;
        int n = 0;

        do {
                snprintf(groups[count++], sizeof(groups[0]), "%03u", (unsigned)(number % 1000));
                number /= 1000;
        } while (number && count < ARRAY_SIZE(groups));
        while (count-- > 0)
                n += snprintf(p + n, room - (size_t)n, count ? "x%s/" : "%s", groups[count]);
        return n;
}

static int put_whole(int level, uint64_t number, char ret_path[AUDIT_PATH_MAX])
{
        int n = level == AUDIT_BUNDLE_LEVEL ? snprintf(ret_path, AUDIT_PATH_MAX, "tile/entries/")
                                            : snprintf(ret_path, AUDIT_PATH_MAX, "tile/%d/", level);

        return n + put_number(ret_path + n, AUDIT_PATH_MAX - (size_t)n, number);
}

const char *audit_tile_path(int level, uint64_t number, unsigned width, char ret_path[AUDIT_PATH_MAX])
{
        int n = put_whole(level, number, ret_path);

        if (width < AUDIT_TILE_WIDTH)
                snprintf(ret_path + n, AUDIT_PATH_MAX - (size_t)n, ".p/%u", width);
        return ret_path;
}

const char *audit_tile_parts_path(int level, uint64_t number, char ret_path[AUDIT_PATH_MAX])
{
        int n = put_whole(level, number, ret_path);

        snprintf(ret_path + n, AUDIT_PATH_MAX - (size_t)n, ".p");
        return ret_path;
}

int audit_bundle_take(const uint8_t *bundle, size_t size, size_t *at, const uint8_t **ret_entry, size_t *ret_size)
{
        size_t length;

        if (*at == size)
                return 1;
        if (size - *at < 2)
                return -EBADMSG;
        length = (size_t)bundle[*at] << 8 | bundle[*at + 1];
        if (size - *at - 2 < length)
                return -EBADMSG;
        *ret_entry = bundle + *at + 2;
        *ret_size = length;
        *at += 2 + length;
        return 0;
}

int audit_tile_fold(const struct tlog_hash *hashes, unsigned height, struct tlog_hash *ret_hash)
{
        struct tlog_edge edge = { 0 };

        for (size_t i = 0; i < (size_t)1 << height; i++) {
                int r = tlog_edge_add(&edge, 0, &hashes[i]);

                if (r < 0)
                        return r;
        }
        return tlog_edge_root(&edge, ret_hash);
}
