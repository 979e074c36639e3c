#include "sidecar/reactor/address.hpp"

#include <gtest/gtest.h>

#include <cstring>

namespace steelyard {
namespace {

TEST(SocketAddress, ReadsAndShowsBothFamilies) {
    EXPECT_EQ(SocketAddress::parse("10.0.0.1", 80)->to_string(), "10.0.0.1:80");
    EXPECT_EQ(SocketAddress::parse("fd00::1", 8080)->to_string(), "[fd00::1]:8080");
    EXPECT_EQ(SocketAddress::parse("::", 65535)->port(), 65535);
}

TEST(SocketAddress, ShowsAMappedAddressAsIPv4) {
    EXPECT_EQ(SocketAddress::parse("::ffff:10.0.0.1", 80)->ip(), "10.0.0.1");
}

TEST(SocketAddress, ReadsNothingElse) {
    for (const char* const text : {"", "localhost", "10.0.0", "10.0.0.256", "[fd00::1]", "10.0.0.1:80", "fd00::1%eth0",
                                   "1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111"}) {
        EXPECT_FALSE(SocketAddress::parse(text, 80)) << text;
    }
}

TEST(SocketAddress, SurvivesTheKernelsForm) {
    const auto address = SocketAddress::parse("fd00::1", 8080);
    sockaddr_storage storage{};
    std::memcpy(&storage, address->data(), address->size());
    EXPECT_EQ(SocketAddress::from(storage).to_string(), "[fd00::1]:8080");
}

}  // namespace
}  // namespace steelyard
