#include "coordinator/action_names.h"
#include "coordinator/cli/ask.h"
#include "coordinator/cli/run.h"
#include "coordinator/cli/verbs.h"
#include "coordinator/signature.h"
#include "proto/yaml_config.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* One file or folder; *ret_signature is NULL for a folder. */
static int check_one(const char *path, struct signature **ret_signature, struct yaml_config_error *error)
{
        struct signature_set *set;
        struct stat st;
        int r;

        if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
                return signature_load(path, ret_signature, error);
        r = signatures_load(&path, 1, &set, error);
        if (r == 0)
                signatures_free(&set);
        return r;
}

static int check(const char *const *paths, size_t count)
{
        struct signature *signatures[ARRAY_SIZE(((struct invocation *)0)->positional)] = { 0 };
        struct yaml_config_error error;
        size_t wrong = 0;

        for (size_t i = 0; i < count; i++) {
                const char *file = NULL;

                if (check_one(paths[i], &signatures[i], &error) < 0) {
                        printf("%s\n", error.text);
                        wrong++;
                        continue;
                }
                for (size_t j = 0; j < i && signatures[i]; j++)
                        if (signatures[j] && strcmp(signatures[i]->name, signatures[j]->name) == 0)
                                file = signatures[j]->file;
                if (file) {
                        printf("%s:1: signature: '%s' is the name of %s too\n", paths[i], signatures[i]->name, file);
                        wrong++;
                }
        }
        for (size_t i = 0; i < count; i++)
                signature_free(&signatures[i]);
        return wrong ? CLI_FAILED : CLI_DONE;
}

/* For coordinator/manual.sh. */
static int manual(void)
{
        puts(".Sh SHAPES");
        shapes_manual();
        puts(".Sh SUBJECTS AND SIGNALS\nIn parentheses what a value of it is.");
        signals_manual();
        puts(".Sh ACTIONS");
        actions_manual();
        return CLI_DONE;
}

int run_signatures(const struct invocation *invocation)
{
        const char *what = invocation->positional[0];
        int count = invocation->positional_count;

        if (strcmp(what, "list") == 0 && count == 1)
                return run_rows(invocation);
        if (strcmp(what, "check") == 0 && count > 1)
                return check(invocation->positional + 1, (size_t)count - 1);
        if (strcmp(what, "mdoc") == 0 && count == 1)
                return manual();
        cli_complain("signatures: expected list, or check FILE...; see `nightshift signatures --help`");
        return CLI_USAGE;
}
