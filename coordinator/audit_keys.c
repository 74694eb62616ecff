/* The public halves. */
#include "coordinator/audit_keys.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TITLE "nightshift audit key\n"

const char *audit_keys_path(size_t number, char ret_path[AUDIT_PATH_MAX])
{
        snprintf(ret_path, AUDIT_PATH_MAX, "key/%zu", number);
        return ret_path;
}

static int parse_first(const char *text, size_t size, struct note_key *ret_key)
{
        if (size < 2 || text[size - 1] != '\n' || note_key_parse(text, size - 1, ret_key) < 0)
                return -EBADMSG;
        return 0;
}

static size_t hand_over_text(const struct note_key *next, uint64_t from, char ret_text[NOTE_MAX + 1])
{
        char key[NOTE_KEY_TEXT_MAX];

        note_key_format(next, key);
        return (size_t)snprintf(ret_text, NOTE_MAX + 1, TITLE "%" PRIu64 "\n%s\n", from, key);
}

static int parse_next(const char *note, size_t size, const struct note_key *by, struct note_key *ret_key, uint64_t *ret_from)
{
        char again[NOTE_MAX + 1], *end;
        size_t text_size, length;
        struct note_key key;
        uint64_t from;
        int r = note_open(note, size, by, 1, &text_size, NULL);

        if (r < 0)
                return r == -ENOMEM ? r : -EBADMSG;
        if (text_size < strlen(TITLE) || memcmp(note, TITLE, strlen(TITLE)) != 0)
                return -EBADMSG;
        from = strtoull(note + strlen(TITLE), &end, 10);
        if (*end != '\n' || end + 1 >= note + text_size)
                return -EBADMSG;
        r = note_key_parse(end + 1, (size_t)(note + text_size - end) - 2, &key);
        if (r < 0)
                return r == -ENOMEM ? r : -EBADMSG;
        /* In its only spelling, and the name stays. */
        length = hand_over_text(&key, from, again);
        if (length != text_size || memcmp(again, note, length) != 0 || strcmp(key.name, by->name) != 0)
                return -EBADMSG;
        *ret_key = key;
        *ret_from = from;
        return 0;
}

int audit_keys_read(const struct audit_files *files, struct audit_keys *ret_keys)
{
        struct audit_keys *k = ret_keys;

        k->count = 0;
        for (size_t i = 0;; i++) {
                char path[AUDIT_PATH_MAX];
                CLEANUP_FREE uint8_t *text = NULL;
                size_t size;
                int r = audit_file_read(files, audit_keys_path(i, path), NOTE_MAX, &text, &size);

                if (r == -ENOENT && i > 0)
                        return 0;
                if (r < 0)
                        return r;
                if (i == AUDIT_KEYS_MAX)
                        return -E2BIG;
                if (memchr(text, '\0', size))
                        return -EBADMSG;
                k->from[i] = 0;
                if (i == 0)
                        r = parse_first((const char *)text, size, &k->keys[0]);
                else
                        r = parse_next((const char *)text, size, &k->keys[i - 1], &k->keys[i], &k->from[i]);
                if (r == 0 && i > 0 && k->from[i] < k->from[i - 1])
                        r = -EBADMSG;
                if (r < 0)
                        return r;
                k->count++;
        }
}

const struct note_key *audit_keys_of_entry(const struct audit_keys *keys, uint64_t index)
{
        size_t i = keys->count;

        while (i-- > 1)
                if (keys->from[i] <= index)
                        break;
        return &keys->keys[i];
}

const struct note_key *audit_keys_of_checkpoint(const struct audit_keys *keys, uint64_t size, size_t *ret_count)
{
        size_t last = keys->count - 1, first;

        /* One of size n holds the entries below n. */
        while (last > 0 && keys->from[last] > size)
                last--;
        first = last;
        while (first > 0 && keys->from[first] == size)
                first--;
        *ret_count = last - first + 1;
        return &keys->keys[first];
}

int audit_keys_open_checkpoint(const struct audit_keys *all, const char *note, size_t size, struct checkpoint *ret)
{
        const struct note_key *keys;
        size_t count, text_size;
        int r = note_open(note, size, all->keys, all->count, &text_size, NULL);

        if (r == 0)
                r = checkpoint_parse(note, text_size, ret);
        if (r < 0)
                return r;
        keys = audit_keys_of_checkpoint(all, ret->size, &count);
        r = note_open(note, size, keys, count, &text_size, NULL);
        return r < 0 ? r : strcmp(ret->origin, all->keys[0].name) == 0 ? 0 : -EBADMSG;
}

int audit_key_hand_over(const struct audit_key *key, const struct note_key *public, const struct note_key *next, uint64_t from,
                        char ret_note[NOTE_MAX + 1], size_t *ret_size)
{
        char text[NOTE_MAX + 1];
        size_t size = hand_over_text(next, from, text);

        return audit_key_note(key, public, text, size, ret_note, ret_size);
}
