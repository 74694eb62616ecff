/* Keys of both ends by a queue of each CPU, instead of the ring. */
#pragma once

#include "bpf/socket.h"

struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(map_flags, BPF_F_MMAPABLE);
        __type(key, __u32);
        __type(value, struct event_key_queue);
        __uint(max_entries, 1); /* a CPU each */
} key_queues SEC(".maps");
struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(map_flags, BPF_F_MMAPABLE);
        __type(key, __u32);
        __type(value, struct event_key_slot);
        __uint(max_entries, 1);
} key_slots SEC(".maps");
const volatile __u32 key_room = 0; /* slots of a queue, a power of two; 0: all keys go to the ring */

/* Reports a key by this CPU's queue, of which `first` is the only writer: it is not run within itself. */
static __always_inline void key_enqueue(__u64 key, __u8 role, __u32 index, __u64 generation, __u32 threshold)
{
        __u32 cpu = bpf_get_smp_processor_id(), head, at;
        struct event_key_queue *queue;
        struct event_key_slot *slot;

        if (!key_chosen(key, role, threshold))
                return;
        queue = key_room ? bpf_map_lookup_elem(&key_queues, &cpu) : NULL;
        head = queue ? queue->head : 0;
        if (!queue || head - *(volatile __u32 *)&queue->tail >= key_room)
                goto ring;
        at = cpu * key_room + (head & (key_room - 1));
        slot = bpf_map_lookup_elem(&key_slots, &at);
        if (!slot)
                goto ring;
        slot->key = key;
        slot->generation = generation;
        slot->index = index;
        slot->role = role;
        barrier();
        *(volatile __u32 *)&queue->head = head + 1;
        return;
ring:
        key_report(key, role, index, generation, threshold);
}
