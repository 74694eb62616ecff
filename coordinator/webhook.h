/* Posts JSON by HTTP, by libcurl on our loop; the only file that sees it. TLS is verified, no redirect is followed, of an answer
 * the status matters alone, and one without end is hung up on. URL and authorization are read from their files, on a local disk, for
 * each post and are never logged; what failed is told by libcurl's own words for the kind of failure, which quote nothing. */
#pragma once

#include "coordinator/notices.h"

struct loop;
struct webhook;

struct webhook_post {
        const char *url, *url_file, *authorization_file, *ca; /* NULL where there is none */
        int64_t timeout;
        const char *body; /* all are copied */
        size_t size;
        const char *key; /* of the header Idempotency-Key */
};

/* `after`: how long it asks to be left alone; `why`: a sentence, "" when it is done. */
typedef void (*webhook_done)(void *data, enum destination to, enum delivery delivery, int64_t after, const char *why);

MUST_CHECK int webhook_new(struct loop *loop, webhook_done done, void *data, struct webhook **ret_webhook);
void webhook_free(struct webhook **webhook);
/* One at a time for each destination. `done` is called later, or never if this fails; -errno with `ret_why`. */
MUST_CHECK int webhook_begin(struct webhook *webhook, enum destination to, const struct webhook_post *post, char ret_why[160]);
