/* What the audit log says of incidents: an entry with the whole evidence when one opens, comes back or is
 * over, and one with the causes whenever the likeliest changes. Compares the core with what was written,
 * so that nothing is lost while the log cannot be written, and nothing is written twice after a restart. */
#pragma once

#include "coordinator/audit.h"

struct core;
struct audit_incidents;

/* Reads from the log's last entries what was written already. -ENOMEM, -EBADMSG. */
MUST_CHECK int audit_incidents_new(struct audit *audit, struct audit_incidents **ret_incidents);
void audit_incidents_free(struct audit_incidents **incidents);

/* Writes what is new; call it between the core's rounds of work. 0, or -errno of the append: what was not
 * written is tried again the next time. */
MUST_CHECK int audit_incidents_step(struct audit_incidents *incidents, struct audit *audit, struct core *core, int64_t now);
