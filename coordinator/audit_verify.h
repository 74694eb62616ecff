/* Checks an audit log from its files alone: signatures, tree, entries, evidence, and that nothing lies
 * among them that does not belong there. What is wrong is located: file, and entry, hash or byte.
 *
 * Without a key of the caller's own that proves that the log agrees with itself, and that whoever holds its
 * key wrote it; only a checkpoint that was kept elsewhere (see proto/witness.h) shows that it was not
 * written anew since. The log may be in use meanwhile. */
#pragma once

#include "proto/base.h"

struct audit_finding {
        const char *file;     /* relative to the log's folder */
        const char *sentence; /* what is wrong there, and where */
};
typedef void (*audit_finding_function)(void *data, const struct audit_finding *finding);

struct audit_verify_options {
        const char *key;        /* the log's first key, as text; NULL: the one that lies there */
        const char *checkpoint; /* a note that the log has to be a continuation of; NULL: none */
        size_t checkpoint_size;
        unsigned threads; /* 0: as many as there are processors, at most 8 */
};

struct audit_verified {
        uint64_t entries, evidence, files, findings;
        uint64_t unfinished; /* bytes of an append that did not complete, of which nobody was told */
        char key[272];       /* the first one */
        char root[48];       /* of all entries, in base64 */
};

/* 0: it was looked at, and what was found has been told. -ENOENT: there is no log in `folder`; other
 * -errno: it cannot be read. */
MUST_CHECK int audit_verify(const char *folder, const struct audit_verify_options *options, audit_finding_function function,
                            void *data, struct audit_verified *ret_verified);
