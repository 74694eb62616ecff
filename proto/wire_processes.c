/* Processes of the host. */
#include "proto/wire_table.h"

void wire_pack_processes(struct wire_packer *p)
{
        const struct summary_process *q = p->s->processes;
        size_t n = p->s->processes_count;
        Nightshift__Processes *m = NEW_TABLE(p, processes, Processes);

        if (!m)
                return;
        PACK_FIRST(p, m, pid, n, q[i].pid);
        PACK_IDENTITY(p, m, identity, n, q[i].identity);
        PACK_TIME(p, m, started_ago, n, q[i].started);
        PACK_TEXT(p, m, executable, n, q[i].executable);
        PACK_TEXT(p, m, build, n, q[i].build);
        PACK(p, m, cpu_ns, n, q[i].cpu_ns);
        PACK(p, m, rss_bytes, n, q[i].rss_bytes);
        PACK(p, m, threads, n, q[i].threads);
        PACK(p, m, open_files, n, q[i].open_files);
        PACK(p, m, open_files_limit, n, q[i].open_files_limit);
        PACK(p, m, restarts_1h, n, q[i].restarts_1h);
        PACK(p, m, has_exit, n, q[i].has_exit);
        PACK(p, m, exit_code, n, q[i].exit_code);
        PACK(p, m, exit_signal, n, q[i].exit_signal);
        PACK(p, m, exit_oom, n, q[i].exit_oom);
        PACK(p, m, throttled_ns, n, q[i].throttled_ns);
        PACK(p, m, memory_limit_bytes, n, q[i].memory_limit_bytes);
}

int wire_unpack_processes(struct wire_unpacker *u)
{
        const Nightshift__Processes *m = u->m->processes;
        struct summary_process *rows;
        size_t n = m ? m->n_pid : 0;

        UNPACK_ROWS(u, processes, n, WIRE_PROCESSES_MAX, rows);
        UNPACK(u, "processes", m, pid, n, rows[i].pid = v);
        UNPACK_IDENTITY(u, "processes", m, identity, n, rows[i].identity);
        UNPACK_TIME(u, "processes", m, started_ago, n, rows[i].started);
        UNPACK_TEXT(u, "processes", m, executable, n, rows[i].executable);
        UNPACK_TEXT(u, "processes", m, build, n, rows[i].build);
        UNPACK(u, "processes", m, cpu_ns, n, rows[i].cpu_ns = v);
        UNPACK(u, "processes", m, rss_bytes, n, rows[i].rss_bytes = v);
        UNPACK(u, "processes", m, threads, n, rows[i].threads = v);
        UNPACK(u, "processes", m, open_files, n, rows[i].open_files = v);
        UNPACK(u, "processes", m, open_files_limit, n, rows[i].open_files_limit = v);
        UNPACK(u, "processes", m, restarts_1h, n, rows[i].restarts_1h = v);
        UNPACK(u, "processes", m, has_exit, n, rows[i].has_exit = v != 0);
        UNPACK(u, "processes", m, exit_code, n, rows[i].exit_code = v);
        UNPACK(u, "processes", m, exit_signal, n, rows[i].exit_signal = v);
        UNPACK(u, "processes", m, exit_oom, n, rows[i].exit_oom = v != 0);
        UNPACK(u, "processes", m, throttled_ns, n, rows[i].throttled_ns = v);
        UNPACK(u, "processes", m, memory_limit_bytes, n, rows[i].memory_limit_bytes = v);
        return 0;
}
