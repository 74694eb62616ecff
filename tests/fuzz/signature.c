/* Signature files: whatever is in one, it is taken whole or refused with a sentence that names the file,
 * what is taken keeps to its bounds, and nothing leaks. */
#include "coordinator/signature.h"
#include "proto/yaml_config.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
        if (!good)
                abort();
}

static void check_item(const struct signature *s, const struct signature_item *item)
{
        check(item->signal == SIGNAL_NONE || signal_has(s->subject, item->signal));
        check(item->of != REFERENCE_SIGNAL || signal_has(s->subject, item->of_signal));
        check(isfinite(item->by.number) && isfinite(item->value.number) && item->by.number >= 0 && item->value.number >= 0);
        check(item->window >= 0 && item->within >= 0 && item->share > 0 && item->share <= 1 && item->confidence < 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const char file[] = "folder/sample.yaml";
        struct yaml_config_error error = { "" };
        struct signature *s = NULL;
        char *text = malloc(size + 1);

        check(text != NULL);
        memcpy(text, data, size);
        text[size] = '\0';
        if (signature_parse(file, text, size, &s, &error) < 0) {
                check(!s && strncmp(error.text, file, strlen(file)) == 0 && !strchr(error.text, '\n'));
        } else {
                check(strcmp(s->name, "sample") == 0 && s->evidence_count > 0 && s->evidence_count <= SIGNATURE_ITEMS_MAX);
                check(s->against_count <= SIGNATURE_ITEMS_MAX && s->causes_count > 0 && s->causes_count <= CAUSES);
                check(s->groups_count > 0 && s->evidence[s->evidence_count - 1].group == s->groups_count - 1);
                for (size_t i = 0; i < s->evidence_count; i++)
                        check_item(s, &s->evidence[i].item);
                for (size_t i = 0; i < s->against_count; i++)
                        check_item(s, &s->against[i].item);
                for (size_t i = 0; i < s->remedies_count; i++)
                        check_item(s, &s->remedies[i].predicts);
        }
        signature_free(&s);
        free(text);
        return 0;
}
