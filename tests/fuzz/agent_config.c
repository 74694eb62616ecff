/* The agent's configuration file: whatever is in it, it is taken whole or refused with a sentence that
 * names the file, and nothing leaks. */
#include "agent/config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct yaml_config_error error = { "" };
        struct config config;
        char path[32];
        int fd = memfd_create("agent.yaml", MFD_CLOEXEC);

        if (fd < 0 || write(fd, data, size) != (ssize_t)size)
                abort();
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        if (config_load(path, &config, &error) == 0)
                config_free(&config);
        else if (strncmp(error.text, path, strlen(path)) != 0)
                abort();
        close(fd);
        return 0;
}
