/* Peers that nobody should have, against 127.0.0.1:PORT:
 *   hostile ATTACK PORT COUNT [SEED]
 * and one that anybody may have, to see whether it is disturbed: a request every 5 ms until SIGTERM,
 * then "requests N p50_us A p99_us B max_us C":
 *   hostile well-behaved PORT 0
 * Connections that an attack leaves open stay so until the other side closes them or 20 s passed;
 * then "closed_by_peer N open M". */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 8192
#define WAIT_MS 20000

static struct sockaddr_in address = { .sin_family = AF_INET };
static int open_fds[CONNECTIONS_MAX];
static size_t open_count;
static volatile sig_atomic_t stopped;
static uint8_t junk[1 << 20];

static double now_us(void)
{
        struct timespec ts;

        clock_gettime(CLOCK_MONOTONIC, &ts);
        return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static void die(const char *what)
{
        fprintf(stderr, "hostile: %s: %s\n", what, strerror(errno));
        exit(1);
}

static int dial(bool hello)
{
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
                die("connect");
        if (hello && send(fd, "\0SP\0\0\x30\0\0", 8, MSG_NOSIGNAL) != 8)
                die("hello");
        return fd;
}

static void reset(int fd)
{
        struct linger linger = { .l_onoff = 1 };

        setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
        close(fd);
}

/* The head of a message of `size` bytes, the request id included. */
static void head(uint8_t buffer[12], uint64_t size, uint32_t id)
{
        for (int i = 0; i < 8; i++)
                buffer[i] = (uint8_t)(size >> (56 - 8 * i));
        id = htonl(id | 0x80000000);
        memcpy(buffer + 8, &id, 4);
}

/* What the other side does not take is not our worry here. */
static void throw(int fd, const void *data, size_t size)
{
        if (send(fd, data, size, MSG_NOSIGNAL) < 0 && errno != EPIPE && errno != ECONNRESET)
                die("send");
}

static void keep(int fd)
{
        open_fds[open_count++] = fd;
}

static void fin_rst(long i)
{
        int fd = dial(false);

        (void)i;
        shutdown(fd, SHUT_WR);
        reset(fd);
}

static void reset_in_flight(long i)
{
        uint8_t message[16 * 16];
        int fd = dial(true);

        (void)i;
        for (uint32_t k = 0; k < 16; k++) {
                head(message + 16 * k, 8, k);
                memcpy(message + 16 * k + 12, "hold", 4);
        }
        throw(fd, message, sizeof(message));
        usleep(200); /* some are read by then, some are not */
        reset(fd);
}

/* Asks for much and reads nothing. */
static void never_read(long i)
{
        static uint8_t message[12 + 65536];
        int fd = dial(true);
        struct timeval patience = { .tv_usec = 200000 };

        (void)i;
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
        for (uint32_t k = 0; k < 400; k++) {
                head(message, sizeof(message) - 8, k);
                if (send(fd, message, sizeof(message), MSG_NOSIGNAL) < (ssize_t)sizeof(message))
                        break;
        }
        keep(fd);
}

static void half_handshake(long i)
{
        /* The beginning of a TLS client's first record; on a plain listener, of an SP one. */
        static const uint8_t tls[] = { 0x16, 3, 1, 1, 0, 1, 0, 0, 0xfc, 3, 3 };
        int fd = dial(false);

        if (i % 3 == 0)
                throw(fd, "\0SP", 3);
        else
                throw(fd, tls, sizeof(tls));
        if (i % 2)
                reset(fd);
        else
                close(fd);
}

static void garbage(long i)
{
        int fd = dial(i % 2);

        throw(fd, junk + (size_t)(i % 1000) * 1000, 1 + (size_t)(random() % 40000));
        keep(fd);
}

static void oversized(long i)
{
        uint8_t message[12];
        int fd = dial(true);

        head(message, i % 2 ? UINT64_MAX : (5u << 20), 1);
        throw(fd, message, sizeof(message));
        keep(fd);
}

static void truncated(long i)
{
        uint8_t message[12];
        int fd = dial(true);

        (void)i;
        head(message, 5000, 1);
        throw(fd, message, sizeof(message));
        throw(fd, junk, 100);
        close(fd);
}

static void idle(long i)
{
        (void)i;
        keep(dial(false));
}

static void idle_after_hello(long i)
{
        (void)i;
        keep(dial(true));
}

/* Promises the largest message and sends a part of it, to pin memory. */
static void hoard(long i)
{
        uint8_t message[12];
        int fd = dial(true);

        (void)i;
        head(message, 4u << 20, 1);
        throw(fd, message, sizeof(message));
        throw(fd, junk, sizeof(junk));
        keep(fd);
}

/* Thousands of small requests in one breath. */
static void flood(long i)
{
        uint8_t *all = malloc(4000 * 16);
        int fd = dial(true);

        (void)i;
        for (uint32_t k = 0; k < 4000; k++) {
                head(all + 16 * k, 8, k);
                memcpy(all + 16 * k + 12, "ping", 4);
        }
        throw(fd, all, 4000 * 16);
        free(all);
        keep(fd);
}

static void stop(int number)
{
        (void)number;
        stopped = 1;
}

static int compare(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

static int well_behaved(void)
{
        static double took[200000];
        uint8_t message[12 + 100], reply[12 + 100], hello[8];
        size_t count = 0;
        int fd = dial(true);

        signal(SIGTERM, stop);
        if (recv(fd, hello, sizeof(hello), MSG_WAITALL) != sizeof(hello))
                die("hello");
        memset(message, 'w', sizeof(message));
        while (!stopped && count < sizeof(took) / sizeof(took[0])) {
                double start = now_us();
                head(message, sizeof(message) - 8, (uint32_t)count);
                if (send(fd, message, sizeof(message), MSG_NOSIGNAL) != sizeof(message))
                        die("send");
                if (recv(fd, reply, sizeof(reply), MSG_WAITALL) != sizeof(reply))
                        die("receive");
                if (memcmp(message, reply, sizeof(reply)) != 0) {
                        errno = EBADMSG;
                        die("reply");
                }
                took[count++] = now_us() - start;
                usleep(5000);
        }
        qsort(took, count, sizeof(took[0]), compare);
        printf("requests %zu p50_us %.0f p99_us %.0f max_us %.0f\n", count, took[count / 2], took[count * 99 / 100],
               took[count - 1]);
        return 0;
}

/* Waits for the other side to close what was kept. */
static void await_close(void)
{
        double end = now_us() + WAIT_MS * 1e3;
        size_t closed = 0, total = open_count;

        while (open_count > 0 && now_us() < end) {
                for (size_t i = 0; i < open_count;) {
                        uint8_t byte;
                        ssize_t n = recv(open_fds[i], &byte, 1, MSG_DONTWAIT | MSG_PEEK);
                        bool ended = n == 0 || (n < 0 && errno != EAGAIN);
                        struct pollfd p = { .fd = open_fds[i], .events = POLLRDHUP };

                        /* Replies that are not read hide the end behind them. */
                        if (!ended && poll(&p, 1, 0) == 1 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR)))
                                ended = true;
                        if (ended) {
                                closed++;
                                close(open_fds[i]);
                                open_fds[i] = open_fds[--open_count];
                        } else {
                                i++;
                        }
                }
                usleep(20000);
        }
        if (total)
                printf("closed_by_peer %zu open %zu\n", closed, open_count);
}

