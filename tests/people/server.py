#!/usr/bin/python3
"""server.py PORT CERTIFICATE KEY FOLDER: an HTTPS server that does what the file FOLDER/mode says, and writes each request
as a line of JSON to FOLDER/requests: ok, fail (503), refuse (400), hang (answers after the client has gone), drop."""
import json
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

port, certificate, key, folder = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
lock = threading.Lock()
under_way = {}


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        mode = open(folder + "/mode", encoding="ascii").read().strip()
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with lock:
            under_way[self.path] = under_way.get(self.path, 0) + 1
            line = {
                "path": self.path,
                "mode": mode,
                "key": self.headers.get("Idempotency-Key"),
                "authorization": self.headers.get("Authorization"),
                "type": self.headers.get("Content-Type"),
                "under_way": under_way[self.path],
                "body": json.loads(body),
            }
            with open(folder + "/requests", "a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        if mode == "hang":
            # Until the client closes, or long after it should have.
            self.connection.settimeout(20)
            try:
                self.connection.recv(1)
            except OSError:
                pass
        with lock:
            under_way[self.path] -= 1
        if mode in ("hang", "drop"):
            self.close_connection = True
            return
        self.send_response({"ok": 200, "fail": 503, "refuse": 400}[mode])
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
