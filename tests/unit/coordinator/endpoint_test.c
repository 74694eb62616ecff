/* The endpoint on real loopback sockets, driven byte by byte: order, limits, and what becomes of
 * requests and replies whose other side goes away. */
#include "coordinator/endpoint.h"
#include "proto/log.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define WITHIN (5 * NSEC_PER_SEC)

static struct loop *loop;
static struct loop_source *deadline;
static struct endpoint *endpoint;
static const char *why;

static struct {
        uint64_t tokens[256], connection;
        uint8_t first[256];
        size_t count, gone;
        bool answer, close;
} seen;

static void request(void *data, const struct endpoint_peer *peer, uint64_t token, const uint8_t *body, size_t size)
{
        (void)data;
        assert_true(peer->loopback);
        assert_true(seen.count < 256);
        seen.first[seen.count] = size ? body[0] : 0;
        seen.tokens[seen.count++] = token;
        seen.connection = peer->connection;
        if (seen.answer)
                assert_int_equal(endpoint_reply(endpoint, token, body, size), 0);
        if (seen.close)
                endpoint_close(endpoint, peer->connection, "refused: a test");
        assert_int_equal(size ? body[0] : 0, seen.first[seen.count - 1]); /* valid to the end of the call */
}

static void gone(void *data, uint64_t connection)
{
        (void)data;
        (void)connection;
        seen.gone++;
}

static void expired(void *data, int64_t now)
{
        (void)data;
        (void)now;
        loop_stop(loop, -ETIMEDOUT);
}

/* Runs the loop for one timer's while, long enough for what is on loopback to arrive. */
static void turn(void)
{
        assert_int_equal(loop_set_timer(deadline, clock_monotonic() + 5 * NSEC_PER_MSEC), 0);
        assert_int_equal(loop_run(loop), -ETIMEDOUT);
}

#define AWAIT(condition)                                                                                                           \
        do {                                                                                                                       \
                int64_t end_ = clock_monotonic() + WITHIN;                                                                         \
                while (!(condition)) {                                                                                             \
                        assert_true(clock_monotonic() < end_);                                                                     \
                        turn();                                                                                                    \
                }                                                                                                                  \
        } while (0)

static const struct endpoint_functions functions = { .request = request, .gone = gone };

static void begin(const struct endpoint_options *options)
{
        memset(&seen, 0, sizeof(seen));
        assert_int_equal(loop_new(&loop), 0);
        assert_int_equal(loop_add_timer(loop, expired, NULL, &deadline), 0);
        assert_int_equal(endpoint_new(loop, options, &functions, NULL, &endpoint, &why), 0);
        assert_int_equal(endpoint_listen(endpoint, "tcp://127.0.0.1:0", &why), 0);
}

static void end(void)
{
        endpoint_free(&endpoint);
        loop_free(&loop);
}

static int dial(bool hello)
{
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int fd = socket(AF_INET, SOCK_STREAM, 0);

        address.sin_port = htons(endpoint_port(endpoint));
        assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        if (hello)
                assert_int_equal(send(fd, "\0SP\0\0\x30\0\0", 8, 0), 8);
        return fd;
}

static size_t message(uint8_t *buffer, uint8_t id, uint8_t first, size_t body_size)
{
        size_t length = body_size + 4;

        memset(buffer, 0, 12);
        for (int i = 0; i < 8; i++)
                buffer[i] = (uint8_t)(length >> (56 - 8 * i));
        buffer[8] = 0x80;
        buffer[11] = id;
        memset(buffer + 12, first, body_size);
        return 12 + body_size;
}

/* Reads exactly `size` bytes while the loop runs. */
static void receive(int fd, uint8_t *buffer, size_t size)
{
        size_t got = 0;

        AWAIT(({
                ssize_t n = recv(fd, buffer + got, size - got, MSG_DONTWAIT);
                assert_true(n > 0 || (n < 0 && errno == EAGAIN));
                got += n > 0 ? (size_t)n : 0;
                got == size;
        }));
}

static bool closed(int fd)
{
        uint8_t byte;
        ssize_t n = recv(fd, &byte, 1, MSG_DONTWAIT);

        return n == 0 || (n < 0 && errno != EAGAIN);
}

