#include "coordinator/ticket.h"
#include "coordinator/explain_words.h"
#include "coordinator/queries.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

const char *ticket_name(const struct ticket_fact *fact, char ret_name[TICKET_NAME_SIZE])
{
        time_t opened = fact->opened_at / NSEC_PER_SEC;
        struct tm then;
        char at[24];

        gmtime_r(&opened, &then);
        strftime(at, sizeof(at), "%Y%m%dT%H%M%SZ", &then);
        snprintf(ret_name, TICKET_NAME_SIZE, "%s-i%" PRIu64, at, fact->incident);
        return ret_name;
}

static int answer(struct core *core, const struct signature_set *signatures, const struct conduct *conduct, int64_t now,
                  const char *incident, json_t **ret_root)
{
        struct wire_argument argument = { "incident", incident };
        struct wire_query query = { .verb = "explain", .arguments = &argument, .arguments_count = 1 };
        struct text text = { 0 };
        enum query_status status;
        const char *type;
        json_t *root;

        status = query_answer(core, signatures, conduct, now, -1, &query, &text, &type);
        root = status == QUERY_DONE && !text.failed ? json_loadb(text.data, text.length, 0, NULL) : NULL;
        text_free(&text);
        if (!root)
                return status == QUERY_NO_SUCH ? -ENOENT : -ENOMEM;
        *ret_root = root;
        return 0;
}

int ticket_make(struct core *core, const struct signature_set *signatures, const struct conduct *conduct, int64_t now,
                const struct ticket_fact *fact, json_t **ret_ticket)
{
        static const char *const members[] = { "state", "service", "signature", "title" };
        char incident[24], revision[24];
        struct text at = { 0 };
        json_t *root, *ticket, *explain;
        int r;

        snprintf(incident, sizeof(incident), "i%" PRIu64, fact->incident);
        snprintf(revision, sizeof(revision), "%016" PRIx64, fact->revision);
        r = answer(core, signatures, conduct, now, incident, &root);
        if (r < 0)
                return r;
        text_time(&at, now);
        explain = json_object_get(root, "explain");
        ticket = json_pack("{s:s,s:s,s:s,s:O*,s:O*,s:O*}", "id", incident, "revision", revision, "written_at",
                           at.data ? at.data : "", "as_of", json_object_get(root, "as_of"), "complete",
                           json_object_get(root, "complete"), "explain", explain);
        for (size_t i = 0; ticket && i < ARRAY_SIZE(members); i++)
                (void)json_object_set(ticket, members[i], json_object_get(explain, members[i]));
        text_free(&at);
        json_decref(root);
        if (!ticket)
                return -ENOMEM;
        *ret_ticket = ticket;
        return 0;
}

int ticket_markdown(json_t *ticket, int64_t now, struct text *out)
{
        int r = explain_words(out, ticket, now, WORDS_MARKDOWN);

        if (r < 0)
                return r;
        text_puts(out, "\n---\n\nWritten by Nightshift at ");
        text_time(out, now);
        text_printf(out, ". `nightshift explain %s` has it as of now, `nightshift audit show INDEX` each entry with its proof.\n",
                    json_string_value(json_object_get(ticket, "id")));
        return out->failed;
}
