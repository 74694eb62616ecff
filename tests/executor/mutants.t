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

# broken INVARIANT SED DESCRIPTION: a promise, and what breaks it in whichever file has it
broken() {
        local invariant=$1 edit=$2 description=$3 output
        cp agent/remedy_*.c "$MUTANT/agent"
        sed -i -e "$edit" "$MUTANT"/agent/remedy_*.c
        if cat agent/remedy_*.c | cmp -s - <(cat "$MUTANT"/agent/remedy_*.c); then
                fail "$description" "the source is not what it was when this break was written"
                return
        fi
        if ! "$CC" -I. -I"$O" -D_GNU_SOURCE -O2 -std=gnu11 -o "$MUTANT/sim" tests/executor/sim_test.c "$MUTANT"/agent/*.c "$O/libproto.a" -lm \
                2>"$MUTANT/log"; then
                fail "$description" "$(head -c 2000 "$MUTANT/log")"
                return
        fi
        output=$(SEEDS=3000 ONLY=$invariant timeout $((60 * ${TEST_PATIENCE:-1})) "$MUTANT/sim")
        if grep -qE "^# seed [0-9]+ at [0-9.]+ s: ($invariant):" <<<"$output"; then
                pass "$description: found, $(sed -n 's/^# \(seed [0-9]*\) at .*/\1/p' <<<"$output" | head -n 1)"
        else
                fail "$description" "expected a break of '$invariant', had:"$'\n'"$output"
        fi
}

broken intent 's/^                remedy_write_down(core, r);\n        }\n}/&/; /^static void prepared/,/^}/s/remedy_write_down(core, r);/remedy_run(core, r, REMEDY_STEP_APPLY);/' \
        "it applies before the intent is written"
broken intent 's/} else if (r->state == ACTION_INTENDED \&\& !ok) {/} else if (false) {/' "it applies although the intent could not be written"
broken once 's/if (place >= 0 \&\& begins \&\& r->state != ACTION_CHECKED .*/if (place >= 0 \&\& begins \&\& r->state != ACTION_REVERTED \&\& r->state != ACTION_CHECKED) {/' \
        "a key can be applied again"
broken lease '/^void remedy_tick/,/^}/s/remedy_start_revert(core, r, ACTION_REASON_LEASE, now);/;/' "a lease lapses and nothing happens"
broken 'end|lease' 's/^                        reconcile(core, r, now);/                        ;/' "what a former life left is not looked after"
broken 'end|restored|life' 's/r->outcome == REMEDY_DONE \&\& //; s/result->outcome == REMEDY_DONE \&\& action_digest_equal(&r->present, &r->former)/result->outcome == REMEDY_DONE/' \
        "a revert that says it is done is believed"
broken extended 's/^                r->extend_wanted = ok \&\& .*/                ;/' "a new lease is not told to what ends by itself"
broken extended 's/^                r->extend_wanted = r->request.extends;/                ;/' "nor by the next life"
broken 'one way' 's/^        if (r->request.one_way) {$/        if (false) {/' "what cannot be undone is reverted"
broken 'dry run' 's/r->request.order == ACTION_ORDER_CHECK/false/' "a dry run goes on"
broken life '/^void remedy_settle/,/^}/s/r->unsaved = true;/remedy_tell(core, r);/' "it tells how it ended before that is on disk"
broken 'stop file|expiry|epoch' 's/reason = remedy_refuses(core, &r->request, (int)remedy_place(core, r), now);/reason = ACTION_REASON_NONE;/' \
        "what changed while it was looked at does not count"
broken allowed 's/if (!q->allowed)/if (false)/' "what is not in the file is done"
broken 'stop file' 's/if (core->stopped)/if (false)/' "the stop file does not count"
broken epoch 's/if (q->epoch < core->epoch || remedy_epoch_is_far(core, q->epoch))/if (false)/' "a lower epoch is heard"
broken epoch 's/if (q->epoch > core->epoch || core->damaged)/if (core->damaged)/' "an epoch is acted on before it is written down"
broken deaf 's/return core->epoch > 0 \&\& epoch > core->epoch.*/return false;/' "the highest epoch there is is heard"
broken temporary 's/lease = MIN(lease, r->request.lease_max - remedy_age(r, now));/;/' "a temporary measure is kept for ever"
broken 'stop file' 's/(!q->allowed || core->stopped || lease <= 0/(!q->allowed || lease <= 0/' "a lease is renewed although the stop file is there"
broken expiry 's/q->expires <= now->wall || //' "an expired order begins"
broken 'one way' 's/if (q->one_way \&\& !q->by_person)/if (false)/' "one-way without a person"
broken concurrent 's/if (live >= core->limits.concurrent)/if (false)/' "more than may run at a time"
broken 'one a service' 's/(same \&\& remedy_is_live(r))/false/' "two at a time on a service"
broken rate 's/if (hour >= core->limits.per_hour)/if (false)/' "more than may begin in an hour"
broken attempts 's/if (day >= core->limits.attempts)/if (false)/' "more than may begin on a service in a day"
broken cooldown 's/return cooling ? ACTION_REASON_COOLING : ACTION_REASON_NONE;/return ACTION_REASON_NONE;/' "no rest for a service"
broken 'cooldown|rate|attempts' 's/: now->boot;/: INT64_MAX;/' \
        "a reboot gives budget back"
broken stuck 's/if (r->state == ACTION_STUCK \&\& r->request.kind == q->kind)/if (false)/' "what is stuck stops nothing"
done_testing
