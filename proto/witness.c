#include "proto/witness.h"

#include <string.h>

static int read_checkpoint(const char *note, size_t size, const struct note_key *keys, size_t count, struct checkpoint *ret)
{
        size_t text_size;
        int r = count ? note_open(note, size, keys, count, &text_size, NULL) : note_text(note, size, &text_size);

        return r < 0 ? r : checkpoint_parse(note, text_size, ret);
}

static int refuse(int r, const char **ret_sentence, const char *sentence)
{
        *ret_sentence = sentence;
        return r;
}

int witness_check(const char *last, size_t last_size, const char *note, size_t note_size, const struct note_key *keys,
                  size_t keys_count, const struct tlog_hash *proof, size_t proof_count, struct checkpoint *ret_checkpoint,
                  const char **ret_sentence)
{
        struct checkpoint old, now;
        int r = read_checkpoint(note, note_size, keys, keys_count, &now);

        if (r == -ENOKEY)
                return refuse(r, ret_sentence, "none of the keys that are known here has signed the checkpoint of the audit log");
        if (r == -EKEYREJECTED)
                return refuse(r, ret_sentence, "the signature of the audit log's checkpoint is wrong");
        if (r < 0)
                return refuse(r, ret_sentence, r == -EBADMSG ? "the checkpoint of the audit log is none" : "out of memory");
        if (last) {
                r = read_checkpoint(last, last_size, keys, keys_count, &old);
                if (r < 0)
                        return refuse(r == -ENOMEM ? r : -EIO, ret_sentence,
                                      "the checkpoint of the audit log that was kept here cannot be read");
                if (strcmp(old.origin, now.origin) != 0)
                        return refuse(-EXDEV, ret_sentence, "the checkpoint is that of another audit log");
                if (now.size < old.size)
                        return refuse(-ESTALE, ret_sentence, "the audit log has fewer entries than it had: it was rolled back");
                r = tlog_check_consistency(old.size, &old.root, now.size, &now.root, proof, proof_count);
                if (r < 0)
                        return refuse(r == -EBADMSG ? -EUCLEAN : r, ret_sentence,
                                      "the audit log does not continue what was seen of it: it was forked");
        }
        *ret_checkpoint = now;
        return 0;
}
