/* What the files of people share. */
#pragma once

#include "coordinator/audit_files.h"
#include "coordinator/notices.h"
#include "coordinator/page_command.h"
#include "coordinator/pages.h"
#include "coordinator/people.h"
#include "coordinator/tickets.h"
#include "coordinator/webhook.h"

#include <jansson.h>

#define PAGES_FILE "pages.json"

struct people {
        char *state_dir;
        const struct people_config *config;
        struct notices *notices;
        struct audit_files notices_files, folder, state; /* folder -1: there is none */
        char *folder_path;                               /* as it was configured; "" by default */
        struct webhook *webhook;
        struct page_command *command;
        uint64_t under_way[DESTINATIONS]; /* ids */
        struct tickets *tickets;
        struct pages pages;
        struct ticket_fact facts[TICKET_FACTS_MAX];
        struct need needs[PAGES_MAX];
        uint64_t dropped; /* notices, of which was spoken */
        uint32_t unsaid[DESTINATIONS];
        bool tickets_failing, notices_failing, pages_failing, pages_left_out; /* and said so */
};

/* people_notices.c. Makes a notice of an object, which is the callee's from now on; `moment` and `count` tell it from
 * others about the same. */
void people_notice(struct people *people, enum destination to, const char *subject, int64_t moment, uint64_t count, json_t *notice,
                   int64_t wall);
bool people_has(const struct people *people, enum destination to);
/* Begins what is due, and forgets what is over. */
void people_deliver(struct people *people, int64_t wall, int64_t monotonic);
void people_posted(void *people, enum destination to, enum delivery delivery, int64_t after, const char *why);
void people_commanded(void *people, enum delivery delivery, const char *why);

/* people_pages.c */
void people_load_pages(struct people *people);
void people_page(struct people *people, int64_t wall);
