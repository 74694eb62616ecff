/* What the files of the recording share: numbers in little endian and the heads of file and block. */
#pragma once

#include "coordinator/recording.h"

#define RECORDING_MAGIC "NSRECORD"
#define RECORDING_HEAD 16u
#define RECORDING_BLOCK_MAGIC "NSBK"
#define RECORDING_BLOCK_HEAD 36u
#define RECORDING_BLOCK_WANTED (256u << 10) /* raw bytes after which a block is written */
#define RECORDING_BLOCK_MAX (RECORDING_BLOCK_WANTED + RECORDING_FRAME_HEAD + RECORDING_FRAME_MAX)

void recording_number(uint8_t *to, uint64_t value, unsigned bytes);
uint64_t recording_number_of(const uint8_t *from, unsigned bytes);
