/* Trees against the known answers of certificate transparency's own tests; every proof of every tree up to a
 * size, and that nothing else passes for one. Notes against the example of Go's note package. */
#include "proto/base64.h"
#include "proto/witness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TREES 70

static struct tlog_hash leaves[TREES];

static int read_node(void *data, unsigned height, uint64_t index, struct tlog_hash *ret)
{
        struct tlog_hash left, right;

        if (height == 0) {
                assert_true(index < TREES);
                *ret = leaves[index];
                return 0;
        }
        assert_int_equal(read_node(data, height - 1, 2 * index, &left), 0);
        assert_int_equal(read_node(data, height - 1, 2 * index + 1, &right), 0);
        return tlog_node(&left, &right, ret);
}

static struct tlog_hash root_of(uint64_t size)
{
        struct tlog_hash root;

        assert_int_equal(tlog_root(size, read_node, NULL, &root), 0);
        return root;
}

static void make_leaves(void)
{
        for (unsigned i = 0; i < TREES; i++) {
                char entry[16];

                snprintf(entry, sizeof(entry), "entry %u", i);
                assert_int_equal(tlog_leaf(entry, strlen(entry), &leaves[i]), 0);
        }
}

/* certificate-transparency's merkle tests, as many others use them. */
static void test_known_roots(void **state)
{
        static const char *const entries[] = { "",
                                               "\x00",
                                               "\x10",
                                               "\x20\x21",
                                               "\x30\x31",
                                               "\x40\x41\x42\x43",
                                               "\x50\x51\x52\x53\x54\x55\x56\x57",
                                               "\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f" };
        static const size_t sizes[] = { 0, 1, 1, 2, 2, 4, 8, 16 };
        static const char *const roots[] = {
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        };
        struct tlog_edge edge = { 0 };

        (void)state;
        for (size_t n = 0; n < ARRAY_SIZE(roots); n++) {
                struct tlog_hash grown, read;
                char text[65];

                if (n > 0) {
                        assert_int_equal(tlog_leaf(entries[n - 1], sizes[n - 1], &leaves[n - 1]), 0);
                        assert_int_equal(tlog_edge_add(&edge, 0, &leaves[n - 1]), 0);
                }
                assert_int_equal(tlog_edge_root(&edge, &grown), 0);
                assert_int_equal(tlog_root(n, read_node, NULL, &read), 0);
                assert_true(tlog_hash_equal(&grown, &read));
                for (size_t i = 0; i < TLOG_HASH_SIZE; i++)
                        snprintf(text + 2 * i, 3, "%02x", grown.bytes[i]);
                assert_string_equal(text, roots[n]);
        }
}

static void test_every_inclusion(void **state)
{
        (void)state;
        make_leaves();
        for (uint64_t size = 1; size < TREES; size++)
                for (uint64_t index = 0; index < size; index++) {
                        struct tlog_hash root = root_of(size), proof[TLOG_PROOF_MAX];
                        size_t count;

                        assert_int_equal(tlog_prove_inclusion(index, size, read_node, NULL, proof, &count), 0);
                        assert_int_equal(tlog_check_inclusion(index, &leaves[index], size, &root, proof, count), 0);
                        for (uint64_t other = 0; other <= size; other++)
                                if (other != index)
                                        assert_int_equal(tlog_check_inclusion(other, &leaves[index], size, &root, proof, count),
                                                         -EBADMSG);
                        for (size_t i = 0; i < count; i++) {
                                proof[i].bytes[index % TLOG_HASH_SIZE] ^= 1;
                                assert_int_equal(tlog_check_inclusion(index, &leaves[index], size, &root, proof, count), -EBADMSG);
                                proof[i].bytes[index % TLOG_HASH_SIZE] ^= 1;
                        }
                        proof[count] = root;
                        assert_int_equal(tlog_check_inclusion(index, &leaves[index], size, &root, proof, count + 1), -EBADMSG);
                        if (count)
                                assert_int_equal(tlog_check_inclusion(index, &leaves[index], size, &root, proof, count - 1),
                                                 -EBADMSG);
                }
        assert_int_equal(tlog_check_inclusion(0, &leaves[0], 0, &leaves[0], NULL, 0), -EBADMSG);
}

static void test_every_consistency(void **state)
{
        (void)state;
        make_leaves();
        for (uint64_t size = 0; size < TREES; size++)
                for (uint64_t old = 0; old <= size; old++) {
                        struct tlog_hash root = root_of(size), before = root_of(old), other = before, proof[TLOG_PROOF_MAX];
                        size_t count;

                        assert_int_equal(tlog_prove_consistency(old, size, read_node, NULL, proof, &count), 0);
                        assert_int_equal(tlog_check_consistency(old, &before, size, &root, proof, count), 0);
                        other.bytes[old % TLOG_HASH_SIZE] ^= 0x80;
                        assert_int_equal(tlog_check_consistency(old, &other, size, &root, proof, count), -EBADMSG);
                        for (size_t i = 0; i < count; i++) {
                                proof[i].bytes[size % TLOG_HASH_SIZE] ^= 1;
                                assert_int_equal(tlog_check_consistency(old, &before, size, &root, proof, count), -EBADMSG);
                                proof[i].bytes[size % TLOG_HASH_SIZE] ^= 1;
                        }
                        proof[count] = root;
                        assert_int_equal(tlog_check_consistency(old, &before, size, &root, proof, count + 1), -EBADMSG);
                        if (count)
                                assert_int_equal(tlog_check_consistency(old, &before, size, &root, proof, count - 1), -EBADMSG);
                        /* A log that was rolled back. */
                        if (old < size)
                                assert_int_equal(tlog_check_consistency(size, &root, old, &before, proof, count), -EBADMSG);
                }
}

