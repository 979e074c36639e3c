"""The proxies that are measured side by side and the origin behind them: how each is configured and started."""

import os

import common

HERE = os.path.join(common.ROOT, "bench", "peers")
DEBIAN = "a Debian package of that name"


def write_config(template, directory, name, **values):
    """Fills a template's @KEY@ places and writes the result; returns its path."""
    with open(os.path.join(HERE, template)) as source:
        text = source.read()
    for key, value in values.items():
        text = text.replace(f"@{key.upper()}@", str(value))
    path = os.path.join(directory, name)
    with open(path, "w") as target:
        target.write(text)
    return path


def _proxy_config(template, directory, port, origin_port, **more):
    return write_config(template, directory, os.path.basename(template), listen=f"127.0.0.1:{port}",
                        origin=f"127.0.0.1:{origin_port}", listen_host="127.0.0.1", listen_port=port,
                        origin_host="127.0.0.1", origin_port=origin_port, dir=directory, **more)


def _relay(directory, port, origin_port):
    return [common.product("bench_relay"), f"127.0.0.1:{port}", f"127.0.0.1:{origin_port}"]


def _haproxy(template):
    def command(directory, port, origin_port):
        program = common.installed("haproxy", DEBIAN)
        return [program, "-db", "-f", _proxy_config(template, directory, port, origin_port)]
    return command


def _nginx(directory, port, origin_port):
    program = common.installed("nginx", DEBIAN)
    return [program, "-p", directory, "-c", _proxy_config("nginx.conf", directory, port, origin_port)]


def _envoy(directory, port, origin_port):
    return [common.envoy(), "-c", _proxy_config("envoy.yaml", directory, port, origin_port), "--concurrency", "1",
            "--disable-hot-restart", "--log-level", "error"]


def _steelyard(protocol):
    def command(directory, port, origin_port):
        config = _proxy_config("steelyard.json", directory, port, origin_port, protocol=protocol)
        return [common.product("steelyard-sidecar"), "--config", config, "--workers", "1", "--admin-listen", "127.0.0.1:0",
                "--state-dir", os.path.join(directory, "state"), "--log-level", "warn"]
    return command


# In the order of a round. The ones with "tcp" in their name read no HTTP: they are compared with each other.
PROXIES = {
    "relay": _relay,
    "steelyard-tcp": _steelyard("tcp"),
    "haproxy-tcp": _haproxy("haproxy-tcp.cfg"),
    "steelyard": _steelyard("http"),
    "nginx": _nginx,
    "haproxy": _haproxy("haproxy.cfg"),
    "envoy": _envoy,
}


def start(name, directory, origin_port, core):
    """The proxy, accepting connections. Raises CannotRun with the reason when it cannot be had or does not come up."""
    own = os.path.join(directory, name)
    os.makedirs(own)
    port = common.free_port()
    program = common.Program(PROXIES[name](own, port, origin_port), os.path.join(own, "log"), core)
    program.port = port
    try:
        common.wait_for(lambda: common.accepts("127.0.0.1", port), f"{name} accepting connections", 10, program)
    except common.CannotRun:
        program.stop()
        raise
    return program


def start_origin(directory, core, body_bytes=1024):
    """nginx answering every request with `body_bytes` bytes."""
    own = os.path.join(directory, "origin")
    os.makedirs(own)
    port = common.free_port()
    nginx = common.installed("nginx", DEBIAN)
    config = write_config("origin.conf", own, "origin.conf", listen=f"127.0.0.1:{port}", dir=own, body="x" * body_bytes)
    program = common.Program([nginx, "-p", own, "-c", config], os.path.join(own, "log"), core)
    program.port = port
    common.wait_for(lambda: common.accepts("127.0.0.1", port), "the origin accepting connections", 10, program)
    return program
