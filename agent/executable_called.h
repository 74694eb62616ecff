/* What people call an executable. Several names can lead to one file (Debian's redis-server is a link
 * to redis-check-rdb, its mysqld one to mariadbd, python3 one to python3.11), and the kernel keeps the
 * file's own. The name that a process was started by is its `comm`, which a workload can change at
 * will: it counts only if the folder of the executable holds that name, leading to that very file. So
 * a workload can choose among the names that the file has, and cannot make one up. */
#pragma once

#include "proto/base.h"

/* Copies `path`, or the path beside it that ends in `comm` if process `pid` sees the same file there.
 * Where that cannot be told, for instance because the process is gone, it is `path`. */
void executable_called(const char *proc, uint32_t pid, const char *path, const char *comm, char *ret_path, size_t size);
