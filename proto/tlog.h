/* Merkle trees of transparency logs (RFC 9162, section 2.1): hashes, roots and proofs, without I/O.
 * Leaf SHA256(0x00 || entry), node SHA256(0x01 || left || right), SHA256("") for the empty tree.
 *
 * Functions that hash return -ENOMEM if OpenSSL does; a proof that proves nothing is -EBADMSG. */
#pragma once

#include "proto/base.h"

#define TLOG_HASH_SIZE 32
#define TLOG_PROOF_MAX 128 /* hashes of a proof; more are refused */

struct tlog_hash {
        uint8_t bytes[TLOG_HASH_SIZE];
};

bool tlog_hash_equal(const struct tlog_hash *a, const struct tlog_hash *b);
MUST_CHECK int tlog_leaf(const void *entry, size_t size, struct tlog_hash *ret_hash);
MUST_CHECK int tlog_node(const struct tlog_hash *left, const struct tlog_hash *right, struct tlog_hash *ret_hash);

/* The root of a tree that grows, from nothing but its right edge: one hash for each bit of its size. */
struct tlog_edge {
        uint64_t size;
        unsigned count;
        struct tlog_hash hashes[64]; /* of whole subtrees, the largest first */
};
/* Adds a whole subtree of 2^height leaves; the size must be a multiple of that. */
MUST_CHECK int tlog_edge_add(struct tlog_edge *edge, unsigned height, const struct tlog_hash *hash);
MUST_CHECK int tlog_edge_root(const struct tlog_edge *edge, struct tlog_hash *ret_root);

/* The hash of the whole subtree of 2^height leaves from leaf (index << height) on. */
typedef int (*tlog_read_function)(void *data, unsigned height, uint64_t index, struct tlog_hash *ret_hash);

/* Of the tree of `size` leaves, by what `read` hands out. */
MUST_CHECK int tlog_root(uint64_t size, tlog_read_function read, void *data, struct tlog_hash *ret_root);
MUST_CHECK int tlog_prove_inclusion(uint64_t index, uint64_t size, tlog_read_function read, void *data,
                                    struct tlog_hash ret_proof[TLOG_PROOF_MAX], size_t *ret_count);
MUST_CHECK int tlog_prove_consistency(uint64_t old_size, uint64_t size, tlog_read_function read, void *data,
                                      struct tlog_hash ret_proof[TLOG_PROOF_MAX], size_t *ret_count);

/* 0: entry `index` of the tree of `size` leaves with this root has this leaf hash. */
MUST_CHECK int tlog_check_inclusion(uint64_t index, const struct tlog_hash *leaf, uint64_t size, const struct tlog_hash *root,
                                    const struct tlog_hash *proof, size_t count);
/* 0: the first `old_size` leaves of the tree of `size` leaves are those of the older one. */
MUST_CHECK int tlog_check_consistency(uint64_t old_size, const struct tlog_hash *old_root, uint64_t size,
                                      const struct tlog_hash *root, const struct tlog_hash *proof, size_t count);
