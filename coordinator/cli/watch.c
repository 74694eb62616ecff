#include "coordinator/cli/ask.h"
#include "coordinator/cli/client.h"
#include "coordinator/cli/run.h"
#include "coordinator/cli/screen.h"
#include "coordinator/cli/values.h"
#include "coordinator/cli/verbs.h"
#include "coordinator/cli/watch_draw.h"
#include "coordinator/render.h"

#include <stdio.h>
#include <string.h>

#define EVERY NSEC_PER_SEC
#define EVERY_PRINTED (5 * NSEC_PER_SEC) /* without a screen, pictures pile up */

/* A picture of a large graph takes time to make: so many times as long we then leave it alone. */
#define PATIENCE 4

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

static int picture(struct client *client, const struct ask *ask, const struct terminal *terminal)
{
        struct ask plain = { 0 };
        json_t *status = NULL, *edges = NULL;
        struct text out = { 0 }, screen = { 0 };
        int r = ask_json(client, "status", &plain, &status);

        if (r == CLI_DONE)
                r = ask_json(client, "edges", ask, &edges);
        if (r == CLI_DONE) {
                if (watch_draw(&out, status, edges, terminal->width, terminal->live ? terminal->height : 0, terminal->colour) < 0) {
                        cli_complain("the coordinator's answer cannot be shown");
                        r = CLI_FAILED;
                } else if (terminal->live) {
                        onto_screen(&screen, &out);
                        r = cli_write(screen.data, screen.length);
                } else {
                        text_puts(&out, "\n");
                        r = cli_write(out.data, out.length);
                }
        }
        json_decref(status);
        json_decref(edges);
        text_free(&out);
        text_free(&screen);
        return r;
}

static int follow(struct client *client, const struct ask *ask)
{
        struct terminal terminal;
        int64_t next = clock_monotonic();
        int r;

        for (;;) {
                int64_t begun = clock_monotonic(), now;
                enum screen_event event;
                char key = 0;

                terminal_read(&terminal);
                r = picture(client, ask, &terminal);
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
                r = follow(client, &ask);
        client_free(&client);
        return r;
}
