/* The framing of Scalability Protocols, as the endpoint uses it: an opening, then requests, from a
 * stream that is cut at arbitrary places. The first byte chooses the mapping and where it is cut.
 * What is found must lie inside the input, and must not depend on how much of the stream is there. */
#include "coordinator/endpoint_sp.h"

#include <stdlib.h>
#include <string.h>

#define BODY_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)                                                                                                           \
        do {                                                                                                                       \
                if (!(condition))                                                                                                  \
                        abort();                                                                                                   \
        } while (0)

/* From memory of exactly that size: the sanitizer then sees a byte too many. */
static int parse(enum sp_mapping mapping, const uint8_t *data, size_t size, struct sp_request *ret_request, size_t *ret_size)
{
        uint8_t *exact = malloc(size ? size : 1);
        const char *why = NULL;
        int r;

        CHECK(exact);
        memcpy(exact, data, size);
        r = sp_parse_request(mapping, BODY_MAX, exact, size, ret_request, ret_size, &why);
        if (r == 0) {
                CHECK(ret_request->id & 0x80000000u);
                CHECK(ret_request->body_size <= BODY_MAX);
                CHECK(ret_request->body >= exact && ret_request->body + ret_request->body_size == exact + *ret_size);
                CHECK(*ret_size <= size);
                ret_request->body = data + (ret_request->body - exact);
        } else if (r == -EAGAIN) {
                CHECK(*ret_size == 0 || *ret_size > size);
                CHECK(*ret_size <= BODY_MAX + SP_FRAME_MAX);
        } else {
                CHECK((r == -EPROTO || r == -EMSGSIZE) && why);
        }
        free(exact);
        return r;
}

static void round_trip(enum sp_mapping mapping, const struct sp_request *request)
{
        uint8_t frame[SP_FRAME_MAX + BODY_MAX];
        size_t head = sp_frame_reply(mapping, request->id, request->body_size, frame), length;
        struct sp_request again;

        memcpy(frame + head, request->body, request->body_size);
        CHECK(parse(mapping, frame, head + request->body_size, &again, &length) == 0);
        CHECK(again.id == request->id && again.body_size == request->body_size);
        CHECK(length == head + request->body_size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        enum sp_mapping mapping;
        const char *why;
        size_t cut;

        if (size < 1)
                return 0;
        mapping = data[0] & 1 ? SP_IPC : SP_STREAM;
        cut = data[0] >> 1;
        data++;
        size--;
        if (sp_parse_hello(data, size, &why) != 0)
                return 0;
        data += SP_HELLO_SIZE;
        size -= SP_HELLO_SIZE;
        while (size > 0) {
                struct sp_request request, part;
                size_t length = 0, part_length = 0;
                int r = parse(mapping, data, size, &request, &length);
                int p = parse(mapping, data, MIN(cut, size), &part, &part_length);

                /* A part is incomplete, or says what the whole says. */
                CHECK(p == -EAGAIN || p == r || (p < 0 && r < 0));
                if (r < 0)
                        return 0;
                CHECK(p < 0 || part_length == length);
                CHECK(p != -EAGAIN || part_length == 0 || part_length == length);
                round_trip(mapping, &request);
                data += length;
                size -= length;
        }
        return 0;
}
