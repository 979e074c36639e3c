// Priorities, what is counted as load, and that picking allocates nothing: this program's operator new counts.
#include "sidecar/upstream/host_picker.hpp"

#include "picker_support.hpp"
#include "sidecar/upstream/slow_start.hpp"
#include "tests/unit/support/counted_new.hpp"

namespace steelyard::test {
namespace {

using config::Algorithm;
using Counts = std::vector<uint32_t>;
using HostPickerTest = PickerTest;

TEST_F(HostPickerTest, WithoutPrioritiesAndLocalityThereIsOneCircleOfAll) {
    use({{}, {.weight = 3}, {.zone = "a"}});
    ASSERT_EQ(snapshot_->tiers.size(), 1U);
    EXPECT_EQ(snapshot_->tiers[0].circles.size(), 1U);
    EXPECT_EQ(picks(500), (Counts{100, 300, 100, 0}));
}

TEST_F(HostPickerTest, PicksNobodyFromNobody) {
    use({});
    EXPECT_EQ(pick(), balancer::kNoHost);
    use({{.weight = 0}});
    EXPECT_EQ(pick(), balancer::kNoHost);
    use({{.draining = true}});
    EXPECT_EQ(pick(), balancer::kNoHost);
}

TEST_F(HostPickerTest, BackupsServeOnlyWhileNoPrimaryIsUsable) {
    for (const Algorithm algorithm : kAlgorithms) {
        upstream_.policy.algorithm = algorithm;
        use({{.priority = 1}, {}, {.priority = 1}, {}, {.priority = 7}});
        for (size_t i = 0; i < 5; ++i) up(i);
        auto counted = picks(1000);
        EXPECT_EQ(counted[0] + counted[2] + counted[4] + counted[5], 0U) << to_string(algorithm);
        EXPECT_GT(std::min(counted[1], counted[3]), 0U) << to_string(algorithm);
        down(1);
        EXPECT_EQ(picks(100)[3], 100U) << to_string(algorithm);
        down(3);
        counted = picks(1000);
        EXPECT_EQ(counted[0] + counted[2], 1000U) << to_string(algorithm);
        EXPECT_GT(std::min(counted[0], counted[2]), 0U) << to_string(algorithm);
        down(0);
        down(2);
        EXPECT_EQ(picks(100)[4], 100U) << to_string(algorithm);
        down(4);
        EXPECT_EQ(picks(100)[5], 100U) << to_string(algorithm);
        up(3);
        EXPECT_EQ(picks(100)[3], 100U) << to_string(algorithm) << ": back to the primary at once";
    }
}

TEST_F(HostPickerTest, APrimaryOfWeightZeroOrDrainingIsNone) {
    use({{.weight = 0}, {.draining = true}, {.priority = 3}});
    EXPECT_EQ(picks(10), (Counts{0, 0, 10, 0}));
}

TEST_F(HostPickerTest, WhenEveryPrimaryWasTriedForARequestABackupIs) {
    use({{}, {.priority = 1}});
    tried_.add(&host(0));
    EXPECT_EQ(pick(), 1U);
    tried_.add(&host(1));
    EXPECT_EQ(pick(), balancer::kNoHost);
}

TEST_F(HostPickerTest, WeightsHoldWithinATier) {
    use({{.weight = 5, .priority = 2}, {.weight = 1, .priority = 2}, {.weight = 100, .priority = 9}});
    EXPECT_EQ(picks(600), (Counts{500, 100, 0, 0}));
}

TEST_F(HostPickerTest, ABackupsWeightMayBeTheOnlyOneOfItsKind) {
    upstream_.policy.algorithm = Algorithm::least_request;
    std::vector<PickHost> hosts(300);
    for (size_t i = 100; i < 300; ++i) hosts[i].priority = 1;
    use(hosts);
    for (size_t i = 0; i < 100; ++i) down(i);
    const auto counted = picks(20'000);
    for (size_t i = 0; i < 300; ++i) EXPECT_NEAR(counted[i], i < 100 ? 0 : 100, 50) << i;
}

TEST_F(HostPickerTest, LeastConnectionsLooksAtConnectionsOfHttpAndAtWhatIsInFlightElse) {
    upstream_.policy.algorithm = Algorithm::least_connections;
    for (const auto protocol : {config::Protocol::http, config::Protocol::tcp}) {
        upstream_.protocol = protocol;
        const bool http = protocol == config::Protocol::http;
        use({{}, {}});
        host(0).connections = 5;
        host(1).connections = 2;
        host(0).active = 1;
        host(1).active = 9;
        EXPECT_EQ(picks(50), http ? (Counts{0, 50, 0}) : (Counts{50, 0, 0}));
    }
}

TEST_F(HostPickerTest, LeastConnectionsIsByWeight) {
    upstream_.policy.algorithm = Algorithm::least_connections;
    use({{.weight = 1}, {.weight = 4}});
    for (int i = 0; i < 500; ++i) ++host(pick()).connections;
    EXPECT_NEAR(host(0).connections, 100, 12);
    EXPECT_NEAR(host(1).connections, 400, 12);
}

TEST_F(HostPickerTest, LeastConnectionsLetsHostsThatHoldAboutAsManyShare) {
    upstream_.policy.algorithm = Algorithm::least_connections;
    use({{}, {}});
    host(0).connections = 51;
    host(1).connections = 50;
    EXPECT_NEAR(picks(1000)[0], 500, 60) << "idle connections are about, and requests add none";
    host(1).connections = 44;
    EXPECT_EQ(picks(100)[1], 100U);
}

TEST_F(HostPickerTest, PickingAllocatesNothing) {
    place_ = {"n1", "a"};
    upstream_.policy.slow_start.emplace();
    upstream_.policy.locality = {
        .mode = config::Locality::Mode::same_node, .max_requests = 2, .min_healthy_percent = 90};
    for (const Algorithm algorithm : kAlgorithms) {
        upstream_.policy.algorithm = algorithm;
        use({{.zone = "a", .node = "n1"}, {.zone = "a", .node = "n2"}, {.zone = "b"}, {.priority = 1}, {.zone = "a"}});
        use({{.zone = "a", .node = "n1"},
             {.zone = "a", .node = "n2"},
             {.zone = "b"},
             {.priority = 1},
             {},
             {.weight = 5}});
        warm_new_hosts(before_.get(), *snapshot_, now_ms_);
        host(0).active = 3;
        down(1);
        counted = true;
        const uint64_t before = allocations;
        uint64_t sum = 0;
        for (uint64_t i = 0; i < 1000; ++i) sum += pick(i);
        for (size_t i = 0; i < snapshot_->hosts.size(); ++i) down(i);
        for (uint64_t i = 0; i < 100; ++i) sum += pick(i);
        EXPECT_EQ(allocations.load(), before) << to_string(algorithm);
        EXPECT_GT(sum, 0U);
        for (size_t i = 0; i < snapshot_->hosts.size(); ++i) up(i);
    }
}

}  // namespace
}  // namespace steelyard::test
