/* What the files of an assembly share; assemble.c has its steps in their order. */
#pragma once

#include "coordinator/graph.h"
#include "coordinator/view.h"

/* assemble_meet.c: the other end may be on its way; too early to call the far end unknown. */
bool assemble_may_still_meet(const struct core *core, const struct end *end);
void assemble_link_by_address(struct core *core, struct end *server);
void assemble_guess_role(struct core *core, struct end *end);

/* assemble_client.c: another end by which the same service on the same host dials the same address, and of
 * which it is known where it goes, best one that goes to several: what is adopted without its key goes
 * where its siblings go. */
const struct end *assemble_sibling_of(const struct core *core, const struct end *client);
/* Hands the client's counts to the ends that saw them; then, to its edges. `links` are its own, or its sibling's. */
void assemble_cover_links(struct end *client, const struct link *links);
void assemble_client(struct core *core, struct end *client, const struct link *sibling);
/* True if its links lead to more than one (service, port). */
bool assemble_has_several_targets(const struct end *client);

/* assemble_server.c: what clients with an agent have not counted goes to the edges of those without. */
void assemble_server(struct core *core, struct end *server);
