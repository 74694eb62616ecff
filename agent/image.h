/* The image of a container, and the version that its labels declare, from the state that the runtime
 * keeps on this host: Docker, Podman, containerd and CRI-O. "" where nothing tells. */
#pragma once

#include "proto/base.h"

void image_read(const char *cgroup_path, char *ret_image, size_t image_size, char *ret_version, size_t version_size);
