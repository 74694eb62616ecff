/* A certificate authority in a directory: ca.crt and ca.key, and certificates it issues, each NAME.crt
 * beside NAME.key. Keys are ECDSA on P-256 with SHA-256: the newest that stock nng's mbed TLS 2.28
 * understands. Private keys are readable by their owner only. Nothing is ever overwritten, and what
 * fails half-way leaves no file behind.
 *
 * A host's certificate serves as a client only, so that no host can pass for the coordinator. The
 * first name is the one by which the coordinator knows the host. */
#pragma once

#include "proto/base.h"

#define CA_DIRECTORY_DEFAULT "/etc/nightshift/tls"
#define CA_DAYS 3650
#define CA_CERTIFICATE_DAYS 825

struct ca_request {
        const char *const *names; /* host names and addresses; the first is the common name */
        size_t names_count;
        bool coordinator;              /* may serve as the coordinator */
        int64_t not_before, not_after; /* seconds since the epoch; 0: an hour ago, and CA_CERTIFICATE_DAYS from now */
};

/* Makes ca.crt and ca.key in `directory`, which is created if missing. -EEXIST and others, with a
 * sentence that names the file, written into `why`. */
MUST_CHECK int ca_create(const char *directory, char *why, size_t why_size);

/* Writes FILE.crt and FILE.key into `out` (created if missing), and ca.crt beside them unless it is
 * there. -ENOENT: no authority in `directory`; -EEXIST; -EINVAL: a name is none. */
MUST_CHECK int ca_issue(const char *directory, const char *out, const char *file, const struct ca_request *request, char *why,
                        size_t why_size);
