#!/usr/bin/env bash
# timeout: 300
# Real clients at real servers, each recorded by tests/real/record over what stands for an hour, and judged again by
# the library as it is: those that are healthy and look like trouble raise nothing, and those that leak are named,
# with the deployment that brought it and a forecast, long before anything is exhausted.
# shellcheck disable=SC2016,SC2034 # jq's own variables; for the file that is sourced
RIG_NONE=yes
. "$(dirname "$0")/../system/lib.sh"
RECORDED=$(dirname "$0")/recorded
NIGHTSHIFT=$O/nightshift
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
[ -x "$NIGHTSHIFT" ] || bail_out "$NIGHTSHIFT is not built"

replay() { # SCENARIO VERB: into $T/VERB
        "$NIGHTSHIFT" --format json replay "$RECORDED/$1.rec" --verb "$2" >"$T/$2" 2>"$T/errors" || { cat "$T/errors"; return 1; }
}
# At least an hour of it was seen and whole, with the connections of the client that it is about.
seen() { # SCENARIO CLIENT
        replay "$1" status && replay "$1" edges || return 1
        jq -e '.complete and .status.hosts == 2 and .status.lost_events == 0 and .status.uptime_s >= 3600' "$T/status" || return 1
        jq -e --arg client "$2" 'any(.edges[]; .client == $client and .seen_from == "both" and .connections.opened > 0)' "$T/edges"
}
raised() {
        replay "$1" incidents && jq -r '.incidents[] | "\(.signature) \(.service)"' "$T/incidents" | sort
}

healthy=0
while read -r scenario; do
        case $scenario in leak-*) continue ;; rolling) client=rolling@ ;; *) client=$scenario ;; esac
        healthy=$((healthy + 1))
        ok "$scenario: an hour of it is there" seen "$scenario" "$client"
        is "$(raised "$scenario")" "" "$scenario: raises nothing"
done < <("$(dirname "$0")/record" list)
ok "sixteen and more are healthy" test "$healthy" -ge 16
replay unchanged deployments
is "$(jq -r '.deployments[] | "\(.service) \(.from) \(.to)"' "$T/deployments")" "unchanged 2026-11-24-0900 2026-11-25-1740" \
        "the deployment that changes nothing was one"
replay rolling deployments
is "$(jq -c '.deployments' "$T/deployments")" "[]" "and restarts one after the other are none"

# leaks SCENARIO SIGNATURE SERVICE: what was deployed at half of the time is blamed, and the end is foreseen
leaks() {
        local deployment at
        ok "$1: both hours are there" seen "$1" "$3"
        raised "$1" >/dev/null
        replay "$1" deployments
        deployment=$(jq -r '.deployments[0].id' "$T/deployments")
        at=$(jq -r '.deployments[0].at' "$T/deployments")
        jq -c --arg sign "$2" --arg service "$3" 'first(.incidents[] | select(.signature == $sign and .service == $service))' \
                "$T/incidents" >"$T/incident"
        [ -s "$T/incident" ] || echo '{}' >"$T/incident"
        note "$(cat "$T/incident")"
        is "$(jq -r '"\(.signature) \(.service)"' "$T/incident")" "$2 $3" "$1: is named"
        is "$(jq -c '[.incidents[] | select(.signature | IN("bad-deployment", "file-descriptor-leak", $sign) | not)]' --arg sign "$2" "$T/incidents")" \
                "[]" "$1: and by no other than what comes with it"
        is "$(jq -r '.cause | "\(.kind) \(.ref)"' "$T/incident")" "deployment $deployment" "$1: its deployment is blamed"
        ok "$1: since that" jq -e --arg at "$at" 'def s: sub("\\.[0-9]+"; "") | fromdateiso8601;
                (.onset_at | s) >= ($at | s) - 60 and (.onset_at | s) <= ($at | s) + 1200' "$T/incident"
        ok "$1: and what comes of it is foreseen" jq -e '.breach_at | . != null and .earliest < .likely and .likely < .latest' "$T/incident"
}
leaks leak-node connection-pool-leak shop
leaks leak-psycopg connection-pool-leak orders
leaks leak-close-wait close-wait-leak mailer
leaks leak-files file-descriptor-leak thumbs
done_testing
