#include "sidecar/metrics/collector.hpp"

#include <array>
#include <string>
#include <utility>

#include "common/metrics/builder.hpp"
#include "common/push/message.hpp"
#include "sidecar/metrics/content.hpp"
#include "sidecar/metrics/edge.hpp"
#include "sidecar/upstream/ejection.hpp"
#include "sidecar/upstream/slow_start.hpp"

namespace steelyard {
namespace {

using metrics::Family;
using metrics::Labels;
using Families = std::vector<prometheus::MetricFamily>;

// One upstream's figures over all workers, or the sum of several upstreams.
struct Totals {
    std::array<uint64_t, 6> responses{};
    std::array<uint64_t, static_cast<size_t>(Failure::kCount)> failures{};
    std::array<uint64_t, kLatencyBounds.size() + 1> buckets{};
    uint64_t sum_us = 0, retries = 0, connects = 0, connect_failures = 0, reused = 0, idle = 0, active = 0,
             sessions = 0;
    uint64_t to_client = 0, to_upstream = 0, drain_cuts = 0, ejections = 0;
    bool udp = false;
    uint64_t udp_sessions = 0, udp_active = 0, udp_evicted = 0, udp_to_upstream = 0, udp_to_client = 0;
    std::array<uint64_t, static_cast<size_t>(UdpDrop::kCount)> udp_drops{};
    std::array<uint64_t, 5> hosts{};  // ready, draining, down, weightless, ejected
    health::ProberStats probes;

