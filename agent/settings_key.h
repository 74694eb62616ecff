/* The key of the digests of settings: 128 random bits in the state folder, made at the first start and
 * readable by the agent alone. It never leaves the host, so that whoever has the digests (the
 * coordinator, its disk, its backups) cannot find a password by trying. Lost, it is made anew: digests
 * of before then cannot be compared with those of after, which settings_key_name() tells. */
#pragma once

#include "proto/hash.h"

/* -errno if it can be neither read nor made durable: then *ret_key is good for this run only. */
int settings_key_load(const char *state_dir, struct hash_key *ret_key);
/* Tells keys apart and nothing else of them. Never 0. */
uint64_t settings_key_name(const struct hash_key *key);