int main(int argc, char **argv)
{
        static const struct {
                const char *name;
                void (*attack)(long i);
        } attacks[] = {
                { "fin-rst", fin_rst },
                { "reset-in-flight", reset_in_flight },
                { "never-read", never_read },
                { "half-handshake", half_handshake },
                { "garbage", garbage },
                { "oversized", oversized },
                { "truncated", truncated },
                { "idle", idle },
                { "idle-after-hello", idle_after_hello },
                { "hoard", hoard },
                { "flood", flood },
        };
        struct rlimit limit = { CONNECTIONS_MAX + 64, CONNECTIONS_MAX + 64 };
        long count;
        unsigned seed;

        if (argc < 4)
                return 2;
        address.sin_port = htons((uint16_t)atoi(argv[2]));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        count = atol(argv[3]);
        setrlimit(RLIMIT_NOFILE, &limit);
        seed = argc > 4 ? (unsigned)atol(argv[4]) : (unsigned)time(NULL);
        srandom(seed);
        if (strcmp(argv[1], "well-behaved") == 0)
                return well_behaved();
        printf("seed %u\n", seed);
        for (size_t i = 0; i < sizeof(junk); i++)
                junk[i] = (uint8_t)random();
        for (size_t a = 0; a < sizeof(attacks) / sizeof(attacks[0]); a++) {
                if (strcmp(attacks[a].name, argv[1]) != 0)
                        continue;
                for (long i = 0; i < count && open_count < CONNECTIONS_MAX; i++)
                        attacks[a].attack(i);
                printf("done %s\n", argv[1]);
                fflush(stdout);
                await_close();
                return 0;
        }
        return 2;
}
