/* What the kinds of server_limits.h share: one server as it is read, and its files. Included by
 * agent/server_limits*.c only. */
#pragma once

#include "agent/inside.h"
#include "agent/server_limits.h"

#define SERVER_DEPTH_MAX 8      /* of files that include each other */
#define SERVER_FOLDER_MAX 64    /* files of a folder that are read */
#define SERVER_ENTRIES_MAX 1024 /* entries of a folder */
#define SERVER_FILES_MAX 128    /* files and folders in all */

struct server {
        const struct server_limits_facts *facts;
        struct inside inside;
        char *arguments; /* with one more NUL */
        size_t size;
        char folder[4096]; /* that it works in, as it sees it */
        size_t used;       /* bytes of files */
        unsigned files;    /* and folders, that were opened */
        bool unsure;
};

/* The argument behind this one, or the first if `argument` is NULL; NULL: there is none. */
const char *server_argument(const struct server *server, const char *argument);
/* The value of `--name=value` or `--name value`, '-' and '_' alike; NULL if `argument` is not this option. */
const char *server_option(const struct server *server, const char *argument, const char *name);

/* The text of a file, to be freed; *ret_path its path, without links. NULL if there is none. A file that
 * cannot be believed makes the server unsure. */
char *server_file(struct server *server, const char *folder, const char *path, char *ret_path, size_t path_size);
/* Calls `function` with the path of each file of a folder that ends in `ending`, in the order of their names. */
void server_folder(struct server *server, const char *folder, const char *path, const char *ending,
                   void (*function)(void *data, const char *path), void *data);
/* The folder of a path, in place. */
void server_folder_of(char *path);

/* Takes the next line from *at, without its end and the blanks around it; false at the end of the text. */
bool server_line(char **at, char **ret_line);
/* A whole number and nothing else. */
bool server_number(const char *text, uint32_t *ret_number);
void server_add(struct server_limits *limits, uint16_t port, uint32_t max);

void server_limits_postgres(struct server *server, struct server_limits *limits);
void server_limits_mysql(struct server *server, struct server_limits *limits);
void server_limits_pgbouncer(struct server *server, struct server_limits *limits);
void server_limits_haproxy(struct server *server, struct server_limits *limits);
