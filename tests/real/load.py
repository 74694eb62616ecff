"""load.py RATE HOST:PORT/PATH...: asks each for so much a second, without waiting for answers that are late; a
server that restarts is asked again. Ends when it is killed."""
import http.client
import sys
import threading
import time


def ask(target, rate):
    at = time.monotonic()
    while True:
        at += 1 / rate
        time.sleep(max(0, at - time.monotonic()))
        threading.Thread(target=one, args=(target,), daemon=True).start()


def one(target):
    try:
        server, path = target.split("/")
        connection = http.client.HTTPConnection(server, timeout=20)
        connection.request("GET", "/" + path)
        connection.getresponse().read()
        connection.close()
    except (OSError, http.client.HTTPException):
        pass


for name in sys.argv[2:]:
    threading.Thread(target=ask, args=(name, float(sys.argv[1])), daemon=True).start()
threading.Event().wait()
