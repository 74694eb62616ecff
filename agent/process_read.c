#include "agent/process_read.h"

#include "agent/text.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int process_read_stat(const char *proc, uint32_t pid, uint64_t start_ns, struct process_stat *ret_stat)
{
        unsigned long user, system, threads;
        unsigned long long start;
        uint64_t tick = NSEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK);
        char path[64], text[1024], *rest;
        ssize_t n;
        long rss;
        int parent;

        snprintf(path, sizeof(path), "%s/%u/stat", proc, pid);
        n = text_read_file(path, text, sizeof(text));
        if (n < 0)
                return (int)n;
        /* The name may contain anything, also parentheses. */
        rest = strrchr(text, ')');
        if (!rest || sscanf(rest + 1, " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %lu %*d %llu %*u %ld",
                            &parent, &user, &system, &threads, &start, &rss) != 6)
                return -ESRCH;
        if (start != start_ns / tick)
                return -ESRCH;
        ret_stat->parent = (uint32_t)MAX(parent, 0);
        ret_stat->threads = (uint32_t)threads;
        ret_stat->cpu_ns = (uint64_t)(user + system) * tick;
        ret_stat->rss_bytes = (uint64_t)MAX(rss, 0) * (uint64_t)sysconf(_SC_PAGESIZE);
        return 0;
}

uint32_t process_read_files(const char *proc, uint32_t pid, uint32_t most)
{
        struct dirent *entry;
        uint32_t count = 0;
        struct stat st;
        char path[64];
        DIR *dir;

        snprintf(path, sizeof(path), "%s/%u/fd", proc, pid);
        /* Since Linux 6.2 (commit f1f1f2569901) the size of the folder is the number of files. */
        if (stat(path, &st) == 0 && st.st_size > 0)
                return (uint32_t)st.st_size;
        dir = opendir(path);
        if (!dir)
                return 0;
        while (count < most && (entry = readdir(dir)))
                count += entry->d_name[0] != '.';
        closedir(dir);
        return count;
}

uint32_t process_read_files_limit(const char *proc, uint32_t pid)
{
        char path[64], text[4096], *line;
        unsigned long long limit;

        snprintf(path, sizeof(path), "%s/%u/limits", proc, pid);
        if (text_read_file(path, text, sizeof(text)) <= 0)
                return 0;
        line = strstr(text, "Max open files");
        if (!line || sscanf(line, "Max open files %llu", &limit) != 1)
                return 0;
        return (uint32_t)MIN(limit, (unsigned long long)UINT32_MAX);
}

bool process_same_cgroup(const char *proc, uint32_t a, uint32_t b)
{
        char path[64], first[4096], second[4096];

        snprintf(path, sizeof(path), "%s/%u/cgroup", proc, a);
        if (text_read_file(path, first, sizeof(first)) <= 0)
                return false;
        snprintf(path, sizeof(path), "%s/%u/cgroup", proc, b);
        return text_read_file(path, second, sizeof(second)) > 0 && strcmp(first, second) == 0;
}
