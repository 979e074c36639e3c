#include "sidecar/options.hpp"

#include <sched.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <fstream>
#include <set>
#include <tuple>

#include "common/admin/server.hpp"
#include "common/cli/cli.hpp"
#include "common/cli/duration.hpp"
#include "common/log.hpp"
#include "common/metrics/series_limit.hpp"
#include "common/tls/client_context.hpp"

namespace steelyard {
namespace {

struct Text {  // the flags as they were typed
    std::string controller, role = "sidecar", admin = "127.0.0.1:9901", metrics, log_level = "info",
                            log_format = "text";
    std::vector<std::string> upstreams;
    std::string trusted_proxies;
    std::string proxy_from;
    std::optional<bool> request_id;
    std::string drain_delay = "1s", drain_timeout = "30s", connect_timeout = "2s", request_timeout = "10s",
                idle_timeout = "75s", response_timeout = "60s", stream_timeout = "60s", tunnel_timeout = "1h",
                udp_idle_timeout = "60s", capture_idle_timeout = "10m", eject_time = "1s";
    std::string access_log = "off", access_log_format = "json", access_log_sample = "1";
};

void declare(CLI::App& app, SidecarOptions& o, Text& t) {
    app.add_option("--controller", t.controller,
                   "URL of the controller's push listener: wss://HOST:PORT, or ws:// without TLS");
    app.add_option("--controller-ca", o.controller_ca_file,
                   "The CAs that the controller's certificate may be signed by")
        ->type_name("FILE");
    app.add_option("--controller-ca-pem", o.controller_ca_pem, "The same, as PEM text")->type_name("PEM");
    app.add_option("--token-file", o.token_file, "The token shown to the controller, read again for each connection")
        ->type_name("FILE");
    app.add_option("--config", o.config_file, "Instead of a controller: one snapshot as JSON")->type_name("FILE");
    app.add_option("--role", t.role, "sidecar (what --upstream names) or edge (everything)")->capture_default_str();
    app.add_option("--name", o.name, "This proxy's name, unique among proxies (default: host name and process id)");
    app.add_option("--node", o.node, "The node it runs on");
    app.add_option("--zone", o.zone, "The zone it runs in");
    app.add_option("--upstream", t.upstreams, "Local listener: [ADDRESS:]PORT[/udp]=SERVICE.NAMESPACE:PORT, repeatable")
        ->delimiter(',');
    app.add_option("--workers", o.workers, "Worker threads (default: the cores that the cgroup grants)")
        ->check(CLI::Range(1, 256));
    app.add_option("--admin-listen", t.admin, "ADDRESS:PORT of /healthz /readyz /metrics /config /upstreams /drain")
        ->capture_default_str();
    app.add_option("--metrics-listen", t.metrics,
                   "ADDRESS:PORT of /healthz /readyz /metrics alone, for others than this pod (default: none)");
    app.add_option("--capture-listen", o.capture_port,
                   "Loopback port that connections are redirected to (steelyard-capture); 0: none")
        ->check(CLI::Range(0, 65535))
        ->capture_default_str();
    app.add_option("--capture-idle-timeout", t.capture_idle_timeout,
                   "What was built for captured connections is given up after serving none for so long")
        ->capture_default_str();
    app.add_option("--state-dir", o.state_dir, "Where the last good configuration is kept")->type_name("DIR");
    app.add_option("--vip-config", o.vip_config,
                   "Role edge: written for steelyard-vip, what this node should do about virtual addresses")
        ->type_name("FILE");
    app.add_option("--vip-state", o.vip_state, "Role edge: written by steelyard-vip, what it does")->type_name("FILE");
    app.add_option("--max-connections", o.worker.max_sessions, "Client connections a worker serves at once")
        ->check(CLI::Range(1, 10'000'000))
        ->capture_default_str();
    app.add_option("--max-udp-sessions", o.worker.max_udp_sessions,
                   "UDP clients a worker serves at once; beyond it the one that was silent for the longest makes room")
        ->check(CLI::Range(1, 10'000'000))
        ->capture_default_str();
    app.add_option("--max-header-bytes", o.worker.limits.max_head_bytes, "Longest request or response head")
        ->check(CLI::Range(256, 16384))
        ->capture_default_str();
    app.add_option("--trusted-proxies", t.trusted_proxies,
                   "Networks whose X-Forwarded-*, Forwarded, X-Real-IP and X-Request-Id are kept and added to, "
                   "comma-separated; others' are dropped (default: none, not even loopback)")
        ->type_name("CIDR,...");
    app.add_option("--proxy-protocol-from", t.proxy_from,
                   "Networks whose connections have to begin with a PROXY header, comma-separated (default: none)")
        ->type_name("CIDR,...");
    app.add_option("--x-real-ip", o.worker.forwarding.real_ip, "Tell the endpoint who asked in X-Real-IP")
        ->capture_default_str();
    app.add_option("--forwarded", o.worker.forwarding.forwarded, "Tell it in Forwarded (RFC 7239) as well")
        ->capture_default_str();
    app.add_option("--request-id", t.request_id,
                   "Give a request without an X-Request-Id of a trusted peer a new one (default: for role edge)");
    app.add_option("--trace-context", o.worker.forwarding.trace_context,
                   "Give a request without a well-formed traceparent a new one")
        ->capture_default_str();
    app.add_option("--drain-delay", t.drain_delay, "After SIGTERM: goes on accepting this long, while /readyz says no")
        ->capture_default_str();
    app.add_option("--drain-timeout", t.drain_timeout, "After SIGTERM: what is still open after this is cut")
        ->capture_default_str();
    app.add_option("--connect-timeout", t.connect_timeout, "One try to reach one endpoint")->capture_default_str();
    app.add_option("--request-header-timeout", t.request_timeout, "From a request's first byte to the end of its head")
        ->capture_default_str();
    app.add_option("--idle-timeout", t.idle_timeout, "A client's connection between requests")->capture_default_str();
    app.add_option("--response-timeout", t.response_timeout, "From the request's end to the head of the answer")
        ->capture_default_str();
    app.add_option("--stream-timeout", t.stream_timeout, "No byte of a body in either direction")
        ->capture_default_str();
    app.add_option("--tunnel-timeout", t.tunnel_timeout, "No byte over a TCP or upgraded connection")
        ->capture_default_str();
    app.add_option("--eject-after", o.worker.hosts.ejection.after,
                   "An endpoint that has failed so often in a row is passed over for a while; 0: never")
        ->check(CLI::Range(0, 1'000'000))
        ->capture_default_str();
    app.add_option("--eject-time", t.eject_time, "For how long at first; then for twice as long each time, up to 30s")
        ->capture_default_str();
    app.add_option("--eject-percent", o.worker.hosts.ejection.max_percent,
                   "Never more than this share of an upstream's endpoints at a time")
        ->check(CLI::Range(0, 100))
        ->capture_default_str();
    app.add_option("--udp-idle-timeout", t.udp_idle_timeout, "No datagram of a UDP client in either direction")
        ->capture_default_str();
    app.add_option("--metrics-series-limit", o.metrics_series_limit, "The most series that /metrics shows")
        ->check(CLI::Range(metrics::SeriesLimit::kLeast, size_t{10'000'000}))
        ->capture_default_str();
    app.add_option("--access-log", t.access_log,
                   "A line for each request and connection: off, stdout, stderr or a FILE")
        ->capture_default_str();
    app.add_option("--access-log-format", t.access_log_format,
                   "json, or a text with %{FIELD}s, such as '%{client} %{path}'")
        ->capture_default_str();
    app.add_option("--access-log-sample", t.access_log_sample, "The share, 0 to 1, of what succeeds that is logged")
        ->capture_default_str();
    app.add_option("--log-level", t.log_level, "trace, debug, info, warn, error")->capture_default_str();
    app.add_option("--log-format", t.log_format, "text or json")->capture_default_str();
}

Result<void> read_durations(const Text& t, SidecarOptions& o) {
    auto& w = o.worker.timeouts;
    const std::vector<std::tuple<const char*, const std::string*, Milliseconds*>> all{
        {"--drain-delay", &t.drain_delay, &o.drain_delay},
        {"--drain-timeout", &t.drain_timeout, &o.drain_timeout},
        {"--connect-timeout", &t.connect_timeout, &w.connect},
        {"--request-header-timeout", &t.request_timeout, &w.request_head},
        {"--idle-timeout", &t.idle_timeout, &w.client_idle},
        {"--response-timeout", &t.response_timeout, &w.response_head},
        {"--stream-timeout", &t.stream_timeout, &w.stream_idle},
        {"--tunnel-timeout", &t.tunnel_timeout, &w.tunnel_idle},
        {"--udp-idle-timeout", &t.udp_idle_timeout, &w.udp_idle},
        {"--capture-idle-timeout", &t.capture_idle_timeout, &o.capture_idle_timeout},
        {"--eject-time", &t.eject_time, &o.worker.hosts.ejection.base}};
    for (const auto& [flag, text, value] : all) {
        const auto parsed = cli::parse_duration(*text);
        if (!parsed) return Error{flag, "'" + *text + "' is not a duration such as 500ms, 5s, 2m"};
        *value = *parsed;
    }
    return {};
}

std::string default_name() {
    char host[256] = "proxy";
    gethostname(host, sizeof(host) - 1);
    return std::string(host) + "-" + std::to_string(getpid());
}

// "fd00::7:9902", as $(POD_IP):9902 comes out, to "[fd00::7]:9902".
std::string with_brackets(const std::string& text) {
    const size_t last = text.rfind(':');
    if (text.starts_with('[') || last == text.find(':')) return text;
    return '[' + text.substr(0, last) + ']' + text.substr(last);
}

// A token goes to nobody but a controller that has proved who it is.
Result<void> check_security(const SidecarOptions& o) {
    const bool has_ca = !o.controller_ca_file.empty() || !o.controller_ca_pem.empty();
    if (o.controller->tls && !has_ca) {
        return Error{"--controller", "wss:// needs --controller-ca or --controller-ca-pem"};
    }
    if (!o.controller->tls && !o.token_file.empty()) return Error{"--token-file", "needs a --controller with wss://"};
    if (o.controller_ca_pem.empty()) return {};
    return tls::check_bundle({o.controller_ca_pem, "--controller-ca-pem"});
}

Result<void> check_edge(const SidecarOptions& o) {
    for (const auto& [flag, file] :
         {std::pair{"--vip-config", &o.vip_config}, std::pair{"--vip-state", &o.vip_state}}) {
        if (!file->empty() && o.role != push::Role::edge) return Error{flag, "belongs to role edge"};
    }
    // A node's priority is a hash of its name.
    if (!o.vip_config.empty() && o.node.empty()) return Error{"--vip-config", "needs --node"};
    return {};
}

Result<void> finish(const Text& t, SidecarOptions& o) {
    if (auto logging = log::init(t.log_level, t.log_format); !logging) return logging;
    if (t.controller.empty() == o.config_file.empty()) {
        return Error{"--controller, --config",
                     t.controller.empty() ? "one of them is needed" : "only one of them can be given"};
    }
    if (!t.controller.empty()) {
        auto url = config::parse_controller_url(t.controller);
        if (!url) return url.error();
        o.controller = *url;
        if (auto checked = check_security(o); !checked) return checked;
    }
    const auto role = push::parse_role(t.role);
    if (!role) return Error{"--role", "'" + t.role + "' is not one of sidecar, edge"};
    o.role = *role;
    auto trusted = http::Networks::parse(t.trusted_proxies, "--trusted-proxies");
    if (!trusted) return trusted.error();
    o.worker.forwarding.trusted = std::move(*trusted);
    auto proxy_from = http::Networks::parse(t.proxy_from, "--proxy-protocol-from");
    if (!proxy_from) return proxy_from.error();
    o.worker.proxy_from = std::move(*proxy_from);
    o.worker.forwarding.request_id = t.request_id.value_or(o.role == push::Role::edge);
    std::set<std::tuple<bool, std::string, uint16_t>> places;
    for (const auto& text : t.upstreams) {
        auto listener = parse_upstream_flag(text);
        if (!listener) return listener.error();
        if (listener->port != 0 && !places.emplace(listener->udp, listener->address, listener->port).second) {
            return Error{"--upstream", "'" + text + "': port " + std::to_string(listener->port) + " is given twice"};
        }
        listener->name = "upstream-" + std::to_string(o.listeners.size());
        o.listeners.push_back(*listener);
    }
    auto admin = admin::parse_listen(t.admin);
    if (!admin) return Error{"--admin-listen", admin.error().problem};
    std::tie(o.admin_ip, o.admin_port) = *admin;
    if (!t.metrics.empty()) {
        auto metrics = admin::parse_listen(with_brackets(t.metrics));
        if (!metrics) return Error{"--metrics-listen", metrics.error().problem};
        std::tie(o.metrics_ip, o.metrics_port) = *metrics;
    }
    if (o.capture_port != 0 && o.role == push::Role::edge) {
        return Error{"--capture-listen", "belongs to role sidecar: an edge has no application beside it"};
    }
    if (auto checked = check_edge(o); !checked) return checked;
    auto access_log = access_log::parse_options(t.access_log, t.access_log_format, t.access_log_sample);
    if (!access_log) return access_log.error();
    o.access_log = std::move(*access_log);
    if (o.name.empty()) o.name = default_name();
    return read_durations(t, o);
}

}  // namespace

Result<DeclaredListener> parse_upstream_flag(const std::string& text) {
    const auto bad = [&](const std::string& why) {
        return Error{"--upstream", "'" + text + "' is not [ADDRESS:]PORT[/udp]=SERVICE.NAMESPACE:PORT: " + why};
    };
    const size_t equals = text.find('=');
    if (equals == std::string::npos) return bad("there is no '='");
    std::string place = text.substr(0, equals);
    DeclaredListener listener;
    if (const size_t slash = place.find('/'); slash != std::string::npos) {
        const std::string transport = place.substr(slash + 1);
        if (transport != "udp" && transport != "tcp") return bad("'" + transport + "' is neither tcp nor udp");
        listener.udp = transport == "udp";
        place.resize(slash);
    }
    if (place.find(':') == std::string::npos) place.insert(0, "127.0.0.1:");
    const auto listen = admin::parse_listen(place);
    if (!listen) return bad(listen.error().problem);
    const std::string target = text.substr(equals + 1);
    const size_t dot = target.find('.');
    const size_t colon = target.rfind(':');
    if (dot == std::string::npos || colon == std::string::npos || dot == 0 || colon < dot + 2 ||
        colon + 1 == target.size()) {
        return bad("'" + target + "' lacks a service, a namespace or a port");
    }
    std::tie(listener.address, listener.port) = *listen;
    listener.upstream = target.substr(dot + 1, colon - dot - 1) + '/' + target.substr(0, dot) + target.substr(colon);
    return listener;
}

uint32_t granted_cores() {
    cpu_set_t set;
    CPU_ZERO(&set);
    const double affinity = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
    double quota = 0;
    double period = 0;
    std::string first;
    if (std::ifstream v2("/sys/fs/cgroup/cpu.max"); v2 >> first >> period && first != "max") quota = std::stod(first);
    if (quota <= 0) {
        std::ifstream("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") >> quota;
        std::ifstream("/sys/fs/cgroup/cpu/cpu.cfs_period_us") >> period;
    }
    const double granted = quota > 0 && period > 0 ? std::min(affinity, std::ceil(quota / period)) : affinity;
    return static_cast<uint32_t>(std::max(1.0, granted));
}

std::variant<SidecarOptions, int> parse_sidecar_options(int argc, const char* const* argv) {
    SidecarOptions options;
    options.workers = granted_cores();
    Text text;
    CLI::App app("The proxy that carries the traffic: takes its configuration from the controller and balances.",
                 "steelyard-sidecar");
    declare(app, options, text);
    if (const auto status = cli::parse(app, argc, argv)) return *status;
    if (auto checked = finish(text, options); !checked)
        return cli::usage_error(app.get_name(), checked.error().to_string());
    return options;
}

}  // namespace steelyard
