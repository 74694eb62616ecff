/* What workloads choose: cgroup paths, executables, names. Services come out as clean text. The input
 * is a cgroup path, an executable and a command, separated by NUL; the path is also taken as the
 * content of /proc/PID/cgroup. */
#include "agent/cgroup_path.h"
#include "agent/identity.h"
#include "proto/wire_internal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *text)
{
        if (!wire_text_ok(text))
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct identity_facts facts = { .exe_inode = 1, .listen_port = size & 1 ? 80 : 0 };
        char *text = malloc(size + 3), *older;
        struct identity identity;

        if (!text)
                return 0;
        memcpy(text, data, size);
        memset(text + size, 0, 3);
        facts.cgroup_path = text;
        facts.exe_path = text + strlen(text) + (strlen(text) < size);
        facts.comm = facts.exe_path + strlen(facts.exe_path) + (facts.exe_path + strlen(facts.exe_path) < text + size);
        identity_recognise(NULL, "/nowhere", &facts, &identity);
        check(identity.service);
        check(identity.instance);
        check(identity.executable);
        check(identity.cgroup);
        if (!identity.service[0])
                abort();
        older = strdup(text);
        if (older)
                (void)cgroup_older_path(older);
        free(older);
        identity_pod_workload(text, identity.service, sizeof(identity.service));
        check(identity.service);
        free(text);
        return 0;
}
