// Addresses that Services share.
#include "tests/unit/controller/ipam/fixture.hpp"

namespace steelyard::ipam::testing {
namespace {

ServiceRequest sharer(const std::string& key, int64_t port, const std::string& sharing_key = "k") {
    ServiceRequest request = service(key);
    request.ports = {{"TCP", port}};
    request.sharing_key = sharing_key;
    return request;
}

TEST_F(AllocatorTest, ThoseOfOneKeyShareAnAddressAndARouterId) {
    pools({pool("a", {"192.0.2.0/30"})});
    EXPECT_EQ(give(sharer("shop/a", 80)), "192.0.2.0 #1");
    EXPECT_EQ(give(sharer("shop/b", 443)), "192.0.2.0 #1");
    EXPECT_EQ(give(sharer("shop/c", 443)), "192.0.2.1 #2") << "the port is taken there";
    EXPECT_EQ(give(sharer("shop/d", 53)), "192.0.2.0 #1");
    ServiceRequest udp = sharer("shop/e", 53);
    udp.ports = {{"UDP", 53}};
    EXPECT_EQ(give(udp), "192.0.2.0 #1");
    EXPECT_EQ(give(sharer("bank/a", 8080)), "192.0.2.2 #3") << "another namespace";
    EXPECT_EQ(give(sharer("shop/f", 8080, "other")), "192.0.2.3 #4") << "another key";
}

TEST_F(AllocatorTest, SaysWhyAnAddressCannotBeShared) {
    pools({pool("a", {"192.0.2.0/30"})});
    give(sharer("shop/a", 80));
    give(service("shop/alone"));
    const auto ask = [&](ServiceRequest request, const char* address = "192.0.2.0") {
        request.requested = {address};
        const std::string text = give(request);
        return text.substr(0, text.find(';'));
    };
    const std::string by = "- steelyard.dev/loadBalancerIPs: 192.0.2.0 ";
    EXPECT_EQ(ask(service("shop/x")), by + "is taken by shop/a");
    EXPECT_EQ(ask(sharer("bank/x", 81)), by + "is taken by shop/a and cannot be shared: it is of another namespace");
    EXPECT_EQ(ask(sharer("shop/x", 81, "q")),
              by + "is taken by shop/a and cannot be shared: its steelyard.dev/allow-shared-ip is not the same");
    EXPECT_EQ(ask(sharer("shop/x", 80)), by + "cannot be shared: its port 80/TCP is taken by shop/a");
    ServiceRequest local = sharer("shop/x", 81);
    local.local = true;
    EXPECT_EQ(ask(local),
              by + "is taken by shop/a and cannot be shared: externalTrafficPolicy is Local here and Cluster there");
    EXPECT_EQ(ask(sharer("shop/x", 81), "192.0.2.1"),
              "- steelyard.dev/loadBalancerIPs: 192.0.2.1 is taken by shop/alone and cannot be shared: its "
              "steelyard.dev/allow-shared-ip is not the same");
    EXPECT_EQ(ask(sharer("shop/x", 81)), "192.0.2.0 #1");
}

TEST_F(AllocatorTest, WhoChangesSoThatItCannotShareAnyMoreMovesOut) {
    pools({pool("a", {"192.0.2.0/30"})});
    give(sharer("shop/a", 80));
    give(sharer("shop/b", 443));
    EXPECT_EQ(give(sharer("shop/b", 80)), "192.0.2.1 #2");
    EXPECT_EQ(has("shop/a"), "192.0.2.0 #1");
    EXPECT_EQ(give(sharer("shop/b", 444)), "192.0.2.1 #2") << "it stays there";
}

TEST_F(AllocatorTest, AnAddressIsFreeWhenTheLastHasLeft) {
    pools({pool("a", {"192.0.2.0/32"})});
    give(sharer("shop/a", 80));
    give(sharer("shop/b", 443));
    give(service("shop/c"));
    drop("shop/a");
    EXPECT_EQ(has("shop/b"), "192.0.2.0 #1");
    EXPECT_NE(has("shop/c").find("no IPv4 address is free"), std::string::npos);
    drop("shop/b");
    EXPECT_EQ(has("shop/c"), "192.0.2.0 #1");
}

TEST_F(AllocatorTest, WhenNothingIsFreeAnAddressOfTheKeyWillDo) {
    pools({pool("a", {"192.0.2.0/31"})});
    give(sharer("shop/a", 80));
    give(service("shop/b"));
    EXPECT_NE(give(sharer("shop/c", 80)).find("no IPv4 address is free"), std::string::npos);
    ServiceRequest moved = sharer("shop/a", 81);
    EXPECT_EQ(give(moved), "192.0.2.0 #1");
    EXPECT_EQ(has("shop/c"), "192.0.2.0 #1") << "its port is free now";
}

TEST_F(AllocatorTest, BothFamiliesAreSharedAlike) {
    pools({pool("a", {"192.0.2.0/30", "2001:db8::/126"})});
    for (const auto& [key, port] : {std::pair("shop/a", 80), {"shop/b", 443}}) {
        ServiceRequest request = sharer(key, port);
        request.policy = FamilyPolicy::require_dual_stack;
        EXPECT_EQ(give(request), "192.0.2.0 2001:db8:: #1") << key;
    }
}

TEST_F(AllocatorTest, SharersComeBackTogetherAfterARestart) {
    allocator.set_pools({pool("a", {"192.0.2.0/30"})});
    for (const auto& [key, port] : {std::pair("shop/b", 443), {"shop/a", 80}, {"shop/c", 8080}}) {
        ServiceRequest request = sharer(key, port);
        request.held = {"192.0.2.2"};
        request.held_router_id = key == std::string("shop/a") ? 0 : 5;
        allocator.upsert(request);
    }
    allocator.settle();
    for (const char* key : {"shop/a", "shop/b", "shop/c"}) EXPECT_EQ(has(key), "192.0.2.2 #5") << key;
}

}  // namespace
}  // namespace steelyard::ipam::testing
