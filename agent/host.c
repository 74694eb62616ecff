#include "agent/host.h"

#include "agent/text.h"

#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>

#define CLOCK_SET (100 * NSEC_PER_MSEC)
#define FIRST_PID_NAMESPACE 0xeffffffcu /* PROC_PID_INIT_INO of the kernel, as /proc shows it to all */

static void read_line(const char *path, char *ret_text, size_t size)
{
        char text[128];

        if (text_read_file(path, text, sizeof(text)) <= 0)
                return;
        text[strcspn(text, "\n")] = '\0';
        text_copy(ret_text, size, text);
}

int host_read(const char *name, struct host *ret_host)
{
        struct host host = { .started = clock_monotonic() };
        struct utsname names;
        struct stat st;

        if (uname(&names) < 0)
                return -errno;
        text_copy(host.name, sizeof(host.name), name ? name : names.nodename);
        text_copy(host.kernel, sizeof(host.kernel), names.release);
        read_line("/etc/machine-id", host.id, sizeof(host.id));
        read_line("/proc/sys/kernel/random/boot_id", host.boot_id, sizeof(host.boot_id));
        if (stat("/proc/self/ns/pid", &st) == 0 && st.st_ino != FIRST_PID_NAMESPACE)
                host.pid_namespace = (uint32_t)st.st_ino;
        while (host.session == 0)
                if (getrandom(&host.session, sizeof(host.session), 0) != sizeof(host.session))
                        return -EIO;
        *ret_host = host;
        return 0;
}

int64_t host_boot_offset(void)
{
        static int64_t said; /* the only clock there is: what is remembered of it is nobody's state */
        struct timespec ts;
        int64_t offset;

        clock_gettime(CLOCK_BOOTTIME, &ts);
        offset = clock_wall() - (ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec);
        /* The two are read one after the other, and we may be put aside in between. */
        if (offset - said > CLOCK_SET || said - offset > CLOCK_SET)
                said = offset;
        return said;
}
