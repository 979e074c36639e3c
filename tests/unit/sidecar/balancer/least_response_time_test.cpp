// Hosts that take their time, simulated: an open stream of requests, answers after each host's latency, a clock of its own.
#include <gtest/gtest.h>

#include <algorithm>
#include <queue>

#include "sidecar/balancer/bits.hpp"
#include "sidecar/balancer/response_average.hpp"
#include "support.hpp"

namespace steelyard::balancer {
namespace {

class Simulation {
public:
    // Milliseconds each; every answer takes its host's latency, give or take a tenth.
    Simulation(const std::vector<uint32_t>& weights, std::vector<double> milliseconds)
        : latency(std::move(milliseconds)), hosts_(weights), averages_(weights.size()) {
        for (size_t i = 0; i < weights.size(); ++i) hosts_.entries[i].average = &averages_[i];
        renew();
    }

    // As when a new snapshot comes: another balancer over the same hosts.
    void renew() { balancer_ = hosts_.balancer(config::Algorithm::least_response_time, 7); }

    // For so long, so many requests a second; what each host got.
    std::vector<uint32_t> run(double seconds, double per_second) {
        std::vector<uint32_t> picked(latency.size());
        for (const double end = now_ + seconds * 1000; now_ < end; now_ += 1000 / per_second) {
            finish();
            const uint32_t host = balancer_->pick({.now_ms = now()}, [this](uint32_t i) { return i < usable; });
            ++picked.at(host);
            ++hosts_.active[host];
            most_active.resize(latency.size());
            most_active[host] = std::max<uint32_t>(most_active[host], hosts_.active[host]);
            const double took = latency[host] * (0.9 + 0.2 * static_cast<double>(random_.below(1000)) / 1000);
            under_way_.push({now_ + took, took, host});
        }
        return picked;
    }

    std::vector<double> latency;
    std::vector<uint32_t> most_active;
    uint32_t usable = UINT32_MAX;

private:
    struct Request {
        double ends;
        double took;
        uint32_t host;
        bool operator<(const Request& other) const { return ends > other.ends; }
    };
    uint32_t now() const { return static_cast<uint32_t>(now_); }
    void finish() {
        for (; !under_way_.empty() && under_way_.top().ends <= now_; under_way_.pop()) {
            const Request& request = under_way_.top();
            --hosts_.active[request.host];
            averages_[request.host].observe(static_cast<uint64_t>(request.took * 1000),
                                            static_cast<uint32_t>(request.ends));
        }
    }

    Hosts hosts_;
    std::deque<ResponseAverage> averages_;
    std::unique_ptr<Balancer> balancer_;
    std::priority_queue<Request> under_way_;
    Random random_{3};
    double now_ = 1000;
};

TEST(LeastResponseTime, AHostTenTimesSlowerGetsFarLess) {
    for (const double per_second : {50.0, 1000.0}) {
        Simulation all({1, 1, 1, 1}, {10, 10, 100, 10});
        all.run(5, per_second);
        const auto picked = all.run(20, per_second);
        const double total = 20 * per_second;
        EXPECT_LT(picked[2], total / 4 / 8) << per_second;
        for (const uint32_t i : {0U, 1U, 3U}) EXPECT_GT(picked[i], total / 5) << per_second;
    }
}

TEST(LeastResponseTime, AHostThatBecomesFastAgainRecovers) {
    Simulation all({1, 1, 1, 1}, {10, 10, 500, 10});
    all.run(10, 500);
    all.latency[2] = 10;
    all.run(20, 500);
    const auto picked = all.run(10, 500);
    EXPECT_NEAR(picked[2], 1250, 400);
}

TEST(LeastResponseTime, AHostThatBecomesSlowLosesItsShareAtOnce) {
    Simulation all({1, 1, 1, 1}, {10, 10, 10, 10});
    all.run(10, 500);
    all.latency[2] = 1000;
    const auto picked = all.run(5, 500);
    EXPECT_LT(picked[2], 78U);
}

TEST(LeastResponseTime, ANewHostIsNotFlooded) {
    for (const double latency : {1.0, 10.0, 1000.0}) {
        Simulation all({1, 1, 1, 1, 1}, {10, 10, 10, 10, latency});
        all.usable = 4;
        all.run(10, 2000);
        all.usable = 5;
        all.most_active.assign(5, 0);
        all.renew();
        const auto picked = all.run(0.05, 2000);  // a hundred requests, most of them before the new host's first answer
        EXPECT_LE(picked[4], 60U) << latency;
        EXPECT_LE(all.most_active[4], 15U) << latency;  // the others have about 5 each
    }
}

TEST(LeastResponseTime, WeightsAreRespectedWhenLatenciesAreEqual) {
    for (const double per_second : {20.0, 2000.0}) {
        Simulation all({1, 2, 5}, {10, 10, 10});
        all.run(5, per_second);
        const auto picked = all.run(50, per_second);
        const double total = 50 * per_second;
        EXPECT_NEAR(picked[0] / total, 1.0 / 8, 0.06) << per_second;
        EXPECT_NEAR(picked[1] / total, 2.0 / 8, 0.06) << per_second;
        EXPECT_NEAR(picked[2] / total, 5.0 / 8, 0.09) << per_second;
    }
}

TEST(LeastResponseTime, WhatIsKnownOfHostsSurvivesANewPlan) {
    Simulation all({1, 1}, {10, 200});
    all.run(10, 200);
    all.renew();
    EXPECT_LT(all.run(1, 200)[1], 20U);
}

TEST(LeastResponseTime, ASlowHostThatNobodyAskedForLongIsTriedAgain) {
    Simulation all({1, 1}, {1, 1000});
    all.run(60, 20);  // one after the other: it is never better than the fast one
    all.latency[1] = 1;
    all.run(20, 20);
    EXPECT_GT(all.run(20, 20)[1], 100U);
}

TEST(ResponseAverage, GoesUpAtOnceAndComesDownWithTime) {
    ResponseAverage average;
    EXPECT_EQ(average.read(0).confidence, 0.0F);
    average.observe(1000, 100);
    EXPECT_EQ(average.read(100).us, 1000U);
    EXPECT_EQ(average.read(100).confidence, 1.0F);
    average.observe(9000, 101);
    EXPECT_EQ(average.read(101).us, 9000U);
    average.observe(1000, 5101);
    EXPECT_NEAR(average.read(5101).us, 1000 + 8000 / 2.718, 5);
    average.observe(1000, 5101);
    EXPECT_NEAR(average.read(5101).us, 1000 + 8000 / 2.718, 5) << "no time has gone by";
    EXPECT_NEAR(average.read(10'101).confidence, 0.368, 0.001);
    EXPECT_EQ(average.read(5101 + 16'000).confidence, 0.0F);
}

TEST(ResponseAverage, BearsClocksThatWrapAndSamplesWithoutBounds) {
    ResponseAverage average;
    average.observe(5000, UINT32_MAX - 1);
    EXPECT_NEAR(average.read(4).confidence, 1, 0.01);
    EXPECT_EQ(average.read(UINT32_MAX - 100).confidence, 1.0F) << "another worker's clock is a little behind";
    average.observe(UINT64_MAX, 5);
    EXPECT_EQ(average.read(5).us, ResponseAverage::kMaxUs);
    average.observe(0, 500'000);
    EXPECT_GE(average.read(500'000).us, 1U);
}

}  // namespace
}  // namespace steelyard::balancer
