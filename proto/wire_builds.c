/* Builds of the host's services, and the settings that they run with. */
#include "proto/wire_table.h"

void wire_pack_settings(struct wire_packer *p)
{
        const struct summary_setting *t = p->s->settings;
        size_t n = p->s->settings_count;
        Nightshift__Settings *m;

        p->m->settings_key = p->s->settings_key;
        m = NEW_TABLE(p, settings, Settings);
        if (!m)
                return;
        PACK_FIRST(p, m, kind, n, t[i].kind);
        PACK_TEXT(p, m, name, n, t[i].name);
        PACK(p, m, digest, n, t[i].digest);
}

void wire_pack_builds(struct wire_packer *p)
{
        const struct summary_build *b = p->s->builds;
        size_t n = p->s->builds_count;
        Nightshift__Builds *m;

        p->m->builds_pending = p->s->builds_pending;
        m = NEW_TABLE(p, builds, Builds);
        if (!m)
                return;
        PACK_FIRST(p, m, processes, n, b[i].processes);
        PACK_IDENTITY(p, m, identity, n, b[i].identity);
        PACK_TEXT(p, m, program, n, b[i].program);
        PACK_TEXT(p, m, build, n, b[i].build);
        PACK_TEXT(p, m, release, n, b[i].release);
        PACK_TEXT(p, m, image, n, b[i].image);
        PACK_TEXT(p, m, version, n, b[i].version);
        PACK(p, m, code, n, b[i].code);
        PACK_TIME(p, m, first_started_ago, n, b[i].first_started);
        PACK_TIME(p, m, last_started_ago, n, b[i].last_started);
        PACK(p, m, unknown, n, b[i].unknown);
        PACK(p, m, settings, n, b[i].settings_count);
}

int wire_unpack_settings(struct wire_unpacker *u)
{
        const Nightshift__Settings *m = u->m->settings;
        struct summary_setting *rows;
        size_t n = m ? m->n_kind : 0;

        u->s->settings_key = u->m->settings_key;
        UNPACK_ROWS(u, settings, n, WIRE_SETTINGS_MAX, rows);
        UNPACK(u, "settings", m, kind, n, {
                if (v < SETTING_FILE || v > SETTING_ENVIRONMENT)
                        FAIL(u, "settings.kind: unknown");
                rows[i].kind = (enum setting_kind)v;
        });
        UNPACK_TEXT(u, "settings", m, name, n, rows[i].name);
        UNPACK(u, "settings", m, digest, n, rows[i].digest = v);
        return 0;
}

int wire_unpack_builds(struct wire_unpacker *u)
{
        const Nightshift__Builds *m = u->m->builds;
        struct summary_build *rows;
        size_t n = m ? m->n_processes : 0, taken = 0;

        u->s->builds_pending = u->m->builds_pending;
        UNPACK_ROWS(u, builds, n, WIRE_BUILDS_MAX, rows);
        UNPACK(u, "builds", m, processes, n, {
                if (v == 0)
                        FAIL(u, "builds.processes: 0");
                rows[i].processes = v;
        });
        UNPACK_IDENTITY(u, "builds", m, identity, n, rows[i].identity);
        UNPACK_TEXT(u, "builds", m, program, n, rows[i].program);
        UNPACK_TEXT(u, "builds", m, build, n, rows[i].build);
        UNPACK_TEXT(u, "builds", m, release, n, rows[i].release);
        UNPACK_TEXT(u, "builds", m, image, n, rows[i].image);
        UNPACK_TEXT(u, "builds", m, version, n, rows[i].version);
        UNPACK(u, "builds", m, code, n, rows[i].code = v);
        UNPACK_TIME(u, "builds", m, first_started_ago, n, rows[i].first_started);
        UNPACK_TIME(u, "builds", m, last_started_ago, n, rows[i].last_started);
        UNPACK(u, "builds", m, unknown, n, rows[i].unknown = v);
        UNPACK(u, "builds", m, settings, n, {
                if (v > u->s->settings_count - taken)
                        FAIL(u, "builds.settings: more than there are");
                rows[i].settings = (uint32_t)taken;
                rows[i].settings_count = v;
                taken += v;
        });
        return 0;
}
