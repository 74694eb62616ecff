#include "coordinator/cli/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

void terminal_read(struct terminal *ret_terminal)
{
        const char *columns = getenv("COLUMNS"), *term = getenv("TERM"), *no_colour = getenv("NO_COLOR");
        bool tty = isatty(STDOUT_FILENO), able = term && *term && strcmp(term, "dumb");
        struct winsize size;

        *ret_terminal = (struct terminal){ .live = tty && able, .colour = tty && able && !(no_colour && *no_colour) };
        if (tty && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) {
                ret_terminal->width = size.ws_col;
                ret_terminal->height = size.ws_row;
        }
        /* COLUMNS is how people say it for a pipe. */
        if (!ret_terminal->width && columns)
                ret_terminal->width = (size_t)MAX(atoi(columns), 0);
        if (tty && !ret_terminal->width)
                ret_terminal->width = 80;
        if (tty && !ret_terminal->height)
                ret_terminal->height = 24;
}
