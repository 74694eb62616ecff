#include "agent/uplink_child.h"
#include "proto/log.h"

#include <stdlib.h>

#define ERROR_REST_NS NSEC_PER_SEC

static void completed(void *data)
{
        struct exchange *exchange = data;

        link_note(LINK_NOTE_AIO, exchange->index);
}

int exchange_open(struct exchange *exchange, struct link_child *child, uint32_t index, int64_t patience_ns)
{
        *exchange = (struct exchange){ .child = child, .index = index, .patience_ns = patience_ns };
        if (nng_aio_alloc(&exchange->aio, completed, exchange) != 0)
                return -ENOMEM;
        return nng_ctx_open(&exchange->ctx, child->socket) != 0 ? -ENOMEM : 0;
}

/* The message stays ours, for nng forgets a request whose reply was given up. */
static void post(struct exchange *exchange)
{
        nng_msg *msg;

        if (nng_msg_alloc(&msg, 0) != 0) {
                exchange_again(exchange, ERROR_REST_NS);
                return;
        }
        if (nng_msg_append(msg, exchange->message, exchange->size) != 0) {
                nng_msg_free(msg);
                exchange_again(exchange, ERROR_REST_NS);
                return;
        }
        nng_aio_set_msg(exchange->aio, msg);
        nng_aio_set_timeout(exchange->aio, NNG_DURATION_INFINITE);
        exchange->state = EXCHANGE_SENDING;
        nng_ctx_send(exchange->ctx, exchange->aio);
}

void exchange_start(struct exchange *exchange, uint8_t *message, size_t size)
{
        free(exchange->message);
        exchange->message = message;
        exchange->size = size;
        post(exchange);
}

void exchange_again(struct exchange *exchange, int64_t delay_ns)
{
        exchange->state = EXCHANGE_RESTING;
        exchange->rest_until = clock_monotonic() + delay_ns;
        link_need_tick(exchange->child);
}

void exchange_done(struct exchange *exchange)
{
        free(exchange->message);
        exchange->message = NULL;
        exchange->state = EXCHANGE_IDLE;
}

static void sent(struct exchange *exchange, int r)
{
        if (r != 0) {
                nng_msg_free(nng_aio_get_msg(exchange->aio));
                exchange_again(exchange, ERROR_REST_NS);
                return;
        }
        /* Only now: nng 1.5 crashes when a receive is cancelled whose send is unfinished. */
        exchange->state = EXCHANGE_RECEIVING;
        exchange->sent = clock_monotonic();
        nng_aio_set_timeout(exchange->aio, (nng_duration)(exchange->patience_ns / NSEC_PER_MSEC));
        nng_ctx_recv(exchange->ctx, exchange->aio);
}

static void received(struct exchange *exchange, int r)
{
        struct link_child *child = exchange->child;
        nng_msg *msg;

        if (r == NNG_ETIMEDOUT) {
                /* A connection that was there all the time and brought nothing is a black hole. */
                if (child->pipe.id > 0 && child->connected_at < clock_monotonic() - exchange->patience_ns / 2) {
                        log_warning("uplink", "the coordinator does not answer for %lld s: connecting anew",
                                    (long long)(exchange->patience_ns / NSEC_PER_SEC));
                        link_hang_up(child);
                }
                post(exchange);
                return;
        }
        if (r != 0) {
                exchange_again(exchange, ERROR_REST_NS);
                return;
        }
        msg = nng_aio_get_msg(exchange->aio);
        link_reply(child, exchange, nng_msg_body(msg), nng_msg_len(msg));
        nng_msg_free(msg);
}

void exchange_advance(struct exchange *exchange)
{
        int r = nng_aio_result(exchange->aio);

        if (exchange->state == EXCHANGE_SENDING)
                sent(exchange, r);
        else if (exchange->state == EXCHANGE_RECEIVING)
                received(exchange, r);
}

bool exchange_watch(struct exchange *exchange, int64_t now)
{
        if (exchange->state != EXCHANGE_RESTING)
                return false;
        if (now < exchange->rest_until)
                return true;
        if (exchange->index == LINK_POLL)
                link_poll(exchange->child); /* says anew what was done */
        else
                post(exchange);
        return exchange->state == EXCHANGE_RESTING;
}