static uint64_t connections(void)
{
        struct endpoint_statistics s;

        endpoint_statistics(endpoint, &s);
        return s.connections;
}

static void byte_by_byte(void **state)
{
        uint8_t in[64], out[64];
        size_t size = message(in, 9, 'x', 20);
        int fd;

        (void)state;
        begin(&(struct endpoint_options){ 0 });
        seen.answer = true;
        fd = dial(true);
        for (size_t i = 0; i < size; i++) {
                assert_int_equal(seen.count, 0);
                assert_int_equal(send(fd, in + i, 1, 0), 1);
                turn();
        }
        receive(fd, out, 8 + size);
        assert_memory_equal(out, "\0SP\0\0\x31\0\0", 8);
        assert_memory_equal(out + 8, in, size);
        close(fd);
        AWAIT(seen.gone == 1);
        end();
}

static void many_at_once_keep_their_order(void **state)
{
        uint8_t in[100 * 32], out[8];
        size_t size = 0;
        int fd;

        (void)state;
        begin(&(struct endpoint_options){ .requests_per_connection = 200 });
        fd = dial(true);
        for (uint8_t i = 0; i < 100; i++)
                size += message(in + size, i, i, 20);
        assert_int_equal(send(fd, in, size, 0), (ssize_t)size);
        AWAIT(seen.count == 100);
        for (size_t i = 0; i < 100; i++)
                assert_int_equal(seen.first[i], i);
        for (size_t i = 100; i-- > 0;) /* answered in any order */
                assert_int_equal(endpoint_reply(endpoint, seen.tokens[i], seen.first + i, 1), 0);
        assert_int_equal(endpoint_reply(endpoint, seen.tokens[3], NULL, 0), -ENOENT);
        receive(fd, out, 8);
        for (uint8_t i = 100; i-- > 0;) {
                uint8_t reply[13];
                receive(fd, reply, sizeof(reply));
                assert_int_equal(reply[11], i);
                assert_int_equal(reply[12], i);
        }
        close(fd);
        end();
}

static void too_many_in_flight_wait(void **state)
{
        uint8_t in[10 * 13];
        size_t size = 0;
        int fd;

        (void)state;
        begin(&(struct endpoint_options){ .requests_per_connection = 4 });
        fd = dial(true);
        for (uint8_t i = 0; i < 10; i++)
                size += message(in + size, i, i, 1);
        assert_int_equal(send(fd, in, size, 0), (ssize_t)size);
        AWAIT(seen.count == 4);
        turn();
        assert_int_equal(seen.count, 4);
        for (size_t i = 0; i < 10; i++) {
                AWAIT(seen.count > i);
                assert_int_equal(seen.first[i], i);
                assert_int_equal(endpoint_reply(endpoint, seen.tokens[i], NULL, 0), 0);
        }
        close(fd);
        end();
}

static void a_repeated_id_supersedes(void **state)
{
        uint8_t in[26];
        int fd;

        (void)state;
        begin(&(struct endpoint_options){ 0 });
        fd = dial(true);
        message(in, 5, 'a', 1);
        message(in + 13, 5, 'b', 1);
        assert_int_equal(send(fd, in, sizeof(in), 0), (ssize_t)sizeof(in));
        AWAIT(seen.count == 2);
        assert_int_equal(endpoint_reply(endpoint, seen.tokens[0], NULL, 0), -ENOENT);
        assert_int_equal(endpoint_reply(endpoint, seen.tokens[1], NULL, 0), 0);
        close(fd);
        end();
}

