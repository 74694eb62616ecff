/* What a peer may send to the coordinator: unpacked, and if it is a summary given to a core, whose
 * graph is then looked at. */
#include "coordinator/core.h"
#include "coordinator/view.h"
#include "proto/arena.h"

#include <stdlib.h>

#define NOW (INT64_C(1700000000) * NSEC_PER_SEC)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take(const struct summary *summary)
{
        struct core *core = NULL;
        struct view *view = NULL;
        struct wire_ack ack;

        if (core_new(&(struct core_options){ .memory_max = 32u << 20, .coordinator = 1 }, &core) < 0)
                return;
        if (core_summary(core, NOW, summary->host, summary, &ack) == 0 && ack.sequence != summary->sequence)
                abort();
        core_tick(core, NOW + 11 * NSEC_PER_SEC);
        if (core_view(core, NOW + 12 * NSEC_PER_SEC, &(struct view_query){ .parts = VIEW_GRAPH | VIEW_HOSTS | VIEW_PROCESSES },
                      &view) == 0)
                view_free(&view);
        core_free(&core);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct wire_request request;
        struct arena *arena = NULL;
        const char *why = NULL;
        int r;

        if (arena_new(4u << 20, &arena) < 0)
                return 0;
        r = wire_unpack_request(data, size, arena, &request, &why);
        if (r == -EBADMSG ? !why : r != 0 && r != -ENOBUFS)
                abort();
        if (r == 0) {
                uint8_t *again = NULL;
                size_t again_size;

                /* What was accepted can be said again. */
                if (request.kind != WIRE_SUMMARY && wire_pack_request(&request, &again, &again_size) < 0)
                        abort();
                free(again);
                if (request.kind == WIRE_SUMMARY)
                        take(request.summary);
        }
        arena_free(&arena);
        return 0;
}
