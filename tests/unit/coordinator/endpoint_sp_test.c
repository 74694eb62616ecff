/* The framing of Scalability Protocols: what is taken, what is refused, and on how few bytes. */
#include "coordinator/endpoint_sp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BODY_MAX 100

static const char *why;

static void hello(void **state)
{
        static const uint8_t req[] = { 0, 'S', 'P', 0, 0, 0x30, 0, 0 };
        uint8_t ours[SP_HELLO_SIZE];

        (void)state;
        for (size_t n = 0; n < sizeof(req); n++)
                assert_int_equal(sp_parse_hello(req, n, &why), -EAGAIN);
        assert_int_equal(sp_parse_hello(req, sizeof(req), &why), 0);
        sp_hello(ours);
        assert_memory_equal(ours, "\0SP\0\0\x31\0\0", sizeof(ours));
}

static void hello_refused(void **state)
{
        (void)state;
        assert_int_equal(sp_parse_hello((const uint8_t *)"GET / HT", 8, &why), -EPROTO);
        assert_string_equal(why, "does not speak the SP protocol");
        assert_int_equal(sp_parse_hello((const uint8_t *)"G", 1, &why), -EPROTO);
        assert_int_equal(sp_parse_hello((const uint8_t *)"\x16\x03\x01", 3, &why), -EPROTO);
        assert_non_null(strstr(why, "TLS"));
        assert_int_equal(sp_parse_hello((const uint8_t *)"\0SP\0\0\x50\0\0", 8, &why), -EPROTO); /* PUSH */
        assert_string_equal(why, "speaks another SP protocol than REQ");
        assert_int_equal(sp_parse_hello((const uint8_t *)"\0SP\0\0\x30\0\1", 8, &why), -EPROTO);
        assert_string_equal(why, "speaks another version of SP");
        assert_int_equal(sp_parse_hello((const uint8_t *)"\0SP\1", 4, &why), -EPROTO);
}

/* Parses from memory of exactly the given size, so that AddressSanitizer sees a read beyond it. */
static int parse(enum sp_mapping mapping, const uint8_t *data, size_t size, struct sp_request *request, size_t *length)
{
        uint8_t *exact = malloc(size ? size : 1);
        int r;

        assert_non_null(exact);
        memcpy(exact, data, size);
        r = sp_parse_request(mapping, BODY_MAX, exact, size, request, length, &why);
        if (r == 0)
                request->body = data + (request->body - exact);
        free(exact);
        return r;
}

static void request_in_pieces(void **state)
{
        static const uint8_t message[] = { 0, 0, 0, 0, 0, 0, 0, 9, 0x80, 1, 2, 3, 'h', 'e', 'l', 'l', 'o', 'X' };
        struct sp_request request;
        size_t length;

        (void)state;
        for (size_t n = 0; n < 17; n++) {
                assert_int_equal(parse(SP_STREAM, message, n, &request, &length), -EAGAIN);
                assert_int_equal(length, n < 8 ? 0 : 17);
        }
        for (size_t n = 17; n <= 18; n++) {
                assert_int_equal(parse(SP_STREAM, message, n, &request, &length), 0);
                assert_int_equal(length, 17);
                assert_int_equal(request.id, 0x80010203);
                assert_int_equal(request.body_size, 5);
                assert_memory_equal(request.body, "hello", 5);
        }
}

static void request_over_ipc(void **state)
{
        static const uint8_t message[] = { 1, 0, 0, 0, 0, 0, 0, 0, 4, 0xff, 0, 0, 1 };
        static const uint8_t other[] = { 2 };
        struct sp_request request;
        size_t length;

        (void)state;
        for (size_t n = 0; n < sizeof(message); n++)
                assert_int_equal(parse(SP_IPC, message, n, &request, &length), -EAGAIN);
        assert_int_equal(parse(SP_IPC, message, sizeof(message), &request, &length), 0);
        assert_int_equal(request.body_size, 0);
        assert_int_equal(length, sizeof(message));
        assert_int_equal(parse(SP_IPC, other, sizeof(other), &request, &length), -EPROTO);
}

static void lengths(void **state)
{
        static const struct {
                uint8_t message[8];
                int r;
        } cases[] = {
                { { 0, 0, 0, 0, 0, 0, 0, 0 }, -EPROTO },
                { { 0, 0, 0, 0, 0, 0, 0, 3 }, -EPROTO },
                { { 0, 0, 0, 0, 0, 0, 0, 4 }, -EAGAIN },
                { { 0, 0, 0, 0, 0, 0, 0, 4 + BODY_MAX }, -EAGAIN },
                { { 0, 0, 0, 0, 0, 0, 0, 5 + BODY_MAX }, -EMSGSIZE },
                { { 0, 0, 0, 1, 0, 0, 0, 0 }, -EMSGSIZE },
                { { 0x80, 0, 0, 0, 0, 0, 0, 0 }, -EMSGSIZE },
                { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, -EMSGSIZE },
        };
        struct sp_request request;
        size_t length;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                assert_int_equal(parse(SP_STREAM, cases[i].message, 8, &request, &length), cases[i].r);
}

static void no_id(void **state)
{
        static const uint8_t message[] = { 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 5, 0x80, 0, 0, 1 };
        struct sp_request request = { .id = 77 };
        size_t length;

        (void)state;
        assert_int_equal(parse(SP_STREAM, message, 12, &request, &length), -EPROTO);
        assert_int_equal(request.id, 77);
}

static void reply(void **state)
{
        uint8_t frame[SP_FRAME_MAX];

        (void)state;
        assert_int_equal(sp_frame_reply(SP_STREAM, 0x80000102, 256, frame), 12);
        assert_memory_equal(frame, "\0\0\0\0\0\0\1\4\x80\0\1\2", 12);
        assert_int_equal(sp_frame_reply(SP_IPC, 0x80000102, 0, frame), 13);
        assert_memory_equal(frame, "\1\0\0\0\0\0\0\0\4\x80\0\1\2", 13);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(hello),
                cmocka_unit_test(hello_refused),
                cmocka_unit_test(request_in_pieces),
                cmocka_unit_test(request_over_ipc),
                cmocka_unit_test(lengths),
                cmocka_unit_test(no_id),
                cmocka_unit_test(reply),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
