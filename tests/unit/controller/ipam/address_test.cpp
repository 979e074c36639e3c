#include "controller/ipam/address.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace steelyard::ipam {
namespace {

std::string read(std::string_view text) {
    const Result<Range> range = parse_range(text);
    return range ? range->to_string() : "error: " + range.error().problem;
}

TEST(Address, IsWrittenInItsCanonicalForm) {
    EXPECT_EQ(parse_address("192.0.2.7")->to_string(), "192.0.2.7");
    EXPECT_EQ(parse_address("2001:DB8:0:0:0::7")->to_string(), "2001:db8::7");
    EXPECT_LT(*parse_address("223.255.255.1"), *parse_address("2001::1"));
}

TEST(Address, ThatNoServiceCanHaveIsRefusedByName) {
    for (const char* text : {"0.0.0.1", "127.0.0.1", "169.254.1.1", "224.0.0.18", "254.0.0.1", "255.255.255.255",
                             "::", "::1", "fe80::1", "ff02::12", "::ffff:192.0.2.1"}) {
        const Result<Address> address = parse_address(text);
        ASSERT_FALSE(address) << text;
        EXPECT_NE(address.error().problem.find("which no Service can have"), std::string::npos) << text;
    }
    for (const char* text : {"", "192.0.2", "192.0.2.256", "192.0.2.07", "fe80::1%eth0", "192.0.2.1 ", "x"}) {
        EXPECT_FALSE(parse_address(text)) << text;
    }
    EXPECT_EQ(parse_address("a\nb").error().problem, "'a?b' is not an IP address");
}

TEST(Range, IsACidrOrTwoEnds) {
    EXPECT_EQ(read("192.0.2.0/30"), "192.0.2.0-192.0.2.3");
    EXPECT_EQ(read("192.0.2.7/32"), "192.0.2.7");
    EXPECT_EQ(read(" 192.0.2.1 - 192.0.2.3 "), "192.0.2.1-192.0.2.3");
    EXPECT_EQ(read("2001:db8::/126"), "2001:db8::-2001:db8::3");
    EXPECT_EQ(read("2001:db8::1-2001:db8::1"), "2001:db8::1");
}

TEST(Range, HostBitsOfACidrAreDropped) { EXPECT_EQ(read("192.0.2.9/28"), "192.0.2.0-192.0.2.15"); }

TEST(Range, ErrorsNameTheFault) {
    EXPECT_EQ(read("192.0.2.9-192.0.2.1"), "error: '192.0.2.9-192.0.2.1' is reversed: it ends before it begins");
    EXPECT_EQ(read("192.0.2.9-::2"), "error: '192.0.2.9-::2' begins in one IP family and ends in the other");
    EXPECT_EQ(read("192.0.2.9"), "error: '192.0.2.9' is a single address; write '192.0.2.9/32'");
    EXPECT_EQ(read("192.0.2.0/33"), "error: '192.0.2.0/33' is not a CIDR: '33' is no prefix length (0-32)");
    EXPECT_EQ(read("192.0.2.0/"), "error: '192.0.2.0/' is not a CIDR: '' is no prefix length (0-32)");
    EXPECT_EQ(read("192.0.2/24"), "error: '192.0.2/24' is not a CIDR: '192.0.2' is no address");
    EXPECT_EQ(read("192.0.2.1-x"), "error: '192.0.2.1-x' is not a range: 'x' is no address");
    EXPECT_EQ(read("192.0.2.1-192.0.2.2/24"),
              "error: '192.0.2.1-192.0.2.2/24' is both a CIDR and a range; write one of them");
    EXPECT_EQ(read("web"), "error: 'web' is neither a CIDR (192.0.2.0/28) nor a range (FIRST-LAST)");
    EXPECT_EQ(read("120.0.0.0/5"),
              "error: '120.0.0.0/5' reaches into 127.0.0.0/8 (loopback), which no Service can have");
    EXPECT_FALSE(parse_range("::/0"));
}

TEST(Range, ThoseThatOverlapOrTouchBecomeOne) {
    const std::vector<Range> all =
        merged({*parse_range("192.0.2.8/30"), *parse_range("192.0.2.0-192.0.2.7"), *parse_range("192.0.2.5/32"),
                *parse_range("192.0.2.13/32"), *parse_range("2001:db8::/64")});
    ASSERT_EQ(all.size(), 3U);
    EXPECT_EQ(all[0].to_string(), "192.0.2.0-192.0.2.11");
    EXPECT_EQ(all[1].to_string(), "192.0.2.13");
    EXPECT_EQ(all[2].first.to_string(), "2001:db8::");
}

TEST(Range, SizesAreSaturatedWhenCounted) {
    EXPECT_EQ(saturated(parse_range("192.0.2.0/24")->size()), 256);
    EXPECT_EQ(saturated(parse_range("2001:db8::/32")->size()), std::numeric_limits<int64_t>::max());
}

}  // namespace
}  // namespace steelyard::ipam
