/* Notices on their way: made, kept, posted, and given up. */
#include "coordinator/digest.h"
#include "coordinator/notice_template.h"
#include "coordinator/notices_files.h"
#include "coordinator/people_internal.h"
#include "proto/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define TEMPLATE_MAX (256u << 10)
/* A destination that fails is spoken of the first time, and then after each so many. */
#define SAY_EVERY 20

static const struct webhook_config *webhook_of(const struct people *p, enum destination to)
{
        return to == TO_TICKETS ? &p->config->tickets_webhook : &p->config->pages_webhook;
}

bool people_has(const struct people *p, enum destination to)
{
        if (to == TO_COMMAND)
                return p->config->pages_command.count > 0;
        return webhook_of(p, to)->url || webhook_of(p, to)->url_file;
}

static int key_of(enum destination to, const char *subject, int64_t moment, uint64_t count, char key[NOTICE_KEY_SIZE])
{
        char text[160], hex[DIGEST_TEXT_SIZE];
        uint8_t digest[DIGEST_SIZE];
        int r;

        snprintf(text, sizeof(text), "%s %s %" PRId64 " %" PRIu64, destination_name(to), subject, moment, count);
        r = digest_of(text, strlen(text), digest);
        if (r == 0)
                snprintf(key, NOTICE_KEY_SIZE, "%.32s", digest_text(digest, hex));
        return r;
}

/* Where it is too large, without the evidence. */
static char *body_of(json_t *notice)
{
        char *text = json_dumps(notice, JSON_COMPACT);

        if (text && strlen(text) > NOTICE_BODY_MAX) {
                free(text);
                json_object_del(notice, "explain");
                json_object_del(notice, "text");
                text = json_dumps(notice, JSON_COMPACT);
        }
        return text;
}

void people_notice(struct people *p, enum destination to, const char *subject, int64_t moment, uint64_t count, json_t *notice,
                   int64_t wall)
{
        struct notice n = { .to = to, .made_at = wall };
        const struct notice *added = NULL;
        int r = notice ? key_of(to, subject, moment, count, n.key) : -ENOMEM;

        if (r == 0 && json_object_set_new(notice, "key", json_string(n.key)) < 0)
                r = -ENOMEM;
        if (r == 0) {
                snprintf(n.subject, sizeof(n.subject), "%s", subject);
                n.body = body_of(notice);
                n.size = n.body ? strlen(n.body) : 0;
                r = n.body ? notices_add(p->notices, &n, &added) : -ENOMEM;
        }
        json_decref(notice);
        free(n.body);
        if (r < 0) {
                log_error("notices", "no notice of %s: %s", subject, strerror(-r));
                return;
        }
        r = p->notices_files.folder < 0 ? -ENOENT : notices_files_put(&p->notices_files, added);
        if (r < 0 && !p->notices_failing)
                log_warning("notices", "what waits to be sent does not survive a restart: %s", strerror(-r));
        p->notices_failing = r < 0;
}

/* The template's JSON, or the notice as it is. */
static int fill(const char *path, const struct notice *n, char **ret_text, char why[160])
{
        json_error_t error;
        json_t *notice, *template, *filled;
        size_t slash;

        if (!path) {
                *ret_text = strdup(n->body);
                return *ret_text ? 0 : -ENOMEM;
        }
        template = json_load_file(path, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
        if (!template) {
                slash = strlen(path) > 60 ? strlen(path) - 60 : 0;
                snprintf(why, 160, "the template %s, line %d: %.60s", path + slash, error.line, error.text);
                return -EBADMSG;
        }
        notice = json_loadb(n->body, n->size, 0, NULL);
        filled = notice ? notice_template_fill(template, notice) : NULL;
        *ret_text = filled ? json_dumps(filled, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
        json_decref(filled);
        json_decref(notice);
        json_decref(template);
        if (*ret_text)
                return 0;
        snprintf(why, 160, "the template cannot be filled in");
        return -ENOMEM;
}

static int begin(struct people *p, const struct notice *n, char why[160])
{
        const struct webhook_config *w = webhook_of(p, n->to);
        struct webhook_post post = { .url = w->url,
                                     .url_file = w->url_file,
                                     .authorization_file = w->authorization_file,
                                     .ca = w->ca,
                                     .timeout = w->timeout,
                                     .key = n->key };
        char *text = NULL;
        int r;

        if (n->to == TO_COMMAND) {
                r = page_command_begin(p->command, &p->config->pages_command, n->body, n->size, p->config->pages_timeout);
                if (r < 0)
                        snprintf(why, 160, "the command cannot be run: %s", strerror(-r));
                return r;
        }
        r = fill(w->template, n, &text, why);
        if (r < 0)
                return r;
        post.body = text;
        post.size = strlen(text);
        r = webhook_begin(p->webhook, n->to, &post, why);
        free(text);
        return r;
}

static double chance(void)
{
        uint32_t random = 0;

        /* Without any, a whole pause. */
        return getrandom(&random, sizeof(random), GRND_NONBLOCK) == sizeof(random) ? random / 4294967296.0 : 0;
}

static void forget_removed(struct people *p)
{
        uint64_t id;

        while (notices_removed(p->notices, &id))
                if (p->notices_files.folder >= 0)
                        notices_files_remove(&p->notices_files, id);
}

static void end(struct people *p, enum destination to, enum delivery delivery, int64_t after, const char *why)
{
        uint32_t failures = notices_failures(p->notices, to);

        notices_end(p->notices, p->under_way[to], delivery, after, chance(), clock_monotonic());
        p->under_way[to] = 0;
        forget_removed(p);
        if (delivery == DELIVERY_REFUSED)
                log_warning("notices", "the destination of %s refuses a notice for good: %s", destination_name(to), why);
        else if (delivery == DELIVERY_FAILED && failures % SAY_EVERY == 0)
                log_warning("notices", "the destination of %s cannot be reached, %zu wait: %s", destination_name(to),
                            notices_count(p->notices), why);
        else if (delivery == DELIVERY_DONE && failures)
                log_notice("notices", "the destination of %s is reached again", destination_name(to));
}

void people_posted(void *people, enum destination to, enum delivery delivery, int64_t after, const char *why)
{
        end(people, to, delivery, after, why);
        people_deliver(people, clock_wall(), clock_monotonic());
}

void people_commanded(void *people, enum delivery delivery, const char *why)
{
        end(people, TO_COMMAND, delivery, 0, why);
        people_deliver(people, clock_wall(), clock_monotonic());
}

void people_deliver(struct people *p, int64_t wall, int64_t monotonic)
{
        uint32_t old = notices_expire(p->notices, wall);

        if (old)
                log_warning("notices", "%u notices could not be delivered for too long, and were dropped", old);
        if (notices_dropped(p->notices) != p->dropped) {
                log_warning("notices", "%" PRIu64 " notices were dropped: too many wait", notices_dropped(p->notices) - p->dropped);
                p->dropped = notices_dropped(p->notices);
        }
        for (enum destination to = 0; to < DESTINATIONS; to++) {
                const struct notice *n = people_has(p, to) ? notices_next(p->notices, to, monotonic) : NULL;
                char why[160] = "";

                if (!n)
                        continue;
                p->under_way[to] = n->id;
                notices_begin(p->notices, n->id);
                if (begin(p, n, why) < 0)
                        end(p, to, DELIVERY_FAILED, 0, why);
        }
        forget_removed(p);
}
