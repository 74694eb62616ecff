#include "coordinator/endpoint_sp.h"

#include <endian.h>
#include <string.h>

#define ID_SIZE sizeof(uint32_t)
#define ID_TOP UINT32_C(0x80000000)
#define IPC_MESSAGE 1
#define TLS_HANDSHAKE 0x16

static const uint8_t hello_req[SP_HELLO_SIZE] = { 0, 'S', 'P', 0, 0, 0x30, 0, 0 };
static const uint8_t hello_rep[SP_HELLO_SIZE] = { 0, 'S', 'P', 0, 0, 0x31, 0, 0 };

void sp_hello(uint8_t ret_hello[SP_HELLO_SIZE])
{
        memcpy(ret_hello, hello_rep, SP_HELLO_SIZE);
}

int sp_parse_hello(const uint8_t *data, size_t size, const char **ret_why)
{
        size_t n = MIN(size, (size_t)SP_HELLO_SIZE);

        /* Judged byte by byte as they come: whoever speaks HTTP or TLS here is told at once. */
        if (memcmp(data, hello_req, MIN(n, 4u)) != 0) {
                *ret_why = data[0] == TLS_HANDSHAKE ? "speaks TLS on a listener without it: use tcp://, or tls+tcp:// on both sides"
                                                    : "does not speak the SP protocol";
                return -EPROTO;
        }
        if (memcmp(data, hello_req, n) != 0) {
                *ret_why = n >= 6 && memcmp(data + 4, hello_req + 4, 2) != 0 ? "speaks another SP protocol than REQ"
                                                                             : "speaks another version of SP";
                return -EPROTO;
        }
        return n < SP_HELLO_SIZE ? -EAGAIN : 0;
}

int sp_parse_request(enum sp_mapping mapping, size_t body_max, const uint8_t *data, size_t size, struct sp_request *ret_request,
                     size_t *ret_size, const char **ret_why)
{
        size_t lead = mapping == SP_IPC ? 1 : 0, head = lead + sizeof(uint64_t);
        uint64_t length;
        uint32_t id = 0;

        if (lead && size >= lead && data[0] != IPC_MESSAGE) {
                *ret_why = "sent an IPC frame of unknown type";
                return -EPROTO;
        }
        if (size < head) {
                *ret_size = 0;
                return -EAGAIN;
        }
        memcpy(&length, data + lead, sizeof(length));
        length = be64toh(length);
        if (length < ID_SIZE) {
                *ret_why = "sent a message too short for a request id";
                return -EPROTO;
        }
        if (length - ID_SIZE > body_max) {
                *ret_why = "sent a message longer than the limit";
                return -EMSGSIZE;
        }
        if (size >= head + ID_SIZE) {
                memcpy(&id, data + head, sizeof(id));
                id = be32toh(id);
                if (!(id & ID_TOP)) {
                        *ret_why = "sent a request through a device, or without a request id";
                        return -EPROTO;
                }
        }
        *ret_size = head + (size_t)length;
        if (size < head + length)
                return -EAGAIN;
        *ret_request = (struct sp_request){ .id = id, .body = data + head + ID_SIZE, .body_size = (size_t)length - ID_SIZE };
        return 0;
}

size_t sp_frame_reply(enum sp_mapping mapping, uint32_t id, size_t body_size, uint8_t ret_frame[SP_FRAME_MAX])
{
        uint64_t length = htobe64((uint64_t)body_size + ID_SIZE);
        size_t n = 0;

        if (mapping == SP_IPC)
                ret_frame[n++] = IPC_MESSAGE;
        memcpy(ret_frame + n, &length, sizeof(length));
        n += sizeof(length);
        id = htobe32(id);
        memcpy(ret_frame + n, &id, sizeof(id));
        return n + sizeof(id);
}
