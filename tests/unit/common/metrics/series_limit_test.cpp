#include "common/metrics/series_limit.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "common/metrics/builder.hpp"

namespace steelyard::metrics {
namespace {

using Families = std::vector<prometheus::MetricFamily>;

// `upstreams` of `endpoints` each: 2 series a program, 1 + 17 + 2 an upstream, 2 an endpoint.
Families cluster(int upstreams, int endpoints) {
    Family program = Family::gauge("program", "p");
    program.add(1).add(2, {{"kind", "x"}});
    Family requests = Family::counter("requests_total", "r");
    Family latency = Family::histogram("latency_seconds", "l");
    Family weight = Family::gauge("weight", "w");
    Family active = Family::gauge("active", "a");
    for (int u = 0; u < upstreams; ++u) {
        const std::string upstream = "shop/u" + std::to_string(u);
        requests.add(u, {{"upstream", upstream}});
        latency.add(Durations{}, {{"upstream", upstream}});
        for (int e = 0; e < endpoints; ++e) {
            const Labels labels{{"upstream", upstream}, {"address", std::to_string(e)}};
            weight.add(1, labels);
            active.add(0, labels);
        }
    }
    Families out;
    for (auto* family : {&weight, &requests, &program, &latency, &active}) std::move(*family).into(out);
    return out;
}

constexpr size_t kUpstream = 1 + Durations::kBounds.size() + 1 + 2;

double value_of(const Families& families, const std::string& name) {
    for (const auto& family : families) {
        if (family.name != name) continue;
        return family.type == prometheus::MetricType::Counter ? family.metric[0].counter.value
                                                              : family.metric[0].gauge.value;
    }
    return -1;
}

size_t samples(const Families& families, const std::string& name) {
    for (const auto& family : families) {
        if (family.name == name) return family.metric.size();
    }
    return 0;
}

TEST(SeriesLimit, LeavesEverythingWhenItFitsAndCountsItselfToo) {
    Families families = cluster(2, 3);
    const size_t before = count_series(families);
    EXPECT_EQ(before, 2 + 2 * kUpstream + 2 * 3 * 2);
    SeriesLimit limit(before + 3);
    limit.apply(families);
    EXPECT_EQ(count_series(families), before + 3);
    EXPECT_EQ(value_of(families, "steelyard_metrics_series"), static_cast<double>(before + 3));
    EXPECT_EQ(value_of(families, "steelyard_metrics_series_limit"), static_cast<double>(before + 3));
    EXPECT_EQ(value_of(families, "steelyard_metrics_series_dropped_total"), 0);
}

TEST(SeriesLimit, EndpointsGoFirstTheLastOnesAndWhole) {
    Families families = cluster(2, 3);
    const size_t before = count_series(families);
    SeriesLimit limit(before + 3 - 3);  // two endpoints of two series have to go
    limit.apply(families);
    EXPECT_EQ(samples(families, "weight"), 4u);
    EXPECT_EQ(samples(families, "active"), 4u);
    EXPECT_EQ(samples(families, "requests_total"), 2u);
    EXPECT_EQ(families[0].metric.back().label[1].value, "0");  // the first endpoint of the second upstream
    EXPECT_EQ(value_of(families, "steelyard_metrics_series"), static_cast<double>(before + 3 - 4));
    EXPECT_EQ(value_of(families, "steelyard_metrics_series_dropped_total"), 4);
}

TEST(SeriesLimit, ThenUpstreamsAndNeverWhatDescribesTheProgram) {
    Families families = cluster(3, 4);
    SeriesLimit limit(2 + kUpstream + 3);
    limit.apply(families);
    EXPECT_EQ(samples(families, "weight"), 0u);
    EXPECT_EQ(samples(families, "requests_total"), 1u);
    EXPECT_EQ(samples(families, "latency_seconds"), 1u);
    EXPECT_EQ(samples(families, "program"), 2u);

    Families more = cluster(3, 4);
    SeriesLimit nothing(1);
    nothing.apply(more);
    EXPECT_EQ(samples(more, "requests_total"), 0u);
    EXPECT_EQ(samples(more, "program"), 2u);
    EXPECT_EQ(value_of(more, "steelyard_metrics_series"), 5);  // it says what it shows, above the limit or not
}

TEST(SeriesLimit, TheSameObjectsAreShownAtEachScrapeAndTheDroppedOnesAddUp) {
    SeriesLimit limit(60);
    std::set<size_t> sizes;
    double dropped = 0;
    for (int scrape = 1; scrape <= 3; ++scrape) {
        Families families = cluster(2, 30);
        limit.apply(families);
        sizes.insert(samples(families, "weight"));
        EXPECT_LE(count_series(families), 60u);
        if (scrape == 1) dropped = value_of(families, "steelyard_metrics_series_dropped_total");
        EXPECT_EQ(value_of(families, "steelyard_metrics_series_dropped_total"), scrape * dropped);
    }
    EXPECT_EQ(sizes.size(), 1u);
    EXPECT_GT(dropped, 0);
}

TEST(Durations, AreShownAsCumulativeBuckets) {
    Durations durations;
    for (const double seconds : {0.0005, 0.0006, 29.0, 31.0}) durations.observe(seconds);
    Families out;
    Family family = Family::histogram("d_seconds", "d");
    family.add(durations);
    std::move(family).into(out);
    const auto& histogram = out.at(0).metric.at(0).histogram;
    EXPECT_EQ(histogram.bucket.front().cumulative_count, 1u);  // a bound belongs to its bucket
    EXPECT_EQ(histogram.bucket[1].cumulative_count, 2u);
    EXPECT_EQ(histogram.bucket[14].cumulative_count, 3u);
    EXPECT_EQ(histogram.bucket.back().cumulative_count, 4u);
    EXPECT_EQ(histogram.sample_count, 4u);
    EXPECT_NEAR(histogram.sample_sum, 60.0011, 1e-9);
}

}  // namespace
}  // namespace steelyard::metrics
