/* The authority: what it makes is accepted by OpenSSL for its purpose and no other; nothing is
 * overwritten, and what fails leaves nothing behind. */
#include "coordinator/ca.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[64], why[512];

static const char *in(const char *name)
{
        static char path[2][128];
        static int turn;

        turn ^= 1;
        snprintf(path[turn], sizeof(path[turn]), "%s/%s", directory, name);
        return path[turn];
}

static X509 *read_certificate(const char *name)
{
        FILE *file = fopen(in(name), "re");
        X509 *certificate;

        assert_non_null(file);
        certificate = PEM_read_X509(file, NULL, NULL, NULL);
        fclose(file);
        assert_non_null(certificate);
        return certificate;
}

static int set_up(void **state)
{
        (void)state;
        strcpy(directory, "/tmp/nightshift-ca.XXXXXX");
        if (!mkdtemp(directory))
                return -1;
        return ca_create(directory, why, sizeof(why));
}

static int tear_down(void **state)
{
        char command[128];

        (void)state;
        snprintf(command, sizeof(command), "rm -rf %s", directory);
        return system(command);
}

static int verify(const char *name, int purpose)
{
        X509 *authority = read_certificate("ca.crt"), *certificate = read_certificate(name);
        X509_STORE *store = X509_STORE_new();
        X509_STORE_CTX *context = X509_STORE_CTX_new();
        int r;

        assert_int_equal(X509_STORE_add_cert(store, authority), 1);
        assert_int_equal(X509_STORE_CTX_init(context, store, certificate, NULL), 1);
        X509_STORE_CTX_set_purpose(context, purpose);
        r = X509_verify_cert(context) == 1 ? 0 : X509_STORE_CTX_get_error(context);
        X509_STORE_CTX_free(context);
        X509_STORE_free(store);
        X509_free(authority);
        X509_free(certificate);
        return r;
}

static void purposes(void **state)
{
        static const char *const host[] = { "web1" }, *const coordinator[] = { "hub", "hub.example", "10.0.0.1", "::1" };
        struct ca_request agent = { .names = host, .names_count = 1 };
        struct ca_request hub = { .names = coordinator, .names_count = 4, .coordinator = true };
        X509 *certificate;
        struct stat st;

        (void)state;
        assert_int_equal(ca_issue(directory, directory, "web1", &agent, why, sizeof(why)), 0);
        assert_int_equal(ca_issue(directory, directory, "hub", &hub, why, sizeof(why)), 0);
        assert_int_equal(verify("web1.crt", X509_PURPOSE_SSL_CLIENT), 0);
        assert_int_equal(verify("web1.crt", X509_PURPOSE_SSL_SERVER), X509_V_ERR_INVALID_PURPOSE);
        assert_int_equal(verify("hub.crt", X509_PURPOSE_SSL_SERVER), 0);
        assert_int_equal(verify("hub.crt", X509_PURPOSE_SSL_CLIENT), X509_V_ERR_INVALID_PURPOSE);
        certificate = read_certificate("hub.crt");
        assert_int_equal(X509_check_host(certificate, "hub.example", 0, 0, NULL), 1);
        assert_int_equal(X509_check_host(certificate, "other", 0, 0, NULL), 0);
        assert_int_equal(X509_check_ip_asc(certificate, "10.0.0.1", 0), 1);
        assert_int_equal(X509_check_ip_asc(certificate, "::1", 0), 1);
        X509_free(certificate);
        assert_int_equal(stat(in("web1.key"), &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        assert_int_equal(stat(in("ca.key"), &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
}

static void not_overwritten(void **state)
{
        static const char *const host[] = { "web1" };
        struct ca_request agent = { .names = host, .names_count = 1 };

        (void)state;
        assert_int_equal(ca_create(directory, why, sizeof(why)), -EEXIST);
        assert_non_null(strstr(why, "ca.crt"));
        assert_int_equal(ca_issue(directory, directory, "web1", &agent, why, sizeof(why)), 0);
        assert_int_equal(ca_issue(directory, directory, "web1", &agent, why, sizeof(why)), -EEXIST);
        /* A certificate in the way of a missing key: neither is touched, no key is left. */
        assert_int_equal(unlink(in("web1.key")), 0);
        assert_int_equal(ca_issue(directory, directory, "web1", &agent, why, sizeof(why)), -EEXIST);
        assert_int_equal(access(in("web1.key"), F_OK), -1);
}

static void names_refused(void **state)
{
        static const char *const bad[] = { "",
                                           "a/b",
                                           "../x",
                                           ".hidden",
                                           "-x",
                                           "a b",
                                           "a\nb",
                                           "ca",
                                           "h\xc3\xb6st",
                                           "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                struct ca_request request = { .names = &bad[i], .names_count = 1 };
                why[0] = '\0';
                assert_int_equal(ca_issue(directory, directory, bad[i], &request, why, sizeof(why)), -EINVAL);
                assert_true(why[0]);
        }
}

static void no_authority(void **state)
{
        static const char *const host[] = { "web1" };
        struct ca_request agent = { .names = host, .names_count = 1 };

        (void)state;
        assert_int_equal(ca_issue("/nonexistent", directory, "web1", &agent, why, sizeof(why)), -ENOENT);
        assert_non_null(strstr(why, "nightshift ca init"));
        /* The key of another authority. */
        assert_int_equal(unlink(in("ca.key")), 0);
        assert_int_equal(rename(in("ca.crt"), in("old.crt")), 0);
        assert_int_equal(ca_create(directory, why, sizeof(why)), 0);
        assert_int_equal(rename(in("old.crt"), in("ca.crt")), 0);
        assert_int_equal(ca_issue(directory, directory, "web1", &agent, why, sizeof(why)), -EINVAL);
        assert_int_equal(access(in("web1.key"), F_OK), -1);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(purposes, set_up, tear_down),
                cmocka_unit_test_setup_teardown(not_overwritten, set_up, tear_down),
                cmocka_unit_test_setup_teardown(names_refused, set_up, tear_down),
                cmocka_unit_test_setup_teardown(no_authority, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
