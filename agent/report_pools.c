/* The pools of a summary: said once after each sweep, unless there were none before either. */
#include "agent/report_build.h"

#include "agent/host.h"
#include "agent/pools.h"

void report_build_pools(struct report *report, int64_t now, struct summary *summary, bool always)
{
        const struct summary_pool *rows = NULL;
        size_t count;
        int64_t at;

        if (!report->sources.pools)
                return;
        pools_rows(report->sources.pools, summary->at - now, &rows, &count, &at);
        if (at == 0 || (at == report->pools_said && !always) || (count == 0 && report->pools_said_count == 0 && !always))
                return;
        summary->pools = (struct summary_pool *)rows;
        summary->pools_count = count;
        summary->pools_at = host_wall(summary->at - now, at);
        report->pools_built = at;
}
