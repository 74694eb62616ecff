"""Counts mails in redis, a connection each. From the release with LEAK on, some are not closed: redis
closes them for idleness, and they stay in CLOSE_WAIT."""
import http.server
import os
import socket

LEAK = 0  # one request in so many; 0: none
forgotten = []
requests = 0


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        global requests
        requests += 1
        redis = socket.create_connection((os.environ["DATABASE"], 6379))
        redis.sendall(b"INCR mails\r\n")
        redis.recv(100)
        if LEAK and requests % LEAK == 0:
            forgotten.append(redis)
        else:
            redis.close()
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("", 8003), Handler).serve_forever()
