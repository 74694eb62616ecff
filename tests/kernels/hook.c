/* hook ANSWER [HOOK]: "STATE DETAIL" of one hook of the first host in an answer to `hosts`, or all of
 * them with their names. Test machines have neither jq nor Python. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
        json_t *answer = argc > 1 ? json_load_file(argv[1], 0, NULL) : NULL, *hook;
        json_t *hooks = json_object_get(json_array_get(json_object_get(answer, "hosts"), 0), "hooks");
        size_t i;

        json_array_foreach(hooks, i, hook)
        {
                const char *name = json_string_value(json_object_get(hook, "name"));
                const char *state = json_string_value(json_object_get(hook, "state"));
                const char *detail = json_string_value(json_object_get(hook, "detail"));

                if (argc > 2 && strcmp(name, argv[2]) == 0)
                        return printf("%s %s\n", state, detail ? detail : ""), 0;
                if (argc <= 2)
                        printf("%s: %s, %s\n", name, state, detail ? detail : "");
        }
        return argc > 2 ? printf("absent\n"), 1 : 0;
}
