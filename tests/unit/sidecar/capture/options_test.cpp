// Bad usage is one clear line and status 2; a program that is not nft, or fails, changes nothing and says so.
#include "sidecar/capture/options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "sidecar/nft/nft.hpp"

namespace steelyard::capture {
namespace {

using testing::HasSubstr;

std::string complaint(std::vector<const char*> flags) {
    flags.insert(flags.begin(), "steelyard-capture");
    testing::internal::CaptureStderr();
    const auto options = parse_options(static_cast<int>(flags.size()), flags.data());
    const std::string said = testing::internal::GetCapturedStderr();
    const int* status = std::get_if<int>(&options);
    EXPECT_TRUE(status != nullptr && *status == 2);
    EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
    return said;
}

TEST(CaptureOptions, WhatIsWrongIsNamed) {
    constexpr const char* kCidr = "--service-cidr=10.96.0.0/16";
    constexpr const char* kUid = "--proxy-uid=7";
    EXPECT_THAT(complaint({kUid}), HasSubstr("--service-cidr is required"));
    EXPECT_THAT(complaint({kCidr}), HasSubstr("--proxy-uid is required"));
    EXPECT_THAT(complaint({kCidr, "--proxy-uid=0"}), HasSubstr("--proxy-uid"));
    EXPECT_THAT(complaint({kCidr, "--proxy-uid=envoy"}), HasSubstr("--proxy-uid"));
    EXPECT_THAT(complaint({kCidr, kUid, "--port=0"}), HasSubstr("--port"));
    EXPECT_THAT(complaint({kUid, "--service-cidr=10.96.0.0/40"}), HasSubstr("--service-cidr: '10.96.0.0/40'"));
    EXPECT_THAT(complaint({kCidr, kUid, "--exclude-port=0"}), HasSubstr("--exclude-port: '0'"));
    EXPECT_THAT(complaint({kCidr, kUid, "--exclude-cidr=x"}), HasSubstr("--exclude-cidr: 'x'"));
    EXPECT_THAT(complaint({kCidr, kUid, "--udp"}), HasSubstr("--udp"));
    EXPECT_THAT(complaint({"--return-path", kCidr}), HasSubstr("--return-path: goes with neither"));
    EXPECT_THAT(complaint({"--return-path", "--mark=0"}), HasSubstr("--mark"));
    EXPECT_THAT(complaint({"--return-path", "--table=254"}), HasSubstr("--table"));
    EXPECT_THAT(complaint({kCidr, kUid, "--remove"}), HasSubstr("--remove: goes with --return-path"));
}

TEST(CaptureOptions, TheReturnPathNeedsNothingElse) {
    const std::vector<const char*> argv{"steelyard-capture", "--return-path", "--mark=16", "--table=300"};
    const auto options = parse_options(static_cast<int>(argv.size()), argv.data());
    ASSERT_TRUE(std::holds_alternative<CaptureProgram>(options));
    const auto& path = std::get<CaptureProgram>(options).return_path;
    ASSERT_TRUE(path);
    EXPECT_EQ(path->table, 300U);
    EXPECT_EQ(return_ruleset(*path),
              "table inet steelyard_return\ndelete table inet steelyard_return\ntable inet steelyard_return {\n"
              "\tchain prerouting {\n\t\ttype filter hook prerouting priority -150; policy accept;\n"
              "\t\tmeta l4proto != { tcp, udp } return\n\t\tfib daddr type local return\n"
              "\t\tsocket transparent 1 meta mark set meta mark | 0x00000010 counter\n\t}\n}\n");
}

TEST(CaptureOptions, AServicesVariableInTheEnvironmentIsNoFlag) {
    ::setenv("STEELYARD_PORT", "tcp://10.96.3.4:80", 1);
    const std::vector<const char*> argv{"steelyard-capture", "--service-cidr=10.96.0.0/16", "--proxy-uid=7"};
    const auto options = parse_options(static_cast<int>(argv.size()), argv.data());
    ::unsetenv("STEELYARD_PORT");
    ASSERT_TRUE(std::holds_alternative<CaptureProgram>(options));
    EXPECT_EQ(std::get<CaptureProgram>(options).rules.port, 15001);
}

TEST(CaptureNft, AProgramThatCannotBeRunOrFailsIsAnErrorWithItsWords) {
    EXPECT_THAT(run_nft("/nowhere/nft", "x").error().to_string(),
                HasSubstr("/nowhere/nft: cannot be run: No such file"));
    EXPECT_THAT(run_nft("/bin/false", "x").error().to_string(), HasSubstr("nothing was changed"));
    EXPECT_THAT(run_nft("/bin/cat", "x").error().to_string(), HasSubstr("invalid option"));
    EXPECT_TRUE(run_nft("/bin/true", std::string(1 << 20, 'x'))) << "which reads nothing";
}

}  // namespace
}  // namespace steelyard::capture
