"""An HTTP server that stores what is posted to it once for each Idempotency-Key.

    server.py LOG

It takes any free port of 127.0.0.1, which is its line on standard output. LOG gets a line for each
request: `stored KEY BODY`, `repeated KEY BODY` (stored before), `refused KEY BODY` (400, of bodies
that begin with "bad"), `busy` (503) and `dropped`. As servers do, it fails now and then: every 20th
request is answered with 503, every 50th is stored and gets no answer.
"""

import itertools
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

requests = itertools.count(1)
stored = set()
lock = threading.Lock()
log = open(sys.argv[1], "a", buffering=1)


def store(key, body):
    with lock:
        print("repeated" if key in stored else "stored", key, body, file=log)
        stored.add(key)


def write_log(*words):
    with lock:
        print(*words, file=log)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # an answer in one packet

    def do_POST(self):
        key = self.headers["Idempotency-Key"]
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        number = next(requests)
        if number % 20 == 0:
            write_log("busy")
            self.answer(503)
        elif body.startswith("bad"):
            write_log("refused", key, body)
            self.answer(400)
        else:
            store(key, body)
            if number % 50 == 7:
                write_log("dropped")
                self.close_connection = True
            else:
                self.answer(200)

    def answer(self, status):
        self.send_response_only(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
