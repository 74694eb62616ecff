/* Pages: told, kept over restarts, listed and acknowledged. */
#include "coordinator/people_internal.h"
#include "proto/log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX_SIZE (2u << 20)

static json_t *to_json(const struct page *p)
{
        return json_pack("{s:s,s:s,s:b,s:s,s:I,s:I,s:I,s:I,s:s,s:s,s:I}", "id", p->need.id, "incident", p->need.incident, "urgent",
                         p->need.urgent, "text", p->need.text, "since", (json_int_t)p->since, "next_at", (json_int_t)p->next_at,
                         "gone_at", (json_int_t)p->gone_at, "times", (json_int_t)p->times, "by", p->acknowledged_by, "why", p->why,
                         "acknowledged_at", (json_int_t)p->acknowledged_at);
}

static void save(struct people *p)
{
        json_t *array = json_array();
        char *text = NULL;
        int r = array ? 0 : -ENOMEM;

        for (size_t i = 0; r == 0 && i < p->pages.count; i++)
                if (json_array_append_new(array, to_json(&p->pages.items[i])) < 0)
                        r = -ENOMEM;
        text = r == 0 ? json_dumps(array, JSON_COMPACT) : NULL;
        if (text)
                r = p->state.folder < 0 ? -ENOENT : audit_file_put(&p->state, PAGES_FILE, 0600, text, strlen(text), true);
        if (r < 0 && !p->pages_failing)
                log_warning("pages", "who acknowledged what does not survive a restart: %s", strerror(-r));
        p->pages_failing = r < 0;
        free(text);
        json_decref(array);
}

static bool copy(char *to, size_t size, const char *from)
{
        if (strlen(from) >= size)
                return false;
        memcpy(to, from, strlen(from) + 1);
        return true;
}

static bool from_json(json_t *o, struct page *ret_page)
{
        const char *id, *incident, *text, *by, *why;
        json_int_t since, next_at, gone_at, times, acknowledged_at;
        struct page p = { 0 };
        int urgent;

        if (json_unpack(o, "{s:s,s:s,s:b,s:s,s:I,s:I,s:I,s:I,s:s,s:s,s:I}", "id", &id, "incident", &incident, "urgent", &urgent,
                        "text", &text, "since", &since, "next_at", &next_at, "gone_at", &gone_at, "times", &times, "by", &by, "why",
                        &why, "acknowledged_at", &acknowledged_at) < 0 ||
            !copy(p.need.id, sizeof(p.need.id), id) || !copy(p.need.incident, sizeof(p.need.incident), incident) ||
            !copy(p.need.text, sizeof(p.need.text), text) || !copy(p.acknowledged_by, sizeof(p.acknowledged_by), by) ||
            !copy(p.why, sizeof(p.why), why))
                return false;
        p.need.urgent = urgent;
        p.since = since;
        p.next_at = next_at;
        p.gone_at = gone_at;
        p.times = (uint32_t)times;
        p.acknowledged_at = acknowledged_at;
        *ret_page = p;
        return true;
}

void people_load_pages(struct people *p)
{
        CLEANUP_FREE uint8_t *data = NULL;
        json_t *array, *o;
        size_t size, i;
        int r = p->state.folder < 0 ? -ENOENT : audit_file_read(&p->state, PAGES_FILE, FILE_MAX_SIZE, &data, &size);

        if (r == -ENOENT)
                return;
        array = r == 0 ? json_loadb((const char *)data, size, 0, NULL) : NULL;
        if (!json_is_array(array))
                log_warning("pages", "%s cannot be read: what is needed is paged anew", PAGES_FILE);
        json_array_foreach(array, i, o) if (p->pages.count < PAGES_MAX && from_json(o, &p->pages.items[p->pages.count]))
                p->pages.count++;
        json_decref(array);
}

static const char *time_of(int64_t at, struct text *buffer)
{
        buffer->length = 0;
        text_time(buffer, at);
        return buffer->data ? buffer->data : "";
}

static json_t *notice_of(const struct page *page, const char *event, int64_t wall)
{
        struct text since = { 0 }, at = { 0 };
        json_t *o = json_pack("{s:s,s:s,s:s?,s:s,s:s,s:I,s:s,s:s+}", "event", event, "id", page->need.id, "incident",
                              page->need.incident[0] ? page->need.incident : NULL, "at", time_of(wall, &at), "since",
                              time_of(page->since, &since), "times", (json_int_t)page->times, "text", page->need.text,
                              "acknowledge", "nightshift acknowledge ", page->need.id);

        text_free(&since);
        text_free(&at);
        return o;
}