    void add(const UpstreamCounters& c) {
        for (size_t i = 0; i < responses.size(); ++i) responses[i] += c.responses[i].get();
        for (size_t i = 0; i < failures.size(); ++i) failures[i] += c.failures[i].get();
        for (size_t i = 0; i < buckets.size(); ++i) buckets[i] += c.latency.buckets[i].get();
        sum_us += c.latency.sum_us.get();
        retries += c.retries.get();
        connects += c.connects.get();
        connect_failures += c.connect_failures.get();
        reused += c.reused.get();
        idle += c.idle_connections.get();
        active += c.active_connections.get();
        sessions += c.sessions.get();
        to_client += c.bytes_to_client.get();
        to_upstream += c.bytes_to_upstream.get();
        drain_cuts += c.drain_cuts.get();
        ejections += c.ejections.get();
        udp_sessions += c.udp.sessions.get();
        udp_active += c.udp.active.get();
        udp_evicted += c.udp.evicted.get();
        udp_to_upstream += c.udp.to_upstream.get();
        udp_to_client += c.udp.to_client.get();
        for (size_t i = 0; i < udp_drops.size(); ++i) udp_drops[i] += c.udp.drops[i].get();
    }
    void add_hosts(const UpstreamSnapshot& snapshot) {
        const int64_t now = steady_ms(Clock::now());
        for (const auto& host : snapshot.hosts) {
            const size_t state = host.draining                 ? 1
                                 : !host.host->usable()        ? 2
                                 : host.weight == 0            ? 3
                                 : is_ejected(*host.host, now) ? 4
                                                               : 0;
            ++hosts[state];
        }
    }
};

using Table = std::vector<std::pair<std::string, Totals>>;

template <class F>
void per_upstream(Families& out, Family family, const Table& table, F value_of) {
    for (const auto& [name, totals] : table) family.add(static_cast<double>(value_of(totals)), {{"upstream", name}});
    std::move(family).into(out);
}

void add_latency(Families& out, const Table& table) {
    auto family = Family::histogram("steelyard_upstream_request_duration_seconds",
                                    "From a request's head to the last byte of its answer, as the client is served.");
    std::vector<double> bounds;
    for (const uint32_t us : kLatencyBounds) bounds.push_back(us / 1e6);
    for (const auto& [name, totals] : table) {
        std::vector<uint64_t> cumulative;
        uint64_t sum = 0;
        for (const uint64_t count : totals.buckets) cumulative.push_back(sum += count);
        family.add_histogram(bounds, cumulative, static_cast<double>(totals.sum_us) / 1e6, {{"upstream", name}});
    }
    std::move(family).into(out);
}

void add_labelled(Families& out, const Table& table) {
    auto responses =
        Family::counter("steelyard_upstream_requests_total", "Requests answered, by the answer's status class.");
    auto failures = Family::counter("steelyard_upstream_failures_total",
                                    "Requests and connections that the proxy answered itself or broke off, by reason.");
    auto hosts = Family::gauge("steelyard_upstream_hosts", "Endpoints by state: ready takes new requests.");
    static constexpr std::array<const char*, 5> kStates{"ready", "draining", "down", "weightless", "ejected"};
    for (const auto& [name, totals] : table) {
        for (size_t i = 1; i < totals.responses.size(); ++i) {
            responses.add(static_cast<double>(totals.responses[i]),
                          {{"upstream", name}, {"code", std::to_string(i) + "xx"}});
        }
        for (size_t i = 0; i < totals.failures.size(); ++i) {
            failures.add(static_cast<double>(totals.failures[i]),
                         {{"upstream", name}, {"reason", to_string(static_cast<Failure>(i))}});
        }
        for (size_t i = 0; i < kStates.size(); ++i) {
            hosts.add(static_cast<double>(totals.hosts[i]), {{"upstream", name}, {"state", kStates[i]}});
        }
    }
    std::move(responses).into(out);
    std::move(failures).into(out);
    std::move(hosts).into(out);
}

void add_probes(Families& out, const Table& table) {
    auto probes = Family::counter("steelyard_health_checks_total", "Active health checks, by result.");
    auto transitions =
        Family::counter("steelyard_health_transitions_total", "Endpoints that active checks found to be up or down.");
    for (const auto& [name, totals] : table) {
        probes.add(static_cast<double>(totals.probes.ok), {{"upstream", name}, {"result", "ok"}});
        probes.add(static_cast<double>(totals.probes.failed), {{"upstream", name}, {"result", "failed"}});
        probes.add(static_cast<double>(totals.probes.inconclusive), {{"upstream", name}, {"result", "inconclusive"}});
        transitions.add(static_cast<double>(totals.probes.went_up), {{"upstream", name}, {"to", "up"}});
        transitions.add(static_cast<double>(totals.probes.went_down), {{"upstream", name}, {"to", "down"}});
    }
    std::move(probes).into(out);
    std::move(transitions).into(out);
}

// Only of upstreams of UDP.
void add_udp(Families& out, const Table& table) {
    auto sessions = Family::counter("steelyard_upstream_udp_sessions_total", "UDP sessions begun.");
    auto active = Family::gauge("steelyard_upstream_udp_sessions", "UDP sessions open.");
    auto evicted = Family::counter("steelyard_upstream_udp_evicted_total",
                                   "UDP sessions that made room for other clients: --max-udp-sessions is reached.");
    auto datagrams = Family::counter("steelyard_upstream_udp_datagrams_total", "Datagrams passed on.");
    auto drops = Family::counter("steelyard_upstream_udp_dropped_total", "Datagrams not passed on, by reason.");
    for (const auto& [name, totals] : table) {
        if (!totals.udp) continue;
        sessions.add(static_cast<double>(totals.udp_sessions), {{"upstream", name}});
        active.add(static_cast<double>(totals.udp_active), {{"upstream", name}});
        evicted.add(static_cast<double>(totals.udp_evicted), {{"upstream", name}});
        datagrams.add(static_cast<double>(totals.udp_to_upstream), {{"upstream", name}, {"to", "endpoint"}});
        datagrams.add(static_cast<double>(totals.udp_to_client), {{"upstream", name}, {"to", "client"}});
        for (size_t i = 0; i < totals.udp_drops.size(); ++i) {
            drops.add(static_cast<double>(totals.udp_drops[i]),
                      {{"upstream", name}, {"reason", to_string(static_cast<UdpDrop>(i))}});
        }
    }
    for (auto* family : {&sessions, &active, &evicted, &datagrams, &drops}) std::move(*family).into(out);
}

void add_upstreams(Families& out, const Table& table) {
    add_labelled(out, table);
    add_latency(out, table);
    add_probes(out, table);
    add_udp(out, table);
    per_upstream(out, Family::counter("steelyard_upstream_retries_total", "Tries after the first one of a request."),
                 table, [](const Totals& t) { return t.retries; });
    per_upstream(out, Family::counter("steelyard_upstream_connects_total", "Connections begun to endpoints."), table,
                 [](const Totals& t) { return t.connects; });
    per_upstream(out, Family::counter("steelyard_upstream_connect_failures_total", "Of these, refused or timed out."),
                 table, [](const Totals& t) { return t.connect_failures; });
    per_upstream(
        out, Family::counter("steelyard_upstream_connections_reused_total", "Requests sent over a pooled connection."),
        table, [](const Totals& t) { return t.reused; });
    per_upstream(out, Family::gauge("steelyard_upstream_connections_idle", "Connections in the pools."), table,
                 [](const Totals& t) { return t.idle; });
    per_upstream(out, Family::gauge("steelyard_upstream_active", "Requests, TCP and upgraded connections under way."),
                 table, [](const Totals& t) { return t.active; });
    per_upstream(out, Family::counter("steelyard_upstream_tunnels_total", "TCP and upgraded connections begun."), table,
                 [](const Totals& t) { return t.sessions; });
    per_upstream(out, Family::counter("steelyard_upstream_sent_bytes_total", "Bytes sent to endpoints."), table,
                 [](const Totals& t) { return t.to_upstream; });
    per_upstream(
        out, Family::counter("steelyard_upstream_received_bytes_total", "Bytes passed on from endpoints to clients."),
        table, [](const Totals& t) { return t.to_client; });
    per_upstream(
        out,
        Family::counter("steelyard_upstream_drain_cuts_total", "Cut because an endpoint's drain time-out was over."),
        table, [](const Totals& t) { return t.drain_cuts; });
    per_upstream(out,
                 Family::counter("steelyard_upstream_ejections_total",
                                 "Endpoints passed over for a while because they failed several times in a row."),
                 table, [](const Totals& t) { return t.ejections; });
}

// One upstream's endpoints: enough to see who gets what share, and who fails.
class EndpointFamilies {
public:
    void add(const std::string& upstream, const UpstreamSnapshot& snapshot) {
        for (const auto& one : snapshot.hosts) {
            const Host& host = *one.host;
            const Labels labels{{"upstream", upstream}, {"address", host.id()}};
            requests_.add(static_cast<double>(host.requests.load(std::memory_order_relaxed)), labels);
            failures_.add(static_cast<double>(host.failures.load(std::memory_order_relaxed)), labels);
            active_.add(host.active.load(std::memory_order_relaxed), labels);
            weight_.add(one.weight, labels);
            ready_.add(!one.draining && host.usable() && one.weight != 0, labels);
        }
    }
    void into(Families& out) {
        for (auto* family : {&requests_, &failures_, &active_, &weight_, &ready_}) std::move(*family).into(out);
    }

private:
    Family requests_ =
        Family::counter("steelyard_endpoint_requests_total", "Requests and tunnels sent to an endpoint.");
    Family failures_ = Family::counter("steelyard_endpoint_failures_total",
                                       "Connections that an endpoint refused, let time out or broke off.");
    Family active_ = Family::gauge("steelyard_endpoint_active", "Requests and tunnels under way at an endpoint.");
    Family weight_ = Family::gauge("steelyard_endpoint_weight", "An endpoint's weight.");
    Family ready_ = Family::gauge("steelyard_endpoint_ready", "1 while an endpoint takes new requests.");
};

void add_workers(Families& out, const Runtime& runtime) {
    auto accepted = Family::counter("steelyard_client_connections_total", "Client connections accepted.");
    auto open = Family::gauge("steelyard_client_connections", "Client connections open.");
    auto requests = Family::counter("steelyard_http_requests_total", "HTTP requests begun.");
    auto refused =
        Family::counter("steelyard_client_connections_refused_total", "Client connections closed unserved, by reason.");
    auto faults =
        Family::counter("steelyard_http_malformed_requests_total", "Requests refused as malformed, by fault.");
    auto timeouts = Family::counter("steelyard_client_timeouts_total", "Clients that were too slow.");
    for (size_t i = 0; i < runtime.workers().size(); ++i) {
        const auto& c = runtime.workers()[i]->counters();
        const Labels worker{{"worker", std::to_string(i)}};
        accepted.add(static_cast<double>(c.accepted.get()), worker);
        open.add(static_cast<double>(c.sessions.get()), worker);
        requests.add(static_cast<double>(c.http_requests.get()), worker);
        timeouts.add(static_cast<double>(c.timeouts.get()), worker);
    }
    uint64_t over_limit = 0;
    uint64_t outside = 0;
    uint64_t errors = 0;
    std::array<uint64_t, kFaults> by_fault{};
    for (const auto& worker : runtime.workers()) {
        over_limit += worker->counters().refused_limit.get();
        outside += worker->counters().refused_source.get();
        errors += worker->counters().accept_errors.get();
        for (size_t i = 0; i < kFaults; ++i) by_fault[i] += worker->counters().faults[i].get();
    }
    refused.add(static_cast<double>(over_limit), {{"reason", "max_connections"}});
    refused.add(static_cast<double>(outside), {{"reason", "source_range"}});
    refused.add(static_cast<double>(errors), {{"reason", "accept_error"}});
    for (size_t i = 1; i < kFaults; ++i) {
        faults.add(static_cast<double>(by_fault[i]),
                   {{"fault", std::string(http::to_string(static_cast<http::Fault>(i)))}});
    }
    for (auto* family : {&accepted, &open, &requests, &refused, &faults, &timeouts}) std::move(*family).into(out);
}

void add_proxy_protocol(Families& out, const Runtime& runtime) {
    uint64_t taken = 0;
    std::array<uint64_t, static_cast<size_t>(proxy_protocol::Fault::kCount)> faults{};
    for (const auto& worker : runtime.workers()) {
        taken += worker->counters().proxy_headers.get();
        for (size_t i = 0; i < faults.size(); ++i) faults[i] += worker->counters().proxy_faults[i].get();
    }
    auto headers = Family::counter("steelyard_proxy_protocol_headers_total",
                                   "Connections that began with a PROXY header, as they had to.");
    headers.add(static_cast<double>(taken), {});
    auto refused = Family::counter("steelyard_proxy_protocol_refused_total",
                                   "Connections closed because of their PROXY header, by what was wrong with it.");
    for (size_t i = 1; i < faults.size(); ++i) {
        refused.add(static_cast<double>(faults[i]),
                    {{"reason", proxy_protocol::to_string(static_cast<proxy_protocol::Fault>(i))}});
    }
    std::move(headers).into(out);
    std::move(refused).into(out);
}

void add_capture(Families& out, const Runtime& runtime) {
    uint64_t balanced = 0, passed = 0, refused = 0, waiting = 0, failures = 0;
    for (const auto& worker : runtime.workers()) {
        const WorkerCounters& c = worker->counters();
        balanced += c.capture_balanced.get();
        passed += c.capture_passthrough.get();
        refused += c.capture_refused.get();
        waiting += c.capture_waiting.get();
        failures += c.passthrough_failures.get();
    }
    auto connections = Family::counter("steelyard_capture_connections_total",
                                       "Connections redirected to the proxy, by what became of them.");
    connections.add(static_cast<double>(balanced), {{"outcome", "balanced"}});
    connections.add(static_cast<double>(passed), {{"outcome", "passthrough"}});
    connections.add(static_cast<double>(refused), {{"outcome", "refused"}});
    auto failed = Family::counter("steelyard_capture_passthrough_failures_total",
                                  "Of those passed through, the destination did not take them.");
    failed.add(static_cast<double>(failures), {});
    auto waits = Family::gauge("steelyard_capture_waiting", "Captured connections whose upstream is being built.");
    waits.add(static_cast<double>(waiting), {});
    auto addresses = Family::gauge("steelyard_capture_addresses", "Services' addresses and ports that are balanced.");
    addresses.add(static_cast<double>(runtime.capture().table()->size()), {});
    auto upstreams = Family::gauge("steelyard_capture_upstreams", "Upstreams in use by captured connections.");
    upstreams.add(static_cast<double>(runtime.capture().demanded().size()), {});
    for (auto* family : {&connections, &failed, &waits, &addresses, &upstreams}) std::move(*family).into(out);
}

void add_single(Families& out, Family family, double value, const Labels& labels = {}) {
    family.add(value, labels);
    std::move(family).into(out);
}

void add_config(Families& out, const SidecarCollector::Sources& sources) {
    add_single(out, Family::gauge("steelyard_draining", "1 once the process was told to go."),
               sources.draining ? 1 : 0);
    add_single(out, Family::gauge("steelyard_config_endpoints", "Endpoints in the configuration in force."),
               static_cast<double>(sources.state.endpoint_count()));
    add_single(
        out, Family::gauge("steelyard_client_connections_limit", "The most client connections that all workers serve."),
        static_cast<double>(sources.max_connections));
    const auto version = push::Version::parse(sources.state.version());
    add_single(out,
               Family::gauge("steelyard_config_version",
                             "The counter of the version in force; 0 before the first and with --config."),
               version ? static_cast<double>(version->counter) : 0);
    add_single(out, Family::gauge("steelyard_listeners", "Listeners that are open."),
               static_cast<double>(sources.runtime.listeners().size()));
    add_single(out, Family::counter("steelyard_listener_failures_total", "Pushed listeners that could not be opened."),
               static_cast<double>(sources.runtime.listener_failures()));
    if (sources.writer != nullptr) {
        const auto stats = sources.writer->stats();
        add_single(out, Family::counter("steelyard_state_writes_total", "Times the last good configuration was saved."),
                   static_cast<double>(stats.writes));
        add_single(out, Family::counter("steelyard_state_write_failures_total", "Times saving it failed."),
                   static_cast<double>(stats.failures));
    }
    if (sources.client == nullptr) return;
    const auto stats = sources.client->stats();
    add_single(out, Family::gauge("steelyard_controller_connected", "1 while connected to the controller."),
               stats.connected);
    add_single(out, Family::gauge("steelyard_config_in_sync", "1 while what is in force is what the controller has."),
               stats.in_sync);
    add_single(out,
               Family::gauge("steelyard_config_age_seconds", "Since the controller was last heard; 0 while in sync."),
               stats.config_age_seconds);
    add_single(out, Family::gauge("steelyard_config_last_change_timestamp_seconds", "When the last push was applied."),
               static_cast<double>(stats.last_change_unix_ms) / 1e3);
    add_single(out, Family::gauge("steelyard_config_last_apply_seconds", "How long applying the last push took."),
               stats.last_apply_seconds);
    auto pushes =
        Family::counter("steelyard_config_pushes_total", "Frames from the controller, by what became of them.");
    pushes.add(static_cast<double>(stats.snapshots), {{"result", "snapshot"}});
    pushes.add(static_cast<double>(stats.deltas), {{"result", "delta"}});
    pushes.add(static_cast<double>(stats.nacks), {{"result", "nack"}});
    std::move(pushes).into(out);
    add_single(out, Family::counter("steelyard_config_received_bytes_total", "Bytes of frames from the controller."),
               static_cast<double>(stats.bytes));
    add_single(out,
               Family::counter("steelyard_controller_disconnects_total", "Connections to the controller that ended."),
               static_cast<double>(stats.disconnects));
    add_single(out, Family::counter("steelyard_controller_connects_total", "Connections made to the controller."),
               static_cast<double>(stats.connects));
    add_single(
        out,
        Family::counter("steelyard_controller_name_in_use_total", "Times the controller refused this proxy's name."),
        static_cast<double>(stats.name_in_use));
}

void add_access_log(Families& out, const access_log::AccessLog::Stats& stats) {
    add_single(out, Family::counter("steelyard_access_log_lines_total", "Lines of the access log that were written."),
               static_cast<double>(stats.lines));
    auto dropped = Family::counter("steelyard_access_log_dropped_total", "Lines of the access log that were lost.");
    dropped.add(static_cast<double>(stats.dropped_full), {{"reason", "full"}});
    dropped.add(static_cast<double>(stats.dropped_error), {{"reason", "error"}});
    std::move(dropped).into(out);
    add_single(out, Family::counter("steelyard_access_log_write_errors_total", "Writes to the access log that failed."),
               static_cast<double>(stats.errors));
}

// Of a name: 49 today, and 13 more of one of UDP, with room for what comes. What is about no upstream takes less than `kProgramSeries`.
constexpr size_t kUpstreamSeries = 80;
constexpr size_t kProgramSeries = 500;

}  // namespace

SidecarCollector::SidecarCollector(Sources sources, size_t series_limit)
    : sources_(sources),
      max_upstreams_(
          series_limit < kProgramSeries + kUpstreamSeries ? 0 : (series_limit - kProgramSeries) / kUpstreamSeries),
      limit_(series_limit) {}

std::vector<prometheus::MetricFamily> SidecarCollector::Collect() const {
    Families out;
    Table table;
    Totals other;
    EndpointFamilies endpoints;
    size_t others = 0;
    const auto probes = sources_.prober.stats();
    for (const auto& [name, snapshot] : sources_.runtime.upstreams()) {
        Totals* totals = &other;
        if (table.size() < max_upstreams_) {
            totals = &table.emplace_back(name, Totals{}).second;
            endpoints.add(name, *snapshot);
        } else {
            ++others;
        }
        for (size_t i = 0; i < snapshot->stats->workers(); ++i) totals->add(snapshot->stats->worker(i));
        totals->udp = totals->udp || snapshot->protocol == config::Protocol::udp;
        totals->add_hosts(*snapshot);
        if (const auto found = probes.find(name); found != probes.end()) {
            totals->probes.ok += found->second.ok;
            totals->probes.failed += found->second.failed;
            totals->probes.inconclusive += found->second.inconclusive;
            totals->probes.went_up += found->second.went_up;
            totals->probes.went_down += found->second.went_down;
        }
    }
    if (others != 0) table.emplace_back("(other)", other);
    add_upstreams(out, table);
    endpoints.into(out);
    add_content(out, sources_.runtime, max_upstreams_);
    add_single(out,
               Family::gauge("steelyard_metrics_unnamed_upstreams",
                             "Upstreams added up as (other): the limit of series is reached."),
               static_cast<double>(others));
    add_workers(out, sources_.runtime);
    add_proxy_protocol(out, sources_.runtime);
    if (sources_.runtime.capture_options().port != 0) add_capture(out, sources_.runtime);
    add_config(out, sources_);
    if (sources_.edge != nullptr) add_edge(out, sources_.runtime, *sources_.edge);
    if (sources_.access_log != nullptr) add_access_log(out, sources_.access_log->stats());
    std::vector<int> tables;
    for (const auto& worker : sources_.runtime.workers()) tables.push_back(worker->descriptor_table());
    metrics::add_process_metrics("steelyard-sidecar", out, tables);
    limit_.apply(out);
    return out;
}

}  // namespace steelyard
