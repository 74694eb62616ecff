/* What the files that save share: one round of core_save(). */
#pragma once

#include "coordinator/bytes.h"
#include "coordinator/core.h"
#include "coordinator/records.h"

struct service;

#define SAVE_RECORDS_A_CALL 2000 /* so that one call takes milliseconds */

struct saver {
        struct core *core;
        core_put_function put;
        void *data;
        struct writer w; /* of the record at hand */
        uint32_t count;
};

MUST_CHECK int save_put(struct saver *s, enum record_kind kind, const void *key, size_t key_size);
MUST_CHECK int save_remove(struct saver *s, enum record_kind kind, const void *key, size_t key_size);
void save_number_key(uint8_t key[8], uint64_t number);
/* NULL: none. */
void save_service(struct writer *w, const struct service *service);

/* deployment_save.c; 1: there is more. */
MUST_CHECK int deployments_save(struct saver *s);
/* All of them, whatever was saved before. */
MUST_CHECK int deployments_snapshot(struct saver *s);
void deployments_save_again(struct core *core);
/* incident_record.c: the same of incidents. */
MUST_CHECK int incidents_save(struct saver *s);
MUST_CHECK int incidents_snapshot(struct saver *s);
void incidents_save_again(struct core *core);
/* pulse_record.c, past_record.c: likewise. */
MUST_CHECK int pulses_save(struct saver *s);
MUST_CHECK int pulses_snapshot(struct saver *s);
void pulses_save_again(struct core *core);
MUST_CHECK int pasts_save(struct saver *s);
MUST_CHECK int pasts_snapshot(struct saver *s);
void pasts_save_again(struct core *core);
/* What the call before handed out is durable by now. */
void deployments_forget_removed(struct core *core);
