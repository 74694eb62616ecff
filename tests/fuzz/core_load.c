/* Records of the store, as a damaged disk might hand them out: place in `kinds`, length of the key, key, length
 * of the value in two bytes, value, and so on. */
#include "coordinator/core.h"
#include "coordinator/records.h"
#include "coordinator/view.h"

#include <stdlib.h>

#define NOW (INT64_C(1717567220) * NSEC_PER_SEC) /* soon after the last cells of the corpus */

static const uint32_t kinds[] = { RECORD_KINDS,      RECORD_HOST,  RECORD_END,      RECORD_EDGE,  RECORD_SLICE, RECORD_META,
                                  RECORD_DEPLOYMENT, RECORD_TRACK, RECORD_INCIDENT, RECORD_PULSE, RECORD_PAST,  RECORD_PAST_CELLS };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int put(void *data, uint32_t kind, const void *key, size_t key_size, const void *value, size_t value_size)
{
        (void)kind;
        (void)key;
        (void)value;
        *(size_t *)data += key_size + value_size;
        return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct core *core = NULL;
        struct view *view = NULL;
        size_t saved = 0;

        if (core_new(&(struct core_options){ .memory_max = 32u << 20, .coordinator = 1 }, &core) < 0)
                return 0;
        while (size > 4) {
                size_t key_size = MIN((size_t)data[1] % 32, size - 4), value_size;
                const uint8_t *key = data + 2, *value;

                value_size = MIN((size_t)key[key_size] << 8 | key[key_size + 1], size - 4 - key_size);
                value = key + key_size + 2;
                if (core_load(core, kinds[data[0] % ARRAY_SIZE(kinds)], key, key_size, value, value_size) == -ENOMEM)
                        break;
                data = value + value_size;
                size -= 4 + key_size + value_size;
        }
        core_loaded(core, NOW);
        core_tick(core, NOW + 11 * NSEC_PER_SEC);
        if (core_view(core, NOW + 12 * NSEC_PER_SEC,
                      &(struct view_query){ .parts = VIEW_GRAPH | VIEW_HOSTS | VIEW_POOLS | VIEW_INCIDENTS | VIEW_DEPLOYMENTS,
                                            .window = 60 * NSEC_PER_SEC },
                      &view) == 0)
                view_free(&view);
        for (int round = 1; round <= 3; round++) /* of what is measured each minute, and each two */
                core_tick(core, NOW + round * 121 * NSEC_PER_SEC);
        if (core_save(core, NOW + 400 * NSEC_PER_SEC, put, &saved) < 0 || core_snapshot(core, put, &saved) < 0)
                abort();
        core_free(&core);
        return 0;
}
