/* `nightshift record`: a question each for the beginning, for what has come since, and for the end. */
#include "coordinator/aside.h"
#include "coordinator/bytes.h"
#include "coordinator/daemon_internal.h"
#include "coordinator/recorder.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *argument(const struct wire_query *query, const char *name)
{
        for (size_t i = 0; i < query->arguments_count; i++)
                if (strcmp(query->arguments[i].name, name) == 0)
                        return query->arguments[i].value;
        return "";
}

static bool number(const char *text, uint64_t *ret_number)
{
        char *end;

        errno = 0;
        *ret_number = strtoull(text, &end, 10);
        return *text >= '0' && *text <= '9' && !*end && errno == 0;
}

static void say(struct daemon *d, uint64_t token, uint32_t status, const char *sentence)
{
        struct wire_reply answer = { .kind = WIRE_ANSWER,
                                     .answer = { .status = status,
                                                 .content_type = "text/plain; charset=utf-8",
                                                 .body = (const uint8_t *)sentence,
                                                 .body_size = strlen(sentence) } };

        daemon_reply(d, token, &answer);
}

static void hand_out(struct daemon *d, uint64_t token, const uint8_t *data, size_t size)
{
        struct wire_reply answer = { .kind = WIRE_ANSWER,
                                     .answer = { .content_type = "application/octet-stream",
                                                 .body = size ? data : (const uint8_t *)"",
                                                 .body_size = size } };

        daemon_reply(d, token, &answer);
}

/* Runs in a child, whose core stays as it is while ours goes on. */
static int make_snapshot(void *data, uint8_t **ret_answer, size_t *ret_size)
{
        struct wire_reply answer = { .kind = WIRE_ANSWER, .answer = { .content_type = "application/octet-stream" } };
        struct daemon *d = data;
        struct writer out = { 0 };
        int r = recorder_snapshot(d->core, &out);

        answer.answer.body = out.data;
        answer.answer.body_size = out.size;
        if (r == 0)
                r = wire_pack_reply(&answer, ret_answer, ret_size);
        writer_free(&out);
        return r;
}

static bool begin(struct daemon *d, uint64_t token, uint64_t id)
{
        struct writer out = { 0 };

        /* Put together first, in portions, what core_align() would put together in one piece. */
        if (d->working || !daemon_settle(d))
                return false;
        core_align(d->core, clock_wall());
        if (recorder_begin(d->recorder, id, clock_monotonic()) < 0) {
                say(d, token, QUERY_FAILED, "there are two recordings under way already, which is as many as may be\n");
                return true;
        }
        if (aside_start(d->asides, token, make_snapshot, d) < 0) {
                if (recorder_snapshot(d->core, &out) == 0)
                        hand_out(d, token, out.data, out.size);
                else
                        say(d, token, QUERY_FAILED, "memory is too short for the beginning of a recording\n");
                writer_free(&out);
        }
        log_notice("daemon", "a recording begins; %zu of %d under way", recorder_count(d->recorder), RECORDER_RECORDINGS_MAX);
        return true;
}

static void go_on(struct daemon *d, uint64_t token, uint64_t id, uint64_t after)
{
        const uint8_t *data;
        size_t size;

        switch (recorder_read(d->recorder, id, after, clock_monotonic(), &data, &size)) {
        case 0:
                hand_out(d, token, data, size);
                break;
        case -EOVERFLOW:
                log_warning("daemon", "a recording has a gap: whoever takes it was too slow");
                say(d, token, QUERY_NO_SUCH, "whoever recorded could not keep up\n");
                break;
        case -ENOENT:
                say(d, token, QUERY_NO_SUCH, "the coordinator started anew, or nobody asked it for a minute\n");
                break;
        default:
                say(d, token, QUERY_USAGE, "record: after: expected the place at which the last answer ended\n");
        }
}

bool daemon_record(struct daemon *d, uint64_t token, const struct wire_query *query)
{
        const char *what = argument(query, "what");
        uint64_t id, after = 0;

        if (!number(argument(query, "id"), &id) || id == 0) {
                say(d, token, QUERY_USAGE, "record: id: expected a number above 0\n");
        } else if (strcmp(what, "begin") == 0) {
                return begin(d, token, id);
        } else if (strcmp(what, "next") == 0) {
                if (number(argument(query, "after"), &after))
                        go_on(d, token, id, after);
                else
                        say(d, token, QUERY_USAGE, "record: after: expected a number\n");
        } else if (strcmp(what, "end") == 0) {
                recorder_end(d->recorder, id);
                say(d, token, QUERY_DONE, "");
        } else {
                say(d, token, QUERY_USAGE, "record: what: expected begin, next or end\n");
        }
        return true;
}

void daemon_note_summary(struct daemon *d, const uint8_t *body, size_t size)
{
        recorder_add(d->recorder, RECORDING_SUMMARY, core_time(d->core), NULL, 0, body, size);
}

/* Names are no longer than the frame of one has room for: what came by the wire is bounded. */
static void note_announcement(struct daemon *d, const struct core_input *input)
{
        const char *const parts[] = { input->service, input->version, input->host ? input->host : "" };
        char data[3 * 4097];
        size_t size = 0;

        for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
                size_t length = strnlen(parts[i], 4096);

                memcpy(data + size, parts[i], length);
                data[size + length] = '\0';
                size += length + 1;
        }
        recorder_add(d->recorder, RECORDING_ANNOUNCE, input->at, NULL, 0, data, size);
}

void daemon_on_input(void *daemon, const struct core_input *input)
{
        struct daemon *d = daemon;
        uint8_t head[RECORDING_POLL_HEAD];

        switch (input->kind) {
        case CORE_INPUT_TICK:
                recorder_add(d->recorder, RECORDING_TICK, input->at, NULL, 0, NULL, 0);
                break;
        case CORE_INPUT_SETTLE:
                recorder_add(d->recorder, RECORDING_SETTLE, input->at, NULL, 0, NULL, 0);
                break;
        case CORE_INPUT_ALIGN:
                recorder_add(d->recorder, RECORDING_ALIGN, input->at, NULL, 0, NULL, 0);
                break;
        case CORE_INPUT_POLL:
                recording_poll_head(input->session, input->acknowledged, head);
                recorder_add(d->recorder, RECORDING_POLL, input->at, head, sizeof(head), input->host, strlen(input->host));
                break;
        case CORE_INPUT_ANNOUNCE:
                note_announcement(d, input);
                break;
        }
}
