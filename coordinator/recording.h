/* A recording: what the coordinator's core was given over some time, in one file, so that another core
 * that is given the same comes to the same.
 *
 * What it holds. The core is a state machine, and a recording is the sequence of its inputs, each with
 * the core's own time. It begins from nothing: with what the core is made of (START: its options, and
 * the number from which its hash key follows), all that the store would hold at that moment (STORED,
 * in the records of core_snapshot()) and the word that this was all (LOADED). That is exactly how a
 * coordinator starts that was stopped at that moment. What no store holds (listeners, processes, keys
 * that wait for their other end) comes with full summaries, which the coordinator asks of every agent
 * when a recording begins, as it does after a start. From there on:
 *
 *   SUMMARY   a request as it came from an agent, packed (proto/wire.h)
 *   TICK      time moved on; written down, as a tick under load comes when it can
 *   SETTLE    somebody looked at the graph, which was put together for it
 *   ALIGN     another recording began, for which the core fell in step with its snapshot (core_align())
 *   POLL      an agent's poll by which the core learnt something (session, acknowledged, host)
 *   ANNOUNCE  a word that a service was deployed (service, version, host)
 *   GAP       from here to the next START inputs are missing; a sentence says why
 *   END       whoever recorded ended it; a recording without one was cut
 *
 * Two runs of the same core over the same inputs are equal byte for byte: there is nothing else that
 * the core could depend on. After a GAP everything begins anew from a snapshot, since summaries hold
 * only what changed, and what was acknowledged is not said again.
 *
 * The file. All numbers are little endian.
 *
 *   file    := "NSRECORD" version:u32 crc:u32 block*               crc of the 12 bytes before it
 *   block   := "NSBK" raw:u32 stored:u32 data_crc:u32 first:i64 last:i64 crc:u32 data
 *   frames  := (kind:u8 at:i64 size:u32 payload)*
 *
 * `data` are `stored` bytes of zlib's format that become `raw` bytes of whole frames; data_crc is that of
 * the stored bytes, crc that of the 32 bytes before it, both CRC-32 as zlib has it. `first` and `last`
 * are the times of the first and the last frame; times never go back in a file. Every block stands for
 * itself, so a file that was cut is good up to its last whole block. The stream that the coordinator
 * hands to the CLI is made of the same frames.
 *
 * Why zlib: the agent has it already, a night of 100 services is unpacked in about a second, and what
 * zstd would save there does not pay for one more library on every machine.
 *
 * Nothing of a file is believed: sizes are bounded before anything is read or allocated, checksums
 * before anything is decoded, and summaries go through the same unpacker as those from the network. A
 * failure comes with the place in the file and a sentence. */
#pragma once

#include "proto/base.h"

#define RECORDING_VERSION 1
#define RECORDING_FRAME_HEAD 13u
#define RECORDING_FRAME_MAX (64u << 20) /* of a payload: a slice of history of a large graph */
#define RECORDING_GAP_MAX 300u

enum recording_kind {
        RECORDING_START = 1,
        RECORDING_STORED,
        RECORDING_LOADED,
        RECORDING_SUMMARY,
        RECORDING_TICK,
        RECORDING_SETTLE,
        RECORDING_ALIGN,
        RECORDING_POLL,
        RECORDING_GAP,
        RECORDING_END,
        RECORDING_ANNOUNCE,
};

struct recording_frame {
        enum recording_kind kind;
        int64_t at;
        const uint8_t *data;
        size_t size;
};

/* Frames in memory. recording_frame_take() takes the first of [*data, end) and moves *data behind it;
 * -EBADMSG with a sentence (static) if it is none. */
void recording_frame_head(const struct recording_frame *frame, uint8_t ret_head[RECORDING_FRAME_HEAD]);
MUST_CHECK int recording_frame_take(const uint8_t **data, const uint8_t *end, struct recording_frame *ret_frame,
                                    const char **ret_why);

