/* Names as the kernel and workloads spell them, made fit for a summary: valid UTF-8 without control
 * characters. What does not fit becomes '?'; what is too long is cut at a character. */
#pragma once

#include "proto/base.h"

#include <sys/types.h>

/* Copies at most size-1 bytes of `from` and cleans them; always terminates. */
void text_copy(char *to, size_t size, const char *from);
/* Cleans in place. */
void text_clean(char *text);
/* Undoes systemd's escapes (\x2d) in place. The result may need cleaning. */
void text_unescape(char *text);
/* True for 1 or more characters of the given kind and nothing else. */
bool text_is_hex(const char *text, size_t length);
bool text_is_digits(const char *text, size_t length);
bool text_starts(const char *text, const char *prefix);
bool text_ends(const char *text, const char *suffix);

/* Reads up to size-1 bytes of a regular file and terminates them; the length, or -errno. */
ssize_t text_read_file(const char *path, char *buffer, size_t size);
/* The same from an open descriptor. */
ssize_t text_read_fd(int fd, char *buffer, size_t size);
/* The target of a symbolic link, terminated; cut at the front, with "...", if it is too long. */
MUST_CHECK int text_read_link(const char *path, char *buffer, size_t size);
