#include "coordinator/webhook.h"
#include "coordinator/webhook_url.h"
#include "proto/loop.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_MAX 4096

/* A socket of libcurl's, while it wants to hear of it. */
struct watched {
        struct webhook *webhook;
        struct watched *next;
        curl_socket_t fd;
        struct loop_source *source;
};

struct transfer {
        CURL *easy; /* NULL: none */
        struct curl_slist *headers;
        char *body;
};

struct webhook {
        struct loop *loop;
        struct loop_source *timer;
        CURLM *multi;
        webhook_done done;
        void *data;
        struct transfer transfers[DESTINATIONS];
        struct watched *watched;
};

static void end(struct webhook *w, enum destination to)
{
        struct transfer *t = &w->transfers[to];

        if (t->easy) {
                curl_multi_remove_handle(w->multi, t->easy);
                curl_easy_cleanup(t->easy);
        }
        curl_slist_free_all(t->headers);
        free(t->body);
        *t = (struct transfer){ 0 };
}

/* What repeating does not mend: the notice itself is not wanted. A wrong token or path is a mistake of somebody who may
 * mend it in time. */
static enum delivery judge(long status)
{
        if (status >= 200 && status < 300)
                return DELIVERY_DONE;
        return status == 400 || status == 413 || status == 415 || status == 422 ? DELIVERY_REFUSED : DELIVERY_FAILED;
}

static void collect(struct webhook *w)
{
        CURLMsg *message;
        int left;

        while ((message = curl_multi_info_read(w->multi, &left))) {
                enum delivery delivery = DELIVERY_FAILED;
                CURLcode result = message->data.result;
                curl_off_t after = 0;
                enum destination to;
                char why[160] = "";
                long status = 0;

                if (message->msg != CURLMSG_DONE)
                        continue;
                for (to = 0; to < DESTINATIONS && w->transfers[to].easy != message->easy_handle; to++)
                        ;
                if (to == DESTINATIONS)
                        continue;
                (void)curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
                (void)curl_easy_getinfo(message->easy_handle, CURLINFO_RETRY_AFTER, &after);
                if (result == CURLE_OK)
                        delivery = judge(status);
                if (result != CURLE_OK)
                        snprintf(why, sizeof(why), "%.150s", curl_easy_strerror(result));
                else if (delivery != DELIVERY_DONE)
                        snprintf(why, sizeof(why), "it answers with HTTP status %ld", status);
                end(w, to);
                w->done(w->data, to, delivery, (int64_t)MIN(after, 86400) * NSEC_PER_SEC, why);
        }
}

static void act(struct webhook *w, curl_socket_t fd, int events)
{
        int running;

        (void)curl_multi_socket_action(w->multi, fd, events, &running);
        collect(w);
}

static void on_socket(void *data, uint32_t events)
{
        struct watched *s = data;
        int flags = (events & EPOLLIN ? CURL_CSELECT_IN : 0) | (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                    (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);

        act(s->webhook, s->fd, flags);
}

static void on_timer(void *data, int64_t now)
{
        (void)now;
        act(data, CURL_SOCKET_TIMEOUT, 0);
}

static void unwatch(struct webhook *w, struct watched *s)
{
        struct watched **p = &w->watched;

        while (*p != s)
                p = &(*p)->next;
        *p = s->next;
        loop_remove(&s->source);
        free(s);
}

/* CURLMOPT_SOCKETFUNCTION. A socket that cannot be watched makes its transfer run into its timeout. */
static int watch(CURL *easy, curl_socket_t fd, int what, void *data, void *known)
{
        struct webhook *w = data;
        struct watched *s = known;
        uint32_t events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);

        (void)easy;
        if (what == CURL_POLL_REMOVE) {
                if (s)
                        unwatch(w, s);
                (void)curl_multi_assign(w->multi, fd, NULL);
                return 0;
        }
        if (s)
                return loop_modify_fd(s->source, events) < 0 ? -1 : 0;
        s = calloc(1, sizeof(*s));
        if (!s)
                return -1;
        *s = (struct watched){ .webhook = w, .fd = fd, .next = w->watched };
        if (loop_add_fd(w->loop, fd, events, on_socket, s, &s->source) < 0) {
                free(s);
                return -1;
        }
        w->watched = s;
        (void)curl_multi_assign(w->multi, fd, s);
        return 0;
}

/* CURLMOPT_TIMERFUNCTION: never acts by itself, which would come back here. */
static int set_timer(CURLM *multi, long milliseconds, void *data)
{
        struct webhook *w = data;

        (void)multi;
        return loop_set_timer(w->timer, milliseconds < 0 ? -1 : clock_monotonic() + milliseconds * NSEC_PER_MSEC) < 0 ? -1 : 0;
}

int webhook_new(struct loop *loop, webhook_done done, void *data, struct webhook **ret_webhook)
{
        struct webhook *w;
        int r;

        if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
                return -ENOMEM;
        w = calloc(1, sizeof(*w));
        if (!w)
                return -ENOMEM;
        *w = (struct webhook){ .loop = loop, .done = done, .data = data, .multi = curl_multi_init() };
        r = w->multi ? loop_add_timer(loop, on_timer, w, &w->timer) : -ENOMEM;
        if (r < 0) {
                webhook_free(&w);
                return r;
        }
        curl_multi_setopt(w->multi, CURLMOPT_SOCKETFUNCTION, watch);
        curl_multi_setopt(w->multi, CURLMOPT_SOCKETDATA, w);
        curl_multi_setopt(w->multi, CURLMOPT_TIMERFUNCTION, set_timer);
        curl_multi_setopt(w->multi, CURLMOPT_TIMERDATA, w);
        *ret_webhook = w;
        return 0;
}

