/* The builds of a summary: said when anything changed, like processes. */
#include "agent/report_build.h"

#include "agent/builds.h"
#include "agent/processes.h"

int report_build_builds(struct report *report, struct summary *summary, bool always)
{
        struct builds *builds;
        int r;

        if (!report->sources.processes)
                return 0;
        builds = processes_builds(report->sources.processes);
        if (!builds)
                return 0;
        r = processes_list_builds(report->sources.processes, &report->builds_hash);
        if (r < 0)
                return r;
        if (!always && report->builds_hash == report->builds_said)
                return 0;
        builds_rows(builds, summary);
        /* None at all is said with the next full report: it makes no deployment. */
        for (size_t i = 0; i < summary->builds_count; i++)
                report_build_refer(report, summary->builds[i].identity);
        return 0;
}
