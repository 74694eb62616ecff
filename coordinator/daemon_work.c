/* A large graph takes a tenth of a second to put together. That is done in portions; in between
 * `status` is answered at once, and every other request is kept, in its order, until the work is done. */
#include "coordinator/daemon_internal.h"
#include "coordinator/http.h"

#include <stdlib.h>
#include <string.h>

/* A small graph is done at once. */
#define WORK_AT_ONCE (4 * NSEC_PER_MSEC)
/* When so much waits, the rest of the work is done in one piece: nothing is refused for it. */
#define WAITING_BYTES_MAX ((size_t)16 << 20)

struct waiting {
        struct waiting *next;
        struct endpoint_peer peer; /* strings behind the body */
        uint64_t token;
        size_t size, taken; /* of the body, and in all */
        bool gone;
        uint8_t body[];
};

static bool keep(struct daemon *d, const struct endpoint_peer *peer, uint64_t token, const uint8_t *body, size_t size)
{
        size_t address = strlen(peer->address) + 1, name = peer->name ? strlen(peer->name) + 1 : 0;
        size_t taken = sizeof(struct waiting) + size + address + name;
        struct waiting *w = malloc(taken);
        char *strings;

        if (!w)
                return false;
        *w = (struct waiting){ .peer = *peer, .token = token, .size = size, .taken = taken };
        memcpy(w->body, body, size);
        strings = memcpy(w->body + size, peer->address, address);
        w->peer.address = strings;
        if (peer->name)
                w->peer.name = memcpy(strings + address, peer->name, name);
        *d->waiting_tail = w;
        d->waiting_tail = &w->next;
        d->waiting_bytes += taken;
        return true;
}

static void drop_first(struct daemon *d)
{
        struct waiting *w = d->waiting;

        d->waiting = w->next;
        if (!d->waiting)
                d->waiting_tail = &d->waiting;
        d->waiting_bytes -= w->taken;
        free(w);
}

/* One stretch of what core_begin_...() began; true if that was the last. */
static bool work(struct daemon *d)
{
        int64_t start = clock_monotonic();

        d->working = true;
        while (core_work(d->core)) {
                if (d->waiting_bytes > WAITING_BYTES_MAX || clock_monotonic() - start < WORK_AT_ONCE)
                        continue;
                /* In the past: the loop looks for what has come in, and goes on at once. */
                if (loop_set_timer(d->work, 1) == 0)
                        return false;
        }
        d->working = false;
        if (d->ticking) {
                d->ticking = false;
                daemon_tick_done(d);
        }
        return true;
}

/* Those that waited, a stretch of them; the first that begins new work stays the first. */
static void serve_waiting(struct daemon *d)
{
        int64_t start = clock_monotonic();
        struct waiting *w;

        while ((w = d->waiting) && daemon_take_request(d, &w->peer, w->token, w->body, w->size, w->gone)) {
                drop_first(d);
                if (d->waiting && !d->working && clock_monotonic() - start >= WORK_AT_ONCE && loop_set_timer(d->work, 1) == 0)
                        return;
        }
        if (!d->working && d->http)
                http_go_on(d->http);
}

void daemon_begin_tick(struct daemon *d)
{
        /* It would first finish what is underway, in one piece. */
        d->tick_waits = d->working;
        if (d->tick_waits)
                return;
        core_begin_tick(d->core, clock_wall());
        d->ticking = true;
        if (work(d))
                serve_waiting(d);
}

bool daemon_settle(struct daemon *d)
{
        if (d->working)
                return false;
        core_begin_settle(d->core, clock_wall());
        return work(d);
}

void daemon_on_work(void *data, int64_t now)
{
        struct daemon *d = data;

        (void)now;
        if (d->working && !work(d))
                return;
        /* A tick before those that waited: while the graph is asked for all the time there would be none. */
        if (d->tick_waits)
                daemon_begin_tick(d);
        else
                serve_waiting(d);
}

void daemon_request(void *data, const struct endpoint_peer *peer, uint64_t token, const uint8_t *body, size_t size)
{
        struct daemon *d = data;

        /* Only a question may be answered out of its turn. */
        if (((!d->working && !d->waiting) || peer->local) && daemon_take_request(d, peer, token, body, size, false))
                return;
        if (keep(d, peer, token, body, size))
                return;
        /* No memory to keep it in: then at once. */
        do {
                while (!work(d))
                        ;
                serve_waiting(d);
        } while (d->working || d->waiting || !daemon_take_request(d, peer, token, body, size, false));
}

void daemon_gone(void *data, uint64_t connection)
{
        struct daemon *d = data;

        polls_drop(d->polls, connection);
        for (struct waiting *w = d->waiting; w; w = w->next)
                w->gone = w->gone || w->peer.connection == connection;
}

void daemon_work_free(struct daemon *d)
{
        while (d->waiting)
                drop_first(d);
        loop_remove(&d->work);
}
