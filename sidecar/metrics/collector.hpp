#pragma once
// The sidecar's /metrics: sums the workers' counters when scraped. The number of series is bounded: upstreams that a listener
// uses, as many of them by name as the limit of series has room for (the rest is added up under upstream="(other)"), then as many
// of their endpoints as still fit. Main thread.
#include <prometheus/collectable.h>

#include <cstddef>
#include <functional>
#include <vector>

#include "common/metrics/series_limit.hpp"
#include "sidecar/access_log/access_log.hpp"
#include "sidecar/config/client.hpp"
#include "sidecar/config/state_file.hpp"
#include "sidecar/health/prober.hpp"
#include "sidecar/runtime/runtime.hpp"

namespace steelyard {

namespace edge {
class Agent;
}

class SidecarCollector final : public prometheus::Collectable {
public:
    struct Sources {
        const Runtime& runtime;
        const config::ConfigState& state;
        const health::Prober& prober;
        const config::ConfigClient* client;  // null with --config
        const config::StateWriter* writer;   // null without --state-dir
        const bool& draining;
        size_t max_connections;                   // of all workers
        const access_log::AccessLog* access_log;  // null: there is none
        const edge::Agent* edge = nullptr;        // null: not of role edge
    };
    explicit SidecarCollector(Sources sources, size_t series_limit = metrics::SeriesLimit::kDefault);

    std::vector<prometheus::MetricFamily> Collect() const override;

private:
    Sources sources_;
    size_t max_upstreams_;
    mutable metrics::SeriesLimit limit_;
};

}  // namespace steelyard
