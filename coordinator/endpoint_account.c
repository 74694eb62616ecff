#include "coordinator/endpoint_internal.h"

#include <stdlib.h>
#include <string.h>

static struct account **bucket(struct endpoint *endpoint, const char *key)
{
        uint32_t hash = 2166136261u; /* FNV-1a; a peer cannot choose its name, its address or its network of IPv6 freely */

        for (const char *c = key; *c; c++)
                hash = (hash ^ (uint8_t)*c) * 16777619u;
        return &endpoint->accounts[hash % ENDPOINT_ACCOUNTS];
}

int account_get(struct endpoint *endpoint, const char *key, struct account **ret_account)
{
        struct account **head = bucket(endpoint, key), *account;
        size_t size = strlen(key) + 1;

        for (account = *head; account; account = account->next)
                if (strcmp(account->key, key) == 0)
                        break;
        if (!account) {
                account = calloc(1, sizeof(*account) + size);
                if (!account)
                        return -ENOMEM;
                memcpy(account->key, key, size);
                account->next = *head;
                *head = account;
        }
        account->connections++;
        *ret_account = account;
        return 0;
}

void account_put(struct endpoint *endpoint, struct account **account)
{
        struct account *a = *account, **link;

        *account = NULL;
        if (!a || --a->connections > 0)
                return;
        for (link = bucket(endpoint, a->key); *link != a; link = &(*link)->next)
                ;
        *link = a->next;
        free(a);
}
