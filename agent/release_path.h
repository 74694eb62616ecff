/* What a path tells about a release. Pure: works on the text alone. */
#pragma once

#include "proto/base.h"

/* The path of the release that `path` leads through, up to and with the component that names it:
 * whatever follows `releases`, `versions` and the like, or a component that is itself a version, a time
 * stamp or a commit. "" if there is none: a plain working folder says nothing about a build. Nothing
 * below /tmp, /run, /proc, /dev and /sys counts. */
void release_path_find(const char *path, char *ret_release, size_t size);

/* The name of a program without its folder and version: "app-1.2.3.jar" is "app.jar", "python3.11" is
 * "python". */
void release_path_program(const char *path, char *ret_name, size_t size);
