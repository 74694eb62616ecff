/* What agent, CLI and coordinator say to each other, packed and unpacked. The only module that sees
 * the generated protobuf code. One request and one reply a message; transport.md of the design says
 * how they travel.
 *
 * Unpacking is bounded before it happens: the length by the caller, the memory by the arena, and
 * every count, string and cross reference is checked here, so that a decoded summary is in range:
 * indices point at what exists, enumerations are known values, text is UTF-8 without control
 * characters. What fails is -EBADMSG with a sentence in *ret_why (static storage) that names the
 * field; -ENOBUFS is an arena that was too small. */
#pragma once

#include "proto/action.h"
#include "proto/summary.h"

struct arena;

#define WIRE_VERSION 1
#define WIRE_MESSAGE_MAX (4u << 20)  /* of a request to the coordinator */
#define WIRE_ANSWER_MAX (512u << 20) /* of an answer to the CLI */

enum wire_request_kind { WIRE_SUMMARY = 1, WIRE_POLL, WIRE_QUERY };
enum wire_reply_kind { WIRE_ACK = 1, WIRE_COMMANDS, WIRE_ANSWER, WIRE_REFUSAL };

/* The long poll: held by the coordinator until there is a command or 20 s have passed. */
struct wire_poll {
        uint64_t session;
        const char *host;
        uint64_t acknowledged; /* commands up to this id were carried out or refused */
};

/* A question of the CLI: a verb of the CLI and its arguments as pairs (name, value). */
struct wire_argument {
        const char *name, *value;
};
struct wire_query {
        const char *verb;
        struct wire_argument *arguments;
        size_t arguments_count;
};

struct wire_request {
        enum wire_request_kind kind;
        union {
                struct summary *summary;
                struct wire_poll poll;
                struct wire_query query;
        };
};

struct wire_ack {
        uint64_t session, sequence;
        uint64_t coordinator; /* random, one per start of the coordinator */
        bool resync;          /* send a full summary next */
        uint32_t pause_ms;    /* back-pressure: send nothing for so long */
};

#define WIRE_RAISE_LONGEST (30 * 60 * NSEC_PER_SEC) /* of a tier, by one command */
enum wire_command_kind { WIRE_COMMAND_KEY_THRESHOLD = 1, WIRE_COMMAND_TIER = 2, WIRE_COMMAND_ACTION = 3 };
struct wire_command {
        uint64_t id; /* rising; ids already known are ignored */
        enum wire_command_kind kind;
        uint32_t threshold;                     /* KEY_THRESHOLD */
        const char *service;                    /* TIER */
        uint32_t tier;                          /* TIER: 1 connections, 2 turnarounds, 3 payload heads */
        int64_t until;                          /* TIER */
        const struct action_dispatch *dispatch; /* ACTION; else NULL */
};
struct wire_commands {
        struct wire_command *commands;
        size_t count;
};

/* status is the exit status of the CLI; body is JSON, DOT, SVG or text, or the error's sentence. */
struct wire_answer {
        uint32_t status;
        const char *content_type;
        const uint8_t *body;
        size_t body_size;
};

struct wire_refusal {
        const char *reason; /* a sentence for the log of the peer */
};

struct wire_reply {
        enum wire_reply_kind kind;
        union {
                struct wire_ack ack;
                struct wire_commands commands;
                struct wire_answer answer;
                struct wire_refusal refusal;
        };
};

/* Packs into a buffer of its own, which the caller frees with free(). -E2BIG if it would exceed
 * WIRE_MESSAGE_MAX (requests) or WIRE_ANSWER_MAX (replies), -ENOMEM. */
MUST_CHECK int wire_pack_request(const struct wire_request *request, uint8_t **ret_buffer, size_t *ret_size);
MUST_CHECK int wire_pack_reply(const struct wire_reply *reply, uint8_t **ret_buffer, size_t *ret_size);

/* Unpacks into the arena; the result lives as long as the arena is not reset. */
MUST_CHECK int wire_unpack_request(const uint8_t *buffer, size_t size, struct arena *arena, struct wire_request *ret_request,
                                   const char **ret_why);
MUST_CHECK int wire_unpack_reply(const uint8_t *buffer, size_t size, struct arena *arena, struct wire_reply *ret_reply,
                                 const char **ret_why);
