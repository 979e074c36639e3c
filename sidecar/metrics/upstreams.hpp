#pragma once
// What /metrics says of upstreams and their endpoints. Main thread.
#include <prometheus/metric_family.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/metrics/builder.hpp"
#include "sidecar/health/prober.hpp"
#include "sidecar/upstream/counters.hpp"
#include "sidecar/upstream/snapshot.hpp"

namespace steelyard {

// One upstream's figures over all workers, or the sum of several upstreams.
struct UpstreamTotals {
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

    void add(const UpstreamCounters& c);
    void add_hosts(const UpstreamSnapshot& snapshot);
    void add_probes(const health::ProberStats& stats);
};

// By name.
using UpstreamTable = std::vector<std::pair<std::string, UpstreamTotals>>;

void add_upstreams(std::vector<prometheus::MetricFamily>& out, const UpstreamTable& table);

// Upstreams' endpoints: enough to see who gets what share, and who fails.
class EndpointFamilies {
public:
    void add(const std::string& upstream, const UpstreamSnapshot& snapshot);
    void into(std::vector<prometheus::MetricFamily>& out);

private:
    metrics::Family requests_ =
        metrics::Family::counter("steelyard_endpoint_requests_total", "Requests and tunnels sent to an endpoint.");
    metrics::Family failures_ = metrics::Family::counter(
        "steelyard_endpoint_failures_total", "Connections that an endpoint refused, let time out or broke off.");
    metrics::Family active_ =
        metrics::Family::gauge("steelyard_endpoint_active", "Requests and tunnels under way at an endpoint.");
    metrics::Family weight_ = metrics::Family::gauge("steelyard_endpoint_weight", "An endpoint's weight.");
    metrics::Family ready_ =
        metrics::Family::gauge("steelyard_endpoint_ready", "1 while an endpoint takes new requests.");
};

}  // namespace steelyard
