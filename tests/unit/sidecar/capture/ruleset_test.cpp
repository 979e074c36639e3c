// tests/golden/capture: NAME.args, a flag a line, and NAME.nft, the rules that they become.
#include "sidecar/capture/ruleset.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "sidecar/capture/options.hpp"

namespace steelyard::capture {
namespace {

namespace fs = std::filesystem;
const fs::path kFolder = fs::path(STEELYARD_SOURCE_DIR) / "tests/golden/capture";

class CaptureGolden : public testing::TestWithParam<std::string> {};

TEST_P(CaptureGolden, ComesOutAsReviewed) {
    std::vector<std::string> words{"steelyard-capture"};
    std::ifstream flags(kFolder / (GetParam() + ".args"));
    for (std::string line; std::getline(flags, line);) words.push_back(line);
    std::vector<const char*> argv;
    for (const auto& word : words) argv.push_back(word.c_str());
    const auto options = parse_options(static_cast<int>(argv.size()), argv.data());
    ASSERT_TRUE(std::holds_alternative<CaptureProgram>(options));
    std::ostringstream expected;
    expected << std::ifstream(kFolder / (GetParam() + ".nft")).rdbuf();
    EXPECT_EQ(ruleset(std::get<CaptureProgram>(options).rules), expected.str());
}

INSTANTIATE_TEST_SUITE_P(Capture, CaptureGolden, testing::Values("plain", "everything"));

TEST(CaptureCidr, IsMadeCanonical) {
    EXPECT_EQ(parse_cidr("10.96.0.0/16")->text, "10.96.0.0/16");
    EXPECT_EQ(parse_cidr("0.0.0.0/0")->text, "0.0.0.0/0");
    EXPECT_EQ(parse_cidr("10.96.0.1")->text, "10.96.0.1/32");
    EXPECT_EQ(parse_cidr("FD00:0::/64")->text, "fd00::/64");
    EXPECT_TRUE(parse_cidr("::1")->ipv6);
    EXPECT_FALSE(parse_cidr("10.0.0.0/8")->ipv6);
}

TEST(CaptureCidr, IsRefusedWhenItIsNone) {
    for (const char* text :
         {"", "/", "10.96.0.0/", "/16", "10.96.0.0/33", "fd00::/129", "10.96/16", "10.96.0.0/-1", "10.96.0.0/+8",
          "10.96.0.0/16 ", " 10.96.0.0/16", "10.96.0.0/0x10", "web", "10.96.0.0/16;flush ruleset",
          "fd00:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/64", "10.96.0.0/16/16"}) {
        EXPECT_FALSE(parse_cidr(text)) << text;
    }
    EXPECT_EQ(parse_cidr("10.96.1.0/16").error().problem,
              "'10.96.1.0/16' has address bits beyond its prefix; the network would be 10.96.0.0/16");
    EXPECT_EQ(parse_cidr("we\nb").error().problem,
              "'we?b' is not a range of addresses such as 10.96.0.0/16 or fd00::/112");
}

TEST(CapturePorts, AreOneOrARange) {
    EXPECT_EQ(parse_ports("3306")->to_string(), "3306");
    EXPECT_EQ(parse_ports("9000-9100")->to_string(), "9000-9100");
    EXPECT_EQ(parse_ports("80-80")->to_string(), "80");
    for (const char* text :
         {"", "0", "65536", "80-", "-80", "90-80", "0-80", "80-90-100", "http", "80 ", "+80", "80;"}) {
        EXPECT_FALSE(parse_ports(text)) << text;
    }
}

TEST(CaptureSummary, SaysWhatGoesToTheProxyAndWhatDoesNot) {
    const Rules rules{15001, 7, {*parse_cidr("10.96.0.0/16")}, {*parse_ports("22")}, {*parse_cidr("10.96.0.1")}};
    EXPECT_EQ(
        summary(rules),
        "TCP to 10.96.0.0/16 is redirected to port 15001; not so from uid 7, to port 53, to port 22, to 10.96.0.1/32");
}

}  // namespace
}  // namespace steelyard::capture
