"""steady.py URL RATE...: asks each URL at a steady rate, without waiting for answers, until it is ended. On standard output
a line for each request that was not answered with 200 within ten seconds; at the end "asked N failed M". SIGUSR1 prints
the same in between."""
import signal
import sys
import threading
import time
import urllib.request

lock = threading.Lock()
asked = failed = 0


def one(url):
    global asked, failed
    begin = time.time()
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            answer.read()
        what = None
    except Exception as e:  # whatever it was, it was no answer
        what = e
    with lock:
        asked += 1
        if what:
            failed += 1
            print(f"failed {url} at {begin:.3f} after {time.time() - begin:.3f} s: {what}", flush=True)


def ask(url, rate):
    at = time.monotonic()
    while True:
        at += 1 / rate
        time.sleep(max(0, at - time.monotonic()))
        threading.Thread(target=one, args=(url,), daemon=True).start()


def say(*_):
    print(f"asked {asked} failed {failed}", flush=True)


signal.signal(signal.SIGUSR1, say)
for k in range(1, len(sys.argv), 2):
    threading.Thread(target=ask, args=(sys.argv[k], float(sys.argv[k + 1])), daemon=True).start()
while True:
    signal.pause()
