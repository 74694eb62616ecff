/* What the files of an assembly share; assemble.c has its steps in their order. */
#pragma once

#include "coordinator/graph.h"
#include "coordinator/view.h"

/* assemble_meet.c: the other end may be on its way; too early to call the far end unknown. */
bool assemble_may_still_meet(const struct core *core, const struct end *end);
void assemble_link_by_address(struct core *core, struct end *server);
void assemble_guess_role(struct core *core, struct end *end);

/* assemble_client.c: hands the client's counts to the ends that saw them; then, to its edges. */
void assemble_cover_links(struct end *client);
void assemble_client(struct core *core, struct end *client);
/* True if its links lead to more than one (service, port). */
bool assemble_has_several_targets(const struct end *client);

/* assemble_server.c: what clients with an agent have not counted goes to the edges of those without. */
void assemble_server(struct core *core, struct end *server);
