/* What a child of the agent does first. It is forked and not executed anew: what it has of the agent is let go here. */
#pragma once

/* Signals that are the agent's to take are ignored, so that a Ctrl-C to the whole group does not end us before it does;
 * `fd`, to the agent, becomes the first descriptor behind the standard ones, which is returned, and all others are closed;
 * the process gets the name. */
int child_leave_agent(int fd, const char *name);
