#pragma once
// Builds prometheus-cpp metric families at scrape time from figures kept elsewhere. Names and units follow Prometheus' conventions:
// base units, _total on counters.
#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/metrics/durations.hpp"

namespace steelyard::metrics {

using Labels = std::vector<std::pair<std::string, std::string>>;

class Family {
public:
    static Family counter(std::string name, std::string help) {
        return {std::move(name), std::move(help), prometheus::MetricType::Counter};
    }
    static Family gauge(std::string name, std::string help) {
        return {std::move(name), std::move(help), prometheus::MetricType::Gauge};
    }
    static Family histogram(std::string name, std::string help) {
        return {std::move(name), std::move(help), prometheus::MetricType::Histogram};
    }

    Family& add(double value, const Labels& labels = {});
    // cumulative_counts: one for each bound and the last for all; bounds and sum in the metric's unit.
    Family& add_histogram(const std::vector<double>& bounds, const std::vector<uint64_t>& cumulative_counts, double sum,
                          const Labels& labels);
    Family& add(const Durations& durations, const Labels& labels = {});
    // Adds it to `out`, unless it has no samples.
    void into(std::vector<prometheus::MetricFamily>& out) &&;

private:
    Family(std::string name, std::string help, prometheus::MetricType type);
    prometheus::MetricFamily family_;
};

// process_resident_memory_bytes, process_cpu_seconds_total, process_open_fds, process_max_fds, process_start_time_seconds,
// steelyard_build_info. `tables`: ids of threads that have a table of descriptors of their own, which counts as well (0: has none).
void add_process_metrics(const std::string& program, std::vector<prometheus::MetricFamily>& out,
                         const std::vector<int>& tables = {});

// The text format of everything the collectable has.
std::string to_text(const prometheus::Collectable& source);

}  // namespace steelyard::metrics
