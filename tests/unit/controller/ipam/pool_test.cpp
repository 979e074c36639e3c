#include "controller/ipam/pool.hpp"

#include <gtest/gtest.h>

namespace steelyard::ipam {
namespace {

PoolSpec spec(std::string name, std::string created, std::vector<std::string> addresses) {
    PoolSpec made;
    made.name = std::move(name);
    made.created = std::move(created);
    made.addresses = std::move(addresses);
    return made;
}

TEST(Pools, TheOlderKeepsWhatTwoName) {
    const std::vector<Pool> pools = judge_pools({spec("young", "2026-02-01T00:00:00Z", {"192.0.2.4/30", "10.0.0.0/24"}),
                                                 spec("old", "2026-01-01T00:00:00Z", {"192.0.2.0/29"}),
                                                 spec("other", "2026-03-01T00:00:00Z", {"10.0.0.0/24"})});
    ASSERT_EQ(pools.size(), 3U);
    EXPECT_TRUE(pools[0].accepted);
    EXPECT_FALSE(pools[1].accepted);
    EXPECT_EQ(pools[1].reason, "Overlap");
    EXPECT_EQ(pools[1].message.find("AddressPool young: spec.addresses: 192.0.2.4-192.0.2.7 overlaps "
                                    "192.0.2.0-192.0.2.7 of the older AddressPool old; "),
              0U)
        << pools[1].message;
    EXPECT_TRUE(pools[2].accepted) << "a refused pool is in nobody's way";
}

TEST(Pools, OfOneAgeTheFirstByNameIsTheOlder) {
    const std::vector<Pool> pools = judge_pools({spec("b", "", {"192.0.2.0/30"}), spec("a", "", {"192.0.2.0/30"})});
    EXPECT_TRUE(pools[0].accepted);
    EXPECT_EQ(pools[0].spec.name, "a");
    EXPECT_FALSE(pools[1].accepted);
}

TEST(Pools, AnEntryThatCannotBeReadMakesAllOfItInvalid) {
    const std::vector<Pool> pools = judge_pools({spec("a", "", {"192.0.2.0/30", "192.0.2.9-192.0.2.1"})});
    EXPECT_FALSE(pools[0].accepted);
    EXPECT_EQ(pools[0].reason, "Invalid");
    EXPECT_EQ(pools[0].message.find("AddressPool a: spec.addresses[1]: '192.0.2.9-192.0.2.1' is reversed"), 0U);
    EXPECT_TRUE(pools[0].contains(*parse_address("192.0.2.3"))) << "for who holds it";
}

TEST(Pools, WhatTheReaderFoundAndBadSelectorsAreInvalid) {
    PoolSpec told = spec("a", "", {"192.0.2.0/30"});
    told.problem = "spec.autoAssign: is no boolean";
    PoolSpec op = spec("b", "", {"192.0.3.0/30"});
    op.service_selector = Selector{{}, {{"tier", "Is", {"web"}}}};
    PoolSpec values = spec("c", "", {"192.0.4.0/30"});
    values.service_selector = Selector{{}, {{"tier", "In", {}}}};
    const std::vector<Pool> pools = judge_pools({told, op, values, spec("d", "", {})});
    EXPECT_NE(pools[0].message.find("spec.autoAssign: is no boolean"), std::string::npos);
    EXPECT_NE(pools[1].message.find("matchExpressions[0].operator: 'Is' is none of"), std::string::npos);
    EXPECT_NE(pools[2].message.find("matchExpressions[0].values: In needs at least one"), std::string::npos);
    EXPECT_NE(pools[3].message.find("spec.addresses: is empty"), std::string::npos);
    for (const Pool& pool : pools) EXPECT_FALSE(pool.accepted);
}

TEST(Pools, NamespacesAndSelectorBothHaveToMatch) {
    PoolSpec made = spec("a", "", {"192.0.2.0/30"});
    made.namespaces = {"shop", "web"};
    made.service_selector = Selector{{{"tier", "front"}}, {{"zone", "NotIn", {"x"}}}};
    const Pool pool = judge_pools({made})[0];
    EXPECT_TRUE(pool.admits("shop", {{"tier", "front"}}));
    EXPECT_FALSE(pool.admits("other", {{"tier", "front"}}));
    EXPECT_FALSE(pool.admits("shop", {{"tier", "back"}}));
    EXPECT_FALSE(pool.admits("shop", {{"tier", "front"}, {"zone", "x"}}));
}

TEST(Selector, ReadsTheFourOperatorsAsKubernetesDoes) {
    const Labels labels = {{"a", "1"}};
    const auto holds = [&](Requirement one) { return matches(Selector{{}, {std::move(one)}}, labels); };
    EXPECT_TRUE(holds({"a", "In", {"0", "1"}}));
    EXPECT_FALSE(holds({"b", "In", {"1"}}));
    EXPECT_FALSE(holds({"a", "NotIn", {"1"}}));
    EXPECT_TRUE(holds({"b", "NotIn", {"1"}}));
    EXPECT_TRUE(holds({"a", "Exists", {}}));
    EXPECT_FALSE(holds({"b", "Exists", {}}));
    EXPECT_TRUE(holds({"b", "DoesNotExist", {}}));
    EXPECT_FALSE(holds({"a", "DoesNotExist", {}}));
    EXPECT_FALSE(holds({"a", "in", {"1"}}));
    EXPECT_TRUE(matches(Selector{}, {}));
}

}  // namespace
}  // namespace steelyard::ipam
