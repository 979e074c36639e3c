#include "sidecar/http/networks.hpp"

#include <gtest/gtest.h>

#include <string>

namespace steelyard::http {
namespace {

std::string shown(const std::optional<IpBytes>& ip) { return ip ? std::string(IpText(*ip).view()) : "none"; }

TEST(Node, IsAnAddressWithOrWithoutPortAndBrackets) {
    const struct {
        std::string_view text;
        std::string_view ip;
    } cases[] = {
        {"10.0.0.1", "10.0.0.1"},
        {"10.0.0.1:80", "10.0.0.1"},
        {"10.0.0.1:65535", "10.0.0.1"},
        {"fd00::1", "fd00::1"},
        {"FD00:0:0::1", "fd00::1"},
        {"[fd00::1]", "fd00::1"},
        {"[fd00::1]:443", "fd00::1"},
        {"::ffff:10.0.0.1", "10.0.0.1"},
        {"[::ffff:10.0.0.1]:1", "10.0.0.1"},
        {"", "none"},
        {"unknown", "none"},
        {"_hidden", "none"},
        {"web.test", "none"},
        {"10.0.0", "none"},
        {"10.0.0.256", "none"},
        {"010.0.0.1", "none"},
        {"0x0a.0.0.1", "none"},
        {"10.0.0.1 ", "none"},
        {" 10.0.0.1", "none"},
        {"10.0.0.1:", "none"},
        {"10.0.0.1:65536", "none"},
        {"10.0.0.1:080", "none"},
        {"10.0.0.1:-1", "none"},
        {"10.0.0.1:_p", "none"},
        {"[10.0.0.1]", "none"},
        {"[fd00::1", "none"},
        {"fd00::1]", "none"},
        {"[fd00::1]443", "none"},
        {"[fd00::1%eth0]", "none"},
        {"fd00::1%1", "none"},
        {"[]", "none"},
        {"fd00:::1", "none"},
        {"1:2:3:4:5:6:7:8:9", "none"},
        {"\"10.0.0.1\"", "none"},
    };
    for (const auto& c : cases) EXPECT_EQ(shown(parse_node(c.text)), c.ip) << c.text;
    EXPECT_EQ(shown(parse_node(std::string_view("10.0.0.1\0", 9))), "none");
    EXPECT_EQ(shown(parse_node(std::string(10'000, '1'))), "none");
}

TEST(Networks, ContainWhatTheirPrefixSays) {
    const auto networks = Networks::parse("10.0.0.0/8, 192.0.2.7,fd00:1::/33 ,203.0.113.128/25", "--flag");
    ASSERT_TRUE(networks);
    const struct {
        std::string_view ip;
        bool in;
    } cases[] = {
        {"10.0.0.0", true},        {"10.255.255.255", true}, {"11.0.0.0", false},      {"9.255.255.255", false},
        {"192.0.2.7", true},       {"192.0.2.6", false},     {"203.0.113.128", true},  {"203.0.113.127", false},
        {"::ffff:10.1.1.1", true}, {"fd00:1:7fff::1", true}, {"fd00:1:8000::", false}, {"fd00:2::", false},
        {"127.0.0.1", false},      {"::1", false},           {"::a00:1", false},
    };
    for (const auto& c : cases) EXPECT_EQ(networks->contains(*parse_ip(c.ip)), c.in) << c.ip;
}

TEST(Networks, OfEverythingAndOfNothing) {
    EXPECT_TRUE(Networks::parse("0.0.0.0/0", "x")->contains(*parse_ip("203.0.113.1")));
    EXPECT_FALSE(Networks::parse("0.0.0.0/0", "x")->contains(*parse_ip("fd00::1")));
    EXPECT_TRUE(Networks::parse("::/0", "x")->contains(*parse_ip("fd00::1")));
    const auto none = Networks::parse("", "x");
    ASSERT_TRUE(none);
    EXPECT_TRUE(none->empty());
    EXPECT_FALSE(none->contains(*parse_ip("127.0.0.1"))) << "loopback is not special";
}

TEST(Networks, SayWhatIsWrongWithAList) {
    const struct {
        std::string_view list;
        std::string_view problem;
    } cases[] = {
        {"10.0.0.0/33", "'10.0.0.0/33' has no prefix length of 0-32 after its slash"},
        {"fd00::/129", "'fd00::/129' has no prefix length of 0-128 after its slash"},
        {"10.0.0.0/", "'10.0.0.0/' has no prefix length of 0-32 after its slash"},
        {"10.0.0.0/08", "'10.0.0.0/08' has no prefix length of 0-32 after its slash"},
        {"10.0.0.0/8,,", "'' is not a network such as 10.0.0.0/8, fd00::/8 or 192.0.2.7"},
        {"loopback", "'loopback' is not a network such as 10.0.0.0/8, fd00::/8 or 192.0.2.7"},
        {"10.0.0.1/8", "'10.0.0.1/8' has address bits beyond its prefix; the network would be 10.0.0.0/8"},
        {"fd00::1/64", "'fd00::1/64' has address bits beyond its prefix; the network would be fd00::/64"},
    };
    for (const auto& c : cases) {
        const auto parsed = Networks::parse(c.list, "--flag");
        ASSERT_FALSE(parsed) << c.list;
        EXPECT_EQ(parsed.error().problem, c.problem);
    }
    std::string many = "10.0.0.1";
    for (size_t i = 1; i < Networks::kMost; ++i) many += ",10.0.0.1";
    EXPECT_TRUE(Networks::parse(many, "x"));
    EXPECT_FALSE(Networks::parse(many + ",10.0.0.1", "x"));
}

}  // namespace
}  // namespace steelyard::http
