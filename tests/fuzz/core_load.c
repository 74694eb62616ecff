/* Records of the store, as a damaged disk might hand them out: kind, length of the key, key, length
 * of the value in two bytes, value, and so on. */
#include "coordinator/core.h"
#include "coordinator/view.h"

#define NOW (INT64_C(1700000000) * NSEC_PER_SEC)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct core *core = NULL;
        struct view *view = NULL;

        if (core_new(&(struct core_options){ .memory_max = 32u << 20, .coordinator = 1 }, &core) < 0)
                return 0;
        while (size > 4) {
                size_t key_size = MIN((size_t)data[1] % 32, size - 4), value_size;
                const uint8_t *key = data + 2, *value;

                value_size = MIN((size_t)key[key_size] << 8 | key[key_size + 1], size - 4 - key_size);
                value = key + key_size + 2;
                if (core_load(core, data[0] % 8, key, key_size, value, value_size) == -ENOMEM)
                        break;
                data = value + value_size;
                size -= 4 + key_size + value_size;
        }
        core_loaded(core, NOW);
        core_tick(core, NOW + 11 * NSEC_PER_SEC);
        if (core_view(core, NOW + 12 * NSEC_PER_SEC,
                      &(struct view_query){ .parts = VIEW_GRAPH | VIEW_HOSTS, .window = 60 * NSEC_PER_SEC }, &view) == 0)
                view_free(&view);
        core_free(&core);
        return 0;
}
