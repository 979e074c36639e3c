#!/usr/bin/env python3
"""A backend that says its name, and a client that counts who answered.

    hello serve              on port 8080, until SIGTERM; it goes on answering for 3 s after that, as a careful server does
    hello ask URL [COUNT]    COUNT requests (100), then how many each backend answered and how many failed
    hello idle               nothing, until SIGTERM
"""
import collections
import http.server
import os
import signal
import sys
import threading
import time
import urllib.error
import urllib.request

NAME = f"{os.environ.get('VERSION', 'hello')} ({os.uname().nodename})"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body leave together: two small packets in a row would wait for each other's acknowledgement.
    wbufsize = -1

    def do_GET(self):
        body = f"{NAME}\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def serve():
    server = http.server.ThreadingHTTPServer(("", 8080), Handler)
    server.daemon_threads = True

    def stop(*_):
        threading.Timer(3, server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    server.serve_forever()


def ask(url, count):
    answers, failures = collections.Counter(), collections.Counter()
    for _ in range(count):
        try:
            with urllib.request.urlopen(url, timeout=10) as response:
                answers[response.read().decode().split()[0]] += 1
        except (urllib.error.URLError, OSError) as error:
            failures[str(error)] += 1
    for name, number in sorted(answers.items()):
        print(f"{number:>6}  {name}")
    print(f"{sum(failures.values()):>6}  failed", *(f"\n        {number} x {text}" for text, number in failures.items()))


def main():
    match sys.argv[1:]:
        case ["serve"]:
            serve()
        case ["ask", url, *count]:
            ask(url, int(count[0]) if count else 100)
        case ["idle"]:
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
            while True:
                time.sleep(3600)
        case _:
            print(__doc__, file=sys.stderr)
            sys.exit(2)


main()
