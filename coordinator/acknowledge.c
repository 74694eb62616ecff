#include "coordinator/acknowledge.h"
#include "coordinator/people.h"
#include "coordinator/query_acting.h"

enum query_status acknowledge(struct people *people, struct conduct *conduct, const struct signature_set *signatures, int64_t wall,
                              const struct wire_query *query, const char *by, struct text *out, bool *ret_paged)
{
        const char *id = query_argument(query, "action");
        size_t length = out->length;
        enum query_status status;

        *ret_paged = false;
        if (!*id) {
                text_puts(out, "expected the id of a page, an incident or an action, such as audit-log, i7 or a12\n");
                return QUERY_USAGE;
        }
        /* First: nothing that then goes wrong with the action keeps somebody awake. */
        status = people_acknowledge(people, wall, id, by, query_argument(query, "why"), out);
        *ret_paged = status == QUERY_DONE;
        if (!(id[0] == 'a' && id[1] >= '0' && id[1] <= '9'))
                return status;
        if (!*ret_paged)
                out->length = length;
        length = out->length;
        if (*ret_paged)
                text_puts(out, "the action itself is not acknowledged: ");
        status = query_word(conduct, signatures, wall, query, by, out);
        if (*ret_paged && status == QUERY_DONE)
                out->length = length;
        return status;
}
