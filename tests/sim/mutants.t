#!/bin/bash
# Breaks the code on purpose, once for each invariant of the simulation of acting, and sees to it that the
# simulation notices: a check that cannot fail shows nothing.
# timeout: 900
set -u
cd "$(dirname "$0")/../.." || exit 1
O=${O:-build}
[ -z "${FAST:-}" ] || { echo "1..0 # SKIP not with FAST=1"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
number=0

# NAME, the invariant that must be what breaks, then pairs of a file and a change of it (sed). A file outside the
# library of the coordinator (tests/sim, agent) takes the place of the one that was built.
mutant() {
        local name=$1 expected=$2 objects=() parts=() file part out
        shift 2
        number=$((number + 1))
        for part in "$O"/tests/sim/acting_{test,world,hosts,agent,check}.o "$O"/agent/remedy_{core,limits,orders,reconcile}.o; do parts+=("$part"); done
        while [ $# -gt 0 ]; do
                file=$1
                sed -E "$2" "$file" >"$work/mutant.c"
                if cmp -s "$file" "$work/mutant.c"; then
                        echo "not ok $number - $name: nothing was changed in $file"
                        return
                fi
                part="$work/$(basename "$file" .c).o"
                if ! ${CC:-gcc} -I. -I"$O" -D_GNU_SOURCE -O1 -std=gnu11 -w -c -o "$part" "$work/mutant.c"; then
                        echo "not ok $number - $name: it does not compile"
                        return
                fi
                case $file in
                tests/* | agent/*) parts=("${parts[@]/#"$O/${file%.c}.o"/$part}") ;;
                *) objects+=("$part") ;;
                esac
                shift 2
        done
        ${CC:-gcc} -o "$work/mutant" "${parts[@]}" ${objects[@]+"${objects[@]}"} "$O/libcoordinator.a" "$O/libproto.a" \
                -lprotobuf-c -lyaml -lssl -lcrypto -lsqlite3 -lz -ljansson -lmicrohttpd -lm -lpthread 2>"$work/link" ||
                { echo "not ok $number - $name: it does not link"; sed 's/^/# /' "$work/link"; return; }
        out=$(WORLDS_ONLY=1 SEEDS=400 SEED=1 timeout $((60 * ${TEST_PATIENCE:-1})) "$work/mutant" 2>&1)
        rm -f "$work"/*.o
        if grep -qE "^# SEED=[0-9]+ SEEDS=1: $expected: " <<<"$out"; then
                echo "ok $number - $name"
                grep -E '^# SEED=' <<<"$out"
        else
                echo "not ok $number - $name: '$expected' held"
                sed 's/^/# /' <<<"$out" | head -n 5
        fi
}

echo "TAP version 13"
mutant "limits are computed, and passed over" limits coordinator/acting_limits.c 's/return !account\.full;/return true;/'
mutant "a target does not cool down" limits coordinator/acting_limits.c 's/load\.target_at \+ p->cool_down > now/0/'
mutant "no instance has to stay" limits coordinator/acting_limits.c 's/plan->action->unavailable &&/0 \&\&/'
mutant "all targets come in one wave" limits coordinator/plan.c 's/return wave;/return plan->count - from;/'
mutant "a host's processes count as one" limits coordinator/plan.c 's/bool all = .*;/bool all = false;/'
mutant "what is stopped for good counts as back" limits coordinator/acting_limits.c 's/return m->plan\.action->unavailable \&\& m->plan\.action->lapse/return 0 \&\& m->plan.action->lapse/'
mutant "a decision takes effect although its entry was not written" 'intent|replay|epoch|limits|once' coordinator/acting_commit.c \
        's/r = ledger->append\(ledger->data, record\);/(void)ledger->append(ledger->data, record), r = 0;/'
mutant "an order goes out before its intent" intent coordinator/acting_orders.c 's/case TARGET_ORDERED:/case TARGET_WAITS: case TARGET_ORDERED:/;s/return m->state == REMEDY_INTENDED && may_still\(.*$/return m->state == REMEDY_APPROVED || m->state == REMEDY_INTENDED;/'
mutant "old evidence" evidence coordinator/acting_gate.c 's/s->seen_at \+ a->policy\.evidence_max_age < now/0/'
mutant "incomplete windows" evidence coordinator/acting_gate.c 's/!s->complete/0/'
mutant "hosts that are not heard of, and other incarnations" evidence coordinator/plan.c 's/if \(x->fresh\)/if (1)/'
mutant "the host obeys whoever comes" epoch agent/remedy_limits.c 's/if \(q->epoch < core->epoch \|\| remedy_epoch_is_far\(core, q->epoch\)\)/if (0)/'
mutant "the store does not fence" epoch tests/sim/acting_world.c 's/w->lease\.holder != w->deciding \|\| w->lease\.epoch != c->epoch/0/'
mutant "two leaders of one epoch" epoch tests/sim/acting_world.c 's/w->lease\.epoch\+\+;/w->lease.epoch += !w->lease.epoch;/'
mutant "the host does it for each message" 'once|end|limits' agent/remedy_orders.c 's/if \(place >= 0 && begins && r->state != ACTION_CHECKED/if (0 \&\& begins \&\& r->state != ACTION_CHECKED/'
mutant "state that is in no entry" replay coordinator/acting.c 's/m->told = true;/m->told = m->halted = true;/'
mutant "the policy that is configured is passed over" policy coordinator/acting.c \
        's/if \(a->configured \&\& policy_same\(\&a->policy, policy\)\)/if (1)/'
mutant "a pause that stops nothing" pause coordinator/acting_gate.c 's/if \(a->pause\.set\)/if (0)/'
mutant "what a host's file does not allow is planned" permits coordinator/plan.c 's/if \(!permits\(action, x\)\)/if (0)/'
mutant "a rollback by far, where nobody declared barriers" permits coordinator/acting_gate.c 's/if \(plan->barriers_unknown\)/if (0)/'
mutant "acts alone with the authority to propose" authority coordinator/acting_gate.c 's/rung == RUNG_PROPOSE\)/0)/'
mutant "what did not help stays" end coordinator/acting_next.c 's/return disproved\(c, m\);/return false;/'
mutant "an undoing that nobody answered is forgotten" end coordinator/acting_next.c 's/m->state_at \+ c->policy->revert_within < c->now/0/'
echo "1..$number"
