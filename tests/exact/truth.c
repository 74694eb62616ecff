#include "tests/exact/truth.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

static struct truth *truth;
static int truth_fd = -1;

void die(const char *format, ...)
{
        int saved = errno;
        va_list ap;
        char text[512];

        va_start(ap, format);
        vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        dprintf(2, "%s[%d]: %s (errno %d: %s)\n", truth_self(), getpid(), text, saved, strerror(saved));
        _exit(1);
}

const char *truth_self(void)
{
        static char path[4096];
        ssize_t n;

        if (path[0] == 0) {
                n = readlink("/proc/self/exe", path, sizeof(path) - 1);
                if (n <= 0)
                        return "?";
                path[n] = 0;
        }
        return strrchr(path, '/') + 1;
}

void truth_open(void)
{
        const char *path = getenv("EXACT_TRUTH");

        if (path == NULL)
                die("EXACT_TRUTH must name the file of the truth");
        truth_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (truth_fd < 0 || flock(truth_fd, LOCK_EX) < 0)
                die("cannot open %s", path);
        if (ftruncate(truth_fd, sizeof(struct truth)) < 0)
                die("cannot size %s", path);
        flock(truth_fd, LOCK_UN);
        truth = mmap(NULL, sizeof(struct truth), PROT_READ | PROT_WRITE, MAP_SHARED, truth_fd, 0);
        if (truth == MAP_FAILED)
                die("cannot map %s", path);
}

static struct truth_edge *find(const char *client, const char *server, uint16_t port)
{
        for (uint32_t i = 0; i < atomic_load(&truth->count); i++) {
                struct truth_edge *e = &truth->edges[i];

                if (e->port == port && strcmp(e->client, client) == 0 && strcmp(e->server, server) == 0)
                        return e;
        }
        return NULL;
}

struct truth_edge *truth_edge(const char *client, const char *server, uint16_t port)
{
        struct truth_edge *e = find(client, server, port);
        uint32_t n;

        if (e != NULL)
                return e;
        flock(truth_fd, LOCK_EX);
        e = find(client, server, port);
        if (e == NULL) {
                n = atomic_load(&truth->count);
                if (n == TRUTH_EDGES_MAX || strlen(client) >= sizeof(e->client) || strlen(server) >= sizeof(e->server))
                        die("no room for edge %s to %s", client, server);
                e = &truth->edges[n];
                strcpy(e->client, client);
                strcpy(e->server, server);
                e->port = port;
                atomic_store(&truth->count, n + 1);
        }
        flock(truth_fd, LOCK_UN);
        return e;
}

void truth_most(_Atomic uint64_t *most, uint64_t n)
{
        uint64_t known = atomic_load(most);

        while (known < n && !atomic_compare_exchange_weak(most, &known, n))
                ;
}

void truth_print(FILE *out)
{
        for (uint32_t i = 0; i < atomic_load(&truth->count); i++) {
                struct truth_edge *e = &truth->edges[i];

                fprintf(out, "{\"client\":\"%s\",\"server\":\"%s\",\"port\":%u", e->client, e->server, e->port);
#define X(name) fprintf(out, ",\"" #name "\":%llu", (unsigned long long)atomic_load(&e->name));
                TRUTH_COUNTERS(X)
#undef X
                fputs("}\n", out);
        }
}
