#include "common/metrics/series_limit.hpp"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>

#include "common/metrics/builder.hpp"

namespace steelyard::metrics {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;

constexpr size_t kOwnSeries = 3;  // that apply() adds

size_t series_of(const ClientMetric& metric, prometheus::MetricType type) {
    return type == prometheus::MetricType::Histogram ? metric.histogram.bucket.size() + 2 : 1;
}

enum class Detail { program, upstream, endpoint };

// What a series is about. `name` tells its object from others of the same detail.
Detail detail_of(const ClientMetric& metric, std::string& name) {
    name.clear();
    Detail detail = Detail::program;
    for (const auto& label : metric.label) {
        if (label.name != "upstream" && label.name != "address") continue;
        detail = std::max(detail, label.name == "address" ? Detail::endpoint : Detail::upstream);
        name.append(label.value).push_back('\n');
    }
    return detail;
}

struct Objects {
    std::unordered_map<std::string, size_t> index;  // into series
    std::vector<size_t> series;                     // of each object, in the order of their appearance
};

Objects objects_of(const std::vector<MetricFamily>& families, Detail detail) {
    Objects result;
    std::string name;
    for (const auto& family : families) {
        for (const auto& metric : family.metric) {
            if (detail_of(metric, name) != detail) continue;
            const auto [place, is_new] = result.index.emplace(name, result.series.size());
            if (is_new) result.series.push_back(0);
            result.series[place->second] += series_of(metric, family.type);
        }
    }
    return result;
}

// Removes objects of this detail until `excess` series less are left, or none of them. Returns how many series went.
size_t drop(std::vector<MetricFamily>& families, Detail detail, size_t excess) {
    const Objects objects = objects_of(families, detail);
    size_t keep = objects.series.size();
    size_t dropped = 0;
    while (keep > 0 && dropped < excess) dropped += objects.series[--keep];
    std::string name;
    for (auto& family : families) {
        std::erase_if(family.metric, [&](const ClientMetric& metric) {
            return detail_of(metric, name) == detail && objects.index.at(name) >= keep;
        });
    }
    std::erase_if(families, [](const MetricFamily& family) { return family.metric.empty(); });
    return dropped;
}

}  // namespace

size_t count_series(const std::vector<MetricFamily>& families) {
    size_t count = 0;
    for (const auto& family : families) {
        for (const auto& metric : family.metric) count += series_of(metric, family.type);
    }
    return count;
}

void SeriesLimit::apply(std::vector<MetricFamily>& families) {
    size_t series = count_series(families) + kOwnSeries;
    for (const Detail detail : {Detail::endpoint, Detail::upstream}) {
        if (series <= limit_) break;
        const size_t gone = drop(families, detail, series - limit_);
        series -= gone;
        dropped_ += gone;
    }
    const auto add = [&families](Family family, double value) {
        family.add(value);
        std::move(family).into(families);
    };
    add(Family::gauge("steelyard_metrics_series", "Series in this answer."), static_cast<double>(series));
    add(Family::gauge("steelyard_metrics_series_limit", "The most there may be: --metrics-series-limit."),
        static_cast<double>(limit_));
    add(Family::counter("steelyard_metrics_series_dropped_total",
                        "Series left out because of the limit, added up over all scrapes."),
        static_cast<double>(dropped_));
}

}  // namespace steelyard::metrics
