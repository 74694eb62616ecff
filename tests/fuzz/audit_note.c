/* Notes, checkpoints and keys that somebody hands us: what is taken has but one spelling, and a witness takes
 * nothing that the key has not signed. */
#include "proto/witness.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
        if (!good)
                abort();
}

static void try_key(const char *text, size_t size)
{
        char again[NOTE_KEY_TEXT_MAX];
        struct note_key key;

        if (note_key_parse(text, size, &key) < 0)
                return;
        note_key_format(&key, again);
        check(strlen(again) == size && memcmp(again, text, size) == 0);
}

static void try_checkpoint(const char *text, size_t size)
{
        char again[NOTE_MAX + 1];
        struct checkpoint c;
        size_t length;

        if (size > NOTE_MAX || checkpoint_parse(text, size, &c) < 0)
                return;
        length = checkpoint_format(&c, again);
        /* Further lines are allowed. */
        check(length <= size && memcmp(again, text, length) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const char key_text[] = "nightshift/example-eb13b465+1a7a60ba+AesTtGUuvjYGO3gNrfv4M6Xt/7ZPGJcfhvTttfpKUMaz";
        char *text = malloc(size ? size : 1);
        const struct note_key *by = NULL;
        struct checkpoint c;
        struct note_key key;
        const char *sentence = NULL;
        size_t text_size;
        int r;

        check(text && note_key_parse(key_text, strlen(key_text), &key) == 0);
        memcpy(text, data, size);
        try_key(text, size);
        try_checkpoint(text, size);
        r = note_open(text, size, &key, 1, &text_size, &by);
        if (r == 0) {
                check(by == &key && text_size < size && text[text_size - 1] == '\n' && text[text_size] == '\n');
                try_checkpoint(text, text_size);
        } else {
                check(r == -EBADMSG || r == -ENOKEY || r == -EKEYREJECTED);
        }
        if (witness_check(NULL, 0, text, size, &key, 1, NULL, 0, &c, &sentence) == 0)
                check(r == 0 && checkpoint_parse(text, text_size, &c) == 0);
        else
                check(sentence && *sentence);
        /* As what was kept it is trusted no more. */
        (void)!witness_check(text, size, text, size, &key, 1, NULL, 0, &c, &sentence);
        free(text);
        return 0;
}
