/* Runs the operator's command for a page: an argument vector, never a shell; the page is on its standard input. It has no
 * other descriptor of ours, a process group and an environment of its own, and is killed when it takes too long. */
#pragma once

#include "coordinator/notices.h"
#include "proto/yaml_config.h"

struct loop;
struct page_command;

/* `why`: a sentence, "" when it ended well. */
typedef void (*page_command_done)(void *data, enum delivery delivery, const char *why);

MUST_CHECK int page_command_new(struct loop *loop, page_command_done done, void *data, struct page_command **ret_command);
/* Kills what runs. */
void page_command_free(struct page_command **command);
/* One at a time. `done` is called later, or never if this fails. -EBUSY, -errno. */
MUST_CHECK int page_command_begin(struct page_command *command, const struct yaml_config_strings *argv, const char *body,
                                  size_t size, int64_t timeout);