static void a_reply_to_the_gone_is_no_error(void **state)
{
        uint8_t in[13];
        int fd;

        (void)state;
        begin(&(struct endpoint_options){ 0 });
        fd = dial(true);
        message(in, 5, 'a', 1);
        assert_int_equal(send(fd, in, sizeof(in), 0), (ssize_t)sizeof(in));
        AWAIT(seen.count == 1);
        close(fd);
        AWAIT(seen.gone == 1);
        assert_int_equal(endpoint_reply(endpoint, seen.tokens[0], NULL, 0), -ENOENT);
        fd = dial(true); /* takes the same place: an old token must not reach it */
        assert_int_equal(send(fd, in, sizeof(in), 0), (ssize_t)sizeof(in));
        AWAIT(seen.count == 2);
        assert_int_equal(endpoint_reply(endpoint, seen.tokens[0], NULL, 0), -ENOENT);
        assert_int_equal(endpoint_reply(endpoint, seen.tokens[1], NULL, 0), 0);
        close(fd);
        end();
}

static void a_close_lets_the_reply_arrive(void **state)
{
        uint8_t in[26], out[21];
        int fd;

        (void)state;
        begin(&(struct endpoint_options){ 0 });
        log_set_level(LOG_LEVEL_ERROR);
        seen.answer = seen.close = true;
        fd = dial(true);
        message(in, 5, 'a', 1);
        message(in + 13, 6, 'b', 1); /* must not be served any more */
        assert_int_equal(send(fd, in, sizeof(in), 0), (ssize_t)sizeof(in));
        receive(fd, out, sizeof(out));
        assert_int_equal(out[20], 'a');
        AWAIT(closed(fd));
        assert_int_equal(send(fd, in, 13, MSG_NOSIGNAL), 13);
        close(fd);
        AWAIT(connections() == 0);
        assert_int_equal(seen.count, 1);
        assert_int_equal(seen.gone, 1);
        end();
}

static void oversized_is_refused_unread(void **state)
{
        uint8_t head[12];
        int fd;

        (void)state;
        begin(&(struct endpoint_options){ .request_bytes_max = 1000 });
        log_set_level(LOG_LEVEL_ERROR);
        fd = dial(true);
        message(head, 1, 0, 0);
        head[6] = (1001 + 4) >> 8;
        head[7] = (1001 + 4) & 0xff;
        assert_int_equal(send(fd, head, 8, 0), 8);
        AWAIT(seen.gone == 1);
        close(fd);
        end();
}

static void unread_replies_are_bounded(void **state)
{
        static uint8_t reply[200 << 10];
        uint8_t in[13];
        bool refused = false;
        int fd, small = 4096;

        (void)state;
        begin(&(struct endpoint_options){ .pending_reply_bytes_max = 1 << 20 });
        log_set_level(LOG_LEVEL_ERROR);
        fd = dial(true);
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
        for (int i = 0; i < 200 && !refused; i++) {
                size_t before = seen.count;
                message(in, (uint8_t)i, 'a', 1);
                assert_int_equal(send(fd, in, sizeof(in), MSG_NOSIGNAL), (ssize_t)sizeof(in));
                AWAIT(seen.count > before || seen.gone);
                refused = seen.gone || endpoint_reply(endpoint, seen.tokens[seen.count - 1], reply, sizeof(reply)) == -ENOENT;
        }
        assert_true(refused);
        AWAIT(seen.gone == 1);
        close(fd);
        end();
}

static void handshake_and_idle_have_deadlines(void **state)
{
        int silent, half, idle;

        (void)state;
        begin(&(struct endpoint_options){ .handshake_ns = 100 * NSEC_PER_MSEC, .idle_ns = 1500 * NSEC_PER_MSEC });
        log_set_level(LOG_LEVEL_ERROR);
        silent = dial(false);
        half = dial(false);
        assert_int_equal(send(half, "\0SP", 3, 0), 3);
        idle = dial(true);
        AWAIT(connections() == 3);
        AWAIT(connections() == 1);
        AWAIT(connections() == 0);
        close(silent);
        close(half);
        close(idle);
        end();
}

