"""Fetches pictures from nginx into a file each. From the release with LEAK on, some files stay open."""
import http.client
import http.server
import os
import tempfile

LEAK = 0  # one request in so many; 0: none
unfinished = []
requests = 0


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        global requests
        requests += 1
        source = http.client.HTTPConnection(os.environ["DATABASE"], 80)
        source.request("GET", "/")
        picture = tempfile.TemporaryFile()
        picture.write(source.getresponse().read())
        source.close()
        if LEAK and requests % LEAK == 0:
            unfinished.append(picture)
        else:
            picture.close()
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("", 8004), Handler).serve_forever()
