#include "agent/addresses.h"

#include "agent/text.h"
#include "proto/address.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FORGET_NS (3600 * NSEC_PER_SEC)
#define NAMESPACES_MAX 256
#define NAMESPACES_READ 8 /* a refresh */
#define NAMESPACE_EVERY_NS (60 * NSEC_PER_SEC)
#define TEXT_MAX 65536

struct namespace
{
        uint32_t netns, pid;
        int64_t read; /* when; 0: never */
};

struct addresses {
        struct summary_address *items;
        int64_t *met;
        size_t count, size;
        const char *proc;
        uint32_t own;
        struct namespace namespaces[NAMESPACES_MAX];
        size_t namespaces_count;
        unsigned read_at_once; /* since the last refresh */
};

int addresses_new(const char *proc, struct addresses **ret_addresses)
{
        struct addresses *addresses = calloc(1, sizeof(*addresses));
        struct stat st;

        if (!addresses)
                return -ENOMEM;
        addresses->proc = proc;
        if (stat("/proc/self/ns/net", &st) == 0)
                addresses->own = (uint32_t)st.st_ino;
        *ret_addresses = addresses;
        return 0;
}

void addresses_free(struct addresses **addresses)
{
        if (!*addresses)
                return;
        free((*addresses)->items);
        free((*addresses)->met);
        free(*addresses);
        *addresses = NULL;
}

static bool ours_only(const struct address *a)
{
        if (address_is_zero(a) || address_is_loopback(a))
                return true;
        if (address_is_v4(a))
                return (a->bytes[12] == 169 && a->bytes[13] == 254) || a->bytes[12] >= 224;
        return (a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80) || a->bytes[0] == 0xff;
}

static int grow(struct addresses *addresses)
{
        size_t size = addresses->size ? addresses->size * 2 : 32;
        struct summary_address *items = reallocarray(addresses->items, size, sizeof(*items));
        int64_t *met;

        if (!items)
                return -ENOMEM;
        addresses->items = items;
        met = reallocarray(addresses->met, size, sizeof(*met));
        if (!met)
                return -ENOMEM;
        addresses->met = met;
        addresses->size = size;
        return 0;
}

void addresses_learn(struct addresses *addresses, const uint8_t bytes[16], uint32_t netns, int64_t now)
{
        struct address address;

        memcpy(address.bytes, bytes, sizeof(address.bytes));
        if (ours_only(&address))
                return;
        for (size_t i = 0; i < addresses->count; i++)
                if (addresses->items[i].netns == netns && address_compare(&addresses->items[i].address, &address) == 0) {
                        addresses->met[i] = now;
                        return;
                }
        if (addresses->count >= ADDRESSES_MAX)
                return;
        if (addresses->count == addresses->size && grow(addresses) < 0)
                return;
        addresses->items[addresses->count] = (struct summary_address){ address, netns };
        addresses->met[addresses->count++] = now;
}

static void read_own(struct addresses *addresses, int64_t now)
{
        struct ifaddrs *list = NULL;

        if (getifaddrs(&list) < 0)
                return;
        for (const struct ifaddrs *i = list; i; i = i->ifa_next) {
                uint8_t bytes[16] = { [10] = 0xff, [11] = 0xff };

                if (!i->ifa_addr)
                        continue;
                if (i->ifa_addr->sa_family == AF_INET)
                        memcpy(bytes + 12, &((struct sockaddr_in *)(void *)i->ifa_addr)->sin_addr, 4);
                else if (i->ifa_addr->sa_family == AF_INET6)
                        memcpy(bytes, &((struct sockaddr_in6 *)(void *)i->ifa_addr)->sin6_addr, 16);
                else
                        continue;
                addresses_learn(addresses, bytes, addresses->own, now);
        }
        freeifaddrs(list);
}

/* fib_trie lists local addresses as "|-- A.B.C.D" followed by "/32 host LOCAL". */
static void read_v4(struct addresses *addresses, char *text, uint32_t netns, int64_t now)
{
        char *save = NULL, *leaf = NULL;

        for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                char *mark = strstr(line, "|-- ");
                uint8_t bytes[16] = { [10] = 0xff, [11] = 0xff };

                if (mark)
                        leaf = mark + 4;
                else if (leaf && strstr(line, "/32 host LOCAL") && inet_pton(AF_INET, leaf, bytes + 12) == 1)
                        addresses_learn(addresses, bytes, netns, now);
        }
}

