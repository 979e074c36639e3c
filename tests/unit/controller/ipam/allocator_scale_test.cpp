// Many Services: the work of one change does not grow with their number.
#include "tests/unit/controller/ipam/fixture.hpp"

namespace steelyard::ipam::testing {
namespace {

#ifdef NDEBUG
constexpr int kMany = 100'000;
#else
constexpr int kMany = 20'000;  // unoptimized and sanitized builds take their time
#endif

std::string key_of(int i) { return "ns" + std::to_string(i % 50) + "/s" + std::to_string(i); }

TEST_F(AllocatorTest, ServicesByTheThousandOfWhichMostWait) {
    allocator.set_pools({pool("a", {"10.0.0.0/8"})});
    for (int i = 0; i < kMany; ++i) allocator.upsert(service(key_of(i)));
    EXPECT_EQ(allocator.settle().size(), static_cast<size_t>(kMany));
    const auto most = static_cast<int64_t>(255 * kMaxAddressesPerRouter);
    EXPECT_EQ(allocator.pools()[0].assigned, most);
    for (int i = 0; i < 500; ++i) {
        allocator.remove(key_of(i));
        ASSERT_LE(allocator.settle().size(), 1U);
    }
    EXPECT_EQ(allocator.pools()[0].assigned, most);
}

TEST_F(AllocatorTest, ServicesByTheThousandThatShareAddresses) {
    allocator.set_pools({pool("a", {"2001:db8::/32"})});
    for (int i = 0; i < kMany; ++i) {
        ServiceRequest request = service(key_of(i));
        request.families = {Family::ipv6};
        request.sharing_key = "k";
        request.ports = {{"TCP", 1 + i / 50}};
        allocator.upsert(request);
    }
    allocator.settle();
    EXPECT_EQ(allocator.pools()[0].assigned, 50);
    for (int i = 0; i < 500; ++i) {
        ServiceRequest request = service(key_of(i));
        request.families = {Family::ipv6};
        request.sharing_key = "k";
        request.ports = {{"UDP", 1 + i / 50}};
        allocator.upsert(request);
        ASSERT_LE(allocator.settle().size(), 1U);
    }
    EXPECT_EQ(allocator.pools()[0].assigned, 50);
}

TEST_F(AllocatorTest, AddressesGivenBackAreNotRememberedOneByOne) {
    allocator.set_pools({pool("a", {"2001:db8::/64"})});
    ServiceRequest request = service("shop/a");
    request.families = {Family::ipv6};
    std::string last;
    for (int i = 0; i < kMany; ++i) {
        allocator.upsert(request);
        allocator.settle();
        last = allocator.find("shop/a")->addresses[0].to_string();
        allocator.remove("shop/a");
    }
    EXPECT_LE(*parse_address(last), *parse_address("2001:db8::1001"))
        << "the lowest come again after kRemembered others";
}

}  // namespace
}  // namespace steelyard::ipam::testing
