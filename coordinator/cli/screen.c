#include "coordinator/cli/screen.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

static struct termios before;
static bool entered, keys;
static int signals = -1;

static void put(const char *sequence)
{
        size_t length = strlen(sequence);

        while (length > 0) {
                ssize_t n = write(STDOUT_FILENO, sequence, length);

                if (n <= 0)
                        return;
                sequence += n;
                length -= (size_t)n;
        }
}

int screen_signals(void)
{
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, SIGINT);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGHUP);
        sigaddset(&set, SIGWINCH);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        return signals < 0 ? -errno : 0;
}

int screen_enter(void)
{
        struct termios raw;

        /* Keys are read from standard input only if that is the terminal. */
        if (isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before) == 0) {
                raw = before;
                raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
                raw.c_cc[VMIN] = 0;
                raw.c_cc[VTIME] = 0;
                if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0)
                        keys = true;
        }
        put("\033[?1049h\033[?25l\033[H\033[2J");
        entered = true;
        return 0;
}

void screen_leave(void)
{
        if (!entered)
                return;
        put("\033[?25h\033[?1049l");
        if (keys)
                tcsetattr(STDIN_FILENO, TCSANOW, &before);
        entered = keys = false;
}

enum screen_event screen_wait(int64_t until, char *ret_key)
{
        struct pollfd fds[2] = { { .fd = signals, .events = POLLIN }, { .fd = keys ? STDIN_FILENO : -1, .events = POLLIN } };
        int64_t left = until - clock_monotonic();
        struct signalfd_siginfo info;
        int n = poll(fds, 2, left <= 0 ? 0 : (int)MIN(left / NSEC_PER_MSEC + 1, 60000));

        if (n <= 0)
                return SCREEN_NOTHING;
        if (fds[0].revents && read(signals, &info, sizeof(info)) == sizeof(info))
                return info.ssi_signo == SIGWINCH ? SCREEN_RESIZED : SCREEN_END;
        if (fds[1].revents) {
                if (read(STDIN_FILENO, ret_key, 1) == 1)
                        return SCREEN_KEY;
                keys = false; /* the terminal is gone: stop asking it */
        }
        return SCREEN_NOTHING;
}
