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


def addresses(port, count):
    """Where the origin is reached, `count` times: it listens on every address of the loopback network."""
    return [(f"127.0.{i // 250}.{i % 250 + 1}", port) for i in range(count)]


def each(line, origins):
    return "\n".join(line.format(host=host, port=port, i=i) for i, (host, port) in enumerate(origins))


def _proxy_config(template, directory, port, origins, server_line, separator="\n", **more):
    servers = each(server_line, origins).replace("\n", separator)
    return write_config(template, directory, os.path.basename(template), listen=f"127.0.0.1:{port}", servers=servers,
                        listen_host="127.0.0.1", listen_port=port, dir=directory, **more)


def _relay(_directory, port, origins):
    host, origin_port = origins[0]
    return [common.product("bench_relay"), f"127.0.0.1:{port}", f"{host}:{origin_port}"]


def _haproxy(template, options=""):
    def command(directory, port, origins):
        program = common.installed("haproxy", DEBIAN)
        line = "    server s{i} {host}:{port} maxconn 9000" + options
        return [program, "-db", "-f", _proxy_config(template, directory, port, origins, line)]
    return command


def _nginx(template):
    def command(directory, port, origins):
        program = common.installed("nginx", DEBIAN)
        return [program, "-p", directory, "-c", _proxy_config(template, directory, port, origins,
                                                              "        server {host}:{port};")]
    return command


def _envoy(template):
    def command(directory, port, origins):
        return _envoy_command(template, directory, port, origins)
    return command


def _envoy_command(template, directory, port, origins):
    line = "              - endpoint: {{address: {{socket_address: {{address: {host}, port_value: {port}}}}}}}"
    return [common.envoy(), "-c", _proxy_config(template, directory, port, origins, line), "--concurrency", "1",
            "--disable-hot-restart", "--log-level", "error"]


def _steelyard(protocol):
    def command(directory, port, origins):
        line = '    {{"address": "{host}", "port": {port}}}'
        config = _proxy_config("steelyard.json", directory, port, origins, line, separator=",\n", protocol=protocol)
        return [common.product("steelyard-sidecar"), "--config", config, "--workers", "1", "--admin-listen", "127.0.0.1:0",
                "--state-dir", os.path.join(directory, "state"), "--log-level", "warn"]
    return command


# In the order of a round. The ones with "tcp" in their name read no HTTP: they are compared with each other.
PROXIES = {
    "relay": _relay,
    "steelyard-tcp": _steelyard("tcp"),
    "haproxy-tcp": _haproxy("haproxy-tcp.cfg"),
    "steelyard": _steelyard("http"),
    "nginx": _nginx("nginx.conf"),
    "haproxy": _haproxy("haproxy.cfg", " pool-max-conn -1 pool-purge-delay 60s"),
    "envoy": _envoy("envoy.yaml"),
    "steelyard-udp": _steelyard("udp"),
    "nginx-udp": _nginx("nginx-udp.conf"),
    "envoy-udp": _envoy("envoy-udp.yaml"),
}


def start(name, directory, origins, core, command=None, host="127.0.0.1"):
    """The proxy, accepting connections at `host`; `command` makes its command line, the one for one route unless told otherwise. Raises
    CannotRun with the reason when it cannot be had or does not come up."""
    own = os.path.join(directory, name)
    os.makedirs(own)
    port = common.free_port()
    program = common.Program((command or PROXIES[name])(own, port, origins), os.path.join(own, "log"), core)
    program.port = port
    try:
        wait_for_port(program, name.endswith("-udp"), name, host)
    except common.CannotRun:
        program.stop()
        raise
    return program


def wait_for_port(program, udp, name, host="127.0.0.1"):
    """Until somebody listens there."""
    ready = (lambda: common.bound_udp(program.port)) if udp else (lambda: common.accepts(host, program.port))
    common.wait_for(ready, f"{name} listening", 10, program)


def _nginx_origin(own, port):
    bodies = os.path.join(own, "body")
    os.makedirs(bodies)
    for name, size in (("64k", 64 << 10), ("1m", 1 << 20)):
        with open(os.path.join(bodies, name), "w") as body:
            body.write("x" * size)
    config = write_config("origin.conf", own, "origin.conf", listen=f"0.0.0.0:{port}", dir=own, body="x" * 1024)
    return [common.installed("nginx", DEBIAN), "-p", own, "-c", config]


ORIGINS = {
    "nginx": _nginx_origin,                                                             # answers requests, mostly with 1 KiB
    "bench_origin": lambda _, port: [common.product("bench_origin"), f"0.0.0.0:{port}=done"],  # reads bodies before it answers
    **{name: lambda _, port, name=name: [common.product(name), "serve", f"0.0.0.0:{port}"]
       for name in ("bench_echo", "bench_tcp_bulk", "bench_udp_echo")},
}


def start_origin(kind, directory, core):
    own = os.path.join(directory, "origin")
    os.makedirs(own)
    port = common.free_port()
    program = common.Program(ORIGINS[kind](own, port), os.path.join(own, "log"), core)
    program.port = port
    wait_for_port(program, kind == "bench_udp_echo", "the origin")
    return program
