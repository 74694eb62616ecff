/* What a coordinator, or who stands in its place, may answer to an agent or to the CLI. */
#include "proto/arena.h"
#include "proto/wire.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct wire_reply reply;
        struct arena *arena = NULL;
        const char *why = NULL;
        uint8_t *again = NULL;
        size_t again_size;
        int r;

        if (arena_new(1u << 20, &arena) < 0)
                return 0;
        r = wire_unpack_reply(data, size, arena, &reply, &why);
        if (r == -EBADMSG ? !why : r != 0 && r != -ENOBUFS)
                abort();
        if (r == 0 && wire_pack_reply(&reply, &again, &again_size) < 0)
                abort();
        free(again);
        arena_free(&arena);
        return 0;
}
