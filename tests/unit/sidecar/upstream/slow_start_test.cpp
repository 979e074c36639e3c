// A host that comes while others serve takes its share by and by.
#include "sidecar/upstream/slow_start.hpp"

#include <deque>

#include "picker_support.hpp"

namespace steelyard::test {
namespace {

using config::Algorithm;

class SlowStartTest : public PickerTest {
protected:
    SlowStartTest() { upstream_.policy.slow_start = config::SlowStart{.window_ms = 10'000, .min_percent = 10}; }
    // As the runtime does.
    void change(const std::vector<PickHost>& hosts) {
        use(hosts);
        warm_new_hosts(before_.get(), *snapshot_, now_ms_);
    }
    bool warming(size_t i) { return host(i).warm_since_ms != 0; }
    // Keeps requests in flight, the oldest ends first; the share of the last host in those that begin.
    double share_in_flight(size_t concurrency, size_t requests) {
        std::deque<uint32_t> flying;
        double last = 0;
        for (size_t i = 0; i < requests; ++i) {
            if (flying.size() == concurrency) {
                --host(flying.front()).active;
                --host(flying.front()).connections;
                flying.pop_front();
            }
            const uint32_t picked = pick(i);
            ++host(picked).active;
            ++host(picked).connections;
            flying.push_back(picked);
            if (picked + 1 == snapshot_->hosts.size()) ++last;
        }
        for (const uint32_t one : flying) {
            --host(one).active;
            --host(one).connections;
        }
        return last / static_cast<double>(requests);
    }
};

TEST_F(SlowStartTest, TheWeightRisesEvenlyOverTheWindow) {
    const config::SlowStart its{.window_ms = 10'000, .min_percent = 10};
    EXPECT_EQ(warm_percent(its, 0, 5), 100U) << "not warming";
    EXPECT_EQ(warm_percent(its, 1000, 1000), 10U);
    EXPECT_EQ(warm_percent(its, 1000, 6000), 55U);
    EXPECT_EQ(warm_percent(its, 1000, 10'999), 99U);
    EXPECT_EQ(warm_percent(its, 1000, 11'000), 100U);
    EXPECT_EQ(warm_percent(its, 1000, 999), 10U) << "a worker's time may be behind";
    EXPECT_EQ(warm_percent({.window_ms = 3'600'000, .min_percent = 1}, 1, 3'600'000), 99U);
}

TEST_F(SlowStartTest, TheFirstHostsAndThoseThatComeToNobodyHaveAllTheirWeight) {
    change({{}, {}});
    EXPECT_FALSE(warming(0) || warming(1));
    EXPECT_EQ(snapshot_->warming_until_ms, 0);
    change({});
    change({{}, {}});
    EXPECT_FALSE(warming(0) || warming(1));
    down(0);
    down(1);
    change({{}, {}, {}});
    EXPECT_FALSE(warming(2)) << "the others are down";
}

TEST_F(SlowStartTest, AHostThatComesWhileOthersServeWarmsUp) {
    change({{}, {}});
    change({{}, {}, {}});
    EXPECT_FALSE(warming(0) || warming(1));
    EXPECT_TRUE(warming(2));
    EXPECT_EQ(snapshot_->warming_until_ms, now_ms_ + 10'000);
    now_ms_ += 4000;
    change({{}, {}, {}, {.weight = 5}});
    EXPECT_EQ(host(2).warm_since_ms, now_ms_ - 4000) << "goes on over another change";
    EXPECT_EQ(snapshot_->warming_until_ms, now_ms_ + 10'000);
}

TEST_F(SlowStartTest, WithoutThePolicyNothingWarms) {
    upstream_.policy.slow_start.reset();
    change({{}});
    change({{}, {}});
    warm_returned_host(*snapshot_, host(0), now_ms_);
    EXPECT_FALSE(warming(0) || warming(1));
}

TEST_F(SlowStartTest, AHostThatIsUpAgainWarmsUpWhenAnotherServes) {
    change({{}, {}});
    down(1);
    up(1);
    warm_returned_host(*snapshot_, host(1), now_ms_);
    EXPECT_TRUE(warming(1));
    EXPECT_EQ(snapshot_->warming_until_ms, now_ms_ + 10'000);
    down(1);
    warm_returned_host(*snapshot_, host(0), now_ms_);
    EXPECT_FALSE(warming(0)) << "nobody else serves";
}

TEST_F(SlowStartTest, TheShareIsInProportionWithEveryAlgorithmThatGoesByWeight) {
    for (const Algorithm algorithm :
         {Algorithm::round_robin, Algorithm::weighted_round_robin, Algorithm::least_request,
          Algorithm::least_connections, Algorithm::least_response_time, Algorithm::random}) {
        upstream_.policy.algorithm = algorithm;
        now_ms_ += 100'000;
        change({{}, {}, {}, {}});
        change({{}, {}, {}, {}, {}});
        for (const auto& [passed, percent] : {std::pair(0, 10), std::pair(2500, 33), std::pair(6000, 64)}) {
            now_ms_ += passed;
            const double whole = 4 + percent / 100.0;
            EXPECT_NEAR(picks(40'000)[4] / 40'000.0, percent / 100.0 / whole, 0.012)
                << to_string(algorithm) << ' ' << percent;
            EXPECT_NEAR(share_in_flight(100, 40'000), percent / 100.0 / whole, 0.015)
                << to_string(algorithm) << ' ' << percent << " %, in flight";
            now_ms_ -= passed;
        }
        now_ms_ += 10'000;
        EXPECT_NEAR(picks(40'000)[4] / 40'000.0, 0.2, 0.012) << to_string(algorithm) << ": the whole share in the end";
        change({{}, {}, {}, {}});
    }
}

TEST_F(SlowStartTest, HashingIsExempt) {
    for (const Algorithm algorithm : {Algorithm::ring_hash, Algorithm::maglev}) {
        upstream_.policy.algorithm = algorithm;
        change({{}, {}});
        change({{}, {}, {}});
        EXPECT_NEAR(picks(30'000)[2], 10'000, 2500) << to_string(algorithm);
        change({{}, {}});
    }
}

TEST_F(SlowStartTest, WhenAllUsableHostsAreColdTheyServeAllTheSame) {
    change({{}});
    change({{}, {}, {}});
    down(0);
    const auto counted = picks(2000);
    EXPECT_EQ(counted[0] + counted[3], 0U);
    EXPECT_NEAR(counted[1], 1000, 150);
}

}  // namespace
}  // namespace steelyard::test
