/* SipHash-1-3 (Aumasson and Bernstein's SipHash with fewer rounds, as used for hash tables): a keyed
 * hash whose collisions cannot be made without the key. */
#pragma once

#include "proto/base.h"

struct hash_key {
        uint64_t k0, k1;
};

uint64_t hash_bytes(const struct hash_key *key, const void *data, size_t size);
