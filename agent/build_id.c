#include "agent/build_id.h"

#include "agent/text.h"

#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEGMENTS_MAX 128
#define NOTES_MAX 65536u
#define NOTE_GO 4 /* type of Go's note: cmd/link, "Go\0\0" */

struct executables {
        struct executable *first;
        size_t count;
};

static void hexadecimal(const unsigned char *bytes, size_t size, char ret_id[BUILD_ID_SIZE])
{
        size = MIN(size, (size_t)(BUILD_ID_SIZE - 1) / 2);
        for (size_t i = 0; i < size; i++)
                snprintf(ret_id + 2 * i, 3, "%02x", bytes[i]);
}

static int from_notes(Elf_Data *data, char ret_id[BUILD_ID_SIZE])
{
        size_t offset = 0, name, description;
        int r = -ENODATA;
        GElf_Nhdr note;

        while ((offset = gelf_getnote(data, offset, &note, &name, &description)) > 0) {
                const unsigned char *bytes = data->d_buf;

                if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && memcmp(bytes + name, "GNU", 4) == 0 &&
                    note.n_descsz > 0) {
                        hexadecimal(bytes + description, note.n_descsz, ret_id);
                        return 0;
                }
                if (note.n_type == NOTE_GO && note.n_namesz == 4 && memcmp(bytes + name, "Go\0", 4) == 0 && note.n_descsz > 0) {
                        char text[BUILD_ID_SIZE] = "";
                        size_t size = MIN((size_t)note.n_descsz, sizeof(text) - 1);

                        memcpy(text, bytes + description, size);
                        text_copy(ret_id, BUILD_ID_SIZE, text);
                        r = 0; /* but the GNU one, if there is one, wins */
                }
        }
        return r;
}

int build_id_read(int fd, char ret_id[BUILD_ID_SIZE])
{
        char id[BUILD_ID_SIZE] = "";
        int r = -ENODATA;
        size_t segments;
        Elf *elf;

        if (elf_version(EV_CURRENT) == EV_NONE)
                return -ENOTSUP;
        elf = elf_begin(fd, ELF_C_READ, NULL);
        if (!elf)
                return -ENODATA;
        if (elf_kind(elf) == ELF_K_ELF && elf_getphdrnum(elf, &segments) == 0)
                for (size_t i = 0; i < MIN(segments, (size_t)SEGMENTS_MAX); i++) {
                        GElf_Phdr header;
                        Elf_Data *data;

                        if (!gelf_getphdr(elf, (int)i, &header) || header.p_type != PT_NOTE || header.p_filesz > NOTES_MAX)
                                continue;
                        data = elf_getdata_rawchunk(elf, (int64_t)header.p_offset, header.p_filesz,
                                                    header.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
                        if (data && from_notes(data, id) == 0) {
                                r = 0;
                                if (text_is_hex(id, strlen(id)))
                                        break;
                        }
                }
        elf_end(elf);
        if (r == 0)
                memcpy(ret_id, id, sizeof(id));
        return r;
}

int executables_new(struct executables **ret_executables)
{
        *ret_executables = calloc(1, sizeof(**ret_executables));
        return *ret_executables ? 0 : -ENOMEM;
}

static void release(struct executable *executable)
{
        free(executable->path);
        free(executable);
}

void executables_free(struct executables **executables)
{
        if (!*executables)
                return;
        while ((*executables)->first) {
                struct executable *e = (*executables)->first;

                (*executables)->first = e->next;
                release(e);
        }
        free(*executables);
        *executables = NULL;
}

int executables_get(struct executables *executables, const char *proc, uint32_t pid, struct executable **ret_executable)
{
        char link[64], path[256], clean[256];
        CLEANUP_FD int fd = -1;
        struct executable *e;
        struct stat st;
        int r;

        snprintf(link, sizeof(link), "%s/%u/exe", proc, pid);
        fd = open(link, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        for (e = executables->first; e; e = e->next)
                if (e->device == st.st_dev && e->inode == st.st_ino &&
                    e->changed == st.st_ctim.tv_sec * NSEC_PER_SEC + st.st_ctim.tv_nsec) {
                        e->users++;
                        *ret_executable = e;
                        return 0;
                }
        r = text_read_link(link, path, sizeof(path));
        if (r < 0)
                return r;
        text_copy(clean, sizeof(clean), path);
        if (text_ends(clean, " (deleted)"))
                clean[strlen(clean) - strlen(" (deleted)")] = '\0';
        e = calloc(1, sizeof(*e));
        if (!e)
                return -ENOMEM;
        e->path = strdup(clean);
        if (!e->path) {
                free(e);
                return -ENOMEM;
        }
        if (!S_ISREG(st.st_mode) || build_id_read(fd, e->build) < 0)
                e->build[0] = '\0';
        e->device = st.st_dev;
        e->inode = st.st_ino;
        e->changed = st.st_ctim.tv_sec * NSEC_PER_SEC + st.st_ctim.tv_nsec;
        e->users = 1;
        e->next = executables->first;
        executables->first = e;
        executables->count++;
        *ret_executable = e;
        return 0;
}

/* What nobody uses stays for the next process of the same file, unless there are many. */
#define IDLE_MAX 64

void executables_put(struct executables *executables, struct executable **executable)
{
        struct executable *e = *executable;

        *executable = NULL;
        if (!e || --e->users > 0 || executables->count < IDLE_MAX)
                return;
        for (struct executable **at = &executables->first; *at; at = &(*at)->next)
                if (*at == e) {
                        *at = e->next;
                        executables->count--;
                        release(e);
                        return;
                }
}
