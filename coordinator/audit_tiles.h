/* How a log's tree and entries lie in files (C2SP tlog-tiles): tiles of 256 hashes under tile/LEVEL/N,
 * bundles of 256 entries, each behind its length in 16 bits, under tile/entries/N; N in groups of three
 * digits, all but the last with an x before them, and ".p/WIDTH" behind it while there are fewer. */
#pragma once

#include "coordinator/audit_files.h"
#include "proto/tlog.h"

#define AUDIT_TILE_WIDTH 256
#define AUDIT_TILE_BITS 8
#define AUDIT_TILE_SIZE ((size_t)AUDIT_TILE_WIDTH * TLOG_HASH_SIZE)
#define AUDIT_LEVELS 8 /* 2^64 entries */
#define AUDIT_BUNDLE_LEVEL (-1)
#define AUDIT_BUNDLE_MAX ((size_t)AUDIT_TILE_WIDTH * (2 + 65535))

/* `width` below AUDIT_TILE_WIDTH: of a part. Returns `ret_path`. */
const char *audit_tile_path(int level, uint64_t number, unsigned width, char ret_path[AUDIT_PATH_MAX]);
/* The folder of its parts. */
const char *audit_tile_parts_path(int level, uint64_t number, char ret_path[AUDIT_PATH_MAX]);

/* The next entry of a bundle, from *at on, which is moved behind it. 0; 1 at the end; -EBADMSG: it does
 * not end with the entry's. */
MUST_CHECK int audit_bundle_take(const uint8_t *bundle, size_t size, size_t *at, const uint8_t **ret_entry, size_t *ret_size);

/* The hash over 2^height hashes that lie one behind the other. */
MUST_CHECK int audit_tile_fold(const struct tlog_hash *hashes, unsigned height, struct tlog_hash *ret_hash);
