#include "coordinator/audit_incidents.h"
#include "coordinator/audit_chain.h"
#include "coordinator/graph.h"
#include "coordinator/incident.h"
#include "proto/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An incident of which more entries than this were written since is written once more. */
#define LOOK_BACK 50000
#define KNOWN_MAX (4 * INCIDENTS_MAX)
#define CAUSE_SIZE 200

struct known {
        uint64_t id;
        int64_t opened_at; /* in milliseconds: a number may come again when the history was lost */
        enum incident_state state;
        char cause[CAUSE_SIZE]; /* the likeliest that was written: "KIND REF"; "" before any was */
};

struct audit_incidents {
        struct known *known; /* in the order in which they came */
        size_t count;
};

static struct known *find(struct audit_incidents *all, uint64_t id, int64_t opened_at)
{
        for (size_t i = all->count; i-- > 0;)
                if (all->known[i].id == id && all->known[i].opened_at == opened_at)
                        return &all->known[i];
        return NULL;
}

/* Forgets the oldest when there are enough: those that the core has are the newest. */
static struct known *add(struct audit_incidents *all, uint64_t id, int64_t opened_at)
{
        if (all->count == KNOWN_MAX)
                memmove(all->known, all->known + 1, --all->count * sizeof(*all->known));
        all->known[all->count] = (struct known){ .id = id, .opened_at = opened_at, .state = INCIDENT_OPEN };
        return &all->known[all->count++];
}

static void cause_text(const char *kind, const char *ref, char ret_text[CAUSE_SIZE])
{
        snprintf(ret_text, CAUSE_SIZE, "%.40s %.140s", kind, ref);
}

static int see_entry(void *data, const struct audit_entry *entry)
{
        struct audit_incidents *all = data;
        json_t *predicate = (json_t *)entry->predicate; /* which jansson's getters do not change */
        json_t *opened = json_object_get(predicate, "opened_ms"), *cause;
        const char *state = json_string_value(json_object_get(predicate, "state"));
        uint64_t id = entry->incident && entry->incident[0] == 'i' ? strtoull(entry->incident + 1, NULL, 10) : 0;
        struct known *k;

        if (id == 0 || !opened || (entry->kind != AUDIT_EVIDENCE && entry->kind != AUDIT_DIAGNOSIS))
                return 0;
        k = find(all, id, json_integer_value(opened));
        if (!k)
                k = add(all, id, json_integer_value(opened));
        if (entry->kind == AUDIT_EVIDENCE && state)
                k->state = strcmp(state, "resolved") == 0      ? INCIDENT_RESOLVED
                           : strcmp(state, "mitigating") == 0  ? INCIDENT_MITIGATING
                           : strcmp(state, "handed_over") == 0 ? INCIDENT_HANDED_OVER
                                                               : INCIDENT_OPEN;
        cause = json_object_get(predicate, "cause");
        if (entry->kind == AUDIT_DIAGNOSIS)
                cause_text(cause ? json_string_value(json_object_get(cause, "kind")) ?: "" : "none",
                           cause ? json_string_value(json_object_get(cause, "ref")) ?: "" : "", k->cause);
        return 0;
}

int audit_incidents_new(struct audit *audit, struct audit_incidents **ret_incidents)
{
        struct audit_incidents *all = calloc(1, sizeof(*all));
        uint64_t size = audit_size(audit);
        int r = -ENOMEM;

        if (all)
                all->known = calloc(KNOWN_MAX, sizeof(*all->known));
        if (all && all->known)
                r = audit_visit(audit, size > LOOK_BACK ? size - LOOK_BACK : 0, size, see_entry, all);
        if (r < 0) {
                audit_incidents_free(&all);
                return r;
        }
        *ret_incidents = all;
        return 0;
}

void audit_incidents_free(struct audit_incidents **incidents)
{
        if (*incidents)
                free((*incidents)->known);
        free(*incidents);
        *incidents = NULL;
}

static int chain_of(struct core *core, int64_t now, const char *id, json_t **ret_chain)
{
        CLEANUP_FREE char *text = NULL;
        json_t *root;
        int r = audit_chain(core, now, id, &text);

        if (r < 0)
                return r;
        root = json_loads(text, 0, NULL);
        *ret_chain = json_incref(json_object_get(root, "explain"));
        json_decref(root);
        return *ret_chain ? 0 : -ENOMEM;
}

static const char *event_name(const struct incident *i, const struct known *before)
{
        if (!before)
                return "opened";
        if (i->state == INCIDENT_RESOLVED)
                return "resolved";
        if (i->state == INCIDENT_OPEN)
                return "reopened";
        return i->state == INCIDENT_MITIGATING ? "mitigating" : "handed_over";
}

