/* Recordings under way in the coordinator: each is a buffer of frames (recording.h) that the CLI empties
 * with a question about once a second, and writes to the user's file. So the coordinator writes nowhere
 * but in its own folder, compresses nothing, and is held up by nobody.
 *
 * A reader that is too slow fills its buffer. Then nothing more is kept for it: it gets what is there,
 * is told once that the rest is missing, and may begin anew. One that does not ask is forgotten. */
#pragma once

#include "coordinator/recording.h"

#define RECORDER_RECORDINGS_MAX 2
#define RECORDER_BYTES_MAX ((size_t)32 << 20) /* kept for each reader */
#define RECORDER_ANSWER_MAX ((size_t)4 << 20) /* handed out at a time, but at least one frame */
#define RECORDER_SILENT_NS (60 * NSEC_PER_SEC)

struct core;
struct recorder;
struct writer;

MUST_CHECK int recorder_new(struct recorder **ret_recorder);
void recorder_free(struct recorder **recorder);
/* How many recordings are under way. */
size_t recorder_count(const struct recorder *recorder);

/* Whoever asks chooses the number; the same number begins anew. -EBUSY: there are enough already. */
MUST_CHECK int recorder_begin(struct recorder *recorder, uint64_t id, int64_t now_monotonic);
void recorder_end(struct recorder *recorder, uint64_t id);
/* Forgets those that nobody asked for since RECORDER_SILENT_NS. */
void recorder_expire(struct recorder *recorder, int64_t now_monotonic);

/* Keeps an input for every recording; its payload may come in two pieces. */
void recorder_add(struct recorder *recorder, enum recording_kind kind, int64_t at, const void *head, size_t head_size,
                  const void *data, size_t size);

/* Whole frames from byte `after` of the recording on, which ends those before it; they live until the
 * next call. Asking once more for the last answer is allowed. -ENOENT: no such recording; -EOVERFLOW:
 * there is nothing more, as the reader was too slow, and it is ended; -EINVAL: `after` is no place at
 * which an answer ended. */
MUST_CHECK int recorder_read(struct recorder *recorder, uint64_t id, uint64_t after, int64_t now_monotonic,
                             const uint8_t **ret_data, size_t *ret_size);

/* The beginning of a recording of this core: START, STORED and LOADED at its present time. */
MUST_CHECK int recorder_snapshot(struct core *core, struct writer *out);
