/* Stock nng as a replier that returns each request, to be measured beside the endpoint:
 *   nng_server URL
 * SIGTERM prints "cpu_us N" and ends it. */
#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define CONTEXTS 64

struct worker {
        nng_ctx ctx;
        nng_aio *aio;
        bool sending;
};

static void advance(void *data)
{
        struct worker *worker = data;

        if (nng_aio_result(worker->aio) != 0)
                return;
        worker->sending = !worker->sending;
        if (worker->sending)
                nng_ctx_send(worker->ctx, worker->aio); /* the message just received */
        else
                nng_ctx_recv(worker->ctx, worker->aio);
}

int main(int argc, char **argv)
{
        static struct worker workers[CONTEXTS];
        struct rusage usage;
        nng_socket sock;
        sigset_t set;
        int number;

        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        sigprocmask(SIG_BLOCK, &set, NULL);
        if (argc < 2 || nng_rep0_open(&sock) != 0)
                return 1;
        for (int i = 0; i < CONTEXTS; i++) {
                if (nng_ctx_open(&workers[i].ctx, sock) != 0 || nng_aio_alloc(&workers[i].aio, advance, &workers[i]) != 0)
                        return 1;
                nng_ctx_recv(workers[i].ctx, workers[i].aio);
        }
        if (nng_listen(sock, argv[1], NULL, 0) != 0)
                return 1;
        printf("ready\n");
        fflush(stdout);
        sigwait(&set, &number);
        getrusage(RUSAGE_SELF, &usage);
        printf("cpu_us %lld\n", (long long)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 + usage.ru_utime.tv_usec +
                                        usage.ru_stime.tv_usec);
        return 0;
}
