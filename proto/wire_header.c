/* What a summary says of itself: whose it is, of when, and which of several. */
#include "proto/wire_table.h"

#define AT_MAX (INT64_C(7258118400) * NSEC_PER_SEC) /* so that sums of times do not overflow */

void wire_pack_header(struct wire_packer *p)
{
        const struct summary *s = p->s;
        Nightshift__Summary *m = p->m;

        m->session = s->session;
        m->sequence = s->sequence;
        m->session_started = s->session_started;
        m->at = s->at;
        m->interval = s->interval;
        m->full = s->full;
        m->final = s->final;
        m->lost = s->lost;
        m->lost_keys = s->lost_keys;
        m->pools_lost = s->pools_lost;
        m->key_threshold = s->key_threshold;
        m->part = s->part;
        m->parts = s->parts > 1 ? s->parts : 0;
        m->agent_rss_bytes = s->agent_rss_bytes;
        m->agent_map_bytes = s->agent_map_bytes;
        m->agent_cpu_ns = s->agent_cpu_ns;
        m->ports = s->resources.ports;
        m->memory_bytes = s->resources.memory_bytes;
        m->memory_available_bytes = s->resources.memory_available_bytes;
        m->oom_kills = s->resources.oom_kills;
        m->host = wire_intern_text(p, s->host);
        m->host_id = wire_intern_text(p, s->host_id);
        m->boot_id = wire_intern_text(p, s->boot_id);
        m->kernel = wire_intern_text(p, s->kernel);
        m->agent_version = wire_intern_text(p, s->agent_version);
}

#define HOST_TEXT(u, field)                                                                                                        \
        do {                                                                                                                       \
                if ((u)->m->field > (u)->text_count)                                                                               \
                        FAIL(u, #field ": no such string");                                                                        \
                (u)->s->field = (u)->text[(u)->m->field];                                                                          \
        } while (0)

int wire_unpack_header(struct wire_unpacker *u)
{
        const Nightshift__Summary *m = u->m;
        struct summary *s = u->s;

        if (m->session == 0)
                FAIL(u, "session: missing");
        if (m->sequence == 0)
                FAIL(u, "sequence: missing");
        if (m->at <= 0 || m->at > AT_MAX)
                FAIL(u, "at: missing, before the epoch, or after the year 2200");
        if (m->session_started < 0 || m->session_started > m->at)
                FAIL(u, "session_started: not between the epoch and the summary");
        if (m->interval < 0)
                FAIL(u, "interval: negative");
        if (m->parts > WIRE_PARTS_MAX || (m->part && (m->part >= m->parts || m->part >= m->sequence)) || (m->parts && !m->full))
                FAIL(u, "part: not one of the parts");
        s->session = m->session;
        s->sequence = m->sequence;
        s->session_started = m->session_started;
        s->at = m->at;
        s->interval = m->interval;
        s->full = m->full;
        s->final = m->final;
        s->lost = m->lost;
        s->lost_keys = m->lost_keys;
        s->pools_lost = m->pools_lost;
        s->key_threshold = m->key_threshold;
        s->part = m->part;
        s->parts = m->parts ? m->parts : 1;
        s->agent_rss_bytes = m->agent_rss_bytes;
        s->agent_map_bytes = m->agent_map_bytes;
        s->agent_cpu_ns = m->agent_cpu_ns;
        s->resources = (struct summary_resources){ .ports = m->ports,
                                                   .memory_bytes = m->memory_bytes,
                                                   .memory_available_bytes = m->memory_available_bytes,
                                                   .oom_kills = m->oom_kills };
        HOST_TEXT(u, host);
        HOST_TEXT(u, host_id);
        HOST_TEXT(u, boot_id);
        HOST_TEXT(u, kernel);
        HOST_TEXT(u, agent_version);
        if (s->host[0] == 0)
                FAIL(u, "host: missing");
        return 0;
}
