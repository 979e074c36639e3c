// steelyard-vip's flags: bad usage is one clear line and status 2.
#include "sidecar/vip/config/options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

namespace steelyard::vip {
namespace {

using testing::HasSubstr;

std::variant<VipOptions, int> parsed(std::vector<std::string> flags) {
    std::vector<const char*> argv{"steelyard-vip"};
    for (const auto& flag : flags) argv.push_back(flag.c_str());
    return parse_vip_options(static_cast<int>(argv.size()), argv.data());
}

VipOptions options(const std::vector<std::string>& flags) {
    auto result = parsed(flags);
    EXPECT_TRUE(std::holds_alternative<VipOptions>(result));
    return std::holds_alternative<VipOptions>(result) ? std::get<VipOptions>(result) : VipOptions{};
}

std::string complaint(const std::vector<std::string>& flags) {
    testing::internal::CaptureStderr();
    const auto result = parsed(flags);
    const std::string said = testing::internal::GetCapturedStderr();
    const int* status = std::get_if<int>(&result);
    EXPECT_TRUE(status != nullptr && *status == 2) << said;
    EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
    return said;
}

// A router by flags, and some more of them.
std::vector<std::string> router(std::vector<std::string> more) {
    more.insert(more.begin(), {"--interface=eth0", "--vrid=17", "--address=192.0.2.7/24"});
    return more;
}

TEST(VipOptions, ARouterByFlagsAlone) {
    const auto o =
        options(router({"--priority=200", "--advert-interval=50", "--no-preempt", "--no-accept", "--preempt-delay=5s",
                        "--peer=10.0.0.2,10.0.0.3", "--ready-url=http://127.0.0.1:9911/readyz",
                        "--admin-listen=127.0.0.1:0", "--ipv4-checksum=message"}));
    ASSERT_EQ(o.config.routers.size(), 1U);
    const Router expected{17,
                          Family::ipv4,
                          {Prefix::parse("192.0.2.7/24").value()},
                          {"eth0"},
                          200,
                          Milliseconds{50},
                          false,
                          Milliseconds{5000},
                          false,
                          {Ip::parse("10.0.0.2").value(), Ip::parse("10.0.0.3").value()}};
    EXPECT_EQ(o.config.routers[0], expected);
    EXPECT_EQ(o.ready_url->port, 9911);
    EXPECT_EQ(o.flow_handover, Milliseconds{60'000});
    EXPECT_EQ(o.ready_interval, Milliseconds{100});
    EXPECT_EQ(o.admin_ip, "127.0.0.1");
    EXPECT_EQ(o.ipv4_checksum, Checksum::message);
}

TEST(VipOptions, AddressesOfBothFamiliesAreARouterOfEach) {
    const auto o = options(router({"--address=2001:db8::7", "--address=192.0.2.8"}));
    ASSERT_EQ(o.config.routers.size(), 2U);
    EXPECT_EQ(o.config.routers[0].addresses.size(), 2U);
    EXPECT_EQ(o.config.routers[1].family, Family::ipv6);
    EXPECT_EQ(o.config.routers[1].id, 17);
    EXPECT_EQ(o.config.routers[1].priority, 100);
}

TEST(VipOptions, AFileStandsInPlaceOfTheRoutersFlags) {
    const auto o = options({"--config=/run/vip.json", "--state-file=/run/state.json"});
    EXPECT_EQ(o.config_file, "/run/vip.json");
    EXPECT_TRUE(o.config.routers.empty());
    for (const char* flag :
         {"--interface=eth0", "--vrid=1", "--priority=1", "--address=192.0.2.7", "--advert-interval=100",
          "--peer=10.0.0.2", "--preempt-delay=1s", "--no-preempt", "--no-accept"}) {
        EXPECT_THAT(complaint({"--config=/run/vip.json", flag}), HasSubstr("has no place beside --config"));
    }
}

TEST(VipOptions, TheEnvironmentIsHeeded) {
    ::setenv("STEELYARD_VRID", "9", 1);
    const auto o = options({"--interface=eth0", "--address=192.0.2.7"});
    ::unsetenv("STEELYARD_VRID");
    EXPECT_EQ(o.config.routers.at(0).id, 9);
}

TEST(VipOptions, WhatIsWrongIsNamed) {
    EXPECT_THAT(complaint({}), HasSubstr("--interface: is needed without --config"));
    EXPECT_THAT(complaint({"--interface=eth0", "--vrid=1"}), HasSubstr("--address: is needed without --config"));
    EXPECT_THAT(complaint({"--interface=eth0", "--address=192.0.2.7"}),
                HasSubstr("--vrid: 0 is not a virtual router id (1-255)"));
    const auto of = [](const char* flag) { return complaint(router({flag})); };
    EXPECT_THAT(complaint({"--interface=eth/0", "--vrid=1", "--address=192.0.2.7"}),
                HasSubstr("--interface: 'eth/0' is no name"));
    EXPECT_THAT(complaint({"--interface=eth0", "--vrid=256", "--address=192.0.2.7"}), HasSubstr("--vrid: 256 is not"));
    EXPECT_THAT(of("--priority=0"), HasSubstr("--priority: 0 is not a priority (1-255)"));
    EXPECT_THAT(of("--priority=high"), HasSubstr("--priority"));
    EXPECT_THAT(of("--advert-interval=105"), HasSubstr("--advert-interval: 105 is not a multiple of 10"));
    EXPECT_THAT(of("--advert-interval=0"),
                HasSubstr("--advert-interval: 0 is not an interval in milliseconds (10-40950)"));
    EXPECT_THAT(of("--address=192.0.2.0/40"), HasSubstr("--address: '192.0.2.0/40' is not an IP address"));
    EXPECT_THAT(of("--address=192.0.2.7"), HasSubstr("--address: '192.0.2.7' is given twice"));
    EXPECT_THAT(of("--address=224.0.0.18"), HasSubstr("--address: '224.0.0.18' is a multicast address"));
    EXPECT_THAT(of("--peer=node-2"), HasSubstr("--peer: 'node-2' is not an IP address"));
    EXPECT_THAT(of("--peer=fd00::2"), HasSubstr("--peer: 'fd00::2' is of a family that no --address is of"));
    EXPECT_THAT(complaint(router({"--address=2001:db8::7", "--peer=10.0.0.2"})), HasSubstr("--peer: none is of ipv6"));
    EXPECT_THAT(of("--preempt-delay=2h"), HasSubstr("--preempt-delay: '2h' is not a time up to an hour"));
    EXPECT_THAT(of("--flow-handover=2h"), HasSubstr("--flow-handover: '2h' is not a duration up to 1h, such as 60s"));
    EXPECT_THAT(of("--ready-interval=1ms"), HasSubstr("--ready-interval: '1ms' is not a duration from 10ms to 1m"));
    EXPECT_THAT(of("--admin-listen=9913"), HasSubstr("--admin-listen: "));
    EXPECT_THAT(of("--ipv4-checksum=none"), HasSubstr("--ipv4-checksum: 'none' is not one of pseudo-header, message"));
    EXPECT_THAT(of("--master"), HasSubstr("--master"));
}

TEST(VipOptions, AnAddressAsAPodsEnvironmentHasItNeedsNoBrackets) {
    const auto o = options(router({"--admin-listen=fd00::7:9913"}));
    EXPECT_EQ(o.admin_ip, "fd00::7");
    EXPECT_EQ(o.admin_port, 9913);
}

TEST(VipOptions, TheReadyUrlIsAnAddressAndAPath) {
    const auto url = [](const char* text) { return parse_ready_url(text).value(); };
    const Ip local = Ip::parse("127.0.0.1").value();
    EXPECT_EQ(url("http://127.0.0.1:9911/readyz"), (ReadyUrl{local, 9911, "/readyz", "127.0.0.1:9911"}));
    EXPECT_EQ(url("http://localhost"), (ReadyUrl{local, 80, "/", "localhost"}));
    EXPECT_EQ(url("http://[::1]:8080?a=b"), (ReadyUrl{Ip::parse("::1").value(), 8080, "/?a=b", "[::1]:8080"}));
    EXPECT_EQ(url("http://[::1]/x"), (ReadyUrl{Ip::parse("::1").value(), 80, "/x", "[::1]"}));
    for (const char* bad :
         {"https://127.0.0.1/", "127.0.0.1:80", "http://", "http://proxy/", "http://::1/", "http://[::1",
          "http://[::1]x", "http://127.0.0.1:0/", "http://127.0.0.1:65536/", "http://127.0.0.1:/",
          "http://127.0.0.1/a b", "http://127.0.0.1/\r\nX: y", "http://127.0.0.1/#x", "http://user@127.0.0.1/"}) {
        const auto parsed_url = parse_ready_url(bad);
        ASSERT_FALSE(parsed_url) << bad;
        EXPECT_EQ(parsed_url.error().where, "--ready-url");
    }
}

}  // namespace
}  // namespace steelyard::vip
