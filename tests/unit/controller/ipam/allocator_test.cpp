// Who gets which address: pools, families, requests, what is held.
#include "controller/ipam/allocator.hpp"

#include "tests/unit/controller/ipam/fixture.hpp"

namespace steelyard::ipam::testing {
namespace {

constexpr const char* kNone = "; the Service has no address until that changes";

TEST_F(AllocatorTest, GivesAddressesInOrderAndRouterIdsOfTheirOwn) {
    pools({pool("a", {"192.0.2.0/30"})});
    EXPECT_EQ(give(service("shop/a")), "192.0.2.0 #1");
    EXPECT_EQ(give(service("shop/b")), "192.0.2.1 #2");
    ASSERT_EQ(changed.size(), 1U);
    EXPECT_EQ(changed[0].key, "shop/b");
    EXPECT_EQ(give(service("shop/b")), "192.0.2.1 #2");
    EXPECT_TRUE(changed.empty()) << "nothing is new";
    drop("shop/a");
    EXPECT_EQ(give(service("shop/c")), "192.0.2.2 #1") << "what was just given back waits";
}

TEST_F(AllocatorTest, WhoGotNothingIsServedAsSoonAsSomethingIsFree) {
    pools({pool("a", {"192.0.2.0/32"})});
    give(service("shop/a"));
    EXPECT_EQ(give(service("shop/c")), std::string("- AddressPool a: no IPv4 address is free") + kNone);
    EXPECT_EQ(give(service("shop/b")), std::string("- AddressPool a: no IPv4 address is free") + kNone);
    drop("shop/a");
    EXPECT_EQ(has("shop/b"), "192.0.2.0 #1") << "of one age, the first by name";
    EXPECT_NE(has("shop/c").find("is free"), std::string::npos);
    pools({pool("a", {"192.0.2.0/31"})});
    EXPECT_EQ(has("shop/c"), "192.0.2.1 #2");
    ASSERT_EQ(changed.size(), 1U);
}

TEST_F(AllocatorTest, WithoutAPoolItSaysSo) {
    EXPECT_EQ(give(service("shop/a")),
              std::string("- no AddressPool that gives addresses to this Service has an IPv4 address") + kNone);
}

TEST_F(AllocatorTest, KeepsWhatIsHeldWhateverTheOrderInWhichItHears) {
    allocator.set_pools({pool("a", {"192.0.2.0/29"})});
    ServiceRequest b = service("shop/b");
    b.held = {"192.0.2.0"};
    b.held_router_id = 9;
    ServiceRequest c = service("shop/c");
    c.held = {"192.0.2.3"};
    ServiceRequest d = service("shop/d");
    d.held = {"192.0.2.5"};
    d.held_router_id = 1;
    for (const ServiceRequest& request : {service("shop/a"), d, c, b}) allocator.upsert(request);
    allocator.settle();
    EXPECT_EQ(has("shop/a"), "192.0.2.1 #3");
    EXPECT_EQ(has("shop/b"), "192.0.2.0 #9");
    EXPECT_EQ(has("shop/c"), "192.0.2.3 #2") << "held ids are not given to others";
    EXPECT_EQ(has("shop/d"), "192.0.2.5 #1");
}

TEST_F(AllocatorTest, OfTwoThatHoldOneAddressTheOlderKeepsIt) {
    allocator.set_pools({pool("a", {"192.0.2.0/29"})});
    for (const char* key : {"shop/b", "shop/a"}) {
        ServiceRequest request = service(key);
        request.held = {"192.0.2.4"};
        request.held_router_id = 4;
        allocator.upsert(request);
    }
    allocator.settle();
    EXPECT_EQ(has("shop/a"), "192.0.2.4 #4");
    EXPECT_EQ(has("shop/b"), "192.0.2.0 #1");
}

TEST_F(AllocatorTest, AStatusThatLagsChangesNothing) {
    pools({pool("a", {"192.0.2.0/29"})});
    give(service("shop/a"));
    ServiceRequest stale = service("shop/a");
    stale.held = {"192.0.2.5"};
    stale.held_router_id = 77;
    EXPECT_EQ(give(stale), "192.0.2.0 #1");
}

TEST_F(AllocatorTest, WhatIsAskedForComesBeforeWhatIsChosen) {
    allocator.set_pools({pool("a", {"192.0.2.0/31"})});
    ServiceRequest z = service("shop/z");
    z.requested = {"192.0.2.0"};
    allocator.upsert(service("shop/a"));
    allocator.upsert(z);
    allocator.settle();
    EXPECT_EQ(has("shop/z"), "192.0.2.0 #1");
    EXPECT_EQ(has("shop/a"), "192.0.2.1 #2");
}

TEST_F(AllocatorTest, SaysWhyAnAddressThatIsAskedForCannotBeHad) {
    PoolSpec other = pool("other", {"198.51.100.0/30"});
    other.namespaces = {"bank"};
    pools({pool("a", {"192.0.2.0/30"}), other, pool("b", {"192.0.2.0/31", "203.0.113.0/30"})});
    give(service("shop/a"));
    const auto ask = [&](std::vector<std::string> addresses, const std::string& from = "") {
        ServiceRequest request = service("shop/x");
        request.requested = std::move(addresses);
        request.pool = from;
        return give(request);
    };
    const std::string by = "- steelyard.dev/loadBalancerIPs: ";
    EXPECT_EQ(ask({"192.0.2.0"}), by + "192.0.2.0 is taken by shop/a" + kNone);
    EXPECT_EQ(ask({"10.0.0.1"}), by + "10.0.0.1 is in no AddressPool" + kNone);
    EXPECT_EQ(ask({"198.51.100.1"}),
              by + "198.51.100.1 is in AddressPool other, which is not for this Service" + kNone);
    EXPECT_EQ(ask({"203.0.113.1"}), by + "203.0.113.1 is in AddressPool b, which is not accepted (Overlap)" + kNone);
    EXPECT_EQ(ask({"192.0.2.1"}, "other"),
              by + "192.0.2.1 is in AddressPool a, and steelyard.dev/address-pool asks for other" + kNone);
    EXPECT_EQ(ask({"192.0.2.1", "192.0.2.2"}),
              by + "192.0.2.1 and 192.0.2.2 are both IPv4, and a Service has one address of a family" + kNone);
    EXPECT_EQ(
        ask({"2001:db8::1"}),
        by + "2001:db8::1 is IPv6, and by its ipFamilies and ipFamilyPolicy the Service is of IPv4 alone" + kNone);
    EXPECT_EQ(ask({"web"}), by + "'web' is not an IP address" + kNone);
    EXPECT_EQ(ask({"127.0.0.1"}), by + "'127.0.0.1' is in 127.0.0.0/8 (loopback), which no Service can have" + kNone);
    EXPECT_EQ(ask({}, "none"), std::string("- steelyard.dev/address-pool: there is no AddressPool none") + kNone);
    EXPECT_EQ(ask({}, "b"), std::string("- AddressPool b is not accepted (Overlap)") + kNone);
    EXPECT_EQ(ask({}, "other"), std::string("- AddressPool other is not for this Service") + kNone);
    EXPECT_EQ(ask({"192.0.2.2"}), "192.0.2.2 #2");
}

TEST_F(AllocatorTest, KeepsTheOldAddressUntilItCanHaveTheOneItAsksFor) {
    pools({pool("a", {"192.0.2.0/30"})});
    give(service("shop/a"));
    give(service("shop/b"));
    ServiceRequest b = service("shop/b");
    b.requested = {"192.0.2.0"};
    EXPECT_EQ(give(b),
              "192.0.2.1 #2 steelyard.dev/loadBalancerIPs: 192.0.2.0 is taken by shop/a; the Service keeps "
              "192.0.2.1");
    drop("shop/a");
    EXPECT_EQ(has("shop/b"), "192.0.2.0 #2");
    EXPECT_EQ(give(service("shop/b")), "192.0.2.0 #2") << "who asks no more stays where it is";
}

TEST_F(AllocatorTest, PoolsForSomeComeFirstAndThoseNotForAllOnlyWhenAskedFor) {
    PoolSpec bank = pool("bank", {"198.51.100.0/30"});
    bank.namespaces = {"bank"};
    PoolSpec vip = pool("vip", {"203.0.113.0/30"});
    vip.service_selector = Selector{{{"tier", "vip"}}, {}};
    PoolSpec manual = pool("0-manual", {"192.0.2.128/30"});
    manual.auto_assign = false;
    pools({pool("a", {"192.0.2.0/32"}), bank, vip, manual});
    EXPECT_EQ(give(service("bank/a")), "198.51.100.0 #1");
    EXPECT_EQ(give(service("shop/a")), "192.0.2.0 #2");
    ServiceRequest labelled = service("shop/b");
    labelled.labels = {{"tier", "vip"}};
    EXPECT_EQ(give(labelled), "203.0.113.0 #3");
    EXPECT_EQ(give(service("shop/c")), std::string("- AddressPool a: no IPv4 address is free") + kNone);
    ServiceRequest asks = service("shop/c");
    asks.pool = "0-manual";
    EXPECT_EQ(give(asks), "192.0.2.128 #4");
    ServiceRequest by_address = service("shop/d");
    by_address.requested = {"192.0.2.130"};
    EXPECT_EQ(give(by_address), "192.0.2.130 #5");
}

TEST_F(AllocatorTest, DualStackIsBothOrWhatThereIs) {
    pools({pool("a", {"192.0.2.0/29"})});
    ServiceRequest both = service("shop/both");
    both.policy = FamilyPolicy::require_dual_stack;
    both.families = {Family::ipv6, Family::ipv4};
    ServiceRequest prefers = service("shop/prefers");
    prefers.policy = FamilyPolicy::prefer_dual_stack;
    prefers.families = {Family::ipv6, Family::ipv4};
    ServiceRequest six = service("shop/six");
    six.families = {Family::ipv6, Family::ipv4};
    const std::string none =
        std::string("- no AddressPool that gives addresses to this Service has an IPv6 address") + kNone;
    EXPECT_EQ(give(both), none);
    EXPECT_EQ(give(prefers), "192.0.2.0 #1");
    EXPECT_EQ(give(six), none);
    pools({pool("a", {"192.0.2.0/29"}), pool("b", {"2001:db8::/64"})});
    EXPECT_EQ(has("shop/both"), "2001:db8:: 192.0.2.1 #2");
    EXPECT_EQ(has("shop/prefers"), "2001:db8::1 192.0.2.0 #1");
    EXPECT_EQ(has("shop/six"), "2001:db8::2 #3");
    six.policy = FamilyPolicy::require_dual_stack;
    six.requested = {"192.0.2.7"};
    EXPECT_EQ(give(six), "2001:db8::2 192.0.2.7 #3");
    six.requested.clear();
    six.policy = FamilyPolicy::single_stack;
    EXPECT_EQ(give(six), "2001:db8::2 #3");
}

TEST_F(AllocatorTest, AnAddressThatIsInNoPoolAnyMoreIsReplaced) {
    pools({pool("a", {"192.0.2.0/30"})});
    give(service("shop/a"));
    pools({pool("a", {"192.0.2.2-192.0.2.3"})});
    EXPECT_EQ(has("shop/a"), "192.0.2.2 #1");
    pools({});
    EXPECT_NE(has("shop/a").find("- no AddressPool"), std::string::npos);
}

TEST_F(AllocatorTest, ARefusedPoolGivesNothingAndTakesNothingAway) {
    pools({pool("a", {"192.0.2.0/30"})});
    give(service("shop/a"));
    pools({pool("a", {"192.0.2.0/30", "192.0.2.9-192.0.2.8"})});
    EXPECT_EQ(has("shop/a"), "192.0.2.0 #1");
    EXPECT_NE(give(service("shop/b")).find("- no AddressPool"), std::string::npos);
    ASSERT_EQ(allocator.pools().size(), 1U);
    EXPECT_EQ(allocator.pools()[0].assigned, 1);
    EXPECT_EQ(allocator.pools()[0].available, 0);
    pools({pool("a", {"192.0.2.0/30"})});
    EXPECT_EQ(has("shop/a"), "192.0.2.0 #1");
    EXPECT_EQ(has("shop/b"), "192.0.2.1 #2");
}

TEST_F(AllocatorTest, CountsWhatThePoolsHaveLeft) {
    pools({pool("four", {"192.0.2.0/30"}), pool("six", {"2001:db8::/32"})});
    give(service("shop/a"));
    const std::vector<PoolStatus> all = allocator.pools();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0], (PoolStatus{"four", true, "Accepted", "in use", 4, 1, 3}));
    EXPECT_EQ(all[1].total, INT64_MAX);
    EXPECT_EQ(all[1].available, INT64_MAX);
    EXPECT_EQ(all[1].assigned, 0);
}

TEST_F(AllocatorTest, AnotherServiceOfThatNameIsAnother) {
    pools({pool("a", {"192.0.2.0/30"})});
    give(service("shop/a"));
    ServiceRequest again = service("shop/a");
    again.created = "2026-05-01T00:00:00Z";
    EXPECT_EQ(give(again), "192.0.2.1 #1");
}

}  // namespace
}  // namespace steelyard::ipam::testing
