#include "sidecar/vip/net/ip.hpp"

#include <gtest/gtest.h>

namespace steelyard::vip {
namespace {

TEST(Ip, IsALiteralAndNothingElse) {
    for (const char* text : {"192.0.2.7", "2001:db8::7", "fe80::1", "::"}) {
        const auto ip = Ip::parse(text);
        ASSERT_TRUE(ip) << text;
        EXPECT_EQ(ip->to_string(), text);
    }
    for (const char* text : {"", "192.0.2", "192.0.2.256", "192.0.2.7/32", "fe80::1%eth0", "host", "[::1]", " ::1",
                             "1111:2222:3333:4444:5555:6666:7777:8888:9999:0000:1111:2222"}) {
        EXPECT_FALSE(Ip::parse(text)) << text;
    }
}

TEST(Ip, IsOrderedByItsOctets) {
    EXPECT_LT(*Ip::parse("192.0.2.9"), *Ip::parse("192.0.2.10"));
    EXPECT_LT(*Ip::parse("9.255.255.255"), *Ip::parse("10.0.0.0"));
    EXPECT_LT(*Ip::parse("fe80::9"), *Ip::parse("fe80::10"));
}

TEST(Prefix, IsASingleAddressWithoutALength) {
    EXPECT_EQ(Prefix::parse("192.0.2.7")->to_string(), "192.0.2.7/32");
    EXPECT_EQ(Prefix::parse("2001:db8::7")->to_string(), "2001:db8::7/128");
    EXPECT_EQ(Prefix::parse("192.0.2.7/24")->to_string(), "192.0.2.7/24");
    for (const char* text :
         {"192.0.2.7/33", "2001:db8::7/129", "192.0.2.7/", "192.0.2.7/x", "192.0.2.7/+4", "192.0.2.7/24/24"}) {
        EXPECT_FALSE(Prefix::parse(text)) << text;
    }
}

TEST(Prefix, ContainsWhatSharesItsFirstBits) {
    struct Case {
        const char* prefix;
        const char* ip;
        bool contains;
    };
    for (const auto& [prefix, ip, contains] : {
             Case{"192.0.2.1/24", "192.0.2.255", true},
             Case{"192.0.2.1/24", "192.0.3.1", false},
             Case{"192.0.2.0/25", "192.0.2.128", false},
             Case{"192.0.2.128/25", "192.0.2.200", true},
             Case{"0.0.0.0/0", "198.51.100.1", true},
             Case{"192.0.2.1/32", "192.0.2.1", true},
             Case{"2001:db8::/64", "2001:db8::ffff:1", true},
             Case{"2001:db8::/64", "2001:db8:0:1::1", false},
             Case{"::/0", "192.0.2.1", false},
         }) {
        EXPECT_EQ(Prefix::parse(prefix)->contains(*Ip::parse(ip)), contains) << prefix << " " << ip;
    }
}

}  // namespace
}  // namespace steelyard::vip
