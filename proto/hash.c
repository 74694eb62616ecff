#include "proto/hash.h"

#include <string.h>

struct state {
        uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t x, unsigned bits)
{
        return x << bits | x >> (64 - bits);
}

static inline void round_once(struct state *s)
{
        s->v0 += s->v1;
        s->v1 = rotate(s->v1, 13) ^ s->v0;
        s->v0 = rotate(s->v0, 32);
        s->v2 += s->v3;
        s->v3 = rotate(s->v3, 16) ^ s->v2;
        s->v0 += s->v3;
        s->v3 = rotate(s->v3, 21) ^ s->v0;
        s->v2 += s->v1;
        s->v1 = rotate(s->v1, 17) ^ s->v2;
        s->v2 = rotate(s->v2, 32);
}

static inline void absorb(struct state *s, uint64_t word)
{
        s->v3 ^= word;
        round_once(s);
        s->v0 ^= word;
}

uint64_t hash_bytes(const struct hash_key *key, const void *data, size_t size)
{
        struct state s = {
                .v0 = key->k0 ^ UINT64_C(0x736f6d6570736575),
                .v1 = key->k1 ^ UINT64_C(0x646f72616e646f6d),
                .v2 = key->k0 ^ UINT64_C(0x6c7967656e657261),
                .v3 = key->k1 ^ UINT64_C(0x7465646279746573),
        };
        const uint8_t *p = data;
        uint64_t word, last = (uint64_t)size << 56;
        size_t left = size;

        for (; left >= 8; left -= 8, p += 8) {
                memcpy(&word, p, 8);
                absorb(&s, word);
        }
        for (size_t i = 0; i < left; i++)
                last |= (uint64_t)p[i] << (8 * i);
        absorb(&s, last);
        s.v2 ^= 0xff;
        for (int i = 0; i < 3; i++)
                round_once(&s);
        return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
