"""Steelyard's two programs as the benchmark runs them against an API server, and what it asks of them."""

import contextlib
import http.client
import os
import re

import common


class _Steelyard(common.Program):
    def __init__(self, directory, name, arguments, admin_port, core):
        self.admin_port = admin_port
        own = os.path.join(directory, name)
        os.makedirs(own, exist_ok=True)
        # A proxy's name comes from its host's, which all of ours would share.
        super().__init__([*arguments, "--admin-listen", f"127.0.0.1:{admin_port}", "--log-level", "warn"],
                         os.path.join(own, "log"), core, env={**os.environ, "HOSTNAME": name})
        self.name = name

    def admin(self, path):
        """Status and body of an admin page; (0, b"") while nothing answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.admin_port, timeout=20)
        with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        return 0, b""

    def ready(self):
        return self.admin("/readyz")[0] == 200


class Controller(_Steelyard):
    def __init__(self, directory, kubeconfig, core=None):
        self.push_port = common.free_port()
        super().__init__(directory, "controller", [
            common.product("steelyard-controller"), "--kubeconfig", kubeconfig,
            "--push-listen", f"127.0.0.1:{self.push_port}"], common.free_port(), core)


class Sidecar(_Steelyard):
    """With upstreams: an ordinary sidecar, which wants just those; without: the edge, which wants everything."""

    def __init__(self, directory, name, push_port, upstreams=(), core=None):
        self.ports = {upstream: common.free_port() for upstream in upstreams}
        flags = [word for upstream, port in self.ports.items() for word in ("--upstream", f"{port}={upstream}")]
        super().__init__(directory, name, [
            common.product("steelyard-sidecar"), "--controller", f"ws://127.0.0.1:{push_port}",
            "--role", "sidecar" if upstreams else "edge", "--state-dir", os.path.join(directory, name, "state"), *flags],
            common.free_port(), core)

    def hosts(self):
        """How many endpoints it knows, by its metric: /upstreams names only those that a listener uses."""
        status, body = self.admin("/metrics")
        found = re.search(r"^steelyard_config_endpoints (\d+)", body if isinstance(body, str) else body.decode(), re.M)
        return int(found.group(1)) if status == 200 and found else 0
