/* Pools, as the sweep left them in their map. */
#include "agent/probe_private.h"

#include <errno.h>

#define AT_ONCE 256

int probe_pools(struct probe *probe, int (*function)(void *data, const struct event_pool_key *key, const struct event_pool *pool),
                void *data)
{
        int fd = bpf_map__fd(probe->connections->maps.pools);
        struct event_pool_key key, next, gone[AT_ONCE];
        const struct event_pool_key *from = NULL;
        struct event_pool pool;
        uint32_t n_gone = 0;
        int r = 0;

        /* Nothing else adds or deletes between two sweeps. */
        for (uint32_t i = 0; i < probe->options.pools_max && r == 0 && bpf_map_get_next_key(fd, from, &next) == 0; i++) {
                key = next;
                from = &key;
                if (bpf_map_lookup_elem(fd, &key, &pool) < 0)
                        continue;
                if (pool.sweep == probe->control->pool_sweep)
                        r = function(data, &key, &pool);
                else if (n_gone < AT_ONCE) /* the others at the next call: the walk must not lose its place */
                        gone[n_gone++] = key;
        }
        for (uint32_t i = 0; i < n_gone; i++)
                if (bpf_map_delete_elem(fd, &gone[i]) < 0 && errno != ENOENT && r == 0)
                        r = -errno;
        return r;
}
