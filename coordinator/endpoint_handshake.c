#include "coordinator/endpoint_internal.h"
#include "coordinator/tls.h"

#include <stdlib.h>
#include <string.h>

/* The certificate is good: from here on the peer has a name. */
static void authenticated(struct connection *connection)
{
        const struct endpoint_options *o = &connection->endpoint->options;
        char name[TLS_NAME_MAX + 1];

        if (tls_peer_name(connection->tls, name) < 0) {
                connection_refuse(connection, "refused: its certificate names no host");
                return;
        }
        connection->name = strdup(name);
        if (!connection->name || connection_count(connection, name) < 0) {
                connection_refuse(connection, "refused: out of memory");
                return;
        }
        if (connection->account->connections > o->connections_per_peer) {
                connection_refuse(connection, "refused: too many connections under this name");
                return;
        }
        connection->state = CONNECTION_HELLO;
        connection_greet(connection);
}

/* The alert that tells the peer why is on its way: let it arrive. */
static void refuse_tls(struct connection *connection, const char *why)
{
        connection->endpoint->statistics.refused++;
        endpoint_log(connection->endpoint, connection->address, connection->name, why);
        tls_free(&connection->tls);
        connection_drain(connection);
}

void connection_handshake(struct connection *connection)
{
        const char *why = NULL;
        uint32_t events;
        int r = 0;

        if (!connection->tls)
                r = tls_new(connection->endpoint->tls, connection->fd, &connection->tls);
        if (r < 0) {
                connection_refuse(connection, "refused: out of memory");
                return;
        }
        r = tls_handshake(connection->tls, &events, &why);
        if (r == 0)
                authenticated(connection);
        else if (r == -EPROTO)
                refuse_tls(connection, why);
        else if (r != -EAGAIN)
                connection_ended(connection);
        else if (events != connection->events && loop_modify_fd(connection->source, connection->events = events) < 0)
                connection_refuse(connection, "refused: cannot wait for it");
}

void connection_greet(struct connection *connection)
{
        uint8_t hello[SP_HELLO_SIZE];

        sp_hello(hello);
        if (output_append(connection, hello, sizeof(hello), NULL, 0) < 0)
                connection_refuse(connection, "refused: out of memory");
        else
                connection_flush(connection);
}
