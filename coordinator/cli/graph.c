#include "coordinator/cli/ask.h"
#include "coordinator/cli/client.h"
#include "coordinator/cli/run.h"
#include "coordinator/cli/terminal.h"
#include "coordinator/cli/tree.h"
#include "coordinator/cli/verbs.h"
#include "coordinator/render.h"
#include "coordinator/values.h"

#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Graphviz reads from memory and writes to our standard output. */
static int draw_svg(const uint8_t *dot, size_t size)
{
        char *argv[] = { (char *)"dot", (char *)"-Tsvg", NULL };
        CLEANUP_FD int input = memfd_create("graph.dot", MFD_CLOEXEC);
        posix_spawn_file_actions_t actions;
        int r = 0, status = 0;
        pid_t pid;

        if (input < 0 || posix_spawn_file_actions_init(&actions) != 0) {
                cli_complain("the picture cannot be drawn: %s", strerror(errno));
                return CLI_FAILED;
        }
        while (size > 0 && r == 0) {
                ssize_t n = write(input, dot, size);

                if (n < 0)
                        r = errno;
                dot += MAX(n, 0);
                size -= (size_t)MAX(n, 0);
        }
        lseek(input, 0, SEEK_SET);
        posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
        if (r == 0)
                r = posix_spawnp(&pid, "dot", &actions, NULL, argv, environ);
        posix_spawn_file_actions_destroy(&actions);
        if (r == ENOENT) {
                cli_complain("Graphviz, which draws the picture, is not installed here: apt install graphviz, or use --format dot");
                return CLI_FAILED;
        }
        if (r) {
                cli_complain("Graphviz cannot be started: %s", strerror(r));
                return CLI_FAILED;
        }
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
                return CLI_DONE;
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGPIPE)
                cli_complain("Graphviz failed to draw the picture; --format dot is what it was given");
        return CLI_FAILED;
}

static int draw_tree(struct client *client, const struct ask *ask)
{
        struct terminal terminal;
        struct text out = { 0 };
        json_t *root;
        int r = ask_json(client, "graph", ask, &root);

        if (r != CLI_DONE)
                return r;
        terminal_read(&terminal);
        if (tree_draw(&out, root, terminal.width, terminal.colour) == 0) {
                r = cli_write(out.data, out.length);
        } else {
                cli_complain("the coordinator's answer to graph cannot be shown");
                r = CLI_FAILED;
        }
        text_free(&out);
        json_decref(root);
        return r;
}

int run_graph(const struct invocation *invocation)
{
        const char *format = invocation->format ? invocation->format : "dot";
        bool is_dot = strcmp(format, "dot") == 0, svg = strcmp(format, "svg") == 0;
        struct client *client = NULL;
        struct wire_answer answer;
        struct ask ask;
        int r = ask_prepare(invocation, &ask);

        if (r == CLI_DONE)
                r = ask_connect(invocation, &client);
        if (r == CLI_DONE) {
                ask_add(&ask, "format", is_dot || svg ? "dot" : "json");
                if (strcmp(format, "table") == 0) {
                        r = draw_tree(client, &ask);
                } else {
                        r = ask_send(client, "graph", &ask, &answer);
                        if (r == CLI_DONE)
                                r = svg ? draw_svg(answer.body, answer.body_size)
                                        : cli_write((const char *)answer.body, answer.body_size);
                }
        }
        client_free(&client);
        return r;
}