/* The evidence itself is beside it; so are the causes in an entry of their own. */
static json_t *evidence_of(json_t *chain, const char *event, int64_t opened_ms)
{
        static const char *const elsewhere[] = { "subjects", "evidence", "against", "cause", "causes", "ruled_out" };
        json_t *data = json_copy(chain);

        for (size_t i = 0; data && i < ARRAY_SIZE(elsewhere); i++)
                json_object_del(data, elsewhere[i]);
        if (data && (json_object_set_new(data, "event", json_string(event)) < 0 ||
                     json_object_set_new(data, "opened_ms", json_integer(opened_ms)) < 0)) {
                json_decref(data);
                return NULL;
        }
        return data;
}

static json_t *diagnosis_of(json_t *chain, int64_t opened_ms)
{
        json_t *cause = json_object_get(chain, "cause");

        return json_pack("{s:O*,s:O*,s:O*,s:O*,s:O*,s:I}", "signature", json_object_get(chain, "signature"), "service",
                         json_object_get(chain, "service"), "cause", json_is_object(cause) ? cause : NULL, "causes",
                         json_object_get(chain, "causes"), "ruled_out", json_object_get(chain, "ruled_out"), "opened_ms",
                         (json_int_t)opened_ms);
}

/* What is to be written of `i`, by the last that was. */
static bool is_due(const struct incident *i, const struct known *k, bool *ret_evidence, bool *ret_diagnosis,
                   char ret_cause[CAUSE_SIZE])
{
        bool named = i->causes_count && !i->causes[0].ruled_out;

        cause_text(named ? cause_name(i->causes[0].kind) : "none", named && i->causes[0].ref ? i->causes[0].ref->data : "",
                   ret_cause);
        *ret_evidence = !k || k->state != i->state;
        *ret_diagnosis = (i->caused_at || i->rooted) && (!k || strcmp(k->cause, ret_cause) != 0);
        return *ret_evidence || *ret_diagnosis;
}

static int write_one(struct audit_incidents *all, struct audit *audit, struct core *core, const struct incident *i, int64_t now)
{
        int64_t opened_ms = i->opened_at / NSEC_PER_MSEC;
        struct known *k = find(all, i->id, opened_ms);
        struct audit_record records[2];
        json_t *chain = NULL, *evidence = NULL, *diagnosis = NULL;
        CLEANUP_FREE char *text = NULL;
        bool has_evidence, has_diagnosis;
        char id[24], cause[CAUSE_SIZE];
        size_t count = 0;
        uint64_t index;
        int r;

        if (!is_due(i, k, &has_evidence, &has_diagnosis, cause))
                return 0;
        snprintf(id, sizeof(id), "i%" PRIu64, i->id);
        r = chain_of(core, now, id, &chain);
        if (r < 0)
                return r;
        text = json_dumps(chain, JSON_COMPACT | JSON_SORT_KEYS);
        evidence = has_evidence ? evidence_of(chain, event_name(i, k), opened_ms) : NULL;
        diagnosis = has_diagnosis ? diagnosis_of(chain, opened_ms) : NULL;
        if (text && has_evidence == !!evidence && has_diagnosis == !!diagnosis) {
                struct audit_record record = { .at = now, .incident = id, .evidence = text, .evidence_size = strlen(text) };

                if (evidence) {
                        record.kind = AUDIT_EVIDENCE;
                        record.predicate = evidence;
                        records[count++] = record;
                }
                if (diagnosis) {
                        record.kind = AUDIT_DIAGNOSIS;
                        record.predicate = diagnosis;
                        records[count++] = record;
                }
                r = audit_append_all(audit, records, count, &index);
        } else {
                r = -ENOMEM;
        }
        json_decref(chain);
        json_decref(evidence);
        json_decref(diagnosis);
        if (r == -E2BIG || r == -EINVAL)
                log_error("audit", "incident %s cannot be written into the audit log: %s", id, strerror(-r));
        else if (r < 0)
                return r;
        if (!k)
                k = add(all, i->id, opened_ms);
        k->state = i->state;
        if (has_diagnosis)
                memcpy(k->cause, cause, sizeof(k->cause));
        return 0;
}

int audit_incidents_step(struct audit_incidents *incidents, struct audit *audit, struct core *core, int64_t now)
{
        const struct incident *i;
        int r = 0;

        for (uint32_t k = 0; r == 0 && (i = incident_get(core, k)); k++)
                r = write_one(incidents, audit, core, i, now);
        return r;
}
