/* A client that does everything by io_uring, with sockets that are in no file table: uring ADDRESS PORT
 * COUNT. It speaks the generator's protocol: 16 bytes of header, 100 bytes up, 200 down; the client closes. */
#include <arpa/inet.h>
#include <errno.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/exact/exchange.h"

static struct io_uring ring;

static int run(struct io_uring_sqe *sqe, int flags)
{
        struct io_uring_cqe *cqe;
        int r;

        io_uring_sqe_set_flags(sqe, (unsigned)flags);
        r = io_uring_submit(&ring);
        if (r < 0)
                return r;
        r = io_uring_wait_cqe(&ring, &cqe);
        if (r < 0)
                return r;
        r = cqe->res;
        io_uring_cqe_seen(&ring, cqe);
        return r;
}

static int talk(const struct sockaddr_in *to)
{
        char up[116] = { 0 }, down[200];
        struct exchange_header h = { .magic = EXCHANGE_MAGIC, .how = HOW_CLIENT_CLOSES, .upload = 100, .download = 200 };
        struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
        int r, got = 0;

        memcpy(up, &h, sizeof(h));
        io_uring_prep_socket_direct(sqe, AF_INET, SOCK_STREAM, 0, 0, 0);
        r = run(sqe, 0);
        if (r < 0)
                return r;
        sqe = io_uring_get_sqe(&ring);
        io_uring_prep_connect(sqe, 0, (const struct sockaddr *)to, sizeof(*to));
        r = run(sqe, IOSQE_FIXED_FILE);
        if (r < 0)
                return r;
        sqe = io_uring_get_sqe(&ring);
        io_uring_prep_send(sqe, 0, up, sizeof(up), 0);
        r = run(sqe, IOSQE_FIXED_FILE);
        while (r > 0 && got < (int)sizeof(down)) {
                sqe = io_uring_get_sqe(&ring);
                io_uring_prep_recv(sqe, 0, down, sizeof(down) - (size_t)got, 0);
                r = run(sqe, IOSQE_FIXED_FILE);
                got += r > 0 ? r : 0;
        }
        if (r < 0)
                return r;
        sqe = io_uring_get_sqe(&ring);
        io_uring_prep_close_direct(sqe, 0);
        return run(sqe, 0);
}

int main(int argc, char **argv)
{
        struct sockaddr_in to = { .sin_family = AF_INET };
        int r;

        if (argc != 4 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1)
                return 2;
        to.sin_port = htons((uint16_t)atoi(argv[2]));
        r = io_uring_queue_init(8, &ring, 0);
        if (r == 0)
                r = io_uring_register_files_sparse(&ring, 4);
        if (r < 0) {
                fprintf(stderr, "this kernel refuses io_uring: %s\n", strerror(-r));
                return 3;
        }
        for (int i = 0; i < atoi(argv[3]); i++) {
                r = talk(&to);
                if (r < 0) {
                        fprintf(stderr, "connection %d: %s\n", i, strerror(-r));
                        return 1;
                }
        }
        return 0;
}
