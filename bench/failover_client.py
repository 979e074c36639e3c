"""failover_client.py ADDRESS PORT OUTPUT [echo|http]: connects every 10 ms, sends a byte (or a request) and waits for an answer's first.

Attempts do not wait for each other. Each ends with a line in OUTPUT: when it began (s, CLOCK_MONOTONIC), how long it took (s), and "ok",
or what failed. An attempt that is not done after a second has failed: its first SYN, or what it sent, was lost. As a module it reads and
judges such a file. Standard library only."""

import collections
import heapq
import os
import selectors
import socket
import sys
import time

INTERVAL = 0.01
PATIENCE = 1.0
UNDER_WAY = 0.02  # how long before an event an attempt may have begun that it meets
MESSAGES = {"echo": b"?", "http": b"GET / HTTP/1.1\r\nHost: failover\r\n\r\n"}


class Attempt:
    def __init__(self, target, message, selector):
        self.message = message
        self.began = time.monotonic()
        self.done = False
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connected = False
        error = self.socket.connect_ex(target)
        self.failure = "" if error in (0, 115) else os.strerror(error)  # 115: EINPROGRESS
        selector.register(self.socket, selectors.EVENT_WRITE, self)

    def go_on(self, selector):
        """What the socket is ready for. True when the attempt is over."""
        try:
            if not self.connected:
                error = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if error:
                    raise OSError(error, os.strerror(error))
                self.connected = True
                self.socket.send(self.message)
                selector.modify(self.socket, selectors.EVENT_READ, self)
                return False
            if self.socket.recv(1) == b"":
                self.failure = "closed"
        except BlockingIOError:
            return False
        except OSError as error:
            self.failure = error.strerror or str(error)
        return True

    def end(self, selector, output, failure):
        selector.unregister(self.socket)
        self.socket.close()
        self.done = True
        output.write(f"{self.began:.4f} {time.monotonic() - self.began:.4f} {failure or 'ok'}\n")


def attempts(path):
    """[(began, took, failure or "")] in the order in which they began; a line that is still being written is left out."""
    with open(path) as lines:
        split = [line.rstrip("\n").split(" ", 2) for line in lines if line.endswith("\n")]
    return sorted((float(began), float(took), "" if result == "ok" else result) for began, took, result in split)


def judge(made, began, ended):
    """What happened at `began` was for the client, of whose attempts those count that began before `ended`."""
    # What is under way when something happens is a part of it; what is older and not done waits for something else.
    during = [each for each in made if began - UNDER_WAY <= each[0] < ended - UNDER_WAY]
    failed = [each for each in during if each[2] and each[0] + each[1] >= began]
    # The outage is over with the first success of an attempt that began after a failed one.
    after = [each[0] for each in during if failed and not each[2] and each[0] > failed[0][0]]
    return {
        "outage_ms": max(0, round(1000 * ((after[0] if after else ended) - max(began, failed[0][0])))) if failed else 0,
        "failed": len(failed),
        "failed_later_than_1s": sum(each[0] > began + 1 for each in failed),
        "last_failure_ms": round(1000 * (failed[-1][0] - began)) if failed else 0,
        "slowest_ms": round(1000 * max((each[1] for each in during if not each[2]), default=0)),
        "attempts": len(during),
        "reasons": dict(collections.Counter(each[2] for each in failed)),
    }


def main(address, port, path, message="echo"):
    target, selector, waiting = (address, int(port)), selectors.DefaultSelector(), []
    serial, due = 0, time.monotonic()
    with open(path, "w", buffering=1) as output:
        while True:
            now = time.monotonic()
            if now >= due:
                attempt, serial = Attempt(target, MESSAGES[message], selector), serial + 1
                due = max(due + INTERVAL, now - INTERVAL)  # who was kept from it does not catch up in a burst
                if attempt.failure:
                    attempt.end(selector, output, attempt.failure)
                else:
                    heapq.heappush(waiting, (attempt.began, serial, attempt))
            while waiting and (waiting[0][2].done or waiting[0][0] + PATIENCE < now):
                attempt = heapq.heappop(waiting)[2]
                if not attempt.done:
                    attempt.end(selector, output, "no connection" if not attempt.connected else "no answer")
            for key, _ in selector.select(max(0.0, due - time.monotonic())):
                if key.data.go_on(selector):
                    key.data.end(selector, output, key.data.failure)


if __name__ == "__main__":
    main(*sys.argv[1:])