/* What a START says. `version` is that of the program that recorded. */
struct recording_start {
        uint64_t coordinator, memory_max;
        int64_t forget_after, host_stale_after;
        char version[32];
};
#define RECORDING_START_SIZE 64u
void recording_start_pack(const struct recording_start *start, uint8_t ret_data[RECORDING_START_SIZE]);
MUST_CHECK int recording_start_unpack(const struct recording_frame *frame, struct recording_start *ret_start);

/* One record of a STORED frame: kind, key with its length, and the rest is the value. */
struct recording_stored {
        uint32_t kind;
        const uint8_t *key, *value;
        size_t key_size, value_size;
};
#define RECORDING_STORED_HEAD 6u
void recording_stored_head(uint32_t kind, size_t key_size, uint8_t ret_head[RECORDING_STORED_HEAD]);
MUST_CHECK int recording_stored_unpack(const struct recording_frame *frame, struct recording_stored *ret_stored);

/* session, acknowledged, and the name, which does not end with NUL in the frame. */
struct recording_poll {
        uint64_t session, acknowledged;
        char host[4097];
};
#define RECORDING_POLL_HEAD 16u
void recording_poll_head(uint64_t session, uint64_t acknowledged, uint8_t ret_head[RECORDING_POLL_HEAD]);
MUST_CHECK int recording_poll_unpack(const struct recording_frame *frame, struct recording_poll *ret_poll);

/* Somebody's word that a service was deployed: service, version, host, each with its NUL; no host is "". */
struct recording_announce {
        const char *service, *version, *host; /* in the frame */
};
MUST_CHECK int recording_announce_unpack(const struct recording_frame *frame, struct recording_announce *ret_announce);

/* Writing. A file is never overwritten (-EEXIST). Frames are collected and written as a block when there
 * are enough of them, or by recording_flush(); a write that fails takes its block back, so that the file
 * stays whole, and every further call returns the same error. */
struct recording_writer;
MUST_CHECK int recording_create(const char *path, struct recording_writer **ret_writer);
MUST_CHECK int recording_put(struct recording_writer *writer, const struct recording_frame *frame);
MUST_CHECK int recording_flush(struct recording_writer *writer);
/* Writes what is left, with an END at the time of the last frame, and waits until it is on the disk. */
MUST_CHECK int recording_finish(struct recording_writer *writer);
uint64_t recording_written(const struct recording_writer *writer);
void recording_writer_free(struct recording_writer **writer);

/* Reading. Opening looks at the heads of all blocks. */
struct recording_failure {
        uint64_t offset; /* in the file */
        char why[200];
};
struct recording_facts {
        int64_t from, to; /* of the first and the last frame; 0 if there is none */
        uint64_t blocks, size;
        bool cut; /* something follows the last whole block that is none, or the last frame is no END */
        uint64_t cut_at;
};
struct recording_reader;
MUST_CHECK int recording_open(const char *path, struct recording_reader **ret_reader, struct recording_failure *ret_failure);
/* The same of an open file, which is the reader's from then on, also on failure. */
MUST_CHECK int recording_open_fd(int fd, struct recording_reader **ret_reader, struct recording_failure *ret_failure);
/* 1 and the next frame, which lives until the next call; 0 at the end. Frames come in an order that makes
 * sense: START, STORED..., LOADED, inputs, and after a GAP again from START. -EBADMSG, -EIO, -ENOMEM. */
MUST_CHECK int recording_next(struct recording_reader *reader, struct recording_frame *ret_frame,
                              struct recording_failure *ret_failure);
/* `cut` is certain once recording_next() has returned 0. */
const struct recording_facts *recording_facts(const struct recording_reader *reader);
/* Where the frame lies that was last handed out: the place of its block. */
uint64_t recording_offset(const struct recording_reader *reader);
void recording_reader_free(struct recording_reader **reader);
