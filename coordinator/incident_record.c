/* Incidents as records of the store, and back: what was found at night is there in the morning, whoever was
 * restarted in between. */
#include "coordinator/bytes.h"
#include "coordinator/incident.h"
#include "coordinator/records.h"
#include "coordinator/save_internal.h"

#include <math.h>
#include <string.h>

#define LISTED_MAX 64 /* of evidence and causes in a record */

static void write_number(struct writer *w, double value)
{
        write_raw(w, &value, sizeof(value));
}

static void write_text(struct writer *w, const struct text *text)
{
        write_string(w, text ? text->data : "");
}

static void write_service(struct writer *w, const struct service *s)
{
        write_varint(w, s ? 1 + s->external : 0);
        if (s)
                write_string(w, s->name);
}

static void write_subject(struct writer *w, const struct incident_subject *s)
{
        write_text(w, s->host);
        write_text(w, s->build);
        write_varint(w, s->pid);
        write_signed(w, s->started);
        write_signed(w, s->onset);
        write_signed(w, s->fired);
        write_number(w, s->value);
        write_number(w, s->limit);
}

static void write_evidence(struct writer *w, const struct incident_evidence *e)
{
        const struct finding *f = &e->finding;

        write_varint(w, e->against);
        write_varint(w, e->signal);
        write_varint(w, f->verdict);
        write_signed(w, f->from);
        write_signed(w, f->to);
        write_number(w, f->first);
        write_number(w, f->last);
        write_number(w, f->reference);
        write_number(w, f->confidence);
        write_varint(w, e->item.shape);
        write_varint(w, e->item.given);
        write_number(w, e->item.by.number);
        write_number(w, e->item.value.number);
        write_varint(w, e->item.of);
        write_varint(w, e->item.of_signal);
        write_text(w, e->says);
        write_text(w, e->host);
        write_varint(w, e->pid);
}

static void incident_write(struct writer *w, const struct incident *i)
{
        write_varint(w, i->state);
        write_text(w, i->signature);
        write_text(w, i->title);
        write_service(w, i->service);
        write_service(w, i->server);
        write_varint(w, i->port);
        write_varint(w, i->kind);
        write_signed(w, i->onset_at);
        write_signed(w, i->opened_at);
        write_signed(w, i->fired_at);
        write_signed(w, i->resolved_at);
        write_signed(w, i->caused_at);
        write_varint(w, i->rooted);
        write_text(w, i->root_host ? i->root_host->name : NULL);
        write_text(w, i->root_other ? i->root_other->name : NULL);
        write_varint(w, i->has_breach);
        write_signed(w, i->breach.earliest);
        write_signed(w, i->breach.likely);
        write_signed(w, i->breach.latest);
        write_number(w, i->breach.rate_low);
        write_number(w, i->breach.rate);
        write_number(w, i->breach.rate_high);
        write_number(w, i->limit);
        write_varint(w, i->subjects_left_out);
        write_varint(w, i->subjects_count);
        for (uint32_t k = 0; k < i->subjects_count; k++)
                write_subject(w, &i->subjects[k]);
        write_varint(w, MIN(i->evidence_count, (uint32_t)LISTED_MAX));
        for (uint32_t k = 0; k < MIN(i->evidence_count, (uint32_t)LISTED_MAX); k++)
                write_evidence(w, &i->evidence[k]);
        write_varint(w, i->causes_count);
        for (uint32_t k = 0; k < i->causes_count; k++) {
                write_varint(w, i->causes[k].kind);
                write_varint(w, i->causes[k].ruled_out);
                write_varint(w, i->causes[k].deployment);
                write_text(w, i->causes[k].ref);
                write_text(w, i->causes[k].why);
                write_number(w, i->causes[k].confidence);
        }
}

static int put(struct saver *s, const struct incident *i)
{
        uint8_t key[8];

        save_number_key(key, i->id);
        write_varint(&s->w, RECORD_VERSION);
        incident_write(&s->w, i);
        return save_put(s, RECORD_INCIDENT, key, sizeof(key));
}

