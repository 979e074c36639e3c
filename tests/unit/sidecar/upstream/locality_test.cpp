// Near hosts first, and how much goes farther.
#include "picker_support.hpp"
#include "sidecar/upstream/near_share.hpp"

namespace steelyard::test {
namespace {

using config::Algorithm;
using Mode = config::Locality::Mode;
using Counts = std::vector<uint32_t>;

class LocalityTest : public PickerTest {
protected:
    LocalityTest() {
        place_ = {"n1", "a"};
        upstream_.policy.locality = {.mode = Mode::same_zone, .max_requests = 0, .min_healthy_percent = 70};
    }
    static uint32_t sum(const Counts& counted, size_t first, size_t last) {
        uint32_t total = 0;
        for (size_t i = first; i < last; ++i) total += counted[i];
        return total;
    }
    // Ten hosts in zone a, ten elsewhere.
    void use_two_zones() {
        std::vector<PickHost> hosts(20, PickHost{.zone = "b"});
        for (size_t i = 0; i < 10; ++i) hosts[i].zone = "a";
        use(hosts);
        for (size_t i = 0; i < 20; ++i) up(i);
    }
};

TEST_F(LocalityTest, NearHostsTakeAllWhileEnoughOfThemAreUsable) {
    for (const Algorithm algorithm : kAlgorithms) {
        upstream_.policy.algorithm = algorithm;
        use_two_zones();
        for (const size_t i : {1U, 4U, 6U}) down(i);  // 70 % are left
        picks(10);                                    // has looked at them all
        EXPECT_EQ(sum(picks(2000), 10, 21), 0U) << to_string(algorithm);
    }
}

TEST_F(LocalityTest, BelowThatTheMissingShareGoesElsewhereWhateverTheAlgorithm) {
    for (const Algorithm algorithm : kAlgorithms) {
        upstream_.policy.algorithm = algorithm;
        use_two_zones();
        for (size_t i = 0; i < 8; ++i) down(i);  // 20 % are left: 2 of 7 requests stay
        picks(10);
        const auto counted = picks(21'000);
        EXPECT_NEAR(counted[8] + counted[9], 6000, 300) << to_string(algorithm);
        EXPECT_NEAR(sum(counted, 10, 20), 15'000, 300) << to_string(algorithm);
    }
}

TEST_F(LocalityTest, TheShareIsByWeight) {
    use({{.weight = 9, .zone = "a"}, {.weight = 1, .zone = "a"}, {.zone = "b"}});
    down(0);  // 10 of 70 %
    const auto counted = picks(14'000);
    EXPECT_NEAR(counted[1], 2000, 150);
    EXPECT_NEAR(counted[2], 12'000, 150);
    up(0);
    down(1);
    EXPECT_EQ(picks(100)[0], 100U);
}

TEST_F(LocalityTest, WithNoNearHostUsableAllOthersServeAndNearOnesAgainWhenTheyAreBack) {
    use_two_zones();
    for (size_t i = 0; i < 10; ++i) down(i);
    picks(10);
    const auto counted = picks(1000);
    for (size_t i = 10; i < 20; ++i) EXPECT_EQ(counted[i], 100U);
    for (size_t i = 0; i < 10; ++i) up(i);
    picks(10);
    EXPECT_EQ(sum(picks(1000), 0, 10), 1000U);
}

TEST_F(LocalityTest, WhenAllTheOthersAreDownNearOnesTakeTheirMissingShareToo) {
    use({{.zone = "a"}, {.zone = "a"}, {.zone = "b"}});
    down(1);
    down(2);
    EXPECT_EQ(picks(200), (Counts{200, 0, 0, 0}));
}

TEST_F(LocalityTest, AKeyStaysNearOrAwayWithHashing) {
    for (const Algorithm algorithm : {Algorithm::ring_hash, Algorithm::maglev}) {
        upstream_.policy.algorithm = algorithm;
        use_two_zones();
        for (size_t i = 0; i < 8; ++i) down(i);
        picks(10);
        for (uint64_t key = 0; key < 200; ++key) {
            const uint32_t first = pick(key);
            for (int again = 0; again < 5; ++again) EXPECT_EQ(pick(key), first);
        }
        for (size_t i = 0; i < 8; ++i) up(i);
    }
}

TEST_F(LocalityTest, AFullNearHostSendsTheRequestToAnyHost) {
    upstream_.policy.locality.max_requests = 3;
    use({{.zone = "a"}, {.zone = "b"}, {.zone = "b"}});
    host(0).active = 2;
    EXPECT_EQ(picks(60), (Counts{60, 0, 0, 0}));
    host(0).active = 3;
    EXPECT_EQ(picks(60), (Counts{20, 20, 20, 0}));
}

TEST_F(LocalityTest, FullIsByWeight) {
    upstream_.policy.locality.max_requests = 10;
    use({{.weight = 3, .zone = "a"}, {.weight = 1, .zone = "b"}});  // mean 2: the first may have 15
    host(0).active = 14;
    EXPECT_EQ(picks(40), (Counts{40, 0, 0}));
    host(0).active = 15;
    EXPECT_EQ(picks(40), (Counts{30, 10, 0}));
}

TEST_F(LocalityTest, SameNodeFallsBackToTheZoneAndThenToAll) {
    upstream_.policy.locality.mode = Mode::same_node;
    use({{.zone = "a", .node = "n1"}, {.zone = "a", .node = "n2"}, {.zone = "b", .node = "n3"}});
    EXPECT_EQ(picks(30), (Counts{30, 0, 0, 0}));
    down(0);
    up(1);
    upstream_.policy.locality.min_healthy_percent = 50;
    use({{.zone = "a", .node = "n1"}, {.zone = "a", .node = "n2"}, {.zone = "b", .node = "n3"}});
    EXPECT_EQ(picks(30), (Counts{0, 30, 0, 0}));
    down(1);
    EXPECT_EQ(picks(30), (Counts{0, 0, 30, 0}));
    up(0);
    up(1);
    upstream_.policy.locality.max_requests = 1;
    use({{.zone = "a", .node = "n1"}, {.zone = "a", .node = "n2"}, {.zone = "b", .node = "n3"}});
    host(0).active = 1;
    EXPECT_EQ(picks(30)[1], 30U) << "a full node's requests stay in the zone";
    host(1).active = 1;
    EXPECT_EQ(picks(30), (Counts{10, 10, 10, 0})) << "and a full zone's go anywhere";
}

TEST_F(LocalityTest, OffOrWithNothingKnownOfThePlaceOrNobodyElsewhereThereIsOneCircle) {
    upstream_.policy.locality.mode = Mode::none;
    use_two_zones();
    EXPECT_EQ(snapshot_->tiers[0].circles.size(), 1U);
    upstream_.policy.locality.mode = Mode::same_node;
    place_ = {};
    use_two_zones();
    EXPECT_EQ(snapshot_->tiers[0].circles.size(), 1U);
    place_.zone = "c";
    use_two_zones();
    EXPECT_EQ(snapshot_->tiers[0].circles.size(), 1U) << "nobody is near";
    place_.zone = "a";
    use({{.zone = "a"}, {.zone = "a"}});
    EXPECT_EQ(snapshot_->tiers[0].circles.size(), 1U) << "all are";
}

TEST_F(LocalityTest, IsWithinAPriority) {
    use({{.zone = "b"}, {.priority = 1, .zone = "a"}, {.priority = 1, .zone = "b"}});
    EXPECT_EQ(picks(20), (Counts{20, 0, 0, 0}));
    down(0);
    EXPECT_EQ(picks(20), (Counts{0, 20, 0, 0}));
}

TEST_F(LocalityTest, DrainingHostsAreNoPartOfTheNearShare) {
    use({{.zone = "a"}, {.zone = "a", .draining = true}, {.zone = "a", .draining = true}, {.zone = "b"}});
    EXPECT_EQ(picks(50)[0], 50U);
}

TEST_F(LocalityTest, TheShareOfManyHostsIsKnownAfterAsManyPicksAsItTakesToLookAtThem) {
    std::vector<PickHost> hosts(801, PickHost{.zone = "a"});
    hosts[800].zone = "b";
    use(hosts);
    NearShare share(*snapshot_, snapshot_->tiers[0], Distance::same_zone);
    EXPECT_TRUE(share.is_for_near(UINT64_MAX));
    for (size_t i = 0; i < 800; ++i) down(i);
    for (uint32_t i = 0; i < 800 / NearShare::kLooks; ++i) {
        EXPECT_TRUE(share.is_for_near(0));
        share.refresh(now_ms_);
    }
    EXPECT_FALSE(share.is_for_near(0));
}

}  // namespace
}  // namespace steelyard::test
