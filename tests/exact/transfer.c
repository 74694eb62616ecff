#include "tests/exact/transfer.h"
#include "tests/exact/truth.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define CHUNK 65536
static char buffer[CHUNK];

static size_t least(size_t a, size_t b)
{
        return a < b ? a : b;
}

static int pattern_file(void)
{
        static int fd = -1;

        if (fd < 0) {
                fd = memfd_create("pattern", MFD_CLOEXEC);
                if (fd < 0 || ftruncate(fd, CHUNK) < 0)
                        die("memfd");
        }
        return fd;
}

static int *pipes(void)
{
        static int ends[2] = { -1, -1 };

        if (ends[0] < 0 && pipe2(ends, O_CLOEXEC) < 0)
                die("pipe");
        return ends;
}

static ssize_t send_splice(int fd, size_t n)
{
        int *p = pipes();
        ssize_t in = write(p[1], buffer, least(n, 32768)), out = 0;

        while (in > 0 && out < in) {
                ssize_t r = splice(p[0], NULL, fd, NULL, (size_t)(in - out), SPLICE_F_MOVE);
                if (r <= 0)
                        return -1;
                out += r;
        }
        return in;
}

static ssize_t send_zerocopy(int fd, size_t n)
{
        static const int one = 1;
        char control[256];
        struct msghdr m = { .msg_control = control };
        struct pollfd p = { .fd = fd };
        ssize_t r;

        setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one));
        r = send(fd, buffer, least(n, CHUNK), MSG_ZEROCOPY | MSG_NOSIGNAL);
        if (r < 0 && errno == ENOBUFS)
                return send(fd, buffer, least(n, CHUNK), MSG_NOSIGNAL);
        /* The notification is an error-queue message; leaving it there would look like POLLERR later. */
        for (int i = 0; r > 0 && i < 200; i++) {
                m.msg_controllen = sizeof(control);
                if (recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0)
                        break;
                poll(&p, 1, 5);
        }
        return r;
}

void transfer_send(int fd, size_t size, enum transfer_send how)
{
        static size_t small = 1;

        while (size > 0) {
                size_t n = least(size, CHUNK);
                struct iovec v[3] = { { buffer, n / 3 }, { buffer, n / 3 }, { buffer, n - 2 * (n / 3) } };
                off_t offset = 0;
                ssize_t r = -1;

                switch (how) {
                case SEND_WRITEV:
                        r = writev(fd, v, 3);
                        break;
                case SEND_SENDFILE:
                        r = sendfile(fd, pattern_file(), &offset, n);
                        break;
                case SEND_SPLICE:
                        r = send_splice(fd, n);
                        break;
                case SEND_MORE:
                        r = send(fd, buffer, least(n, 1000), MSG_NOSIGNAL | (n > 1000 ? MSG_MORE : 0));
                        break;
                case SEND_ZEROCOPY:
                        r = send_zerocopy(fd, n);
                        break;
                case SEND_SMALL:
                        small = small % 97 + 1;
                        r = send(fd, buffer, least(n, size > 4096 ? 4096 : small), MSG_NOSIGNAL);
                        break;
                default:
                        r = send(fd, buffer, n, MSG_NOSIGNAL);
                }
                if (r <= 0)
                        die("sending %zu bytes, way %d", size, how);
                size -= (size_t)r;
        }
}

static ssize_t receive_splice(int fd, size_t n)
{
        int *p = pipes();
        ssize_t r = splice(fd, NULL, p[1], NULL, least(n, 32768), SPLICE_F_MOVE), out = 0;

        while (r > 0 && out < r) {
                ssize_t k = read(p[0], buffer, CHUNK);
                if (k <= 0)
                        die("pipe");
                out += k;
        }
        return r;
}

void transfer_receive(int fd, size_t size, enum transfer_receive how)
{
        static size_t small = 1;

        while (size > 0) {
                size_t n = least(size, CHUNK);
                struct iovec v[2] = { { buffer, n / 2 }, { buffer + n / 2, n - n / 2 } };
                ssize_t r;

                switch (how) {
                case RECEIVE_READV:
                        r = readv(fd, v, 2);
                        break;
                case RECEIVE_PEEK:
                        if (recv(fd, buffer, n, MSG_PEEK) < 0 || recv(fd, buffer, n, MSG_PEEK) < 0)
                                die("peek");
                        r = recv(fd, buffer, n, 0);
                        break;
                case RECEIVE_SMALL:
                        small = small % 89 + 1;
                        r = recv(fd, buffer, least(n, size > 4096 ? 4096 : small), 0);
                        break;
                case RECEIVE_SPLICE:
                        r = receive_splice(fd, n);
                        break;
                case RECEIVE_TRUNC:
                        r = recv(fd, NULL, n, MSG_TRUNC);
                        break;
                default:
                        r = read(fd, buffer, n);
                }
                if (r <= 0)
                        die("receiving %zu bytes, way %d: %zd", size, how, r);
                size -= (size_t)r;
        }
}

void transfer_arrived(int fd, size_t size)
{
        int have = 0;

        for (int i = 0; i < 20000; i++) {
                if (ioctl(fd, FIONREAD, &have) < 0)
                        die("FIONREAD");
                if ((size_t)have == size)
                        return;
                if ((size_t)have > size)
                        break;
                usleep(i < 100 ? 50 : 1000);
        }
        die("%zu bytes should have arrived, %d have", size, have);
}

size_t transfer_fill(int fd)
{
        size_t sum = 0;

        for (;;) {
                ssize_t r = send(fd, buffer, CHUNK, MSG_NOSIGNAL | MSG_DONTWAIT);

                if (r > 0)
                        sum += (size_t)r;
                else if (errno == EAGAIN)
                        return sum;
                else
                        die("filling");
        }
}

int transfer_end(int fd)
{
        ssize_t r = read(fd, buffer, CHUNK);

        if (r > 0)
                die("%zd bytes where an end was expected", r);
        if (r < 0 && errno == EAGAIN)
                die("no end came");
        return r == 0 ? 0 : -errno;
}
