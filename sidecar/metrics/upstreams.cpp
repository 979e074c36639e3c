#include "sidecar/metrics/upstreams.hpp"

#include "sidecar/upstream/ejection.hpp"
#include "sidecar/upstream/slow_start.hpp"

namespace steelyard {
namespace {

using metrics::Family;
using metrics::Labels;
using Families = std::vector<prometheus::MetricFamily>;

template <class F>
void per_upstream(Families& out, Family family, const UpstreamTable& table, F value_of) {
    for (const auto& [name, totals] : table) family.add(static_cast<double>(value_of(totals)), {{"upstream", name}});
    std::move(family).into(out);
}

void add_latency(Families& out, const UpstreamTable& table) {
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

void add_labelled(Families& out, const UpstreamTable& table) {
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

void add_probes(Families& out, const UpstreamTable& table) {
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
void add_udp(Families& out, const UpstreamTable& table) {
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

}  // namespace

void UpstreamTotals::add(const UpstreamCounters& c) {
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

void UpstreamTotals::add_hosts(const UpstreamSnapshot& snapshot) {
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

void UpstreamTotals::add_probes(const health::ProberStats& stats) {
    probes.ok += stats.ok;
    probes.failed += stats.failed;
    probes.inconclusive += stats.inconclusive;
    probes.went_up += stats.went_up;
    probes.went_down += stats.went_down;
}

void add_upstreams(Families& out, const UpstreamTable& table) {
    add_labelled(out, table);
    add_latency(out, table);
    add_probes(out, table);
    add_udp(out, table);
    per_upstream(out, Family::counter("steelyard_upstream_retries_total", "Tries after the first one of a request."),
                 table, [](const UpstreamTotals& t) { return t.retries; });
    per_upstream(out, Family::counter("steelyard_upstream_connects_total", "Connections begun to endpoints."), table,
                 [](const UpstreamTotals& t) { return t.connects; });
    per_upstream(out, Family::counter("steelyard_upstream_connect_failures_total", "Of these, refused or timed out."),
                 table, [](const UpstreamTotals& t) { return t.connect_failures; });
    per_upstream(
        out, Family::counter("steelyard_upstream_connections_reused_total", "Requests sent over a pooled connection."),
        table, [](const UpstreamTotals& t) { return t.reused; });
    per_upstream(out, Family::gauge("steelyard_upstream_connections_idle", "Connections in the pools."), table,
                 [](const UpstreamTotals& t) { return t.idle; });
    per_upstream(out, Family::gauge("steelyard_upstream_active", "Requests, TCP and upgraded connections under way."),
                 table, [](const UpstreamTotals& t) { return t.active; });
    per_upstream(out, Family::counter("steelyard_upstream_tunnels_total", "TCP and upgraded connections begun."), table,
                 [](const UpstreamTotals& t) { return t.sessions; });
    per_upstream(out, Family::counter("steelyard_upstream_sent_bytes_total", "Bytes sent to endpoints."), table,
                 [](const UpstreamTotals& t) { return t.to_upstream; });
    per_upstream(
        out, Family::counter("steelyard_upstream_received_bytes_total", "Bytes passed on from endpoints to clients."),
        table, [](const UpstreamTotals& t) { return t.to_client; });
    per_upstream(
        out,
        Family::counter("steelyard_upstream_drain_cuts_total", "Cut because an endpoint's drain time-out was over."),
        table, [](const UpstreamTotals& t) { return t.drain_cuts; });
    per_upstream(out,
                 Family::counter("steelyard_upstream_ejections_total",
                                 "Endpoints passed over for a while because they failed several times in a row."),
                 table, [](const UpstreamTotals& t) { return t.ejections; });
}

void EndpointFamilies::add(const std::string& upstream, const UpstreamSnapshot& snapshot) {
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

void EndpointFamilies::into(Families& out) {
    for (auto* family : {&requests_, &failures_, &active_, &weight_, &ready_}) std::move(*family).into(out);
}

}  // namespace steelyard