int incidents_save(struct saver *s)
{
        struct core *core = s->core;
        struct number_list *removed = &core->removed_incidents;
        uint8_t key[8];
        int r = 0;

        for (; r == 0 && removed->handed_out < removed->count; removed->handed_out += r == 0) {
                save_number_key(key, removed->items[removed->handed_out]);
                r = save_remove(s, RECORD_INCIDENT, key, sizeof(key));
        }
        for (uint32_t k = 0; r == 0 && k < core->incidents_count; k++) {
                struct incident *i = core->incidents[k];
                int64_t now = i->fired_at + i->resolved_at + i->caused_at + (int64_t)i->state;

                if (i->saved && i->saved_as == now)
                        continue;
                r = put(s, i);
                if (r == 0) {
                        i->saved = true;
                        i->saved_as = now;
                }
        }
        return r;
}

int incidents_snapshot(struct saver *s)
{
        int r = 0;

        for (uint32_t k = 0; r == 0 && k < s->core->incidents_count; k++)
                r = put(s, s->core->incidents[k]);
        return r;
}

void incidents_save_again(struct core *core)
{
        for (uint32_t k = 0; k < core->incidents_count; k++)
                core->incidents[k]->saved_as = 0;
        core->removed_incidents.handed_out = 0;
}

struct reading {
        struct core *core;
        struct reader *r;
        char *buffer;
        size_t size;
        bool short_of_memory;
};

static double read_number(struct reading *in)
{
        double value = NAN;

        read_raw(in->r, &value, sizeof(value));
        return value;
}

/* One of `count`; what is not is broken. */
static unsigned read_choice(struct reading *in, unsigned count)
{
        uint64_t value = read_varint(in->r);

        if (value < count)
                return (unsigned)value;
        in->r->failed = true;
        return 0;
}

static struct text *read_text(struct reading *in)
{
        const char *string = read_string(in->r, in->buffer, in->size);
        struct text *t = in->r->failed ? NULL : text_get(in->core, string);

        in->short_of_memory = in->short_of_memory || (!t && !in->r->failed);
        return t;
}

static struct service *read_service(struct reading *in)
{
        unsigned kind = read_choice(in, 3);
        const char *name = kind ? read_string(in->r, in->buffer, in->size) : NULL;
        struct service *s = name && !in->r->failed ? service_get(in->core, name, kind == 2) : NULL;

        in->short_of_memory = in->short_of_memory || (kind && !s && !in->r->failed);
        return s;
}

static bool broken(const struct reading *in)
{
        return in->r->failed || in->short_of_memory;
}

static void read_subject(struct reading *in, struct incident_subject *s)
{
        s->host = read_text(in);
        s->build = read_text(in);
        s->pid = (uint32_t)read_varint(in->r);
        s->started = read_signed(in->r);
        s->onset = read_signed(in->r);
        s->fired = read_signed(in->r);
        s->value = read_number(in);
        s->limit = read_number(in);
}

static void read_evidence(struct reading *in, struct incident_evidence *e)
{
        e->against = read_choice(in, 2);
        e->signal = read_choice(in, SIGNALS);
        e->finding.verdict = read_choice(in, VERDICT_YES + 1);
        e->finding.from = read_signed(in->r);
        e->finding.to = read_signed(in->r);
        e->finding.first = read_number(in);
        e->finding.last = read_number(in);
        e->finding.reference = read_number(in);
        e->finding.confidence = read_number(in);
        e->item.signal = e->signal;
        e->item.shape = read_choice(in, SHAPES);
        e->item.given = (uint32_t)read_varint(in->r);
        e->item.by.number = read_number(in);
        e->item.value.number = read_number(in);
        e->item.of = read_choice(in, REFERENCE_FORMER_BUILD + 1);
        e->item.of_signal = read_choice(in, SIGNALS + 1);
        e->says = read_text(in);
        e->host = read_text(in);
        e->pid = (uint32_t)read_varint(in->r);
}

