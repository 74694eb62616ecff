/* What the files of the wire module share: limits of rows, the allocator that lets protobuf-c decode
 * into an arena, and the two halves that deal with summaries. */
#pragma once

#include "proto/arena.h"
#include "proto/nightshift.pb-c.h"
#include "proto/wire.h"

#define WIRE_TEXT_MAX 4096u /* bytes of one string; longer ones are cut when packed */

#define WIRE_EDGES_MAX 32768u
#define WIRE_KEYS_MAX 262144u
#define WIRE_IDENTITIES_MAX 32768u
#define WIRE_ADDRESSES_MAX 16384u
#define WIRE_LISTENERS_MAX 16384u
#define WIRE_PROCESSES_MAX 32768u
#define WIRE_POOLS_MAX 16384u
#define WIRE_POOL_MAX (1u << 24) /* connections of one */
#define WIRE_BUILDS_MAX 8192u
#define WIRE_SETTINGS_MAX 65536u
#define WIRE_HOOKS_MAX 256u
#define WIRE_LABELS_MAX 256u
#define WIRE_ARGUMENTS_MAX 64u
#define WIRE_COMMANDS_MAX 1024u
#define WIRE_ACTIONS_MAX 1024u
#define WIRE_PERMITS_MAX 4096u
#define WIRE_TIER_MAX 3u
#define WIRE_PARTS_MAX 4096u

#define WIRE_SCRATCH_MAX (256u << 20) /* of memory while packing */

/* Length of the longest part of `text` that fits `max` bytes without cutting a character. */
size_t wire_text_length(const char *text, size_t max);
/* True for UTF-8 (shortest forms, no surrogates) without C0, DEL and C1 controls. */
bool wire_text_valid(const char *text, size_t length);
/* Copies `length` bytes of `from`, with '?' for each byte that is not valid text, and a NUL. */
void wire_text_clean(char *to, const char *from, size_t length);

bool wire_text_ok(const char *text);
/* A cleaned copy of at most WIRE_TEXT_MAX bytes; NULL when memory is short. */
char *wire_clean_copy(struct arena *arena, const char *text);

/* Allocates from an arena and never frees. */
ProtobufCAllocator wire_allocator(struct arena *arena);

/* Packs a message into a buffer of its own. */
MUST_CHECK int wire_write_out(const ProtobufCMessage *message, size_t max, uint8_t **ret_buffer, size_t *ret_size);
/* What a failed protobuf_c_message_unpack() means. */
int wire_unpack_failed(struct arena *arena, const char **ret_why);

/* wire_dispatch.c. The result lives in the arena; -ENOMEM or -E2BIG, -ENOBUFS or -EBADMSG. */
MUST_CHECK int wire_pack_dispatch(const struct action_dispatch *dispatch, struct arena *arena, Nightshift__Dispatch **ret_message);
MUST_CHECK int wire_unpack_dispatch(const Nightshift__Dispatch *message, struct arena *arena,
                                    const struct action_dispatch **ret_dispatch, const char **ret_why);
MUST_CHECK int wire_pack_summary(const struct summary *summary, struct arena *arena, Nightshift__Summary **ret_message);
MUST_CHECK int wire_unpack_summary(const Nightshift__Summary *message, struct arena *arena, struct summary **ret_summary,
                                   const char **ret_why);
