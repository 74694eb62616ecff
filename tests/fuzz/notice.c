/* Notices and tickets: whatever a workload calls itself, Markdown shows it on one line and does nothing else with it, and a
 * filled template is JSON; whatever a template is, it is filled in or refused. And the policy's keys: what is taken keeps to
 * its ranges, and comes back from the audit log as it was. The input is a line, and what comes after it. */
#include "coordinator/markdown.h"
#include "coordinator/notice_template.h"
#include "coordinator/policy_keys.h"
#include "coordinator/render.h"
#include "coordinator/utf8.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
        if (!good)
                abort();
}

static void check_markdown(const char *name)
{
        struct text out = { 0 };
        bool escaped = false;

        markdown_text(&out, name);
        for (size_t i = 0; i < out.length;) {
                size_t n = utf8_length(out.data + i);

                check(n > 0 && !utf8_is_control(out.data + i));
                if (escaped)
                        escaped = false;
                else if (out.data[i] == '\\')
                        escaped = true;
                else
                        check(!strchr("`*_[]<>&|~!#$@^{}", out.data[i]));
                check(i > 0 || !strchr(" -+=", out.data[i]));
                i += n;
        }
        check(!escaped);
        text_free(&out);
}

static void check_template(const char *text, const char *name)
{
        json_t *template = json_loads(text, JSON_DECODE_ANY, NULL), *filled, *again;
        json_t *value = json_stringn(name, strlen(name));
        json_t *notice = value ? json_pack("{s:O,s:{s:O},s:i}", "id", value, "explain", "cause", value, "n", 3) : NULL;
        char *written;

        filled = template && notice ? notice_template_fill(template, notice) : NULL;
        written = filled ? json_dumps(filled, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
        again = written ? json_loads(written, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL) : NULL;
        check(!filled || (again && json_equal(filled, again)));
        free(written);
        json_decref(again);
        json_decref(filled);
        json_decref(notice);
        json_decref(value);
        json_decref(template);
}

static void check_policy(const char *text, size_t size)
{
        struct yaml_config_error error = { "" };
        struct policy policy, again;
        const char *key;
        json_t *json;

        policy_defaults(&policy);
        if (yaml_config_parse("file", text, size, policy_keys, policy_keys_count, &policy, &error) < 0) {
                check(strncmp(error.text, "file", 4) == 0 && !strchr(error.text, '\n'));
                return;
        }
        check(policy.ramp_first >= 1 && policy.ramp_first <= 64 && policy.share_percent >= 1 && policy.share_percent <= 100);
        check(policy.fleet_hourly <= 10000 && policy.cool_down >= 60 * NSEC_PER_SEC && policy.sick_share <= .9);
        for (size_t i = 0; i < ARRAY_SIZE(policy.trials); i++)
                check(policy.trials[i].alpha > 0 && policy.trials[i].alpha + policy.trials[i].beta < 1);
        (void)policy_expected(&policy, &key);
        json = policy_to_json(&policy);
        check(json && policy_from_json(json, &again) == 0 && policy_same(&policy, &again));
        json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *text = malloc(size + 1), *name;

        check(text != NULL);
        memcpy(text, data, size);
        text[size] = '\0';
        check_policy(text, size);
        name = strchr(text, '\n');
        if (name) {
                *name++ = '\0';
                check_markdown(name);
                check_template(text, name);
        }
        free(text);
        return 0;
}
