"""Waiting for what will become true. Never a bare sleep: the condition says what the test is about."""
import time


def eventually(condition, timeout: float = 10.0, what: str = "", interval: float = 0.02):
    """Calls `condition` until it returns something true, and returns that. AssertionErrors from it count as "not yet"."""
    deadline = time.monotonic() + timeout
    last = None
    while True:
        try:
            last = condition()
            if last:
                return last
        except AssertionError as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what or condition}; last seen: {last!r}")
        time.sleep(interval)


def never(condition, during: float, what: str = "", interval: float = 0.05):
    """Asserts that `condition` stays false for `during` seconds."""
    deadline = time.monotonic() + during
    while time.monotonic() < deadline:
        seen = condition()
        assert not seen, f"{what or condition}: {seen!r}"
        time.sleep(interval)
