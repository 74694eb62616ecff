/* Makes in DIR what the tests of the link need, by the library that `nightshift ca` uses:
 *   DIR/ca.crt, coordinator.crt (localhost, 127.0.0.1, ::1, and further NAMEs), web1.crt, web2.crt,
 *   expired.crt, early.crt, DIR/foreign/{ca,web1}.crt, DIR/mismatch/coordinator.crt (another name).
 *   certificates DIR [NAME]... */
#include "coordinator/ca.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void make(const char *directory, const char *out, const char *file, const struct ca_request *request)
{
        char why[512];

        if (ca_issue(directory, out, file, request, why, sizeof(why)) < 0) {
                fprintf(stderr, "%s\n", why);
                exit(1);
        }
}

int main(int argc, char **argv)
{
        const char *names[16] = { "localhost", "127.0.0.1", "::1" }, *elsewhere[] = { "elsewhere.example" };
        const char *web1[] = { "web1" }, *web2[] = { "web2" }, *expired[] = { "expired" }, *early[] = { "early" };
        char foreign[512], mismatch[512], why[512];
        size_t count = 3;

        if (argc < 2)
                return 2;
        for (int i = 2; i < argc && count < ARRAY_SIZE(names); i++)
                names[count++] = argv[i];
        snprintf(foreign, sizeof(foreign), "%s/foreign", argv[1]);
        snprintf(mismatch, sizeof(mismatch), "%s/mismatch", argv[1]);
        if (ca_create(argv[1], why, sizeof(why)) < 0 || ca_create(foreign, why, sizeof(why)) < 0) {
                fprintf(stderr, "%s\n", why);
                return 1;
        }
        make(argv[1], argv[1], "coordinator", &(struct ca_request){ .names = names, .names_count = count, .coordinator = true });
        make(argv[1], mismatch, "coordinator", &(struct ca_request){ .names = elsewhere, .names_count = 1, .coordinator = true });
        make(argv[1], argv[1], "web1", &(struct ca_request){ .names = web1, .names_count = 1 });
        make(argv[1], argv[1], "web2", &(struct ca_request){ .names = web2, .names_count = 1 });
        make(argv[1], argv[1], "expired",
             &(struct ca_request){
                     .names = expired, .names_count = 1, .not_before = time(NULL) - 7200, .not_after = time(NULL) - 3600 });
        make(argv[1], argv[1], "early",
             &(struct ca_request){
                     .names = early, .names_count = 1, .not_before = time(NULL) + 3600, .not_after = time(NULL) + 7200 });
        make(foreign, foreign, "web1", &(struct ca_request){ .names = web1, .names_count = 1 });
        make(foreign, foreign, "coordinator", &(struct ca_request){ .names = names, .names_count = count, .coordinator = true });
        return 0;
}
