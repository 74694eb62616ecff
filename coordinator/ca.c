#include "coordinator/ca.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CURVE "P-256"
#define NAMES_MAX 64
#define HOST_MAX 64 /* of a common name; names beyond the first may be longer */

static int fail(int r, char *why, size_t size, const char *path, const char *sentence)
{
        snprintf(why, size, "%s: %s", path, sentence);
        return r;
}

static int path_of(const char *directory, const char *name, const char *suffix, char ret_path[PATH_MAX])
{
        int n = snprintf(ret_path, PATH_MAX, "%s/%s%s", directory, name, suffix);

        return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

static bool is_address(const char *name)
{
        struct in6_addr ignored;

        return inet_pton(AF_INET, name, &ignored) == 1 || inet_pton(AF_INET6, name, &ignored) == 1;
}

static bool is_host(const char *name)
{
        static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
        size_t length = strlen(name);

        return length > 0 && length <= 253 && strspn(name, allowed) == length && name[0] != '.' && name[0] != '-';
}

/* Creates all of `path`; its last part is for its owner to write. */
static int make_directory(const char *path)
{
        char copy[PATH_MAX];

        if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy))
                return -ENAMETOOLONG;
        for (char *c = copy + 1; *c; c++) {
                if (*c != '/')
                        continue;
                *c = '\0';
                if (mkdir(copy, 0755) < 0 && errno != EEXIST)
                        return -errno;
                *c = '/';
        }
        return mkdir(copy, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

/* Writes one PEM file that was not there. */
static int write_file(const char *path, mode_t mode, X509 *certificate, EVP_PKEY *key)
{
        CLEANUP_FD int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
        FILE *file;
        bool ok;

        if (fd < 0)
                return -errno;
        file = fdopen(dup(fd), "w");
        if (!file)
                return -errno;
        ok = certificate ? PEM_write_X509(file, certificate) : PEM_write_PKCS8PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
        ok = fflush(file) == 0 && fchmod(fd, mode) == 0 && fsync(fd) == 0 && ok;
        fclose(file);
        if (!ok)
                unlink(path);
        return ok ? 0 : -EIO;
}

/* Writes certificate and key, or neither. */
static int write_pair(const char *directory, const char *name, X509 *certificate, EVP_PKEY *key, char *why, size_t why_size)
{
        char key_path[PATH_MAX], certificate_path[PATH_MAX];
        int r = make_directory(directory);

        if (r < 0)
                return fail(r, why, why_size, directory, strerror(-r));
        r = path_of(directory, name, ".key", key_path);
        if (r == 0)
                r = path_of(directory, name, ".crt", certificate_path);
        if (r < 0)
                return fail(r, why, why_size, directory, strerror(-r));
        if (access(certificate_path, F_OK) == 0)
                return fail(-EEXIST, why, why_size, certificate_path, "exists already and is not overwritten");
        r = write_file(key_path, 0600, NULL, key);
        if (r < 0)
                return fail(r, why, why_size, key_path, r == -EEXIST ? "exists already and is not overwritten" : strerror(-r));
        r = write_file(certificate_path, 0644, certificate, NULL);
        if (r < 0) {
                unlink(key_path);
                return fail(r, why, why_size, certificate_path, strerror(-r));
        }
        return 0;
}

static bool add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
        X509_EXTENSION *extension;
        X509V3_CTX context;
        bool ok;

        X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
        extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
        ok = extension && X509_add_ext(certificate, extension, -1) == 1;
        X509_EXTENSION_free(extension);
        return ok;
}

static bool add_names(X509 *certificate, const struct ca_request *request)
{
        GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
        bool ok = names;

        for (size_t i = 0; ok && i < request->names_count; i++) {
                bool address = is_address(request->names[i]);
                GENERAL_NAME *name = a2i_GENERAL_NAME(NULL, NULL, NULL, address ? GEN_IPADD : GEN_DNS, request->names[i], 0);

                ok = name && sk_GENERAL_NAME_push(names, name) > 0;
                if (!ok)
                        GENERAL_NAME_free(name);
        }
        ok = ok && X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1;
        GENERAL_NAMES_free(names);
        return ok;
}

static bool set_serial(X509 *certificate)
{
        uint8_t bytes[16];
        BIGNUM *number;
        bool ok;

        if (RAND_bytes(bytes, sizeof(bytes)) != 1)
                return false;
        bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40); /* positive, and never of fewer bytes */
        number = BN_bin2bn(bytes, sizeof(bytes), NULL);
        ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
        BN_free(number);
        return ok;
}

