#include "agent/action.h"

#include "agent/config_services.h"
#include "agent/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

extern const struct action *const action_table[];
extern const size_t action_table_count;

const struct action *action_find(enum action_kind kind)
{
        for (size_t i = 0; i < action_table_count; i++)
                if (action_table[i]->kind == kind)
                        return action_table[i];
        return NULL;
}

const struct service *action_service(const struct service *services, uint64_t digest)
{
        const struct service *found = NULL;

        for (const struct service *s = services; s; s = (const struct service *)(const void *)s->match.next) {
                if (action_text_digest(s->name) != digest)
                        continue;
                if (found)
                        return NULL; /* two names with one digest: neither is meant for sure */
                found = s;
        }
        return found;
}

uint32_t action_permits(const struct service *service, uint32_t allow)
{
        uint32_t permits = 0;

        for (size_t i = 0; i < action_table_count; i++)
                if (allow & 1u << action_table[i]->kind && !action_table[i]->forbids(service))
                        permits |= 1u << action_table[i]->kind;
        return permits;
}

static void say(struct action_call *call, const char *format, va_list arguments)
{
        char text[ACTION_DETAIL_SIZE];

        vsnprintf(text, sizeof(text), format, arguments);
        text_copy(call->detail, sizeof(call->detail), text);
}

void action_unchanged(struct action_call *call, enum action_reason reason, const char *format, ...)
{
        va_list arguments;

        call->result.outcome = REMEDY_UNCHANGED;
        call->result.reason = reason;
        va_start(arguments, format);
        say(call, format, arguments);
        va_end(arguments);
}

void action_failed(struct action_call *call, enum action_reason reason, const char *format, ...)
{
        va_list arguments;

        call->result.outcome = REMEDY_FAILED;
        call->result.reason = reason;
        va_start(arguments, format);
        say(call, format, arguments);
        va_end(arguments);
}

void action_say(struct action_call *call, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        say(call, format, arguments);
        va_end(arguments);
}
