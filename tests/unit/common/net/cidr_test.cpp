#include "common/net/cidr.hpp"

#include <gtest/gtest.h>

#include <random>

namespace steelyard::net {
namespace {

IpRanges ranges_of(const std::vector<std::string>& networks) {
    std::vector<Cidr> parsed;
    for (const auto& text : networks) parsed.push_back(*parse_cidr(text, BeyondPrefix::cleared));
    return IpRanges(parsed);
}

TEST(Cidr, IsReadAndWrittenInCanonicalForm) {
    for (const char* text : {"10.0.0.0/8", "0.0.0.0/0", "192.0.2.7/32", "fd00::/8", "::/0", "2001:db8::7/128"}) {
        const auto network = parse_cidr(text);
        ASSERT_TRUE(network) << text;
        EXPECT_EQ(to_string(*network), text);
    }
    EXPECT_EQ(to_string(*parse_cidr("FD00:0::/64")), "fd00::/64");
    EXPECT_EQ(to_string(*parse_cidr("10.1.2.3/8", BeyondPrefix::cleared)), "10.0.0.0/8");
    EXPECT_EQ(to_string(*parse_cidr("fd00::1:2/112", BeyondPrefix::cleared)), "fd00::1:0/112");
}

TEST(Cidr, ThatIsNoneIsRefused) {
    const struct {
        const char* text;
        const char* problem;
    } cases[] = {
        {"10.0.0.0", "lacks the length of its prefix, as in 10.0.0.0/8"},
        {"10.0.0/8", "is not a network such as 10.0.0.0/8 or fd00::/8"},
        {"::ffff:10.0.0.0/104", "is not a network such as 10.0.0.0/8 or fd00::/8"},
        {"/8", "is not a network such as 10.0.0.0/8 or fd00::/8"},
        {"10.0.0.0/33", "has no prefix length of 0-32 after its slash"},
        {"10.0.0.0/-1", "has no prefix length of 0-32 after its slash"},
        {"10.0.0.0/08", "has no prefix length of 0-32 after its slash"},
        {"fd00::/129", "has no prefix length of 0-128 after its slash"},
        {"10.0.0.1/8", "has address bits beyond its prefix; the network would be 10.0.0.0/8"},
    };
    for (const auto& [text, problem] : cases) {
        const auto network = parse_cidr(text);
        ASSERT_FALSE(network) << text;
        EXPECT_EQ(network.error().problem, problem) << text;
    }
}

TEST(IpRanges, HoldWhatTheirNetworksHold) {
    const auto ranges = ranges_of({"10.0.0.0/8", "10.1.0.0/16", "192.0.2.7/32", "fd00::/8", "fd00::/64"});
    EXPECT_EQ(ranges.size(), 3U) << "what is within another is merged";
    for (const char* in : {"10.0.0.0", "10.255.255.255", "192.0.2.7", "fd00::", "fdff:ffff::1"}) {
        EXPECT_TRUE(ranges.contains(*parse_ip(in))) << in;
    }
    for (const char* out : {"9.255.255.255", "11.0.0.0", "192.0.2.6", "192.0.2.8", "fc00::1", "fe00::", "::1"}) {
        EXPECT_FALSE(ranges.contains(*parse_ip(out))) << out;
    }
    EXPECT_FALSE(IpRanges().contains(*parse_ip("10.0.0.1")));
}

TEST(IpRanges, DoNotMixFamilies) {
    EXPECT_FALSE(ranges_of({"::/0", "10.0.0.0/8"}).contains(*parse_ip("192.0.2.1")));
    EXPECT_TRUE(ranges_of({"::/0", "10.0.0.0/8"}).contains(*parse_ip("10.0.0.1")));
    EXPECT_FALSE(ranges_of({"0.0.0.0/0"}).contains(*parse_ip("2001:db8::1")));
    EXPECT_FALSE(parse_cidr("::/0")->contains(*parse_ip("192.0.2.1")));
}

TEST(IpRanges, AgreeWithAskingEachNetwork) {
    std::mt19937 random{7};
    for (int round = 0; round < 50; ++round) {
        std::vector<Cidr> networks;
        for (int i = 0; i < 20; ++i) {
            const bool v6 = random() % 2 == 0;
            const std::string base =
                v6 ? "fd00::" + std::to_string(random() % 100) : "10.0.0." + std::to_string(random() % 256);
            networks.push_back(*parse_cidr(base + "/" + std::to_string(v6 ? 112 + random() % 17 : 24 + random() % 9),
                                           BeyondPrefix::cleared));
        }
        const IpRanges ranges(networks);
        for (int i = 0; i < 200; ++i) {
            const bool v6 = random() % 2 == 0;
            const auto ip =
                *parse_ip(v6 ? "fd00::" + std::to_string(random() % 200) : "10.0.0." + std::to_string(random() % 256));
            bool expected = false;
            for (const Cidr& network : networks) expected |= network.contains(ip);
            EXPECT_EQ(ranges.contains(ip), expected) << to_string(ip);
        }
    }
}

}  // namespace
}  // namespace steelyard::net
