/* Signatures: what a failure mode looks like, as data. Each is one YAML file that names its subject, the
 * evidence that it needs, what speaks against it, the causes to look for, and the remedies with what
 * each predicts; nightshift-signature(5) is the format. This reads and checks them; what they say is
 * evaluated elsewhere.
 *
 * A set is read whole or refused whole, never changes, and owns every string that it hands out. Times
 * are nanoseconds, amounts in the base unit of their signal. Files are bounded in size and number, and
 * so is every list in them, since an operator's generator may write them. */
#pragma once

#include "coordinator/amount.h"
#include "coordinator/digest.h"
#include "coordinator/shape.h"

struct signature_set;
struct yaml_config_error;
struct yaml_config_strings;

#define SIGNATURES_MAX 256            /* in a set */
#define SIGNATURE_FILE_MAX (64 << 10) /* bytes */
#define SIGNATURE_NAME_MAX 64
#define SIGNATURE_TEXT_MAX 200
#define SIGNATURE_ITEMS_MAX 24 /* of evidence, alternatives counted one by one; of what speaks against */
#define SIGNATURE_REMEDIES_MAX 8
#define SIGNATURE_SYMPTOM_MAX 8

/* A folder's name for the library that is part of the program. */
#define SIGNATURES_BUILT_IN "built-in"

enum cause {
        CAUSE_DEPLOYMENT,
        CAUSE_CONFIGURATION,
        CAUSE_LOAD,
        CAUSE_DEPENDENCY,
        CAUSE_HOST,
        CAUSE_NETWORK,
        CAUSES,
        CAUSE_ANY = CAUSES
};

enum reference {
        REFERENCE_NONE,
        REFERENCE_SIGNAL,       /* another signal of the subject, at the same time */
        REFERENCE_USUAL,        /* the signal's median of the 24 hours before the window, or of what of them is known */
        REFERENCE_FORMER_BUILD, /* the signal under the build before, at like load and age */
};

/* A signal with a shape; see shape.h for which fields a shape uses. */
struct signature_item {
        enum signal signal; /* SIGNAL_NONE in a prediction: each signal whose evidence held */
        enum shape shape;
        uint32_t given; /* bits of the parameters that the file gives; the others have their defaults */
        struct amount by, value;
        enum reference of;
        enum signal of_signal;    /* REFERENCE_SIGNAL */
        int64_t window;           /* `for`; 0 in what is against: that of the evidence it explains */
        int64_t within;           /* of a step; of a prediction the deadline */
        double confidence, share; /* 0.95, 1 */
        uint32_t count;           /* of bursts */
        uint32_t line;            /* in the file */
};

struct signature_evidence {
        struct signature_item item;
        uint32_t group; /* from 0: of each group one must hold; a group's items follow each other */
};

struct signature_against {
        struct signature_item item; /* without `by`: as much, in proportion, as the evidence it explains */
        enum signal explains;       /* evidence that does not count while this holds; SIGNAL_NONE: none does */
        char says[SIGNATURE_TEXT_MAX + 1];
};

struct signature_remedy {
        const char *action;             /* static */
        enum cause needs;               /* only where this is the cause; CAUSE_ANY: wherever */
        struct signature_item predicts; /* `within` is the deadline, `window` 0 */
};

struct signature {
        char name[SIGNATURE_NAME_MAX + 1], title[SIGNATURE_TEXT_MAX + 1];
        enum subject subject;
        int64_t settle; /* what a subject does while it is younger is no evidence */
        struct signature_evidence evidence[SIGNATURE_ITEMS_MAX];
        size_t evidence_count, groups_count;
        struct signature_against against[SIGNATURE_ITEMS_MAX];
        size_t against_count;
        enum signal breach, breach_limit; /* SIGNAL_NONE: no forecast; the limit is another signal, */
        double breach_at;                 /* or with SIGNAL_NONE this */
        enum cause causes[CAUSES];
        size_t causes_count;
        struct signature_remedy remedies[SIGNATURE_REMEDIES_MAX];
        size_t remedies_count;
        char symptom_of[SIGNATURE_SYMPTOM_MAX][SIGNATURE_NAME_MAX + 1]; /* signatures that say more of the same */
        size_t symptom_of_count;
        uint32_t tier; /* to ask for where evidence is thin, as in wire.h; 0: none */
        int64_t tier_for;

        char *file;
        uint8_t digest[DIGEST_SIZE]; /* of the file's bytes */
};

/* One file by itself. -ENOENT, -EBADMSG, ... with a sentence that names file, line, key and what was
 * expected. */
MUST_CHECK int signature_load(const char *path, struct signature **ret_signature, struct yaml_config_error *ret_error);
/* The same of a text; `file` is what errors call it, its last part must be NAME.yaml. */
MUST_CHECK int signature_parse(const char *file, const char *text, size_t size, struct signature **ret_signature,
                               struct yaml_config_error *ret_error);
void signature_free(struct signature **signature);

/* Every *.yaml of each folder in turn, SIGNATURES_BUILT_IN among them; one that a folder before has too
 * takes its place. Files that begin with a dot or end otherwise are left alone, but a *.yml is refused,
 * and so is a folder without any. -ENOENT, -EBADMSG, ... as above. */
MUST_CHECK int signatures_load(const char *const *folders, size_t count, struct signature_set **ret_set,
                               struct yaml_config_error *ret_error);
/* Those of the configured folders; without any (or NULL) the library and what an operator added. */
MUST_CHECK int signatures_configured(const struct yaml_config_strings *configured, struct signature_set **ret_set,
                                     struct yaml_config_error *ret_error);
void signatures_free(struct signature_set **set);

size_t signatures_count(const struct signature_set *set);
const struct signature *signatures_get(const struct signature_set *set, size_t index);      /* by rising name */
const struct signature *signatures_find(const struct signature_set *set, const char *name); /* NULL: none */
/* Of all files' digests, in the order of their names. */
const uint8_t *signatures_digest(const struct signature_set *set);

const char *cause_name(enum cause cause); /* "any" for CAUSE_ANY */
const char *tier_name(uint32_t tier);     /* of one that a signature can ask for */