static void read_lists(struct reading *in, struct incident *i)
{
        uint32_t n;

        i->subjects_left_out = (uint32_t)read_varint(in->r);
        n = read_choice(in, INCIDENT_SUBJECTS_MAX + 1);
        while (!broken(in) && i->subjects_count < n)
                read_subject(in, &i->subjects[i->subjects_count++]);
        n = read_choice(in, LISTED_MAX + 1);
        i->evidence = n && !broken(in) ? core_alloc(in->core, n * sizeof(*i->evidence)) : NULL;
        i->evidence_count = i->evidence ? n : 0;
        for (uint32_t k = 0; !broken(in) && k < i->evidence_count; k++)
                read_evidence(in, &i->evidence[k]);
        n = read_choice(in, CAUSES_KEPT + 1);
        i->causes = n && !broken(in) ? core_alloc(in->core, CAUSES_KEPT * sizeof(*i->causes)) : NULL;
        for (; i->causes && !broken(in) && i->causes_count < n; i->causes_count++) {
                struct incident_cause *c = &i->causes[i->causes_count];

                c->kind = read_choice(in, CAUSES);
                c->ruled_out = read_choice(in, 2);
                c->deployment = read_varint(in->r);
                c->ref = read_text(in);
                c->why = read_text(in);
                c->confidence = read_number(in);
        }
}

/* A host that is not known (yet) leaves the incident without its root: then it is kept, and followed no more. */
static struct host *read_host(struct reading *in, struct incident *i)
{
        const char *name = read_string(in->r, in->buffer, in->size);
        struct host *h = in->r->failed || !name[0] ? NULL : host_find(in->core, name);

        i->rooted = i->rooted && (h || in->r->failed || !name[0]);
        return h;
}

static void read_incident(struct reading *in, struct incident *i)
{
        i->state = read_choice(in, INCIDENT_HANDED_OVER + 1);
        i->signature = read_text(in);
        i->title = read_text(in);
        i->service = read_service(in);
        i->server = read_service(in);
        i->port = (uint16_t)read_varint(in->r);
        i->kind = read_choice(in, SUBJECTS);
        i->onset_at = read_signed(in->r);
        i->opened_at = read_signed(in->r);
        i->fired_at = read_signed(in->r);
        i->resolved_at = read_signed(in->r);
        i->caused_at = read_signed(in->r);
        i->rooted = read_choice(in, 2);
        i->root_host = read_host(in, i);
        i->root_other = read_host(in, i);
        i->has_breach = read_choice(in, 2);
        i->breach.earliest = read_signed(in->r);
        i->breach.likely = read_signed(in->r);
        i->breach.latest = read_signed(in->r);
        i->breach.rate_low = read_number(in);
        i->breach.rate = read_number(in);
        i->breach.rate_high = read_number(in);
        i->limit = read_number(in);
        read_lists(in, i);
        in->r->failed = in->r->failed || !i->service;
}

int incident_load(struct core *core, uint64_t id, struct reader *r, char *buffer, size_t size)
{
        struct reading in = { core, r, buffer, size, false };
        struct incident *i = core_alloc(core, sizeof(*i));
        uint32_t place = core->incidents_count;

        if (!i)
                return -ENOMEM;
        i->id = id;
        i->saved = true;
        i->subjects = core_alloc(core, INCIDENT_SUBJECTS_MAX * sizeof(*i->subjects));
        if (i->subjects)
                read_incident(&in, i);
        else
                in.short_of_memory = true;
        while (place > 0 && core->incidents[place - 1]->id > id)
                place--;
        if ((place > 0 && core->incidents[place - 1]->id == id) || core->incidents_count >= INCIDENTS_MAX)
                r->failed = true;
        if (!broken(&in) && core_reserve(core, (void **)&core->incidents, core->incidents_count, &core->incidents_capacity,
                                         sizeof(*core->incidents)) < 0)
                in.short_of_memory = true;
        if (broken(&in)) {
                i->saved = false;
                incident_drop(core, i);
                return in.short_of_memory ? -ENOMEM : -EBADMSG;
        }
        memmove(core->incidents + place + 1, core->incidents + place, (core->incidents_count - place) * sizeof(*core->incidents));
        core->incidents[place] = i;
        core->incidents_count++;
        core->next_incident = MAX(core->next_incident, id);
        return 0;
}
