#include "coordinator/conduct.h"
#include "coordinator/needs.h"
#include "coordinator/notices_files.h"
#include "coordinator/people_internal.h"
#include "coordinator/ticket.h"
#include "coordinator/ticket_write.h"
#include "proto/log.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TICKETS_AT_ONCE 2 /* a tick: each waits for the disk */

static bool has_folder(const struct people *p)
{
        return !p->config->tickets_directory || strcmp(p->config->tickets_directory, "off") != 0;
}

static void open_folder(struct people *p)
{
        const char *wanted = p->config->tickets_directory ? p->config->tickets_directory : "";
        int r;

        if (p->folder.folder >= 0 && p->folder_path && strcmp(p->folder_path, wanted) == 0 && has_folder(p))
                return;
        fd_close(&p->folder.folder);
        /* What lies in another folder is not known yet. */
        if (p->folder_path && strcmp(p->folder_path, wanted) != 0)
                tickets_forget(p->tickets);
        free(p->folder_path);
        p->folder_path = strdup(wanted);
        if (!has_folder(p))
                return;
        r = ticket_folder_open(p->state_dir, p->config->tickets_directory, NULL, &p->folder);
        if (r < 0 && !p->tickets_failing)
                log_error("tickets", "the folder %s cannot be opened: %s", *wanted ? wanted : "tickets of the state", strerror(-r));
        p->tickets_failing = r < 0;
}

void people_configured(struct people *p)
{
        struct notices_limits limits = { .most = p->config->notices_most,
                                         .bytes = p->config->notices_bytes,
                                         .keep = p->config->notices_keep };

        notices_limit(p->notices, &limits);
        open_folder(p);
        if (p->folder.folder >= 0)
                ticket_prune(&p->folder, p->config->tickets_most);
}

int people_new(struct loop *loop, const char *state_dir, const struct people_config *config, struct people **ret_people)
{
        struct people *p = calloc(1, sizeof(*p));
        int r;

        if (!p)
                return -ENOMEM;
        p->config = config;
        p->state_dir = strdup(state_dir);
        p->folder.folder = p->notices_files.folder = -1;
        p->state = (struct audit_files){ .folder = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), .io = &audit_io_real };
        r = p->state_dir ? notices_new(&p->notices) : -ENOMEM;
        if (r == 0)
                r = tickets_new(&p->tickets);
        if (r == 0)
                r = webhook_new(loop, people_posted, p, &p->webhook);
        if (r == 0)
                r = page_command_new(loop, people_commanded, p, &p->command);
        if (r < 0) {
                people_free(&p);
                return r;
        }
        people_configured(p);
        r = notices_files_open(state_dir, NULL, p->notices, &p->notices_files);
        if (r < 0)
                log_error("notices", "what waited to be sent cannot be read: %s", strerror(-r));
        people_load_pages(p);
        *ret_people = p;
        return 0;
}

void people_free(struct people **people)
{
        struct people *p = *people;

        *people = NULL;
        if (!p)
                return;
        webhook_free(&p->webhook);
        page_command_free(&p->command);
        tickets_free(&p->tickets);
        notices_free(&p->notices);
        notices_files_close(&p->notices_files);
        fd_close(&p->folder.folder);
        fd_close(&p->state.folder);
        free(p->folder_path);
        free(p->state_dir);
        free(p);
}

struct moment {
        struct core *core;
        const struct signature_set *signatures;
        const struct conduct *conduct;
        int64_t wall, monotonic;
};

static int write_ticket(struct people *p, const struct moment *m, const struct ticket_fact *f)
{
        char name[TICKET_NAME_SIZE], subject[NOTICE_SUBJECT_MAX];
        struct text words = { 0 };
        json_t *ticket = NULL, *notice;
        int r = ticket_make(m->core, m->signatures, m->conduct, m->wall, f, &ticket);

        if (r == 0)
                r = ticket_markdown(ticket, m->wall, &words);
        /* First: what is posted twice can be told by its key, what is written and never posted cannot. */
        if (r == 0 && people_has(p, TO_TICKETS) && !tickets_noted(p->tickets, f)) {
                snprintf(subject, sizeof(subject), "i%llu", (unsigned long long)f->incident);
                notice = json_copy(ticket);
                if (notice && (json_object_set_new(notice, "event", json_string("ticket")) < 0 ||
                               json_object_set_new(notice, "text", json_stringn(words.data, words.length)) < 0)) {
                        json_decref(notice);
                        notice = NULL;
                }
                people_notice(p, TO_TICKETS, subject, f->opened_at, f->revision, notice, m->wall);
        }
        if (r == 0)
                tickets_note(p->tickets, f);
        if (r == 0 && has_folder(p))
                r = p->folder.folder < 0 ? -ENOENT
                                         : ticket_write(&p->folder, ticket_name(f, name), ticket, words.data, words.length);
        json_decref(ticket);
        text_free(&words);
        return r;
}

static void write_tickets(struct people *p, const struct moment *m, size_t facts)
{
        const struct ticket_fact *f;
        char name[TICKET_NAME_SIZE];

        if (!has_folder(p) && !people_has(p, TO_TICKETS))
                return;
        for (size_t i = 0; i < facts; i++)
                if (!tickets_knows(p->tickets, &p->facts[i]))
                        tickets_found(p->tickets, &p->facts[i],
                                      p->folder.folder < 0 ? 0
                                                           : ticket_revision_there(&p->folder, ticket_name(&p->facts[i], name)));
        for (int n = 0; n < TICKETS_AT_ONCE && (f = tickets_next(p->tickets, p->facts, facts, m->monotonic)); n++) {
                int r;

                if (p->folder.folder < 0)
                        open_folder(p);
                r = write_ticket(p, m, f);
                if (r < 0) {
                        if (tickets_failed(p->tickets, f, r, m->monotonic) && !p->tickets_failing)
                                log_error("tickets", "the ticket of i%llu cannot be written: %s", (unsigned long long)f->incident,
                                          strerror(-r));
                        p->tickets_failing = p->tickets_failing || tickets_is_of_folder(r);
                        return;
                }
                if (p->tickets_failing)
                        log_notice("tickets", "tickets are written again");
                p->tickets_failing = false;
                if (!tickets_has(p->tickets, f) && p->folder.folder >= 0)
                        ticket_prune(&p->folder, p->config->tickets_most);
                tickets_written(p->tickets, f, m->monotonic);
        }
}

void people_tick(struct people *p, struct core *core, const struct signature_set *signatures, const struct conduct *conduct,
                 int64_t wall, int64_t monotonic)
{
        struct moment m = { core, signatures, conduct, wall, monotonic };
        size_t facts = ticket_facts(core, conduct_acting(conduct), conduct_log(conduct), p->facts, TICKET_FACTS_MAX);
        struct needs_scene scene = { .acting = conduct_acting(conduct),
                                     .incidents = p->facts,
                                     .incidents_count = facts,
                                     .refusal = conduct_refusal(conduct),
                                     .breach_within = p->config->pages_breach_within };
        size_t needs;

        scene.sick = conduct_doubts(conduct, &scene.hosts);
        write_tickets(p, &m, facts);
        needs = needs_find(&scene, wall, p->needs);
        pages_see(&p->pages, p->needs, needs, wall);
        people_page(p, wall);
        people_deliver(p, wall, monotonic);
}