/* Signed by `issuer`, or by itself as an authority when that is NULL. NULL when it fails. */
static X509 *make_certificate(EVP_PKEY *key, const char *common_name, const struct ca_request *request, X509 *issuer,
                              EVP_PKEY *issuer_key)
{
        X509 *certificate = X509_new();
        time_t now = time(NULL), from, until;
        bool ok = certificate && X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate);

        if (issuer) {
                from = request->not_before ? request->not_before : now - 3600; /* clocks differ */
                until = request->not_after ? request->not_after : now + CA_CERTIFICATE_DAYS * INT64_C(86400);
        } else {
                from = now - 3600;
                until = now + CA_DAYS * INT64_C(86400);
        }
        ok = ok && ASN1_TIME_set(X509_getm_notBefore(certificate), from) && ASN1_TIME_set(X509_getm_notAfter(certificate), until) &&
             X509_set_pubkey(certificate, key) == 1 &&
             X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8, (const uint8_t *)common_name, -1,
                                        -1, 0) == 1 &&
             X509_set_issuer_name(certificate, X509_get_subject_name(issuer ? issuer : certificate)) == 1 &&
             add_extension(certificate, issuer ? issuer : certificate, NID_subject_key_identifier, "hash");
        if (!issuer)
                ok = ok && add_extension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
                     add_extension(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
        else
                ok = ok && add_extension(certificate, issuer, NID_authority_key_identifier, "keyid") &&
                     add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
                     add_extension(certificate, issuer, NID_key_usage, "critical,digitalSignature") &&
                     add_extension(certificate, issuer, NID_ext_key_usage, request->coordinator ? "serverAuth" : "clientAuth") &&
                     add_names(certificate, request);
        ok = ok && X509_sign(certificate, issuer ? issuer_key : key, EVP_sha256()) > 0;
        if (!ok) {
                X509_free(certificate);
                return NULL;
        }
        return certificate;
}

int ca_create(const char *directory, char *why, size_t why_size)
{
        EVP_PKEY *key = EVP_EC_gen(CURVE);
        char host[128] = "", name[128];
        X509 *certificate = NULL;
        int r;

        gethostname(host, sizeof(host) - 1);
        snprintf(name, sizeof(name), "Nightshift authority of %.40s", host);
        if (key)
                certificate = make_certificate(key, name, NULL, NULL, NULL);
        if (certificate)
                r = write_pair(directory, "ca", certificate, key, why, why_size);
        else
                r = fail(-EIO, why, why_size, "ca", "OpenSSL cannot make an authority");
        X509_free(certificate);
        EVP_PKEY_free(key);
        ERR_clear_error();
        return r;
}

static int read_authority(const char *directory, X509 **ret_certificate, EVP_PKEY **ret_key, char *why, size_t why_size)
{
        char path[PATH_MAX];
        FILE *file;
        int r = path_of(directory, "ca", ".crt", path);

        if (r < 0)
                return fail(r, why, why_size, directory, strerror(-r));
        file = fopen(path, "re");
        if (!file)
                return fail(-errno, why, why_size, path,
                            errno == ENOENT ? "no authority there; make one with `nightshift ca init`" : strerror(errno));
        *ret_certificate = PEM_read_X509(file, NULL, NULL, NULL);
        fclose(file);
        if (!*ret_certificate)
                return fail(-EINVAL, why, why_size, path, "is no certificate");
        r = path_of(directory, "ca", ".key", path);
        if (r < 0)
                return fail(r, why, why_size, directory, strerror(-r));
        file = fopen(path, "re");
        if (!file)
                return fail(-errno, why, why_size, path, strerror(errno));
        *ret_key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
        fclose(file);
        if (!*ret_key)
                return fail(-EINVAL, why, why_size, path, "is no private key");
        if (X509_check_private_key(*ret_certificate, *ret_key) != 1)
                return fail(-EINVAL, why, why_size, path, "is not the key of ca.crt beside it");
        return 0;
}

static int check_request(const char *file, const struct ca_request *request, char *why, size_t why_size)
{
        if (!is_host(file) || strlen(file) > HOST_MAX)
                return fail(-EINVAL, why, why_size, file, "is no host name (letters, digits, dot, dash, underscore; at most 64)");
        if (strcmp(file, "ca") == 0)
                return fail(-EINVAL, why, why_size, file, "is the name of the authority's own files; choose another");
        if (request->names_count == 0 || request->names_count > NAMES_MAX || strlen(request->names[0]) > HOST_MAX)
                return fail(-EINVAL, why, why_size, file, "needs between 1 and 64 names, the first of at most 64 characters");
        for (size_t i = 0; i < request->names_count; i++)
                if (!is_address(request->names[i]) && !is_host(request->names[i]))
                        return fail(-EINVAL, why, why_size, request->names[i], "is neither a host name nor an address");
        return 0;
}

/* Puts the authority's certificate beside what was issued elsewhere. */
static int copy_authority(const char *out, X509 *authority, char *why, size_t why_size)
{
        char path[PATH_MAX];
        int r = path_of(out, "ca", ".crt", path);

        if (r == 0 && access(path, F_OK) != 0)
                r = write_file(path, 0644, authority, NULL);
        return r < 0 ? fail(r, why, why_size, path, strerror(-r)) : 0;
}

int ca_issue(const char *directory, const char *out, const char *file, const struct ca_request *request, char *why, size_t why_size)
{
        EVP_PKEY *key = NULL, *authority_key = NULL;
        X509 *certificate = NULL, *authority = NULL;
        int r = check_request(file, request, why, why_size);

        if (r == 0)
                r = read_authority(directory, &authority, &authority_key, why, why_size);
        if (r == 0) {
                key = EVP_EC_gen(CURVE);
                if (key)
                        certificate = make_certificate(key, request->names[0], request, authority, authority_key);
                if (!certificate)
                        r = fail(-EIO, why, why_size, file, "OpenSSL cannot make a certificate");
        }
        if (r == 0)
                r = write_pair(out, file, certificate, key, why, why_size);
        if (r == 0)
                r = copy_authority(out, authority, why, why_size);
        X509_free(certificate);
        X509_free(authority);
        EVP_PKEY_free(key);
        EVP_PKEY_free(authority_key);
        ERR_clear_error();
        return r;
}
