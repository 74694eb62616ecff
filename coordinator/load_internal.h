/* What the files that load share: records that only mean something once all others are there wait in blocks. */
#pragma once

#include "coordinator/bytes.h"
#include "coordinator/records.h"

struct core;
struct end;
struct service;

struct load_block {
        struct load_block *next;
        enum record_kind kind;
        uint32_t level;
        uint64_t number;
        size_t size;
        uint8_t data[];
};

/* Keeps what the reader has left. -EBADMSG: there is one of this name, or there are `most` of the kind. */
MUST_CHECK int load_block_add(struct core *core, enum record_kind kind, uint32_t level, uint64_t number, const struct reader *r,
                              uint32_t most);
/* What save_service() wrote: NULL where that was none; the reader latches what does not fit. */
struct service *load_service(struct core *core, struct reader *r);
/* By rising kind, level and number; NULL past the last. Valid until loading ends. */
const struct load_block *load_blocks(const struct core *core);
/* NULL if there is none; once the ends are in order. */
struct end *load_find_end(const struct core *core, uint64_t id);

/* pulse_record.c, past_record.c */
MUST_CHECK int pulse_load(struct core *core, uint64_t number, struct reader *r);
void pulses_loaded(struct core *core);
MUST_CHECK int past_load_record(struct core *core, uint64_t id, struct reader *r);
MUST_CHECK int past_load_cells(struct core *core, uint32_t level, uint64_t number, struct reader *r);
void pasts_loaded(struct core *core);