/* if_inet6 has 32 hexadecimal digits at the start of each line. */
static void read_v6(struct addresses *addresses, char *text, uint32_t netns, int64_t now)
{
        char *save = NULL;

        for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                uint8_t bytes[16];

                if (strlen(line) < 32 || !text_is_hex(line, 32))
                        continue;
                for (size_t i = 0; i < 16; i++) {
                        char digits[3] = { line[2 * i], line[2 * i + 1], '\0' };

                        bytes[i] = (uint8_t)strtoul(digits, NULL, 16);
                }
                addresses_learn(addresses, bytes, netns, now);
        }
}

/* False if the process is gone or lives in another namespace by now. */
static bool read_namespace(struct addresses *addresses, const struct namespace *namespace, char *text, int64_t now)
{
        char path[64];
        struct stat st;

        snprintf(path, sizeof(path), "%s/%u/ns/net", addresses->proc, namespace->pid);
        if (stat(path, &st) < 0 || st.st_ino != namespace->netns)
                return false;
        snprintf(path, sizeof(path), "%s/%u/net/fib_trie", addresses->proc, namespace->pid);
        if (text_read_file(path, text, TEXT_MAX) > 0)
                read_v4(addresses, text, namespace->netns, now);
        snprintf(path, sizeof(path), "%s/%u/net/if_inet6", addresses->proc, namespace->pid);
        if (text_read_file(path, text, TEXT_MAX) > 0)
                read_v6(addresses, text, namespace->netns, now);
        return true;
}

/* A new namespace is read at once, since its process may be gone soon; past a bound it waits for the refresh. */
static int64_t read_new(struct addresses *addresses, uint32_t netns, uint32_t pid, int64_t now)
{
        struct namespace namespace = { .netns = netns, .pid = pid };
        CLEANUP_FREE char *text = NULL;

        if (addresses->read_at_once >= NAMESPACES_READ)
                return 0;
        addresses->read_at_once++;
        text = malloc(TEXT_MAX);
        return text && read_namespace(addresses, &namespace, text, now) ? now : 0;
}

void addresses_learn_namespace(struct addresses *addresses, uint32_t netns, uint32_t pid, int64_t now)
{
        if (netns == addresses->own || netns == 0 || pid == 0)
                return;
        for (size_t i = 0; i < addresses->namespaces_count; i++)
                if (addresses->namespaces[i].netns == netns) {
                        addresses->namespaces[i].pid = pid; /* the younger one lives longer, perhaps */
                        return;
                }
        if (addresses->namespaces_count < NAMESPACES_MAX)
                addresses->namespaces[addresses->namespaces_count++] =
                        (struct namespace){ .netns = netns, .pid = pid, .read = read_new(addresses, netns, pid, now) };
}

static void read_others(struct addresses *addresses, int64_t now)
{
        char *text = NULL;
        unsigned reads = 0;
        size_t kept = 0;

        for (size_t i = 0; i < addresses->namespaces_count; i++) {
                struct namespace namespace = addresses->namespaces[i];
                bool due = namespace.read == 0 || now - namespace.read >= NAMESPACE_EVERY_NS;

                if (due && reads < NAMESPACES_READ) {
                        reads++;
                        if (!text)
                                text = malloc(TEXT_MAX);
                        if (text && !read_namespace(addresses, &namespace, text, now))
                                continue; /* forgotten until another process of it acts */
                        namespace.read = now;
                }
                addresses->namespaces[kept++] = namespace;
        }
        addresses->namespaces_count = kept;
        free(text);
}

void addresses_refresh(struct addresses *addresses, int64_t now)
{
        size_t kept = 0;

        addresses->read_at_once = 0;
        read_own(addresses, now);
        read_others(addresses, now);
        for (size_t i = 0; i < addresses->count; i++)
                if (now - addresses->met[i] < FORGET_NS) {
                        addresses->items[kept] = addresses->items[i];
                        addresses->met[kept++] = addresses->met[i];
                }
        addresses->count = kept;
}

const struct summary_address *addresses_list(const struct addresses *addresses, size_t *ret_count)
{
        *ret_count = addresses->count;
        return addresses->items;
}