static void the_oldest_handshake_gives_way(void **state)
{
        uint8_t in[13], out[21];
        int silent[20], fd;

        (void)state;
        begin(&(struct endpoint_options){ .connections_max = 8 });
        log_set_level(LOG_LEVEL_ERROR);
        for (size_t i = 0; i < ARRAY_SIZE(silent); i++)
                silent[i] = dial(false);
        fd = dial(true); /* gets in all the same */
        seen.answer = true;
        message(in, 5, 'a', 1);
        assert_int_equal(send(fd, in, sizeof(in), 0), (ssize_t)sizeof(in));
        receive(fd, out, sizeof(out));
        assert_true(connections() <= 6);
        AWAIT(closed(silent[0]));
        for (size_t i = 0; i < ARRAY_SIZE(silent); i++)
                close(silent[i]);
        AWAIT(connections() == 1);
        for (size_t i = 0; i < ARRAY_SIZE(silent); i++) {
                silent[i] = dial(true);
                turn();
        }
        assert_int_equal(connections(), 4); /* who is through the handshake stays; half is for TLS */
        assert_true(closed(silent[19]));
        assert_false(closed(fd));
        for (size_t i = 0; i < ARRAY_SIZE(silent); i++)
                close(silent[i]);
        close(fd);
        end();
}

/* Anybody on this machine may connect to plain loopback: not so many that nobody else gets in. */
static void the_control_socket_has_places_of_its_own(void **state)
{
        struct sockaddr_un control = { .sun_family = AF_UNIX, .sun_path = "/tmp/nightshift-endpoint-test.sock" };
        int many[20], fd = socket(AF_UNIX, SOCK_STREAM, 0);
        uint8_t byte;

        (void)state;
        begin(&(struct endpoint_options){ .connections_max = 16 });
        log_set_level(LOG_LEVEL_ERROR);
        for (int round = 0; round < 2; round++) { /* the places are free again */
                for (size_t i = 0; i < ARRAY_SIZE(many); i++) {
                        if (round > 0)
                                close(many[i]);
                        turn();
                        many[i] = dial(true);
                        turn();
                }
                assert_int_equal(connections(), 8);
        }
        assert_int_equal(endpoint_listen(endpoint, "ipc:///tmp/nightshift-endpoint-test.sock", &why), 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&control, sizeof(control)), 0);
        AWAIT(connections() == 9);
        receive(fd, &byte, 1);
        close(fd);
        AWAIT(connections() == 8);
        for (size_t i = 0; i < ARRAY_SIZE(many); i++)
                close(many[i]);
        AWAIT(connections() == 0);
        end();
}

static void listen_addresses(void **state)
{
        static const char *const bad[] = { "tcp://0.0.0.0:7337", "tcp://10.0.0.1:7337",   "tcp://[::]:7337",
                                           "tcp://127.0.0.1",    "tcp://127.0.0.1:x",     "tcp://127.0.0.1:70000",
                                           "http://127.0.0.1:1", "tls+tcp://127.0.0.1:0", "ipc://relative",
                                           "tcp://::1:80",       "tcp://[::1:80",         "" };

        (void)state;
        begin(&(struct endpoint_options){ 0 });
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                why = NULL;
                assert_int_equal(endpoint_listen(endpoint, bad[i], &why), -EINVAL);
                assert_non_null(strstr(why, bad[i]));
        }
        assert_int_equal(endpoint_listen(endpoint, "tcp://[::1]:0", &why), 0);
        assert_int_equal(endpoint_listen(endpoint, "ipc:///tmp/nightshift-endpoint-test.sock", &why), 0);
        assert_int_equal(endpoint_listen(endpoint, "ipc:///tmp/nightshift-endpoint-test.sock", &why), -EADDRINUSE);
        end();
        assert_int_equal(access("/tmp/nightshift-endpoint-test.sock", F_OK), -1);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(byte_by_byte),
                cmocka_unit_test(many_at_once_keep_their_order),
                cmocka_unit_test(too_many_in_flight_wait),
                cmocka_unit_test(a_repeated_id_supersedes),
                cmocka_unit_test(a_reply_to_the_gone_is_no_error),
                cmocka_unit_test(a_close_lets_the_reply_arrive),
                cmocka_unit_test(oversized_is_refused_unread),
                cmocka_unit_test(unread_replies_are_bounded),
                cmocka_unit_test(handshake_and_idle_have_deadlines),
                cmocka_unit_test(the_oldest_handshake_gives_way),
                cmocka_unit_test(the_control_socket_has_places_of_its_own),
                cmocka_unit_test(listen_addresses),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
