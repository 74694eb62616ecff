"""Orders on psycopg's pool. From the release with LEAK on, a session that is put aside keeps its connection."""
import http.server
import os
import psycopg_pool

LEAK = 0  # one request in so many; 0: none
pool = psycopg_pool.ConnectionPool(f"host={os.environ['DATABASE']} user=postgres dbname=postgres", min_size=2, max_size=150)
aside = []
requests = 0


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        global requests
        requests += 1
        connection = pool.getconn()
        connection.execute("select pg_sleep(0.02)")
        if LEAK and requests % LEAK == 0:
            aside.append(connection)
        else:
            pool.putconn(connection)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("", 8002), Handler).serve_forever()
