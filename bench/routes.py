"""Many routes: each proxy tells destinations apart by their address and has a backend ("upstream", "cluster") for each. All backends are
the few addresses of the one origin, so that nothing else is more than in the rows with one route."""

import ipaddress
import json
import os

import common
import peers

FIRST = ipaddress.IPv4Address("127.1.0.1")  # the following addresses are the other destinations'


def _join(pattern, count, separator="\n", **values):
    """The pattern for each route, with its number and its address."""
    return separator.join(pattern.format(i=i, address=FIRST + i, **values) for i in range(count))


def _haproxy(directory, port, origins, count):
    with open(os.path.join(directory, "routes.map"), "w") as table:
        table.write(_join("{address} route{i}", count) + "\n")
    servers = peers.each("    server s{i} {host}:{port} maxconn 9000 pool-max-conn -1 pool-purge-delay 60s", origins)
    config = peers.write_config("routes-haproxy.cfg", directory, "routes-haproxy.cfg", port=port, dir=directory,
                                routes=_join("backend route{i}\n{servers}", count, servers=servers))
    return [common.installed("haproxy", peers.DEBIAN), "-db", "-f", config]


_NGINX_ROUTE = """    upstream route{i} {{
{servers}
        keepalive 64;
        keepalive_requests 100000000;
    }}
    server {{
        listen {address}:{port} backlog=4096;
        location / {{
            proxy_pass http://route{i};
        }}
    }}"""


def _nginx(directory, port, origins, count):
    servers = peers.each("        server {host}:{port};", origins)
    config = peers.write_config("routes-nginx.conf", directory, "routes-nginx.conf", dir=directory,
                                routes=_join(_NGINX_ROUTE, count, port=port, servers=servers))
    return [common.installed("nginx", peers.DEBIAN), "-p", directory, "-c", config]


_ENVOY_CHAIN = """        - filter_chain_match:
            prefix_ranges: [{{address_prefix: {address}, prefix_len: 32}}]
          filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: bench
                codec_type: HTTP1
                use_remote_address: true
                generate_request_id: false
                route_config:
                  virtual_hosts:
                    - name: all
                      domains: ["*"]
                      routes:
                        - match: {{prefix: "/"}}
                          route: {{cluster: route{i}, timeout: 0s}}
                http_filters:
                  - name: envoy.filters.http.router
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
                      suppress_envoy_headers: true
                      dynamic_stats: false"""
_ENVOY_CLUSTER = """    - name: route{i}
      type: STATIC
      connect_timeout: 5s
      circuit_breakers:
        thresholds:
          - {{max_connections: 20000, max_pending_requests: 20000, max_requests: 20000}}
      load_assignment:
        cluster_name: route{i}
        endpoints:
          - lb_endpoints:
{servers}"""


def _envoy(directory, port, origins, count):
    servers = peers.each("              - endpoint: {{address: {{socket_address: {{address: {host}, port_value: {port}}}}}}}", origins)
    config = peers.write_config("routes-envoy.yaml", directory, "routes-envoy.yaml", port=port, chains=_join(_ENVOY_CHAIN, count),
                                clusters=_join(_ENVOY_CLUSTER, count, servers=servers))
    return [common.envoy(), "-c", config, "--concurrency", "1", "--disable-hot-restart", "--log-level", "error"]


_STEELYARD_ROUTE = """  {{"kind": "listener", "name": "route-{i}", "address": "{address}", "port": {port}, "protocol": "http", "upstream": "bench/route-{i}:http"}},
  {{"kind": "upstream", "name": "bench/route-{i}:http", "protocol": "http", "policy": {{"algorithm": "round-robin"}}}},
  {{"kind": "endpoints", "upstream": "bench/route-{i}:http", "slice": "route-{i}-1", "endpoints": {endpoints}}}"""


def _steelyard(directory, port, origins, count):
    endpoints = json.dumps([{"address": host, "port": origin} for host, origin in origins])
    config = peers.write_config("routes-steelyard.json", directory, "routes-steelyard.json",
                                routes=_join(_STEELYARD_ROUTE, count, ",\n", port=port, endpoints=endpoints))
    return [common.product("steelyard-sidecar"), "--config", config, "--workers", "1", "--admin-listen", "127.0.0.1:0",
            "--state-dir", os.path.join(directory, "state"), "--log-level", "warn"]


# Of those in peers.PROXIES the ones that can do it, by the same names.
PROXIES = {"steelyard": _steelyard, "nginx": _nginx, "haproxy": _haproxy, "envoy": _envoy}
