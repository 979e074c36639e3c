#pragma once
// A bound on what one scrape answers, so that a cluster that grows cannot drown its Prometheus. What goes first is what there is
// most of: the series of single endpoints (those with a label `address`), then those of single upstreams (label `upstream`); what
// describes the program itself is never left out. Objects go whole, with all their series, the last ones first: the same
// configuration always shows the same objects. Not thread-safe.
#include <prometheus/metric_family.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace steelyard::metrics {

class SeriesLimit {
public:
    static constexpr size_t kDefault = 50'000;
    static constexpr size_t kLeast = 1'000;  // what describes the program takes some hundred

    explicit SeriesLimit(size_t limit) : limit_(limit) {}

    // Leaves out what is too much, then adds steelyard_metrics_series (these included), _limit and _dropped_total.
    void apply(std::vector<prometheus::MetricFamily>& families);

private:
    size_t limit_;
    uint64_t dropped_ = 0;
};

// As a scrape counts: a histogram is its buckets, its sum and its count.
size_t count_series(const std::vector<prometheus::MetricFamily>& families);

}  // namespace steelyard::metrics
