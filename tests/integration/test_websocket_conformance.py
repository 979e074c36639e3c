"""The Autobahn cases for WebSockets, against a server directly and through the proxy: case by case the same verdict.

By default without the cases of compression, which take minutes, and those whose messages have more fragments than the server takes.
STEELYARD_WEBSOCKET_CASES=all runs all 517.
"""
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from harness.configured import ConfiguredSidecar

pytest.importorskip("websockets")
pytest.importorskip("kosoku")
from harness.websocket_echo import EchoServer  # noqa: E402

WHOLE = os.environ.get("STEELYARD_WEBSOCKET_CASES") == "all"
LEFT_OUT = () if WHOLE else ("12.*", "13.*", "9.3.1", "9.3.2", "9.4.1", "9.4.2")
# A frame that may or may not be echoed before a fault behind it is seen: both are passes.
ALIKE = {"NON-STRICT": "OK"}


def run(url: str, directory: Path) -> dict:
    """The verdict on each case: (its behaviour, how it was closed)."""
    excluded = [word for case in LEFT_OUT for word in ("-x", case)]
    # Its exit status tells of failures; servers are allowed some.
    subprocess.run([Path(sys.executable).parent / "kosoku", "-p", "4", *excluded, "-o", directory, url],
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=1200 if WHOLE else 120)
    (agent,) = json.loads((directory / "index.json").read_text()).values()
    return {case: (ALIKE.get(one["behavior"], one["behavior"]), one["behaviorClose"]) for case, one in agent.items()}


def test_the_proxy_changes_no_verdict(tmp_path, processes):
    echo = EchoServer(tmp_path)
    processes.append(echo)
    echo.start()
    proxy = ConfiguredSidecar(tmp_path, (echo.address, echo.port))
    processes.append(proxy)
    proxy.start().wait_answering()
    direct, proxied = {}, {}
    # Both at once: they wait more than they work.
    first = threading.Thread(target=lambda: direct.update(run(echo.url, tmp_path / "direct")))
    first.start()
    proxied.update(run(f"ws://127.0.0.1:{proxy.port}", tmp_path / "proxied"))
    first.join()
    assert len(proxied) >= (500 if WHOLE else 290)
    assert {case: (direct[case], proxied[case]) for case in direct if direct[case] != proxied.get(case)} == {}
    failed = [case for case, (behaviour, _) in proxied.items() if behaviour == "FAILED"]
    assert len(failed) <= 8, f"the server itself fails {failed}: nothing is shown"
