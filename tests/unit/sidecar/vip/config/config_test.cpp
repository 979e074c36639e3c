// What this node should do is read strictly: what is wrong is named with its place, and nothing of the file is taken.
#include "sidecar/vip/config/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace steelyard::vip {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

Prefix prefix(const char* text) { return Prefix::parse(text).value(); }

// A file with one router, whose fields are as given after the required ones.
std::string with(const std::string& more, const std::string& addresses = R"(["192.0.2.7"])") {
    return R"({"format":1,"routers":[{"id":17,"family":"ipv4","priority":213,"addresses":)" + addresses + more + "}]}";
}

std::string complaint(const std::string& text) {
    const auto config = decode_config(text, "vip.json");
    EXPECT_FALSE(config) << text;
    return config ? "" : config.error().to_string();
}

Config everything() {
    Router ipv4{17,
                Family::ipv4,
                {prefix("192.0.2.7"), prefix("192.0.2.8/24")},
                {"eth*", "bond0"},
                213,
                Milliseconds{250},
                false,
                Milliseconds{5000},
                false,
                {Ip::parse("10.0.0.2").value()}};
    Router ipv6{17, Family::ipv6, {prefix("2001:db8::7/64")}, {}, 255};
    Router by_lease{18, Family::ipv4, {prefix("192.0.2.9")}, {}, 128};
    by_lease.lease_until_ms = 8'640'123'456;
    Router not_held{19, Family::ipv4, {prefix("192.0.2.10")}, {}, 128};
    not_held.lease_until_ms = 0;
    return {{ipv4, ipv6, by_lease, not_held}};
}

TEST(VipConfig, WhatIsWrittenIsRead) {
    const auto config = decode_config(encode_config(everything()), "vip.json");
    ASSERT_TRUE(config) << config.error().to_string();
    EXPECT_EQ(*config, everything());
    EXPECT_EQ(*decode_config(encode_config({}), "vip.json"), Config{});
}

TEST(VipConfig, WhatIsNotSaidHasItsDefault) {
    const auto config = decode_config(with(""), "vip.json");
    ASSERT_TRUE(config) << config.error().to_string();
    EXPECT_EQ(config->routers,
              (std::vector<Router>{{17, Family::ipv4, {prefix("192.0.2.7/32")}, {}, 213, Milliseconds{100}}}));
}

TEST(VipConfig, ALeaseThatWasRenewedChangesNothingElse) {
    auto renewed = everything();
    renewed.routers[2].lease_until_ms = 0;
    renewed.routers[3].lease_until_ms = 7;
    EXPECT_NE(renewed, everything());
    EXPECT_TRUE(same_but_leases(renewed, everything()));
    renewed.routers[2].lease_until_ms.reset();
    EXPECT_FALSE(same_but_leases(renewed, everything())) << "by VRRP from now on";
    renewed = everything();
    renewed.routers[2].priority = 129;
    EXPECT_FALSE(same_but_leases(renewed, everything()));
    renewed = everything();
    renewed.routers.pop_back();
    EXPECT_FALSE(same_but_leases(renewed, everything()));
}