static void raise_page(struct people *p, const struct page *page, int64_t wall)
{
        if (page->times == 1)
                log_warning("pages", "%s needs a person: %s", page->need.id, page->need.text);
        for (enum destination to = TO_PAGES; to <= TO_COMMAND; to++)
                if (people_has(p, to))
                        people_notice(p, to, page->need.id, page->since, page->times, notice_of(page, "page", wall), wall);
}

/* Who was never told needs not hear that it is over. */
static void end_page(struct people *p, const struct page *page, int64_t wall)
{
        bool waited = notices_cancel(p->notices, TO_PAGES, page->need.id);

        log_notice("pages", "%s needs nobody any more", page->need.id);
        (void)notices_cancel(p->notices, TO_COMMAND, page->need.id);
        if (people_has(p, TO_PAGES) && !(waited && page->times == 1))
                people_notice(p, TO_PAGES, page->need.id, page->since, UINT64_MAX, notice_of(page, "page_ended", wall), wall);
}

void people_page(struct people *p, int64_t wall)
{
        struct pages_policy policy = { .after = p->config->pages_after, .repeat = p->config->pages_repeat };
        enum page_event event;
        bool changed = false;
        struct page page;

        while ((event = pages_next(&p->pages, &policy, wall, &page)) != PAGE_NONE) {
                if (event == PAGE_RAISED)
                        raise_page(p, &page, wall);
                else
                        end_page(p, &page, wall);
                changed = true;
        }
        if (p->pages.left_out && !p->pages_left_out)
                log_warning("pages", "%zu more than can be kept need a person", p->pages.left_out);
        p->pages_left_out = p->pages.left_out > 0;
        if (changed)
                save(p);
}

enum query_status people_acknowledge(struct people *p, int64_t wall, const char *id, const char *by, const char *why,
                                     struct text *out)
{
        size_t n = pages_acknowledge(&p->pages, id, by, why, wall);

        if (n == 0) {
                text_printf(out, "nothing is paged about '%.100s': see `nightshift pages`\n", id);
                return QUERY_NO_SUCH;
        }
        log_notice("pages", "%s acknowledged by %s%s%s", id, by, *why ? ": " : "", why);
        for (size_t i = 0; i < p->pages.count; i++)
                if (p->pages.items[i].acknowledged_at == wall)
                        for (enum destination to = TO_PAGES; to <= TO_COMMAND; to++)
                                (void)notices_cancel(p->notices, to, p->pages.items[i].need.id);
        save(p);
        text_printf(out, "%s acknowledged: it is not paged again\n", id);
        return QUERY_DONE;
}

static json_t *row(const struct page *page)
{
        struct text since = { 0 }, next = { 0 }, then = { 0 };
        bool acknowledged = page->acknowledged_at, waits = page->times > 0 && !acknowledged && !page->gone_at;
        json_t *o = json_pack("{s:s,s:s?,s:s,s:s,s:I,s:s?,s:s?,s:s?,s:s}", "id", page->need.id, "incident",
                              page->need.incident[0] ? page->need.incident : NULL, "text", page->need.text, "since",
                              time_of(page->since, &since), "times", (json_int_t)page->times, "next_at",
                              waits ? time_of(page->next_at, &next) : NULL, "acknowledged_by",
                              acknowledged ? page->acknowledged_by : NULL, "acknowledged_at",
                              acknowledged ? time_of(page->acknowledged_at, &then) : NULL, "why", page->why);

        text_free(&since);
        text_free(&next);
        text_free(&then);
        return o;
}

enum query_status people_answer_pages(const struct people *p, int64_t wall, struct text *out, const char **ret_type)
{
        json_t *rows = json_array(), *root;
        struct text at = { 0 };
        char *text = NULL;
        bool failed = !rows;

        for (size_t i = 0; i < p->pages.count && !failed; i++)
                failed = json_array_append_new(rows, row(&p->pages.items[i])) < 0;
        root = failed ? NULL
                      : json_pack("{s:s,s:b,s:O}", "as_of", time_of(wall, &at), "complete", p->pages.left_out == 0, "pages", rows);
        text = root ? json_dumps(root, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
        json_decref(root);
        json_decref(rows);
        text_free(&at);
        if (!text) {
                text_puts(out, "the coordinator cannot answer: memory is short\n");
                return QUERY_FAILED;
        }
        text_puts(out, text);
        text_puts(out, "\n");
        free(text);
        *ret_type = "application/json";
        return QUERY_DONE;
}
