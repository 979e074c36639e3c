// Router ids: unique while there are enough.
#include "tests/unit/controller/ipam/fixture.hpp"

namespace steelyard::ipam::testing {
namespace {

PoolSpec with_ids(PoolSpec spec, std::string advertisement, uint8_t first, uint8_t last) {
    spec.router_ids = {std::move(advertisement), first, last};
    return spec;
}

ServiceRequest local(const std::string& key) {
    ServiceRequest request = service(key);
    request.local = true;
    return request;
}

TEST_F(AllocatorTest, WhenIdsRunOutThoseOfTheClusterPolicyShare) {
    pools({with_ids(pool("a", {"192.0.2.0/24"}), "lan", 10, 12)});
    EXPECT_EQ(give(local("shop/a")), "192.0.2.0 #10");
    EXPECT_EQ(give(service("shop/b")), "192.0.2.1 #11");
    EXPECT_EQ(give(service("shop/c")), "192.0.2.2 #12");
    EXPECT_EQ(give(service("shop/d")), "192.0.2.3 #11") << "the one with the fewest";
    EXPECT_EQ(give(service("shop/e")), "192.0.2.4 #12");
    EXPECT_EQ(give(local("shop/f")),
              "- no virtual router id of 10-12 (VirtualIPAdvertisement lan) is left, and with externalTrafficPolicy "
              "Local the Service needs its own; the Service has no address until that changes");
    drop("shop/a");
    EXPECT_EQ(has("shop/f"), "192.0.2.5 #10");
}

TEST_F(AllocatorTest, OfDifferentAdvertisementsNobodySharesAnId) {
    pools({with_ids(pool("a", {"192.0.2.0/24"}), "lan", 7, 7), with_ids(pool("b", {"198.51.100.0/24"}), "wan", 7, 8)});
    EXPECT_EQ(give(service("shop/a")), "192.0.2.0 #7");
    ServiceRequest wan = service("shop/b");
    wan.pool = "b";
    EXPECT_EQ(give(wan), "198.51.100.0 #8");
    drop("shop/a");
    wan = service("shop/c");
    wan.pool = "b";
    EXPECT_EQ(give(wan), "198.51.100.1 #7");
    EXPECT_EQ(give(service("shop/d")), "198.51.100.2 #7") << "of pool a no id is left, so it is taken from b";
}

TEST_F(AllocatorTest, WhoTurnsLocalGetsAnIdOfItsOwn) {
    pools({with_ids(pool("a", {"192.0.2.0/24"}), "lan", 1, 2)});
    give(service("shop/a"));
    give(service("shop/b"));
    EXPECT_EQ(give(service("shop/c")), "192.0.2.2 #1");
    EXPECT_NE(give(local("shop/c")).find("- no virtual router id of 1-2"), std::string::npos);
    drop("shop/b");
    EXPECT_EQ(has("shop/c").substr(9), " #2");
}

TEST_F(AllocatorTest, AnIdOutsideTheRangeIsReplacedAndTheAddressStays) {
    pools({pool("a", {"192.0.2.0/24"})});
    EXPECT_EQ(give(service("shop/a")), "192.0.2.0 #1");
    pools({with_ids(pool("a", {"192.0.2.0/24"}), "lan", 100, 120)});
    EXPECT_EQ(has("shop/a"), "192.0.2.0 #100");
}

TEST_F(AllocatorTest, OneIdCarriesOnlySoManyAddresses) {
    pools({with_ids(pool("a", {"192.0.2.0/24"}), "", 5, 5)});
    for (size_t i = 0; i < kMaxAddressesPerRouter; ++i) give(service("shop/s" + std::to_string(100 + i)));
    EXPECT_EQ(has("shop/s163"), "192.0.2.63 #5");
    EXPECT_NE(give(service("shop/z")).find("no virtual router id of 5-5 is left"), std::string::npos);
    drop("shop/s100");
    EXPECT_EQ(has("shop/z").substr(10), " #5");
}

TEST_F(AllocatorTest, LocalServicesThatNothingConnectsAnyMorePart) {
    pools({pool("a", {"192.0.2.0/24", "2001:db8::/64"})});
    const auto sharer = [](const char* key, Family family, int64_t port, std::vector<std::string> requested) {
        ServiceRequest request = local(key);
        request.families = {family};
        request.sharing_key = "k";
        request.ports = {{"TCP", port}};
        request.requested = std::move(requested);
        return request;
    };
    EXPECT_EQ(give(sharer("shop/a", Family::ipv4, 80, {"192.0.2.1"})), "192.0.2.1 #1");
    ServiceRequest both = sharer("shop/b", Family::ipv4, 81, {"192.0.2.1", "2001:db8::1"});
    both.policy = FamilyPolicy::require_dual_stack;
    EXPECT_EQ(give(both), "192.0.2.1 2001:db8::1 #1");
    EXPECT_EQ(give(sharer("shop/c", Family::ipv6, 82, {"2001:db8::1"})), "2001:db8::1 #1");
    drop("shop/b");
    EXPECT_EQ(has("shop/a"), "192.0.2.1 #1");
    EXPECT_EQ(has("shop/c"), "2001:db8::1 #2");
}

}  // namespace
}  // namespace steelyard::ipam::testing