TEST(VipConfig, WhatIsNoConfigurationIsRefused) {
    EXPECT_EQ(complaint("{"), "vip.json: is not JSON");
    EXPECT_EQ(complaint(std::string(100'000, '[')), "vip.json: is not JSON");
    EXPECT_EQ(complaint("[]"), "vip.json: is a list, not an object");
    EXPECT_EQ(complaint(R"({"routers":[]})"), "vip.json: format: is missing");
    EXPECT_EQ(complaint(R"({"format":2,"routers":[]})"), "vip.json: format: 2 is not 1, the one this program reads");
    EXPECT_EQ(complaint(R"({"format":1})"), "vip.json: routers: is missing");
    EXPECT_EQ(complaint(R"({"format":1,"routers":{}})"), "vip.json: routers: is an object, not a list");
    EXPECT_EQ(complaint(R"({"format":1,"routers":[],"router":[]})"), "vip.json: router: is not a known field");
    EXPECT_EQ(complaint(R"({"format":1,"routers":[7]})"), "vip.json: routers[0]: is a number, not an object");
}

TEST(VipConfig, AWrongFieldIsNamedWithItsPlace) {
    const auto of = [](const std::string& more) { return complaint(with("," + more)); };
    EXPECT_EQ(of(R"("Peers":[])"), "vip.json: routers[0].Peers: is not a known field");
    EXPECT_EQ(of(R"("preempt":"yes")"), "vip.json: routers[0].preempt: is a string, not a boolean");
    EXPECT_EQ(of(R"("accept":1)"), "vip.json: routers[0].accept: is a number, not a boolean");
    EXPECT_THAT(of(R"("advertisement_interval_ms":105)"),
                HasSubstr("advertisement_interval_ms: 105 is not a multiple of 10"));
    EXPECT_THAT(of(R"("advertisement_interval_ms":0)"),
                HasSubstr("0 is not an advertisement interval in milliseconds (10-40950)"));
    EXPECT_THAT(of(R"("advertisement_interval_ms":40960)"), HasSubstr("40960 is not"));
    EXPECT_THAT(of(R"("advertisement_interval_ms":1e2)"),
                HasSubstr("routers[0].advertisement_interval_ms: 100.0 is not"));
    EXPECT_THAT(of(R"("preempt_delay_ms":3600001)"), HasSubstr("preempt_delay_ms: 3600001 is not"));
    EXPECT_THAT(of(R"("preempt_delay_ms":-1)"), HasSubstr("preempt_delay_ms: -1 is not"));
    EXPECT_THAT(of(R"("lease_until_ms":-1)"),
                HasSubstr("routers[0].lease_until_ms: -1 is not a moment in milliseconds"));
    EXPECT_THAT(of(R"("lease_until_ms":9007199254740992)"), HasSubstr("lease_until_ms: 9007199254740992 is not"));
    EXPECT_THAT(of(R"("lease_until_ms":null)"), HasSubstr("lease_until_ms: is null, not a number"));
    EXPECT_THAT(of(R"("interfaces":["eth0/1"])"), HasSubstr("interfaces[0]: 'eth0/1' is no name of an interface"));
    EXPECT_THAT(of(R"("interfaces":["eth0","a-name-of-16-byt"])"),
                HasSubstr("interfaces[1]: 'a-name-of-16-byt' is longer than 15"));
    EXPECT_THAT(of(R"("interfaces":[""])"), HasSubstr("interfaces[0]: '' is empty"));
    EXPECT_THAT(of(R"("peers":["10.0.0.2",7])"), HasSubstr("peers[1]: is a number, not a string"));
    EXPECT_THAT(of(R"("peers":["node-2"])"), HasSubstr("peers[0]: 'node-2' is not an IP address"));
    EXPECT_THAT(of(R"("peers":["fd00::2"])"), HasSubstr("peers[0]: 'fd00::2' is not of the router's family, ipv4"));
    EXPECT_THAT(of(R"("id":0)"), HasSubstr("routers[0].id: 0 is not a virtual router id (1-255)"));
    EXPECT_THAT(of(R"("priority":256)"), HasSubstr("routers[0].priority: 256 is not a priority (1-255)"));
    EXPECT_THAT(of(R"("family":"IPv4")"), HasSubstr("routers[0].family: 'IPv4' is not one of ipv4, ipv6"));
}

TEST(VipConfig, AnAddressThatCannotBeOneIsNamed) {
    const auto of = [](const std::string& addresses) { return complaint(with("", addresses)); };
    EXPECT_EQ(of("[]"), "vip.json: routers[0].addresses: is empty; a router needs an address");
    EXPECT_THAT(of(R"(["192.0.2.7/33"])"),
                HasSubstr("addresses[0]: '192.0.2.7/33' is not an IP address, nor one with /LENGTH"));
    EXPECT_THAT(of(R"(["192.0.2.7\u0000/8"])"), HasSubstr("addresses[0]: '192.0.2.7?/8' is not an IP address"));
    EXPECT_THAT(of(R"(["192.0.2.7","192.0.2.7/24"])"), HasSubstr("addresses[1]: '192.0.2.7/24' is there twice"));
    EXPECT_THAT(of(R"(["2001:db8::7"])"), HasSubstr("is not of the router's family, ipv4"));
    for (const char* bad : {"0.0.0.0", "127.0.0.1", "224.0.0.18", "255.255.255.255", "240.0.0.1"})
        EXPECT_THAT(of("[\"" + std::string(bad) + "\"]"), HasSubstr(std::string("'") + bad + "' is a"));
    const auto ipv6 = [&](const std::string& text) {
        return address_problem(Ip::parse(text).value(), Family::ipv6).value_or("");
    };
    EXPECT_EQ(ipv6("::"), "is an unspecified address");
    EXPECT_EQ(ipv6("::1"), "is a loopback address");
    EXPECT_EQ(ipv6("ff02::12"), "is a multicast address");
    EXPECT_EQ(ipv6("::ffff:192.0.2.7"), "is an IPv4 address written as IPv6");
    EXPECT_EQ(ipv6("2001:db8::7"), "");
    EXPECT_EQ(ipv6("fe80::7"), "");
}

TEST(VipConfig, RoutersDoNotShareAnIdOrAnAddress) {
    auto config = everything();
    config.routers[1] = config.routers[0];
    EXPECT_THAT(complaint(encode_config(config)), StartsWith("vip.json: routers[1].id: 17 is there twice for ipv4"));
    config.routers[1].id = 18;
    EXPECT_THAT(complaint(encode_config(config)),
                HasSubstr("routers[1].addresses: '192.0.2.7' is in another router, too"));
}

TEST(VipConfig, ThereIsAnEndToEverything) {
    Config config;
    config.routers.resize(kMaxRouters + 1, everything().routers[1]);
    EXPECT_THAT(complaint(encode_config(config)), HasSubstr("routers: 513 elements; at most 512 are allowed"));
    config = everything();
    config.routers[0].addresses.resize(kMaxRouterAddresses + 1);
    EXPECT_THAT(complaint(encode_config(config)), HasSubstr("routers[0].addresses: 65 elements; at most 64"));
    config = everything();
    config.routers[0].interfaces.resize(kMaxRouterInterfaces + 1, "eth0");
    EXPECT_THAT(complaint(encode_config(config)), HasSubstr("routers[0].interfaces: 17 elements; at most 16"));
    config = everything();
    config.routers[0].peers.resize(kMaxRouterPeers + 1, Ip::parse("10.0.0.2").value());
    EXPECT_THAT(complaint(encode_config(config)), HasSubstr("routers[0].peers: 65 elements; at most 64"));
}

TEST(VipConfig, AGlobIsTheWholeNameWithAnythingInPlaceOfEachStar) {
    EXPECT_TRUE(matches_interface("eth0", "eth0"));
    EXPECT_TRUE(matches_interface("eth*", "eth0"));
    EXPECT_TRUE(matches_interface("eth*", "eth"));
    EXPECT_TRUE(matches_interface("*", "eth0"));
    EXPECT_TRUE(matches_interface("e*h*0", "enth10.10"));
    EXPECT_TRUE(matches_interface("**s0", "enp1s2s0"));
    EXPECT_FALSE(matches_interface("eth*", "veth0"));
    EXPECT_FALSE(matches_interface("eth", "eth0"));
    EXPECT_FALSE(matches_interface("*1", "eth0"));
    EXPECT_FALSE(matches_interface("", "eth0"));
}

TEST(VipConfig, AFileIsReadFromTheDiskAndItsAbsenceIsNoError) {
    const auto directory = std::filesystem::temp_directory_path() / ("vip-config-" + std::to_string(::getpid()));
    std::filesystem::create_directory(directory);
    const std::string path = directory / "vip.json";
    auto none = load_config(path);
    ASSERT_TRUE(none);
    EXPECT_FALSE(none->has_value());
    std::ofstream(path) << encode_config(everything());
    EXPECT_EQ(**load_config(path), everything());
    std::ofstream(path) << "x";
    EXPECT_EQ(load_config(path).error().where, path);
    EXPECT_THAT(load_config(directory).error().to_string(), HasSubstr("is not a regular file"));
    std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace steelyard::vip
