/* What the two processes of the uplink say to each other over a SOCK_SEQPACKET pair, and what the
 * files of the child share.
 *
 * Agent to child: a frame, and behind it a summary of at most UPLINK_INLINE_MAX bytes; a larger one
 * travels in a sealed memfd passed along. Child to agent: first one line of text, empty if the child
 * can work and else the sentence why not; then struct uplink_event, which the agent checks field by
 * field, since the child parses what comes from the network. The end of the socket ends the child. */
#pragma once

#include "agent/uplink.h"

struct nng_tls_engine_s;

#define UPLINK_HELD_MAX 4             /* summaries on their way; also the number of batch contexts */
#define UPLINK_INLINE_MAX (16u << 10) /* as many as are held fit the default buffer of a socket */
#define UPLINK_WHY_MAX 256

enum uplink_frame_kind { UPLINK_FRAME_SUMMARY = 1, UPLINK_FRAME_DONE };

struct uplink_frame {
        uint32_t kind;
        uint32_t in_memfd;
        uint64_t number; /* the summary's sequence, or the command's id */
        uint64_t size;   /* of the summary */
};

struct uplink_url {
        bool secure;
        bool loopback;
        char host[256];
        uint16_t port;
};

/* -EINVAL with a sentence. */
MUST_CHECK int uplink_parse_url(const char *url, struct uplink_url *ret_url, const char **ret_why);

/* The child: never returns. `fd` is its end of the pair. */
_Noreturn void uplink_child(const struct uplink_options *options, uint64_t session, int fd);

/* The OpenSSL engine for nng: one identity, one server. Reads the files now; a failure of a
 * handshake is told to `failed` on a thread of nng's, with a sentence that lives during the call.
 * -EINVAL with a sentence that names the file. uplink_tls_register() follows nng's start. */
MUST_CHECK int uplink_tls_new(const struct uplink_options *options, const char *server, void (*failed)(const char *why), char *why,
                              size_t why_size);
MUST_CHECK int uplink_tls_register(void);
