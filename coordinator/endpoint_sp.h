/* The framing of Scalability Protocols as a replier reads and writes it: pure functions of bytes,
 * without sockets or memory of their own.
 *
 * Both sides open with eight bytes: 00 'S' 'P' 00, the protocol number as a big-endian 16-bit value
 * (REQ 0x30, REP 0x31), and 16 reserved bits of zero. A message is a big-endian 64-bit length and as
 * many bytes; over IPC a byte of 1 stands before the length. A request's bytes begin with a stack of
 * big-endian 32-bit words of which the last, the request id, has its top bit set; words before it
 * name the way back through devices, and since nothing but agents and the CLI may talk to us, a
 * stack deeper than the id is refused. The reply repeats the id.
 * Sources: sp-tcp-mapping-01, sp-request-reply-01; the leading byte is nng's IPC mapping. */
#pragma once

#include "proto/base.h"

#define SP_HELLO_SIZE 8
#define SP_FRAME_MAX 13 /* IPC byte, length, request id */

enum sp_mapping { SP_STREAM, SP_IPC }; /* SP_STREAM: TCP, and TLS on it */

struct sp_request {
        uint32_t id; /* with its top bit */
        const uint8_t *body;
        size_t body_size;
};

/* Writes the eight bytes with which a replier opens. */
void sp_hello(uint8_t ret_hello[SP_HELLO_SIZE]);

/* Checks the peer's opening. -EAGAIN: fewer than eight bytes, and right so far; -EPROTO with a
 * sentence otherwise. */
MUST_CHECK int sp_parse_hello(const uint8_t *data, size_t size, const char **ret_why);

/* Looks for one whole request at the start of `data`. 0: *ret_request points into `data`, and
 * *ret_size is what it occupies there. -EAGAIN: incomplete; *ret_size is what the whole message
 * will occupy, or 0 while its length is unknown. -EPROTO: breaks the protocol; -EMSGSIZE: a body
 * longer than `body_max`, known from the length alone. Both with a sentence. */
MUST_CHECK int sp_parse_request(enum sp_mapping mapping, size_t body_max, const uint8_t *data, size_t size,
                                struct sp_request *ret_request, size_t *ret_size, const char **ret_why);

/* Writes what precedes a reply's body; returns the number of bytes, at most SP_FRAME_MAX. */
size_t sp_frame_reply(enum sp_mapping mapping, uint32_t id, size_t body_size, uint8_t ret_frame[SP_FRAME_MAX]);
