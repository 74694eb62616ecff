"""habits.py NAME: clients that are healthy and look like trouble. Times are a tenth or less of what they are
in real life, so that minutes show what hours would."""
import http.client
import os
import socket
import sys
import threading
import time

import psycopg
import psycopg_pool

DATABASE = os.environ["DATABASE"]
POSTGRES = f"host={DATABASE} user=postgres dbname=postgres"


def pool(**options):
    p = psycopg_pool.ConnectionPool(POSTGRES, **options)
    p.wait()
    return p


def ask(p, seconds=0.01):
    with p.connection() as connection:
        connection.execute("select pg_sleep(%s)", (seconds,))


def at_once(count, function, *arguments):
    threads = [threading.Thread(target=function, args=arguments) for _ in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def prewarmed():
    """Twenty connections from the start on, one of which is needed."""
    p = pool(min_size=20, max_size=20)
    while True:
        ask(p)
        time.sleep(0.2)


def busy():
    """A service like any other: two to five questions at a time, a dozen times a second."""
    p = pool(min_size=4, max_size=12)
    turn = 0
    while True:
        turn += 1
        at_once(2 + turn // 400 % 4, ask, p)
        time.sleep(0.1)


def rotation():
    """No connection lives longer than half a minute."""
    p = pool(min_size=8, max_size=8, max_lifetime=30)
    while True:
        at_once(2, ask, p)
        time.sleep(0.3)


def breathing():
    """A pool that grows with its load and shrinks after it, again and again."""
    p = pool(min_size=2, max_size=30, max_idle=10)
    while True:
        for level in (1, 4, 12, 24, 12, 4, 1, 1, 1, 1):
            end = time.monotonic() + 6
            while time.monotonic() < end:
                at_once(level, ask, p, 0.05)
                time.sleep(0.2)


def threads():
    """A connection for each of twelve threads, most of which have little to do."""

    def work(pause):
        connection = psycopg.connect(POSTGRES, autocommit=True)
        while True:
            connection.execute("select 1")
            time.sleep(pause)

    at_once_pauses = [1, 2, 5, 7, 11, 13, 17, 23, 29, 31, 41, 53]
    for pause in at_once_pauses:
        threading.Thread(target=work, args=(pause,), daemon=True).start()
        time.sleep(3)  # started one after the other, as they are first needed
    threading.Event().wait()


def workers():
    """Four processes with a pool each."""
    for _ in range(3):
        if os.fork() == 0:
            break
    p = pool(min_size=3, max_size=6)
    while True:
        at_once(2, ask, p)
        time.sleep(0.3)


def transactions():
    """Transactions that stay open for a long time, beside short ones."""

    def long():
        while True:
            with p.connection() as connection:
                connection.execute("select 1")
                time.sleep(45)

    p = pool(min_size=2, max_size=10)
    for _ in range(4):
        threading.Thread(target=long, daemon=True).start()
        time.sleep(5)
    while True:
        ask(p)
        time.sleep(0.3)


def polls():
    """Long polls: redis answers after half a minute, or when there is something."""

    def poll(n):
        redis = socket.create_connection((DATABASE, 6379))
        while True:
            redis.sendall(b"BLPOP list%d 30\r\n" % n)
            redis.recv(1000)

    for n in range(10):
        threading.Thread(target=poll, args=(n,), daemon=True).start()
        time.sleep(2)
    threading.Event().wait()


def cron():
    """Every twenty seconds forty short connections at once."""

    def visit():
        with psycopg.connect(POSTGRES) as connection:
            connection.execute("select 1")

    while True:
        at_once(40, visit)
        time.sleep(20)


def warming():
    """A cache that grows for two minutes, to its size, of pages that it fetches."""
    cache = []
    while True:
        source = http.client.HTTPConnection(DATABASE, 80)
        source.request("GET", "/")
        page = source.getresponse().read()
        source.close()
        if len(cache) < 600:
            cache.append(bytearray(page * 300))
        time.sleep(0.2)


def slow():
    """A dependency that takes a second and a half, and always did."""
    p = pool(min_size=6, max_size=6)
    while True:
        at_once(5, ask, p, 1.5)


def bench():
    """A benchmark: as fast as it goes for ten seconds, every minute."""

    def run():
        redis = socket.create_connection((DATABASE, 6379))
        end = time.monotonic() + 10
        while time.monotonic() < end:
            redis.sendall(b"INCR bench\r\n")
            redis.recv(100)
            time.sleep(0.002)
        redis.close()

    while True:
        at_once(20, run)
        time.sleep(50)


def bouncer():
    """Through pgbouncer, which gives up its connections after half a minute (server_lifetime)."""
    p = psycopg_pool.ConnectionPool(f"host={DATABASE} port=6432 user=postgres dbname=shop", min_size=4, max_size=12,
                                    kwargs={"prepare_threshold": None, "autocommit": True})
    while True:
        at_once(6, ask, p, 0.05)
        time.sleep(0.3)


def keepalive():
    """Keep-alive towards nginx, which closes after fifteen seconds of idleness: found closed at the next use."""
    kept = [http.client.HTTPConnection(DATABASE, 80) for _ in range(6)]
    turn = 0
    while True:
        turn += 1
        for n, connection in enumerate(kept):
            if turn % (1 + 7 * n) == 0:
                try:
                    connection.request("GET", "/")
                    connection.getresponse().read()
                except (OSError, http.client.HTTPException):
                    connection.close()
        time.sleep(1)


globals()[sys.argv[1]]()
