#include "proto/tlog.h"

#include <openssl/evp.h>
#include <string.h>

bool tlog_hash_equal(const struct tlog_hash *a, const struct tlog_hash *b)
{
        return memcmp(a->bytes, b->bytes, TLOG_HASH_SIZE) == 0;
}

static int hash(uint8_t prefix, const void *a, size_t a_size, const void *b, size_t b_size, struct tlog_hash *ret)
{
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        bool ok = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 && EVP_DigestUpdate(context, &prefix, 1) == 1 &&
                  EVP_DigestUpdate(context, a, a_size) == 1 && EVP_DigestUpdate(context, b, b_size) == 1 &&
                  EVP_DigestFinal_ex(context, ret->bytes, NULL) == 1;

        EVP_MD_CTX_free(context);
        return ok ? 0 : -ENOMEM;
}

int tlog_leaf(const void *entry, size_t size, struct tlog_hash *ret_hash)
{
        return hash(0, entry, size, "", 0, ret_hash);
}

int tlog_node(const struct tlog_hash *left, const struct tlog_hash *right, struct tlog_hash *ret_hash)
{
        return hash(1, left->bytes, TLOG_HASH_SIZE, right->bytes, TLOG_HASH_SIZE, ret_hash);
}

static int empty_root(struct tlog_hash *ret_root)
{
        return EVP_Digest("", 0, ret_root->bytes, NULL, EVP_sha256(), NULL) == 1 ? 0 : -ENOMEM;
}

int tlog_edge_add(struct tlog_edge *edge, unsigned height, const struct tlog_hash *subtree)
{
        struct tlog_hash h = *subtree;
        unsigned count = edge->count;
        int r;

        /* As adding one to a binary counter: each bit that is carried joins two subtrees. */
        for (uint64_t n = edge->size >> height; n & 1; n >>= 1) {
                r = tlog_node(&edge->hashes[--count], &h, &h);
                if (r < 0)
                        return r;
        }
        edge->hashes[count++] = h;
        edge->count = count;
        edge->size += UINT64_C(1) << height;
        return 0;
}

int tlog_edge_root(const struct tlog_edge *edge, struct tlog_hash *ret_root)
{
        struct tlog_hash h;
        int r;

        if (edge->count == 0)
                return empty_root(ret_root);
        h = edge->hashes[edge->count - 1];
        for (unsigned i = edge->count - 1; i-- > 0;) {
                r = tlog_node(&edge->hashes[i], &h, &h);
                if (r < 0)
                        return r;
        }
        *ret_root = h;
        return 0;
}

/* The exponent of the largest power of two that is not above n, which is at least 1. */
static unsigned exponent(uint64_t n)
{
        return 63 - (unsigned)__builtin_clzll(n | 1);
}

/* Of the leaves from `low` to `high`; `low` is where a subtree of that size can begin. */
static int range_hash(uint64_t low, uint64_t high, tlog_read_function read, void *data, struct tlog_hash *ret)
{
        struct tlog_edge edge = { 0 };
        int r;

        while (low < high) {
                unsigned height = exponent(high - low);
                struct tlog_hash h;

                r = read(data, height, low >> height, &h);
                if (r == 0)
                        r = tlog_edge_add(&edge, height, &h);
                if (r < 0)
                        return r;
                low += UINT64_C(1) << height;
        }
        return tlog_edge_root(&edge, ret);
}

int tlog_root(uint64_t size, tlog_read_function read, void *data, struct tlog_hash *ret_root)
{
        return range_hash(0, size, read, data, ret_root);
}

/* The largest power of two below n, which is at least 2. */
static uint64_t split(uint64_t n)
{
        return UINT64_C(1) << exponent(n - 1);
}

static void reverse(struct tlog_hash *proof, size_t count)
{
        for (size_t i = 0; i < count / 2; i++) {
                struct tlog_hash h = proof[i];

                proof[i] = proof[count - 1 - i];
                proof[count - 1 - i] = h;
        }
}

int tlog_prove_inclusion(uint64_t index, uint64_t size, tlog_read_function read, void *data,
                         struct tlog_hash ret_proof[TLOG_PROOF_MAX], size_t *ret_count)
{
        uint64_t low = 0, high = size;
        size_t count = 0;

