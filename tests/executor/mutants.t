#!/usr/bin/env bash
# What the simulation's checks are worth: the executor's deciding half is broken on purpose, once for each promise, and
# the simulation must say so, by that promise's name. A break that does not change the source any more is a failure.
# timeout: 600
. tests/system/tap.sh
skip_if_fast
O=${O:-build}
CC=${CC:-gcc}
MUTANT=$TMPDIR/mutant
mkdir -p "$MUTANT/agent"

# mutant INVARIANT FILE SED DESCRIPTION
mutant() {
        local invariant=$1 file=$2 edit=$3 description=$4 output
        cp agent/remedy_core.c agent/remedy_limits.c "$MUTANT/agent"
        sed -i -e "$edit" "$MUTANT/agent/$file"
        if cmp -s "agent/$file" "$MUTANT/agent/$file"; then
                fail "$description" "the source is not what it was when this break was written"
                return
        fi
        if ! "$CC" -I. -I"$O" -D_GNU_SOURCE -O2 -std=gnu11 -o "$MUTANT/sim" tests/executor/sim_test.c "$MUTANT"/agent/*.c "$O/libproto.a" -lm \
                2>"$MUTANT/log"; then
                fail "$description" "$(head -c 2000 "$MUTANT/log")"
                return
        fi
        output=$(SEEDS=3000 ONLY=$invariant timeout 60 "$MUTANT/sim")
        if grep -qE "^# seed [0-9]+ at [0-9.]+ s: ($invariant):" <<<"$output"; then
                pass "$description: found, $(sed -n 's/^# \(seed [0-9]*\) at .*/\1/p' <<<"$output" | head -n 1)"
        else
                fail "$description" "expected a break of '$invariant', had:"$'\n'"$output"
        fi
}

core() { mutant "$1" remedy_core.c "$2" "$3"; }
limits() { mutant "$1" remedy_limits.c "$2" "$3"; }

core intent 's/^                write_down(core, r);\n        }\n}/&/; /^static void prepared/,/^}/s/write_down(core, r);/run(core, r, REMEDY_STEP_APPLY);/' \
        "it applies before the intent is written"
core intent 's/} else if (r->state == ACTION_INTENDED \&\& !ok) {/} else if (false) {/' "it applies although the intent could not be written"
core once 's/if (r \&\& begins \&\& r->state != ACTION_CHECKED .*/if (r \&\& begins \&\& r->state != ACTION_REVERTED \&\& r->state != ACTION_CHECKED) {/' \
        "a key can be applied again"
core lease '/^void remedy_tick/,/^}/s/start_revert(core, r, ACTION_REASON_LEASE, now);/;/' "a lease lapses and nothing happens"
core 'end|lease' 's/^                        reconcile(core, r, now);/                        ;/' "what a former life left is not looked after"
core 'end|restored|life' 's/r->outcome == REMEDY_DONE \&\& //; s/result->outcome == REMEDY_DONE \&\& action_digest_equal(&r->present, &r->former)/result->outcome == REMEDY_DONE/' \
        "a revert that says it is done is believed"
core extended 's/^                r->extend_wanted = ok \&\& .*/                ;/' "a new lease is not told to what ends by itself"
core extended 's/^                r->extend_wanted = r->request.extends;/                ;/' "nor by the next life"
core 'one way' 's/^        if (r->request.one_way) {$/        if (false) {/' "what cannot be undone is reverted"
core 'dry run' 's/r->request.order == ACTION_ORDER_CHECK/false/' "a dry run goes on"
core life '/^static void settle/,/^}/s/r->unsaved = true;/tell(core, r);/' "it tells how it ended before that is on disk"
core 'stop file|expiry|epoch' 's/reason = remedy_refuses(core, &r->request, (int)place(core, r), now);/reason = ACTION_REASON_NONE;/' \
        "what changed while it was looked at does not count"
limits allowed 's/if (!q->allowed)/if (false)/' "what is not in the file is done"
limits 'stop file' 's/if (core->stopped)/if (false)/' "the stop file does not count"
limits epoch 's/if (q->epoch < core->epoch)/if (false)/' "a lower epoch is heard"
limits epoch 's/if (q->epoch > core->epoch || core->damaged)/if (core->damaged)/' "an epoch is acted on before it is written down"
limits expiry 's/q->expires <= now->wall || //' "an expired order begins"
limits 'one way' 's/if (q->one_way \&\& !q->by_person)/if (false)/' "one-way without a person"
limits concurrent 's/if (live >= core->limits.concurrent)/if (false)/' "more than may run at a time"
limits 'one a service' 's/(same \&\& remedy_is_live(r))/false/' "two at a time on a service"
limits rate 's/if (hour >= core->limits.per_hour)/if (false)/' "more than may begin in an hour"
limits attempts 's/if (day >= core->limits.attempts)/if (false)/' "more than may begin on a service in a day"
limits cooldown 's/return cooling ? ACTION_REASON_COOLING : ACTION_REASON_NONE;/return ACTION_REASON_NONE;/' "no rest for a service"
limits 'cooldown|rate|attempts' 's/: now->boot;/: INT64_MAX;/' \
        "a reboot gives budget back"
limits stuck 's/if (r->state == ACTION_STUCK \&\& r->request.kind == q->kind)/if (false)/' "what is stuck stops nothing"
done_testing
