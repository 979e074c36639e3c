#pragma once
// The sidecar's /metrics: sums the workers' counters when scraped. The number of series is bounded by configuration: upstreams
// that a listener uses, at most `max_upstreams` of them by name; the rest is added up under upstream="(other)". Main thread.
#include <prometheus/collectable.h>

#include <cstddef>
#include <functional>
#include <vector>

#include "sidecar/config/client.hpp"
#include "sidecar/config/state_file.hpp"
#include "sidecar/health/prober.hpp"
#include "sidecar/runtime/runtime.hpp"

namespace steelyard {

class SidecarCollector final : public prometheus::Collectable {
public:
    struct Sources {
        const Runtime& runtime;
        const config::ConfigState& state;
        const health::Prober& prober;
        const config::ConfigClient* client;  // null with --config
        const config::StateWriter* writer;   // null without --state-dir
        const bool& draining;
    };
    explicit SidecarCollector(Sources sources, size_t max_upstreams = 1000)
        : sources_(sources), max_upstreams_(max_upstreams) {}

    std::vector<prometheus::MetricFamily> Collect() const override;

private:
    Sources sources_;
    size_t max_upstreams_;
};

}  // namespace steelyard