void webhook_free(struct webhook **webhook)
{
        struct webhook *w = *webhook;

        *webhook = NULL;
        if (!w)
                return;
        for (enum destination to = 0; to < DESTINATIONS; to++)
                end(w, to);
        curl_multi_cleanup(w->multi);
        while (w->watched)
                unwatch(w, w->watched);
        loop_remove(&w->timer);
        free(w);
}

static int why_not(char why[160], int r, const char *what, const char *path)
{
        snprintf(why, 160, "%.30s %.120s", what, path);
        return r;
}

/* The first line of a small file. */
static int read_secret(const char *path, char secret[SECRET_MAX], char why[160])
{
        CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        struct stat st;
        ssize_t n;

        if (fd < 0 || fstat(fd, &st) < 0)
                return why_not(why, -errno, "cannot read", path);
        n = S_ISREG(st.st_mode) ? read(fd, secret, SECRET_MAX - 1) : -1;
        if (n < 0)
                return why_not(why, -EINVAL, "cannot read", path);
        secret[n] = '\0';
        secret[strcspn(secret, "\r\n")] = '\0';
        return *secret ? 0 : why_not(why, -EINVAL, "nothing is in", path);
}

static size_t ignore(char *data, size_t size, size_t count, void *user)
{
        (void)data;
        (void)user;
        return size * count;
}

static int set_headers(struct transfer *t, const struct webhook_post *post, char why[160])
{
        char header[SECRET_MAX + 32], secret[SECRET_MAX];
        int r = 0;

        /* "Expect:" without a value: no round trip before the body. */
        static const char *const fixed[] = { "Content-Type: application/json", "Expect:" };

        for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
                t->headers = curl_slist_append(t->headers, fixed[i]);
        snprintf(header, sizeof(header), "Idempotency-Key: %s", post->key);
        t->headers = curl_slist_append(t->headers, header);
        if (post->authorization_file) {
                r = read_secret(post->authorization_file, secret, why);
                if (r == 0) {
                        snprintf(header, sizeof(header), "Authorization: %s", secret);
                        t->headers = curl_slist_append(t->headers, header);
                }
                explicit_bzero(secret, sizeof(secret));
                explicit_bzero(header, sizeof(header));
        }
        return r;
}

static int set_up(struct webhook *w, struct transfer *t, const struct webhook_post *post, char why[160])
{
        char url[SECRET_MAX];
        CURLcode c = CURLE_OK;
        int r;

        if (post->url_file) {
                r = read_secret(post->url_file, url, why);
                if (r < 0)
                        return r;
        } else {
                snprintf(url, sizeof(url), "%s", post->url);
        }
        if (webhook_url_expected(url)) {
                snprintf(why, 160, "its URL is not what was expected: %s", webhook_url_expected(url));
                return -EINVAL;
        }
        r = set_headers(t, post, why);
        if (r < 0)
                return r;
        t->body = malloc(post->size + 1);
        t->easy = curl_easy_init();
        if (!t->body || !t->easy)
                return -ENOMEM;
        memcpy(t->body, post->body, post->size);
#define SET(option, value) (c = c == CURLE_OK ? curl_easy_setopt(t->easy, option, value) : c)
        SET(CURLOPT_URL, url);
        SET(CURLOPT_PROTOCOLS_STR, "http,https");
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDS, t->body);
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->size);
        SET(CURLOPT_HTTPHEADER, t->headers);
        SET(CURLOPT_USERAGENT, "nightshift/" NIGHTSHIFT_VERSION);
        SET(CURLOPT_WRITEFUNCTION, ignore);
        SET(CURLOPT_SSL_VERIFYPEER, 1L);
        SET(CURLOPT_SSL_VERIFYHOST, 2L);
        SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
        if (post->ca) {
                SET(CURLOPT_CAINFO, post->ca);
                SET(CURLOPT_CAPATH, NULL); /* or those of the system would be good enough, too */
        }
        SET(CURLOPT_TIMEOUT_MS, (long)(post->timeout / NSEC_PER_MSEC));
        SET(CURLOPT_NOSIGNAL, 1L);
        SET(CURLOPT_FORBID_REUSE, 1L);
        /* Ending a transfer waits for no name server. */
        SET(CURLOPT_QUICK_EXIT, 1L);
#undef SET
        explicit_bzero(url, sizeof(url));
        if (c == CURLE_OK)
                return curl_multi_add_handle(w->multi, t->easy) == CURLM_OK ? 0 : -ENOMEM;
        snprintf(why, 160, "%.150s", curl_easy_strerror(c));
        return -EINVAL;
}

int webhook_begin(struct webhook *w, enum destination to, const struct webhook_post *post, char ret_why[160])
{
        int r;

        if (w->transfers[to].easy)
                return -EBUSY;
        snprintf(ret_why, 160, "memory is short");
        r = set_up(w, &w->transfers[to], post, ret_why);
        if (r < 0)
                end(w, to);
        return r;
}