#define PETER "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
#define PETERS_TEXT                                                                                                                \
        "If you think cryptography is the answer to your problem,\n"                                                               \
        "then you don't know what your problem is.\n"
#define PETERS_LINE                                                                                                                \
        "\xe2\x80\x94 PeterNeumann "                                                                                               \
        "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
#define ANNS_LINE "\xe2\x80\x94 Ann AAAAAAECAwQ=\n"

static void test_a_known_note(void **state)
{
        static const char note[] = PETERS_TEXT "\n" PETERS_LINE, more[] = PETERS_TEXT "\n" ANNS_LINE PETERS_LINE;
        char again[NOTE_KEY_TEXT_MAX], changed[sizeof(note)];
        struct note_key key;
        size_t size = 0;

        (void)state;
        assert_int_equal(note_key_parse(PETER, strlen(PETER), &key), 0);
        note_key_format(&key, again);
        assert_string_equal(again, PETER);
        assert_int_equal(note_open(note, strlen(note), &key, 1, &size, NULL), 0);
        assert_int_equal(size, strlen(PETERS_TEXT));
        assert_int_equal(note_open(note, strlen(note), NULL, 0, &size, NULL), -ENOKEY);
        /* Somebody else may sign, too. */
        assert_int_equal(note_open(more, strlen(more), &key, 1, &size, NULL), 0);
        for (size_t i = 0; i < strlen(note); i++) {
                memcpy(changed, note, sizeof(note));
                changed[i] ^= 0x04;
                if (note_open(changed, strlen(note), &key, 1, &size, NULL) == 0)
                        fail_msg("byte %zu may be another", i);
        }
        for (size_t i = 0; i < strlen(note); i++)
                if (note_open(note, i, &key, 1, &size, NULL) == 0)
                        fail_msg("%zu bytes of it are enough", i);
        for (size_t i = 0; i < strlen(PETER); i++) {
                memcpy(changed, PETER, strlen(PETER));
                changed[i] ^= 0x04;
                if (note_key_parse(changed, strlen(PETER), &key) == 0)
                        fail_msg("byte %zu of the key may be another", i);
        }
}

static void test_checkpoints(void **state)
{
        static const char *const bad[] = {
                "",
                "a\n",
                "a\n1\n",
                "a\n01\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
                "a\n-1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
                "a\n18446744073709551616\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
                "a\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=\n",
                "a\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuA==\n",
                "\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
                "a\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
                "a\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n",
        };
        static const char good[] = "a b\n18446744073709551615\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n";
        char again[NOTE_MAX + 1];
        struct checkpoint c;

        (void)state;
        assert_int_equal(checkpoint_parse(good, strlen(good), &c), 0);
        assert_string_equal(c.origin, "a b");
        assert_true(c.size == UINT64_MAX);
        assert_int_equal(checkpoint_format(&c, again), strlen(good));
        assert_string_equal(again, good);
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                if (checkpoint_parse(bad[i], strlen(bad[i]), &c) != -EBADMSG)
                        fail_msg("'%s' was taken", bad[i]);
}

/* RFC 4648, section 10, and what has another spelling. */
static void test_base64(void **state)
{
        static const char *const pairs[][2] = { { "", "" },
                                                { "f", "Zg==" },
                                                { "fo", "Zm8=" },
                                                { "foo", "Zm9v" },
                                                { "foob", "Zm9vYg==" },
                                                { "fooba", "Zm9vYmE=" },
                                                { "foobar", "Zm9vYmFy" } };
        static const char *const bad[] = { "Z", "Zg", "Zg=", "Zh==", "Zm9=", "Zm9v\n", "Zm-v", "====", "Z===", "Zg==Zg==", " Zg=" };
        char text[16];
        size_t size;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
                assert_int_equal(base64_encode(pairs[i][0], strlen(pairs[i][0]), text), strlen(pairs[i][1]));
                assert_string_equal(text, pairs[i][1]);
                assert_int_equal(base64_decode(pairs[i][1], strlen(pairs[i][1]), text, sizeof(text), &size), 0);
                assert_int_equal(size, strlen(pairs[i][0]));
                assert_memory_equal(text, pairs[i][0], size);
        }
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                if (base64_decode(bad[i], strlen(bad[i]), text, sizeof(text), &size) != -EINVAL)
                        fail_msg("'%s' was taken", bad[i]);
        assert_int_equal(base64_decode("Zm9vYmFy", 8, text, 5, &size), -ENOBUFS);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_known_roots),       cmocka_unit_test(test_every_inclusion),
                cmocka_unit_test(test_every_consistency), cmocka_unit_test(test_a_known_note),
                cmocka_unit_test(test_checkpoints),       cmocka_unit_test(test_base64),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
