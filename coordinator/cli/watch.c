#include "coordinator/cli/ask.h"
#include "coordinator/cli/client.h"
#include "coordinator/cli/run.h"
#include "coordinator/cli/screen.h"
#include "coordinator/cli/table.h"
#include "coordinator/cli/terminal.h"
#include "coordinator/cli/verbs.h"
#include "coordinator/cli/watch_draw.h"
#include "coordinator/render.h"
#include "coordinator/values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVERY NSEC_PER_SEC
#define EVERY_PRINTED (5 * NSEC_PER_SEC) /* without a screen, pictures pile up */

/* A picture of a large graph takes time to make: so many times as long we then leave it alone. */
#define PATIENCE 4

#define FOOTER_FROM 12 /* lines of the screen */

/* Each line is wiped to its end and the rest of the screen after the last, so that nothing flickers. */
static void onto_screen(struct text *out, const struct text *picture)
{
        text_puts(out, "\033[H");
        for (size_t i = 0; i < picture->length; i++) {
                if (picture->data[i] == '\n')
                        text_puts(out, "\033[K\r\n");
                else
                        text_append(out, &picture->data[i], 1);
        }
        text_puts(out, "\033[K\033[J");
}

/* The last line of the screen: what to do next, since the screen covers what was said before. */
static void footer(struct text *out, const char *control, const struct terminal *terminal)
{
        struct text line = { 0 };

        text_printf(&line, "q ends. In another terminal: %s%s", getenv("SUDO_USER") ? "sudo " : "", program_invocation_name);
        if (strcmp(control, CLIENT_CONTROL_DEFAULT) != 0)
                text_printf(&line, " --control %s", control);
        text_puts(&line, " edges (services, pools, graph, help)");
        text_printf(out, "\033[%zuH", terminal->height);
        table_tone_begin(out, TABLE_FAINT, terminal->colour);
        table_text(out, line.data ? line.data : "", terminal->width);
        table_tone_end(out, TABLE_FAINT, terminal->colour);
        text_free(&line);
}

static int picture(struct client *client, const struct ask *ask, const char *control, const struct terminal *terminal)
{
        struct ask plain = { 0 };
        size_t height = terminal->live ? terminal->height : 0;
        bool footed = height >= FOOTER_FROM;
        json_t *status = NULL, *edges = NULL, *incidents = NULL;
        struct text out = { 0 }, screen = { 0 };
        int r = ask_json(client, "status", &plain, &status);

        if (r == CLI_DONE)
                r = ask_json(client, "edges", ask, &edges);
        if (r == CLI_DONE)
                r = ask_json(client, "incidents", &plain, &incidents);
        if (r == CLI_DONE) {
                if (watch_draw(&out, status, edges, incidents, clock_wall(), terminal->width, footed ? height - 2 : height,
                               terminal->colour) < 0) {
                        cli_complain("the coordinator's answer cannot be shown");
                        r = CLI_FAILED;
                } else if (terminal->live) {
                        onto_screen(&screen, &out);
                        if (footed)
                                footer(&screen, control, terminal);
                        r = cli_write(screen.data, screen.length);
                } else {
                        text_puts(&out, "\n");
                        r = cli_write(out.data, out.length);
                }
        }
        json_decref(status);
        json_decref(edges);
        json_decref(incidents);
        text_free(&out);
        text_free(&screen);
        return r;
}

static int follow(struct client *client, const struct ask *ask, const char *control)
{
        struct terminal terminal;
        int64_t next = clock_monotonic();
        int r;

        for (;;) {
                int64_t begun = clock_monotonic(), now;
                enum screen_event event;
                char key = 0;

                terminal_read(&terminal);
                r = picture(client, ask, control, &terminal);
                if (r != CLI_DONE)
                        return r;
                now = clock_monotonic();
                next = MAX(next + (terminal.live ? EVERY : EVERY_PRINTED), now + PATIENCE * (now - begun));
                do {
                        event = screen_wait(next, &key);
                        if (event == SCREEN_END || (event == SCREEN_KEY && (key == 'q' || key == 'Q')))
                                return CLI_DONE;
                } while (event == SCREEN_KEY);
                if (event == SCREEN_RESIZED)
                        next = clock_monotonic() - EVERY;
        }
}

int run_watch(const struct invocation *invocation)
{
        struct client *client = NULL;
        struct terminal terminal;
        struct ask ask;
        int r = ask_prepare(invocation, &ask);

        /* Before nng makes its threads, which inherit what is blocked: a signal that one of them took
         * would end us and leave the terminal as it is. */
        if (r == CLI_DONE && screen_signals() < 0) {
                cli_complain("signals cannot be taken: %s", strerror(errno));
                r = CLI_FAILED;
        }
        if (r == CLI_DONE)
                r = ask_connect(invocation, &client);
        if (r == CLI_DONE) {
                if (!invocation_value(invocation, "window"))
                        ask_add(&ask, "window", "1m");
                terminal_read(&terminal);
                if (terminal.live && screen_enter() < 0)
                        r = CLI_FAILED;
        }
        if (r == CLI_DONE)
                r = follow(client, &ask, invocation->control);
        client_free(&client);
        return r;
}
