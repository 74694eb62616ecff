/* What an entry is by itself: an envelope, signed by the key of its time, around a statement. Signatures
 * are most of the work, ten thousand take two seconds of a processor: so on all there are. */
#include "coordinator/audit_verify_internal.h"
#include "coordinator/dsse.h"
#include "coordinator/statement.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_ENTRIES 16384
#define BATCH_BYTES ((size_t)64 << 20)
#define THREADS_MAX 64
#define WORTH_A_THREAD 64 /* entries */

void verify_batch_free(struct verify_batch *b)
{
        for (size_t i = 0; i < b->buffers_count; i++)
                free(b->buffers[i]);
        free(b->buffers);
        free(b->entries);
        *b = (struct verify_batch){ 0 };
}

static bool grow(void **items, size_t count, size_t *capacity, size_t item)
{
        size_t more = *capacity ? 2 * *capacity : 1024;
        void *p;

        if (count < *capacity)
                return true;
        p = reallocarray(*items, more, item);
        if (!p)
                return false;
        *items = p;
        *capacity = more;
        return true;
}

static int look_at(const struct audit_keys *keys, bool keys_good, struct verify_entry *e)
{
        struct statement s;
        struct dsse d;
        int r = dsse_parse(e->bytes, e->size, &d);

        if (r < 0)
                return r;
        if (keys_good)
                r = dsse_verify(&d, audit_keys_of_entry(keys, e->index));
        if (r == 0) {
                r = statement_parse((const char *)d.payload, d.size, &s);
                if (r == 0) {
                        e->has_evidence = s.evidence;
                        for (size_t i = 0; s.evidence && i < sizeof(e->evidence); i++)
                                sscanf(s.evidence + 2 * i, "%2hhx", &e->evidence[i]);
                        statement_free(&s);
                }
        }
        dsse_free(&d);
        return r;
}

struct share {
        struct verifier *v;
        unsigned first, step;
        pthread_t thread;
        bool started;
};

static void *work(void *data)
{
        const struct share *share = data;
        struct verifier *v = share->v;

        for (size_t i = share->first; i < v->batch.count; i += share->step)
                v->batch.entries[i].result = look_at(&v->keys, v->keys_good, &v->batch.entries[i]);
        return NULL;
}

static void where(const struct verifier *v, uint64_t index, char ret_path[AUDIT_PATH_MAX])
{
        if (index < v->base)
                audit_tile_path(AUDIT_BUNDLE_LEVEL, index / AUDIT_TILE_WIDTH, AUDIT_TILE_WIDTH, ret_path);
        else if (v->has_journal)
                snprintf(ret_path, AUDIT_PATH_MAX, "journal");
        else
                audit_tile_path(AUDIT_BUNDLE_LEVEL, index / AUDIT_TILE_WIDTH, (unsigned)(v->published - v->base), ret_path);
}

static void conclude(struct verifier *v, const struct verify_entry *e)
{
        char path[AUDIT_PATH_MAX];

        if (e->result == -ENOMEM) {
                v->failed = -ENOMEM;
        } else if (e->result < 0 && !e->known_bad) {
                where(v, e->index, path);
                verify_find(v, path, "entry %" PRIu64 " %s", e->index,
                            e->result == -EKEYREJECTED ? "is not signed by the log's key" : "is no statement in an envelope");
        }
        v->names_missing = v->names_missing || e->result < 0;
        if (e->result == 0 && e->has_evidence) {
                if (!grow((void **)&v->evidence, v->evidence_count, &v->evidence_capacity, sizeof(*v->evidence)))
                        v->failed = -ENOMEM;
                else
                        memcpy(v->evidence[v->evidence_count++], e->evidence, sizeof(*v->evidence));
        }
}

void verify_batch_end(struct verifier *v)
{
        unsigned threads = (unsigned)MIN(MIN(v->threads, THREADS_MAX), v->batch.count / WORTH_A_THREAD + 1);
        struct share shares[THREADS_MAX];

        json_object_seed(0); /* before threads may do so at the same time */
        for (unsigned i = 0; i < threads; i++)
                shares[i] = (struct share){ .v = v, .first = i, .step = threads };
        for (unsigned i = 1; i < threads; i++)
                shares[i].started = pthread_create(&shares[i].thread, NULL, work, &shares[i]) == 0;
        work(&shares[0]);
        for (unsigned i = 1; i < threads; i++)
                if (shares[i].started)
                        pthread_join(shares[i].thread, NULL);
                else
                        work(&shares[i]);
        for (size_t i = 0; i < v->batch.count; i++)
                conclude(v, &v->batch.entries[i]);
        verify_batch_free(&v->batch);
}

void verify_batch_hold(struct verifier *v, uint8_t *buffer, size_t size)
{
        struct verify_batch *b = &v->batch;

        if (b->count >= BATCH_ENTRIES || b->bytes + size > BATCH_BYTES)
                verify_batch_end(v);
        if (!grow((void **)&b->buffers, b->buffers_count, &b->buffers_capacity, sizeof(*b->buffers))) {
                free(buffer);
                v->failed = -ENOMEM;
                return;
        }
        b->buffers[b->buffers_count++] = buffer;
        b->bytes += size;
}

void verify_batch_add(struct verifier *v, uint64_t index, const uint8_t *bytes, size_t size, bool known_bad)
{
        struct verify_batch *b = &v->batch;

        if (v->failed)
                return;
        if (!grow((void **)&b->entries, b->count, &b->capacity, sizeof(*b->entries))) {
                v->failed = -ENOMEM;
                return;
        }
        b->entries[b->count++] = (struct verify_entry){ .index = index, .bytes = bytes, .size = size, .known_bad = known_bad };
}
