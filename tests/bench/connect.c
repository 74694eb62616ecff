#include "tests/bench/connect.h"

#include "tests/bench/process.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct connects {
        int listener;
        struct sockaddr_in address;
        uint32_t turn;
};

int connects_new(uint16_t port, struct connects **ret_connects)
{
        struct connects *c = calloc(1, sizeof(*c));
        int r;

        if (!c)
                return -ENOMEM;
        c->address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_ANY) };
        c->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (c->listener < 0 || setsockopt(c->listener, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int)) < 0 ||
            bind(c->listener, (struct sockaddr *)&c->address, sizeof(c->address)) < 0 || listen(c->listener, 128) < 0) {
                r = -errno;
                connects_free(&c);
                return r;
        }
        *ret_connects = c;
        return 0;
}

void connects_free(struct connects **connects)
{
        struct connects *c = *connects;

        if (!c)
                return;
        if (c->listener >= 0)
                close(c->listener);
        free(c);
        *connects = NULL;
}

/* One connection. Sixteen addresses in turn keep the search for a free port short: an end that
 * closes first stays in TIME_WAIT for a minute. */
static int one(struct connects *c, uint32_t messages)
{
        char byte = 'x';
        int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), server = -1, r = 0;

        c->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (c->turn++ & 15));
        if (client < 0 || connect(client, (struct sockaddr *)&c->address, sizeof(c->address)) < 0)
                r = -errno;
        if (r == 0) {
                server = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC);
                if (server < 0)
                        r = -errno;
        }
        for (uint32_t i = 0; r == 0 && i < messages; i++)
                if (send(client, &byte, 1, MSG_NOSIGNAL) != 1 || recv(server, &byte, 1, 0) != 1)
                        r = -EIO;
        if (client >= 0)
                close(client);
        if (server >= 0)
                close(server);
        return r;
}

static int64_t own_time(void)
{
        struct timespec ts;

        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
        return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

int connects_measure(void *connects, int64_t duration, double *ret_costs)
{
        int64_t from = clock_monotonic(), now, cpu = own_time();
        uint64_t count = 0;

        do {
                for (int i = 0; i < 64; i++, count++) {
                        int r = one(connects, 0);

                        if (r < 0)
                                return r;
                }
                now = clock_monotonic();
        } while (now - from < duration);
        ret_costs[0] = (double)(now - from) / (double)count;
        ret_costs[1] = (double)(own_time() - cpu) / (double)count;
        return 0;
}

int connects_make(struct connects *connects, uint64_t count, uint32_t messages)
{
        for (uint64_t i = 0; i < count; i++) {
                int r = one(connects, messages);

                if (r < 0)
                        return r;
        }
        return 0;
}

int connects_pace(struct connects *connects, uint32_t per_second, int64_t duration)
{
        int64_t start = clock_monotonic(), now = start;
        uint64_t done = 0;

        while (now - start < duration) {
                uint64_t due = (uint64_t)((double)(now - start) / NSEC_PER_SEC * per_second);

                for (; done < due; done++) {
                        int r = one(connects, 1);

                        if (r < 0)
                                return r;
                }
                sleep_ns(NSEC_PER_MSEC);
                now = clock_monotonic();
        }
        return 0;
}
