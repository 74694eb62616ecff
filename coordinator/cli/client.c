#include "coordinator/cli/client.h"
#include "proto/arena.h"

#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_EXTRA (1u << 20) /* what a decoded answer takes beside its body */

struct client {
        nng_socket socket;
        struct arena *arena;
        char path[108];
};

static char why[256];

static int explain(int nng_error, const char *path, const char **ret_why)
{
        *ret_why = why;
        switch (nng_error) {
        case NNG_ENOENT:
        case NNG_ECONNREFUSED:
                snprintf(why, sizeof(why), "no coordinator listens on %s; is it running? (--control names another socket)", path);
                return nng_error == NNG_ENOENT ? -ENOENT : -ECONNREFUSED;
        case NNG_EPERM:
                snprintf(why, sizeof(why), "you may not use the control socket %s; try as root", path);
                return -EACCES;
        case NNG_ETIMEDOUT:
                snprintf(why, sizeof(why), "the coordinator on %s does not answer", path);
                return -ETIMEDOUT;
        case NNG_ECLOSED:
        case NNG_ECONNRESET:
        case NNG_ECONNSHUT:
                snprintf(why, sizeof(why), "the coordinator on %s went away", path);
                return -ECONNRESET;
        case NNG_EMSGSIZE:
                snprintf(why, sizeof(why), "the answer from %s is too large", path);
                return -EBADMSG;
        case NNG_ENOMEM:
                snprintf(why, sizeof(why), "out of memory");
                return -ENOMEM;
        }
        snprintf(why, sizeof(why), "control socket %s: %s", path, nng_strerror(nng_error));
        return -EIO;
}

int client_new(const char *control_path, struct client **ret_client, const char **ret_why)
{
        struct client *client;
        char url[128];
        int r;

        *ret_why = why;
        client = calloc(1, sizeof(*client));
        if (!client || strlen(control_path) >= sizeof(client->path)) {
                r = client ? -EINVAL : -ENOMEM;
                snprintf(why, sizeof(why), "control socket %s: %s", control_path,
                         client ? "the path is too long" : "out of memory");
                free(client);
                return r;
        }
        strcpy(client->path, control_path);
        snprintf(url, sizeof(url), "ipc://%s", control_path);
        r = arena_new((size_t)WIRE_ANSWER_MAX + ARENA_EXTRA, &client->arena);
        if (r < 0) {
                snprintf(why, sizeof(why), "out of memory");
                free(client);
                return r;
        }
        r = nng_req0_open(&client->socket);
        if (r == 0)
                r = nng_socket_set_size(client->socket, NNG_OPT_RECVMAXSZ, WIRE_ANSWER_MAX);
        if (r == 0)
                r = nng_dial(client->socket, url, NULL, 0);
        if (r != 0) {
                r = explain(r, control_path, ret_why);
                client_free(&client);
                return r;
        }
        *ret_client = client;
        return 0;
}

void client_free(struct client **client)
{
        if (!*client)
                return;
        nng_close((*client)->socket);
        arena_free(&(*client)->arena);
        free(*client);
        *client = NULL;
}

static int exchange(struct client *client, const uint8_t *body, size_t size, int64_t timeout_ns, nng_msg **ret_reply)
{
        nng_duration timeout = (nng_duration)MIN(timeout_ns / NSEC_PER_MSEC, INT32_MAX);
        nng_msg *msg;
        int r;

        /* No retransmission: a question is answered on this connection or not at all. */
        r = nng_socket_set_ms(client->socket, NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE);
        if (r == 0)
                r = nng_socket_set_ms(client->socket, NNG_OPT_SENDTIMEO, timeout);
        if (r == 0)
                r = nng_socket_set_ms(client->socket, NNG_OPT_RECVTIMEO, timeout);
        if (r == 0)
                r = nng_msg_alloc(&msg, 0);
        if (r != 0)
                return r;
        r = nng_msg_append(msg, body, size);
        if (r == 0)
                r = nng_sendmsg(client->socket, msg, 0);
        if (r != 0) {
                nng_msg_free(msg);
                return r;
        }
        return nng_recvmsg(client->socket, ret_reply, 0);
}

int client_query(struct client *client, const struct wire_query *query, int64_t timeout_ns, struct wire_answer *ret_answer,
                 const char **ret_why)
{
        struct wire_request request = { .kind = WIRE_QUERY, .query = *query };
        CLEANUP_FREE uint8_t *packed = NULL;
        struct wire_reply reply;
        const char *field;
        nng_msg *msg;
        size_t size;
        int r;

        *ret_why = why;
        arena_reset(client->arena, ARENA_EXTRA);
        r = wire_pack_request(&request, &packed, &size);
        if (r < 0) {
                snprintf(why, sizeof(why), "the question cannot be packed: %s", strerror(-r));
                return r;
        }
        r = exchange(client, packed, size, timeout_ns, &msg);
        if (r != 0)
                return explain(r, client->path, ret_why);
        r = wire_unpack_reply(nng_msg_body(msg), nng_msg_len(msg), client->arena, &reply, &field);
        nng_msg_free(msg);
        if (r == 0 && reply.kind == WIRE_REFUSAL) {
                snprintf(why, sizeof(why), "the coordinator refuses: %s", reply.refusal.reason);
                return -EPERM;
        }
        if (r < 0 || reply.kind != WIRE_ANSWER) {
                snprintf(why, sizeof(why), "the coordinator's answer does not parse: %s",
                         r == -ENOBUFS ? "too large" : (r < 0 ? field : "of another kind"));
                return -EBADMSG;
        }
        *ret_answer = reply.answer;
        return 0;
}