        if (index >= size)
                return -ERANGE;
        while (high - low > 1) {
                uint64_t middle = low + split(high - low);
                bool left = index < middle;
                int r = range_hash(left ? middle : low, left ? high : middle, read, data, &ret_proof[count]);

                if (r < 0)
                        return r;
                count++;
                if (left)
                        high = middle;
                else
                        low = middle;
        }
        reverse(ret_proof, count);
        *ret_count = count;
        return 0;
}

int tlog_prove_consistency(uint64_t old_size, uint64_t size, tlog_read_function read, void *data,
                           struct tlog_hash ret_proof[TLOG_PROOF_MAX], size_t *ret_count)
{
        uint64_t low = 0, high = size;
        size_t count = 0;
        int r;

        if (old_size > size)
                return -ERANGE;
        if (old_size == 0 || old_size == size) {
                *ret_count = 0;
                return 0;
        }
        while (high != old_size) {
                uint64_t middle = low + split(high - low);
                bool left = old_size <= middle;

                r = range_hash(left ? middle : low, left ? high : middle, read, data, &ret_proof[count]);
                if (r < 0)
                        return r;
                count++;
                if (left)
                        high = middle;
                else
                        low = middle;
        }
        /* What is a subtree of both from the first leaf on, the verifier knows as the old root. */
        if (low > 0) {
                r = range_hash(low, high, read, data, &ret_proof[count]);
                if (r < 0)
                        return r;
                count++;
        }
        reverse(ret_proof, count);
        *ret_count = count;
        return 0;
}

/* Follows a proof from a node up to the root: `hash` becomes that of the tree of which `last` is the last node, `old`,
 * where it is given, that of the tree which ends with the node itself: only what lies on the left was in that. */
static int climb(uint64_t node, uint64_t last, const struct tlog_hash *proof, size_t count, struct tlog_hash *old,
                 struct tlog_hash *hash)
{
        for (size_t i = 0; i < count; i++, node >>= 1, last >>= 1) {
                int r = 0;

                if (last == 0)
                        return -EBADMSG;
                if (node & 1 || node == last) {
                        if (old)
                                r = tlog_node(&proof[i], old, old);
                        if (r == 0)
                                r = tlog_node(&proof[i], hash, hash);
                        for (; !(node & 1) && node; node >>= 1)
                                last >>= 1;
                } else {
                        r = tlog_node(hash, &proof[i], hash);
                }
                if (r < 0)
                        return r;
        }
        return last == 0 ? 0 : -EBADMSG;
}

int tlog_check_inclusion(uint64_t index, const struct tlog_hash *leaf, uint64_t size, const struct tlog_hash *root,
                         const struct tlog_hash *proof, size_t count)
{
        struct tlog_hash h = *leaf;
        int r;

        if (index >= size || count > TLOG_PROOF_MAX)
                return -EBADMSG;
        r = climb(index, size - 1, proof, count, NULL, &h);
        return r < 0 ? r : tlog_hash_equal(&h, root) ? 0 : -EBADMSG;
}

int tlog_check_consistency(uint64_t old_size, const struct tlog_hash *old_root, uint64_t size, const struct tlog_hash *root,
                           const struct tlog_hash *proof, size_t count)
{
        struct tlog_hash old_hash, new_hash;
        uint64_t node = old_size - 1, last = size - 1;
        size_t i = 0;
        int r = 0;

        if (old_size > size || count > TLOG_PROOF_MAX)
                return -EBADMSG;
        if (old_size == size)
                return count == 0 && tlog_hash_equal(old_root, root) ? 0 : -EBADMSG;
        if (old_size == 0) {
                r = empty_root(&old_hash);
                return r < 0 ? r : count == 0 && tlog_hash_equal(old_root, &old_hash) ? 0 : -EBADMSG;
        }
        for (; node & 1; node >>= 1)
                last >>= 1;
        if (node) {
                if (count == 0)
                        return -EBADMSG;
                old_hash = proof[i++];
        } else {
                old_hash = *old_root; /* a whole subtree of the new tree */
        }
        new_hash = old_hash;
        r = climb(node, last, proof + i, count - i, &old_hash, &new_hash);
        return r < 0 ? r : tlog_hash_equal(&old_hash, old_root) && tlog_hash_equal(&new_hash, root) ? 0 : -EBADMSG;
}
