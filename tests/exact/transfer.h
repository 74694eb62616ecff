/* Moving an exact number of bytes over a socket in each of the ways programs do it. Every function
 * moves all of `size` or ends the process, except transfer_fill(), which says how much went. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum transfer_send { SEND_WRITE, SEND_WRITEV, SEND_SENDFILE, SEND_SPLICE, SEND_MORE, SEND_ZEROCOPY, SEND_SMALL, SEND_MAX };
enum transfer_receive { RECEIVE_READ, RECEIVE_READV, RECEIVE_PEEK, RECEIVE_SMALL, RECEIVE_SPLICE, RECEIVE_TRUNC, RECEIVE_MAX };

void transfer_send(int fd, size_t size, enum transfer_send how);
void transfer_receive(int fd, size_t size, enum transfer_receive how);
/* Waits until `size` bytes have arrived and lie unread. */
void transfer_arrived(int fd, size_t size);
/* Writes until the socket takes no more; returns the bytes that were taken. */
size_t transfer_fill(int fd);
/* Reads until end of file (returns 0) or an error (returns -errno); data is an error of the test. */
int transfer_end(int fd);
